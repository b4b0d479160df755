//! One-time codes: one live code per connection and identifier, three wrong tries, single use
//! (Auth0: "Passwordless authentication best practices").
//!
//! A code is kept as a keyed hash. Every try is counted by one conditional UPDATE, which locks the row: tries on the same
//! code pass one after the other, on one server or many, and exactly one right try wins.

use crate::kit::clock::{DAY, Millis};
use crate::kit::hash;

use super::db::{Asked, DbError, Tx};

/// Wrong tries that kill a code.
pub const MAX_TRIES: i64 = 3;

/// Whose code it is.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    /// The connection's id.
    pub connection_id: &'a str,
    /// Phone number (E.164) or e-mail address, exactly as it was sent.
    pub identifier: &'a str,
}

/// What a try at a code came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// Right, and now used up.
    Right,
    /// Wrong code, or one replaced by a newer.
    Wrong,
    /// No code, or a used one: nothing was tried.
    Absent,
    /// The third wrong try.
    Exhausted,
    /// A try after that: nothing was tried.
    Dead,
    /// The code's time is over, whatever was typed.
    Expired,
}

/// Stores a new code's hash; an older code of the same key is dead from now on.
pub fn put(
    tx: &mut Tx<'_>,
    key: &Key<'_>,
    id: &str,
    hash: &str,
    now: Millis,
    expires_at: Millis,
) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO codes (connection_id, identifier, id, hash, tries, created_at, expires_at, used_at, prune_at) \
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, NULL, ?7) \
         ON CONFLICT (connection_id, identifier) DO UPDATE SET id = ?3, hash = ?4, tries = 0, created_at = ?5, \
         expires_at = ?6, used_at = NULL, prune_at = ?7",
        &[
            key.connection_id.into(),
            key.identifier.into(),
            id.into(),
            hash.into(),
            now.into(),
            expires_at.into(),
            (expires_at + DAY).into(),
        ],
    )
}

/// Forgets a code that could not be delivered, unless a newer one has taken its place.
pub fn discard(tx: &mut Tx<'_>, id: &str, key: &Key<'_>) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM codes WHERE connection_id = ?1 AND identifier = ?2 AND id = ?3",
        &[key.connection_id.into(), key.identifier.into(), id.into()],
    )
}

/// Counts one try and, when it is right, uses the code up.
pub fn consume(tx: &mut Tx<'_>, key: &Key<'_>, guess_hash: &str, now: Millis) -> Result<Try, DbError> {
    let asked = hold(tx, key, now)?;
    let row = held(tx, asked)?;
    judge(tx, key, row, guess_hash, true, now)
}

/// Counts one try at a live code, which locks its row: the question sent ahead.
pub fn hold(tx: &mut Tx<'_>, key: &Key<'_>, now: Millis) -> Result<Asked<Option<Held>>, DbError> {
    tx.ask(
        "UPDATE codes SET tries = tries + 1 WHERE connection_id = ?1 AND identifier = ?2 \
         AND used_at IS NULL AND tries < 3 AND expires_at > ?3 RETURNING hash, tries",
        &[key.connection_id.into(), key.identifier.into(), now.into()],
        |rows| rows.first().map(|row| Ok(Held { hash: row.text(0)?, tries: row.int(1)? })).transpose(),
    )
}

/// What [`hold`] found.
pub fn held(tx: &mut Tx<'_>, asked: Asked<Option<Held>>) -> Result<Option<Held>, DbError> {
    tx.answer(asked)
}

/// A live code whose row is locked, and the tries it has had with this one.
#[derive(Debug)]
pub struct Held {
    hash: String,
    tries: i64,
}

/// What the try comes to. A right one uses the code up if it `consumes` it, and else is not counted.
pub fn judge(
    tx: &mut Tx<'_>,
    key: &Key<'_>,
    held: Option<Held>,
    guess_hash: &str,
    consumes: bool,
    now: Millis,
) -> Result<Try, DbError> {
    let Some(held) = held else { return why_not(tx, key) };
    if !hash::same(&held.hash, guess_hash) {
        return Ok(if held.tries >= MAX_TRIES { Try::Exhausted } else { Try::Wrong });
    }
    if consumes {
        tx.later(
            "UPDATE codes SET used_at = ?3 WHERE connection_id = ?1 AND identifier = ?2",
            &[key.connection_id.into(), key.identifier.into(), now.into()],
        )?;
    } else {
        give_back(tx, key, Some(&held))?;
    }
    Ok(Try::Right)
}

/// Does not count a try that [`hold`] has counted, if it found a code.
pub fn give_back(tx: &mut Tx<'_>, key: &Key<'_>, held: Option<&Held>) -> Result<(), DbError> {
    held.map_or(Ok(()), |_| {
        tx.later(
            "UPDATE codes SET tries = tries - 1 WHERE connection_id = ?1 AND identifier = ?2",
            &[key.connection_id.into(), key.identifier.into()],
        )
    })
}

/// Wrong tries that a live code still bears; `None` when there is none.
pub fn tries_left(tx: &mut Tx<'_>, key: &Key<'_>, now: Millis) -> Result<Option<i64>, DbError> {
    let row = tx.query_one(
        "SELECT tries FROM codes WHERE connection_id = ?1 AND identifier = ?2 AND used_at IS NULL AND expires_at > ?3",
        &[key.connection_id.into(), key.identifier.into(), now.into()],
    )?;
    row.map(|row| Ok((MAX_TRIES - row.int(0)?).max(0))).transpose()
}

/// Why there is no live code to try.
fn why_not(tx: &mut Tx<'_>, key: &Key<'_>) -> Result<Try, DbError> {
    let row = tx.query_one(
        "SELECT tries, used_at FROM codes WHERE connection_id = ?1 AND identifier = ?2",
        &[key.connection_id.into(), key.identifier.into()],
    )?;
    Ok(match row {
        None => Try::Absent,
        Some(row) if row.opt_int(1)?.is_some() => Try::Absent,
        Some(row) if row.int(0)? >= MAX_TRIES => Try::Dead,
        Some(_) => Try::Expired,
    })
}

/// Removes up to `limit` codes whose time is long over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM codes WHERE (connection_id, identifier) IN \
         (SELECT connection_id, identifier FROM codes WHERE prune_at <= ?1 ORDER BY prune_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
