//! A client assertion: a JSON Web Token that a client signs to prove itself (RFC 7523 §3, OpenID Connect Core §9
//! `private_key_jwt`; `docs/COMPATIBILITY.md` C1121-C1129).

use std::fmt;

use serde_json::Value;

use super::client_credential::ProvingKey;
use crate::kit::clock::{Millis, SECOND};
use crate::kit::jwt::Parsed;

/// The one value of `client_assertion_type`.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest assertion and longest `jti`, in bytes.
const MAX_LENGTH: usize = 4_096;
const MAX_JTI: usize = 64;
/// How far ahead `exp` may lie, and how far clocks may differ, in seconds.
const MAX_LIFE: i64 = 300;
const SKEW: i64 = 10;

/// An assertion taken apart and not yet believed.
#[derive(Debug)]
pub struct Assertion<'a> {
    token: Parsed<'a>,
    client_id: String,
}

/// What a good assertion leaves behind: its id, which must not come again before the assertion has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// `jti`.
    pub id: String,
    /// `exp`.
    pub expires_at: Millis,
}

/// Why an assertion proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// `client_assertion_type` is another or missing.
    Type,
    /// A secret was sent as well.
    TwoMethods,
    /// Longer than any honest one.
    TooLong,
    /// No JSON Web Token.
    Malformed,
    /// `iss` and `sub` are not one client.
    Subject,
    /// `client_id` was sent and is another.
    OtherClient,
    /// No such client, or one that proves itself otherwise.
    UnknownClient,
    /// No attached credential of the client has this `alg` and `kid`.
    NoCredential,
    /// The credential has ended.
    CredentialExpired,
    /// The header asks for what we do not understand.
    Critical,
    /// Signed by another key.
    Signature,
    /// For somebody else; who it should be for.
    Audience(String),
    /// A claim is missing or of the wrong type.
    Claim(&'static str),
    /// `exp` is over.
    Expired,
    /// `exp` is too far ahead.
    TooFar,
    /// `iat` or `nbf` is ahead.
    NotYet(&'static str),
    /// `jti` is empty or too long.
    IdLength,
    /// `jti` came before.
    Replayed,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type => write!(f, "client_assertion_type must be {TYPE}"),
            Self::TwoMethods => f.write_str("Send client_assertion or client_secret, not both"),
            Self::TooLong => write!(f, "client_assertion is longer than {MAX_LENGTH} characters"),
            Self::Malformed => f.write_str("client_assertion is not a JSON Web Token"),
            Self::Subject => f.write_str("'iss' and 'sub' claims must both be the client_id"),
            Self::OtherClient => f.write_str("'sub' claim must be the client_id of the request"),
            Self::UnknownClient => f.write_str("Client does not exist or does not use private_key_jwt"),
            Self::NoCredential => {
                f.write_str("No credential of the client has the 'alg' and 'kid' of client_assertion")
            }
            Self::CredentialExpired => f.write_str("The credential has expired"),
            Self::Critical => f.write_str("'crit' header is not supported"),
            Self::Signature => f.write_str("The signature of client_assertion is wrong"),
            Self::Audience(wanted) => write!(f, "'aud' claim must be {wanted}"),
            Self::Claim(name) => write!(f, "'{name}' claim is missing or has the wrong type"),
            Self::Expired => f.write_str("'exp' claim is in the past"),
            Self::TooFar => f.write_str("'exp' claim must specify a time that is no more than 5 minutes ahead"),
            Self::NotYet(name) => write!(f, "'{name}' claim is in the future"),
            Self::IdLength => write!(f, "'jti' claim must have 1 to {MAX_JTI} characters"),
            Self::Replayed => f.write_str("'jti' claim has been used before"),
        }
    }
}

impl<'a> Assertion<'a> {
    /// Takes an assertion apart. `client_id` is what the request says besides, if it does.
    pub fn read(text: &'a str, client_id: Option<&str>) -> Result<Assertion<'a>, Refused> {
        if text.len() > MAX_LENGTH {
            return Err(Refused::TooLong);
        }
        let token = Parsed::new(text).ok_or(Refused::Malformed)?;
        let claim = |name: &str| token.claims().get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let subject = claim("sub").filter(|sub| claim("iss") == Some(sub)).ok_or(Refused::Subject)?;
        if client_id.is_some_and(|sent| sent != subject) {
            return Err(Refused::OtherClient);
        }
        let subject = subject.to_owned();
        Ok(Self { token, client_id: subject })
    }

    /// The client that it speaks of. Believe it after [`Assertion::check`] only.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Checks the signature with the keys attached to the client, then the claims. `audiences` are the names by which
    /// this server may be meant.
    pub fn check(&self, keys: &[ProvingKey], audiences: &[String; 2], now: Millis) -> Result<Proof, Refused> {
        self.check_signature(keys, now)?;
        let seconds = now.div_euclid(SECOND);
        let meant = |audience: &Value| audiences.iter().any(|ours| audience.as_str() == Some(ours));
        let is_ours = match self.token.claims().get("aud") {
            Some(Value::Array(several)) => several.iter().any(meant),
            Some(one) => meant(one),
            None => false,
        };
        if !is_ours {
            return Err(Refused::Audience(audiences.join(" or ")));
        }
        let exp = self.instant("exp")?.ok_or(Refused::Claim("exp"))?;
        if exp <= seconds {
            return Err(Refused::Expired);
        }
        if exp > seconds + MAX_LIFE + SKEW {
            return Err(Refused::TooFar);
        }
        for name in ["iat", "nbf"] {
            if self.instant(name)?.is_some_and(|at| at > seconds + SKEW) {
                return Err(Refused::NotYet(name));
            }
        }
        let id = self.token.claims().get("jti").and_then(Value::as_str).ok_or(Refused::Claim("jti"))?;
        if id.is_empty() || id.chars().count() > MAX_JTI {
            return Err(Refused::IdLength);
        }
        Ok(Proof { id: id.to_owned(), expires_at: exp * SECOND })
    }

    fn check_signature(&self, keys: &[ProvingKey], now: Millis) -> Result<(), Refused> {
        if self.token.header().contains_key("crit") {
            return Err(Refused::Critical);
        }
        let kid = match self.token.header().get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().ok_or(Refused::NoCredential)?),
        };
        let fits = |key: &&ProvingKey| key.alg.name() == self.token.alg() && kid.is_none_or(|kid| kid == key.kid);
        let (ended, live): (Vec<&ProvingKey>, Vec<&ProvingKey>) =
            keys.iter().filter(fits).partition(|key| key.expires_at.is_some_and(|at| at <= now));
        match (live.is_empty(), ended.is_empty()) {
            (true, true) => Err(Refused::NoCredential),
            (true, false) => Err(Refused::CredentialExpired),
            (false, _) if live.iter().any(|key| key.key.verifies(&self.token)) => Ok(()),
            (false, _) => Err(Refused::Signature),
        }
    }

    /// A claim that is an instant in seconds; some clients send fractions.
    fn instant(&self, name: &'static str) -> Result<Option<i64>, Refused> {
        match self.token.claims().get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => {
                let whole = number.to_string().split('.').next().and_then(|digits| digits.parse().ok());
                whole.map(Some).ok_or(Refused::Claim(name))
            }
            Some(_) => Err(Refused::Claim(name)),
        }
    }
}
