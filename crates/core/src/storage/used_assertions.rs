//! Client assertions that were used, as keyed hashes of client and `jti`: each is good once, on one server or many.

use crate::kit::clock::{MINUTE, Millis};

use super::db::{DbError, Tx};

/// Notes that an assertion is used; `false` when it was before. It stays on record for a while after its end, because the
/// clocks of several servers differ a little.
pub fn insert(tx: &mut Tx<'_>, hash: &str, expires_at: Millis) -> Result<bool, DbError> {
    let changed = tx.execute(
        "INSERT INTO used_assertions (hash, prune_at) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING",
        &[hash.into(), (expires_at + MINUTE).into()],
    )?;
    Ok(changed == 1)
}

/// Removes up to `limit` assertions that have ended; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM used_assertions WHERE hash IN \
         (SELECT hash FROM used_assertions WHERE prune_at <= ?1 ORDER BY prune_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
