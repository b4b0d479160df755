//! Refresh tokens, a row for each family, with hashes in place of texts: the database alone cannot impersonate anyone.
//!
//! Whoever exchanges or revokes takes the row with `get_for_update`, which locks it: of several who present the same text at
//! once, on one server or many, the second sees what the first made of the family.

use serde_json::{Map, Value as Json};

use crate::kit::clock::{DAY, Millis};
use crate::model::refresh_token::{Device, Previous, RefreshToken};

use super::db::{DbError, Row, Tx, Value};
use super::json;

/// Every column that is read, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "id, hash, previous_hash, salt, rotated_at, rotating, user_id, client_id, session_id, audience, scope, created_at, \
         last_exchanged_at, idle_expires_at, expires_at, initial_ip, initial_user_agent, last_ip, last_user_agent, metadata, \
         second_factor"
    };
}

/// Adds a family.
pub fn insert(tx: &mut Tx<'_>, token: &RefreshToken) -> Result<(), DbError> {
    tx.later(
        concat!(
            "INSERT INTO refresh_tokens (",
            columns!(),
            ", ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
             ?21, ?22)"
        ),
        &[
            token.id.as_str().into(),
            token.hash.as_str().into(),
            token.previous.as_ref().map(|it| it.hash.as_str()).into(),
            token.previous.as_ref().map(|it| it.salt.as_str()).into(),
            token.previous.as_ref().map(|it| it.rotated_at).into(),
            token.rotating.into(),
            token.user_id.as_str().into(),
            token.client_id.as_str().into(),
            token.session_id.as_deref().into(),
            token.audience.as_deref().into(),
            token.scope.as_str().into(),
            token.created_at.into(),
            token.last_exchanged_at.into(),
            token.idle_expires_at.into(),
            token.expires_at.into(),
            token.device.initial_ip.as_str().into(),
            token.device.initial_user_agent.as_str().into(),
            token.device.last_ip.as_str().into(),
            token.device.last_user_agent.as_str().into(),
            json(&token.metadata).into(),
            token.second_factor.into(),
            token.ends_at().into(),
        ],
    )
}

/// A live family of a user who still is.
pub fn get(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<Option<RefreshToken>, DbError> {
    let row = tx.query_one(
        concat!("SELECT ", columns!(), " FROM refresh_tokens WHERE id = ?1 AND ends_at > ?2 AND user_id <> ''"),
        &[id.into(), now.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// A family by its id, live or not, locked until this transaction ends.
pub fn get_for_update(tx: &mut Tx<'_>, id: &str) -> Result<Option<RefreshToken>, DbError> {
    let row = tx.query_one(
        concat!("UPDATE refresh_tokens SET hash = hash WHERE id = ?1 RETURNING ", columns!()),
        &[id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// The same by the hash of its current text, for texts that name no family.
pub fn find_by_hash_for_update(tx: &mut Tx<'_>, hash: &str) -> Result<Option<RefreshToken>, DbError> {
    let row = tx.query_one(
        concat!("UPDATE refresh_tokens SET hash = hash WHERE hash = ?1 RETURNING ", columns!()),
        &[hash.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Stores what an exchange made of a family that this transaction holds: its texts, ends, and last use.
pub fn put(tx: &mut Tx<'_>, token: &RefreshToken) -> Result<(), DbError> {
    tx.later(
        "UPDATE refresh_tokens SET hash = ?2, previous_hash = ?3, salt = ?4, rotated_at = ?5, rotating = ?6, \
         last_exchanged_at = ?7, idle_expires_at = ?8, ends_at = ?9, last_ip = ?10, last_user_agent = ?11 WHERE id = ?1",
        &[
            token.id.as_str().into(),
            token.hash.as_str().into(),
            token.previous.as_ref().map(|it| it.hash.as_str()).into(),
            token.previous.as_ref().map(|it| it.salt.as_str()).into(),
            token.previous.as_ref().map(|it| it.rotated_at).into(),
            token.rotating.into(),
            token.last_exchanged_at.into(),
            token.idle_expires_at.into(),
            token.ends_at().into(),
            token.device.last_ip.as_str().into(),
            token.device.last_user_agent.as_str().into(),
        ],
    )
}

/// Replaces the metadata of a live family and returns it; `None` when there is none.
pub fn put_metadata(
    tx: &mut Tx<'_>,
    id: &str,
    metadata: &Map<String, Json>,
    now: Millis,
) -> Result<Option<RefreshToken>, DbError> {
    let row = tx.query_one(
        concat!(
            "UPDATE refresh_tokens SET metadata = ?2 WHERE id = ?1 AND ends_at > ?3 AND user_id <> '' RETURNING ",
            columns!()
        ),
        &[id.into(), json(metadata).into(), now.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Up to `limit` live families of a user, and of one client if one is named, oldest first, after the one that was made at
/// `after.0` with the id `after.1`.
pub fn list_of_user(
    tx: &mut Tx<'_>,
    user_id: &str,
    client_id: Option<&str>,
    after: &(Millis, String),
    limit: i64,
    now: Millis,
) -> Result<Vec<RefreshToken>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM refresh_tokens WHERE user_id = ?1 AND ends_at > ?2 \
             AND (CAST(?3 AS TEXT) = '' OR client_id = CAST(?3 AS TEXT)) AND (created_at, id) > (?4, ?5) \
             ORDER BY created_at, id LIMIT ?6"
        ),
        &[
            user_id.into(),
            now.into(),
            client_id.unwrap_or_default().into(),
            after.0.into(),
            after.1.as_str().into(),
            limit.into(),
        ],
    )?;
    rows.iter().map(read).collect()
}

/// Which families are wanted; the default is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The user.
    pub user_id: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// Whether they rotate.
    pub rotating: Option<bool>,
}

impl Filter {
    /// Parameters `?1` to `?5` of the statements below. A user is a range of one, so that the index serves both cases; the
    /// range of all leaves out those whose user is gone.
    fn params(&self, now: Millis) -> Vec<Value> {
        let (first, last) = self.user_id.as_deref().map_or(ANYBODY, |id| (id, id));
        let rotating = self.rotating.map_or(-1, i64::from);
        vec![
            first.into(),
            last.into(),
            now.into(),
            self.client_id.as_deref().unwrap_or_default().into(),
            rotating.into(),
        ]
    }
}

/// The first and the last of all user ids.
pub(super) const ANYBODY: (&str, &str) = ("\u{1}", "\u{10ffff}");

/// A page of live families, by user and age.
pub fn list(
    tx: &mut Tx<'_>,
    filter: &Filter,
    limit: i64,
    offset: i64,
    now: Millis,
) -> Result<Vec<RefreshToken>, DbError> {
    let mut params = filter.params(now);
    params.extend([limit.into(), offset.into()]);
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM refresh_tokens WHERE user_id BETWEEN ?1 AND ?2 AND ends_at > ?3 \
             AND (CAST(?4 AS TEXT) = '' OR client_id = CAST(?4 AS TEXT)) \
             AND (CAST(?5 AS BIGINT) < 0 OR rotating = CAST(?5 AS BIGINT)) \
             ORDER BY user_id, created_at, id LIMIT ?6 OFFSET ?7"
        ),
        &params,
    )?;
    rows.iter().map(read).collect()
}

/// How many such families there are.
pub fn count(tx: &mut Tx<'_>, filter: &Filter, now: Millis) -> Result<i64, DbError> {
    let row = tx.query_one(
        "SELECT count(*) FROM refresh_tokens WHERE user_id BETWEEN ?1 AND ?2 AND ends_at > ?3 \
         AND (CAST(?4 AS TEXT) = '' OR client_id = CAST(?4 AS TEXT)) \
         AND (CAST(?5 AS BIGINT) < 0 OR rotating = CAST(?5 AS BIGINT))",
        &filter.params(now),
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Revokes a family; `false` when there was none.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM refresh_tokens WHERE id = ?1", &[id.into()])? == 1)
}

/// Revokes every family of a user.
pub fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM refresh_tokens WHERE user_id = ?1", &[user_id.into()])
}

/// Revokes every family that a user has with a client.
pub fn delete_of_user_and_client(tx: &mut Tx<'_>, user_id: &str, client_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM refresh_tokens WHERE user_id = ?1 AND client_id = ?2", &[user_id.into(), client_id.into()])
}

/// Revokes every family that a user has with a client for an API; an empty `audience` means for none.
pub fn delete_of_grant(tx: &mut Tx<'_>, user_id: &str, client_id: &str, audience: &str) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM refresh_tokens WHERE user_id = ?1 AND client_id = ?2 AND COALESCE(audience, '') = ?3",
        &[user_id.into(), client_id.into(), audience.into()],
    )
}

/// Revokes every family of a client.
pub fn delete_of_client(tx: &mut Tx<'_>, client_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM refresh_tokens WHERE client_id = ?1", &[client_id.into()])
}

/// Ends the families of a user who is being deleted. They stay on record for 30 days after their last use, without a word
/// about the user: whoever presents one learns that its user is gone (C454).
pub fn bury_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later(
        "UPDATE refresh_tokens SET user_id = '', session_id = NULL, initial_ip = '', initial_user_agent = '', last_ip = '', \
         last_user_agent = '', metadata = '{}', idle_expires_at = NULL, \
         expires_at = CASE WHEN ends_at < COALESCE(last_exchanged_at, created_at) + ?2 THEN ends_at \
         ELSE COALESCE(last_exchanged_at, created_at) + ?2 END, \
         ends_at = CASE WHEN ends_at < COALESCE(last_exchanged_at, created_at) + ?2 THEN ends_at \
         ELSE COALESCE(last_exchanged_at, created_at) + ?2 END WHERE user_id = ?1",
        &[user_id.into(), (30 * DAY).into()],
    )
}

/// Removes up to `limit` families whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM refresh_tokens WHERE id IN \
         (SELECT id FROM refresh_tokens WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}

fn read(row: &Row) -> Result<RefreshToken, DbError> {
    let previous = match (row.opt_text(2)?, row.opt_text(3)?, row.opt_int(4)?) {
        (Some(hash), Some(salt), Some(rotated_at)) => Some(Previous { hash, salt, rotated_at }),
        _ => None,
    };
    Ok(RefreshToken {
        id: row.text(0)?,
        hash: row.text(1)?,
        previous,
        rotating: row.flag(5)?,
        user_id: row.text(6)?,
        client_id: row.text(7)?,
        session_id: row.opt_text(8)?,
        audience: row.opt_text(9)?,
        scope: row.text(10)?,
        created_at: row.int(11)?,
        last_exchanged_at: row.opt_int(12)?,
        idle_expires_at: row.opt_int(13)?,
        expires_at: row.opt_int(14)?,
        device: Device {
            initial_ip: row.text(15)?,
            initial_user_agent: row.text(16)?,
            last_ip: row.text(17)?,
            last_user_agent: row.text(18)?,
        },
        metadata: row.json(19)?,
        second_factor: row.flag(20)?,
    })
}
