//! Token buckets that survive a restart and are shared by all nodes. A bucket is one instant: when it will be full again.

use crate::kit::clock::Millis;

use super::db::{Asked, DbError, Tx};

/// A bucket's size and speed.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Tokens when full.
    pub burst: i64,
    /// Milliseconds until one token comes back.
    pub interval: Millis,
}

impl Shape {
    /// Whole tokens left in a bucket that is full at `full_at`.
    pub fn left(self, full_at: Millis, now: Millis) -> i64 {
        let missing = (full_at - now).max(0);
        (self.burst * self.interval - missing).max(0) / self.interval.max(1)
    }

    /// When the next token can be had from a bucket that is full at `full_at` (now, if there is one).
    pub fn next_at(self, full_at: Millis, now: Millis) -> Millis {
        (full_at + self.interval - self.burst * self.interval).max(now)
    }
}

/// Takes one token: the instant when the bucket is full again, or `None` when it is empty (nothing is taken then).
pub fn take(tx: &mut Tx<'_>, key: &str, shape: Shape, now: Millis) -> Result<Option<Millis>, DbError> {
    let asked = ask_to_take(tx, key, shape, now)?;
    tx.answer(asked)
}

/// The same as a question sent ahead.
pub fn ask_to_take(tx: &mut Tx<'_>, key: &str, shape: Shape, now: Millis) -> Result<Asked<Option<Millis>>, DbError> {
    tx.ask(
        "INSERT INTO buckets (key, full_at) VALUES (?1, CAST(?2 AS BIGINT) + ?3) ON CONFLICT (key) DO UPDATE \
         SET full_at = CASE WHEN buckets.full_at > ?2 THEN buckets.full_at ELSE ?2 END + ?3 \
         WHERE buckets.full_at + ?3 <= ?2 + ?4 RETURNING full_at",
        &[key.into(), now.into(), shape.interval.into(), (shape.burst * shape.interval).into()],
        |rows| rows.first().map(|row| row.int(0)).transpose(),
    )
}

/// When the bucket is full again; `None` for a full one.
pub fn get(tx: &mut Tx<'_>, key: &str) -> Result<Option<Millis>, DbError> {
    tx.query_one("SELECT full_at FROM buckets WHERE key = ?1", &[key.into()])?.map(|row| row.int(0)).transpose()
}

/// The same as a question sent ahead.
pub fn ask(tx: &mut Tx<'_>, key: &str) -> Result<Asked<Option<Millis>>, DbError> {
    tx.ask("SELECT full_at FROM buckets WHERE key = ?1", &[key.into()], |rows| {
        rows.first().map(|row| row.int(0)).transpose()
    })
}

/// Takes one token without looking whether there is one; the bucket never gets emptier than empty.
pub fn take_later(tx: &mut Tx<'_>, key: &str, shape: Shape, now: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO buckets (key, full_at) VALUES (?1, CAST(?2 AS BIGINT) + ?3) ON CONFLICT (key) DO UPDATE \
         SET full_at = CASE WHEN buckets.full_at > ?2 THEN buckets.full_at ELSE ?2 END + ?3 \
         WHERE buckets.full_at + ?3 <= ?2 + ?4",
        &[key.into(), now.into(), shape.interval.into(), (shape.burst * shape.interval).into()],
    )
}

/// Gives a token back that was taken in vain.
pub fn give_back(tx: &mut Tx<'_>, key: &str, shape: Shape) -> Result<(), DbError> {
    tx.later("UPDATE buckets SET full_at = full_at - ?2 WHERE key = ?1", &[key.into(), shape.interval.into()])
}

/// Fills the bucket; whether it was not full.
pub fn fill(tx: &mut Tx<'_>, key: &str) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM buckets WHERE key = ?1", &[key.into()])? > 0)
}

/// Removes up to `limit` full buckets; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM buckets WHERE key IN (SELECT key FROM buckets WHERE full_at <= ?1 ORDER BY full_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
