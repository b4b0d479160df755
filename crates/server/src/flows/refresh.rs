//! Exchanges a refresh token for new tokens (`docs/COMPATIBILITY.md` C451-C456, C1060-C1067).
//!
//! One write transaction takes the family's row, which locks it, judges what was presented and records what is answered:
//! of any number of exchanges at once the first makes the successor, and the others see that it did.

use std::sync::Arc;

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::Event;
use ringpass_core::model::mfa::Wanted;
use ringpass_core::model::refresh_token::{self, RefreshToken, Standing};
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, access_tokens, permissions, refresh_tokens, users};

use super::caller::Caller;
use super::grant::{Granted, Refused};
use super::issue::{Holder, hash_of};
use super::mfa::Asking;
use super::record::{self, Journal};
use super::settle::{Gate, Required};
use super::token::{self, Issue, Subject, Tokens};
use crate::app::App;
use crate::snapshot::Snapshot;

/// Why a refresh token was not exchanged.
#[derive(Debug)]
pub enum RefreshRefused {
    /// Unknown, expired, revoked, or another client's.
    Unknown,
    /// Used before: its whole family, which was this user's, is revoked.
    Reused(String),
    /// Its user is gone.
    UserGone,
    /// Its user is blocked.
    UserBlocked,
    /// Scopes beyond the original grant.
    Scope(String),
    /// The sign-in that it came from had no second factor, and the tenant asks for one.
    SecondFactor(Required),
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

/// A refresh token as it was presented.
#[derive(Debug, Clone)]
pub(super) struct Presented {
    text: String,
    hash: String,
    family: Option<String>,
}

impl Presented {
    pub(super) fn new(key: &MacKey, text: &str) -> Self {
        let family = refresh_token::family(key, text).map(str::to_owned);
        Self { hash: hash_of(key, text), family, text: text.to_owned() }
    }

    /// Takes the family of what was presented, locked, when it is this client's and its time is not over.
    pub(super) fn take(&self, tx: &mut Tx<'_>, client_id: &str, now: Millis) -> Result<Option<RefreshToken>, DbError> {
        let token = match &self.family {
            Some(family) => refresh_tokens::get_for_update(tx, family)?,
            None => refresh_tokens::find_by_hash_for_update(tx, &self.hash)?,
        };
        Ok(token.filter(|token| token.client_id == client_id && token.is_live(now)))
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
    let mut asked = Exchange {
        presented: Presented::new(&app.hash_key, refresh_token),
        gate: Arc::new(Gate::of(app, &client, Asking::of(app, None, &caller.ip).of_renewal())),
        client,
        scope: scope.map(str::to_owned),
        caller: caller.clone(),
        snapshot: app.snapshot(),
        key: app.hash_key.clone(),
        rng: app.rng.clone(),
        journal: app.journal.clone(),
        last: false,
    };
    let mut outcome = asked.clone().run(app).await?;
    if outcome.is_none() {
        app.refresh().await?;
        asked = Exchange { snapshot: app.snapshot(), last: true, ..asked };
        outcome = asked.clone().run(app).await?;
    }
    let exchanged = outcome.unwrap_or(Err(RefreshRefused::Unknown))?;
    let issue = Issue {
        client: asked.client,
        granted: exchanged.granted,
        subject: Subject::User(Box::new(exchanged.user)),
        gty: Some("refresh_token".to_owned()),
        opaque: exchanged.opaque,
        refresh_token: exchanged.successor,
        session_id: exchanged.session_id,
        nonce: None,
        auth_time: None,
        amr: false,
        front: None,
    };
    token::sign(app, issue).await.ok_or(RefreshRefused::Signing)
}

/// Everything an exchange needs inside its transaction.
#[derive(Debug, Clone)]
struct Exchange {
    presented: Presented,
    client: Arc<Client>,
    scope: Option<String>,
    caller: Caller,
    snapshot: Arc<Snapshot>,
    key: MacKey,
    rng: Rng,
    journal: Journal,
    gate: Arc<Gate>,
    /// Whether an API or a connection that the snapshot lacks is gone; else another node may have just made it.
    last: bool,
}

/// A token that may be exchanged.
#[derive(Debug)]
struct Good {
    token: RefreshToken,
    standing: Standing,
    user: User,
    granted: Granted,
}

/// What is on record after an exchange, to be signed and answered.
#[derive(Debug)]
struct Exchanged {
    user: User,
    granted: Granted,
    successor: Option<String>,
    opaque: Option<String>,
    session_id: String,
}

impl Exchange {
    /// The transaction; `None` asks to come again with a newer snapshot, and has changed nothing.
    async fn run(self, app: &App) -> Result<Option<Result<Exchanged, RefreshRefused>>, DbError> {
        let now = app.clock.now();
        app.db
            .write_behind("refresh.exchange", move |tx| {
                let Some(outcome) = self.judge(tx, now)? else { return Ok(None) };
                Ok(Some(match outcome {
                    Ok(good) => Ok(self.record(tx, good, now)?),
                    Err(refused) => {
                        self.note_refusal(tx, &refused)?;
                        Err(refused)
                    }
                }))
            })
            .await
    }

    /// What may be exchanged. Reuse is looked for before anything that the user or the scope may be refused for.
    fn judge(&self, tx: &mut Tx<'_>, now: Millis) -> Result<Option<Result<Good, RefreshRefused>>, DbError> {
        let refuse = |why| Ok(Some(Err(why)));
        let Some(token) = self.presented.take(tx, &self.client.id, now)? else {
            return refuse(RefreshRefused::Unknown);
        };
        let leeway = self.client.refresh_policy().leeway;
        let standing = token.standing(&self.presented.hash, leeway, now);
        if standing == Standing::Spent {
            refresh_tokens::delete(tx, &token.id)?;
            return refuse(RefreshRefused::Reused(token.user_id));
        }
        let api = match &token.audience {
            None => None,
            Some(audience) => match self.snapshot.resource_server(audience) {
                None if self.last => return refuse(RefreshRefused::Unknown),
                None => return Ok(None),
                Some(api) if !token.is_for(&api) => return refuse(RefreshRefused::Unknown),
                api => api,
            },
        };
        let user = users::ask(tx, &token.user_id)?;
        let held = match api.as_ref().filter(|api| api.enforce_policies()) {
            Some(api) => permissions::on_api(tx, &token.user_id, api.identifier())?,
            None => Vec::new(),
        };
        let user = tx.answer(user)?.filter(|user| token.is_of(user));
        let Some(user) = user else { return refuse(RefreshRefused::UserGone) };
        // The users of a connection that is being deleted are as good as gone.
        match self.snapshot.has_connection(&user.connection) {
            true => {}
            false if self.last => return refuse(RefreshRefused::UserGone),
            false => return Ok(None),
        }
        if user.is_blocked() {
            return refuse(RefreshRefused::UserBlocked);
        }
        let had: Vec<&str> = token.scope.split_ascii_whitespace().collect();
        let asked: Vec<&str> = self.scope.as_deref().unwrap_or(&token.scope).split_ascii_whitespace().collect();
        let beyond: Vec<&str> = asked.iter().filter(|name| !had.contains(name)).copied().collect();
        if !beyond.is_empty() {
            return refuse(RefreshRefused::Scope(beyond.join(" ")));
        }
        let wanted = Wanted { audience: token.audience.clone(), scope: asked.join(" "), gty: None };
        if !token.second_factor
            && let Some(required) = self.gate.require(tx, &user, &wanted)?
        {
            return refuse(RefreshRefused::SecondFactor(required));
        }
        let scope = asked.into_iter().map(str::to_owned).collect();
        Ok(Some(Ok(Good { token, standing, user, granted: Granted::again(api, scope, held) })))
    }

    /// Rotates the family if it is to, and records what will be answered. Nothing here is waited for.
    fn record(&self, tx: &mut Tx<'_>, good: Good, now: Millis) -> Result<Exchanged, DbError> {
        let Good { mut token, standing, user, granted } = good;
        let policy = self.client.refresh_policy();
        let holder = Holder { client: &self.client, user: &user, granted: &granted, caller: &self.caller };
        let follow = |salt: &str| refresh_token::successor(&self.key, &token.id, salt, &self.presented.text);
        let successor = match (standing, &token.previous) {
            (Standing::Current, _) if policy.rotating => {
                let salt = ids::short_token(&self.rng);
                let text = follow(&salt);
                token.rotate(hash_of(&self.key, &text), salt, now);
                Some(text)
            }
            (Standing::Previous, Some(previous)) => Some(follow(&previous.salt)),
            _ => None,
        };
        token.rotating = policy.rotating;
        token.last_exchanged_at = Some(now);
        token.idle_expires_at = policy.idle.map(|seconds| now.saturating_add(seconds.saturating_mul(SECOND)));
        token.device.seen(&self.caller.ip, self.caller.user_agent.as_deref().unwrap_or_default());
        refresh_tokens::put(tx, &token)?;
        let opaque = granted.api.is_none().then(|| ids::short_token(&self.rng));
        if let Some(opaque) = &opaque {
            access_tokens::insert(tx, &hash_of(&self.key, opaque), &holder.access_token(now))?;
        }
        let event = Event {
            user_id: user.user_id.clone(),
            user_name: user.phone_number.clone().unwrap_or_default(),
            connection: user.connection.clone(),
            audience: token.audience.clone().unwrap_or_default(),
            scope: granted.scope_text(),
            ..on_client("sertft", &self.client, &self.caller)
        };
        self.journal.write(tx, event)?;
        let session_id = token.session_id.unwrap_or_default();
        Ok(Exchanged { user, granted, successor, opaque, session_id })
    }

    fn note_refusal(&self, tx: &mut Tx<'_>, refused: &RefreshRefused) -> Result<(), DbError> {
        let (kind, description) = match refused {
            RefreshRefused::Reused(_) => {
                ("ferrt", "Unsuccessful Refresh Token exchange, reused refresh token detected".to_owned())
            }
            RefreshRefused::UserGone => {
                ("fertft", "The refresh_token was generated for a user who doesn't exist anymore.".to_owned())
            }
            RefreshRefused::SecondFactor(_) => ("mfar", String::new()),
            RefreshRefused::UserBlocked => ("fertft", Refused::UserBlocked.sentence()),
            RefreshRefused::Scope(scope) => ("fertft", Refused::Scope(scope.clone()).sentence()),
            _ => ("fertft", "Unknown or invalid refresh token.".to_owned()),
        };
        let user_id = match refused {
            RefreshRefused::Reused(user_id) | RefreshRefused::SecondFactor(Required { user_id, .. }) => user_id.clone(),
            _ => String::new(),
        };
        self.journal.write(tx, Event { description, user_id, ..on_client(kind, &self.client, &self.caller) })
    }
}

/// An event about a client's refresh token.
pub(super) fn on_client(kind: &'static str, client: &Client, caller: &Caller) -> Event {
    Event { client_id: client.id.clone(), client_name: client.name().to_owned(), ..record::event(kind, caller) }
}
