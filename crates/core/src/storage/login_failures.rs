//! Failed sign-ins from one address at one identifier, for brute-force protection (Auth0: "Brute-force protection").

use crate::kit::clock::{DAY, Millis};

use super::db::{DbError, Tx};

/// Failures in a row that block an address for an identifier.
pub const MAX_FAILURES: i64 = 10;
/// How long a count, and a block, lasts.
pub const LIFETIME: Millis = 30 * DAY;

/// Who tried what.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    /// The connection's name.
    pub connection: &'a str,
    /// Phone number or e-mail address.
    pub identifier: &'a str,
    /// The caller's address.
    pub ip: &'a str,
}

/// How many failures in a row are on record; 0 when none.
pub fn count(tx: &mut Tx<'_>, key: &Key<'_>, now: Millis) -> Result<i64, DbError> {
    let row = tx.query_one(
        "SELECT failures FROM login_failures WHERE connection = ?1 AND identifier = ?2 AND ip = ?3 AND expires_at > ?4",
        &[key.connection.into(), key.identifier.into(), key.ip.into(), now.into()],
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Records one more failure; the new count.
pub fn add(tx: &mut Tx<'_>, key: &Key<'_>, now: Millis) -> Result<i64, DbError> {
    let row = tx.query_one(
        "INSERT INTO login_failures (connection, identifier, ip, failures, expires_at) VALUES (?1, ?2, ?3, 1, ?5) \
         ON CONFLICT (connection, identifier, ip) DO UPDATE SET expires_at = ?5, \
         failures = CASE WHEN login_failures.expires_at > ?4 THEN login_failures.failures + 1 ELSE 1 END \
         RETURNING failures",
        &[key.connection.into(), key.identifier.into(), key.ip.into(), now.into(), (now + LIFETIME).into()],
    )?;
    row.map_or(Ok(1), |row| row.int(0))
}

/// Forgets the failures after a success.
pub fn clear(tx: &mut Tx<'_>, key: &Key<'_>) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM login_failures WHERE connection = ?1 AND identifier = ?2 AND ip = ?3",
        &[key.connection.into(), key.identifier.into(), key.ip.into()],
    )
}

/// Removes up to `limit` records whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM login_failures WHERE (connection, identifier, ip) IN (SELECT connection, identifier, ip \
         FROM login_failures WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
