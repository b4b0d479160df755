//! What callers of the MFA API and of its grants are told (`docs/COMPATIBILITY.md` C1796). Bodies are written by
//! [`AuthError`].

use ringpass_core::model::authenticator::Kind;
use ringpass_core::storage::DbError;
use serde_json::{Map, Value, json};

use crate::flows::mfa::MfaRefused;
use crate::flows::settle::Required;
use crate::web::auth::error::AuthError;

/// Everything that is about a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MfaError {
    /// The first factor is right, and a second one is asked for.
    Required(Required),
    /// No `mfa_token` of ours.
    TokenMalformed,
    /// Its time is over, or it was used.
    TokenExpired,
    /// The same at `/mfa/challenge`.
    TokenInvalid,
    /// It belongs to another client.
    ForeignToken,
    /// No `oob_code` of ours.
    OobMalformed,
    /// It belongs to another sign-in.
    OobMismatch,
    /// The user has nothing to prove a second factor with.
    AssociationRequired,
    /// Nothing that the user has answers the types asked for.
    UnsupportedChallenge(String),
    /// `authenticator_id` is none of the user's.
    UnknownAuthenticator,
    /// The path names none of the user's.
    NotFound,
    /// The verified address of the user's account.
    Implicit,
    /// A member of the request is not what it should be.
    BadMember(&'static str),
    /// The access token is for something else.
    InsufficientScope(&'static str),
    /// Anything that the flow refused.
    Refused(MfaRefused),
}

impl MfaError {
    /// Status, machine code and sentence of the wire.
    pub(in super::super) fn row(&self) -> (u16, &'static str, String) {
        let text = |status, error, text: &str| (status, error, text.to_owned());
        match self {
            Self::Required(_) => text(403, "mfa_required", "Multifactor authentication required"),
            Self::TokenMalformed => text(403, "invalid_grant", "Malformed mfa_token"),
            Self::TokenExpired => text(403, "expired_token", "mfa_token is expired"),
            Self::TokenInvalid => {
                text(401, "invalid_grant", "The mfa_token provided is invalid. Try getting a new token.")
            }
            Self::ForeignToken => text(400, "invalid_request", "mfa_token not issued to this client"),
            Self::OobMalformed => text(403, "invalid_grant", "Malformed oob_code"),
            Self::OobMismatch => text(400, "invalid_request", "The oob_code doesn't match the mfa_token"),
            Self::AssociationRequired => (401, "association_required", not_enrolled()),
            Self::UnsupportedChallenge(why) => text(401, "unsupported_challenge_type", why),
            Self::UnknownAuthenticator => text(400, "invalid_request", "Invalid authenticator_id"),
            Self::NotFound => text(404, "not_found", "Authenticator not found"),
            Self::Implicit => {
                text(400, "invalid_request", "The authenticator of a verified e-mail address cannot be removed")
            }
            Self::BadMember(name) => (400, "invalid_request", format!("error in {name} - invalid value")),
            Self::InsufficientScope(scope) => {
                (403, "insufficient_scope", format!("Insufficient scope, expected: {scope}"))
            }
            Self::Refused(refused) => self::refused(refused),
        }
    }
}

impl MfaError {
    /// Adds what the body of `mfa_required` has besides its text.
    pub(in super::super) fn complete(&self, body: &mut Map<String, Value>) {
        let Self::Required(required) = self else { return };
        body.insert("mfa_token".into(), required.mfa_token.clone().into());
        let types: Vec<Value> = required.types.iter().map(|word| json!({"type": word})).collect();
        let what = if required.is_enrolled { "challenge" } else { "enroll" };
        body.insert("mfa_requirements".into(), json!({what: types}));
    }
}

fn not_enrolled() -> String {
    MfaRefused::NotEnrolled(Kind::Phone).sentence()
}

fn refused(refused: &MfaRefused) -> (u16, &'static str, String) {
    let (status, error) = match refused {
        MfaRefused::WrongCode(_) => (403, "invalid_grant"),
        MfaRefused::CodeExpired => (403, "expired_token"),
        MfaRefused::NotEnrolled(Kind::RecoveryCode) => (403, "unsupported_challenge_type"),
        MfaRefused::NotEnrolled(_) => (401, "unsupported_challenge_type"),
        MfaRefused::TooManyCodes | MfaRefused::TooManyMessages(_) => (429, "invalid_request"),
        MfaRefused::AlreadyEnrolled => (403, "access_denied"),
        MfaRefused::UserBlocked => (401, "unauthorized"),
        MfaRefused::BadPhone | MfaRefused::BadEmail | MfaRefused::Unsupported | MfaRefused::NotSent(_) => {
            (400, "invalid_request")
        }
        MfaRefused::Database(_) => (500, "server_error"),
    };
    (status, error, refused.sentence())
}

impl From<MfaRefused> for MfaError {
    fn from(refused: MfaRefused) -> Self {
        Self::Refused(refused)
    }
}

impl From<DbError> for MfaError {
    fn from(error: DbError) -> Self {
        Self::Refused(MfaRefused::Database(error))
    }
}

impl From<MfaError> for AuthError {
    fn from(error: MfaError) -> Self {
        match error {
            MfaError::Refused(MfaRefused::Database(error)) => error.into(),
            other => Self::Mfa(other),
        }
    }
}

impl From<MfaRefused> for AuthError {
    fn from(refused: MfaRefused) -> Self {
        MfaError::Refused(refused).into()
    }
}
