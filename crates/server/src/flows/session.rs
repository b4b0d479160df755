//! Sessions of browsers: found by their cookie, begun at a sign-in, carried on at each use (`docs/COMPATIBILITY.md`
//! C1330-C1334).

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::hash::{self, MacKey};
use ringpass_core::kit::ids;
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::refresh_token::Device;
use ringpass_core::model::session::Session;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, sessions};
use serde_json::Map;

use super::caller::Caller;
use super::issue::hash_of;
use crate::app::App;
use crate::snapshot::Snapshot;

/// A session that is about to begin, and what the browser will prove it with.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// `sid`.
    pub id: String,
    /// The cookie's value.
    pub cookie: String,
    secret_hash: String,
    lifetimes: (Millis, Millis),
}

impl Fresh {
    /// Draws a session. Every sign-in begins a new one, so nobody can plant the cookie of a session that is to come.
    pub fn draw(app: &App) -> Self {
        let (id, secret) = (ids::short_token(&app.rng), ids::token(&app.rng));
        Self {
            cookie: format!("{id}.{secret}"),
            secret_hash: hash_of(&app.hash_key, &secret),
            id,
            lifetimes: app.snapshot().settings.session_lifetimes(),
        }
    }

    /// Begins the session, in the transaction of the sign-in.
    pub fn begin(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        second_factor_at: Option<Millis>,
        client_id: &str,
        caller: &Caller,
        now: Millis,
    ) -> Result<Session, DbError> {
        let (longest, idle) = self.lifetimes;
        let session = Session {
            id: self.id.clone(),
            secret_hash: self.secret_hash.clone(),
            user_id: user.user_id.clone(),
            connection: user.connection.clone(),
            created_at: now,
            authenticated_at: now,
            last_interacted_at: now,
            idle_expires_at: now.saturating_add(idle),
            expires_at: now.saturating_add(longest),
            device: Device::new(&caller.ip, caller.user_agent.as_deref().unwrap_or_default()),
            clients: vec![client_id.to_owned()],
            second_factor_at,
            metadata: Map::new(),
        };
        sessions::insert(tx, &session)?;
        Ok(session)
    }
}

/// The live session that this cookie proves, if its user's connection still is.
pub fn find(
    tx: &mut Tx<'_>,
    key: &MacKey,
    snapshot: &Arc<Snapshot>,
    cookie: &str,
    now: Millis,
) -> Result<Option<Session>, DbError> {
    let Some((id, secret)) = cookie.split_once('.') else { return Ok(None) };
    let found = sessions::get(tx, id, now)?.filter(|session| hash::same(&session.secret_hash, &hash_of(key, secret)));
    Ok(found.filter(|session| snapshot.has_connection(&session.connection)))
}

/// Ends a session; its refresh tokens live on, and its clients are told, unless another session takes its place.
pub fn end(tx: &mut Tx<'_>, session: &Session, why: Ended) -> Result<(), DbError> {
    sessions::delete(tx, &session.id, why)
}
