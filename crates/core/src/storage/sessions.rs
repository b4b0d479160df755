//! Sessions, which have no rows of their own: one lasts as long as a live refresh token names it.

use serde_json::{Map, Value as Json};

use crate::kit::clock::Millis;
use crate::model::session::Session;

use super::db::{DbError, Tx};
use super::{json, refresh_tokens};

/// A session by its id.
pub fn get(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<Option<Session>, DbError> {
    Ok(Session::group(refresh_tokens::list_of_session(tx, id, now)?).pop())
}

/// Up to `limit` sessions of a user, oldest first, after the one that began at `after.0` with the id `after.1`.
pub fn list_of_user(
    tx: &mut Tx<'_>,
    user_id: &str,
    after: &(Millis, String),
    limit: i64,
    now: Millis,
) -> Result<Vec<Session>, DbError> {
    Ok(Session::group(refresh_tokens::list_of_sessions(tx, user_id, after, limit, now)?))
}

/// Replaces the metadata of a session.
pub fn put_metadata(tx: &mut Tx<'_>, id: &str, metadata: &Map<String, Json>) -> Result<(), DbError> {
    tx.later(
        "UPDATE refresh_tokens SET session_metadata = ?2 WHERE session_id = ?1",
        &[id.into(), json(metadata).into()],
    )
}

/// Ends a session; its refresh tokens live on without it.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), DbError> {
    tx.later("UPDATE refresh_tokens SET session_id = NULL, session_metadata = '{}' WHERE session_id = ?1", &[id.into()])
}

/// Ends the sessions of a user, or one of them if one is named; their refresh tokens live on.
pub fn delete_of_user(tx: &mut Tx<'_>, user_id: &str, session_id: Option<&str>) -> Result<(), DbError> {
    tx.later(
        "UPDATE refresh_tokens SET session_id = NULL, session_metadata = '{}' WHERE user_id = ?1 \
         AND (CAST(?2 AS TEXT) = '' OR session_id = CAST(?2 AS TEXT))",
        &[user_id.into(), session_id.unwrap_or_default().into()],
    )
}

/// Ends a session together with its refresh tokens.
pub fn revoke(tx: &mut Tx<'_>, id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM refresh_tokens WHERE session_id = ?1", &[id.into()])
}

/// Ends one session of a user together with its refresh tokens.
pub fn revoke_of_user(tx: &mut Tx<'_>, user_id: &str, session_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM refresh_tokens WHERE user_id = ?1 AND session_id = ?2", &[user_id.into(), session_id.into()])
}
