//! Sessions that have ended and whose clients are to be told: written in the transaction that ends the session, sent by the
//! worker of whichever node takes the row first.

use crate::kit::clock::Millis;
use crate::model::logout_notice::LogoutNotice;

use super::db::{DbError, Tx};

/// Takes one notice that is due, counts the try, and holds it until `held_until`.
pub fn claim(tx: &mut Tx<'_>, now: Millis, held_until: Millis) -> Result<Option<LogoutNotice>, DbError> {
    let row = tx.query_one(
        "UPDATE logout_notices SET attempts = attempts + 1, due_at = ?2 WHERE due_at <= ?1 AND session_id = \
         (SELECT session_id FROM logout_notices WHERE due_at <= ?1 ORDER BY due_at, session_id LIMIT 1) \
         RETURNING session_id, user_id, clients, initiator, attempts",
        &[now.into(), held_until.into()],
    )?;
    row.map(|row| {
        Ok(LogoutNotice {
            session_id: row.text(0)?,
            user_id: row.text(1)?,
            clients: row.json(2)?,
            initiator: row.text(3)?,
            attempts: row.int(4)?,
        })
    })
    .transpose()
}

/// Whether a notice is due.
pub fn is_waiting(tx: &mut Tx<'_>, now: Millis) -> Result<bool, DbError> {
    let row = tx.query_one("SELECT session_id FROM logout_notices WHERE due_at <= ?1 LIMIT 1", &[now.into()])?;
    Ok(row.is_some())
}

/// Keeps a notice for the clients that are left.
pub fn put(tx: &mut Tx<'_>, notice: &LogoutNotice, due_at: Millis) -> Result<(), DbError> {
    let clients = serde_json::to_string(&notice.clients).unwrap_or_default();
    tx.later(
        "UPDATE logout_notices SET clients = ?2, due_at = ?3 WHERE session_id = ?1",
        &[notice.session_id.as_str().into(), clients.into(), due_at.into()],
    )
}

/// Forgets a notice.
pub fn delete(tx: &mut Tx<'_>, session_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM logout_notices WHERE session_id = ?1", &[session_id.into()])
}
