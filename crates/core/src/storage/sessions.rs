//! Sessions of browsers (`docs/COMPATIBILITY.md` C1081-C1084, C1330-C1334). Refresh tokens name the session that they came
//! from; they may outlive it.

use serde_json::{Map, Value as Json};

use crate::kit::clock::Millis;
use crate::model::logout_notice::Ended;
use crate::model::refresh_token::Device;
use crate::model::session::Session;

use super::db::{DbError, Row, Tx};
use super::json;

/// Every column that is read, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "id, secret_hash, user_id, connection, created_at, authenticated_at, last_interacted_at, idle_expires_at, expires_at, \
         initial_ip, initial_user_agent, last_ip, last_user_agent, clients, metadata, second_factor_at"
    };
}

/// Adds a session.
pub fn insert(tx: &mut Tx<'_>, session: &Session) -> Result<(), DbError> {
    tx.later(
        concat!(
            "INSERT INTO sessions (",
            columns!(),
            ", ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
        ),
        &[
            session.id.as_str().into(),
            session.secret_hash.as_str().into(),
            session.user_id.as_str().into(),
            session.connection.as_str().into(),
            session.created_at.into(),
            session.authenticated_at.into(),
            session.last_interacted_at.into(),
            session.idle_expires_at.into(),
            session.expires_at.into(),
            session.device.initial_ip.as_str().into(),
            session.device.initial_user_agent.as_str().into(),
            session.device.last_ip.as_str().into(),
            session.device.last_user_agent.as_str().into(),
            clients(session).into(),
            json(&session.metadata).into(),
            session.second_factor_at.into(),
            session.ends_at().into(),
        ],
    )
}

/// A live session by its id.
pub fn get(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<Option<Session>, DbError> {
    let row = tx.query_one(
        concat!("SELECT ", columns!(), " FROM sessions WHERE id = ?1 AND ends_at > ?2"),
        &[id.into(), now.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Notes that a session was used ([`Session::used`]).
pub fn put_use(tx: &mut Tx<'_>, session: &Session) -> Result<(), DbError> {
    tx.later(
        "UPDATE sessions SET last_interacted_at = ?2, idle_expires_at = ?3, ends_at = ?4, last_ip = ?5, \
         last_user_agent = ?6, clients = ?7 WHERE id = ?1",
        &[
            session.id.as_str().into(),
            session.last_interacted_at.into(),
            session.idle_expires_at.into(),
            session.ends_at().into(),
            session.device.last_ip.as_str().into(),
            session.device.last_user_agent.as_str().into(),
            clients(session).into(),
        ],
    )
}

/// Up to `limit` live sessions of a user, oldest first, after the one that began at `after.0` with the id `after.1`.
pub fn list_of_user(
    tx: &mut Tx<'_>,
    user_id: &str,
    after: &(Millis, String),
    limit: i64,
    now: Millis,
) -> Result<Vec<Session>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM sessions WHERE user_id = ?1 AND ends_at > ?2 AND (created_at, id) > (?3, ?4) \
             ORDER BY created_at, id LIMIT ?5"
        ),
        &[user_id.into(), now.into(), after.0.into(), after.1.as_str().into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Replaces the metadata of a session.
pub fn put_metadata(tx: &mut Tx<'_>, id: &str, metadata: &Map<String, Json>) -> Result<(), DbError> {
    tx.later("UPDATE sessions SET metadata = ?2 WHERE id = ?1", &[id.into(), json(metadata).into()])
}

/// Ends a session; its refresh tokens live on without it.
pub fn delete(tx: &mut Tx<'_>, id: &str, why: Ended) -> Result<(), DbError> {
    note(tx, "", id, why)?;
    tx.later("DELETE FROM sessions WHERE id = ?1", &[id.into()])?;
    tx.later("UPDATE refresh_tokens SET session_id = NULL WHERE session_id = ?1", &[id.into()])
}

/// Ends the sessions of a user, or one of them if one is named; their refresh tokens live on.
pub fn delete_of_user(tx: &mut Tx<'_>, user_id: &str, session_id: Option<&str>, why: Ended) -> Result<(), DbError> {
    note(tx, user_id, session_id.unwrap_or_default(), why)?;
    let params = [user_id.into(), session_id.unwrap_or_default().into()];
    tx.later("DELETE FROM sessions WHERE user_id = ?1 AND (CAST(?2 AS TEXT) = '' OR id = CAST(?2 AS TEXT))", &params)?;
    tx.later(
        "UPDATE refresh_tokens SET session_id = NULL WHERE user_id = ?1 \
         AND (CAST(?2 AS TEXT) = '' OR session_id = CAST(?2 AS TEXT))",
        &params,
    )
}

/// Ends a session together with its refresh tokens.
pub fn revoke(tx: &mut Tx<'_>, id: &str) -> Result<(), DbError> {
    note(tx, "", id, Ended::SessionRevoked)?;
    tx.later("DELETE FROM sessions WHERE id = ?1", &[id.into()])?;
    tx.later("DELETE FROM refresh_tokens WHERE session_id = ?1", &[id.into()])
}

/// Ends one session of a user together with its refresh tokens.
pub fn revoke_of_user(tx: &mut Tx<'_>, user_id: &str, session_id: &str) -> Result<(), DbError> {
    note(tx, user_id, session_id, Ended::SessionRevoked)?;
    let params = [user_id.into(), session_id.into()];
    tx.later("DELETE FROM sessions WHERE user_id = ?1 AND id = ?2", &params)?;
    tx.later("DELETE FROM refresh_tokens WHERE user_id = ?1 AND session_id = ?2", &params)
}

/// Removes up to `limit` ended sessions; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.later(
        "INSERT INTO logout_notices (session_id, user_id, clients, initiator, attempts, due_at) \
         SELECT id, user_id, clients, CAST(?3 AS TEXT), 0, 0 FROM sessions WHERE id IN \
         (SELECT id FROM sessions WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2) ON CONFLICT (session_id) DO NOTHING",
        &[now.into(), limit.into(), Ended::SessionExpired.name().into()],
    )?;
    tx.execute(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}

/// Notes that the clients of sessions that are about to go are to be told: of one session, or of all of a user.
fn note(tx: &mut Tx<'_>, user_id: &str, session_id: &str, why: Ended) -> Result<(), DbError> {
    if why == Ended::Replaced {
        return Ok(());
    }
    if session_id.is_empty() {
        return tx.later(
            "INSERT INTO logout_notices (session_id, user_id, clients, initiator, attempts, due_at) \
             SELECT id, user_id, clients, CAST(?2 AS TEXT), 0, 0 FROM sessions WHERE user_id = ?1 \
             ON CONFLICT (session_id) DO NOTHING",
            &[user_id.into(), why.name().into()],
        );
    }
    tx.later(
        "INSERT INTO logout_notices (session_id, user_id, clients, initiator, attempts, due_at) \
         SELECT id, user_id, clients, CAST(?3 AS TEXT), 0, 0 FROM sessions WHERE id = ?2 \
         AND (CAST(?1 AS TEXT) = '' OR user_id = CAST(?1 AS TEXT)) ON CONFLICT (session_id) DO NOTHING",
        &[user_id.into(), session_id.into(), why.name().into()],
    )
}

fn clients(session: &Session) -> String {
    serde_json::to_string(&session.clients).unwrap_or_default()
}

fn read(row: &Row) -> Result<Session, DbError> {
    Ok(Session {
        id: row.text(0)?,
        secret_hash: row.text(1)?,
        user_id: row.text(2)?,
        connection: row.text(3)?,
        created_at: row.int(4)?,
        authenticated_at: row.int(5)?,
        last_interacted_at: row.int(6)?,
        idle_expires_at: row.int(7)?,
        expires_at: row.int(8)?,
        device: Device {
            initial_ip: row.text(9)?,
            initial_user_agent: row.text(10)?,
            last_ip: row.text(11)?,
            last_user_agent: row.text(12)?,
        },
        clients: row.json(13)?,
        metadata: row.json(14)?,
        second_factor_at: row.opt_int(15)?,
    })
}
