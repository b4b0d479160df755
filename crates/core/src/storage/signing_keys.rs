//! Token signing keys: one current, one next, previous ones until they are revoked (Auth0: "Signing keys").

use crate::kit::clock::Millis;
use crate::kit::hash;
use crate::kit::secret::Secret;
use crate::model::signing_key::{SigningKey, State};

use super::db::{DbError, Row, Tx};
use super::sealed;

/// Every key, newest first; revoked ones have no private key any more.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<SigningKey>, DbError> {
    let rows = tx.query(
        "SELECT kid, state, private_key, certificate, created_at, current_since, current_until, revoked_at \
         FROM signing_keys ORDER BY created_at DESC, kid",
        &[],
    )?;
    rows.iter().map(|row| read(tx, row)).collect()
}

/// Adds a key.
pub fn insert(tx: &mut Tx<'_>, key: &SigningKey) -> Result<(), DbError> {
    let private_key = tx.seal(&key.private_key, &sealed::SIGNING_KEY.of(&key.kid))?;
    tx.later(
        "INSERT INTO signing_keys (kid, state, private_key, certificate, created_at, current_since, current_until, \
         revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            key.kid.as_str().into(),
            key.state.name().into(),
            private_key.into(),
            hash::base64(&key.certificate).into(),
            key.created_at.into(),
            key.current_since.into(),
            key.current_until.into(),
            key.revoked_at.into(),
        ],
    )
}

/// Moves a key from one state to another; `false` when it was not in `from` (someone else moved it first).
pub fn advance(tx: &mut Tx<'_>, kid: &str, from: State, to: State, now: Millis) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE signing_keys SET state = ?3, \
         current_since = CASE WHEN ?3 = 'current' THEN ?4 ELSE current_since END, \
         current_until = CASE WHEN ?2 = 'current' THEN ?4 ELSE current_until END, \
         revoked_at = CASE WHEN ?3 = 'revoked' THEN ?4 ELSE revoked_at END, \
         private_key = CASE WHEN ?3 = 'revoked' THEN '' ELSE private_key END \
         WHERE kid = ?1 AND state = ?2",
        &[kid.into(), from.name().into(), to.name().into(), now.into()],
    )?;
    Ok(changed == 1)
}

fn read(tx: &Tx<'_>, row: &Row) -> Result<SigningKey, DbError> {
    let kid = row.text(0)?;
    let sealed = row.text(2)?;
    let private_key =
        if sealed.is_empty() { Secret::default() } else { tx.open(&sealed, &sealed::SIGNING_KEY.of(&kid))? };
    Ok(SigningKey {
        state: State::parse(&row.text(1)?).ok_or(DbError::Shape(1))?,
        private_key,
        certificate: hash::from_any_base64(&row.text(3)?).ok_or(DbError::Shape(3))?,
        created_at: row.int(4)?,
        current_since: row.opt_int(5)?,
        current_until: row.opt_int(6)?,
        revoked_at: row.opt_int(7)?,
        kid,
    })
}
