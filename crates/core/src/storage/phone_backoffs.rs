//! How far apart the messages to a user's phone are ([`crate::model::phone_backoff`]).

use crate::kit::clock::Millis;
use crate::model::phone_backoff::PhoneBackoff;

use super::db::{DbError, Tx};

/// Where a user stands, locked until the transaction ends.
pub fn get_for_update(tx: &mut Tx<'_>, user_id: &str) -> Result<PhoneBackoff, DbError> {
    let row = tx.query_one(
        "INSERT INTO phone_backoffs (user_id, steps, last_at, next_at) VALUES (?1, 0, 0, 0) \
         ON CONFLICT (user_id) DO UPDATE SET steps = phone_backoffs.steps RETURNING steps, last_at, next_at",
        &[user_id.into()],
    )?;
    let row = row.ok_or(DbError::Shape(0))?;
    Ok(PhoneBackoff { steps: row.int(0)?, last_at: row.int(1)?, next_at: row.int(2)? })
}

/// Stores where a user stands.
pub fn put(tx: &mut Tx<'_>, user_id: &str, standing: &PhoneBackoff) -> Result<(), DbError> {
    tx.later(
        "UPDATE phone_backoffs SET steps = ?2, last_at = ?3, next_at = ?4 WHERE user_id = ?1",
        &[user_id.into(), standing.steps.into(), standing.last_at.into(), standing.next_at.into()],
    )
}

/// A user has proven to hold the phone: the next message goes at once.
pub fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM phone_backoffs WHERE user_id = ?1", &[user_id.into()])
}

/// Removes up to `limit` of users who had no message for a day before `now`; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM phone_backoffs WHERE user_id IN \
         (SELECT user_id FROM phone_backoffs WHERE last_at <= ?1 ORDER BY last_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
