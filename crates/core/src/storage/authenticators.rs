//! What people prove a second factor with (`docs/COMPATIBILITY.md` C1770-C1775).

use crate::kit::clock::Millis;
use crate::kit::secret::Secret;
use crate::model::authenticator::{Authenticator, Kind, UNPROVEN};

use super::db::{Asked, DbError, Row, Tx};
use super::{json, sealed};

/// Every column that is read, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "id, user_id, kind, confirmed, phone_number, email, secret, recovery_hash, last_step, doc, created_at, \
         enrolled_at, last_auth_at"
    };
}

/// Adds an authenticator; a recovery code takes the place of the one before.
pub fn put(tx: &mut Tx<'_>, one: &Authenticator) -> Result<(), DbError> {
    let seal = |secret: &Secret| tx.seal(secret, &sealed::AUTHENTICATOR_SECRET.of(&one.id));
    let secret = one.secret.as_ref().map(seal).transpose()?;
    if one.kind == Kind::RecoveryCode {
        tx.later(
            "DELETE FROM authenticators WHERE user_id = ?1 AND kind = 'recovery-code'",
            &[one.user_id.as_str().into()],
        )?;
    }
    tx.later(
        concat!(
            "INSERT INTO authenticators (",
            columns!(),
            ", prune_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        ),
        &[
            one.id.as_str().into(),
            one.user_id.as_str().into(),
            one.kind.name().into(),
            one.confirmed.into(),
            one.phone_number.as_deref().into(),
            one.email.as_deref().into(),
            secret.into(),
            one.recovery_hash.as_deref().into(),
            one.last_step.into(),
            json(&one.about).into(),
            one.created_at.into(),
            one.enrolled_at.into(),
            one.last_auth_at.into(),
            (!one.confirmed).then_some(one.created_at + UNPROVEN).into(),
        ],
    )
}

/// The authenticators of a user, oldest first; there are at most [`MOST`].
pub fn list_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<Vec<Authenticator>, DbError> {
    let asked = ask_of_user(tx, user_id)?;
    answer(tx, asked)
}

/// The same as a question sent ahead; [`answer`] reads it.
pub fn ask_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<Asked<Vec<Row>>, DbError> {
    tx.ask(
        // A recovery code is made together with what it is for, and stands behind it.
        concat!("SELECT ", columns!(), " FROM authenticators WHERE user_id = ?1 ORDER BY created_at, id"),
        &[user_id.into()],
        Ok,
    )
}

/// What [`ask_of_user`] asked.
pub fn answer(tx: &mut Tx<'_>, asked: Asked<Vec<Row>>) -> Result<Vec<Authenticator>, DbError> {
    let rows = tx.answer(asked)?;
    let mut all: Vec<Authenticator> = rows.iter().map(|row| read(tx, row)).collect::<Result<_, _>>()?;
    // A recovery code comes behind what it came with. The index cannot tell, and a sorter of the engine's costs more than
    // all the rest of the question.
    all.sort_by_key(|one| (one.created_at, one.kind == Kind::RecoveryCode));
    Ok(all)
}

/// An authenticator by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Authenticator>, DbError> {
    let row = tx.query_one(concat!("SELECT ", columns!(), " FROM authenticators WHERE id = ?1"), &[id.into()])?;
    row.as_ref().map(|row| read(tx, row)).transpose()
}

/// Notes that its owner has proven to have it; `false` when it is gone.
pub fn confirm(tx: &mut Tx<'_>, one: &Authenticator, now: Millis) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE authenticators SET confirmed = 1, enrolled_at = COALESCE(enrolled_at, ?2), last_auth_at = ?2, \
         prune_at = NULL WHERE id = ?1",
        &[one.id.as_str().into(), now.into()],
    )?;
    Ok(changed == 1)
}

/// Uses the password of a step of an application up; `false` when it, or a later one, was used before.
pub fn use_step(tx: &mut Tx<'_>, id: &str, step: i64) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE authenticators SET last_step = ?2 WHERE id = ?1 AND last_step < ?2",
        &[id.into(), step.into()],
    )?;
    Ok(changed == 1)
}

/// Uses a recovery code up; `false` when it is not the user's.
pub fn use_recovery(tx: &mut Tx<'_>, user_id: &str, hash: &str) -> Result<bool, DbError> {
    let changed = tx.execute(
        "DELETE FROM authenticators WHERE user_id = ?1 AND kind = 'recovery-code' AND recovery_hash = ?2",
        &[user_id.into(), hash.into()],
    )?;
    Ok(changed == 1)
}

/// Stores name, ways and the preferred one.
pub fn put_about(tx: &mut Tx<'_>, one: &Authenticator) -> Result<(), DbError> {
    tx.later("UPDATE authenticators SET doc = ?2 WHERE id = ?1", &[one.id.as_str().into(), json(&one.about).into()])
}

/// Removes an authenticator; the codes on their way to it are void, since they name it.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM authenticators WHERE id = ?1", &[id.into()])? == 1)
}

/// Removes all of a user who is gone.
pub(super) fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM authenticators WHERE user_id = ?1", &[user_id.into()])
}

/// Removes up to `limit` that were never proven; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM authenticators WHERE id IN \
         (SELECT id FROM authenticators WHERE prune_at <= ?1 ORDER BY prune_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}

fn read(tx: &Tx<'_>, row: &Row) -> Result<Authenticator, DbError> {
    let id = row.text(0)?;
    let open = |sealed: String| tx.open(&sealed, &sealed::AUTHENTICATOR_SECRET.of(&id));
    let secret = row.opt_text(6)?.map(open).transpose()?;
    Ok(Authenticator {
        user_id: row.text(1)?,
        kind: Kind::parse(&row.text(2)?).ok_or(DbError::Shape(2))?,
        confirmed: row.flag(3)?,
        phone_number: row.opt_text(4)?,
        email: row.opt_text(5)?,
        secret,
        recovery_hash: row.opt_text(7)?,
        last_step: row.int(8)?,
        about: row.json(9)?,
        created_at: row.int(10)?,
        enrolled_at: row.opt_int(11)?,
        last_auth_at: row.opt_int(12)?,
        id,
    })
}

/// Most authenticators of one user, confirmed or not.
pub const MOST: usize = 20;
