//! Secrets: a value that never prints itself, and the keys that seal values at rest (AES-256-GCM).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::hash;

/// A text that prints as `***` and is wiped from memory when dropped.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a clear text.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(Zeroizing::new(clear.into()))
    }

    /// The clear text. Call it where the secret is used, not where it is passed on.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Constant-time comparison with a text that a caller sent.
    pub fn matches(&self, sent: &str) -> bool {
        hash::same(&self.0, sent)
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The keys that seal secrets at rest: the first one seals, all of them open, so that a key can be rotated.
pub struct MasterKeys(Vec<(String, RandomizedNonceKey)>);

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

impl MasterKeys {
    /// Reads `[ID:]BASE64[,[ID:]BASE64…]`, each key 32 bytes in standard base64. Without an id, eight hexadecimal digits
    /// of the key's SHA-256 serve as one. The error is a sentence for the operator and never contains key material.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(parse_key)
            .collect::<Result<Vec<_>, String>>()?;
        if keys.is_empty() {
            return Err("the master key is empty; make one with `openssl rand -base64 32`".into());
        }
        Ok(Self(keys))
    }

    /// Seals `clear` with the first key. `place` names where the value is stored (table, column, row), so that a sealed
    /// value copied elsewhere does not open. The result is `s1.KEYID.BASE64URL(nonce, ciphertext, tag)`.
    pub fn seal(&self, clear: &Secret, place: &str) -> Result<String, SealError> {
        let (id, key) = self.0.first().ok_or(SealError)?;
        let mut data = clear.expose().as_bytes().to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut data).map_err(|_| SealError)?;
        let mut out = nonce.as_ref().to_vec();
        out.extend_from_slice(&data);
        Ok(format!("s1.{id}.{}", hash::base64url(&out)))
    }

    /// What everything that the first key seals begins with: `s1.KEYID.`
    pub fn first_prefix(&self) -> String {
        self.0.first().map_or_else(String::new, |(id, _)| format!("s1.{id}."))
    }

    /// The ids of the keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| id.as_str())
    }

    /// Opens what [`MasterKeys::seal`] made for the same `place`, with whichever key sealed it.
    pub fn open(&self, sealed: &str, place: &str) -> Result<Secret, SealError> {
        let rest = sealed.strip_prefix("s1.").ok_or(SealError)?;
        let (id, body) = rest.rsplit_once('.').ok_or(SealError)?;
        let (_, key) = self.0.iter().find(|(known, _)| known == id).ok_or(SealError)?;
        let raw = hash::from_base64url(body).ok_or(SealError)?;
        let (nonce, data) = raw.split_at_checked(12).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut data = Zeroizing::new(data.to_vec());
        let clear = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut data).map_err(|_| SealError)?;
        std::str::from_utf8(clear).map(Secret::new).map_err(|_| SealError)
    }
}

/// A sealed value did not open: another master key sealed it, or it was changed or moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealError;

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sealed value does not open with the master keys in force (RINGPASS_MASTER_KEY)")
    }
}

impl std::error::Error for SealError {}

fn parse_key(part: &str) -> Result<(String, RandomizedNonceKey), String> {
    let (id, text) = part.split_once(':').map_or((None, part), |(id, text)| (Some(id), text));
    let raw = hash::from_any_base64(text).map(Zeroizing::new).filter(|raw| raw.len() == 32).ok_or(
        "a master key must be 32 bytes in base64, with an optional `ID:` before it; make one with `openssl rand -base64 32`",
    )?;
    let id = match id {
        Some(id) if !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') => {
            id.to_owned()
        }
        Some(_) => return Err("a master key's ID may hold letters, digits, `-` and `_` only".into()),
        None => hash::hex(&hash::sha256(&raw)).chars().take(8).collect(),
    };
    let key = RandomizedNonceKey::new(&AES_256_GCM, &raw).map_err(|_| "AES-256-GCM refused a master key".to_owned())?;
    Ok((id, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        hash::base64(&[byte; 32])
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_only() {
        let keys = MasterKeys::parse(&key(1)).unwrap();
        let sealed = keys.seal(&Secret::new("hunter2"), "clients.secret.a").unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(keys.open(&sealed, "clients.secret.a").unwrap().expose(), "hunter2");
        assert!(keys.open(&sealed, "clients.secret.b").is_err());
        assert!(keys.open(&sealed[..sealed.len() - 2], "clients.secret.a").is_err());
        assert!(keys.open("s1.x", "clients.secret.a").is_err());
    }

    #[test]
    fn an_old_key_still_opens_after_rotation() {
        let old = MasterKeys::parse(&format!("2025:{}", key(1))).unwrap();
        let both = MasterKeys::parse(&format!("2026:{},2025:{}", key(2), key(1))).unwrap();
        let sealed = old.seal(&Secret::new("x"), "p").unwrap();
        assert_eq!(both.open(&sealed, "p").unwrap().expose(), "x");
        assert!(both.seal(&Secret::new("x"), "p").unwrap().starts_with("s1.2026."));
        assert!(MasterKeys::parse(&key(3)).unwrap().open(&sealed, "p").is_err());
    }

    #[test]
    fn bad_keys_are_refused_without_being_shown() {
        for bad in ["", "short", "id:AAAA", "a b:AAAA"] {
            let error = MasterKeys::parse(bad).unwrap_err();
            assert!(!error.contains("AAAA"), "{error}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert!(secret.matches("hunter2") && !secret.matches("hunter3"));
    }
}
