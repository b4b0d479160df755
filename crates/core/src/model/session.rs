//! A session: what one sign-in began, as long as a refresh token of it lives (<https://auth0.com/docs/api/management/v2/sessions>;
//! `docs/COMPATIBILITY.md` C1081-C1084).

use serde_json::{Map, Value, json};

use super::refresh_token::RefreshToken;
use super::schema::{self, Invalid, Kind, Object, field};
use crate::kit::clock::{Millis, rfc3339};

/// A session: the live refresh tokens that share its id, oldest first, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    first: RefreshToken,
    others: Vec<RefreshToken>,
}

impl Session {
    /// The sessions of tokens that come oldest first; tokens without one are left out.
    pub fn group(tokens: Vec<RefreshToken>) -> Vec<Self> {
        let mut sessions: Vec<Self> = Vec::new();
        for token in tokens.into_iter().filter(|token| token.session_id.is_some()) {
            match sessions.iter_mut().find(|session| session.first.session_id == token.session_id) {
                Some(session) => session.others.push(token),
                None => sessions.push(Self { first: token, others: Vec::new() }),
            }
        }
        sessions
    }

    /// Its id: `sid` of the ID tokens.
    pub fn id(&self) -> &str {
        self.first.session_id.as_deref().unwrap_or_default()
    }

    /// Whose it is.
    pub fn user_id(&self) -> &str {
        &self.first.user_id
    }

    /// When it began.
    pub fn created_at(&self) -> Millis {
        self.first.created_at
    }

    /// The object on the wire.
    pub fn view(&self) -> Map<String, Value> {
        let tokens = || std::iter::once(&self.first).chain(&self.others);
        let used = |token: &RefreshToken| token.last_exchanged_at.unwrap_or(token.created_at);
        let last = tokens().max_by_key(|token| used(token)).unwrap_or(&self.first);
        let began = rfc3339(self.first.created_at);
        let mut view = Map::new();
        let mut set = |name: &str, value: Value| drop(view.insert(name.to_owned(), value));
        set("id", self.id().into());
        set("user_id", self.user_id().into());
        set("created_at", began.clone().into());
        set("updated_at", rfc3339(used(last)).into());
        set("authenticated_at", began.clone().into());
        for (name, end) in [
            ("idle_expires_at", latest(tokens().map(|token| token.idle_expires_at))),
            ("expires_at", latest(tokens().map(|token| token.expires_at))),
        ] {
            if let Some(end) = end {
                set(name, rfc3339(end).into());
            }
        }
        set("last_interacted_at", rfc3339(used(last)).into());
        let mut device = self.first.device.clone();
        device.seen(&last.device.last_ip, &last.device.last_user_agent);
        set("device", device.view());
        let mut clients: Vec<&str> = tokens().map(|token| token.client_id.as_str()).collect();
        clients.sort_unstable();
        clients.dedup();
        set("clients", clients.into_iter().map(|client_id| json!({"client_id": client_id})).collect());
        // The provider in a user's id is the strategy of the connection that proved who it is.
        let method = match self.user_id().split('|').next() {
            Some("auth0") => "pwd",
            other => other.unwrap_or_default(),
        };
        set("authentication", json!({"methods": [{"name": method, "timestamp": began}]}));
        if !self.first.session_metadata.is_empty() {
            set("session_metadata", self.first.session_metadata.clone().into());
        }
        view
    }
}

/// The last of several ends; none when one of them has none.
fn latest(ends: impl Iterator<Item = Option<Millis>>) -> Option<Millis> {
    ends.max_by_key(|end| end.unwrap_or(Millis::MAX)).flatten()
}

/// What the body of `PATCH /sessions/{id}` sets; `None` when it says nothing.
pub fn patch(body: &Value) -> Result<Option<Map<String, Value>>, Invalid> {
    Ok(schema::check(&UPDATE, body)?.get("session_metadata").map(schema::metadata))
}

/// What the body of `POST /users/{id}/revoke-access` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeAccess {
    /// The session; none for all of the user's.
    pub session_id: Option<String>,
    /// Whether their refresh tokens live on.
    pub preserve_refresh_tokens: bool,
}

impl RevokeAccess {
    /// Reads the body.
    pub fn read(body: &Value) -> Result<Self, Invalid> {
        let body = schema::check(&REVOKE_ACCESS, body)?;
        Ok(Self {
            session_id: body.get("session_id").and_then(Value::as_str).map(str::to_owned),
            preserve_refresh_tokens: body.get("preserve_refresh_tokens").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

const UPDATE: Object = Object {
    fields: &[&[field("session_metadata", Kind::Map(25), "Metadata of the session")]],
    required: &[],
    open: false,
};
const REVOKE_ACCESS: Object = Object {
    fields: &[&[
        field("session_id", Kind::Text(0, 50), "ID of the session to revoke"),
        field("preserve_refresh_tokens", Kind::Bool, "Whether the session's refresh tokens live on"),
    ]],
    required: &[],
    open: false,
};
