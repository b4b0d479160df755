//! A mail and the server that takes it, as plain values, so that a provider can describe a delivery without making it.

use std::time::Duration;

use super::http;
use super::secret::Secret;

/// A mail that the outbound client can hand to a server (RFC 5321).
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Name or address of the server.
    pub host: String,
    /// Its port; on 465 the connection is encrypted from its first byte (RFC 8314), elsewhere by STARTTLS (RFC 3207).
    pub port: u16,
    /// Who logs in there.
    pub login: Option<Login>,
    /// What this host calls itself in EHLO.
    pub hello: String,
    /// Sender of the envelope, a bare address.
    pub from: Secret,
    /// Recipient of the envelope, a bare address.
    pub to: Secret,
    /// The whole message (RFC 5322), its lines ended by CR and LF.
    pub message: Secret,
    /// How long everything may take, connecting included.
    pub timeout: Duration,
}

/// Credentials at a mail server.
#[derive(Debug, Clone)]
pub struct Login {
    /// User name.
    pub user: Secret,
    /// Password.
    pub password: Secret,
}

/// Why a server did not take a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection failed or fell silent.
    Network(http::Failure),
    /// The server answered a command with this code.
    Replied(Step, u16),
    /// What answered does not speak SMTP.
    Garbled,
    /// The server stands in a public network and offers no encryption.
    NoEncryption,
    /// The server offers no way to log in that we know, or only unencrypted.
    NoLogin,
}

/// How far a dialogue came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Greeting, EHLO, STARTTLS.
    Hello,
    /// AUTH.
    Login,
    /// MAIL, RCPT, DATA: the server may still refuse.
    Envelope,
    /// The message stands on the server's side, and its answer was no.
    Message,
}

impl From<http::Failure> for Failure {
    fn from(failure: http::Failure) -> Self {
        Self::Network(failure)
    }
}
