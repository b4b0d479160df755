//! Tokens that are kept on record: drawn before the transaction that grants them, recorded in it (`docs/COMPATIBILITY.md`
//! C439, C501, C522, C1060, C1086).

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::ids;
use ringpass_core::model::client::Client;
use ringpass_core::model::grant::Grant;
use ringpass_core::model::refresh_token::{self, Device, RefreshToken};
use ringpass_core::model::user::User;
use ringpass_core::storage::access_tokens::{self, AccessToken};
use ringpass_core::storage::{DbError, Tx, grants, refresh_tokens};
use serde_json::Map;

use super::caller::Caller;
use super::grant::Granted;
use super::token::OPAQUE_LIFETIME;
use crate::app::App;

/// A token and the hash it is stored under.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What the client gets.
    pub text: String,
    /// What the database gets.
    pub hash: String,
}

/// The tokens of a grant that are kept on record, and the ids that go with them.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Opaque access token.
    pub opaque: Option<Kept>,
    /// Refresh token.
    pub refresh: Option<Kept>,
    /// Session id (`sid`).
    pub session_id: String,
    family: String,
    grant: String,
    /// Whether a second factor was proven for them.
    second_factor: bool,
}

/// To whom tokens are issued.
#[derive(Debug)]
pub struct Holder<'a> {
    /// The client.
    pub client: &'a Client,
    /// The user they speak for.
    pub user: &'a User,
    /// API and scopes.
    pub granted: &'a Granted,
    /// Who calls.
    pub caller: &'a Caller,
}

/// Draws what `granted` needs on record: an opaque token without an API, a refresh token with `offline_access`.
pub fn draw(app: &App, granted: &Granted) -> Drawn {
    let session_id = ids::short_token(&app.rng);
    let offline = granted.has("offline_access");
    let (family, grant) =
        if offline { (ids::refresh_token(&app.rng), ids::object(&app.rng)) } else { (String::new(), String::new()) };
    Drawn {
        opaque: granted.api.is_none().then(|| Kept::new(app, ids::short_token(&app.rng))),
        refresh: offline.then(|| Kept::new(app, refresh_token::text(&app.hash_key, &family, &ids::token(&app.rng)))),
        session_id,
        family,
        grant,
        second_factor: false,
    }
}

/// Draws everything that a grant may need, for one that is known only inside its transaction.
pub fn draw_all(app: &App) -> Drawn {
    let family = ids::refresh_token(&app.rng);
    Drawn {
        opaque: Some(Kept::new(app, ids::short_token(&app.rng))),
        refresh: Some(Kept::new(app, refresh_token::text(&app.hash_key, &family, &ids::token(&app.rng)))),
        session_id: String::new(),
        family,
        grant: ids::object(&app.rng),
        second_factor: false,
    }
}

impl Kept {
    /// A token and its hash.
    pub fn new(app: &App, text: String) -> Self {
        Self { hash: token_hash(app, &text), text }
    }
}

impl Drawn {
    /// The id of the refresh tokens' family; `None` without a refresh token.
    pub fn family(&self) -> Option<&str> {
        self.refresh.as_ref().map(|_| self.family.as_str())
    }

    /// The same in this session.
    #[must_use]
    pub fn of_session(self, id: &str) -> Self {
        Self { session_id: id.to_owned(), ..self }
    }

    /// The same behind a second factor: a refresh token of it is not asked for one.
    #[must_use]
    pub fn with_second_factor(self) -> Self {
        Self { second_factor: true, ..self }
    }

    /// The part of it that `granted` needs.
    #[must_use]
    pub fn only(self, granted: &Granted) -> Self {
        Self {
            opaque: self.opaque.filter(|_| granted.api.is_none()),
            refresh: self.refresh.filter(|_| granted.has("offline_access")),
            ..self
        }
    }

    /// Records what was drawn, in the transaction that grants it.
    pub fn record(&self, tx: &mut Tx<'_>, holder: &Holder<'_>, now: Millis) -> Result<(), DbError> {
        if let Some(opaque) = &self.opaque {
            access_tokens::insert(tx, &opaque.hash, &holder.access_token(now))?;
        }
        if let Some(refresh) = &self.refresh {
            refresh_tokens::insert(tx, &self.refresh_token(&refresh.hash, holder, now))?;
            grants::record(tx, &self.grant(holder, now))?;
        }
        Ok(())
    }

    fn refresh_token(&self, hash: &str, holder: &Holder<'_>, now: Millis) -> RefreshToken {
        let policy = holder.client.refresh_policy();
        let end = |seconds: i64| now.saturating_add(seconds.saturating_mul(SECOND));
        RefreshToken {
            id: self.family.clone(),
            user_id: holder.user.user_id.clone(),
            client_id: holder.client.id.clone(),
            session_id: Some(self.session_id.clone()),
            audience: holder.granted.api.as_ref().map(|api| api.identifier().to_owned()),
            scope: holder.granted.scope_text(),
            hash: hash.to_owned(),
            previous: None,
            rotating: policy.rotating,
            created_at: now,
            last_exchanged_at: None,
            idle_expires_at: policy.idle.map(end),
            expires_at: policy.lifetime.map(end),
            device: Device::new(&holder.caller.ip, holder.caller.user_agent.as_deref().unwrap_or_default()),
            metadata: Map::new(),
            second_factor: self.second_factor,
        }
    }

    fn grant(&self, holder: &Holder<'_>, now: Millis) -> Grant {
        let api = holder.granted.api.as_ref();
        Grant {
            id: self.grant.clone(),
            user_id: holder.user.user_id.clone(),
            client_id: holder.client.id.clone(),
            audience: api.map(|api| api.identifier().to_owned()).unwrap_or_default(),
            scope: holder.granted.scope_text(),
            created_at: now,
        }
    }
}

impl Holder<'_> {
    /// The record of an opaque access token.
    pub fn access_token(&self, now: Millis) -> AccessToken {
        AccessToken {
            user_id: self.user.user_id.clone(),
            client_id: self.client.id.clone(),
            scope: self.granted.scope_text(),
            expires_at: now + OPAQUE_LIFETIME * SECOND,
        }
    }
}

/// The hash under which a token is on record.
pub fn token_hash(app: &App, token: &str) -> String {
    hash_of(&app.hash_key, token)
}

/// The same where only the key is at hand: inside a transaction.
pub(super) fn hash_of(key: &ringpass_core::kit::hash::MacKey, token: &str) -> String {
    key.tag(&["token", token])
}
