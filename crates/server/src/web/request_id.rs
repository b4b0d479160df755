//! The name of a request: it stands in the header `x-request-id` of the answer and in every process log line that the
//! request causes (`docs/COMPATIBILITY.md` C1037).

use http::{Extensions, HeaderMap, HeaderName};

use super::{Reply, peer};
use crate::app::App;

/// The name of one request.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// The name that a trusted proxy gave the request, or a new one.
    pub fn of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let given = headers.get(NAME).and_then(|value| value.to_str().ok()).filter(|name| is_name(name));
        match given.filter(|_| peer::is_proxy(app, extensions)) {
            Some(name) => Self(name.to_owned()),
            None => Self(app.request_ids.next()),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The answer with the name on it.
    pub fn sign(&self, reply: Reply) -> Reply {
        reply.with(NAME, &self.0)
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

const NAME: HeaderName = HeaderName::from_static("x-request-id");
