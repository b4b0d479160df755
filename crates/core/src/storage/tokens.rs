//! Opaque access tokens and refresh tokens, kept as hashes: the database alone cannot impersonate anyone.

use crate::kit::clock::{DAY, Millis};

use super::db::{DbError, Row, Tx};

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
pub fn insert_access(tx: &mut Tx<'_>, hash: &str, token: &AccessToken) -> Result<(), DbError> {
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
pub fn access(tx: &mut Tx<'_>, hash: &str, now: Millis) -> Result<Option<AccessToken>, DbError> {
    let row = tx.query_one(
        "SELECT user_id, client_id, scope, expires_at FROM access_tokens WHERE hash = ?1 AND expires_at > ?2",
        &[hash.into(), now.into()],
    )?;
    row.map(|row| {
        Ok(AccessToken { user_id: row.text(0)?, client_id: row.text(1)?, scope: row.text(2)?, expires_at: row.int(3)? })
    })
    .transpose()
}

/// A refresh token's record.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// Its public id.
    pub id: String,
    /// Whom it speaks for.
    pub user_id: String,
    /// Who may exchange it.
    pub client_id: String,
    /// The session it began in (`sid` of the ID tokens).
    pub session_id: String,
    /// The API it was granted for, if any.
    pub audience: Option<String>,
    /// Granted scope, space separated; an exchange may narrow it, never widen.
    pub scope: String,
    /// When it was issued.
    pub created_at: Millis,
    /// When it ends if nobody uses it.
    pub idle_expires_at: Option<Millis>,
    /// When it ends in any case.
    pub expires_at: Option<Millis>,
}

/// Stores a refresh token under its hash.
pub fn insert_refresh(tx: &mut Tx<'_>, hash: &str, token: &RefreshToken) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO refresh_tokens (hash, id, user_id, client_id, session_id, audience, scope, created_at, \
         last_exchanged_at, idle_expires_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, ?9, ?10)",
        &[
            hash.into(),
            token.id.as_str().into(),
            token.user_id.as_str().into(),
            token.client_id.as_str().into(),
            token.session_id.as_str().into(),
            token.audience.as_deref().into(),
            token.scope.as_str().into(),
            token.created_at.into(),
            token.idle_expires_at.into(),
            token.expires_at.into(),
        ],
    )
}

/// Finds a live refresh token of this client.
pub fn refresh(tx: &mut Tx<'_>, hash: &str, client_id: &str, now: Millis) -> Result<Option<RefreshToken>, DbError> {
    let row = tx.query_one(
        "SELECT id, user_id, client_id, session_id, audience, scope, created_at, idle_expires_at, expires_at \
         FROM refresh_tokens WHERE hash = ?1 AND client_id = ?2 \
         AND (expires_at IS NULL OR expires_at > ?3) AND (idle_expires_at IS NULL OR idle_expires_at > ?3)",
        &[hash.into(), client_id.into(), now.into()],
    )?;
    row.as_ref().map(read_refresh).transpose()
}

/// Notes an exchange and moves the idle expiry.
pub fn touch_refresh(tx: &mut Tx<'_>, hash: &str, now: Millis, idle_expires_at: Option<Millis>) -> Result<(), DbError> {
    tx.later(
        "UPDATE refresh_tokens SET last_exchanged_at = ?2, idle_expires_at = ?3 WHERE hash = ?1",
        &[hash.into(), now.into(), idle_expires_at.into()],
    )
}

/// Ends everything issued to a user who is being removed. Refresh tokens stay on record for 30 days after their last use:
/// whoever presents one learns that its user is gone (C454).
pub fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later(
        "UPDATE refresh_tokens SET expires_at = COALESCE(last_exchanged_at, created_at) + ?2 \
         WHERE user_id = ?1 AND (expires_at IS NULL OR expires_at > COALESCE(last_exchanged_at, created_at) + ?2)",
        &[user_id.into(), (30 * DAY).into()],
    )?;
    tx.later("DELETE FROM access_tokens WHERE user_id = ?1", &[user_id.into()])
}

/// Ends everything issued to a user who goes on as an identity of another one: should it be a user again one day, none of
/// it comes back.
pub fn revoke_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM refresh_tokens WHERE user_id = ?1", &[user_id.into()])?;
    tx.later("DELETE FROM access_tokens WHERE user_id = ?1", &[user_id.into()])
}

/// Ends every refresh token of a client.
pub fn delete_of_client(tx: &mut Tx<'_>, client_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM refresh_tokens WHERE client_id = ?1", &[client_id.into()])
}

/// Removes up to `limit` ended tokens of each kind; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    let access = tx.execute(
        "DELETE FROM access_tokens WHERE hash IN \
         (SELECT hash FROM access_tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )?;
    let absolute = tx.execute(
        "DELETE FROM refresh_tokens WHERE hash IN \
         (SELECT hash FROM refresh_tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )?;
    let idle = tx.execute(
        "DELETE FROM refresh_tokens WHERE hash IN \
         (SELECT hash FROM refresh_tokens WHERE idle_expires_at <= ?1 ORDER BY idle_expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )?;
    Ok(access + absolute + idle)
}

fn read_refresh(row: &Row) -> Result<RefreshToken, DbError> {
    Ok(RefreshToken {
        id: row.text(0)?,
        user_id: row.text(1)?,
        client_id: row.text(2)?,
        session_id: row.text(3)?,
        audience: row.opt_text(4)?,
        scope: row.text(5)?,
        created_at: row.int(6)?,
        idle_expires_at: row.opt_int(7)?,
        expires_at: row.opt_int(8)?,
    })
}
