//! Opaque access tokens, kept as hashes: the database alone cannot impersonate anyone.

use crate::kit::clock::Millis;

use super::db::{DbError, Tx};

/// An opaque access token, good at `/userinfo` only.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// Whom it speaks for.
    pub user_id: String,
    /// Who holds it.
    pub client_id: String,
    /// Granted scope, space separated.
    pub scope: String,
    /// When it ends.
    pub expires_at: Millis,
}

/// Stores an opaque access token under its hash.
pub fn insert(tx: &mut Tx<'_>, hash: &str, token: &AccessToken) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO access_tokens (hash, user_id, client_id, scope, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            hash.into(),
            token.user_id.as_str().into(),
            token.client_id.as_str().into(),
            token.scope.as_str().into(),
            token.expires_at.into(),
        ],
    )
}

/// Finds a live opaque access token.
pub fn get(tx: &mut Tx<'_>, hash: &str, now: Millis) -> Result<Option<AccessToken>, DbError> {
    let row = tx.query_one(
        "SELECT user_id, client_id, scope, expires_at FROM access_tokens WHERE hash = ?1 AND expires_at > ?2",
        &[hash.into(), now.into()],
    )?;
    row.map(|row| {
        Ok(AccessToken { user_id: row.text(0)?, client_id: row.text(1)?, scope: row.text(2)?, expires_at: row.int(3)? })
    })
    .transpose()
}

/// Ends every access token of a user.
pub fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM access_tokens WHERE user_id = ?1", &[user_id.into()])
}

/// Removes up to `limit` ended tokens; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM access_tokens WHERE hash IN \
         (SELECT hash FROM access_tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
