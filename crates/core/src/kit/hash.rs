//! Digests, keyed hashes, constant-time comparison and the base64 spellings, over AWS-LC.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use md5::{Digest as _, Md5};

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

/// SHA-1 of `data`; only for certificate thumbprints (`x5t`), never for a promise.
pub fn sha1(data: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref());
    out
}

/// MD5 of `text` as lower-case hex; only for Gravatar picture addresses.
pub fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// A key for HMAC-SHA256, prepared once.
#[derive(Clone, Debug)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Takes the raw key bytes.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// HMAC-SHA256 over the parts, each preceded by its length so that no two lists of parts collide.
    pub fn tag(&self, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        base64url(context.sign().as_ref())
    }
}

/// Compares without telling by its duration where two texts differ.
pub fn same(left: &str, right: &str) -> bool {
    constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

/// Lower-case hexadecimal.
pub fn hex(data: &[u8]) -> String {
    use std::fmt::Write as _;
    data.iter().fold(String::with_capacity(data.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Unpadded base64url (RFC 4648 §5).
pub fn base64url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

/// Reads unpadded base64url; `None` for anything else.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Standard padded base64 (RFC 4648 §4).
pub fn base64(data: &[u8]) -> String {
    STANDARD.encode(data)
}

/// Reads base64 in either alphabet, with or without padding, as people paste it.
pub fn from_any_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text.trim().replace('+', "-").replace('/', "_")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_in_every_spelling() {
        for text in ["AAECAwQF-_8", "AAECAwQF-_8=", "AAECAwQF+/8=", " AAECAwQF+/8"] {
            assert_eq!(from_any_base64(text).unwrap(), [0, 1, 2, 3, 4, 5, 0xfb, 0xff]);
        }
        assert_eq!(from_any_base64("not base64!"), None);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = MacKey::new(&[1; 32]);
        assert_ne!(key.tag(&["ab", "c"]), key.tag(&["a", "bc"]));
    }

    #[test]
    fn known_digests() {
        assert_eq!(md5_hex("ann@example.org").len(), 32);
        assert_eq!(hex(&sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
