//! Users as password sign-ins look for them: by address, user name or number, linked or not.

use crate::model::user::User;

use super::db::{DbError, Tx};
use super::users::{self, columns};

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
    let Some(row) = row else { return Ok(None) };
    let identity = users::read(&row)?;
    let user = match row.opt_text(users::LINKED_TO)? {
        None => Some(identity.clone()),
        Some(primary) => users::get(tx, &primary)?,
    };
    Ok(user.map(|user| Login { identity, user }))
}

/// Replaces a hash by a better one of the same password, unless the password was changed meanwhile.
pub fn replace(tx: &mut Tx<'_>, user_id: &str, old: &str, new: &str) -> Result<(), DbError> {
    tx.later(
        "UPDATE users SET password_hash = ?3 WHERE user_id = ?1 AND password_hash = ?2",
        &[user_id.into(), old.into(), new.into()],
    )
}
