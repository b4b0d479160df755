//! Tickets of log-ins that pages of applications made, kept as hashes (`docs/COMPATIBILITY.md` C1570-C1578).

use crate::kit::clock::Millis;

use super::db::{DbError, Tx};

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginTicket {
    /// The client whose page made the log-in.
    pub client_id: String,
    /// Origin of that page.
    pub origin: String,
    /// Hash of the cookie of the browser that it was given to.
    pub browser: String,
    /// Who logged in.
    pub user_id: String,
    /// Name of the connection that proved who they are.
    pub connection: String,
}

/// Adds a ticket.
pub fn insert(tx: &mut Tx<'_>, hash: &str, ticket: &LoginTicket, expires_at: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO login_tickets (hash, client_id, origin, browser, user_id, connection, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            hash.into(),
            ticket.client_id.as_str().into(),
            ticket.origin.as_str().into(),
            ticket.browser.as_str().into(),
            ticket.user_id.as_str().into(),
            ticket.connection.as_str().into(),
            expires_at.into(),
        ],
    )
}

/// Takes a live ticket, whoever presents it: each is good once.
pub fn take(tx: &mut Tx<'_>, hash: &str, now: Millis) -> Result<Option<LoginTicket>, DbError> {
    let row = tx.query_one(
        "DELETE FROM login_tickets WHERE hash = ?1 AND expires_at > ?2 \
         RETURNING client_id, origin, browser, user_id, connection",
        &[hash.into(), now.into()],
    )?;
    row.map(|row| {
        Ok(LoginTicket {
            client_id: row.text(0)?,
            origin: row.text(1)?,
            browser: row.text(2)?,
            user_id: row.text(3)?,
            connection: row.text(4)?,
        })
    })
    .transpose()
}

/// Removes up to `limit` tickets whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM login_tickets WHERE hash IN \
         (SELECT hash FROM login_tickets WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
