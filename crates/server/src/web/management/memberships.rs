//! What users of Auth0 may belong to and users of this server do not: organizations, groups, connected accounts, risk
//! assessments. Tools read these lists of every user, so they answer (`docs/COMPATIBILITY.md` C1199).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::storage::users;

use super::paging::{Cut, Page};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /users/{id}/organizations`.
pub async fn organizations(app: Arc<App>, request: Request) -> Outcome {
    none(&app, &request, Page::of(&request.call)?, "organizations").await
}

/// `GET /users/{id}/groups`.
pub async fn groups(app: Arc<App>, request: Request) -> Outcome {
    none(&app, &request, Page::checkpoint(&request.call)?, "groups").await
}

/// `GET /users/{id}/connected-accounts`.
pub async fn connected_accounts(app: Arc<App>, request: Request) -> Outcome {
    none(&app, &request, Page::checkpoint(&request.call)?, "connected_accounts").await
}

/// `POST /users/{id}/risk-assessments/clear`: nothing was assessed, so nothing is left to clear.
pub async fn clear_risk(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
        users::get(tx, &id)?.ok_or(ApiError::NoUser)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "memberships.clear_risk", work).await
}

async fn none(app: &App, request: &Request, page: Page, name: &str) -> Outcome {
    let id = request.call.param("id").to_owned();
    app.db.read("memberships", move |tx| users::get(tx, &id)).await?.ok_or(ApiError::NoUser)?;
    Ok(page.reply(name, Cut { items: Vec::new(), total: 0, next: None }))
}
