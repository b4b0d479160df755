//! Codes of a second factor that are on their way: one for each transaction and authenticator, used once
//! (`docs/COMPATIBILITY.md` C1780-C1784).
//!
//! The code is not on record: it follows from the salt and the server's key, so that it can be sent again.

use crate::kit::clock::Millis;

use super::db::{DbError, Tx};

/// Whose code it is.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The sign-in, or whatever else asks for the proof.
    pub transaction_id: &'a str,
    /// The authenticator's own id.
    pub authenticator_id: &'a str,
}

/// A code on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What the code follows from.
    pub salt: String,
    /// When its time is over.
    pub expires_at: Millis,
}

/// Notes a new code, unless one is on its way: then that one, whose time goes on as before.
pub fn begin(tx: &mut Tx<'_>, key: Key<'_>, fresh: &Pending, now: Millis) -> Result<Pending, DbError> {
    let row = tx.query_one(
        "INSERT INTO mfa_codes (transaction_id, authenticator_id, salt, expires_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (transaction_id, authenticator_id) DO UPDATE SET \
         salt = CASE WHEN mfa_codes.expires_at > ?5 THEN mfa_codes.salt ELSE excluded.salt END, \
         expires_at = CASE WHEN mfa_codes.expires_at > ?5 THEN mfa_codes.expires_at ELSE excluded.expires_at END \
         RETURNING salt, expires_at",
        &[
            key.transaction_id.into(),
            key.authenticator_id.into(),
            fresh.salt.as_str().into(),
            fresh.expires_at.into(),
            now.into(),
        ],
    )?;
    row.map_or(Err(DbError::Shape(0)), |row| Ok(Pending { salt: row.text(0)?, expires_at: row.int(1)? }))
}

/// The code on its way. Whoever tries it holds the user's row.
pub fn get(tx: &mut Tx<'_>, key: Key<'_>) -> Result<Option<Pending>, DbError> {
    let row = tx.query_one(
        "SELECT salt, expires_at FROM mfa_codes WHERE transaction_id = ?1 AND authenticator_id = ?2",
        &[key.transaction_id.into(), key.authenticator_id.into()],
    )?;
    row.map(|row| Ok(Pending { salt: row.text(0)?, expires_at: row.int(1)? })).transpose()
}

/// Uses a code up.
pub fn consume(tx: &mut Tx<'_>, key: Key<'_>) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM mfa_codes WHERE transaction_id = ?1 AND authenticator_id = ?2",
        &[key.transaction_id.into(), key.authenticator_id.into()],
    )
}

/// Removes up to `limit` codes whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM mfa_codes WHERE (transaction_id, authenticator_id) IN \
         (SELECT transaction_id, authenticator_id FROM mfa_codes WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
