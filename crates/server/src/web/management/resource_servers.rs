//! `/resource-servers` (`docs/COMPATIBILITY.md` C603, C731-C737).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{DbError, Tx, permissions, resource_servers};

use super::paging::{Fields, Page, key};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /resource-servers`: the Management API is the first.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let (page, fields) = (Page::of(call)?, Fields::of(call)?);
    let wanted: Vec<&str> =
        call.query.iter().filter(|(name, _)| name == "identifiers").map(|(_, value)| value.as_str()).collect();
    if wanted.len() > MOST_IDENTIFIERS {
        let reason = format!("Array is too long ({}), maximum {MOST_IDENTIFIERS}", wanted.len());
        return Err(Invalid::query(&reason, "identifiers", "").into());
    }
    let mut all = vec![ResourceServer::system(&app.config.http.management_audience())];
    all.extend(app.db.read("resource_servers.list", resource_servers::list).await?);
    all.retain(|api| wanted.is_empty() || wanted.contains(&api.identifier()));
    let cut = page.cut(all, |api: &ResourceServer| key(api.created_at, &api.id));
    Ok(page.reply("resource_servers", cut.map(|api| fields.apply(&api.view(), &[]).into())))
}

/// `POST /resource-servers`.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let api = ResourceServer::create(&request.json()?, &app.rng, app.clock.now())?;
    if api.identifier() == app.config.http.management_audience() {
        return Err(ApiError::ResourceServerConflict);
    }
    let work = move |tx: &mut Tx<'_>| {
        if !resource_servers::insert(tx, &api)? {
            return Err(ApiError::ResourceServerConflict);
        }
        Ok(Reply::json(StatusCode::CREATED, &api.view()))
    };
    request.configure(&app, "resource_servers.create", work).await
}

/// `GET /resource-servers/{id}`, by id or identifier.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let fields = Fields::of(&request.call)?;
    let named = Named::by(&app, &request);
    let api = app.db.read("resource_servers.show", move |tx| named.find(tx)).await?;
    let api = api.ok_or(ApiError::NoResourceServer)?;
    Ok(Reply::json(StatusCode::OK, &fields.apply(&api.view(), &[])))
}

/// `PATCH /resource-servers/{id}`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let (named, patch) = (Named::by(&app, &request), request.json()?);
    let work = move |tx: &mut Tx<'_>| {
        let mut api = named.find(tx)?.ok_or(ApiError::NoResourceServer)?;
        let before = api.clone();
        api.apply(&patch)?;
        if !api.is_system {
            resource_servers::put(tx, &api)?;
        }
        for gone in before.scopes().iter().filter(|scope| !api.scopes().contains(scope)) {
            permissions::delete_scope(tx, api.identifier(), gone)?;
        }
        Ok(Reply::json(StatusCode::OK, &api.view()))
    };
    request.configure(&app, "resource_servers.update", work).await
}

/// `DELETE /resource-servers/{id}`: what clients were granted on it goes too.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let named = Named::by(&app, &request);
    let work = move |tx: &mut Tx<'_>| {
        let api = named.find(tx)?.ok_or(ApiError::NoResourceServer)?;
        if api.is_system {
            return Err(ApiError::Untouchable("The Management API cannot be deleted"));
        }
        resource_servers::delete(tx, &api.id)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "resource_servers.remove", work).await
}

/// An API by its identifier; the Management API is one.
pub fn find_by_identifier(
    tx: &mut Tx<'_>,
    management_audience: &str,
    identifier: &str,
) -> Result<Option<ResourceServer>, DbError> {
    if identifier == management_audience {
        return Ok(Some(ResourceServer::system(management_audience)));
    }
    resource_servers::find_by_identifier(tx, identifier)
}

/// How a path names an API: its id, its identifier, or its identifier encoded twice (C603).
struct Named {
    name: String,
    management_audience: String,
}

impl Named {
    fn by(app: &App, request: &Request) -> Self {
        Self { name: request.call.param("id").to_owned(), management_audience: app.config.http.management_audience() }
    }

    fn find(&self, tx: &mut Tx<'_>) -> Result<Option<ResourceServer>, DbError> {
        let system = ResourceServer::system(&self.management_audience);
        if self.name == system.id {
            return Ok(Some(system));
        }
        if let Some(api) = resource_servers::get(tx, &self.name)? {
            return Ok(Some(api));
        }
        if let Some(api) = find_by_identifier(tx, &self.management_audience, &self.name)? {
            return Ok(Some(api));
        }
        match decoded(&self.name) {
            Some(name) => find_by_identifier(tx, &self.management_audience, &name),
            None => Ok(None),
        }
    }
}

const MOST_IDENTIFIERS: usize = 10;

/// The name percent-decoded once more, if there is anything to decode.
fn decoded(name: &str) -> Option<String> {
    if !name.contains('%') {
        return None;
    }
    // As the name of a form field, in which these three would mean something else.
    let escaped = name.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_decoded_once_more_when_it_is_still_encoded() {
        assert_eq!(decoded("https%3A%2F%2Fa.example%2Fx").as_deref(), Some("https://a.example/x"));
        assert_eq!(decoded("a+b&c=d%2F").as_deref(), Some("a+b&c=d/"));
        assert_eq!(decoded("https://a.example/"), None);
    }
}
