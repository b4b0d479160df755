//! The tenant log: events in their wire form, newest last, pruned by age.

use serde_json::{Map, Value as Json};

use crate::kit::clock::Millis;

use super::db::{DbError, Row, Tx, Value};

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

/// Which events are wanted; the default is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Type codes, of which one must match; empty for any.
    pub kinds: Vec<String>,
    /// The user.
    pub user_id: Option<String>,
    /// The event itself.
    pub log_id: Option<String>,
}

impl Filter {
    /// Parameters `?1` to `?3` of the statements below: `,a,b,`, user, event; empty text for any.
    fn params(&self) -> Vec<Value> {
        let kinds = if self.kinds.is_empty() { String::new() } else { format!(",{},", self.kinds.join(",")) };
        let text = |it: &Option<String>| it.as_deref().unwrap_or_default().into();
        vec![kinds.into(), text(&self.user_id), text(&self.log_id)]
    }
}

/// A page of events, newest first.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, limit: i64, offset: i64) -> Result<Vec<Map<String, Json>>, DbError> {
    let mut params = filter.params();
    params.extend([limit.into(), offset.into()]);
    let rows = tx.query(
        "SELECT body FROM logs WHERE (CAST(?1 AS TEXT) = '' OR CAST(?1 AS TEXT) LIKE '%,' || type || ',%') \
         AND (CAST(?2 AS TEXT) = '' OR user_id = CAST(?2 AS TEXT)) \
         AND (CAST(?3 AS TEXT) = '' OR log_id = CAST(?3 AS TEXT)) ORDER BY log_id DESC LIMIT ?4 OFFSET ?5",
        &params,
    )?;
    rows.iter().map(body).collect()
}

/// A page of events, oldest first.
pub fn list_oldest_first(
    tx: &mut Tx<'_>,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> Result<Vec<Map<String, Json>>, DbError> {
    let mut params = filter.params();
    params.extend([limit.into(), offset.into()]);
    let rows = tx.query(
        "SELECT body FROM logs WHERE (CAST(?1 AS TEXT) = '' OR CAST(?1 AS TEXT) LIKE '%,' || type || ',%') \
         AND (CAST(?2 AS TEXT) = '' OR user_id = CAST(?2 AS TEXT)) \
         AND (CAST(?3 AS TEXT) = '' OR log_id = CAST(?3 AS TEXT)) ORDER BY log_id LIMIT ?4 OFFSET ?5",
        &params,
    )?;
    rows.iter().map(body).collect()
}

/// Up to `limit` events newer than `from`, in order.
pub fn list_after(tx: &mut Tx<'_>, from: &str, limit: i64) -> Result<Vec<Map<String, Json>>, DbError> {
    let rows =
        tx.query("SELECT body FROM logs WHERE log_id > ?1 ORDER BY log_id LIMIT ?2", &[from.into(), limit.into()])?;
    rows.iter().map(body).collect()
}

/// How many such events there are.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<i64, DbError> {
    let row = tx.query_one(
        "SELECT CAST(count(*) AS BIGINT) FROM logs \
         WHERE (CAST(?1 AS TEXT) = '' OR CAST(?1 AS TEXT) LIKE '%,' || type || ',%') \
         AND (CAST(?2 AS TEXT) = '' OR user_id = CAST(?2 AS TEXT)) \
         AND (CAST(?3 AS TEXT) = '' OR log_id = CAST(?3 AS TEXT))",
        &filter.params(),
    )?;
    row.map_or(Ok(0), |row| row.int(0))
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
