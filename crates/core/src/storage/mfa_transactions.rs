//! Sign-ins at the token endpoint that wait for their second factor (`docs/COMPATIBILITY.md` C1780).

use crate::kit::clock::Millis;
use crate::model::mfa::MfaTransaction;

use super::db::{DbError, Row, Tx};
use super::json;

/// Adds a transaction.
pub fn insert(tx: &mut Tx<'_>, one: &MfaTransaction, expires_at: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO mfa_transactions (id, user_id, client_id, doc, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            one.id.as_str().into(),
            one.user_id.as_str().into(),
            one.client_id.as_str().into(),
            json(&one.wanted).into(),
            expires_at.into(),
        ],
    )
}

/// A live transaction that is not completed.
pub fn get(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<Option<MfaTransaction>, DbError> {
    let row = tx.query_one(
        "SELECT id, user_id, client_id, doc FROM mfa_transactions WHERE id = ?1 AND expires_at > ?2",
        &[id.into(), now.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Locks a live transaction until the end of this one, so that of several who complete it at once one does.
pub fn hold(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<bool, DbError> {
    let held = tx.execute(
        "UPDATE mfa_transactions SET expires_at = expires_at WHERE id = ?1 AND expires_at > ?2",
        &[id.into(), now.into()],
    )?;
    Ok(held == 1)
}

/// Completes a transaction that is held.
pub fn complete(tx: &mut Tx<'_>, id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM mfa_transactions WHERE id = ?1", &[id.into()])
}

/// Removes those of a user who is gone.
pub(super) fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM mfa_transactions WHERE user_id = ?1", &[user_id.into()])
}

/// Removes up to `limit` whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM mfa_transactions WHERE id IN \
         (SELECT id FROM mfa_transactions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}

fn read(row: &Row) -> Result<MfaTransaction, DbError> {
    Ok(MfaTransaction { id: row.text(0)?, user_id: row.text(1)?, client_id: row.text(2)?, wanted: row.json(3)? })
}
