//! The tenant log: events in their wire form, newest last, pruned by age.

use serde_json::{Map, Value as Json};

use crate::kit::clock::{Millis, SECOND};
use crate::kit::ids;

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

/// One event by its id, as a list yields it.
pub fn find(tx: &mut Tx<'_>, log_id: &str) -> Result<Option<Found>, DbError> {
    let row = tx.query_one("SELECT log_id, type, body FROM logs WHERE log_id = ?1", &[log_id.into()])?;
    row.as_ref().map(found).transpose()
}

/// An event as a list yields it: its body is parsed only when somebody looks at it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub log_id: String,
    /// Its type code.
    pub kind: String,
    body: String,
}

impl Found {
    /// The event in its wire form.
    pub fn event(&self) -> Result<Map<String, Json>, DbError> {
        serde_json::from_str(&self.body).map_err(|_| DbError::Shape(2))
    }
}

/// Up to `limit` events between two ids or bounds ([`crate::kit::ids::log_bound`]), both excluded, oldest first; those of
/// one user if it is named.
pub fn oldest_first(
    tx: &mut Tx<'_>,
    user_id: Option<&str>,
    (above, below): (&str, &str),
    limit: i64,
) -> Result<Vec<Found>, DbError> {
    let rows = match user_id {
        None => tx.query(
            "SELECT log_id, type, body FROM logs WHERE log_id > ?1 AND log_id < ?2 ORDER BY log_id LIMIT ?3",
            &[above.into(), below.into(), limit.into()],
        ),
        Some(user_id) => tx.query(
            "SELECT log_id, type, body FROM logs WHERE user_id = ?4 AND log_id > ?1 AND log_id < ?2 \
             ORDER BY log_id LIMIT ?3",
            &[above.into(), below.into(), limit.into(), user_id.into()],
        ),
    }?;
    rows.iter().map(found).collect()
}

/// The same, newest first.
pub fn newest_first(
    tx: &mut Tx<'_>,
    user_id: Option<&str>,
    (above, below): (&str, &str),
    limit: i64,
) -> Result<Vec<Found>, DbError> {
    let rows = match user_id {
        None => tx.query(
            "SELECT log_id, type, body FROM logs WHERE log_id > ?1 AND log_id < ?2 ORDER BY log_id DESC LIMIT ?3",
            &[above.into(), below.into(), limit.into()],
        ),
        Some(user_id) => tx.query(
            "SELECT log_id, type, body FROM logs WHERE user_id = ?4 AND log_id > ?1 AND log_id < ?2 \
             ORDER BY log_id DESC LIMIT ?3",
            &[above.into(), below.into(), limit.into(), user_id.into()],
        ),
    }?;
    rows.iter().map(found).collect()
}

/// Up to `limit` events newer than `from` for a reader who follows the log from event to event. Where several
/// transactions write at once, one with a lower id may become visible after one with a higher: a reader gets an event
/// only when all that come before it are surely there ([`SETTLED`]).
pub fn list_after(tx: &mut Tx<'_>, from: &str, now: Millis, limit: i64) -> Result<Vec<Map<String, Json>>, DbError> {
    let until = if tx.is_in_order() { Millis::MAX } else { now - SETTLED };
    oldest_first(tx, None, (from, &ids::log_bound(until)), limit)?.iter().map(Found::event).collect()
}

/// How old an event is before readers who follow the log get it, where transactions are not in order. Longer than a
/// transaction takes, and than the clocks of the nodes may differ.
pub const SETTLED: Millis = 2 * SECOND;

/// How many events there are, counting at most `most`; those of one user if it is named.
pub fn count(tx: &mut Tx<'_>, user_id: Option<&str>, most: i64) -> Result<i64, DbError> {
    let row = match user_id {
        None => tx.query_one("SELECT count(*) FROM (SELECT 1 FROM logs LIMIT ?1) AS counted", &[most.into()]),
        Some(user_id) => tx.query_one(
            "SELECT count(*) FROM (SELECT 1 FROM logs WHERE user_id = ?2 LIMIT ?1) AS counted",
            &[most.into(), user_id.into()],
        ),
    }?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Removes up to `limit` events older than `before`; how many went.
pub fn prune(tx: &mut Tx<'_>, before: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM logs WHERE log_id IN (SELECT log_id FROM logs WHERE log_id < ?1 ORDER BY log_id LIMIT ?2)",
        &[ids::log_bound(before).into(), limit.into()],
    )
}

fn found(row: &Row) -> Result<Found, DbError> {
    Ok(Found { log_id: row.text(0)?, kind: row.text(1)?, body: row.text(2)? })
}
