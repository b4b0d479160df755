//! Clients. Secrets are sealed.
//!
//! Every writer runs [`super::settings::bump_version`] first; that makes get → apply → put safe.

use crate::model::client::Client;

use super::db::{DbError, Row, Tx};
use super::{client_credentials, grants, refresh_tokens, sealed};

/// A client by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Client>, DbError> {
    let row = tx.query_one("SELECT id, secret, is_global, doc, created_at FROM clients WHERE id = ?1", &[id.into()])?;
    row.map(|row| read(tx, &row)).transpose()
}

/// Every client, oldest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Client>, DbError> {
    let rows = tx.query("SELECT id, secret, is_global, doc, created_at FROM clients ORDER BY created_at, id", &[])?;
    rows.iter().map(|row| read(tx, row)).collect()
}

/// Adds a client; `false` when its id is taken.
pub fn insert(tx: &mut Tx<'_>, client: &Client) -> Result<bool, DbError> {
    let secret = tx.seal(&client.secret, &sealed::CLIENT_SECRET.of(&client.id))?;
    let row = tx.query_one(
        "INSERT INTO clients (id, secret, is_global, doc, created_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO NOTHING RETURNING id",
        &[
            client.id.as_str().into(),
            secret.into(),
            client.is_global.into(),
            super::json(&client.doc).into(),
            client.created_at.into(),
        ],
    )?;
    Ok(row.is_some())
}

/// Stores a changed client; `false` when it is gone.
pub fn put(tx: &mut Tx<'_>, client: &Client) -> Result<bool, DbError> {
    let secret = tx.seal(&client.secret, &sealed::CLIENT_SECRET.of(&client.id))?;
    let changed = tx.execute(
        "UPDATE clients SET secret = ?2, doc = ?3 WHERE id = ?1",
        &[client.id.as_str().into(), secret.into(), super::json(&client.doc).into()],
    )?;
    Ok(changed == 1)
}

/// Removes a client with its grants and those of users to it, its credentials, its links to connections and its refresh tokens (C709); `false` when
/// there is none.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    tx.later("DELETE FROM client_grants WHERE client_id = ?1", &[id.into()])?;
    tx.later("DELETE FROM connection_clients WHERE client_id = ?1", &[id.into()])?;
    client_credentials::delete_of_client(tx, id)?;
    refresh_tokens::delete_of_client(tx, id)?;
    grants::delete_of_client(tx, id)?;
    Ok(tx.execute("DELETE FROM clients WHERE id = ?1", &[id.into()])? == 1)
}

fn read(tx: &Tx<'_>, row: &Row) -> Result<Client, DbError> {
    let id = row.text(0)?;
    Ok(Client {
        secret: tx.open(&row.text(1)?, &sealed::CLIENT_SECRET.of(&id))?,
        is_global: row.flag(2)?,
        doc: row.json(3)?,
        created_at: row.int(4)?,
        id,
    })
}
