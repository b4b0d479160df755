//! Failed sign-ins at one identifier, from one address or from all, for brute-force protection (Auth0: "Brute-force
//! protection").

use crate::kit::clock::{DAY, Millis};

use super::db::{Asked, DbError, Tx};

/// How long a count, and a block, lasts.
pub const LIFETIME: Millis = 30 * DAY;

/// Who tried what.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    /// The connection's name.
    pub connection: &'a str,
    /// Phone number or e-mail address.
    pub identifier: &'a str,
    /// The caller's address; empty where all addresses are counted together.
    pub ip: &'a str,
}

/// What is on record when somebody tries to sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Failures in a row.
    pub failures: i64,
    /// When the first bucket asked for is full again.
    pub first_full_at: Millis,
    /// When the second one is.
    pub second_full_at: Millis,
}

/// The failures in a row, and two buckets: all that a try must know, in one question.
pub fn ask_standing(
    tx: &mut Tx<'_>,
    key: &Key<'_>,
    buckets: [&str; 2],
    now: Millis,
) -> Result<Asked<Standing>, DbError> {
    let [first, second] = buckets;
    tx.ask(
        "SELECT (SELECT failures FROM login_failures WHERE connection = ?1 AND identifier = ?2 AND ip = ?3 \
         AND expires_at > ?4), (SELECT full_at FROM buckets WHERE key = ?5), (SELECT full_at FROM buckets WHERE key = ?6)",
        &[key.connection.into(), key.identifier.into(), key.ip.into(), now.into(), first.into(), second.into()],
        |rows| {
            let Some(row) = rows.first() else { return Ok(Standing::default()) };
            let number = |column| Ok::<_, DbError>(row.opt_int(column)?.unwrap_or(0));
            Ok(Standing { failures: number(0)?, first_full_at: number(1)?, second_full_at: number(2)? })
        },
    )
}

/// The addresses with at least `failures` failures at an identifier; the empty one stands for all.
pub fn blocked(
    tx: &mut Tx<'_>,
    (connection, identifier): (&str, &str),
    failures: i64,
    now: Millis,
) -> Result<Vec<String>, DbError> {
    let rows = tx.query(
        "SELECT ip FROM login_failures WHERE connection = ?1 AND identifier = ?2 AND failures >= ?3 AND expires_at > ?4 \
         ORDER BY ip",
        &[connection.into(), identifier.into(), failures.into(), now.into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Forgets the failures of all addresses at an identifier; how many records went.
pub fn forgive(tx: &mut Tx<'_>, connection: &str, identifier: &str) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM login_failures WHERE connection = ?1 AND identifier = ?2",
        &[connection.into(), identifier.into()],
    )
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
