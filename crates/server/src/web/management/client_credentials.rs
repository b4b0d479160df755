//! `/clients/{id}/credentials` (`docs/COMPATIBILITY.md` C1101-C1112).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::clock::Millis;
use ringpass_core::model::client::Client;
use ringpass_core::model::client_credential::{ClientCredential, MAX_ACTIVE};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{Tx, client_credentials, clients};
use serde_json::{Map, Value};

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /clients/{id}/credentials`: a bare array, newest first, whatever the query says.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let (client_id, _) = ids(&request);
    let look = move |tx: &mut Tx<'_>| {
        let client = clients::get(tx, &client_id)?;
        Ok((client, client_credentials::of_client(tx, &client_id)?))
    };
    let (client, all) = app.db.read("client_credentials.list", look).await?;
    client.ok_or(ApiError::NoClient)?;
    let shown: Vec<Map<String, Value>> = all.iter().map(ClientCredential::view).collect();
    Ok(Reply::json(StatusCode::OK, &shown))
}

/// `POST /clients/{id}/credentials`. The credential proves nothing before it is attached to the client.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let ((client_id, _), now) = (ids(&request), app.clock.now());
    let credential = ClientCredential::create(&client_id, &request.json()?, &app.rng, now)?;
    let work = move |tx: &mut Tx<'_>| {
        client(tx, &client_id)?;
        check_active(tx, &credential, now)?;
        client_credentials::insert(tx, &credential)?;
        Ok(Reply::json(StatusCode::CREATED, &credential.view()))
    };
    request.configure(&app, "client_credentials.create", work).await
}

/// `GET /clients/{id}/credentials/{credential_id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let (client_id, id) = ids(&request);
    let look = move |tx: &mut Tx<'_>| {
        let client = clients::get(tx, &client_id)?;
        Ok((client, client_credentials::get(tx, &client_id, &id)?))
    };
    let (client, credential) = app.db.read("client_credentials.show", look).await?;
    client.ok_or(ApiError::NoClient)?;
    Ok(Reply::json(StatusCode::OK, &credential.ok_or(ApiError::NoCredential)?.view()))
}

/// `PATCH /clients/{id}/credentials/{credential_id}`: only its expiry.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let ((client_id, id), body, now) = (ids(&request), request.json()?, app.clock.now());
    let patch = ClientCredential::patch(&body)?.clone();
    let work = move |tx: &mut Tx<'_>| {
        client(tx, &client_id)?;
        let mut credential = client_credentials::get(tx, &client_id, &id)?.ok_or(ApiError::NoCredential)?;
        credential.apply(&patch, now);
        check_active(tx, &credential, now)?;
        client_credentials::put(tx, &credential)?;
        Ok(Reply::json(StatusCode::OK, &credential.view()))
    };
    request.configure(&app, "client_credentials.update", work).await
}

/// `DELETE /clients/{id}/credentials/{credential_id}`: not while it is attached; also good when there is none.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let (client_id, id) = ids(&request);
    let work = move |tx: &mut Tx<'_>| {
        if clients::get(tx, &client_id)?.is_some_and(|client| client.credential_ids().contains(&id.as_str())) {
            return Err(ApiError::CredentialAttached);
        }
        client_credentials::delete(tx, &client_id, &id)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "client_credentials.remove", work).await
}

/// Whether every credential that a client names is one of its own.
pub fn check_attached(tx: &mut Tx<'_>, client: &Client) -> Result<(), ApiError> {
    let named = client.credential_ids();
    if named.is_empty() {
        return Ok(());
    }
    let own = client_credentials::of_client(tx, &client.id)?;
    match named.iter().position(|id| own.iter().all(|credential| credential.id != *id)) {
        None => Ok(()),
        Some(index) => {
            let path = format!("client_authentication_methods.private_key_jwt.credentials[{index}].id");
            Err(Invalid::payload("The client has no such credential", &path, "").into())
        }
    }
}

/// Whether the client has room for this credential beside its others.
fn check_active(tx: &mut Tx<'_>, credential: &ClientCredential, now: Millis) -> Result<(), ApiError> {
    let all = client_credentials::of_client(tx, &credential.client_id)?;
    let others = all.iter().filter(|other| other.id != credential.id && other.is_active(now)).count();
    if credential.is_active(now) && others >= MAX_ACTIVE {
        let sentence =
            format!("A client can have {MAX_ACTIVE} active public keys: delete one, or let it expire, first");
        return Err(Invalid::body(sentence).into());
    }
    Ok(())
}

/// The client of the path; the global client signs nobody in and has none.
fn client(tx: &mut Tx<'_>, id: &str) -> Result<Client, ApiError> {
    clients::get(tx, id)?.filter(|client| !client.is_global).ok_or(ApiError::NoClient)
}

fn ids(request: &Request) -> (String, String) {
    (request.call.param("id").to_owned(), request.call.param("credential_id").to_owned())
}
