//! `/u/login/password`: the password of a database (`docs/COMPATIBILITY.md` C1620-C1622).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::sign_up;
use ringpass_core::model::texts::Screen;

use super::identifier::{self, turn};
use super::running::{Elsewhere, Running};
use super::show::{Page, to};
use super::{PageError, blocked, limits, reset, signup};
use crate::app::App;
use crate::flows::grant::Refused;
use crate::snapshot::Channel;
use crate::web::{Call, Reply};

pub(super) const PATH: &str = "/u/login/password";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/password.html")]
struct Widget<'a> {
    t: Screen<'a>,
    client: &'a str,
    state: &'a str,
    username: &'a str,
    error: Option<&'a str>,
    edit: String,
    forgot: String,
    signup: Option<String>,
}

/// `GET`.
pub(super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, PATH).await?;
    let running = Running::of_page(&app, &call).await?;
    Ok(match wanted(&app, &running) {
        Ok((channel, username)) => page(&running, &channel, &username, None, StatusCode::OK),
        Err(elsewhere) => return *elsewhere,
    })
}

/// `POST`.
pub(super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, PATH).await?;
    let (running, form) = Running::of_form(&app, &call).await?;
    let (channel, username) = match wanted(&app, &running) {
        Ok(wanted) => wanted,
        Err(elsewhere) => return *elsewhere,
    };
    let refuse = |key| Ok(page(&running, &channel, &username, Some(key), StatusCode::BAD_REQUEST));
    let password = form.get("password");
    if password.is_empty() {
        return refuse("no-password");
    }
    let entered = turn(&running, &call).password(&app, Arc::clone(&channel), &username, Secret::new(password)).await;
    match entered {
        Ok(cookie) => Ok(running.entered(&app, cookie.as_deref())),
        Err(Refused::WrongPassword) if identifier::is_named(&channel) => refuse("wrong-credentials"),
        Err(Refused::WrongPassword) => refuse("wrong-email-credentials"),
        Err(Refused::TooManyAttempts) => refuse("user-blocked"),
        Err(Refused::SuspiciousAddress) => refuse("ip-blocked"),
        Err(Refused::UserBlocked) => blocked(&app, &call, &running).await,
        Err(Refused::Busy) => Err(PageError::Unavailable),
        Err(Refused::Database(error)) => Err(error.into()),
        Err(_) => refuse("authentication-failure"),
    }
}

/// The database and the name of a sign-in that waits for a password, or where its pages lead now.
fn wanted(app: &App, running: &Running) -> Result<(Arc<Channel>, String), Elsewhere> {
    if let Some(elsewhere) = running.elsewhere() {
        return Err(Box::new(elsewhere));
    }
    let channel = identifier::database(app, running);
    let username = running.stored.login.username.clone();
    channel.zip(username).ok_or_else(|| Box::new(Ok(to(&running.at(identifier::PATH)))))
}

fn page(running: &Running, channel: &Channel, username: &str, error: Option<&str>, status: StatusCode) -> Reply {
    let look = &running.look;
    let t = look.screen("login-password", "login-password");
    let client = running.client.name();
    let widget = Widget {
        t,
        client,
        state: &running.stored.id,
        username,
        error: error.map(|key| t.get(key)),
        edit: running.at(identifier::PATH),
        forgot: running.at(reset::REQUEST),
        signup: sign_up::is_open(&channel.connection).then(|| running.at(signup::PATH)),
    };
    let title = t.fill("pageTitle", &[("clientName", client)]);
    let form_action = Some(running.request().redirect_uri.as_str());
    look.page(status, &Page { prompt: "login-password", screen: "login-password", title: &title, form_action }, &widget)
}
