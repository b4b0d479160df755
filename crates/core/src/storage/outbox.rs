//! What the built-in sender took: messages that the operator may read for a week, and how many there ever were. Both
//! change together, and the count is one conditional UPDATE, so that no two messages take the same place.

use crate::kit::clock::{DAY, Millis};
use crate::kit::secret::Secret;

use super::db::{DbError, Row, Tx};
use super::sealed;

/// A message of the built-in sender.
#[derive(Debug)]
pub struct Kept {
    /// Unique.
    pub id: String,
    /// `sms`.
    pub channel: String,
    /// E.164.
    pub recipient: Secret,
    /// What it says; it holds a code.
    pub text: Secret,
    /// When it was taken.
    pub created_at: Millis,
}

/// Takes a message; `false`, and nothing is kept, once `limit` messages were ever taken.
pub fn insert(tx: &mut Tx<'_>, message: &Kept, limit: i64) -> Result<bool, DbError> {
    let counted = "UPDATE outbox_total SET sent = sent + 1 WHERE id = 1 AND sent < ?1 RETURNING sent";
    if tx.query_one(counted, &[limit.into()])?.is_none() {
        return Ok(false);
    }
    let text = tx.seal(&message.text, &sealed::OUTBOX_TEXT.of(&message.id))?;
    tx.later(
        "INSERT INTO outbox (id, channel, recipient, text, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[
            message.id.as_str().into(),
            message.channel.as_str().into(),
            message.recipient.expose().into(),
            text.into(),
            message.created_at.into(),
            (message.created_at + KEPT).into(),
        ],
    )?;
    Ok(true)
}

/// How many messages the built-in sender ever took.
pub fn sent_by_built_in(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    let row = tx.query_one("SELECT sent FROM outbox_total WHERE id = 1", &[])?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// The newest messages, at most `limit`.
pub fn list(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Kept>, DbError> {
    let rows = tx.query(
        "SELECT id, channel, recipient, text, created_at FROM outbox ORDER BY expires_at DESC, id DESC LIMIT ?1",
        &[limit.into()],
    )?;
    rows.iter().map(|row| read(tx, row)).collect()
}

/// Removes up to `limit` messages whose week is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}

fn read(tx: &Tx<'_>, row: &Row) -> Result<Kept, DbError> {
    let id = row.text(0)?;
    Ok(Kept {
        text: tx.open(&row.text(3)?, &sealed::OUTBOX_TEXT.of(&id))?,
        channel: row.text(1)?,
        recipient: Secret::new(row.text(2)?),
        created_at: row.int(4)?,
        id,
    })
}

/// How long a message can be read.
const KEPT: Millis = 7 * DAY;
