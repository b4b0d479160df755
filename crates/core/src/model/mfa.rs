//! Sign-ins at the token endpoint that wait for their second factor, and the two opaque texts that name them
//! (`docs/COMPATIBILITY.md` C1780-C1784).
//!
//! Each text is a prefix, its fields, and a tag over them under the server's key: what is foreign or stale is known without
//! a look at the database.

use serde::{Deserialize, Serialize};

use crate::kit::clock::{MINUTE, Millis};
use crate::kit::hash::{self, MacKey};

/// A sign-in that waits for its second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaTransaction {
    /// Its id, inside the `mfa_token`.
    pub id: String,
    /// Who has proven the first factor.
    pub user_id: String,
    /// Who asked.
    pub client_id: String,
    /// What it asked for.
    pub wanted: Wanted,
}

/// What the client asked for, and gets in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Audience, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Scope, as it was sent.
    pub scope: String,
    /// `gty` that the first factor alone would have given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gty: Option<String>,
}

/// What a text that somebody presents turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented<T> {
    /// None of ours.
    Malformed,
    /// Its time is over.
    Expired,
    /// What it says.
    Good(T),
}

/// The `mfa_token` of a transaction.
pub fn token(key: &MacKey, id: &str, expires_at: Millis) -> String {
    write(key, "mfa_token", &[id, &expires_at.to_string()])
}

/// The id in an `mfa_token`, and when its time is over.
pub fn read_token(key: &MacKey, text: &str, now: Millis) -> Presented<(String, Millis)> {
    let Some([id, expires_at]) = read(key, "mfa_token", text) else { return Presented::Malformed };
    let until = expires_at.parse().unwrap_or_default();
    judge((id, until), &expires_at, now)
}

/// What an `oob_code` says: which code, on its way to which authenticator, by which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OobCode {
    /// The transaction.
    pub transaction_id: String,
    /// The authenticator's own id.
    pub authenticator_id: String,
    /// `sms`, `voice` or `email`.
    pub channel: String,
}

impl OobCode {
    /// The text; `nonce` makes every one differ.
    pub fn text(&self, key: &MacKey, expires_at: Millis, nonce: &str) -> String {
        let expires_at = expires_at.to_string();
        write(key, "oob_code", &[&self.transaction_id, &self.authenticator_id, &self.channel, &expires_at, nonce])
    }

    /// Reads the text.
    pub fn read(key: &MacKey, text: &str, now: Millis) -> Presented<Self> {
        let Some([transaction_id, authenticator_id, channel, expires_at, _]) = read(key, "oob_code", text) else {
            return Presented::Malformed;
        };
        judge(Self { transaction_id, authenticator_id, channel }, &expires_at, now)
    }
}

fn judge<T>(said: T, expires_at: &str, now: Millis) -> Presented<T> {
    match expires_at.parse::<Millis>() {
        Ok(until) if until > now => Presented::Good(said),
        Ok(_) => Presented::Expired,
        Err(_) => Presented::Malformed,
    }
}

fn write(key: &MacKey, kind: &str, fields: &[&str]) -> String {
    let fields = fields.join("*");
    format!("{PREFIX}{fields}*{}", key.tag(&[kind, &fields]))
}

fn read<const N: usize>(key: &MacKey, kind: &str, text: &str) -> Option<[String; N]> {
    let (fields, tag) = text.strip_prefix(PREFIX)?.rsplit_once('*').filter(|_| text.len() <= LONGEST)?;
    if !hash::same(tag, &key.tag(&[kind, fields])) {
        return None;
    }
    let fields: Vec<String> = fields.split('*').map(str::to_owned).collect();
    fields.try_into().ok()
}

/// The grants that complete a sign-in: a code that was sent, one that an application shows, a recovery code.
pub const GRANTS: [&str; 3] = [OOB, OTP, RECOVERY_CODE];
/// A code that was sent.
pub const OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";
/// A code that an application shows.
pub const OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
/// A recovery code.
pub const RECOVERY_CODE: &str = "http://auth0.com/oauth/grant-type/mfa-recovery-code";

/// How long a transaction waits.
pub const LIFETIME: Millis = 10 * MINUTE;
/// How long a code is good for.
pub const CODE_LIFETIME: Millis = 5 * MINUTE;

/// What tools that keep secrets out of logs look for.
const PREFIX: &str = "Fe26.2*";
const LONGEST: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_ours_unchanged_and_in_time() {
        let (key, other) = (MacKey::new(b"one"), MacKey::new(b"two"));
        let text = token(&key, "abc", 1_000);
        assert_eq!(read_token(&key, &text, 999), Presented::Good(("abc".to_owned(), 1_000)));
        assert_eq!(read_token(&key, &text, 1_000), Presented::Expired);
        let changed = text.replace("abc", "abd");
        for bad in ["", "Fe26.2*", "abc", changed.as_str(), &text[1..], &format!("{text}a")] {
            assert_eq!(read_token(&key, bad, 0), Presented::Malformed, "{bad}");
        }
        assert_eq!(read_token(&other, &text, 0), Presented::Malformed);
        let oob = OobCode { transaction_id: "t".into(), authenticator_id: "dev_1".into(), channel: "sms".into() };
        let code = oob.text(&key, 1_000, "n");
        assert_eq!(OobCode::read(&key, &code, 0), Presented::Good(oob));
        // One kind of text is never taken for the other.
        assert_eq!(read_token(&key, &code, 0), Presented::Malformed);
        assert_eq!(OobCode::read(&key, &text, 0), Presented::Malformed);
    }
}
