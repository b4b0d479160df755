//! An outgoing HTTP call as plain values, so that providers can describe one without making it.

use std::time::Duration;

use super::secret::Secret;

/// A request that the outbound client can send. Method POST, as every message provider wants.
#[derive(Debug, Clone)]
pub struct Request {
    /// Absolute `http` or `https` address.
    pub url: String,
    /// Header names (lower case) and values, besides `host` and `content-length`.
    pub headers: Vec<(&'static str, String)>,
    /// The whole `authorization` header value, when one is sent.
    pub authorization: Option<Secret>,
    /// The body; it holds a code and a phone number, so it is never printed.
    pub body: Secret,
    /// How long the whole exchange may take, connecting included.
    pub timeout: Duration,
}

/// What came back: the status, and no more of the body than a provider may look at.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// The first bytes of the body (8 KiB at most).
    pub body: Vec<u8>,
}

/// Why no answer came back. [`Failure::code`] is the word that callers and the tenant log see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The time ran out before a connection stood.
    ConnectTimeout,
    /// The time ran out on an open connection.
    ReadTimeout,
    /// The other side refused the connection.
    Refused,
    /// The name does not resolve.
    NotFound,
    /// The connection broke.
    Reset,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// The address is private or special and not on the operator's list.
    Forbidden,
    /// There is no way to the address.
    Unreachable,
    /// The URL is not an absolute http or https address.
    BadUrl,
}

impl Failure {
    /// The short code, in the spelling of Node.js that Auth0 callers know (`ECONNREFUSED`).
    pub fn code(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "ETIMEDOUT",
            Self::ReadTimeout => "ESOCKETTIMEDOUT",
            Self::Refused => "ECONNREFUSED",
            Self::NotFound => "ENOTFOUND",
            Self::Reset => "ECONNRESET",
            Self::Tls => "CERT_INVALID",
            Self::Forbidden | Self::Unreachable => "EHOSTUNREACH",
            Self::BadUrl => "EINVAL",
        }
    }
}
