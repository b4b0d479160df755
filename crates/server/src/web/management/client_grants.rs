//! `/client-grants` (`docs/COMPATIBILITY.md` C721-C726).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::client_grant::ClientGrant;
use ringpass_core::storage::{Tx, client_grants, clients};
use serde_json::Value;

use super::paging::{Page, flag, key};
use super::resource_servers::find_by_identifier;
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /client-grants`.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let page = Page::of(call)?;
    let any_organization = flag(call, "allow_any_organization")?;
    let is = |name: &str, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let mut all = app.db.read("client_grants.list", client_grants::list).await?;
    all.retain(|grant| {
        is("client_id", grant.client_id())
            && is("audience", grant.audience())
            && is("subject_type", grant.subject_type())
            && is("default_for", grant.text("default_for").unwrap_or_default())
            && any_organization.is_none_or(|wanted| wanted == allows_any_organization(grant))
    });
    let cut = page.cut(all, |grant: &ClientGrant| key(grant.created_at, &grant.id));
    Ok(page.reply("client_grants", cut.map(|grant| grant.view().into())))
}

/// `POST /client-grants`. Client and API must exist, and the API must know the scopes.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let grant = ClientGrant::create(&request.json()?, &app.rng, app.clock.now())?;
    let audience = app.config.http.management_audience();
    let work = move |tx: &mut Tx<'_>| {
        let api = find_by_identifier(tx, &audience, grant.audience())?.ok_or(ApiError::NoResourceServer)?;
        let client_id = grant.client_id();
        if !client_id.is_empty() && clients::get(tx, client_id)?.is_none_or(|client| client.is_global) {
            return Err(ApiError::NoClient);
        }
        grant.check_scope(&api)?;
        if !client_grants::insert(tx, &grant)? {
            return Err(ApiError::ClientGrantConflict);
        }
        Ok(Reply::json(StatusCode::CREATED, &grant.view()))
    };
    request.configure(&app, "client_grants.create", work).await
}

/// `GET /client-grants/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let grant = app.db.read("client_grants.show", move |tx| client_grants::get(tx, &id)).await?;
    Ok(Reply::json(StatusCode::OK, &grant.ok_or(ApiError::NoClientGrant)?.view()))
}

/// `PATCH /client-grants/{id}`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let (id, patch) = (request.call.param("id").to_owned(), request.json()?);
    let audience = app.config.http.management_audience();
    let work = move |tx: &mut Tx<'_>| {
        let mut grant = client_grants::get(tx, &id)?.ok_or(ApiError::NoClientGrant)?;
        grant.apply(&patch)?;
        if patch.get("scope").is_some() {
            let api = find_by_identifier(tx, &audience, grant.audience())?.ok_or(ApiError::NoResourceServer)?;
            grant.check_scope(&api)?;
        }
        client_grants::put(tx, &grant)?;
        Ok(Reply::json(StatusCode::OK, &grant.view()))
    };
    request.configure(&app, "client_grants.update", work).await
}

/// `DELETE /client-grants/{id}`.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let work = move |tx: &mut Tx<'_>| {
        if !client_grants::delete(tx, &id)? {
            return Err(ApiError::NoClientGrant);
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "client_grants.remove", work).await
}

fn allows_any_organization(grant: &ClientGrant) -> bool {
    grant.doc.get("allow_any_organization").and_then(Value::as_bool).unwrap_or(false)
}
