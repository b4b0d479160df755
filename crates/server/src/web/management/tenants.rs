//! The tenant's settings (<https://auth0.com/docs/api/management/v2/tenants>; `docs/COMPATIBILITY.md` C761-C767).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::storage::tenant;

use super::paging::Fields;
use super::{Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /tenants/settings`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let fields = Fields::of(&request.call)?;
    let settings = app.db.read("tenants.show", tenant::get).await?;
    Ok(Reply::json(StatusCode::OK, &fields.apply(&settings.view(true), &[])))
}

/// `PATCH /tenants/settings`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let body = request.json()?;
    request
        .configure(&app, "tenants.update", move |tx| {
            let mut settings = tenant::get(tx)?;
            settings.apply(&body)?;
            tenant::put(tx, &settings)?;
            Ok(Reply::json(StatusCode::OK, &settings.view(false)))
        })
        .await
}
