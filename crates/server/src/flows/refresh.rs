//! Refresh tokens: issued with a grant, exchanged for new tokens (`docs/COMPATIBILITY.md` C439, C451-C456).

use std::sync::Arc;

use ringpass_core::kit::clock::{MINUTE, Millis, SECOND};
use ringpass_core::kit::ids;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::Event;
use ringpass_core::model::user::User;
use ringpass_core::storage::tokens::{self, AccessToken, RefreshToken};
use ringpass_core::storage::{DbError, permissions, users};

use super::caller::Caller;
use super::grant::{self, Granted, Refused};
use super::record;
use super::token::{self, Issue, OPAQUE_LIFETIME, Subject, Tokens};
use crate::app::App;

/// Why a refresh token was not exchanged.
#[derive(Debug)]
pub enum RefreshRefused {
    /// Unknown, expired, or another client's.
    Unknown,
    /// Its user is gone.
    UserGone,
    /// Its user is blocked.
    UserBlocked,
    /// Scopes beyond the original grant.
    Scope(String),
    /// A token could not be signed.
    Signing,
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for RefreshRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// The tokens of a grant that are kept on record, drawn before the transaction that records them.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Opaque access token and the hash it is stored under.
    pub opaque: Option<(String, String)>,
    /// Refresh token and the hash it is stored under.
    pub refresh: Option<(String, String)>,
    /// Session id (`sid`).
    pub session_id: String,
}

/// Draws what `granted` needs on record: an opaque token without an API, a refresh token with `offline_access`.
pub fn draw(app: &App, granted: &Granted) -> Drawn {
    let with_hash = |token: String| {
        let hash = token_hash(app, &token);
        (token, hash)
    };
    Drawn {
        opaque: granted.api.is_none().then(|| with_hash(ids::short_token(&app.rng))),
        refresh: granted.has("offline_access").then(|| with_hash(format!("v1.{}", ids::token(&app.rng)))),
        session_id: ids::short_token(&app.rng),
    }
}

/// The hash under which a token is on record.
pub fn token_hash(app: &App, token: &str) -> String {
    app.hash_key.tag(&["token", token])
}

/// The record of a new refresh token, with the client's expiry settings.
pub fn record(client: &Client, user: &User, granted: &Granted, drawn: &Drawn, now: Millis) -> RefreshToken {
    let policy = client.refresh_policy();
    RefreshToken {
        id: drawn.session_id.clone(),
        user_id: user.user_id.clone(),
        client_id: client.id.clone(),
        session_id: drawn.session_id.clone(),
        audience: granted.api.as_ref().map(|api| api.identifier().to_owned()),
        scope: granted.scope_text(),
        created_at: now,
        idle_expires_at: policy.idle.map(|seconds| now + seconds * SECOND),
        expires_at: policy.lifetime.map(|seconds| now + seconds * SECOND),
    }
}

/// The record of a new opaque access token.
pub fn access_record(client: &Client, user: &User, scope: String, now: Millis) -> AccessToken {
    AccessToken {
        user_id: user.user_id.clone(),
        client_id: client.id.clone(),
        scope,
        expires_at: now + OPAQUE_LIFETIME * SECOND,
    }
}

/// Exchanges a refresh token. `scope` may narrow the original grant, never widen it.
pub async fn exchange(
    app: &App,
    client: Arc<Client>,
    refresh_token: &str,
    scope: Option<&str>,
    caller: &Caller,
) -> Result<Tokens, RefreshRefused> {
    let now = app.clock.now();
    let hash = token_hash(app, refresh_token);
    let (client_id, looked_up, snapshot) = (client.id.clone(), hash.clone(), app.snapshot());
    let found = app
        .db
        .read("refresh.find", move |tx| {
            let Some(token) = tokens::refresh(tx, &looked_up, &client_id, now)? else { return Ok(None) };
            let user = users::get(tx, &token.user_id)?;
            let api = token.audience.as_deref().and_then(|audience| snapshot.resource_server(audience));
            let held = match api.filter(|api| api.enforce_policies()) {
                Some(api) => permissions::on_api(tx, &token.user_id, api.identifier())?,
                None => Vec::new(),
            };
            Ok(Some((token, user, held)))
        })
        .await?;
    let result = examine(app, found, scope).await;
    let (token, user, granted) = match result {
        Ok(parts) => parts,
        Err(refused) => {
            note_failure(app, &client, caller, &refused).await?;
            return Err(refused);
        }
    };
    let drawn = Drawn { refresh: None, ..draw(app, &granted) };
    note_success(app, &client, caller, &token, &user, &granted, (&drawn, hash)).await?;
    let issue = Issue {
        client,
        granted,
        subject: Subject::User(Box::new(user)),
        gty: Some("refresh_token"),
        opaque: drawn.opaque.map(|(token, _)| token),
        refresh_token: None,
        session_id: token.session_id,
    };
    token::sign(app, issue).await.ok_or(RefreshRefused::Signing)
}

async fn examine(
    app: &App,
    found: Option<(RefreshToken, Option<User>, Vec<String>)>,
    scope: Option<&str>,
) -> Result<(RefreshToken, User, Granted), RefreshRefused> {
    let (token, user, held) = found.ok_or(RefreshRefused::Unknown)?;
    // A user who was made after the token is another one under the same id; nodes' clocks may differ a little.
    let user = user.filter(|user| user.created_at <= token.created_at + MINUTE).ok_or(RefreshRefused::UserGone)?;
    // The users of a connection that is being deleted are as good as gone.
    let connection = app.find(|snapshot| snapshot.has_connection(&user.connection).then_some(())).await?;
    if connection.is_none() {
        return Err(RefreshRefused::UserGone);
    }
    if user.is_blocked() {
        return Err(RefreshRefused::UserBlocked);
    }
    let api = match &token.audience {
        None => None,
        Some(audience) => Some(grant::find_api(app, audience).await.map_err(|refused| match refused {
            Refused::Database(error) => RefreshRefused::Database(error),
            _ => RefreshRefused::Unknown,
        })?),
    };
    let had: Vec<&str> = token.scope.split_ascii_whitespace().collect();
    let asked: Vec<&str> = scope.map_or_else(|| had.clone(), |scope| scope.split_ascii_whitespace().collect());
    let beyond: Vec<&str> = asked.iter().filter(|name| !had.contains(name)).copied().collect();
    if !beyond.is_empty() {
        return Err(RefreshRefused::Scope(beyond.join(" ")));
    }
    let scope = asked.into_iter().map(str::to_owned).collect();
    Ok((token, user, Granted::again(api, scope, held)))
}

async fn note_success(
    app: &App,
    client: &Client,
    caller: &Caller,
    token: &RefreshToken,
    user: &User,
    granted: &Granted,
    (drawn, hash): (&Drawn, String),
) -> Result<(), DbError> {
    let now = app.clock.now();
    let event = Event {
        user_id: user.user_id.clone(),
        user_name: user.phone_number.clone().unwrap_or_default(),
        connection: user.connection.clone(),
        audience: token.audience.clone().unwrap_or_default(),
        scope: granted.scope_text(),
        ..on_client("sertft", client, caller)
    };
    let access = access_record(client, user, granted.scope_text(), now);
    let opaque = drawn.opaque.as_ref().map(|(_, hash)| hash.clone());
    let idle = client.refresh_policy().idle.map(|seconds| now + seconds * SECOND);
    let journal = app.journal.clone();
    app.db
        .write("refresh.exchange", move |tx| {
            tokens::touch_refresh(tx, &hash, now, idle)?;
            if let Some(opaque) = opaque {
                tokens::insert_access(tx, &opaque, &access)?;
            }
            journal.write(tx, event)
        })
        .await
}

async fn note_failure(app: &App, client: &Client, caller: &Caller, refused: &RefreshRefused) -> Result<(), DbError> {
    let description = match refused {
        RefreshRefused::Unknown => "Unknown or invalid refresh token.".to_owned(),
        RefreshRefused::UserGone => "The refresh_token was generated for a user who doesn't exist anymore.".to_owned(),
        RefreshRefused::UserBlocked => Refused::UserBlocked.sentence(),
        RefreshRefused::Scope(scope) => Refused::Scope(scope.clone()).sentence(),
        RefreshRefused::Signing | RefreshRefused::Database(_) => return Ok(()),
    };
    let event = Event { description, ..on_client("fertft", client, caller) };
    let journal = app.journal.clone();
    app.db.write("refresh.failed", move |tx| journal.write(tx, event)).await
}

fn on_client(kind: &'static str, client: &Client, caller: &Caller) -> Event {
    Event { client_id: client.id.clone(), client_name: client.name().to_owned(), ..record::event(kind, caller) }
}
