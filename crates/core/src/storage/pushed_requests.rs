//! Authorization requests that clients sent ahead, kept as hashes of their references (RFC 9126).

use crate::kit::clock::Millis;
use crate::model::authorization::Parameters;

use super::db::{DbError, Tx};

/// Stores a request of `client_id` under the hash of its reference.
pub fn insert(
    tx: &mut Tx<'_>,
    hash: &str,
    client_id: &str,
    parameters: &Parameters,
    expires_at: Millis,
) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO pushed_requests (hash, client_id, doc, expires_at) VALUES (?1, ?2, ?3, ?4)",
        &[
            hash.into(),
            client_id.into(),
            serde_json::to_string(parameters).unwrap_or_default().into(),
            expires_at.into(),
        ],
    )
}

/// Takes a live request of `client_id`; each is good once.
pub fn take(tx: &mut Tx<'_>, hash: &str, client_id: &str, now: Millis) -> Result<Option<Parameters>, DbError> {
    let row = tx.query_one(
        "DELETE FROM pushed_requests WHERE hash = ?1 AND client_id = ?2 AND expires_at > ?3 RETURNING doc",
        &[hash.into(), client_id.into(), now.into()],
    )?;
    row.map(|row| row.json(0)).transpose()
}

/// Removes up to `limit` requests whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM pushed_requests WHERE hash IN \
         (SELECT hash FROM pushed_requests WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
