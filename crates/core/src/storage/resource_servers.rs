//! Resource servers (APIs); the Management API itself is none of these rows. Signing secrets are sealed.
//!
//! Every writer runs [`super::settings::bump_version`] first; that makes get → apply → put safe.

use crate::model::resource_server::ResourceServer;

use super::db::{DbError, Row, Tx};
use super::{permissions, sealed};

/// An API by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<ResourceServer>, DbError> {
    let row =
        tx.query_one("SELECT id, signing_secret, doc, created_at FROM resource_servers WHERE id = ?1", &[id.into()])?;
    row.map(|row| read(tx, &row)).transpose()
}

/// An API by its identifier.
pub fn find_by_identifier(tx: &mut Tx<'_>, identifier: &str) -> Result<Option<ResourceServer>, DbError> {
    let row = tx.query_one(
        "SELECT id, signing_secret, doc, created_at FROM resource_servers WHERE identifier = ?1",
        &[identifier.into()],
    )?;
    row.map(|row| read(tx, &row)).transpose()
}

/// Every API, oldest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<ResourceServer>, DbError> {
    let rows =
        tx.query("SELECT id, signing_secret, doc, created_at FROM resource_servers ORDER BY created_at, id", &[])?;
    rows.iter().map(|row| read(tx, row)).collect()
}

/// Adds an API; `false` when its identifier is taken.
pub fn insert(tx: &mut Tx<'_>, api: &ResourceServer) -> Result<bool, DbError> {
    let secret = tx.seal(&api.signing_secret, &sealed::SIGNING_SECRET.of(&api.id))?;
    let row = tx.query_one(
        "INSERT INTO resource_servers (id, identifier, signing_secret, doc, created_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO NOTHING RETURNING id",
        &[
            api.id.as_str().into(),
            api.identifier().into(),
            secret.into(),
            super::json(&api.doc).into(),
            api.created_at.into(),
        ],
    )?;
    Ok(row.is_some())
}

/// Stores a changed API; `false` when it is gone. The identifier never changes.
pub fn put(tx: &mut Tx<'_>, api: &ResourceServer) -> Result<bool, DbError> {
    let secret = tx.seal(&api.signing_secret, &sealed::SIGNING_SECRET.of(&api.id))?;
    let changed = tx.execute(
        "UPDATE resource_servers SET signing_secret = ?2, doc = ?3 WHERE id = ?1",
        &[api.id.as_str().into(), secret.into(), super::json(&api.doc).into()],
    )?;
    Ok(changed == 1)
}

/// Removes an API and what clients, roles and users were granted on it; `false` when there is none.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    let row = tx.query_one("DELETE FROM resource_servers WHERE id = ?1 RETURNING identifier", &[id.into()])?;
    let Some(row) = row else { return Ok(false) };
    let identifier = row.text(0)?;
    tx.later("DELETE FROM client_grants WHERE audience = ?1", &[identifier.as_str().into()])?;
    permissions::delete_of_api(tx, &identifier)?;
    Ok(true)
}

fn read(tx: &Tx<'_>, row: &Row) -> Result<ResourceServer, DbError> {
    let id = row.text(0)?;
    Ok(ResourceServer {
        signing_secret: tx.open(&row.text(1)?, &sealed::SIGNING_SECRET.of(&id))?,
        doc: row.json(2)?,
        is_system: false,
        created_at: row.int(3)?,
        id,
    })
}
