//! `POST /mfa/associate`: enrols an authenticator (`docs/COMPATIBILITY.md` C1785-C1787).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::Authenticator;
use ringpass_core::model::user::User;
use serde::Serialize;
use serde_json::Value;

use super::bearer::Bearer;
use super::error::MfaError;
use super::{claimant, client_of};
use crate::app::App;
use crate::flows::mfa::{self, Enrolled, MfaRefused, Way};
use crate::web::auth::body::{self, Members, optional, required};
use crate::web::auth::error::AuthError;
use crate::web::{Call, Reply, peer};

#[derive(Serialize)]
struct Answer<'a> {
    authenticator_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    barcode_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oob_channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oob_code: Option<&'a str>,
}

/// Enrols what the body asks for.
pub(in super::super) async fn associate(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let bearer = Bearer::of(&app, &call).await?;
    bearer.needs("enroll")?;
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let transaction = &bearer.waiting.transaction;
    let names_a_client = ["client_id", "client_secret", "client_assertion"].iter().any(|it| members.contains_key(*it));
    let who = if names_a_client {
        client_of(&app, &call, &members, &transaction.client_id).await?
    } else {
        // The token is proof enough: Auth0's library for servers sends nothing else.
        let client = app.find(|snapshot| snapshot.client(&transaction.client_id)).await?;
        (client.ok_or(AuthError::InvalidToken)?, peer::caller(&call, None))
    };
    let mut claimant = claimant(&app, &call, "/mfa/associate", who, &bearer.waiting);
    claimant.may_add = bearer.has("enroll");
    claimant.token_since = bearer.issued_at;
    let wanted = wanted(&members)?;
    if wanted.is_some_and(|way| !way.is_for_api(&app)) {
        return Err(MfaRefused::Unsupported.into());
    }
    let enrolled = match wanted {
        None => mfa::totp(&app, &claimant).await?,
        Some(Way::Email) => {
            let own = claimant.user.email.as_deref();
            let address = optional(&members, "email")?.or(own).ok_or(AuthError::MissingParameter("email"))?;
            mfa::email(&app, &claimant, address).await?
        }
        Some(Way::Phone(message_type)) => {
            mfa::phone(&app, &claimant, required(&members, "phone_number")?, message_type).await?
        }
    };
    Ok(answer(&app, &claimant.user, &enrolled))
}

/// The way of the codes of what is to be enrolled; nothing for an application.
fn wanted(members: &Members) -> Result<Option<Way>, MfaError> {
    match only(members, "authenticator_types")? {
        "otp" => Ok(None),
        "oob" => {
            let way = Way::parse(only(members, "oob_channels")?);
            way.map(Some).ok_or(MfaError::Refused(MfaRefused::Unsupported))
        }
        _ => Err(MfaError::Refused(MfaRefused::Unsupported)),
    }
}

/// The one word of a list.
fn only<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, MfaError> {
    match members.get(name).and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::String(word)]) => Ok(word),
        _ => Err(MfaError::BadMember(name)),
    }
}

fn answer(app: &App, user: &User, enrolled: &Enrolled) -> Reply {
    let Enrolled { authenticator, challenged, recovery_code } = enrolled;
    let secret = authenticator.secret.as_ref().map(Secret::expose);
    let answer = Answer {
        authenticator_type: if secret.is_some() { "otp" } else { "oob" },
        binding_method: challenged.as_ref().map(|_| "prompt"),
        secret,
        barcode_uri: mfa::barcode_uri(app, user, authenticator),
        recovery_codes: recovery_code.as_ref().map(|code| [code.expose()]),
        oob_channel: challenged.as_ref().and_then(|_| channel(app, authenticator)),
        oob_code: challenged.as_ref().map(|challenged| challenged.oob_code.as_str()),
    };
    Reply::json(StatusCode::OK, &answer).with(http::header::CACHE_CONTROL, "no-store")
}

/// The way of the code that was just sent.
fn channel(app: &App, one: &Authenticator) -> Option<&'static str> {
    Way::of(app, one).map(Way::name)
}
