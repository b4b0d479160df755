//! Client grants: one for each client, API and subject type.
//!
//! Every writer runs [`super::settings::bump_version`] first; that makes get → apply → put safe.

use crate::model::client_grant::ClientGrant;

use super::db::{DbError, Row, Tx};

/// A grant by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<ClientGrant>, DbError> {
    let row = tx.query_one("SELECT id, doc, created_at FROM client_grants WHERE id = ?1", &[id.into()])?;
    row.as_ref().map(read).transpose()
}

/// What a client was granted on an API for tokens of its own; grants that let it speak for users are others.
pub fn find(tx: &mut Tx<'_>, client_id: &str, audience: &str) -> Result<Option<ClientGrant>, DbError> {
    let row = tx.query_one(
        "SELECT id, doc, created_at FROM client_grants \
         WHERE client_id = ?1 AND audience = ?2 AND subject_type = 'client'",
        &[client_id.into(), audience.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Every grant, oldest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<ClientGrant>, DbError> {
    let rows = tx.query("SELECT id, doc, created_at FROM client_grants ORDER BY created_at, id", &[])?;
    rows.iter().map(read).collect()
}

/// Adds a grant; `false` when there is one for the same client, API and subject type (C724).
pub fn insert(tx: &mut Tx<'_>, grant: &ClientGrant) -> Result<bool, DbError> {
    let row = tx.query_one(
        "INSERT INTO client_grants (id, client_id, audience, subject_type, doc, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING id",
        &[
            grant.id.as_str().into(),
            grant.client_id().into(),
            grant.audience().into(),
            grant.subject_type().into(),
            super::json(&grant.doc).into(),
            grant.created_at.into(),
        ],
    )?;
    Ok(row.is_some())
}

/// Stores a changed grant; `false` when it is gone. Client, API and subject type never change.
pub fn put(tx: &mut Tx<'_>, grant: &ClientGrant) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE client_grants SET doc = ?2 WHERE id = ?1",
        &[grant.id.as_str().into(), super::json(&grant.doc).into()],
    )?;
    Ok(changed == 1)
}

/// Moves every grant on one audience to another, which the caller knows to hold none yet.
pub fn move_audience(tx: &mut Tx<'_>, from: &str, to: &str) -> Result<(), DbError> {
    for mut grant in list(tx)?.into_iter().filter(|grant| grant.audience() == from) {
        grant.doc.insert("audience".into(), to.into());
        tx.execute(
            "UPDATE client_grants SET audience = ?2, doc = ?3 WHERE id = ?1",
            &[grant.id.as_str().into(), to.into(), super::json(&grant.doc).into()],
        )?;
    }
    Ok(())
}

/// Removes a grant; `false` when there is none.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM client_grants WHERE id = ?1", &[id.into()])? == 1)
}

fn read(row: &Row) -> Result<ClientGrant, DbError> {
    Ok(ClientGrant { id: row.text(0)?, doc: row.json(1)?, created_at: row.int(2)? })
}
