//! Roles, what they permit, and who has them.

use crate::kit::clock::Millis;
use crate::model::role::{Permission, Role};

use super::db::{DbError, Row, Tx};

/// A role by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Role>, DbError> {
    tx.query_one("SELECT id, name, description, created_at FROM roles WHERE id = ?1", &[id.into()])?
        .as_ref()
        .map(read)
        .transpose()
}

/// Every role, oldest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Role>, DbError> {
    let rows = tx.query("SELECT id, name, description, created_at FROM roles ORDER BY created_at, id", &[])?;
    rows.iter().map(read).collect()
}

/// Adds a role; `false` when its name is taken.
pub fn insert(tx: &mut Tx<'_>, role: &Role) -> Result<bool, DbError> {
    let row = tx.query_one(
        "INSERT INTO roles (id, name, description, created_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO NOTHING RETURNING id",
        &[
            role.id.as_str().into(),
            role.name.as_str().into(),
            role.description.as_deref().into(),
            role.created_at.into(),
        ],
    )?;
    Ok(row.is_some())
}

/// A role to be changed, which nobody else reads for a change meanwhile.
pub fn get_for_update(tx: &mut Tx<'_>, id: &str) -> Result<Option<Role>, DbError> {
    let row = tx.query_one(
        "UPDATE roles SET created_at = created_at WHERE id = ?1 RETURNING id, name, description, created_at",
        &[id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Stores a changed role; `false` when another one has the name.
pub fn put(tx: &mut Tx<'_>, role: &Role) -> Result<bool, DbError> {
    let row = tx.query_one(
        "UPDATE roles SET name = ?2, description = ?3 WHERE id = ?1 \
         AND NOT EXISTS (SELECT 1 FROM roles AS other WHERE other.name = ?2 AND other.id <> ?1) RETURNING id",
        &[role.id.as_str().into(), role.name.as_str().into(), role.description.as_deref().into()],
    )?;
    Ok(row.is_some())
}

/// Removes a role from everybody who has it; `false` when there is none.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    if tx.execute("DELETE FROM roles WHERE id = ?1", &[id.into()])? == 0 {
        return Ok(false);
    }
    tx.later("DELETE FROM role_permissions WHERE role_id = ?1", &[id.into()])?;
    tx.later("DELETE FROM user_roles WHERE role_id = ?1", &[id.into()])?;
    Ok(true)
}

/// What a role permits, sorted.
pub fn permissions(tx: &mut Tx<'_>, id: &str) -> Result<Vec<Permission>, DbError> {
    let rows = tx.query(
        "SELECT audience, permission FROM role_permissions WHERE role_id = ?1 ORDER BY audience, permission",
        &[id.into()],
    )?;
    rows.iter().map(|row| Ok(Permission { audience: row.text(0)?, name: row.text(1)? })).collect()
}

/// Adds a permission to a role; nothing changes when it has it already.
pub fn permit(tx: &mut Tx<'_>, id: &str, permission: &Permission) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO role_permissions (role_id, audience, permission) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[id.into(), permission.audience.as_str().into(), permission.name.as_str().into()],
    )
}

/// Takes a permission from a role.
pub fn forbid(tx: &mut Tx<'_>, id: &str, permission: &Permission) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM role_permissions WHERE role_id = ?1 AND audience = ?2 AND permission = ?3",
        &[id.into(), permission.audience.as_str().into(), permission.name.as_str().into()],
    )
}

/// The roles of a user, in the order of assignment.
pub fn of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<Vec<Role>, DbError> {
    let rows = tx.query(
        "SELECT roles.id, roles.name, roles.description, roles.created_at FROM user_roles \
         JOIN roles ON roles.id = user_roles.role_id WHERE user_roles.user_id = ?1 \
         ORDER BY user_roles.assigned_at, roles.id",
        &[user_id.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Gives a role to a user; nothing changes when the user has it already.
pub fn assign(tx: &mut Tx<'_>, id: &str, user_id: &str, now: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO user_roles (user_id, role_id, assigned_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[user_id.into(), id.into(), now.into()],
    )
}

/// Takes a role from a user.
pub fn unassign(tx: &mut Tx<'_>, id: &str, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM user_roles WHERE user_id = ?1 AND role_id = ?2", &[user_id.into(), id.into()])
}

/// Somebody who has a role.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The user.
    pub user_id: String,
    /// E-mail address, if any.
    pub email: Option<String>,
    /// The profile's members.
    pub profile: serde_json::Map<String, serde_json::Value>,
    /// When the role was given.
    pub assigned_at: Millis,
}

/// A page of those who have a role, in the order of assignment.
pub fn users(tx: &mut Tx<'_>, id: &str, limit: i64, offset: i64) -> Result<Vec<Holder>, DbError> {
    let rows = tx.query(
        "SELECT users.user_id, users.email, users.profile, user_roles.assigned_at FROM user_roles \
         JOIN users ON users.user_id = user_roles.user_id WHERE user_roles.role_id = ?1 \
         ORDER BY user_roles.assigned_at, user_roles.user_id LIMIT ?2 OFFSET ?3",
        &[id.into(), limit.into(), offset.into()],
    )?;
    rows.iter().map(holder).collect()
}

/// Up to `limit` of those who have a role, after the one who got it at this time.
pub fn users_after(
    tx: &mut Tx<'_>,
    id: &str,
    (assigned_at, user_id): (Millis, &str),
    limit: i64,
) -> Result<Vec<Holder>, DbError> {
    let rows = tx.query(
        "SELECT users.user_id, users.email, users.profile, user_roles.assigned_at FROM user_roles \
         JOIN users ON users.user_id = user_roles.user_id WHERE user_roles.role_id = ?1 \
         AND (user_roles.assigned_at, user_roles.user_id) > (?2, ?3) \
         ORDER BY user_roles.assigned_at, user_roles.user_id LIMIT ?4",
        &[id.into(), assigned_at.into(), user_id.into(), limit.into()],
    )?;
    rows.iter().map(holder).collect()
}

/// How many have a role.
pub fn count_users(tx: &mut Tx<'_>, id: &str) -> Result<i64, DbError> {
    let row = tx.query_one(
        "SELECT count(*) FROM user_roles JOIN users ON users.user_id = user_roles.user_id \
         WHERE user_roles.role_id = ?1",
        &[id.into()],
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

fn read(row: &Row) -> Result<Role, DbError> {
    Ok(Role { id: row.text(0)?, name: row.text(1)?, description: row.opt_text(2)?, created_at: row.int(3)? })
}

fn holder(row: &Row) -> Result<Holder, DbError> {
    Ok(Holder { user_id: row.text(0)?, email: row.opt_text(1)?, profile: row.json(2)?, assigned_at: row.int(3)? })
}
