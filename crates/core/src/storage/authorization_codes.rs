//! Authorization codes, kept as hashes: each is good once, and what a second use tells of is undone (RFC 6749 §4.1.2).

use crate::kit::clock::{DAY, Millis};
use crate::model::authorization_code::AuthorizationCode;

use super::db::{DbError, Tx};

/// What an exchange of a code is about to issue, to be undone if the code is used again.
#[derive(Debug, Clone, Default)]
pub struct Issued<'a> {
    /// Id of the refresh tokens' family.
    pub family: Option<&'a str>,
    /// Hash of the opaque access token.
    pub access_token: Option<&'a str>,
}

/// A code as it was presented.
#[derive(Debug, Clone, PartialEq)]
pub enum Presented {
    /// Unknown, or another client's.
    Unknown,
    /// Its time is over.
    Expired,
    /// Used before; what that gave is revoked.
    Replayed(String),
    /// Good, and now used.
    Good {
        /// Whom the code speaks for.
        user_id: String,
        /// What it stands for.
        code: AuthorizationCode,
    },
}

/// Adds a code.
pub fn insert(
    tx: &mut Tx<'_>,
    hash: &str,
    client_id: &str,
    user_id: &str,
    code: &AuthorizationCode,
    expires_at: Millis,
) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO authorization_codes (hash, client_id, user_id, doc, uses, expires_at, prune_at) \
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)",
        &[
            hash.into(),
            client_id.into(),
            user_id.into(),
            serde_json::to_string(code).unwrap_or_default().into(),
            expires_at.into(),
            (expires_at + DAY).into(),
        ],
    )
}

/// Uses a code. The row is locked by the first statement, so that of several exchanges at once exactly one finds it good.
pub fn consume(
    tx: &mut Tx<'_>,
    hash: &str,
    client_id: &str,
    issued: &Issued<'_>,
    now: Millis,
) -> Result<Presented, DbError> {
    let row = tx.query_one(
        "UPDATE authorization_codes SET uses = uses + 1, \
         family = CASE WHEN uses = 0 THEN CAST(?3 AS TEXT) ELSE family END, \
         access_token = CASE WHEN uses = 0 THEN CAST(?4 AS TEXT) ELSE access_token END \
         WHERE hash = ?1 AND client_id = ?2 RETURNING uses, user_id, doc, expires_at, family, access_token",
        &[hash.into(), client_id.into(), issued.family.into(), issued.access_token.into()],
    )?;
    let Some(row) = row else { return Ok(Presented::Unknown) };
    let user_id = row.text(1)?;
    if row.int(0)? > 1 {
        tx.later("DELETE FROM refresh_tokens WHERE id = ?1", &[row.opt_text(4)?.unwrap_or_default().into()])?;
        tx.later("DELETE FROM access_tokens WHERE hash = ?1", &[row.opt_text(5)?.unwrap_or_default().into()])?;
        return Ok(Presented::Replayed(user_id));
    }
    if row.int(3)? <= now {
        return Ok(Presented::Expired);
    }
    Ok(Presented::Good { user_id, code: row.json(2)? })
}

/// Removes up to `limit` codes whose time is long over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM authorization_codes WHERE hash IN \
         (SELECT hash FROM authorization_codes WHERE prune_at <= ?1 ORDER BY prune_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
