//! `/emails/provider` (`docs/COMPATIBILITY.md` C1420-C1423).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::email_provider::EmailProvider;
use ringpass_core::providers::mailer::Mailer;
use ringpass_core::storage::{Tx, email_provider};

use super::paging::Fields;
use super::{ApiError, Outcome, Request, warning};
use crate::app::App;
use crate::web::Reply;

/// `GET /emails/provider`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let fields = Fields::of(&request.call)?;
    let provider = app.db.read("emails.show", email_provider::get).await?.ok_or(ApiError::NoEmailProvider)?;
    Ok(Reply::json(StatusCode::OK, &fields.apply(&provider.view(), &[])))
}

/// `POST /emails/provider`.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let provider = EmailProvider::create(&request.json()?)?;
    let work = move |tx: &mut Tx<'_>| {
        if email_provider::get(tx)?.is_some() {
            return Err(ApiError::EmailProviderConflict);
        }
        email_provider::put(tx, &provider)?;
        Ok(answer(StatusCode::CREATED, &provider))
    };
    request.configure(&app, "emails.create", work).await
}

/// `PATCH /emails/provider`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let patch = request.json()?;
    EmailProvider::check_patch(&patch)?;
    let work = move |tx: &mut Tx<'_>| {
        let mut provider = email_provider::get(tx)?.ok_or(ApiError::NoEmailProvider)?;
        provider.apply(&patch)?;
        email_provider::put(tx, &provider)?;
        Ok(answer(StatusCode::OK, &provider))
    };
    request.configure(&app, "emails.update", work).await
}

/// `DELETE /emails/provider`; 204 also when there is none.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let work = |tx: &mut Tx<'_>| {
        email_provider::delete(tx)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "emails.remove", work).await
}

/// The provider, and a warning where it will not deliver.
fn answer(status: StatusCode, provider: &EmailProvider) -> Reply {
    let reply = Reply::json(status, &provider.view());
    match Mailer::of(Some(provider)) {
        Mailer::NotConfigured(why) => warning::add(reply, &format!("the e-mail provider cannot send: {why}")),
        Mailer::Smtp(..) | Mailer::Absent => reply,
    }
}
