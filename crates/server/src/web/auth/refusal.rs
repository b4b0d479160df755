//! The log of token requests that never reached their grant: a wrong secret or assertion, a grant, an API or a realm that is not for
//! this client (`docs/COMPATIBILITY.md` C1260). Grants write their own failures.
//!
//! Anyone can send such requests. Buckets in memory bound what they write.

use ringpass_core::model::event::Event;
use ringpass_core::model::mfa;

use super::body::{Members, optional};
use super::client::Credentials;
use super::error::AuthError;
use super::mfa::error::MfaError;
use crate::app::App;
use crate::flows::limits::has_room;
use crate::flows::record;
use crate::web::{Call, peer};

/// Writes the event of a refusal, if it is one that no grant has written, and if there is room for it.
pub(super) async fn note(app: &App, call: &Call, members: &Members, error: &AuthError) -> Result<(), AuthError> {
    let grant_type = optional(members, "grant_type").ok().flatten().unwrap_or_default();
    let caller = peer::caller(call, None);
    let Some(kind) = kind(grant_type, error).filter(|_| has_room(app, &caller)) else {
        return Ok(());
    };
    let credentials = Credentials::read(call, |name| optional(members, name)).unwrap_or_default();
    let client = credentials.named().and_then(|id| app.snapshot().client(&id));
    let event = Event {
        description: error.description(),
        // What is no client of ours may be anything, a secret included.
        client_id: client.as_ref().map(|client| client.id.clone()).unwrap_or_default(),
        client_name: client.as_ref().map(|client| client.name().to_owned()).unwrap_or_default(),
        ..record::event(kind, &caller)
    };
    let journal = app.journal.clone();
    Ok(app.db.write("token.refused", move |tx| journal.write(tx, event)).await?)
}

/// The type of its event; `None` for what the grant has written already, and for requests that are merely malformed.
fn kind(grant_type: &str, error: &AuthError) -> Option<&'static str> {
    let before_every_grant =
        matches!(error, AuthError::Unauthorized | AuthError::BadAssertion(_) | AuthError::GrantNotAllowed(_));
    let before_a_code =
        matches!(error, AuthError::UnknownRealm(_) | AuthError::UnknownService(_) | AuthError::NoClientGrant(_));
    let before_a_proof = matches!(
        error,
        AuthError::Mfa(
            MfaError::TokenMalformed
                | MfaError::TokenExpired
                | MfaError::ForeignToken
                | MfaError::OobMalformed
                | MfaError::OobMismatch
        )
    );
    match grant_type {
        mfa::OOB if before_every_grant || before_a_proof => Some("feoobft"),
        mfa::OTP if before_every_grant || before_a_proof => Some("feotpft"),
        mfa::RECOVERY_CODE if before_every_grant || before_a_proof => Some("fercft"),
        "authorization_code" if before_every_grant => Some("feacft"),
        "client_credentials" if before_every_grant => Some("feccft"),
        "refresh_token" if before_every_grant => Some("fertft"),
        super::token::OTP if before_every_grant || before_a_code => Some("fepotpft"),
        super::token::PASSWORD | super::token::PASSWORD_REALM if before_every_grant || before_a_code => Some("fepft"),
        _ => None,
    }
}
