//! Public keys of clients.
//!
//! Every writer runs [`super::settings::bump_version`] first; that makes get → apply → put safe.

use crate::kit::hash;
use crate::kit::public_key::Alg;
use crate::model::client_credential::ClientCredential;

use super::db::{DbError, Row, Tx};

/// A credential of this client.
pub fn get(tx: &mut Tx<'_>, client_id: &str, id: &str) -> Result<Option<ClientCredential>, DbError> {
    let row = tx.query_one(
        "SELECT id, client_id, name, kid, alg, public_key, created_at, updated_at, expires_at FROM client_credentials \
         WHERE client_id = ?1 AND id = ?2",
        &[client_id.into(), id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// The credentials of a client, newest first.
pub fn of_client(tx: &mut Tx<'_>, client_id: &str) -> Result<Vec<ClientCredential>, DbError> {
    let rows = tx.query(
        "SELECT id, client_id, name, kid, alg, public_key, created_at, updated_at, expires_at FROM client_credentials \
         WHERE client_id = ?1 ORDER BY created_at DESC, id",
        &[client_id.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Every credential.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<ClientCredential>, DbError> {
    let rows = tx.query(
        "SELECT id, client_id, name, kid, alg, public_key, created_at, updated_at, expires_at FROM client_credentials \
         ORDER BY created_at DESC, id",
        &[],
    )?;
    rows.iter().map(read).collect()
}

/// Adds a credential.
pub fn insert(tx: &mut Tx<'_>, credential: &ClientCredential) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO client_credentials (id, client_id, name, kid, alg, public_key, created_at, updated_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            credential.id.as_str().into(),
            credential.client_id.as_str().into(),
            credential.name.as_deref().into(),
            credential.kid.as_str().into(),
            credential.alg.name().into(),
            hash::base64(&credential.public_key).into(),
            credential.created_at.into(),
            credential.updated_at.into(),
            credential.expires_at.into(),
        ],
    )
}

/// Stores a changed expiry; `false` when the credential is gone.
pub fn put(tx: &mut Tx<'_>, credential: &ClientCredential) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE client_credentials SET expires_at = ?2, updated_at = ?3 WHERE id = ?1",
        &[credential.id.as_str().into(), credential.expires_at.into(), credential.updated_at.into()],
    )?;
    Ok(changed == 1)
}

/// Removes a credential; `false` when there is none.
pub fn delete(tx: &mut Tx<'_>, client_id: &str, id: &str) -> Result<bool, DbError> {
    let gone =
        tx.execute("DELETE FROM client_credentials WHERE client_id = ?1 AND id = ?2", &[client_id.into(), id.into()])?;
    Ok(gone == 1)
}

/// Removes every credential of a client.
pub fn delete_of_client(tx: &mut Tx<'_>, client_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM client_credentials WHERE client_id = ?1", &[client_id.into()])
}

fn read(row: &Row) -> Result<ClientCredential, DbError> {
    Ok(ClientCredential {
        id: row.text(0)?,
        client_id: row.text(1)?,
        name: row.opt_text(2)?,
        kid: row.text(3)?,
        alg: Alg::parse(&row.text(4)?).ok_or(DbError::Shape(4))?,
        public_key: hash::from_any_base64(&row.text(5)?).ok_or(DbError::Shape(5))?,
        created_at: row.int(6)?,
        updated_at: row.int(7)?,
        expires_at: row.opt_int(8)?,
    })
}
