//! A session: what a sign-in on the hosted pages began, kept by a cookie
//! (<https://auth0.com/docs/api/management/v2/sessions>; `docs/COMPATIBILITY.md` C1081-C1084, C1330-C1334).

use serde_json::{Map, Value, json};

use super::refresh_token::Device;
use super::schema::{self, Invalid, Kind, Object, field};
use crate::kit::clock::{Millis, rfc3339};

/// A session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// `sid` of the ID tokens; no secret.
    pub id: String,
    /// Hash of what the browser proves it with.
    pub secret_hash: String,
    /// Whose it is.
    pub user_id: String,
    /// Name of the connection that proved who they are.
    pub connection: String,
    /// When it began.
    pub created_at: Millis,
    /// When they last proved who they are.
    pub authenticated_at: Millis,
    /// When it was last used.
    pub last_interacted_at: Millis,
    /// Its end if it is not used.
    pub idle_expires_at: Millis,
    /// Its end in any case.
    pub expires_at: Millis,
    /// Where it began and was last used.
    pub device: Device,
    /// Ids of the clients that it signed in to.
    pub clients: Vec<String>,
    /// When a second factor was proven for it; nothing where none was.
    pub second_factor_at: Option<Millis>,
    /// What the operator keeps with it.
    pub metadata: Map<String, Value>,
}

impl Session {
    /// The earlier of its two ends.
    pub fn ends_at(&self) -> Millis {
        self.idle_expires_at.min(self.expires_at)
    }

    /// Notes a use: the idle time (milliseconds) begins anew.
    pub fn used(&mut self, client_id: &str, ip: &str, user_agent: &str, idle: Millis, now: Millis) {
        self.last_interacted_at = now;
        self.idle_expires_at = now.saturating_add(idle);
        self.device.seen(ip, user_agent);
        if !self.clients.iter().any(|known| known == client_id) {
            self.clients.push(client_id.to_owned());
        }
    }

    /// The object on the wire.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        let mut set = |name: &str, value: Value| drop(view.insert(name.to_owned(), value));
        set("id", self.id.as_str().into());
        set("user_id", self.user_id.as_str().into());
        set("created_at", rfc3339(self.created_at).into());
        set("updated_at", rfc3339(self.last_interacted_at).into());
        set("authenticated_at", rfc3339(self.authenticated_at).into());
        set("idle_expires_at", rfc3339(self.idle_expires_at).into());
        set("expires_at", rfc3339(self.expires_at).into());
        set("last_interacted_at", rfc3339(self.last_interacted_at).into());
        set("device", self.device.view());
        set("clients", self.clients.iter().map(|client_id| json!({"client_id": client_id})).collect());
        // The provider in a user's id is the strategy of the connection that made it.
        let method = match self.user_id.split('|').next() {
            Some("auth0") => "pwd",
            other => other.unwrap_or_default(),
        };
        let mut methods = vec![json!({"name": method, "timestamp": rfc3339(self.authenticated_at)})];
        methods.extend(self.second_factor_at.map(|at| json!({"name": "mfa", "timestamp": rfc3339(at)})));
        set("authentication", json!({"methods": methods}));
        if !self.metadata.is_empty() {
            set("session_metadata", self.metadata.clone().into());
        }
        view
    }
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
