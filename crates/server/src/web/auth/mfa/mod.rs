//! The MFA API: enrol, challenge, list and remove what people prove a second factor with, and the grants that complete a
//! sign-in (<https://auth0.com/docs/secure/multi-factor-authentication/multi-factor-authentication-developer-resources/mfa-api>;
//! `docs/COMPATIBILITY.md` C1770-C1799).

pub(super) mod associate;
pub(super) mod authenticators;
mod bearer;
pub(super) mod challenge;
pub mod error;
pub(super) mod grant;

use std::sync::Arc;

use http::Method;
use ringpass_core::model::authenticator::Authenticator;
use ringpass_core::model::client::Client;
use ringpass_core::model::mfa::{self, MfaTransaction, Presented};
use ringpass_core::model::user::User;
use ringpass_core::storage::{authenticators as stored, mfa_transactions, users};

use super::body::{Members, optional};
use super::client::{Checked, Credentials};
use super::error::AuthError;
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::mfa::{Claimant, MfaRefused, Origin};
use crate::web::{Call, peer};
use error::MfaError;

/// A sign-in that waits for its second factor, and its user.
struct Waiting {
    transaction: MfaTransaction,
    user: User,
    /// Everything that the user has, confirmed or not, where it was asked for.
    all: Vec<Authenticator>,
}

/// The sign-in that an `mfa_token` names, and if `with_all` says so what its user has.
async fn waiting(app: &App, token: &str, with_all: bool) -> Result<Waiting, MfaError> {
    let now = app.clock.now();
    let (id, since) = match mfa::read_token(&app.hash_key, token, now) {
        Presented::Good((id, until)) => (id, until - mfa::LIFETIME),
        Presented::Expired => return Err(MfaError::TokenExpired),
        Presented::Malformed => return Err(MfaError::TokenMalformed),
    };
    let found = app.db.read("mfa.transaction", move |tx| {
        let Some(transaction) = mfa_transactions::get(tx, &id, now)? else { return Ok(None) };
        let user = users::ask(tx, &transaction.user_id)?;
        let all = if with_all { stored::list_of_user(tx, &transaction.user_id)? } else { Vec::new() };
        let user = tx.answer(user)?;
        Ok(user.map(|user| Waiting { transaction, user, all }))
    });
    let found = found.await?;
    // One that is not there any more was completed; one whose password has changed since proves nothing now.
    let found = found.filter(|found| found.user.last_password_reset.is_none_or(|at| at <= since));
    let found = found.ok_or(MfaError::TokenExpired)?;
    if found.user.is_blocked() { Err(MfaError::Refused(MfaRefused::UserBlocked)) } else { Ok(found) }
}

/// The client of a call to the MFA API, and who calls. What the sign-in's own client sends must prove it as at the token
/// endpoint; a public client may leave its id out.
async fn client_of(
    app: &App,
    call: &Call,
    members: &Members,
    client_id: &str,
) -> Result<(Arc<Client>, Caller), AuthError> {
    let mut credentials = Credentials::read(call, |name| optional(members, name))?;
    if !credentials.name_a_client() {
        credentials.client_id = Some(client_id.to_owned());
    }
    let (client, caller) = match credentials.check(app).await? {
        Checked::Proven(client) => {
            let caller = peer::caller(call, Some(&client));
            (client, caller)
        }
        Checked::Public(client) => (client, peer::caller(call, None)),
        Checked::Refused(why, _) => return Err(AuthError::BadAssertion(why)),
        _ => return Err(AuthError::Unauthorized),
    };
    if client.id == client_id { Ok((client, caller)) } else { Err(MfaError::ForeignToken.into()) }
}

/// Somebody at this API. Messages are in the language that the call asks for, of those that the tenant has.
fn claimant(
    app: &App,
    call: &Call,
    path: &'static str,
    (client, caller): (Arc<Client>, Caller),
    waiting: &Waiting,
) -> Claimant {
    let language = call.header("x-request-language");
    Claimant {
        transaction_id: waiting.transaction.id.clone(),
        user: waiting.user.clone(),
        client,
        caller,
        locale: app.snapshot().texts.choose(None, language).locale().to_owned(),
        request: Origin {
            method: if call.method == Method::DELETE { "DELETE" } else { "POST" },
            path,
            language: language.unwrap_or_default().to_owned(),
        },
        may_add: false,
        token_since: None,
        shows_recovery: true,
        browser: None,
    }
}
