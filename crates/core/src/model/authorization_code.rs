//! An authorization code: what a sign-in ends in, and what its exchange gives (RFC 6749 §4.1.2; `docs/COMPATIBILITY.md`
//! C1320-C1326).

use serde::{Deserialize, Serialize};

use super::authorization::Challenge;

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// Where it was sent.
    pub redirect_uri: String,
    /// Whether the exchange must name the redirect URI.
    pub redirect_uri_was_sent: bool,
    /// Scopes granted, space separated.
    pub scope: String,
    /// Identifier of the API, if it is for one.
    pub audience: Option<String>,
    /// Echoed in the ID token.
    pub nonce: Option<String>,
    /// Proof key.
    pub challenge: Option<Challenge>,
    /// The session that it came from.
    pub session_id: String,
    /// When the person proved who they are, seconds; `None` when the ID token is not to tell.
    pub auth_time: Option<i64>,
    /// Whether a second factor was proven just now: the ID token tells.
    #[serde(default)]
    pub amr: bool,
    /// Whether the sign-in met the tenant's demand for a second factor: a refresh token is not asked for one again.
    #[serde(default)]
    pub second_factor: bool,
}

/// Seconds that a code is good for (RFC 6749 recommends at most ten minutes).
pub const LIFETIME: i64 = 600;
