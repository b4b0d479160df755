//! The one list of migrations, applied in order and once, on both engines.

use super::db::{DbError, Tx};
use crate::kit::hash;

/// Number and text of each migration. Statements end with `;`, and no literal holds one.
pub(super) const ALL: &[(i64, &str)] = &[
    (1, include_str!("../../../../migrations/0001_start.sql")),
    (2, include_str!("../../../../migrations/0002_refresh_tokens.sql")),
    (3, include_str!("../../../../migrations/0003_client_credentials.sql")),
    (4, include_str!("../../../../migrations/0004_connection_removals.sql")),
    (5, include_str!("../../../../migrations/0005_users.sql")),
    (6, include_str!("../../../../migrations/0006_daily_stats.sql")),
    (7, include_str!("../../../../migrations/0007_lighter_writes.sql")),
    (8, include_str!("../../../../migrations/0008_jobs.sql")),
    (9, include_str!("../../../../migrations/0009_sessions.sql")),
    (12, include_str!("../../../../migrations/0012_password_databases.sql")),
    (13, include_str!("../../../../migrations/0013_login_tickets.sql")),
    (14, include_str!("../../../../migrations/0014_second_factors.sql")),
    (16, include_str!("../../../../migrations/0016_outbox.sql")),
    (18, include_str!("../../../../migrations/0018_phone_backoffs.sql")),
    (19, include_str!("../../../../migrations/0019_codes_in_time.sql")),
];

/// Remembers what has been applied; the same text on both engines.
pub(super) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, checksum TEXT NOT NULL)";

/// SHA-256 of the text without white space, so that reformatting does not count as a change.
pub(super) fn checksum(text: &str) -> String {
    let squeezed: String = text.split_whitespace().collect();
    hash::hex(&hash::sha256(squeezed.as_bytes()))
}

/// An error when the database was migrated with another text under the same number.
pub(super) fn check(number: i64, text: &str, seen: &str) -> Result<(), DbError> {
    if checksum(text) == seen {
        return Ok(());
    }
    Err(DbError::Failed(format!(
        "migration {number} was applied with another text; this database belongs to another version of Ringpass"
    )))
}

/// An error when the database lacks a migration of this version, or had another under its number.
pub(super) fn complete(tx: &mut Tx<'_>) -> Result<(), DbError> {
    for (number, text) in ALL {
        let known = tx.query_one("SELECT checksum FROM migrations WHERE number = ?1", &[(*number).into()])?;
        let known = known.ok_or_else(|| {
            DbError::Failed("it does not have this version's schema: run `ringpass migrate` first".into())
        })?;
        check(*number, text, &known.text(0)?)?;
    }
    Ok(())
}
