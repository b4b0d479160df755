//! `/connections` (`docs/COMPATIBILITY.md` C651-C689).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::clock::rfc3339;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::schema::{self, Field, Invalid, Kind, List, Object, field};
use ringpass_core::storage::connection_removals::{self, Removal};
use ringpass_core::storage::{Tx, clients, connections, users};
use serde_json::{Map, Value, json};

use super::paging::{Fields, Page, key};
use super::{ApiError, Outcome, Request, checked_id, warning};
use crate::app::App;
use crate::flows::remove_connection;
use crate::web::{Call, Reply};

/// `GET /connections`.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let (page, fields) = (Page::of(&request.call)?, Fields::of(&request.call)?);
    let all = app.db.read("connections.list", connections::list).await?;
    Ok(answer(&request.call, &page, &fields, all))
}

/// `POST /connections`.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let connection = Connection::create(&request.json()?, &app.rng, app.clock.now())?;
    let node = Arc::clone(&app);
    let work = move |tx: &mut Tx<'_>| {
        for (index, client_id) in connection.enabled_clients.iter().enumerate() {
            known_client(tx, client_id, &format!("enabled_clients[{index}]"))?;
        }
        if connection_removals::holds(tx, &connection.name)? {
            return Err(ApiError::ConnectionGoing);
        }
        if !connections::insert(tx, &connection)? {
            return Err(ApiError::ConnectionConflict);
        }
        Ok(warning::of_segments(&node, &connection, Reply::json(StatusCode::CREATED, &connection.view())))
    };
    request.configure(&app, "connections.create", work).await
}

/// `GET /connections/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let fields = Fields::of(&request.call)?;
    let connection = find(&app, &request).await?;
    Ok(Reply::json(StatusCode::OK, &shown(&fields, &connection)))
}

/// `PATCH /connections/{id}`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let (id, patch, node) = (id(&request)?, request.json()?, Arc::clone(&app));
    let work = move |tx: &mut Tx<'_>| {
        let mut connection = connections::get(tx, &id)?.ok_or(ApiError::NoConnection)?;
        let before = connection.enabled_clients.clone();
        connection.apply(&patch)?;
        for (index, client_id) in connection.enabled_clients.iter().enumerate().filter(|(_, id)| !before.contains(id)) {
            known_client(tx, client_id, &format!("enabled_clients[{index}]"))?;
        }
        connections::put(tx, &connection)?;
        Ok(warning::of_segments(&node, &connection, Reply::json(StatusCode::OK, &connection.view())))
    };
    request.configure(&app, "connections.update", work).await
}

/// `DELETE /connections/{id}`: its users go too, at once if they are not many, else while the worker has time.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let (id, now) = (id(&request)?, app.clock.now());
    let removal = Removal { connection_id: id.clone(), claimed_until: now + remove_connection::LEASE };
    let until = removal.claimed_until;
    let work = move |tx: &mut Tx<'_>| {
        if !connection_removals::begin(tx, &id, now, until)? {
            return Err(ApiError::NoConnection);
        }
        Ok(Reply::json(StatusCode::ACCEPTED, &json!({"deleted_at": rfc3339(now)})))
    };
    let reply = request.configure(&app, "connections.remove", work).await?;
    if let Err(error) = remove_connection::advance(&app, removal).await {
        tracing::warn!(%error, "the users of a deleted connection could not be removed; the worker tries again");
    }
    Ok(reply)
}

/// `GET /connections/{id}/clients`: the enabled clients, in the order of enabling.
pub async fn list_clients(app: Arc<App>, request: Request) -> Outcome {
    let page = Page::checkpoint(&request.call)?;
    let enabled = find(&app, &request).await?.enabled_clients;
    if let Page::Checkpoint { after: Some(after), .. } = &page
        && !enabled.contains(after)
    {
        return Err(Invalid::query("Invalid checkpoint", "from", "").into());
    }
    let cut = page.cut(enabled, Clone::clone).map(|client_id| json!({"client_id": client_id}));
    Ok(page.reply("clients", cut))
}

/// `PATCH /connections/{id}/clients`: enables and disables the named clients only, all or none.
pub async fn update_clients(app: Arc<App>, request: Request) -> Outcome {
    let (id, changes, now) = (id(&request)?, changes(&request.json()?)?, app.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        connections::get(tx, &id)?.ok_or(ApiError::NoConnection)?;
        for (index, (client_id, _)) in changes.iter().enumerate() {
            known_client(tx, client_id, &format!("[{index}].client_id"))?;
        }
        for (client_id, enabled) in &changes {
            connections::set_client(tx, &id, client_id, *enabled, now)?;
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "connections.update_clients", work).await
}

/// `GET /connections/{id}/status`: every connection we have is online.
pub async fn status(app: Arc<App>, request: Request) -> Outcome {
    find(&app, &request).await?;
    Ok(Reply::empty(StatusCode::OK))
}

/// `DELETE /connections/{id}/users?email=`.
pub async fn remove_user(app: Arc<App>, request: Request) -> Outcome {
    let id = id(&request)?;
    let email = request.call.query("email").unwrap_or_default().to_owned();
    if email.is_empty() {
        return Err(Invalid::query("Missing required property: email", "", "").into());
    }
    let work = move |tx: &mut Tx<'_>| {
        let connection = connections::get(tx, &id)?.ok_or(ApiError::NoConnection)?;
        users::delete_by_email(tx, &connection.name, &email)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "connections.remove_user", work).await
}

/// `GET /clients/{id}/connections`: the connections enabled for a client.
pub async fn of_client(app: Arc<App>, request: Request) -> Outcome {
    let (page, fields) = (Page::checkpoint(&request.call)?, Fields::of(&request.call)?);
    let client_id = request.call.param("id").to_owned();
    let read = move |tx: &mut Tx<'_>| {
        if clients::get(tx, &client_id)?.is_none() {
            return Ok(None);
        }
        let all = connections::list(tx)?;
        Ok(Some(all.into_iter().filter(|connection| connection.is_enabled_for(&client_id)).collect()))
    };
    let enabled = app.db.read("connections.of_client", read).await?.ok_or(ApiError::NoClient)?;
    Ok(answer(&request.call, &page, &fields, enabled))
}

/// Refuses a client that is not there, and the global one, which is no application (C683).
fn known_client(tx: &mut Tx<'_>, client_id: &str, path: &str) -> Result<(), ApiError> {
    match clients::get(tx, client_id)? {
        Some(client) if !client.is_global => Ok(()),
        _ => Err(Invalid::payload(&format!("The client does not exist: {client_id}"), path, "").into()),
    }
}

const ITEM: Object = Object { fields: &[CHANGE], required: &["client_id", "status"], open: false };
const CHANGE: &[Field] = &[
    field("client_id", Kind::Text(1, usize::MAX), "The client to enable or disable"),
    field("status", Kind::Bool, "Whether the connection is enabled for the client"),
];
const CHANGES: List = List { items: Kind::Object(&ITEM), min: 1, max: 50, unique: false };
/// An array at the root: a property without a name.
const ROOT: Object = Object { fields: &[&[field("", Kind::List(&CHANGES), "")]], required: &[""], open: false };

/// Client ids, and whether each is to be enabled.
fn changes(body: &Value) -> Result<Vec<(String, bool)>, ApiError> {
    let root = json!({"": body});
    let items = schema::check(&ROOT, &root)?.get("").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let change = |item: &Value| Some((item.get("client_id")?.as_str()?.to_owned(), item.get("status")?.as_bool()?));
    Ok(items.iter().filter_map(change).collect())
}

/// Filters, cuts and shows a list of connections.
fn answer(call: &Call, page: &Page, fields: &Fields, all: Vec<Connection>) -> Reply {
    let strategies: Vec<&str> =
        call.query.iter().filter(|(name, _)| name == "strategy").flat_map(|(_, value)| value.split(',')).collect();
    let name = call.query("name");
    let wanted = all
        .into_iter()
        .filter(|it| strategies.is_empty() || strategies.contains(&it.strategy.name()))
        .filter(|it| name.is_none_or(|name| name == it.name))
        .collect();
    let cut = page.cut(wanted, |connection: &Connection| key(connection.created_at, &connection.id));
    page.reply("connections", cut.map(|connection| shown(fields, &connection).into()))
}

/// `fields` never hides what identifies a connection and what is computed (C636).
fn shown(fields: &Fields, connection: &Connection) -> Map<String, Value> {
    fields.apply(&connection.view(), &["id", "is_domain_connection", "authentication", "connected_accounts"])
}

fn id(request: &Request) -> Result<String, ApiError> {
    let about = "The id of the connection";
    checked_id(request.call.param("id"), "con_", 16, "connection-id", about).map(str::to_owned)
}

async fn find(app: &App, request: &Request) -> Result<Connection, ApiError> {
    let id = id(request)?;
    let found = app.db.read("connections.show", move |tx| connections::get(tx, &id)).await?;
    found.ok_or(ApiError::NoConnection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_enabled_clients_are_checked_item_by_item() {
        let good = changes(&json!([{"client_id": "a", "status": true}, {"client_id": "b", "status": false}])).unwrap();
        assert_eq!(good, [("a".to_owned(), true), ("b".to_owned(), false)]);
        let many: Value = (0..51).map(|_| json!({"client_id": "a", "status": true})).collect();
        for (body, text) in [
            (json!({}), "Payload validation error: 'Expected type array but found type object'."),
            (json!([]), "Payload validation error: 'Array is too short (0), minimum 1'."),
            (many, "Payload validation error: 'Array is too long (51), maximum 50'."),
            (json!([{}]), "Payload validation error: 'Missing required property: client_id' on property [0]."),
            (
                json!([{"client_id": "a", "status": "yes"}]),
                "Payload validation error: 'Expected type boolean but found type string' on property [0].status (Whether the connection is enabled for the client).",
            ),
        ] {
            assert_eq!(changes(&body).unwrap_err().message(), text);
        }
    }
}
