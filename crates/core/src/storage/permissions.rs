//! Permissions of users: given directly, or through their roles ([`super::roles`]).

use crate::model::role::Permission;

use super::db::{DbError, Tx};

/// A permission of a user, and the role it comes through (id and name), or none when it was given directly.
#[derive(Debug, Clone)]
pub struct Held {
    /// The permission.
    pub permission: Permission,
    /// Where it comes from.
    pub role: Option<(String, String)>,
}

/// Everything a user may do, sorted; the same permission stands once for each source.
pub fn of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<Vec<Held>, DbError> {
    let rows = tx.query(
        "SELECT audience, permission, '' AS role_id, '' AS role_name FROM user_permissions WHERE user_id = ?1 \
         UNION ALL SELECT role_permissions.audience, role_permissions.permission, roles.id, roles.name FROM user_roles \
         JOIN roles ON roles.id = user_roles.role_id \
         JOIN role_permissions ON role_permissions.role_id = user_roles.role_id WHERE user_roles.user_id = ?1 \
         ORDER BY 1, 2, 4, 3",
        &[user_id.into()],
    )?;
    let read = |row: &super::Row| {
        let (id, name) = (row.text(2)?, row.text(3)?);
        let permission = Permission { audience: row.text(0)?, name: row.text(1)? };
        Ok(Held { permission, role: Some((id, name)).filter(|(id, _)| !id.is_empty()) })
    };
    rows.iter().map(read).collect()
}

/// The scopes of one API that a user may have, sorted.
pub fn on_api(tx: &mut Tx<'_>, user_id: &str, audience: &str) -> Result<Vec<String>, DbError> {
    let rows = tx.query(
        "SELECT permission FROM user_permissions WHERE user_id = ?1 AND audience = ?2 \
         UNION SELECT role_permissions.permission FROM user_roles \
         JOIN role_permissions ON role_permissions.role_id = user_roles.role_id \
         WHERE user_roles.user_id = ?1 AND role_permissions.audience = ?2 ORDER BY 1",
        &[user_id.into(), audience.into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Gives a permission to a user; nothing changes when the user has it already.
pub fn grant(tx: &mut Tx<'_>, user_id: &str, permission: &Permission) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO user_permissions (user_id, audience, permission) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[user_id.into(), permission.audience.as_str().into(), permission.name.as_str().into()],
    )
}

/// Takes a permission from a user; one that comes through a role stays.
pub fn withdraw(tx: &mut Tx<'_>, user_id: &str, permission: &Permission) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM user_permissions WHERE user_id = ?1 AND audience = ?2 AND permission = ?3",
        &[user_id.into(), permission.audience.as_str().into(), permission.name.as_str().into()],
    )
}

/// Takes all roles and permissions from a user.
pub fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM user_roles WHERE user_id = ?1", &[user_id.into()])?;
    tx.later("DELETE FROM user_permissions WHERE user_id = ?1", &[user_id.into()])
}

/// Takes a scope that its API no longer has from every role and user.
pub fn delete_scope(tx: &mut Tx<'_>, audience: &str, scope: &str) -> Result<(), DbError> {
    let params = [audience.into(), scope.into()];
    tx.later("DELETE FROM role_permissions WHERE audience = ?1 AND permission = ?2", &params)?;
    tx.later("DELETE FROM user_permissions WHERE audience = ?1 AND permission = ?2", &params)
}

/// Takes every scope of an API that is gone from every role and user.
pub fn delete_of_api(tx: &mut Tx<'_>, audience: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM role_permissions WHERE audience = ?1", &[audience.into()])?;
    tx.later("DELETE FROM user_permissions WHERE audience = ?1", &[audience.into()])
}
