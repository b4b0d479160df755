//! `POST /passwordless/verify`, which tenants switch on for old applications (`docs/COMPATIBILITY.md` C1580-C1586).
//!
//! Two forms: the old grant, which gets tokens for a code, and that of auth0.js, which only asks whether a code is right
//! before the browser goes on to `/passwordless/verify_redirect`.

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::identifier::Identifier;
use serde_json::json;

use super::body::{self, Members, optional};
use super::client::{Checked, Credentials};
use super::error::AuthError;
use super::token::{self, OTP};
use crate::app::App;
use crate::flows::grant::Refused;
use crate::flows::passwordless::{self, Verify, Way};
use crate::snapshot::Channel;
use crate::web::{Call, Reply, peer};

/// Grant type of the old endpoints.
const LEGACY: &str = "http://auth0.com/oauth/legacy/grant-type/ro";

/// Verifies a code.
pub(super) async fn verify(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    if !app.snapshot().settings.allows_legacy_grants() {
        return Err(AuthError::LegacyOff);
    }
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let is_question = members.contains_key("verification_code");
    let code = required(&members, if is_question { "verification_code" } else { "password" });
    let client_id = required(&members, "client_id");
    let name = required(&members, "connection");
    let username = if is_question {
        required(&members, "phone_number").or_else(|error| required(&members, "email").map_err(|_| error))
    } else {
        required(&members, "username")
    };
    let (username, code, name, _) = (username?, code?, name?, client_id?);
    let credentials = Credentials::read(&call, |name| optional(&members, name))?;
    let client = match credentials.check(&app).await? {
        Checked::Proven(client) | Checked::Public(client) => client,
        Checked::Unproven(client) if is_question => client,
        _ => return Err(AuthError::UnknownClient),
    };
    if !client.allows_grant(OTP) && !client.allows_grant(LEGACY) {
        return Err(AuthError::UnknownClient);
    }
    let channel = find_channel(&app, &client, name).await?;
    let verify = Verify {
        identifier: Identifier::parse(channel.connection.strategy, username),
        caller: peer::caller(&call, Some(&client).filter(|client| !client.is_public() && !is_question).map(|it| &**it)),
        code: code.to_owned(),
        audience: String::new(),
        scope: optional(&members, "scope")?.unwrap_or_default().to_owned(),
        client,
        channel,
        way: Way::Link,
        browser: None,
    };
    if is_question {
        passwordless::check(&app, verify).await.map_err(refused)?;
        return Ok(Reply::json(StatusCode::OK, &json!({"verified": true})).with(header::CACHE_CONTROL, "no-store"));
    }
    let tokens = token::of_code(&app, verify).await.map_err(legacy)?;
    Ok(Reply::json(StatusCode::OK, &tokens).with(header::CACHE_CONTROL, "no-store").with(header::PRAGMA, "no-cache"))
}

fn required<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, AuthError> {
    optional(members, name)?.ok_or(AuthError::MissingMember(name))
}

async fn find_channel(app: &App, client: &Client, name: &str) -> Result<Arc<Channel>, AuthError> {
    let found = app.find(|snapshot| snapshot.channel(name, &client.id)).await?;
    let channel = found.ok_or(AuthError::ConnectionNotFound)?;
    if !channel.connection.is_enabled_for(&client.id) {
        return Err(AuthError::ConnectionNotEnabled);
    }
    match channel.connection.strategy {
        Strategy::Auth0 => Err(AuthError::UnsupportedStrategy),
        Strategy::Sms | Strategy::Email => Ok(channel),
    }
}

fn refused(refused: Refused) -> AuthError {
    legacy(refused.into())
}

/// What the old endpoint says in the place of what the token endpoint does.
fn legacy(error: AuthError) -> AuthError {
    match error {
        AuthError::WrongCode(_) | AuthError::MaxAttempts | AuthError::CodeExpired => {
            AuthError::InvalidUserPassword(error.description())
        }
        other => other,
    }
}
