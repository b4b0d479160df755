//! Roles and who has them (<https://auth0.com/docs/api/management/v2/roles>; `docs/COMPATIBILITY.md` C1190-C1199).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::hash;
use ringpass_core::model::role::{Member, Permission, Role, ids_of};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::roles::Holder;
use ringpass_core::storage::{DbError, Tx, roles, users};
use serde_json::{Value, json};

use super::paging::{Cut, Page, key};
use super::{ApiError, Outcome, Request, permissions};
use crate::app::App;
use crate::web::Reply;

/// `GET /roles`: `name_filter` finds a part of the name, in any case.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let page = Page::offset(&request.call)?;
    let wanted = request.call.query("name_filter").unwrap_or_default().to_lowercase();
    // Roles of organizations do not exist here.
    let of_tenant = request.call.query("type").is_none_or(|kind| kind.is_empty() || kind == "tenant")
        && request.call.query("owner_id").is_none_or(str::is_empty);
    let mut all = app.db.read("roles.list", roles::list).await?;
    all.retain(|role| of_tenant && role.name.to_lowercase().contains(&wanted));
    let cut = page.cut(all, |role: &Role| key(role.created_at, &role.id));
    Ok(page.reply("roles", cut.map(|role| role.view().into())))
}

/// `POST /roles`, which answers 200.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let role = Role::create(&request.json()?, &app.rng, app.clock.now())?;
    let work = move |tx: &mut Tx<'_>| {
        if !roles::insert(tx, &role)? {
            return Err(ApiError::RoleConflict);
        }
        Ok(Reply::json(StatusCode::OK, &role.view()))
    };
    request.change(&app, "roles.create", work).await
}

/// `GET /roles/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let role = app.db.read("roles.show", move |tx| roles::get(tx, &id)).await?;
    Ok(Reply::json(StatusCode::OK, &role.ok_or(ApiError::NoRole)?.view()))
}

/// `PATCH /roles/{id}`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let (id, patch) = (request.call.param("id").to_owned(), request.json()?);
    let work = move |tx: &mut Tx<'_>| {
        let mut role = roles::get_for_update(tx, &id)?.ok_or(ApiError::NoRole)?;
        role.apply(&patch)?;
        if !roles::put(tx, &role)? {
            return Err(ApiError::RoleConflict);
        }
        Ok(Reply::json(StatusCode::OK, &role.view()))
    };
    request.change(&app, "roles.update", work).await
}

/// `DELETE /roles/{id}`, which answers 200 `{}`; whoever has it loses it.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let work = move |tx: &mut Tx<'_>| {
        if !roles::delete(tx, &id)? {
            return Err(ApiError::NoRole);
        }
        Ok(Reply::json(StatusCode::OK, &json!({})))
    };
    request.change(&app, "roles.remove", work).await
}

/// `GET /roles/{id}/permissions`.
pub async fn list_permissions(app: Arc<App>, request: Request) -> Outcome {
    let (page, id) = (Page::offset(&request.call)?, request.call.param("id").to_owned());
    let read = move |tx: &mut Tx<'_>| match roles::get(tx, &id)? {
        None => Ok(None),
        Some(_) => roles::permissions(tx, &id).map(Some),
    };
    let all = app.db.read("roles.permissions", read).await?.ok_or(ApiError::NoRole)?;
    let snapshot = app.snapshot();
    let cut = page.cut(all, |_| String::new());
    Ok(page.reply("permissions", cut.map(|permission| permissions::described(&snapshot, &permission).into())))
}

/// `POST /roles/{id}/permissions`, which answers 201 `{}`: all of them, or none.
pub async fn add_permissions(app: Arc<App>, request: Request) -> Outcome {
    let (id, wanted) = (request.call.param("id").to_owned(), Permission::list(&request.json()?)?);
    let audience = app.config.http.management_audience();
    let work = move |tx: &mut Tx<'_>| {
        roles::get_for_update(tx, &id)?.ok_or(ApiError::NoRole)?;
        permissions::known(tx, &audience, &wanted)?;
        for permission in &wanted {
            roles::permit(tx, &id, permission)?;
        }
        Ok(Reply::json(StatusCode::CREATED, &json!({})))
    };
    request.change(&app, "roles.add_permissions", work).await
}

/// `DELETE /roles/{id}/permissions`.
pub async fn remove_permissions(app: Arc<App>, request: Request) -> Outcome {
    let (id, gone) = (request.call.param("id").to_owned(), Permission::list(&request.json()?)?);
    let work = move |tx: &mut Tx<'_>| {
        roles::get_for_update(tx, &id)?.ok_or(ApiError::NoRole)?;
        for permission in &gone {
            roles::forbid(tx, &id, permission)?;
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "roles.remove_permissions", work).await
}

/// `GET /roles/{id}/users`, by offset or checkpoint.
pub async fn list_users(app: Arc<App>, request: Request) -> Outcome {
    let (page, id) = (Page::of(&request.call)?, request.call.param("id").to_owned());
    let begin = Begin::of(&page)?;
    let read = move |tx: &mut Tx<'_>| match roles::get(tx, &id)? {
        None => Ok(None),
        Some(_) => begin.read(tx, &id).map(Some),
    };
    let cut = app.db.read("roles.users", read).await?.ok_or(ApiError::NoRole)?;
    Ok(page.reply("users", cut.map(|holder| held_by(&holder))))
}

/// `POST /roles/{id}/users`: all of them, or none.
pub async fn add_users(app: Arc<App>, request: Request) -> Outcome {
    let (id, mut wanted) = (request.call.param("id").to_owned(), ids_of(Member::Users, &request.json()?)?);
    // Always in this order, so that two assignments at once pass one after the other.
    wanted.sort();
    let now = app.clock.now();
    let work = move |tx: &mut Tx<'_>| {
        roles::get_for_update(tx, &id)?.ok_or(ApiError::NoRole)?;
        for user_id in &wanted {
            users::get_for_update(tx, user_id)?.ok_or(ApiError::NoUser)?;
        }
        for user_id in &wanted {
            roles::assign(tx, &id, user_id, now)?;
        }
        Ok(Reply::json(StatusCode::OK, &json!({})))
    };
    request.change(&app, "roles.add_users", work).await
}

/// `GET /users/{id}/roles`.
pub async fn of_user(app: Arc<App>, request: Request) -> Outcome {
    held(&app, &request, Page::offset(&request.call)?).await
}

/// `GET /users/{id}/effective-roles`: no group or organization adds any, so they are the user's own.
pub async fn effective(app: Arc<App>, request: Request) -> Outcome {
    held(&app, &request, Page::checkpoint(&request.call)?).await
}

async fn held(app: &App, request: &Request, page: Page) -> Outcome {
    let id = request.call.param("id").to_owned();
    let read = move |tx: &mut Tx<'_>| match users::get(tx, &id)? {
        None => Ok(None),
        Some(_) => roles::of_user(tx, &id).map(Some),
    };
    let all = app.db.read("roles.of_user", read).await?.ok_or(ApiError::NoUser)?;
    let cut = page.cut(all, |role: &Role| role.id.clone());
    Ok(page.reply("roles", cut.map(|role| role.summary().into())))
}

/// `POST /users/{id}/roles`: all of them, or none.
pub async fn assign(app: Arc<App>, request: Request) -> Outcome {
    let (id, mut wanted) = (request.call.param("id").to_owned(), ids_of(Member::Roles, &request.json()?)?);
    wanted.sort();
    let now = app.clock.now();
    let work = move |tx: &mut Tx<'_>| {
        for role in &wanted {
            roles::get_for_update(tx, role)?.ok_or(ApiError::NoRole)?;
        }
        users::get_for_update(tx, &id)?.ok_or(ApiError::NoUser)?;
        for role in &wanted {
            roles::assign(tx, role, &id, now)?;
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "roles.assign", work).await
}

/// `DELETE /users/{id}/roles`.
pub async fn unassign(app: Arc<App>, request: Request) -> Outcome {
    let (id, gone) = (request.call.param("id").to_owned(), ids_of(Member::Roles, &request.json()?)?);
    let work = move |tx: &mut Tx<'_>| {
        users::get_for_update(tx, &id)?.ok_or(ApiError::NoUser)?;
        for role in &gone {
            roles::unassign(tx, role, &id)?;
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "roles.unassign", work).await
}

fn held_by(holder: &Holder) -> Value {
    let mut view = serde_json::Map::new();
    view.insert("user_id".into(), holder.user_id.clone().into());
    if let Some(email) = &holder.email {
        view.insert("email".into(), email.clone().into());
    }
    view.extend(
        ["picture", "name"].iter().filter_map(|&name| Some((name.to_owned(), holder.profile.get(name)?.clone()))),
    );
    view.into()
}

/// Where a page of a role's users begins, in terms of the database.
enum Begin {
    Offset { start: i64, limit: i64, totals: bool },
    After { at: Option<(i64, String)>, limit: i64 },
}

impl Begin {
    fn of(page: &Page) -> Result<Self, ApiError> {
        let int = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        Ok(match page {
            Page::Offset { start, limit, totals } => {
                Self::Offset { start: int(*start), limit: int(*limit), totals: *totals }
            }
            Page::Checkpoint { after: None, limit } => Self::After { at: None, limit: int(*limit) },
            Page::Checkpoint { after: Some(after), limit } => {
                let parsed = after.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
                let at = parsed.ok_or_else(|| Invalid::query("Invalid checkpoint", "from", ""))?;
                Self::After { at: Some(at), limit: int(*limit) }
            }
        })
    }

    fn read(&self, tx: &mut Tx<'_>, id: &str) -> Result<Cut<Holder>, DbError> {
        match self {
            Self::Offset { start, limit, totals } => {
                let total = if *totals { roles::count_users(tx, id)? } else { 0 };
                let items = roles::users(tx, id, *limit, *start)?;
                Ok(Cut { items, total: usize::try_from(total).unwrap_or(0), next: None })
            }
            Self::After { at, limit } => {
                // One more than asked for tells whether there is another page.
                let mut items = match at {
                    None => roles::users(tx, id, limit + 1, 0)?,
                    Some((at, user_id)) => roles::users_after(tx, id, (*at, user_id), limit + 1)?,
                };
                let limit = usize::try_from(*limit).unwrap_or(0);
                let more = items.len() > limit;
                items.truncate(limit);
                let last = items.last().filter(|_| more);
                let next = last.map(|last| hash::base64url(key(last.assigned_at, &last.user_id).as_bytes()));
                Ok(Cut { items, total: 0, next })
            }
        }
    }
}
