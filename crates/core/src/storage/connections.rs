//! Connections, with the clients enabled for each. Options are sealed as one value, since secrets stand among them.
//!
//! Every writer runs [`super::settings::bump_version`] first; that makes get → apply → put safe.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::kit::clock::Millis;
use crate::kit::secret::Secret;
use crate::model::connection::{Connection, Options, Strategy};

use super::connection_removals;
use super::db::{DbError, Row, Tx};
use super::sealed;

/// A connection by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Connection>, DbError> {
    let row = tx.query_one(
        "SELECT id, name, strategy, options, doc, created_at FROM connections WHERE id = ?1",
        &[id.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let links = tx.query(
        "SELECT client_id FROM connection_clients WHERE connection_id = ?1 ORDER BY position, client_id",
        &[id.into()],
    )?;
    let enabled = links.iter().map(|link| link.text(0)).collect::<Result<_, _>>()?;
    read(tx, &row, enabled).map(Some)
}

/// Every connection, oldest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Connection>, DbError> {
    let mut enabled: HashMap<String, Vec<String>> = HashMap::new();
    let links =
        tx.query("SELECT connection_id, client_id FROM connection_clients ORDER BY position, client_id", &[])?;
    for link in &links {
        enabled.entry(link.text(0)?).or_default().push(link.text(1)?);
    }
    let rows =
        tx.query("SELECT id, name, strategy, options, doc, created_at FROM connections ORDER BY created_at, id", &[])?;
    rows.iter().map(|row| read(tx, row, enabled.remove(&row.text(0)?).unwrap_or_default())).collect()
}

/// Adds a connection; `false` when its name is taken, be it by one that is being deleted.
pub fn insert(tx: &mut Tx<'_>, connection: &Connection) -> Result<bool, DbError> {
    if connection_removals::holds(tx, &connection.name)? {
        return Ok(false);
    }
    let options = seal(tx, connection)?;
    let row = tx.query_one(
        "INSERT INTO connections (id, name, strategy, options, doc, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO NOTHING RETURNING id",
        &[
            connection.id.as_str().into(),
            connection.name.as_str().into(),
            connection.strategy.name().into(),
            options.into(),
            super::json(&connection.doc).into(),
            connection.created_at.into(),
        ],
    )?;
    if row.is_none() {
        return Ok(false);
    }
    // Users of the name are those who signed up elsewhere at the very moment when the last connection of the name went.
    while connection_removals::remove_users(tx, &connection.name, LEFTOVERS)? > 0 {}
    enable_all(tx, connection)?;
    Ok(true)
}

/// Stores a changed connection and its enabled clients; `false` when it is gone. Name and strategy never change.
pub fn put(tx: &mut Tx<'_>, connection: &Connection) -> Result<bool, DbError> {
    let options = seal(tx, connection)?;
    let changed = tx.execute(
        "UPDATE connections SET options = ?2, doc = ?3 WHERE id = ?1",
        &[connection.id.as_str().into(), options.into(), super::json(&connection.doc).into()],
    )?;
    if changed == 0 {
        return Ok(false);
    }
    tx.later("DELETE FROM connection_clients WHERE connection_id = ?1", &[connection.id.as_str().into()])?;
    enable_all(tx, connection)?;
    Ok(true)
}

/// Enables a client for a connection, after those that are enabled already, or disables it. A client that is enabled
/// keeps its place.
pub fn set_client(
    tx: &mut Tx<'_>,
    connection_id: &str,
    client_id: &str,
    enabled: bool,
    now: Millis,
) -> Result<(), DbError> {
    if !enabled {
        return tx.later(
            "DELETE FROM connection_clients WHERE connection_id = ?1 AND client_id = ?2",
            &[connection_id.into(), client_id.into()],
        );
    }
    // The position is the time, or one more than the last one's: several may be enabled in one millisecond.
    tx.later(
        "INSERT INTO connection_clients (connection_id, client_id, position) \
         SELECT CAST(?1 AS TEXT), CAST(?2 AS TEXT), CASE WHEN COALESCE(MAX(position), 0) >= CAST(?3 AS BIGINT) \
         THEN MAX(position) + 1 ELSE CAST(?3 AS BIGINT) END \
         FROM connection_clients WHERE connection_id = ?1 ON CONFLICT (connection_id, client_id) DO NOTHING",
        &[connection_id.into(), client_id.into(), now.into()],
    )
}

/// Enables the connection's clients in their order; none is enabled yet.
fn enable_all(tx: &mut Tx<'_>, connection: &Connection) -> Result<(), DbError> {
    for (client_id, position) in connection.enabled_clients.iter().zip(connection.created_at..) {
        tx.later(
            "INSERT INTO connection_clients (connection_id, client_id, position) VALUES (?1, ?2, ?3) \
             ON CONFLICT (connection_id, client_id) DO NOTHING",
            &[connection.id.as_str().into(), client_id.into(), position.into()],
        )?;
    }
    Ok(())
}

fn seal(tx: &Tx<'_>, connection: &Connection) -> Result<String, DbError> {
    tx.seal(&Secret::new(super::json(&connection.options.0)), &sealed::CONNECTION_OPTIONS.of(&connection.id))
}

fn read(tx: &Tx<'_>, row: &Row, enabled_clients: Vec<String>) -> Result<Connection, DbError> {
    let id = row.text(0)?;
    let options = tx.open(&row.text(3)?, &sealed::CONNECTION_OPTIONS.of(&id))?;
    let options: Map<String, Json> = serde_json::from_str(options.expose()).map_err(|_| DbError::Shape(3))?;
    Ok(Connection {
        name: row.text(1)?,
        strategy: Strategy::parse(&row.text(2)?).ok_or(DbError::Shape(2))?,
        options: Options(options),
        enabled_clients,
        doc: row.json(4)?,
        created_at: row.int(5)?,
        id,
    })
}

/// Users looked for at once where there should be none.
const LEFTOVERS: i64 = 100;
