//! Linked identities: a user's row that signs in another user (`docs/COMPATIBILITY.md` C1180-C1189).
//!
//! The row stays where it is, so that its number or address is found by the statement that finds any other, and only then costs one
//! more. Who is linked to whom never chains: linking a user takes along whatever was linked to it.

use crate::kit::clock::Millis;
use crate::model::identifier::Identifier;
use crate::model::logout_notice::Ended;
use crate::model::user::User;

use super::db::{DbError, Tx};
use super::users::{self, columns};
use super::{access_tokens, grants, json, permissions, refresh_tokens, sessions};

/// Whether there is a row of this id, be it a user or an identity of one.
pub fn exists(tx: &mut Tx<'_>, user_id: &str) -> Result<bool, DbError> {
    Ok(tx.query_one("SELECT user_id FROM users WHERE user_id = ?1", &[user_id.into()])?.is_some())
}

/// Both users of a link to be made, locked in one order for everybody, so that two links at once pass one after the
/// other; `None` for the one who is no user (any more).
pub fn lock_both(tx: &mut Tx<'_>, primary: &str, secondary: &str) -> Result<(Option<User>, Option<User>), DbError> {
    if primary <= secondary {
        let first = users::get_for_update(tx, primary)?;
        return Ok((first, users::get_for_update(tx, secondary)?));
    }
    let second = users::get_for_update(tx, secondary)?;
    Ok((users::get_for_update(tx, primary)?, second))
}

/// Makes `secondary`, and whatever is linked to it, identities of `primary`. What was issued to it ends, and its
/// metadata, roles and permissions are gone. Both must come from [`lock_both`].
pub fn link(tx: &mut Tx<'_>, primary: &str, secondary: &User, now: Millis) -> Result<(), DbError> {
    let id = secondary.user_id.as_str();
    tx.later("UPDATE users SET linked_to = ?1 WHERE linked_to = ?2", &[primary.into(), id.into()])?;
    tx.later(
        "UPDATE users SET linked_to = ?1, linked_at = ?3, identity = ?4, user_metadata = NULL, app_metadata = NULL \
         WHERE user_id = ?2",
        &[primary.into(), id.into(), now.into(), json(&secondary.as_linked()).into()],
    )?;
    permissions::delete_of_user(tx, id)?;
    // Should it be a user again one day, none of this comes back.
    sessions::delete_of_user(tx, id, None, Ended::AccountDeleted)?;
    refresh_tokens::delete_of_user(tx, id)?;
    grants::delete_of_user(tx, id)?;
    access_tokens::delete_of_user(tx, id)?;
    users::forget_factors(tx, id)
}

/// Makes an identity of `primary` a user of its own again; `false` when it is none of its.
pub fn unlink(tx: &mut Tx<'_>, primary: &str, user_id: &str, now: Millis) -> Result<bool, DbError> {
    let row = tx.query_one(
        "UPDATE users SET linked_to = NULL, linked_at = NULL, identity = NULL, updated_at = ?3 \
         WHERE user_id = ?2 AND linked_to = ?1 RETURNING user_id",
        &[primary.into(), user_id.into(), now.into()],
    )?;
    Ok(row.is_some())
}

/// An identity of `primary` as the user it was.
pub fn get(tx: &mut Tx<'_>, primary: &str, user_id: &str) -> Result<Option<User>, DbError> {
    let row = tx.query_one(
        concat!("SELECT ", columns!(), " FROM users WHERE user_id = ?2 AND linked_to = ?1"),
        &[primary.into(), user_id.into()],
    )?;
    row.as_ref().map(users::read).transpose()
}

/// An identity of `primary` as the user it was, to be changed and given to [`put`].
pub fn get_for_update(tx: &mut Tx<'_>, primary: &str, user_id: &str) -> Result<Option<User>, DbError> {
    let row = tx.query_one(
        concat!(
            "UPDATE users SET updated_at = updated_at WHERE user_id = ?2 AND linked_to = ?1 RETURNING ",
            columns!()
        ),
        &[primary.into(), user_id.into()],
    )?;
    row.as_ref().map(users::read).transpose()
}

/// Stores a changed identity; `false` when another user of its connection has the new number, address or name.
pub fn put(tx: &mut Tx<'_>, identity: &User) -> Result<bool, DbError> {
    let stored = users::put(tx, identity)?;
    if stored {
        show(tx, identity)?;
    }
    Ok(stored)
}

/// Notes that a code was redeemed for the number or address of a linked identity.
pub fn confirm(tx: &mut Tx<'_>, connection: &str, identifier: &Identifier) -> Result<(), DbError> {
    let sql = match identifier {
        Identifier::Phone(_) => concat!(
            "UPDATE users SET phone_verified = 1 WHERE connection = ?1 AND phone_number = ?2 \
             AND linked_to IS NOT NULL AND phone_verified = 0 RETURNING ",
            columns!()
        ),
        Identifier::Email(_) => concat!(
            "UPDATE users SET email_verified = 1 WHERE connection = ?1 AND email = ?2 \
             AND linked_to IS NOT NULL AND email_verified = 0 RETURNING ",
            columns!()
        ),
    };
    let row = tx.query_one(sql, &[connection.into(), identifier.as_str().into()])?;
    row.map_or(Ok(()), |row| show(tx, &users::read(&row)?))
}

/// Brings up to date what the primary user shows of an identity.
fn show(tx: &mut Tx<'_>, identity: &User) -> Result<(), DbError> {
    tx.later(
        "UPDATE users SET identity = ?2 WHERE user_id = ?1 AND linked_to IS NOT NULL",
        &[identity.user_id.as_str().into(), json(&identity.as_linked()).into()],
    )
}
