//! `/u/consent`: whether an application may have what it asks (`docs/COMPATIBILITY.md` C1350-C1352).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::model::authorization::OauthError;
use ringpass_core::model::login::Step;
use ringpass_core::model::texts::Screen;

use super::running::Running;
use super::show::{Page, to};
use super::{PageError, limits, mfa, respond};
use crate::app::App;
use crate::flows::{authorize, consent, grant};
use crate::web::{Call, Reply};

const PATH: &str = "/u/consent";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/consent.html")]
struct Widget<'a> {
    t: Screen<'a>,
    state: &'a str,
    message: String,
    scopes: Vec<String>,
}

/// `GET`.
pub(super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, PATH).await?;
    let running = Running::of_page(&app, &call).await?;
    if let Some(elsewhere) = not_here(&running) {
        return elsewhere;
    }
    let granted = consent::asked(&app, &running.stored, granted(&app, &running).await?).await?;
    let look = &running.look;
    let t = look.screen("consent", "consent");
    let scopes = granted.scope.iter().map(|name| {
        let told = t.find(&format!("scope-{name}")).map(str::to_owned);
        let described = || granted.api.as_ref().and_then(|api| api.scope_description(name)).map(str::to_owned);
        told.or_else(described).unwrap_or_else(|| name.clone())
    });
    let client = running.client.name();
    let names = [("clientName", client), ("companyName", look.company())];
    let widget = Widget {
        t,
        state: &running.stored.id,
        message: t.fill("messageSingleTenant", &names).into_owned(),
        scopes: scopes.collect(),
    };
    let title = t.fill("pageTitle", &names);
    let form_action = Some(running.request().redirect_uri.as_str());
    let page = Page { prompt: "consent", screen: "consent", title: &title, form_action };
    Ok(look.page(StatusCode::OK, &page, &widget))
}

/// `POST`.
pub(super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, PATH).await?;
    let (running, form) = Running::of_form(&app, &call).await?;
    if let Some(elsewhere) = not_here(&running) {
        return elsewhere;
    }
    if form.get("action") != "accept" {
        let refusal = OauthError::new("access_denied", "User did not authorize the request");
        consent::refuse(&app, &running.stored).await?;
        return Ok(respond::with(&running.look, &authorize::error(&app, &running.target(), &refusal)));
    }
    consent::give(&app, &running.stored, &running.client, granted(&app, &running).await?).await?;
    Ok(to(&running.at("/authorize/resume")))
}

fn not_here(running: &Running) -> Option<Result<Reply, PageError>> {
    match running.stored.login.step {
        Step::Authenticated { .. } => None,
        Step::SecondFactor => Some(Ok(to(&running.at(mfa::PATH)))),
        Step::Open => Some(Ok(to(&running.at("/u/login/identifier")))),
        Step::Done => Some(Err(running.over())),
    }
}

async fn granted(app: &App, running: &Running) -> Result<grant::Granted, PageError> {
    let request = running.request();
    match grant::for_user(app, &running.client, request.audience.as_deref(), &request.scope).await {
        Ok(granted) => Ok(granted),
        Err(grant::Refused::Database(error)) => Err(error.into()),
        Err(_) => Err(PageError::NoLogin),
    }
}
