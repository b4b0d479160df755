//! Reads a body into named members: a JSON object or a form, whichever the content type says (C106-C108).

use http::header;
use serde_json::{Map, Value};

use super::error::AuthError;
use crate::web::Call;

/// The members of a request body.
pub(super) type Members = Map<String, Value>;

/// Reads the body; `malformed` is the error of this endpoint for a body that cannot be read.
pub(super) fn read(call: &Call, malformed: &AuthError) -> Result<Members, AuthError> {
    let kind = call.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => serde_json::from_slice(&call.body).map_err(|_| malformed.clone()),
        "application/x-www-form-urlencoded" => {
            let text = std::str::from_utf8(&call.body).map_err(|_| malformed.clone())?;
            Ok(form_urlencoded::parse(text.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned().into())).collect())
        }
        _ => Err(AuthError::UnsupportedContentType),
    }
}

/// An optional text parameter of an OAuth endpoint; null and empty count as absent.
pub(super) fn optional<'a>(members: &'a Members, name: &'static str) -> Result<Option<&'a str>, AuthError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(AuthError::BadParameter(name)),
    }
}

/// A text parameter that an OAuth endpoint needs.
pub(super) fn required<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, AuthError> {
    optional(members, name)?.ok_or(AuthError::MissingParameter(name))
}

/// The JSON type of a value, as error texts name it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
