//! The one list of migrations, applied in order and once, on both engines.

use rusqlite::Connection;

use super::db::DbError;
use crate::kit::hash;

/// Number and text of each migration. Statements end with `;`, and no literal holds one.
pub(super) const ALL: &[(i64, &str)] = &[(1, include_str!("../../../../migrations/0001_start.sql"))];

/// Remembers what has been applied; the same text on both engines.
pub(super) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, checksum TEXT NOT NULL)";

/// Applies what is missing, each migration in one transaction.
pub(super) fn apply_sqlite(connection: &Connection) -> Result<(), DbError> {
    connection.execute_batch(TABLE)?;
    for (number, text) in ALL {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let known: Vec<String> = connection
            .prepare("SELECT checksum FROM migrations WHERE number = ?1")?
            .query_map([number], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if let Some(seen) = known.first() {
            check(*number, text, seen)?;
        } else {
            connection.execute_batch(text)?;
            connection.execute(
                "INSERT INTO migrations (number, checksum) VALUES (?1, ?2)",
                rusqlite::params![number, checksum(text)],
            )?;
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok(())
}

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
