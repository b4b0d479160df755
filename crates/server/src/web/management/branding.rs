//! `/branding`: settings, theme and page template of the hosted pages
//! (<https://auth0.com/docs/api/management/v2/branding>; `docs/COMPATIBILITY.md` C1456-C1460).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::model::branding::{PageTemplate, settings as model, theme};
use ringpass_core::model::schema::{self, Invalid};
use ringpass_core::storage::{Tx, settings};
use serde_json::{Map, Value, json};

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /branding`.
pub async fn show(app: Arc<App>, _request: Request) -> Outcome {
    let branding = app.db.read("branding.show", |tx| settings::get(tx, settings::BRANDING)).await?;
    Ok(Reply::json(StatusCode::OK, &branding.unwrap_or_default()))
}

/// `PATCH /branding`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let body = request.json()?;
    let work = move |tx: &mut Tx<'_>| {
        let mut branding = settings::get(tx, settings::BRANDING)?.unwrap_or_default();
        model::apply(&mut branding, &body)?;
        settings::put(tx, settings::BRANDING, &branding)?;
        Ok(Reply::json(StatusCode::OK, &branding))
    };
    request.configure(&app, "branding.update", work).await
}

/// `GET /branding/templates/universal-login`.
pub async fn show_template(app: Arc<App>, _request: Request) -> Outcome {
    let template = app.db.read("branding.template", |tx| settings::get(tx, settings::PAGE_TEMPLATE)).await?;
    Ok(Reply::json(StatusCode::OK, &template.ok_or(ApiError::NoPageTemplate)?))
}

/// `PUT /branding/templates/universal-login`: 201 for the first one, then 204.
pub async fn put_template(app: Arc<App>, request: Request) -> Outcome {
    let body = sent_template(&request)?;
    PageTemplate::parse(&body)?;
    let work = move |tx: &mut Tx<'_>| {
        let known = settings::get(tx, settings::PAGE_TEMPLATE)?;
        let document = Map::from_iter([("body".to_owned(), body.into())]);
        settings::put(tx, settings::PAGE_TEMPLATE, &document)?;
        Ok(Reply::empty(if known.is_some() { StatusCode::NO_CONTENT } else { StatusCode::CREATED }))
    };
    request.configure(&app, "branding.put_template", work).await
}

/// `DELETE /branding/templates/universal-login`.
pub async fn remove_template(app: Arc<App>, request: Request) -> Outcome {
    let work = |tx: &mut Tx<'_>| {
        settings::delete(tx, settings::PAGE_TEMPLATE)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "branding.remove_template", work).await
}

/// The template as HTML, as a JSON text, or as the member `template`.
fn sent_template(request: &Request) -> Result<String, ApiError> {
    let content_type = request.call.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let body = if content_type.trim_start().to_ascii_lowercase().starts_with("text/html") {
        let text = std::str::from_utf8(&request.call.body).map_err(|_| ApiError::BrokenBody)?;
        Value::from(text)
    } else {
        match request.json()? {
            Value::Object(mut members) => members.shift_remove("template").unwrap_or(Value::Null),
            body => body,
        }
    };
    if schema::holds_null(&body) {
        return Err(Invalid::payload("The character U+0000 is not allowed", "", "").into());
    }
    match body {
        Value::String(template) => Ok(template),
        _ => Err(Invalid::payload("Missing required property: template", "", "").into()),
    }
}

/// `POST /branding/themes`: a tenant has one theme at most.
pub async fn create_theme(app: Arc<App>, request: Request) -> Outcome {
    let theme = theme::create(&request.json()?, &app.rng)?;
    let work = move |tx: &mut Tx<'_>| {
        if settings::get(tx, settings::THEME)?.is_some() {
            return Err(ApiError::ThemeConflict);
        }
        settings::put(tx, settings::THEME, &theme)?;
        Ok(Reply::json(StatusCode::OK, &theme))
    };
    request.configure(&app, "branding.create_theme", work).await
}

/// `GET /branding/themes/default`.
pub async fn show_default_theme(app: Arc<App>, _request: Request) -> Outcome {
    let theme = app.db.read("branding.theme", |tx| settings::get(tx, settings::THEME)).await?;
    Ok(Reply::json(StatusCode::OK, &theme.ok_or(ApiError::NoTheme)?))
}

/// `GET /branding/themes/{id}`.
pub async fn show_theme(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let theme = app.db.read("branding.theme", |tx| settings::get(tx, settings::THEME)).await?;
    Ok(Reply::json(StatusCode::OK, &theme.filter(|theme| is(theme, &id)).ok_or(ApiError::NoTheme)?))
}

/// `PATCH /branding/themes/{id}`: the whole theme, all the same.
pub async fn update_theme(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let theme = theme::replace(&request.json()?, &id)?;
    let work = move |tx: &mut Tx<'_>| {
        settings::get(tx, settings::THEME)?.filter(|theme| is(theme, &id)).ok_or(ApiError::NoTheme)?;
        settings::put(tx, settings::THEME, &theme)?;
        Ok(Reply::json(StatusCode::OK, &theme))
    };
    request.configure(&app, "branding.update_theme", work).await
}

/// `DELETE /branding/themes/{id}`.
pub async fn remove_theme(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let work = move |tx: &mut Tx<'_>| {
        settings::get(tx, settings::THEME)?.filter(|theme| is(theme, &id)).ok_or(ApiError::NoTheme)?;
        settings::delete(tx, settings::THEME)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.configure(&app, "branding.remove_theme", work).await
}

fn is(theme: &Map<String, Value>, id: &str) -> bool {
    theme.get("themeId") == Some(&json!(id))
}
