//! One-time passwords of authenticator applications (RFC 6238): SHA-1, six digits, thirty seconds; and Base32 (RFC 4648 §6),
//! in which their secrets are written.

use aws_lc_rs::hmac;

use super::clock::{Millis, SECOND};
use super::hash;
use super::rng::Rng;
use super::secret::Secret;

/// Milliseconds that one password stands for.
const STEP: Millis = 30 * SECOND;
/// Passwords before and after the current one that are taken as well: clocks differ, and people type slowly.
const WINDOW: i64 = 1;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret: 160 bits, 32 characters of Base32.
pub fn secret(rng: &Rng) -> Secret {
    Secret::new(base32(&rng.bytes::<20>()))
}

/// The step whose password `typed` is, among those around `now`; `None` when it is none of them, when the secret is no
/// Base32, and for steps up to `last`, which were used.
pub fn verify(secret: &Secret, typed: &str, last: i64, now: Millis) -> Option<i64> {
    let key = from_base32(secret.expose())?;
    let current = now / STEP;
    // Each is compared, so that the time it takes does not tell which one it was.
    let steps = (current - WINDOW..=current + WINDOW).filter(|step| hash::same(&password(&key, *step), typed));
    steps.filter(|step| *step > last).max()
}

/// The password of a step.
fn password(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    let offset = usize::from(digest.last().copied().unwrap_or_default() & 0x0f);
    let chosen = digest.iter().skip(offset).take(4).fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
    format!("{:06}", (chosen & 0x7fff_ffff) % 1_000_000)
}

/// The password that an application shows at `now`, for tests and for the development server.
pub fn now(secret: &Secret, now: Millis) -> Option<String> {
    Some(password(&from_base32(secret.expose())?, now / STEP))
}

/// Unpadded Base32.
pub fn base32(data: &[u8]) -> String {
    let mut out = String::with_capacity(data.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in data {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(letter(held >> bits));
        }
    }
    if bits > 0 {
        out.push(letter(held << (5 - bits)));
    }
    out
}

fn letter(value: u32) -> char {
    ALPHABET.get((value & 31) as usize).map_or('A', |byte| char::from(*byte))
}

/// Reads Base32 in either case, padded or not, with the blanks that people put in.
pub fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
        let value = ALPHABET.iter().position(|known| *known == byte.to_ascii_uppercase())?;
        held = held << 5 | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_those_of_the_standard() {
        // RFC 6238 appendix B, the last six of its eight digits.
        let key = b"12345678901234567890";
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(password(key, seconds / 30), expected);
        }
    }

    #[test]
    fn a_password_is_good_once_and_for_a_step_around() {
        let secret = Secret::new(base32(b"12345678901234567890"));
        let at = 1_111_111_109 * SECOND;
        let step = at / STEP;
        assert_eq!(verify(&secret, "081804", 0, at), Some(step));
        assert_eq!(verify(&secret, "081804", 0, at + STEP), Some(step));
        assert_eq!(verify(&secret, "081804", 0, at - STEP), Some(step));
        assert_eq!(verify(&secret, "081804", 0, at + 2 * STEP), None);
        assert_eq!(verify(&secret, "081804", step, at), None, "used");
        assert_eq!(verify(&secret, "81804", 0, at), None);
        assert_eq!(verify(&Secret::new("0189"), "081804", 0, at), None, "no Base32");
    }

    #[test]
    fn base32_is_the_standards() {
        for (clear, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(clear.as_bytes()), text);
            assert_eq!(from_base32(text).unwrap(), clear.as_bytes());
        }
        assert_eq!(from_base32("mzxw 6ytb-oi======").unwrap(), b"foobar");
        assert_eq!(from_base32("MZXW1"), None);
        assert_eq!(secret(&Rng::system()).expose().len(), 32);
    }
}
