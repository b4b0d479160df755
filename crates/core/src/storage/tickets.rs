//! Tickets: kept as keyed hashes, used once by a conditional UPDATE, so that of two uses at once one wins.

use crate::kit::clock::{DAY, Millis};
use crate::model::ticket::{Purpose, Ticket};

use super::db::{DbError, Row, Tx};
use super::json;

/// Adds a ticket under the hash of its text.
pub fn insert(tx: &mut Tx<'_>, hash: &str, ticket: &Ticket) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO tickets (hash, kind, user_id, connection_id, client_id, email, doc, created_at, expires_at, used_at, \
         prune_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, ?10)",
        &[
            hash.into(),
            ticket.purpose.name().into(),
            ticket.user_id.as_str().into(),
            ticket.connection_id.as_str().into(),
            ticket.client_id.as_str().into(),
            ticket.email.as_deref().into(),
            json(&ticket.wishes).into(),
            ticket.created_at.into(),
            ticket.expires_at.into(),
            (ticket.expires_at + KEPT).into(),
        ],
    )
}

/// A ticket by the hash of its text, used or not.
pub fn get(tx: &mut Tx<'_>, hash: &str) -> Result<Option<Ticket>, DbError> {
    let row = tx.query_one(
        "SELECT kind, user_id, connection_id, client_id, email, doc, created_at, expires_at, used_at FROM tickets \
         WHERE hash = ?1",
        &[hash.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Uses a ticket up; `false` when it is used, or its time is over.
pub fn consume(tx: &mut Tx<'_>, hash: &str, now: Millis) -> Result<bool, DbError> {
    let row = tx.query_one(
        "UPDATE tickets SET used_at = ?2 WHERE hash = ?1 AND used_at IS NULL AND expires_at > ?2 RETURNING hash",
        &[hash.into(), now.into()],
    )?;
    Ok(row.is_some())
}

/// Makes the unused tickets of one kind of a user void.
pub fn void(tx: &mut Tx<'_>, user_id: &str, purpose: Purpose) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM tickets WHERE user_id = ?1 AND kind = ?2 AND used_at IS NULL",
        &[user_id.into(), purpose.name().into()],
    )
}

/// Removes the tickets of a user who is gone.
pub(super) fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM tickets WHERE user_id = ?1", &[user_id.into()])
}

/// Removes up to `limit` tickets whose time is long over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE prune_at <= ?1 ORDER BY prune_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}

fn read(row: &Row) -> Result<Ticket, DbError> {
    Ok(Ticket {
        purpose: Purpose::parse(&row.text(0)?).ok_or(DbError::Shape(0))?,
        user_id: row.text(1)?,
        connection_id: row.text(2)?,
        client_id: row.text(3)?,
        email: row.opt_text(4)?,
        wishes: row.json(5)?,
        created_at: row.int(6)?,
        expires_at: row.int(7)?,
        used_at: row.opt_int(8)?,
    })
}

/// How long a ticket is remembered after its time, so that its holder learns that it is over.
const KEPT: Millis = 7 * DAY;
