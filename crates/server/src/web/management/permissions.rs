//! Permissions of users, and what lists of permissions show
//! (<https://auth0.com/docs/manage-users/access-control/rbac>; `docs/COMPATIBILITY.md` C1195-C1198).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::role::{Permission, source};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::permissions::Held;
use ringpass_core::storage::{Tx, permissions, users};
use serde_json::{Map, Value, json};

use super::paging::Page;
use super::resource_servers::find_by_identifier;
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::snapshot::Snapshot;
use crate::web::Reply;

/// `GET /users/{id}/permissions`: given directly and through roles, each once, with its sources.
pub async fn of_user(app: Arc<App>, request: Request) -> Outcome {
    held(&app, &request, Page::offset(&request.call)?).await
}

/// `GET /users/{id}/effective-permissions`: no group or organization adds any.
pub async fn effective(app: Arc<App>, request: Request) -> Outcome {
    held(&app, &request, Page::checkpoint(&request.call)?).await
}

async fn held(app: &App, request: &Request, page: Page) -> Outcome {
    let id = request.call.param("id").to_owned();
    let read = move |tx: &mut Tx<'_>| match users::get(tx, &id)? {
        None => Ok(None),
        Some(_) => permissions::of_user(tx, &id).map(Some),
    };
    let all = app.db.read("permissions.of_user", read).await?.ok_or(ApiError::NoUser)?;
    let mut once: Vec<(Permission, Vec<Value>)> = Vec::new();
    for Held { permission, role } in all {
        let from = source(role.as_ref().map(|(id, name)| (id.as_str(), name.as_str())));
        match once.last_mut().filter(|(known, _)| *known == permission) {
            Some((_, sources)) => sources.push(from),
            None => once.push((permission, vec![from])),
        }
    }
    let snapshot = app.snapshot();
    let cut = page.cut(once, |(permission, _)| format!("{} {}", permission.audience, permission.name));
    Ok(page.reply(
        "permissions",
        cut.map(|(permission, sources)| {
            let mut view = described(&snapshot, &permission);
            view.insert("sources".into(), sources.into());
            view.into()
        }),
    ))
}

/// `POST /users/{id}/permissions`, which answers 201 `{}`: all of them, or none.
pub async fn grant(app: Arc<App>, request: Request) -> Outcome {
    let (id, wanted) = (request.call.param("id").to_owned(), Permission::list(&request.json()?)?);
    let audience = app.config.http.management_audience();
    let work = move |tx: &mut Tx<'_>| {
        users::get_for_update(tx, &id)?.ok_or(ApiError::NoUser)?;
        known(tx, &audience, &wanted)?;
        for permission in &wanted {
            permissions::grant(tx, &id, permission)?;
        }
        Ok(Reply::json(StatusCode::CREATED, &json!({})))
    };
    request.change(&app, "permissions.grant", work).await
}

/// `DELETE /users/{id}/permissions`.
pub async fn withdraw(app: Arc<App>, request: Request) -> Outcome {
    let (id, gone) = (request.call.param("id").to_owned(), Permission::list(&request.json()?)?);
    let work = move |tx: &mut Tx<'_>| {
        users::get_for_update(tx, &id)?.ok_or(ApiError::NoUser)?;
        for permission in &gone {
            permissions::withdraw(tx, &id, permission)?;
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "permissions.withdraw", work).await
}

/// Refuses permissions for what no API knows.
pub fn known(tx: &mut Tx<'_>, management_audience: &str, wanted: &[Permission]) -> Result<(), ApiError> {
    let mut apis = Vec::new();
    for (index, permission) in wanted.iter().enumerate() {
        if !apis.iter().any(|(audience, _)| audience == &permission.audience) {
            let api = find_by_identifier(tx, management_audience, &permission.audience)?;
            apis.push((permission.audience.clone(), api));
        }
        let api = apis.iter().find(|(audience, _)| audience == &permission.audience).and_then(|(_, api)| api.as_ref());
        let refuse = |reason: String, member: &str| {
            Err(Invalid::payload(&reason, &format!("permissions[{index}].{member}"), "").into())
        };
        match api {
            None => {
                let reason = format!("The resource server does not exist: {}", permission.audience);
                return refuse(reason, "resource_server_identifier");
            }
            Some(api) if !api.scopes().contains(&permission.name.as_str()) => {
                let reason = format!("The resource server has no such scope: {}", permission.name);
                return refuse(reason, "permission_name");
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// A permission as lists show it.
pub fn described(snapshot: &Snapshot, permission: &Permission) -> Map<String, Value> {
    let api = snapshot.resource_server(&permission.audience);
    let mut view = Map::new();
    view.insert("permission_name".into(), permission.name.clone().into());
    let about = api.as_ref().and_then(|api| api.scope_description(&permission.name)).unwrap_or_default();
    view.insert("description".into(), about.into());
    view.insert("resource_server_name".into(), api.as_ref().map_or("", |api| api.name()).into());
    view.insert("resource_server_identifier".into(), permission.audience.clone().into());
    view
}
