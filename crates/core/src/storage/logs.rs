//! The tenant log: events in their wire form, newest last, pruned by age.

use serde_json::{Map, Value as Json};

use crate::kit::clock::Millis;

use super::db::{DbError, Row, Tx};

/// An event ready to be stored.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Sortable id ([`crate::kit::ids::log`]).
    pub log_id: String,
    /// When it happened.
    pub date: Millis,
    /// Type code (`cs`, `f`, …).
    pub kind: &'static str,
    /// The user it is about, if any.
    pub user_id: Option<String>,
    /// The whole event as JSON text.
    pub body: String,
}

/// Adds an event to the transaction of the change it reports.
pub fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO logs (log_id, date, type, user_id, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            entry.log_id.as_str().into(),
            entry.date.into(),
            entry.kind.into(),
            entry.user_id.as_deref().into(),
            entry.body.as_str().into(),
        ],
    )
}

/// One event by its id.
pub fn get(tx: &mut Tx<'_>, log_id: &str) -> Result<Option<Map<String, Json>>, DbError> {
    tx.query_one("SELECT body FROM logs WHERE log_id = ?1", &[log_id.into()])?.map(|row| row.json(0)).transpose()
}

/// A page of events, newest first.
pub fn list(tx: &mut Tx<'_>, limit: i64, offset: i64) -> Result<Vec<Map<String, Json>>, DbError> {
    let rows =
        tx.query("SELECT body FROM logs ORDER BY log_id DESC LIMIT ?1 OFFSET ?2", &[limit.into(), offset.into()])?;
    rows.iter().map(body).collect()
}

/// A page of events, oldest first.
pub fn list_oldest_first(tx: &mut Tx<'_>, limit: i64, offset: i64) -> Result<Vec<Map<String, Json>>, DbError> {
    let rows = tx.query("SELECT body FROM logs ORDER BY log_id LIMIT ?1 OFFSET ?2", &[limit.into(), offset.into()])?;
    rows.iter().map(body).collect()
}

/// Up to `limit` events newer than `from`, in order.
pub fn list_after(tx: &mut Tx<'_>, from: &str, limit: i64) -> Result<Vec<Map<String, Json>>, DbError> {
    let rows =
        tx.query("SELECT body FROM logs WHERE log_id > ?1 ORDER BY log_id LIMIT ?2", &[from.into(), limit.into()])?;
    rows.iter().map(body).collect()
}

/// How many events there are.
pub fn count(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.query_one("SELECT CAST(count(*) AS BIGINT) FROM logs", &[])?.map_or(Ok(0), |row| row.int(0))
}

/// Removes up to `limit` events older than `before`; how many went.
pub fn prune(tx: &mut Tx<'_>, before: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM logs WHERE log_id IN (SELECT log_id FROM logs WHERE date < ?1 ORDER BY date LIMIT ?2)",
        &[before.into(), limit.into()],
    )
}

fn body(row: &Row) -> Result<Map<String, Json>, DbError> {
    row.json(0)
}
