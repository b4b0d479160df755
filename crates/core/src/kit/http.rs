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
    /// Which addresses it may go to.
    pub reach: Reach,
}

/// Which addresses a request may go to; it depends on who chose the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Stored settings name the host: public addresses, and the networks that the operator listed.
    Guarded,
    /// The process's own settings name the host: any address.
    Anywhere,
}

/// What came back: the status, and no more of the body than a provider may look at.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// The `Retry-After` header, where it is a number of seconds (RFC 9110, section 10.2.3).
    pub retry_after: Option<Duration>,
    /// The first bytes of the body (8 KiB at most).
    pub body: Vec<u8>,
}

/// Why no answer came back. [`Failure::code`] is the word that callers and the tenant log see; the variant also tells
/// whether anything can have been sent ([`Failure::is_before_sending`]).
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
    /// The connection broke while it was being made: nothing was sent.
    Dropped,
    /// The connection broke after it stood: the request may have arrived.
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
            Self::Dropped | Self::Reset => "ECONNRESET",
            Self::Tls => "CERT_INVALID",
            Self::Forbidden | Self::Unreachable => "EHOSTUNREACH",
            Self::BadUrl => "EINVAL",
        }
    }

    /// Whether no connection ever stood, so that the other side cannot have seen the request. A failed certificate is not
    /// counted: some servers complain of one only after the request.
    pub fn is_before_sending(self) -> bool {
        match self {
            Self::ConnectTimeout
            | Self::Refused
            | Self::NotFound
            | Self::Dropped
            | Self::Forbidden
            | Self::Unreachable
            | Self::BadUrl => true,
            Self::ReadTimeout | Self::Reset | Self::Tls => false,
        }
    }
}
