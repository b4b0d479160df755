//! Tickets for enrolments: rows of `tickets` of a kind of their own, kept as keyed hashes, used once by a conditional UPDATE.

use crate::kit::clock::{DAY, Millis};
use crate::model::enrollment_ticket::EnrollmentTicket;

use super::db::{DbError, Tx};
use super::json;

/// Adds a ticket under the hash of its text.
pub fn insert(tx: &mut Tx<'_>, hash: &str, ticket: &EnrollmentTicket) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO tickets (hash, kind, user_id, connection_id, client_id, email, doc, created_at, expires_at, used_at, \
         prune_at) VALUES (?1, 'enrollment', ?2, '', '', NULL, ?3, ?4, ?5, NULL, ?6)",
        &[
            hash.into(),
            ticket.user_id.as_str().into(),
            json(&ticket.wishes).into(),
            ticket.created_at.into(),
            ticket.expires_at.into(),
            (ticket.expires_at + KEPT).into(),
        ],
    )
}

/// A ticket by the hash of its text, used or not.
pub fn get(tx: &mut Tx<'_>, hash: &str) -> Result<Option<EnrollmentTicket>, DbError> {
    let row = tx.query_one(
        "SELECT user_id, doc, created_at, expires_at, used_at FROM tickets WHERE hash = ?1 AND kind = 'enrollment'",
        &[hash.into()],
    )?;
    row.map(|row| {
        Ok(EnrollmentTicket {
            user_id: row.text(0)?,
            wishes: row.json(1)?,
            created_at: row.int(2)?,
            expires_at: row.int(3)?,
            used_at: row.opt_int(4)?,
        })
    })
    .transpose()
}

/// Locks a ticket until the transaction ends; `false` when it is used, or its time is over.
pub fn hold(tx: &mut Tx<'_>, hash: &str, now: Millis) -> Result<bool, DbError> {
    let row = tx.query_one(
        "UPDATE tickets SET used_at = NULL WHERE hash = ?1 AND kind = 'enrollment' AND used_at IS NULL AND expires_at > ?2 \
         RETURNING hash",
        &[hash.into(), now.into()],
    )?;
    Ok(row.is_some())
}

/// Uses a ticket up that is held.
pub fn consume(tx: &mut Tx<'_>, hash: &str, now: Millis) -> Result<(), DbError> {
    tx.later("UPDATE tickets SET used_at = ?2 WHERE hash = ?1 AND kind = 'enrollment'", &[hash.into(), now.into()])
}

/// How long a ticket is remembered after its time, so that its holder learns that it is over.
const KEPT: Millis = 30 * DAY;
