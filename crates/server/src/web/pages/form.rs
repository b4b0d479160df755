//! The fields of a posted form.

use http::header;

use super::PageError;
use crate::web::Call;

/// A form as it was posted.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body. A form that a page of another site posted is refused: no browser sends one by itself, and our own
    /// pages have no need of it.
    pub(super) fn read(call: &Call) -> Result<Self, PageError> {
        if call.header("sec-fetch-site").is_some_and(|site| site == "cross-site") {
            return Err(PageError::OtherBrowser);
        }
        Self::read_from_anywhere(call)
    }

    /// The same for endpoints that other sites may post to.
    pub(super) fn read_from_anywhere(call: &Call) -> Result<Self, PageError> {
        let kind = call.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(PageError::BadForm);
        }
        let text = std::str::from_utf8(&call.body).map_err(|_| PageError::BadForm)?;
        Ok(Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
    }

    /// A field; empty when it was not posted.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// All fields, in order.
    pub(super) fn into_fields(self) -> Vec<(String, String)> {
        self.0
    }
}
