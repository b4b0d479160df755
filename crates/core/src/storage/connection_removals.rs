//! Connections that are being deleted. Their own row is gone at once, so that nothing lists them and nobody signs in; the
//! name stays taken until the worker has removed, step by step, their users and what was issued to them
//! (`docs/COMPATIBILITY.md` C688, C1171-C1173).

use crate::kit::clock::Millis;

use super::db::{DbError, Tx};
use super::users;

/// A removal that a node works on. The claim ends by itself, so that another node goes on when this one is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The connection.
    pub connection_id: String,
    /// Until when nobody else takes it.
    pub claimed_until: Millis,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There may be more to remove.
    More,
    /// Nothing is left, and the name is free.
    Done,
    /// Somebody else has taken the removal, or finished it.
    Lost,
}

/// Deletes a connection and claims the removal of what belongs to it; `false` when there is no such connection.
pub fn begin(tx: &mut Tx<'_>, connection_id: &str, now: Millis, until: Millis) -> Result<bool, DbError> {
    let row = tx.query_one("DELETE FROM connections WHERE id = ?1 RETURNING name", &[connection_id.into()])?;
    let Some(row) = row else { return Ok(false) };
    tx.later("DELETE FROM connection_clients WHERE connection_id = ?1", &[connection_id.into()])?;
    tx.later(
        "INSERT INTO connection_removals (connection_id, name, removed_at, claimed_until) VALUES (?1, ?2, ?3, ?4)",
        &[connection_id.into(), row.text(0)?.into(), now.into(), until.into()],
    )?;
    Ok(true)
}

/// Whether a connection of this name is being deleted.
pub fn holds(tx: &mut Tx<'_>, name: &str) -> Result<bool, DbError> {
    Ok(tx.query_one("SELECT 1 FROM connection_removals WHERE name = ?1", &[name.into()])?.is_some())
}

/// Whether a removal waits for somebody to go on with it.
pub fn waits(tx: &mut Tx<'_>, now: Millis) -> Result<bool, DbError> {
    Ok(tx.query_one("SELECT 1 FROM connection_removals WHERE claimed_until <= ?1", &[now.into()])?.is_some())
}

/// Claims the oldest removal that nobody works on.
pub fn claim(tx: &mut Tx<'_>, now: Millis, until: Millis) -> Result<Option<Removal>, DbError> {
    let row = tx.query_one(
        "UPDATE connection_removals SET claimed_until = ?2 WHERE claimed_until <= ?1 AND connection_id = \
         (SELECT connection_id FROM connection_removals WHERE claimed_until <= ?1 \
         ORDER BY removed_at, connection_id LIMIT 1) RETURNING connection_id",
        &[now.into(), until.into()],
    )?;
    row.map(|row| Ok(Removal { connection_id: row.text(0)?, claimed_until: until })).transpose()
}

/// Removes up to `limit` rows of each kind and claims the removal for longer; at the end the name is free.
pub fn step(tx: &mut Tx<'_>, removal: &mut Removal, until: Millis, limit: i64) -> Result<Step, DbError> {
    let id = removal.connection_id.as_str();
    let row = tx.query_one(
        "UPDATE connection_removals SET claimed_until = ?3 WHERE connection_id = ?1 AND claimed_until = ?2 RETURNING name",
        &[id.into(), removal.claimed_until.into(), until.into()],
    )?;
    let Some(row) = row else { return Ok(Step::Lost) };
    let name = row.text(0)?;
    let users = remove_users(tx, &name, limit)?;
    let failures = tx.execute(
        "DELETE FROM login_failures WHERE connection = ?1 AND (identifier, ip) IN \
         (SELECT identifier, ip FROM login_failures WHERE connection = ?1 LIMIT ?2)",
        &[name.as_str().into(), limit.into()],
    )?;
    let codes = tx.execute(
        "DELETE FROM codes WHERE connection_id = ?1 AND identifier IN \
         (SELECT identifier FROM codes WHERE connection_id = ?1 LIMIT ?2)",
        &[id.into(), limit.into()],
    )?;
    let is_last = [users, failures, codes].iter().all(|removed| *removed < limit.unsigned_abs());
    if is_last {
        tx.later("DELETE FROM connection_removals WHERE connection_id = ?1", &[id.into()])?;
    }
    removal.claimed_until = until;
    Ok(if is_last { Step::Done } else { Step::More })
}

/// Leaves a removal to whoever comes next.
pub fn release(tx: &mut Tx<'_>, removal: &Removal, now: Millis) -> Result<(), DbError> {
    tx.later(
        "UPDATE connection_removals SET claimed_until = ?3 WHERE connection_id = ?1 AND claimed_until = ?2",
        &[removal.connection_id.as_str().into(), removal.claimed_until.into(), now.into()],
    )
}

/// Removes up to `limit` users of a connection, each with everything issued to it; how many.
pub(super) fn remove_users(tx: &mut Tx<'_>, connection: &str, limit: i64) -> Result<u64, DbError> {
    let mut gone = 0;
    for of_connection in OF_CONNECTION {
        let rows = tx.query(of_connection, &[connection.into(), (limit - gone).into()])?;
        for row in &rows {
            let id = row.text(0)?;
            if !users::delete(tx, &id)? {
                // An identity of a user of another connection: that user stays.
                tx.later("DELETE FROM users WHERE user_id = ?1", &[id.as_str().into()])?;
                users::forget_password(tx, &id)?;
            }
            gone += 1;
        }
    }
    Ok(gone.unsigned_abs())
}

/// Every user has a number, an address or a name, and each of these has an index that begins with the connection; nothing
/// else does, so any other question would read the whole table.
const OF_CONNECTION: [&str; 3] = [
    "SELECT user_id FROM users WHERE connection = ?1 AND phone_number IS NOT NULL LIMIT ?2",
    "SELECT user_id FROM users WHERE connection = ?1 AND email IS NOT NULL LIMIT ?2",
    "SELECT user_id FROM users WHERE connection = ?1 AND username IS NOT NULL LIMIT ?2",
];
