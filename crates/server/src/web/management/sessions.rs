//! `/sessions`, `/users/{id}/sessions` and `/users/{id}/revoke-access` (`docs/COMPATIBILITY.md` C1081-C1085).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::session::{self, RevokeAccess, Session};
use ringpass_core::storage::{refresh_tokens, sessions, users};
use serde_json::{Map, Value};

use super::paging::{Cut, Page, key};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::{Call, Reply};

/// `GET /users/{id}/sessions`.
pub async fn of_user(app: Arc<App>, request: Request) -> Outcome {
    let (user_id, page) = (request.call.param("id").to_owned(), Page::checkpoint(&request.call)?);
    let (after, limit) = page.after()?;
    let now = app.clock.now();
    let found = app
        .db
        .read("sessions.of_user", move |tx| {
            if users::get(tx, &user_id)?.is_none() {
                return Ok(None);
            }
            sessions::list_of_user(tx, &user_id, &after, limit, now).map(Some)
        })
        .await?;
    let cut = Cut::of(found.ok_or(ApiError::NoUser)?, limit, |session| key(session.created_at, &session.id));
    Ok(page.reply("sessions", cut.map(|session| session.view().into())))
}

/// `DELETE /users/{id}/sessions`: the refresh tokens live on.
pub async fn remove_of_user(app: Arc<App>, request: Request) -> Outcome {
    let user_id = request.call.param("id").to_owned();
    request
        .change(&app, "sessions.remove_of_user", move |tx| {
            users::get(tx, &user_id)?.ok_or(ApiError::NoUser)?;
            sessions::delete_of_user(tx, &user_id, None, Ended::SessionRevoked)?;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
        .await
}

/// `POST /users/{id}/revoke-access`: sessions, and their refresh tokens unless they are to be preserved.
pub async fn revoke_access(app: Arc<App>, request: Request) -> Outcome {
    let user_id = request.call.param("id").to_owned();
    let RevokeAccess { session_id, preserve_refresh_tokens } = RevokeAccess::read(&request.json()?)?;
    request
        .change(&app, "sessions.revoke_access", move |tx| {
            users::get(tx, &user_id)?.ok_or(ApiError::NoUser)?;
            match session_id {
                session_id if preserve_refresh_tokens => {
                    sessions::delete_of_user(tx, &user_id, session_id.as_deref(), Ended::SessionRevoked)?;
                }
                Some(session_id) => sessions::revoke_of_user(tx, &user_id, &session_id)?,
                None => {
                    sessions::delete_of_user(tx, &user_id, None, Ended::SessionRevoked)?;
                    refresh_tokens::delete_of_user(tx, &user_id)?;
                }
            }
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
        .await
}

/// `GET /sessions/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    Ok(Reply::json(StatusCode::OK, &view(find(&app, &request.call).await?)?))
}

/// `PATCH /sessions/{id}`: the metadata, which is replaced whole.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let Some(metadata) = session::patch(&request.json()?)? else { return show(app, request).await };
    let (id, now) = (request.call.param("id").to_owned(), app.clock.now());
    request
        .change(&app, "sessions.update", move |tx| {
            let mut view = view(sessions::get(tx, &id, now)?)?;
            sessions::put_metadata(tx, &id, &metadata)?;
            view.remove("session_metadata");
            if !metadata.is_empty() {
                view.insert("session_metadata".into(), metadata.into());
            }
            Ok(Reply::json(StatusCode::OK, &view))
        })
        .await
}

/// `DELETE /sessions/{id}`: the refresh tokens live on.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let (id, now) = (request.call.param("id").to_owned(), app.clock.now());
    request
        .change(&app, "sessions.remove", move |tx| {
            sessions::get(tx, &id, now)?.ok_or(ApiError::NoSession)?;
            sessions::delete(tx, &id, Ended::SessionRevoked)?;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
        .await
}

/// `POST /sessions/{id}/revoke`: the refresh tokens end too.
pub async fn revoke(app: Arc<App>, request: Request) -> Outcome {
    let (id, now) = (request.call.param("id").to_owned(), app.clock.now());
    request
        .change(&app, "sessions.revoke", move |tx| {
            sessions::get(tx, &id, now)?.ok_or(ApiError::NoSession)?;
            sessions::revoke(tx, &id)?;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
        .await
}

async fn find(app: &App, call: &Call) -> Result<Option<Session>, ApiError> {
    let (id, now) = (call.param("id").to_owned(), app.clock.now());
    Ok(app.db.read("sessions.show", move |tx| sessions::get(tx, &id, now)).await?)
}

fn view(session: Option<Session>) -> Result<Map<String, Value>, ApiError> {
    Ok(session.ok_or(ApiError::NoSession)?.view())
}
