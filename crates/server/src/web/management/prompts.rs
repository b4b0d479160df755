//! `/prompts`: settings, texts, partials and renderings of the hosted pages
//! (<https://auth0.com/docs/api/management/v2/prompts>; `docs/COMPATIBILITY.md` C1461-C1465).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::prompt as model;
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{Tx, settings};
use serde_json::{Map, Value, json};

use super::paging::Page;
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /prompts`.
pub async fn show(app: Arc<App>, _request: Request) -> Outcome {
    let prompts = app.db.read("prompts.show", |tx| settings::get(tx, settings::PROMPTS)).await?;
    Ok(Reply::json(StatusCode::OK, &prompts.unwrap_or_else(model::fresh)))
}

/// `PATCH /prompts`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let body = request.json()?;
    let work = move |tx: &mut Tx<'_>| {
        let mut prompts = settings::get(tx, settings::PROMPTS)?.unwrap_or_else(model::fresh);
        model::apply(&mut prompts, &body)?;
        settings::put(tx, settings::PROMPTS, &prompts)?;
        Ok(Reply::json(StatusCode::OK, &prompts))
    };
    request.configure(&app, "prompts.update", work).await
}

/// `GET /prompts/{prompt}/custom-text/{language}`.
pub async fn show_texts(app: Arc<App>, request: Request) -> Outcome {
    let name = texts(&request)?;
    let texts = app.db.read("prompts.show_texts", move |tx| settings::get(tx, &name)).await?;
    Ok(Reply::json(StatusCode::OK, &texts.unwrap_or_default()))
}

/// `PUT /prompts/{prompt}/custom-text/{language}`: replaces every text of the prompt in that language.
pub async fn put_texts(app: Arc<App>, request: Request) -> Outcome {
    let name = texts(&request)?;
    let texts = model::custom_text(&request.json()?)?;
    let work = move |tx: &mut Tx<'_>| {
        let length = serde_json::to_string(&texts).map_or(0, |text| text.chars().count());
        let others = settings::length(tx, settings::CUSTOM_TEXTS, &name)?;
        if others.saturating_add(i64::try_from(length).unwrap_or(i64::MAX)) > model::CUSTOM_TEXTS_LIMIT {
            return Err(Invalid::body("The texts of all prompts together are too long").into());
        }
        put(tx, &name, &texts)?;
        Ok(Reply::json(StatusCode::OK, &texts))
    };
    request.configure(&app, "prompts.put_texts", work).await
}

/// `GET /prompts/{prompt}/partials`.
pub async fn show_partials(app: Arc<App>, request: Request) -> Outcome {
    let name = partials(&request)?;
    let partials = app.db.read("prompts.show_partials", move |tx| settings::get(tx, &name)).await?;
    Ok(Reply::json(StatusCode::OK, &partials.unwrap_or_default()))
}

/// `PUT /prompts/{prompt}/partials`.
pub async fn put_partials(app: Arc<App>, request: Request) -> Outcome {
    let name = partials(&request)?;
    let partials = model::partials(&request.json()?)?;
    let work = move |tx: &mut Tx<'_>| {
        put(tx, &name, &partials)?;
        Ok(Reply::json(StatusCode::OK, &partials))
    };
    request.configure(&app, "prompts.put_partials", work).await
}

/// `GET /prompts/rendering`: the screens whose rendering was set.
pub async fn list_renderings(app: Arc<App>, request: Request) -> Outcome {
    let page = Page::offset(&request.call)?;
    let tenant = app.config.http.tenant();
    let stored = app.db.read("prompts.list_renderings", |tx| settings::list(tx, settings::RENDERINGS)).await?;
    let views = stored.into_iter().filter_map(|(name, stored)| {
        let (prompt, screen) = name.split_once('/')?;
        Some(Value::Object(model::rendering(&tenant, prompt, screen, Some(stored))))
    });
    let asked = |view: &Value| {
        let fits = |name: &&str| request.call.query(name).is_none_or(|wanted| view.get(*name) == Some(&json!(wanted)));
        ["prompt", "screen", "rendering_mode"].iter().all(fits)
    };
    let views = views.filter(asked).collect();
    Ok(page.reply("configs", page.cut(views, Value::to_string)))
}

/// `PATCH /prompts/rendering`: several screens at once, or none of them.
pub async fn update_renderings(app: Arc<App>, request: Request) -> Outcome {
    let entries = model::renderings(&request.json()?)?;
    let tenant = app.config.http.tenant();
    let work = move |tx: &mut Tx<'_>| {
        let fresh = settings::list(tx, settings::RENDERINGS)?.len() + entries.len();
        check_room(fresh)?;
        let mut views = Vec::new();
        for (prompt, screen, patch) in &entries {
            views.push(render(tx, &tenant, (prompt, screen), patch)?);
        }
        Ok(Reply::json(StatusCode::OK, &json!({"configs": views})))
    };
    request.configure(&app, "prompts.update_renderings", work).await
}

/// `GET /prompts/{prompt}/screen/{screen}/rendering`.
pub async fn show_rendering(app: Arc<App>, request: Request) -> Outcome {
    let (prompt, screen) = screen(&request)?;
    let name = rendering_name((prompt, &screen));
    let stored = app.db.read("prompts.show_rendering", move |tx| settings::get(tx, &name)).await?;
    Ok(Reply::json(StatusCode::OK, &model::rendering(&app.config.http.tenant(), prompt, &screen, stored)))
}

/// `PATCH /prompts/{prompt}/screen/{screen}/rendering`.
pub async fn update_rendering(app: Arc<App>, request: Request) -> Outcome {
    let (prompt, screen) = screen(&request)?;
    let (body, tenant) = (request.json()?, app.config.http.tenant());
    let work = move |tx: &mut Tx<'_>| {
        check_room(settings::list(tx, settings::RENDERINGS)?.len() + 1)?;
        let view = render(tx, &tenant, (prompt, &screen), &body)?;
        Ok(Reply::json(StatusCode::OK, &view))
    };
    request.configure(&app, "prompts.update_rendering", work).await
}

/// Changes how a screen is rendered.
fn render(tx: &mut Tx<'_>, tenant: &str, place: (&str, &str), patch: &Value) -> Result<Map<String, Value>, ApiError> {
    let name = rendering_name(place);
    let mut stored = settings::get(tx, &name)?.unwrap_or_default();
    model::apply_rendering(&mut stored, patch)?;
    put(tx, &name, &stored)?;
    Ok(model::rendering(tenant, place.0, place.1, Some(stored)))
}

fn check_room(screens: usize) -> Result<(), Invalid> {
    if screens <= model::RENDERINGS_LIMIT {
        return Ok(());
    }
    Err(Invalid::body(format!("The rendering of {} screens can be set at most", model::RENDERINGS_LIMIT)))
}

/// Stores a document; an empty one is none.
fn put(tx: &mut Tx<'_>, name: &str, document: &Map<String, Value>) -> Result<(), ApiError> {
    if document.is_empty() {
        settings::delete(tx, name)?;
    } else {
        settings::put(tx, name, document)?;
    }
    Ok(())
}

/// Where the texts of the path are stored.
fn texts(request: &Request) -> Result<String, Invalid> {
    let prompt = model::name(request.call.param("prompt"))?;
    let locale = model::locale(request.call.param("language"))?;
    Ok(format!("{}{prompt}/{locale}", settings::CUSTOM_TEXTS))
}

/// Where the partials of the path are stored.
fn partials(request: &Request) -> Result<String, Invalid> {
    Ok(format!("{}{}", settings::PARTIALS, model::name(request.call.param("prompt"))?))
}

/// The prompt and the screen of the path.
fn screen(request: &Request) -> Result<(&'static str, String), Invalid> {
    let prompt = model::name(request.call.param("prompt"))?;
    Ok((prompt, model::screen(request.call.param("screen"))?.to_owned()))
}

fn rendering_name((prompt, screen): (&str, &str)) -> String {
    format!("{}{prompt}/{screen}", settings::RENDERINGS)
}
