//! `/grants`: what users let clients do while they are away (`docs/COMPATIBILITY.md` C1086, C1087).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::grants::{self, Filter};
use ringpass_core::storage::refresh_tokens;

use super::paging::{Cut, Page};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /grants`.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let page = Page::offset(call)?;
    let userinfo = app.config.http.userinfo_audience();
    let named = |name: &str| call.query(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let audience = named("audience").map(|audience| if audience == userinfo { String::new() } else { audience });
    let filter = Filter { user_id: named("user_id"), client_id: named("client_id"), audience };
    let (start, limit, totals) = page.window();
    let (found, total) = app
        .db
        .read("grants.list", move |tx| {
            let total = if totals { grants::count(tx, &filter)? } else { 0 };
            Ok((grants::list(tx, &filter, limit, start)?, total))
        })
        .await?;
    let items = found.iter().map(|grant| grant.view(&userinfo).into()).collect();
    Ok(page.reply("grants", Cut { items, total: usize::try_from(total).unwrap_or_default(), next: None }))
}

/// `DELETE /grants`: everything that a user granted, with the refresh tokens it gave.
pub async fn remove_of_user(app: Arc<App>, request: Request) -> Outcome {
    let user_id = request.call.query("user_id").filter(|id| !id.is_empty());
    let user_id = user_id.ok_or_else(|| Invalid::query("Missing required property: user_id", "", ""))?.to_owned();
    request
        .change(&app, "grants.remove_of_user", move |tx| {
            refresh_tokens::delete_of_user(tx, &user_id)?;
            grants::delete_of_user(tx, &user_id)?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        })
        .await
}

/// `DELETE /grants/{id}`: one grant, with the refresh tokens it gave.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    request
        .change(&app, "grants.remove", move |tx| {
            let grant = grants::get(tx, &id)?.ok_or(ApiError::NoGrant)?;
            grants::delete(tx, &grant.user_id, &grant.client_id, &grant.audience)?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        })
        .await
}
