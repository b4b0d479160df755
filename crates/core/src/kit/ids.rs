//! Identifiers in the alphabets and lengths that Auth0 tools expect (`docs/COMPATIBILITY.md`, "Identifiers").

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::clock::{self, Millis, SECOND};
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

/// `cred_` and 22 letters.
pub fn client_credential(rng: &Rng) -> String {
    format!("cred_{}", rng.base62(22))
}

/// `dev_` and 16 letters: authenticators.
pub fn authenticator(rng: &Rng) -> String {
    format!("dev_{}", rng.base62(16))
}

/// 24 hexadecimal digits, a user's identity. The first eight are the second in which it was made, as in the ids of Auth0, four
/// more a part of that second, and twelve are random: users made one after the other lie together in every index.
pub fn user(rng: &Rng, now: Millis) -> String {
    let time = (now << 16) / SECOND;
    format!("{:012x}{}", time & 0xffff_ffff_ffff, rng.hex(12))
}

/// 24 hexadecimal digits: resource servers, answers of a start.
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

/// 24 letters: families of refresh tokens.
pub fn refresh_token(rng: &Rng) -> String {
    rng.base62(24)
}

/// 43 characters of base64url: secrets of refresh tokens.
pub fn token(rng: &Rng) -> String {
    rng.base64url(32)
}

/// A log event's id: 56 digits that sort by time, then by order of creation in this process.
pub fn log(rng: &Rng, now: Millis) -> String {
    static SEQUENCE: AtomicU32 = AtomicU32::new(0);
    let sequence = SEQUENCE.fetch_add(1, Ordering::SeqCst) % 1_000_000;
    format!("900{}{sequence:06}{}", clock::digits(now), rng.digits(30))
}

/// What the ids of all events from this instant on are greater than, and those of all earlier events less.
pub fn log_bound(at: Millis) -> String {
    match at {
        ..0 => String::new(),
        0..=LAST_INSTANT => format!("900{}", clock::digits(at)),
        _ => ":".to_owned(),
    }
}

/// The end of the year 9999.
const LAST_INSTANT: Millis = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_made_later_sort_behind() {
        let rng = Rng::seeded(1);
        let at = |now| user(&rng, now);
        assert!(at(1_767_323_045_000).starts_with("695735a50000"));
        assert!(at(1_767_323_045_500).starts_with("695735a58000"));
        assert!(at(1_767_323_045_677) < at(1_767_323_045_678));
        assert!([0, 1, LAST_INSTANT].into_iter().all(|now| at(now).len() == 24));
    }

    #[test]
    fn a_bound_parts_the_events_before_an_instant_from_the_others() {
        let (rng, at) = (Rng::seeded(1), 1_767_323_045_678);
        let bound = log_bound(at);
        assert!(log(&rng, at - 1) < bound && bound < log(&rng, at) && log(&rng, at) < log_bound(at + 1));
        assert!(log_bound(Millis::MIN) < log(&rng, 0) && log(&rng, LAST_INSTANT) < log_bound(Millis::MAX));
    }
}

/// Names for what lives no longer than the process, and that no other process gives: eight letters of its own and a count.
#[derive(Debug)]
pub struct Sequence {
    process: String,
    next: AtomicU64,
}

impl Sequence {
    /// A sequence of its own.
    pub fn new(rng: &Rng) -> Self {
        Self { process: rng.base62(8), next: AtomicU64::new(1) }
    }

    /// The next name.
    pub fn next(&self) -> String {
        format!("{}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
