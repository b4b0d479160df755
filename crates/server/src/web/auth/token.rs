//! `POST /oauth/token`: client authentication, then one grant (`docs/COMPATIBILITY.md` C401-C463).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::mfa::{self, Wanted};

use super::body::{self, Members, optional, required};
use super::client::{Checked, Credentials};
use super::error::AuthError;
use super::mfa::grant as mfa_grant;
use super::refusal;
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::password::{Door, Login};
use crate::flows::settle::Settling;
use crate::flows::token::Tokens;
use crate::flows::{self, code, grant, passwordless, refresh};
use crate::web::{Call, Reply, peer};

pub(super) const OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
pub(super) const PASSWORD: &str = "password";
pub(super) const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

/// Exchanges a grant for tokens.
pub(super) async fn exchange(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let answer = grant(&app, &call, &members).await;
    if let Err(error) = &answer {
        refusal::note(&app, &call, &members, error).await?;
    }
    answer
}

async fn grant(app: &App, call: &Call, members: &Members) -> Result<Reply, AuthError> {
    let grant_type = required(members, "grant_type")?;
    let known = [OTP, PASSWORD, PASSWORD_REALM, "authorization_code", "client_credentials", "refresh_token"];
    if !known.contains(&grant_type) && !mfa::GRANTS.contains(&grant_type) {
        return Err(AuthError::UnsupportedGrant(grant_type.to_owned()));
    }
    let (client, caller) = authenticate(app, call, members).await?;
    if !client.allows_grant(grant_type) {
        return Err(AuthError::GrantNotAllowed(grant_type.to_owned()));
    }
    // A password takes its time before there is anything to sign: it must not hold up who has a code.
    let takes_a_turn = ![PASSWORD, PASSWORD_REALM].contains(&grant_type);
    let _until_the_tokens_are_made = if takes_a_turn { Some(app.turns.take().await) } else { None };
    let tokens = match grant_type {
        OTP => otp(app, client, caller, members).await?,
        PASSWORD => password(app, client, caller, members, None).await?,
        PASSWORD_REALM => password(app, client, caller, members, Some(required(members, "realm")?)).await?,
        "authorization_code" => {
            let own = |name| Ok::<_, AuthError>(optional(members, name)?.map(str::to_owned));
            let sent = code::Sent {
                code: required(members, "code")?.to_owned(),
                redirect_uri: own("redirect_uri")?,
                verifier: own("code_verifier")?,
            };
            code::exchange(app, client, sent, &caller).await?
        }
        "refresh_token" => {
            let token = required(members, "refresh_token")?;
            refresh::exchange(app, client, token, optional(members, "scope")?, &caller).await?
        }
        mfa::OOB | mfa::OTP | mfa::RECOVERY_CODE => {
            mfa_grant::exchange(app, client, caller, grant_type, members).await?
        }
        _ => {
            let default = app.snapshot();
            let audience = optional(members, "audience")?.or_else(|| default.settings.default_audience());
            let audience = audience.ok_or(AuthError::MissingParameter("audience"))?;
            grant::client_credentials(app, client, audience, optional(members, "scope")?, &caller).await?
        }
    };
    Ok(Reply::json(StatusCode::OK, &tokens))
}

/// The client of a call, once it has proven itself, and who calls.
pub(super) async fn authenticate(
    app: &App,
    call: &Call,
    members: &Members,
) -> Result<(Arc<Client>, Caller), AuthError> {
    let credentials = Credentials::read(call, |name| optional(members, name))?;
    if !credentials.name_a_client() {
        return Err(AuthError::MissingParameter("client_id"));
    }
    match credentials.check(app).await? {
        Checked::Proven(client) => {
            let caller = peer::caller(call, Some(&client));
            Ok((client, caller))
        }
        // A machine has nothing but its secret.
        Checked::Public(client) if optional(members, "grant_type")? != Some("client_credentials") => {
            Ok((client, peer::caller(call, None)))
        }
        Checked::Refused(why, _) => Err(AuthError::BadAssertion(why)),
        _ => Err(AuthError::Unauthorized),
    }
}

async fn otp(app: &App, client: Arc<Client>, caller: Caller, members: &Members) -> Result<Tokens, AuthError> {
    let username = required(members, "username")?;
    let code = required(members, "otp")?;
    let realm = required(members, "realm")?;
    let channel = app
        .find(|snapshot| snapshot.channel(realm, &client.id))
        .await?
        .filter(|it| it.connection.strategy != Strategy::Auth0 && it.connection.is_enabled_for(&client.id))
        .ok_or_else(|| AuthError::UnknownRealm(realm.to_owned()))?;
    let verify = passwordless::Verify {
        // What is no number or address has no code; it is neither looked up nor kept as it is.
        identifier: Identifier::parse(channel.connection.strategy, username),
        client,
        channel,
        code: code.to_owned(),
        audience: optional(members, "audience")?.unwrap_or_default().to_owned(),
        scope: optional(members, "scope")?.unwrap_or_default().to_owned(),
        caller,
        way: passwordless::Way::Tokens,
        browser: None,
    };
    of_code(app, verify).await
}

/// Tokens for a code; `verify.audience` and `verify.scope` are what is asked for.
pub(super) async fn of_code(app: &App, mut verify: passwordless::Verify) -> Result<Tokens, AuthError> {
    let client = Arc::clone(&verify.client);
    let audience = Some(verify.audience.as_str()).filter(|audience| !audience.is_empty());
    let wanted = Wanted { audience: audience.map(str::to_owned), scope: verify.scope.clone(), gty: None };
    let granted = grant::for_user(app, &client, audience, &verify.scope).await?;
    verify.scope = granted.scope_text();
    let settling = Settling::of(app, &client, granted, &verify.caller, wanted);
    let record = Arc::clone(&settling);
    let (user, settled) = passwordless::verify(app, verify, move |tx, user| record.issue(tx, user)).await?;
    Ok(settling.end(app, user, settled).await?)
}

/// The password grants: in the tenant's default directory, or in the database that `realm` names.
async fn password(
    app: &App,
    client: Arc<Client>,
    caller: Caller,
    members: &Members,
    realm: Option<&str>,
) -> Result<Tokens, AuthError> {
    let (username, password) = (required(members, "username")?, required(members, "password")?);
    let snapshot = app.snapshot();
    let name = realm.or_else(|| snapshot.settings.default_directory()).ok_or(AuthError::NoDefaultDirectory)?;
    let channel = app
        .find(|snapshot| snapshot.channel(name, &client.id))
        .await?
        .filter(|it| it.connection.strategy == Strategy::Auth0 && it.connection.is_enabled_for(&client.id))
        .ok_or_else(|| AuthError::UnknownRealm(name.to_owned()))?;
    let audience = optional(members, "audience")?;
    let scope = optional(members, "scope")?.unwrap_or_default();
    let wanted =
        Wanted { audience: audience.map(str::to_owned), scope: scope.to_owned(), gty: Some(PASSWORD.to_owned()) };
    let granted = grant::for_user(app, &client, audience, scope).await?;
    let login = Login {
        door: Door::Grant,
        client: Arc::clone(&client),
        channel,
        username: Login::name(username),
        password: Secret::new(password),
        audience: audience.unwrap_or_default().to_owned(),
        scope: granted.scope_text(),
        caller: caller.clone(),
    };
    let settling = Settling::of(app, &client, granted, &caller, wanted);
    let record = Arc::clone(&settling);
    let (user, settled) = flows::password::sign_in(app, login, move |tx, user| record.issue(tx, user)).await?;
    Ok(settling.end(app, user, settled).await?)
}
