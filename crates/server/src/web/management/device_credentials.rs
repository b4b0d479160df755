//! `/device-credentials`: refresh tokens as older tools know them (`docs/COMPATIBILITY.md` C1088).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::refresh_tokens::{self, Filter};

use super::paging::{Cut, Fields, Page};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /device-credentials`. Public keys of devices do not exist here, so there are none of that type.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let (page, fields) = (Page::offset(call)?, Fields::of(call)?);
    let named = |name: &str| call.query(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let rotating = match call.query("type").unwrap_or_default() {
        "" => None,
        "refresh_token" => Some(false),
        "rotating_refresh_token" => Some(true),
        "public_key" => return Ok(page.reply("device_credentials", Cut { items: vec![], total: 0, next: None })),
        other => {
            return Err(Invalid::query(&format!("No enum match for: {other}"), "type", "Type of credential").into());
        }
    };
    let filter = Filter { user_id: named("user_id"), client_id: named("client_id"), rotating };
    let (start, limit, totals) = page.window();
    let now = app.clock.now();
    let (found, total) = app
        .db
        .read("device_credentials.list", move |tx| {
            let total = if totals { refresh_tokens::count(tx, &filter, now)? } else { 0 };
            Ok((refresh_tokens::list(tx, &filter, limit, start, now)?, total))
        })
        .await?;
    let items = found.iter().map(|token| fields.apply(&token.device_view(), &[]).into()).collect();
    Ok(page.reply("device_credentials", Cut { items, total: usize::try_from(total).unwrap_or_default(), next: None }))
}

/// `DELETE /device-credentials/{id}`. A user's own token reaches that user's credentials only.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let (id, now) = (request.call.param("id").to_owned(), app.clock.now());
    let own = (!request.token.has("delete:device_credentials")).then(|| request.token.subject.clone());
    request
        .change(&app, "device_credentials.remove", move |tx| {
            let token = refresh_tokens::get(tx, &id, now)?;
            let token = token.filter(|token| own.as_ref().is_none_or(|own| *own == token.user_id));
            refresh_tokens::delete(tx, &token.ok_or(ApiError::NoDeviceCredential)?.id)?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        })
        .await
}
