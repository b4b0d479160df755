//! Identifiers in the alphabets and lengths that Auth0 tools expect (`docs/COMPATIBILITY.md`, "Identifiers").

use std::sync::atomic::{AtomicU32, Ordering};

use super::clock::{self, Millis};
use super::rng::Rng;

/// `con_` and 16 letters.
pub fn connection(rng: &Rng) -> String {
    format!("con_{}", rng.base62(16))
}

/// 32 letters.
pub fn client(rng: &Rng) -> String {
    rng.base62(32)
}

/// A generated client secret: 64 characters of `[A-Za-z0-9_-]`.
pub fn client_secret(rng: &Rng) -> String {
    rng.base64url(48)
}

/// `cgr_` and 16 letters.
pub fn client_grant(rng: &Rng) -> String {
    format!("cgr_{}", rng.base62(16))
}

/// `rol_` and 16 letters.
pub fn role(rng: &Rng) -> String {
    format!("rol_{}", rng.base62(16))
}

/// `job_` and 16 letters.
pub fn job(rng: &Rng) -> String {
    format!("job_{}", rng.base62(16))
}

/// 24 hexadecimal digits: resource servers, user identities, answers of a start.
pub fn object(rng: &Rng) -> String {
    rng.hex(24)
}

/// A signing key's `kid`: 21 characters of base64url.
pub fn key(rng: &Rng) -> String {
    let mut id = rng.base64url(16);
    id.truncate(21);
    id
}

/// 32 characters of base64url: opaque access tokens, session ids.
pub fn short_token(rng: &Rng) -> String {
    rng.base64url(24)
}

/// 43 characters of base64url: what follows `v1.` in a refresh token.
pub fn token(rng: &Rng) -> String {
    rng.base64url(32)
}

/// A log event's id: 56 digits that sort by time, then by order of creation in this process.
pub fn log(rng: &Rng, now: Millis) -> String {
    static SEQUENCE: AtomicU32 = AtomicU32::new(0);
    let sequence = SEQUENCE.fetch_add(1, Ordering::SeqCst) % 1_000_000;
    format!("900{}{sequence:06}{}", clock::digits(now), rng.digits(30))
}

/// Where the log events of this instant begin: no id of an earlier event sorts behind it.
pub fn first_log(at: Millis) -> String {
    format!("900{}", clock::digits(at))
}
