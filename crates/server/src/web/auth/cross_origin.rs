//! `POST /co/authenticate`: an application's own page logs somebody in (auth0.js, Lock; `docs/COMPATIBILITY.md` C1570-C1578).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::ids;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::event::{self, Details, Event};
use ringpass_core::storage::buckets::Shape;
use serde_json::{Value, json};

use super::body::{self, Members, optional};
use super::error::AuthError;
use super::token::{OTP, PASSWORD, PASSWORD_REALM};
use crate::app::App;
use crate::flows::cross_origin::{self, Attempt, Proof};
use crate::flows::grant::Refused;
use crate::flows::limits::{self, Window, has_room};
use crate::flows::passwordless::failure_details;
use crate::flows::record;
use crate::snapshot::Channel;
use crate::web::pages::cookies;
use crate::web::{Call, Reply, peer};

const PATH: &str = "/co/authenticate";

/// Calls from one address.
const SHAPE: Shape = Shape { burst: 5, interval: SECOND / 5 };

/// Gives a ticket for a code or a password.
pub(super) async fn authenticate(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    charge(&app, &call).await?;
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let answer = match read(&app, &call, &members).await {
        Ok(attempt) => log_in(&app, attempt).await,
        Err(error) => {
            note(&app, &call, &members, &error).await?;
            Err(error)
        }
    };
    Ok(answer?.with(header::CACHE_CONTROL, "no-store"))
}

async fn log_in(app: &App, attempt: Attempt) -> Result<Reply, AuthError> {
    let browser = attempt.browser.clone();
    let ticket = cross_origin::log_in(app, attempt).await.map_err(|refused| match refused {
        Refused::UserBlocked => AuthError::BlockedUser,
        Refused::WrongCode(_)
        | Refused::WrongPassword
        | Refused::MaxAttempts
        | Refused::CodeExpired
        | Refused::SignupDisabled => AuthError::CrossOriginDenied(refused.sentence()),
        other => other.into(),
    })?;
    let body =
        json!({"login_ticket": ticket, "co_verifier": ids::short_token(&app.rng), "co_id": ids::object(&app.rng)});
    Ok(Reply::json(StatusCode::OK, &body).and_cookie(&cookies::set_ticket(app, &browser)))
}

async fn charge(app: &App, call: &Call) -> Result<(), AuthError> {
    let (bucket, now) = (format!("co|{}", call.ip), app.clock.now());
    if !app.config.limits.documented || app.buckets.take(&bucket, SHAPE, now) {
        return Ok(());
    }
    limits::note(app, &peer::caller(call, None), &bucket, PATH, SHAPE.burst).await?;
    let full_at = app.buckets.full_at(&bucket);
    Err(AuthError::TooManyRequests(Window::of(SHAPE, full_at, now), limits::wait(SHAPE, full_at, now)))
}

async fn read(app: &App, call: &Call, members: &Members) -> Result<Attempt, AuthError> {
    let kind = members.get("credential_type").and_then(Value::as_str);
    let wanted: &[&str] = match kind {
        Some(OTP) | None => &["client_id", "credential_type", "username", "otp", "realm"],
        Some(PASSWORD_REALM) => &["client_id", "credential_type", "username", "password", "realm"],
        Some(PASSWORD) => &["client_id", "credential_type", "username", "password"],
        Some(_) => return Err(AuthError::UnknownCredentialType),
    };
    let text = |name: &'static str| optional(members, name).ok().flatten().unwrap_or_default();
    let has_all = wanted.iter().all(|name| members.get(*name).and_then(Value::as_str).is_some_and(|it| !it.is_empty()));
    if !has_all || members.keys().any(|name| !wanted.contains(&name.as_str()) && name != "captcha") {
        return Err(AuthError::CrossOriginBody(wanted.join(", ")));
    }
    let client = app.find(|snapshot| snapshot.client(text("client_id"))).await?;
    let client = client.filter(|client| client.flag("cross_origin_authentication"));
    let client = client.ok_or(AuthError::CrossOriginNotAllowed)?;
    let origin = call.header(header::ORIGIN.as_str()).unwrap_or("null");
    if !cross_origin::lists(&client, origin) {
        return Err(AuthError::OriginNotAllowed(origin.to_owned()));
    }
    let channel = find_channel(app, &client, kind, text("realm")).await?;
    let proof = match kind {
        Some(PASSWORD | PASSWORD_REALM) => Proof::Password(Secret::new(text("password"))),
        _ => Proof::Code(text("otp").to_owned()),
    };
    Ok(Attempt {
        client,
        origin: origin.to_owned(),
        browser: cookies::ticket(app, call).unwrap_or_else(|| ids::short_token(&app.rng)),
        channel,
        username: text("username").to_owned(),
        proof,
        caller: peer::caller(call, None),
    })
}

/// The connection of the realm, or for a password without one the tenant's default directory.
async fn find_channel(app: &App, client: &Client, kind: Option<&str>, realm: &str) -> Result<Arc<Channel>, AuthError> {
    let snapshot = app.snapshot();
    let is_password = kind != Some(OTP);
    let name = match kind {
        Some(PASSWORD) => snapshot.settings.default_directory().ok_or(AuthError::NoDefaultDirectory)?,
        _ => realm,
    };
    let found = app.find(|snapshot| snapshot.channel(name, &client.id)).await?.filter(|channel| {
        let is_of_kind = (channel.connection.strategy == Strategy::Auth0) == is_password;
        is_of_kind && channel.connection.is_enabled_for(&client.id)
    });
    found.ok_or_else(|| AuthError::UnknownRealm(name.to_owned()))
}

/// Tells the log of a log-in that never reached its proof. Anyone can send one, so no more is written than there is room for.
async fn note(app: &App, call: &Call, members: &Members, error: &AuthError) -> Result<(), AuthError> {
    let caller = peer::caller(call, None);
    if matches!(error, AuthError::Server | AuthError::Unavailable) || !has_room(app, &caller) {
        return Ok(());
    }
    let id = optional(members, "client_id").ok().flatten().unwrap_or_default();
    let client = app.snapshot().client(id);
    let kind = if matches!(error, AuthError::OriginNotAllowed(_)) { "fco" } else { "fcoa" };
    let body = event::masked(&Value::Object(members.clone()));
    let event = Event {
        description: error.description(),
        client_id: client.as_ref().map(|client| client.id.clone()).unwrap_or_default(),
        client_name: client.as_ref().map(|client| client.name().to_owned()).unwrap_or_default(),
        details: Details::of(&failure_details(&body, &error.description(), &error.code())),
        ..record::event(kind, &caller)
    };
    let journal = app.journal.clone();
    Ok(app.db.write("co.refused", move |tx| journal.write(tx, event)).await?)
}
