//! `/email-templates` (`docs/COMPATIBILITY.md` C1425-C1429).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::email_template::{EmailTemplate, NAMES};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{Tx, email_templates};

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /email-templates/{name}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let name = name(&request)?;
    let found = app.db.read("email_templates.show", move |tx| email_templates::get(tx, &name)).await?;
    Ok(Reply::json(StatusCode::OK, found.ok_or(ApiError::NoEmailTemplate)?.view()))
}

/// `POST /email-templates`.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let template = EmailTemplate::create(&request.json()?)?;
    let work = move |tx: &mut Tx<'_>| {
        if email_templates::get(tx, template.name())?.is_some() {
            return Err(ApiError::EmailTemplateConflict);
        }
        email_templates::put(tx, &template)?;
        Ok(Reply::json(StatusCode::CREATED, template.view()))
    };
    request.configure(&app, "email_templates.create", work).await
}

/// `PATCH /email-templates/{name}`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let (patch, name) = (request.json()?, name(&request)?);
    EmailTemplate::check_patch(&patch)?;
    let work = move |tx: &mut Tx<'_>| {
        let mut template = email_templates::get(tx, &name)?.ok_or(ApiError::NoEmailTemplate)?;
        template.apply(&patch)?;
        email_templates::put(tx, &template)?;
        Ok(Reply::json(StatusCode::OK, template.view()))
    };
    request.configure(&app, "email_templates.update", work).await
}

/// `PUT /email-templates/{name}`.
pub async fn replace(app: Arc<App>, request: Request) -> Outcome {
    let (body, name) = (request.json()?, name(&request)?);
    let template = EmailTemplate::replace(&name, &body)?;
    let work = move |tx: &mut Tx<'_>| {
        if email_templates::get(tx, template.name())?.is_none() {
            return Err(ApiError::NoEmailTemplate);
        }
        email_templates::put(tx, &template)?;
        Ok(Reply::json(StatusCode::OK, template.view()))
    };
    request.configure(&app, "email_templates.replace", work).await
}

/// The name in the path, from the closed list.
fn name(request: &Request) -> Result<String, ApiError> {
    let name = request.call.param("name");
    if NAMES.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(Invalid::path(&format!("No enum match for: {name}"), "templateName", "Which mail it is for").into())
}
