//! Passwords: users as sign-ins look for them, by address, user name or number, linked or not; a new password, and those
//! that a user had before.

use crate::kit::clock::Millis;
use crate::model::ticket::Purpose;
use crate::model::user::User;

use super::db::{DbError, Row, Tx};
use super::users::{self, columns};
use super::{login_failures, tickets};

/// Whom a login name stands for.
#[derive(Debug, Clone)]
pub struct Login {
    /// The row that holds the password: the user's own, or that of an identity linked to it.
    pub identity: User,
    /// The user who is signed in.
    pub user: User,
}

/// Finds whoever signs in to a connection with this e-mail address or user name (in lower case), or phone number; an
/// address comes before a name, a name before a number.
pub fn find(tx: &mut Tx<'_>, connection: &str, name: &str, phone: Option<&str>) -> Result<Option<Login>, DbError> {
    let row = tx.query_one(
        concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE connection = ?1 AND (email = ?2 OR username = ?2 OR phone_number = ?3) \
             ORDER BY CASE WHEN email = ?2 THEN 0 WHEN username = ?2 THEN 1 ELSE 2 END LIMIT 1"
        ),
        &[connection.into(), name.into(), phone.into()],
    )?;
    row.map_or(Ok(None), |row| login(tx, &row))
}

/// Replaces a hash by a better one of the same password, unless the password was changed meanwhile.
pub fn replace(tx: &mut Tx<'_>, user_id: &str, old: &str, new: &str) -> Result<(), DbError> {
    tx.later(
        "UPDATE users SET password_hash = ?3 WHERE user_id = ?1 AND password_hash = ?2",
        &[user_id.into(), old.into(), new.into()],
    )
}

/// The row that holds the password of a user or of an identity, and the user whom it signs in.
pub fn of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<Login>, DbError> {
    let row = tx.query_one(concat!("SELECT ", columns!(), " FROM users WHERE user_id = ?1"), &[user_id.into()])?;
    row.map_or(Ok(None), |row| login(tx, &row))
}

/// What follows from a new password of a user. The `old` one is remembered as one of the last `history` (the new one among
/// them), blocks of brute-force protection are lifted, and links to choose a password that are under way are void.
pub fn renewed(tx: &mut Tx<'_>, user: &User, old: Option<String>, history: usize, now: Millis) -> Result<(), DbError> {
    let id = user.user_id.as_str();
    if let Some(old) = old.filter(|_| history > 1) {
        tx.later(
            "INSERT INTO password_history (user_id, changed_at, hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            &[id.into(), now.into(), old.into()],
        )?;
    }
    tx.later(
        "DELETE FROM password_history WHERE user_id = ?1 AND changed_at NOT IN (SELECT changed_at FROM password_history \
         WHERE user_id = ?1 ORDER BY changed_at DESC LIMIT ?2)",
        &[id.into(), kept(history).into()],
    )?;
    tickets::void(tx, id, Purpose::PasswordChange)?;
    for name in [&user.email, &user.username, &user.phone_number].into_iter().flatten() {
        login_failures::forgive(tx, &user.connection, name)?;
    }
    Ok(())
}

/// Hashes of the passwords that count as the last `history` beside the one in use, newest first.
pub fn history(tx: &mut Tx<'_>, user_id: &str, history: usize) -> Result<Vec<String>, DbError> {
    let rows = tx.query(
        "SELECT hash FROM password_history WHERE user_id = ?1 ORDER BY changed_at DESC LIMIT ?2",
        &[user_id.into(), kept(history).into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Forgets the passwords of a user who is gone.
pub(super) fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM password_history WHERE user_id = ?1", &[user_id.into()])
}

fn kept(history: usize) -> i64 {
    i64::try_from(history.saturating_sub(1)).unwrap_or(0)
}

fn login(tx: &mut Tx<'_>, row: &Row) -> Result<Option<Login>, DbError> {
    let identity = users::read(row)?;
    let user = match row.opt_text(users::LINKED_TO)? {
        None => Some(identity.clone()),
        Some(primary) => users::get(tx, &primary)?,
    };
    Ok(user.map(|user| Login { identity, user }))
}
