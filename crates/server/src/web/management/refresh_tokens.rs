//! `/refresh-tokens` and `/users/{id}/refresh-tokens` (`docs/COMPATIBILITY.md` C1076-C1080).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::refresh_token::{self, RefreshToken, Revocation};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{refresh_tokens, users};
use serde_json::Value;

use super::paging::{Cut, Fields, Page, key};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::{Call, Reply};

/// `GET /refresh-tokens`: those of one user, and of one client if one is named.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let named = |name: &str| call.query(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let user_id = named("user_id").ok_or_else(|| Invalid::query("Missing required property: user_id", "", ""))?;
    let (page, fields) = (Page::checkpoint(call)?, Fields::of(call)?);
    let (after, limit) = page.after()?;
    let (client_id, now) = (named("client_id"), app.clock.now());
    let found = app
        .db
        .read("refresh_tokens.list", move |tx| {
            refresh_tokens::list_of_user(tx, &user_id, client_id.as_deref(), &after, limit, now)
        })
        .await?;
    let cut = Cut::of(found, limit, |token| key(token.created_at, &token.id));
    Ok(page.reply("refresh_tokens", cut.map(|token| fields.apply(&token.view(), &[]).into())))
}

/// `GET /users/{id}/refresh-tokens`.
pub async fn of_user(app: Arc<App>, request: Request) -> Outcome {
    let (user_id, page) = (request.call.param("id").to_owned(), Page::checkpoint(&request.call)?);
    let (after, limit) = page.after()?;
    let now = app.clock.now();
    let found = app
        .db
        .read("refresh_tokens.of_user", move |tx| {
            if users::get(tx, &user_id)?.is_none() {
                return Ok(None);
            }
            refresh_tokens::list_of_user(tx, &user_id, None, &after, limit, now).map(Some)
        })
        .await?;
    let cut = Cut::of(found.ok_or(ApiError::NoUser)?, limit, |token| key(token.created_at, &token.id));
    Ok(page.reply("tokens", cut.map(|token| token.view().into())))
}

/// `DELETE /users/{id}/refresh-tokens`.
pub async fn remove_of_user(app: Arc<App>, request: Request) -> Outcome {
    let user_id = request.call.param("id").to_owned();
    request
        .change(&app, "refresh_tokens.remove_of_user", move |tx| {
            users::get(tx, &user_id)?.ok_or(ApiError::NoUser)?;
            refresh_tokens::delete_of_user(tx, &user_id)?;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
        .await
}

/// `GET /refresh-tokens/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    answer(find(&app, &request.call).await?)
}

/// `PATCH /refresh-tokens/{id}`: the metadata, which is replaced whole.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let Some(metadata) = refresh_token::patch(&request.json()?)? else {
        return answer(find(&app, &request.call).await?);
    };
    let (id, now) = (request.call.param("id").to_owned(), app.clock.now());
    request
        .change(&app, "refresh_tokens.update", move |tx| answer(refresh_tokens::put_metadata(tx, &id, &metadata, now)?))
        .await
}

/// `DELETE /refresh-tokens/{id}`.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let (id, now) = (request.call.param("id").to_owned(), app.clock.now());
    request
        .change(&app, "refresh_tokens.remove", move |tx| {
            refresh_tokens::get(tx, &id, now)?.ok_or(ApiError::NoRefreshToken)?;
            refresh_tokens::delete(tx, &id)?;
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
        .await
}

/// `POST /refresh-tokens/revoke`: many at once. What is not there is as good as revoked.
pub async fn revoke(app: Arc<App>, request: Request) -> Outcome {
    let which = Revocation::read(&request.json()?)?;
    let userinfo = app.config.http.userinfo_audience();
    request
        .change(&app, "refresh_tokens.revoke", move |tx| {
            match which {
                Revocation::Ids(ids) => {
                    for id in ids {
                        refresh_tokens::delete(tx, &id)?;
                    }
                }
                Revocation::User(user) => refresh_tokens::delete_of_user(tx, &user)?,
                Revocation::Client(client) => refresh_tokens::delete_of_client(tx, &client)?,
                Revocation::UserAndClient(user, client) => {
                    refresh_tokens::delete_of_user_and_client(tx, &user, &client)?;
                }
                Revocation::Grant(user, client, audience) => {
                    let audience = if audience == userinfo { "" } else { &audience };
                    refresh_tokens::delete_of_grant(tx, &user, &client, audience)?;
                }
            }
            Ok(Reply::empty(StatusCode::ACCEPTED))
        })
        .await
}

async fn find(app: &App, call: &Call) -> Result<Option<RefreshToken>, ApiError> {
    let (id, now) = (call.param("id").to_owned(), app.clock.now());
    Ok(app.db.read("refresh_tokens.show", move |tx| refresh_tokens::get(tx, &id, now)).await?)
}

fn answer(token: Option<RefreshToken>) -> Outcome {
    Ok(Reply::json(StatusCode::OK, &Value::Object(token.ok_or(ApiError::NoRefreshToken)?.view())))
}
