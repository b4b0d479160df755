//! Users. Profile and metadata are JSON in TEXT; everything that a query looks for is a column.
//!
//! A row with `linked_to` is an identity of another user ([`super::identities`]): it is no user of its own, but it keeps
//! its number, address and name taken, and whoever signs in with them is that other user.

use crate::kit::clock::Millis;
use crate::model::identifier::Identifier;
use crate::model::logout_notice::Ended;
use crate::model::user::User;

use super::db::{Asked, DbError, Row, Tx, Value};
use super::{
    access_tokens, authenticators, grants, json, known_origins, mfa_transactions, passwords, permissions,
    phone_backoffs, refresh_tokens, sessions, tickets,
};

/// Every column and the identities linked to the user, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "user_id, connection, provider, phone_number, phone_verified, email, email_verified, username, profile, \
         user_metadata, app_metadata, blocked, password_hash, created_at, updated_at, last_login, last_ip, \
         logins_count, last_password_reset, linked_to, \
         (SELECT '[' || string_agg(other.identity, ',' ORDER BY other.linked_at, other.user_id) || ']' \
         FROM users AS other WHERE other.linked_to = users.user_id)"
    };
}
pub(super) use columns;

/// A user by id.
pub fn get(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<User>, DbError> {
    let row = tx.query_one(
        concat!("SELECT ", columns!(), " FROM users WHERE user_id = ?1 AND linked_to IS NULL"),
        &[user_id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// The same asked ahead, to be read with [`Tx::answer`].
pub fn ask(tx: &mut Tx<'_>, user_id: &str) -> Result<Asked<Option<User>>, DbError> {
    tx.ask(
        concat!("SELECT ", columns!(), " FROM users WHERE user_id = ?1 AND linked_to IS NULL"),
        &[user_id.into()],
        |rows| rows.first().map(read).transpose(),
    )
}

/// A user by id, to be changed: until this transaction ends nobody else reads it for a change, so that two changes at
/// once follow one another instead of undoing one another.
pub fn get_for_update(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<User>, DbError> {
    let row = tx.query_one(
        concat!(
            "UPDATE users SET updated_at = updated_at WHERE user_id = ?1 AND linked_to IS NULL RETURNING ",
            columns!()
        ),
        &[user_id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// The user whom this number of a connection signs in.
pub fn find_by_phone(tx: &mut Tx<'_>, connection: &str, phone: &str) -> Result<Option<User>, DbError> {
    let asked = tx.ask(BY_PHONE, &[connection.into(), phone.into()], |rows| Ok(rows.into_iter().next()))?;
    found(tx, asked)
}

/// Sends ahead the question whom this number or address of a connection signs in.
pub fn ask_by(tx: &mut Tx<'_>, connection: &str, identifier: &Identifier) -> Result<Asked<Option<Row>>, DbError> {
    let sql = if identifier.phone().is_some() { BY_PHONE } else { BY_EMAIL };
    tx.ask(sql, &[connection.into(), identifier.as_str().into()], |rows| Ok(rows.into_iter().next()))
}

const BY_PHONE: &str = concat!("SELECT ", columns!(), " FROM users WHERE connection = ?1 AND phone_number = ?2");
const BY_EMAIL: &str = concat!("SELECT ", columns!(), " FROM users WHERE connection = ?1 AND email = ?2");

/// The user whom [`ask_by`] has found: the primary one, where the number or address belongs to a linked identity.
pub fn found(tx: &mut Tx<'_>, asked: Asked<Option<Row>>) -> Result<Option<User>, DbError> {
    let Some(row) = tx.answer(asked)? else { return Ok(None) };
    match row.opt_text(LINKED_TO)? {
        None => read(&row).map(Some),
        Some(primary) => get(tx, &primary),
    }
}

/// A page of users, oldest first.
pub fn list(tx: &mut Tx<'_>, limit: i64, offset: i64) -> Result<Vec<User>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE linked_to IS NULL ORDER BY created_at, user_id LIMIT ?1 OFFSET ?2"
        ),
        &[limit.into(), offset.into()],
    )?;
    rows.iter().map(read).collect()
}

/// A page of users, newest first.
pub fn list_newest(tx: &mut Tx<'_>, limit: i64, offset: i64) -> Result<Vec<User>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE linked_to IS NULL ORDER BY created_at DESC, user_id DESC LIMIT ?1 OFFSET ?2"
        ),
        &[limit.into(), offset.into()],
    )?;
    rows.iter().map(read).collect()
}

/// The users of all connections who have this e-mail address, given in lower case.
pub fn find_by_email(tx: &mut Tx<'_>, email: &str) -> Result<Vec<User>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE email = ?1 AND linked_to IS NULL ORDER BY created_at, user_id"
        ),
        &[email.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Up to `limit` users made after the one at `after` (its instant and id) and until `until`, oldest first.
pub fn list_after(tx: &mut Tx<'_>, after: (Millis, &str), until: Millis, limit: i64) -> Result<Vec<User>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE linked_to IS NULL AND (created_at, user_id) > (?1, ?2) AND created_at <= ?3 \
             ORDER BY created_at, user_id LIMIT ?4"
        ),
        &[after.0.into(), after.1.into(), until.into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Up to `limit` users made before the one at `before` and since `since`, newest first.
pub fn list_before(tx: &mut Tx<'_>, before: (Millis, &str), since: Millis, limit: i64) -> Result<Vec<User>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE linked_to IS NULL AND (created_at, user_id) < (?1, ?2) AND created_at >= ?3 \
             ORDER BY created_at DESC, user_id DESC LIMIT ?4"
        ),
        &[before.0.into(), before.1.into(), since.into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// The user of a connection who has this name, given in lower case.
pub fn find_by_username(tx: &mut Tx<'_>, connection: &str, username: &str) -> Result<Option<User>, DbError> {
    let row = tx.query_one(
        concat!("SELECT ", columns!(), " FROM users WHERE connection = ?1 AND username = ?2 AND linked_to IS NULL"),
        &[connection.into(), username.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Counts at most `most` users in order of creation from `after` on; how many, and the last one where there may be more.
pub fn count_after(
    tx: &mut Tx<'_>,
    after: (Millis, &str),
    most: i64,
) -> Result<(i64, Option<(Millis, String)>), DbError> {
    let last = tx.query_one(
        "SELECT created_at, user_id FROM users WHERE linked_to IS NULL AND (created_at, user_id) > (?1, ?2) \
         ORDER BY created_at, user_id LIMIT 1 OFFSET ?3",
        &[after.0.into(), after.1.into(), (most - 1).into()],
    )?;
    if let Some(last) = last {
        return Ok((most, Some((last.int(0)?, last.text(1)?))));
    }
    let row = tx.query_one(
        "SELECT count(*) FROM users WHERE linked_to IS NULL AND (created_at, user_id) > (?1, ?2)",
        &[after.0.into(), after.1.into()],
    )?;
    Ok((row.map_or(Ok(0), |row| row.int(0))?, None))
}

/// The statement that adds a user, up to what happens when somebody has the id, number, address or name already.
macro_rules! insert {
    ($otherwise:literal) => {
        concat!(
            "INSERT INTO users (user_id, connection, provider, phone_number, phone_verified, email, email_verified, \
             username, profile, user_metadata, app_metadata, blocked, password_hash, created_at, updated_at, last_login, \
             last_ip, logins_count, last_password_reset) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            $otherwise
        )
    };
}

/// Adds a user; `false` when the id, or the connection's number, address or name, is taken.
pub fn insert(tx: &mut Tx<'_>, user: &User) -> Result<bool, DbError> {
    Ok(tx.query_one(insert!(" ON CONFLICT DO NOTHING RETURNING user_id"), &values(user))?.is_some())
}

/// Adds a user whom this very transaction did not find, without waiting to hear that it went well: when somebody else came
/// first, the transaction fails with [`DbError::Conflict`].
pub fn insert_later(tx: &mut Tx<'_>, user: &User) -> Result<(), DbError> {
    tx.later(insert!(""), &values(user))
}

fn values(user: &User) -> [Value; 19] {
    [
        user.user_id.as_str().into(),
        user.connection.as_str().into(),
        user.provider.as_str().into(),
        user.phone_number.as_deref().into(),
        user.phone_verified.into(),
        user.email.as_deref().into(),
        user.email_verified.into(),
        user.username.as_deref().into(),
        json(&user.profile).into(),
        user.user_metadata.as_ref().map(json).into(),
        user.app_metadata.as_ref().map(json).into(),
        user.blocked.into(),
        user.password_hash.as_deref().into(),
        user.created_at.into(),
        user.updated_at.into(),
        user.last_login.into(),
        user.last_ip.as_deref().into(),
        user.logins_count.into(),
        user.last_password_reset.into(),
    ]
}

/// Stores what [`get_for_update`] gave and the caller changed; `false` when another user of the connection already has
/// the new number, address or name. Sign-ins are not touched.
pub fn put(tx: &mut Tx<'_>, user: &User) -> Result<bool, DbError> {
    let row = tx.query_one(
        "UPDATE users SET phone_number = ?2, phone_verified = ?3, email = ?4, email_verified = ?5, username = ?6, \
         profile = ?7, user_metadata = ?8, app_metadata = ?9, blocked = ?10, password_hash = ?11, updated_at = ?12, \
         last_password_reset = ?13 WHERE user_id = ?1 AND NOT EXISTS (SELECT 1 FROM users AS other \
         WHERE other.connection = users.connection AND other.user_id <> ?1 \
         AND (other.phone_number = ?2 OR other.email = ?4 OR other.username = ?6)) RETURNING user_id",
        &[
            user.user_id.as_str().into(),
            user.phone_number.as_deref().into(),
            user.phone_verified.into(),
            user.email.as_deref().into(),
            user.email_verified.into(),
            user.username.as_deref().into(),
            json(&user.profile).into(),
            user.user_metadata.as_ref().map(json).into(),
            user.app_metadata.as_ref().map(json).into(),
            user.blocked.into(),
            user.password_hash.as_deref().into(),
            user.updated_at.into(),
            user.last_password_reset.into(),
        ],
    )?;
    Ok(row.is_some())
}

/// Notes one more sign-in, whatever else happens to the user at this moment. A number or address that the user has been
/// found to have stays confirmed; nothing is ever unsaid here.
pub fn record_sign_in(tx: &mut Tx<'_>, user: &User) -> Result<(), DbError> {
    tx.later(
        "UPDATE users SET logins_count = logins_count + 1, phone_verified = COALESCE(?2, phone_verified), \
         email_verified = COALESCE(?3, email_verified), last_login = ?4, last_ip = ?5, updated_at = ?6 WHERE user_id = ?1",
        &[
            user.user_id.as_str().into(),
            user.phone_verified.filter(|is| *is).into(),
            user.email_verified.filter(|is| *is).into(),
            user.last_login.into(),
            user.last_ip.as_deref().into(),
            user.updated_at.into(),
        ],
    )
}

/// Removes a user with everything that hangs on it: identities linked to it, what was issued to it, its roles and
/// permissions; `false` when there was none. Its own row goes first: a sign-in that is under way has it, and what that
/// issues is there when the rest is removed.
pub fn delete(tx: &mut Tx<'_>, user_id: &str) -> Result<bool, DbError> {
    let gone = tx.execute("DELETE FROM users WHERE user_id = ?1 AND linked_to IS NULL", &[user_id.into()])? == 1;
    if gone {
        forget(tx, user_id)?;
    }
    Ok(gone)
}

/// Removes the user of a connection who has this e-mail address, or the identity if it is linked to another user.
pub fn delete_by_email(tx: &mut Tx<'_>, connection: &str, email: &str) -> Result<(), DbError> {
    let row = tx.query_one(
        "DELETE FROM users WHERE connection = ?1 AND email = ?2 RETURNING user_id",
        &[connection.into(), email.to_lowercase().into()],
    )?;
    row.map_or(Ok(()), |row| forget(tx, &row.text(0)?))
}

/// Removes what hangs on a user whose own row is gone.
fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    for row in tx.query("DELETE FROM users WHERE linked_to = ?1 RETURNING user_id", &[user_id.into()])? {
        forget_password(tx, &row.text(0)?)?;
    }
    forget_password(tx, user_id)?;
    refresh_tokens::bury_of_user(tx, user_id)?;
    sessions::delete_of_user(tx, user_id, None, Ended::AccountDeleted)?;
    grants::delete_of_user(tx, user_id)?;
    access_tokens::delete_of_user(tx, user_id)?;
    permissions::delete_of_user(tx, user_id)?;
    forget_factors(tx, user_id)
}

/// Removes what a user, who is one no longer, proved a second factor with.
pub(super) fn forget_factors(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    authenticators::delete_of_user(tx, user_id)?;
    mfa_transactions::delete_of_user(tx, user_id)?;
    phone_backoffs::forget(tx, user_id)?;
    known_origins::forget(tx, user_id, None)
}

/// Removes what there is of the passwords of a user, or of an identity, whose row is gone.
pub(super) fn forget_password(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    passwords::delete_of_user(tx, user_id)?;
    tickets::delete_of_user(tx, user_id)
}

/// Position of `linked_to` among the columns.
pub(super) const LINKED_TO: usize = 19;

pub(super) fn read(row: &Row) -> Result<User, DbError> {
    let flag = |column| Ok::<_, DbError>(row.opt_int(column)?.map(|flag| flag != 0));
    let map = |column| row.opt_text(column)?.map(|_| row.json(column)).transpose();
    Ok(User {
        user_id: row.text(0)?,
        connection: row.text(1)?,
        provider: row.text(2)?,
        phone_number: row.opt_text(3)?,
        phone_verified: flag(4)?,
        email: row.opt_text(5)?,
        email_verified: flag(6)?,
        username: row.opt_text(7)?,
        profile: row.json(8)?,
        user_metadata: map(9)?,
        app_metadata: map(10)?,
        blocked: flag(11)?,
        password_hash: row.opt_text(12)?,
        created_at: row.int(13)?,
        updated_at: row.int(14)?,
        last_login: row.opt_int(15)?,
        last_ip: row.opt_text(16)?,
        logins_count: row.int(17)?,
        last_password_reset: row.opt_int(18)?,
        linked: row.opt_text(20)?.map_or(Ok(Vec::new()), |_| row.json(20))?,
    })
}
