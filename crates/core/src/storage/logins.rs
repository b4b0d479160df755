//! Sign-ins under way on the hosted pages (`docs/COMPATIBILITY.md` C1340-C1344).

use crate::kit::clock::Millis;
use crate::model::login::{Login, Step};

use super::db::{DbError, Row, Tx};

/// A sign-in as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The `state` of its pages.
    pub id: String,
    /// Hash of the cookie of the browser that it belongs to.
    pub browser: String,
    /// The sign-in.
    pub login: Login,
}

/// Adds a sign-in.
pub fn insert(tx: &mut Tx<'_>, stored: &Stored, expires_at: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO logins (id, browser, doc, expires_at) VALUES (?1, ?2, ?3, ?4)",
        &[stored.id.as_str().into(), stored.browser.as_str().into(), text(&stored.login).into(), expires_at.into()],
    )
}

/// A live sign-in.
pub fn get(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<Option<Stored>, DbError> {
    let row = tx
        .query_one("SELECT id, browser, doc FROM logins WHERE id = ?1 AND expires_at > ?2", &[id.into(), now.into()])?;
    row.as_ref().map(read).transpose()
}

/// A live sign-in, locked until the transaction ends: of two that carry it on at once, the second sees what the first did.
pub fn get_for_update(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<Option<Stored>, DbError> {
    let row = tx.query_one(
        "UPDATE logins SET expires_at = expires_at WHERE id = ?1 AND expires_at > ?2 RETURNING id, browser, doc",
        &[id.into(), now.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Changes a live sign-in that its person has yet to prove who they are in; one that has come further stays as it is.
pub fn change(tx: &mut Tx<'_>, id: &str, now: Millis, change: impl FnOnce(&mut Login)) -> Result<(), DbError> {
    let Some(Stored { mut login, .. }) = get_for_update(tx, id, now)? else { return Ok(()) };
    if login.step == Step::Open {
        change(&mut login);
        put(tx, id, &login)?;
    }
    Ok(())
}

/// Stores how far a sign-in has come.
pub fn put(tx: &mut Tx<'_>, id: &str, login: &Login) -> Result<(), DbError> {
    tx.later("UPDATE logins SET doc = ?2 WHERE id = ?1", &[id.into(), text(login).into()])
}

/// Removes up to `limit` sign-ins whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM logins WHERE id IN \
         (SELECT id FROM logins WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}

fn text(login: &Login) -> String {
    serde_json::to_string(login).unwrap_or_default()
}

fn read(row: &Row) -> Result<Stored, DbError> {
    Ok(Stored { id: row.text(0)?, browser: row.text(1)?, login: row.json(2)? })
}
