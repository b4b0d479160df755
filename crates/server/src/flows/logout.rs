//! Log-outs that a person's browser asks for: where it may go afterwards, what proves that the person wants it, and the end
//! of the session (OpenID Connect RP-Initiated Logout 1.0; `docs/COMPATIBILITY.md` C1550-C1560).

use std::sync::Arc;

use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::jwt::{Alg, Parsed};
use ringpass_core::model::authorization::Parameters;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::redirect;
use ringpass_core::model::session::Session;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, users};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::{record, session};
use crate::app::App;
use crate::flows::limits;

/// A log-out that may go on.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// The application that it is for, if it names one.
    pub client: Option<Arc<Client>>,
    /// Where the browser goes afterwards: a listed address, or nowhere.
    pub target: Option<String>,
    /// What it says of the session.
    pub hint: Hint,
}

/// What a log-out says of the session that it is to end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// The session's id.
    pub sid: Option<String>,
    /// Whose it is.
    pub user_id: Option<String>,
}

/// Why a log-out does not go on.
#[derive(Debug, Clone)]
pub enum Refused {
    /// No such client.
    UnknownClient(String),
    /// An address that is not listed: the parameter, what it holds.
    Unlisted(&'static str, String),
    /// Hints that prove nothing, or do not agree.
    Hint(&'static str),
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Refused {
    /// What operators and callers read.
    pub fn sentence(&self) -> String {
        match self {
            Self::UnknownClient(id) => format!("Unknown client: {id}"),
            Self::Unlisted(name, uri) => {
                format!(
                    "The \"{name}\" querystring parameter \"{uri}\" is not defined as a valid URL in \"Allowed Logout URLs\""
                )
            }
            Self::Hint(sentence) => (*sentence).to_owned(),
            Self::Database(_) => "server_error".into(),
        }
    }
}

/// Reads a log-out without hints: `client_id`, `returnTo`.
pub async fn plain(app: &App, parameters: &Parameters) -> Result<Leaving, Refused> {
    let client = find(app, parameters.get("client_id")).await?;
    let target = target(app, client.as_deref(), "returnTo", parameters).await?;
    Ok(Leaving { client, target, hint: Hint::default() })
}

/// Reads a log-out with hints, which must agree with each other.
pub async fn hinted(app: &App, parameters: &Parameters) -> Result<Leaving, Refused> {
    let mut client = find(app, parameters.get("client_id")).await?;
    let mut hint = Hint { sid: parameters.get("logout_hint").map(str::to_owned), user_id: None };
    if let Some(token) = parameters.get("id_token_hint") {
        let (of, told) = proven(app, token).await?.ok_or(Refused::Hint("Invalid id_token_hint"))?;
        if client.as_ref().is_some_and(|client| client.id != of.id) {
            return Err(Refused::Hint("client_id does not match the audience of id_token_hint"));
        }
        if hint.sid.is_some() && hint.sid != told.sid {
            return Err(Refused::Hint("logout_hint does not match the sid of id_token_hint"));
        }
        client = Some(of);
        hint = told;
    }
    let target = target(app, client.as_deref(), "post_logout_redirect_uri", parameters).await?;
    Ok(Leaving { client, target, hint })
}

async fn find(app: &App, id: Option<&str>) -> Result<Option<Arc<Client>>, Refused> {
    let Some(id) = id else { return Ok(None) };
    let found = app.find(|snapshot| snapshot.client(id)).await?;
    found.map(Some).ok_or_else(|| Refused::UnknownClient(id.to_owned()))
}

/// Where the browser goes: what was sent, if the client, or without one the tenant, lists it; else the first that the
/// client lists.
async fn target(
    app: &App,
    client: Option<&Client>,
    name: &'static str,
    parameters: &Parameters,
) -> Result<Option<String>, Refused> {
    let Some(sent) = parameters.get(name) else {
        return Ok(client.and_then(|client| redirect::first(&client.allowed_logout_urls()).map(str::to_owned)));
    };
    let listed = app.find(|snapshot| {
        let listed = match client {
            Some(client) => snapshot.client(&client.id)?.allowed_logout_urls(),
            None => snapshot.settings.allowed_logout_urls(),
        };
        redirect::is_listed(&listed, sent).then_some(())
    });
    match listed.await? {
        Some(()) => Ok(Some(sent.to_owned())),
        None => Err(Refused::Unlisted(name, sent.to_owned())),
    }
}

/// Whom an ID token was made for, and what it says of the session; `None` when it is none of ours, or too old. One that
/// ended no longer ago than a session may live still counts: applications keep it for as long.
async fn proven(app: &App, token: &str) -> Result<Option<(Arc<Client>, Hint)>, DbError> {
    let Some(parsed) = Parsed::new(token) else { return Ok(None) };
    let claims = parsed.claims();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let Some(id) = text("aud") else { return Ok(None) };
    let Some(client) = app.find(|snapshot| snapshot.client(id)).await? else { return Ok(None) };
    let is_signed = match Alg::parse(parsed.alg()) {
        None => false,
        // The algorithm of this client's tokens, and no other way to use its secret.
        Some(Alg::Hs256) => {
            client.id_token_alg() == Alg::Hs256 && parsed.verifies_hs256(client.secret.expose().as_bytes())
        }
        Some(alg) => {
            let known =
                |kid| app.find(move |snapshot| snapshot.keys.verifying.iter().find(|key| key.kid() == kid).cloned());
            known(parsed.kid()).await?.is_some_and(|key| key.verifies(alg, &parsed))
        }
    };
    let is_id_token =
        parsed.header().get("typ").and_then(Value::as_str) == Some("JWT") && !claims.contains_key("events");
    let oldest = app.clock.now() - app.snapshot().settings.session_lifetimes().0;
    let is_fresh = claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp.saturating_mul(SECOND) > oldest);
    let is_ours = text("iss") == Some(app.config.http.issuer().as_str());
    let Some(user_id) = text("sub").filter(|_| is_signed && is_id_token && is_fresh && is_ours) else {
        return Ok(None);
    };
    let hint = Hint { sid: text("sid").map(str::to_owned), user_id: Some(user_id.to_owned()) };
    Ok(Some((client, hint)))
}

/// The session of this browser that the person is yet to say that they leave: none when there is no session, or when the
/// hint tells of it.
pub async fn doubted(app: &App, cookie: Option<&str>, hint: &Hint) -> Result<Option<Session>, DbError> {
    let Some(cookie) = cookie.map(str::to_owned) else { return Ok(None) };
    let (key, snapshot, now) = (app.hash_key.clone(), app.snapshot(), app.clock.now());
    let found = app.db.read("logout.look", move |tx| session::find(tx, &key, &snapshot, &cookie, now)).await?;
    Ok(found.filter(|session| match (&hint.sid, &hint.user_id) {
        (Some(sid), None) => *sid != session.id,
        // The session may have been begun anew since the token was made.
        (_, Some(user_id)) => *user_id != session.user_id,
        (None, None) => true,
    }))
}

/// Ends the session that this cookie proves, if it is one.
pub async fn end(app: &App, cookie: Option<String>, leaving: &Leaving, caller: Caller) -> Result<(), DbError> {
    let Some(cookie) = cookie else { return Ok(()) };
    let (key, snapshot, now, journal) = (app.hash_key.clone(), app.snapshot(), app.clock.now(), app.journal.clone());
    let (event, mut details) = (event("slo", leaving.client.as_deref(), &caller), details(app, leaving));
    app.db
        .write("logout.end", move |tx: &mut Tx<'_>| {
            let Some(session) = session::find(tx, &key, &snapshot, &cookie, now)? else { return Ok(()) };
            let user = users::get(tx, &session.user_id)?;
            session::end(tx, &session, Ended::RpLogout)?;
            details.insert("session_id".into(), session.id.into());
            let event = Event {
                user_name: user.as_ref().and_then(User::identifier).unwrap_or_default().to_owned(),
                user_id: session.user_id,
                connection: session.connection,
                details: Details::of(&details),
                ..event
            };
            journal.write(tx, event)
        })
        .await
}

/// Tells the log of a log-out that was refused. Anyone can ask for one, so no more is written than there is room for.
pub async fn note(app: &App, refused: &Refused, client_id: Option<&str>, caller: &Caller) -> Result<(), DbError> {
    if matches!(refused, Refused::Database(_)) || !limits::has_room(app, caller) {
        return Ok(());
    }
    let client = client_id.and_then(|id| app.snapshot().client(id));
    let event = Event { description: refused.sentence(), ..event("flo", client.as_deref(), caller) };
    let journal = app.journal.clone();
    app.db.write("logout.refused", move |tx| journal.write(tx, event)).await
}

fn event(kind: &'static str, client: Option<&Client>, caller: &Caller) -> Event {
    Event {
        client_id: client.map(|client| client.id.clone()).unwrap_or_default(),
        client_name: client.map(|client| client.name().to_owned()).unwrap_or_default(),
        ..record::event(kind, caller)
    }
}

fn details(app: &App, leaving: &Leaving) -> Map<String, Value> {
    let listed = match &leaving.client {
        Some(client) => client.allowed_logout_urls(),
        None => app.snapshot().settings.allowed_logout_urls(),
    };
    let mut details = Map::new();
    details.insert("return_to".into(), json!(leaving.target));
    details.insert("allowed_logout_url".into(), json!(listed));
    details
}

/// What the page that asks stands for: its form is good for this session, and leads to this address alone.
pub fn proof(app: &App, sid: &str, client_id: &str, target: &str) -> String {
    app.hash_key.tag(&["logout", sid, client_id, target])
}
