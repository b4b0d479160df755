//! `POST /dbconnections/signup` and `/dbconnections/change_password`
//! (<https://auth0.com/docs/api/authentication/signup>; `docs/COMPATIBILITY.md` C1510-C1529).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::sign_up::{IDENTIFIERS, Profile};
use ringpass_core::model::user::User;
use ringpass_core::model::user_fields::PROFILE;
use serde_json::{Map, Value, json};

use super::body::{self, Members, optional};
use super::client::{Checked, Credentials};
use super::error::{AuthError, with_window};
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::signup::{self, SignUp};
use crate::flows::tickets::{self, Request};
use crate::snapshot::Channel;
use crate::web::{Call, Reply, peer};

/// Makes a user of a database.
pub(super) async fn sign_up(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let (client, caller) = client(&app, &call, &members).await?;
    let name = needed(&members, "connection")?;
    let channel = database(&app, name, &client).await?;
    let password = needed(&members, "password")?;
    if password.chars().count() > LONGEST_PASSWORD {
        return Err(AuthError::BadMember("password"));
    }
    let sign_up = SignUp { client, channel, profile: profile(&members), password: Secret::new(password), caller };
    let user = signup::sign_up(&app, sign_up).await.map_err(|refused| {
        let tells = app.snapshot().settings.enable_public_signup_user_exists_error();
        AuthError::of_sign_up(refused, tells)
    })?;
    Ok(Reply::json(StatusCode::OK, &shown(&user, &members)))
}

/// Sends a link to choose a new password to whoever has the address; the answer is the same for everybody.
pub(super) async fn change_password(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let (email, name) = (needed(&members, "email")?.to_owned(), needed(&members, "connection")?);
    let client = match optional(&members, "client_id")? {
        Some(id) => app.find(|snapshot| snapshot.client(id)).await?,
        None => None,
    };
    let channel = app.find(|snapshot| snapshot.channel(name, "")).await?;
    let channel = channel.filter(|it| it.connection.strategy == Strategy::Auth0 && it.connection.name == name);
    let caller = peer::caller(&call, None);
    let window = tickets::request_password_change(&app, Request { client, channel, email, caller }).await?;
    let reply = Reply::bytes(StatusCode::OK, "text/html; charset=utf-8", SENT);
    Ok(match window {
        Some(window) => with_window(reply, window),
        None => reply,
    })
}

/// The application of a sign-up; it need not prove itself, but must not fail to.
async fn client(app: &App, call: &Call, members: &Members) -> Result<(Arc<Client>, Caller), AuthError> {
    let credentials = Credentials::read(call, |name| optional(members, name))?;
    if !credentials.name_a_client() {
        return Err(AuthError::MissingMember("client_id"));
    }
    match credentials.check(app).await? {
        Checked::Proven(client) => {
            let caller = peer::caller(call, Some(&client));
            Ok((client, caller))
        }
        Checked::Public(client) | Checked::Unproven(client) => Ok((client, peer::caller(call, None))),
        Checked::Wrong(_) => Err(AuthError::Unauthorized),
        Checked::Refused(why, _) => Err(AuthError::BadAssertion(why)),
        Checked::Unknown => Err(AuthError::UnknownClient),
    }
}

/// A database that is enabled for the client.
async fn database(app: &App, name: &str, client: &Client) -> Result<Arc<Channel>, AuthError> {
    let usable = |channel: &Arc<Channel>| channel.connection.is_enabled_for(&client.id);
    let named = app.find(|snapshot| snapshot.channel(name, &client.id)).await?;
    let mut channel = named.filter(|channel| channel.connection.name == name).ok_or(AuthError::ConnectionNotFound)?;
    if !usable(&channel) {
        // Another node may have enabled it a moment ago.
        app.refresh().await?;
        channel = app.snapshot().channel(name, &client.id).ok_or(AuthError::ConnectionNotFound)?;
    }
    if !usable(&channel) {
        return Err(AuthError::ConnectionNotEnabled);
    }
    if channel.connection.strategy != Strategy::Auth0 {
        return Err(AuthError::UnsupportedStrategy);
    }
    Ok(channel)
}

fn needed<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, AuthError> {
    optional(members, name)?.ok_or(AuthError::MissingMember(name))
}

/// The members that make a user. A form has no objects: metadata come as JSON text there.
fn profile(members: &Members) -> Profile {
    let mut profile: Map<String, Value> = IDENTIFIERS
        .into_iter()
        .chain(PROFILE)
        .filter_map(|name| Some((name.to_owned(), members.get(name)?.clone())))
        .filter(|(_, value)| value.as_str() != Some(""))
        .collect();
    let metadata = members.get("user_metadata").map(|sent| match sent.as_str() {
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| sent.clone()),
        None => sent.clone(),
    });
    if let Some(metadata) = metadata {
        profile.insert("user_metadata".into(), metadata);
    }
    Profile(profile)
}

/// What a sign-up is answered with: the id without its prefix, identifiers, and the names that were sent.
fn shown(user: &User, members: &Members) -> Map<String, Value> {
    let view = user.view();
    let mut shown = Map::new();
    shown.insert("_id".into(), user.identity_id().into());
    for name in ["email", "email_verified", "username", "phone_number", "phone_verified"] {
        shown.extend(view.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    for name in PROFILE.into_iter().filter(|name| members.get(*name).is_some_and(Value::is_string)) {
        shown.extend(view.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let metadata = user.user_metadata.clone().map_or_else(|| json!({}), Value::from);
    if members.contains_key("user_metadata") {
        shown.insert("user_metadata".into(), metadata);
    }
    shown
}

const SENT: &str = "We've just sent you an email to reset your password.";
/// Characters.
const LONGEST_PASSWORD: usize = 1_024;
