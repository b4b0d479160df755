//! `/u/reset-password/request` and `/u/reset-verify`: a new password for who lost the old one (`docs/COMPATIBILITY.md`
//! C1625-C1627).

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::password_policy::Policy;
use ringpass_core::model::texts::Screen;
use ringpass_core::model::ticket::Purpose;

use super::form::Form;
use super::identifier;
use super::rules::{self, Rules};
use super::running::Running;
use super::show::{Look, Page, to};
use super::signup::weakness;
use super::{PageError, limits};
use crate::app::App;
use crate::flows::limits::Window;
use crate::flows::tickets::{self, Opened, Request, RequestRefused, TicketRefused};
use crate::web::{Call, Reply, peer};

pub(super) const REQUEST: &str = "/u/reset-password/request";
const VERIFY: &str = "/u/reset-verify";
const PROMPT: &str = "reset-password";

/// The form that asks for a link.
#[derive(Debug, Template)]
#[template(path = "pages/reset_request.html")]
struct Ask<'a> {
    t: Screen<'a>,
    state: &'a str,
    email: &'a str,
    error: Option<&'a str>,
    back: String,
}

/// The form that takes the new password.
#[derive(Debug, Template)]
#[template(path = "pages/reset.html")]
struct Choose<'a> {
    t: Screen<'a>,
    ticket: &'a str,
    email: &'a str,
    rules: Rules,
    error: Option<&'a str>,
}

/// A page that only says something, and leads on.
#[derive(Debug, Template)]
#[template(path = "pages/notice.html")]
pub(super) struct Notice<'a> {
    pub title: &'a str,
    pub text: String,
    pub link: Option<(String, String)>,
}

/// `GET /u/reset-password/request`.
pub(super) async fn ask(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, REQUEST).await?;
    let running = Running::of_page(&app, &call).await?;
    if let Some(elsewhere) = running.elsewhere() {
        return elsewhere;
    }
    let known = running.stored.login.username.clone().unwrap_or_default();
    Ok(asked(&running, &known, None, StatusCode::OK))
}

/// `POST /u/reset-password/request`. The answer is the same for everybody.
pub(super) async fn send(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, REQUEST).await?;
    let (running, form) = Running::of_form(&app, &call).await?;
    if let Some(elsewhere) = running.elsewhere() {
        return elsewhere;
    }
    let email = form.get("email").trim();
    if email.is_empty() {
        return Ok(asked(&running, email, Some("no-email"), StatusCode::BAD_REQUEST));
    }
    let Some(channel) = identifier::database(&app, &running) else { return Ok(to(&running.at(identifier::PATH))) };
    let request = Request {
        client: Some(Arc::clone(&running.client)),
        channel: Some(channel),
        email: email.to_owned(),
        caller: peer::caller(&call, None),
    };
    match tickets::request_password_change(&app, request).await {
        Ok(_) => {}
        Err(RequestRefused::TooMany(Window { .. }, wait)) => return Err(PageError::TooManyRequests(REQUEST, wait)),
        Err(RequestRefused::Database(error)) => return Err(error.into()),
    }
    let look = &running.look;
    let t = look.screen(PROMPT, "reset-password-email");
    let notice = Notice {
        title: t.get("title"),
        text: t.fill("emailDescription", &[("email", email)]).into_owned(),
        link: Some((running.at(identifier::PATH), t.get("backToLoginLinkText").to_owned())),
    };
    let title = t.fill("pageTitle", &[("clientName", running.client.name())]);
    let page = Page { prompt: PROMPT, screen: "reset-password-email", title: &title, form_action: None };
    Ok(look.page(StatusCode::OK, &page, &notice))
}

fn asked(running: &Running, email: &str, error: Option<&str>, status: StatusCode) -> Reply {
    let look = &running.look;
    let t = look.screen(PROMPT, "reset-password-request");
    let widget = Ask {
        t,
        state: &running.stored.id,
        email,
        error: error.map(|key| t.get(key)),
        back: running.at(identifier::PATH),
    };
    let title = t.fill("pageTitle", &[("clientName", running.client.name())]);
    look.page(
        status,
        &Page { prompt: PROMPT, screen: "reset-password-request", title: &title, form_action: None },
        &widget,
    )
}

/// `GET /u/reset-verify`: looking at a ticket does not use it up.
pub(super) async fn open(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, VERIFY).await?;
    let text = call.query("ticket").unwrap_or_default().to_owned();
    let (look, client) = look_of(&app, &call, None);
    match usable(&app, &text).await {
        Ok(opened) => {
            let (look, _) = look_of(&app, &call, Some(&opened));
            Ok(choose(&look, &opened, &text, client.as_deref(), None, StatusCode::OK))
        }
        Err(refused) => refuse(&look, &refused),
    }
}

/// `POST /u/reset-verify`.
pub(super) async fn change(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, VERIFY).await?;
    let form = Form::read(&call)?;
    let text = form.get("ticket").to_owned();
    let (look, _) = look_of(&app, &call, None);
    let opened = match usable(&app, &text).await {
        Ok(opened) => opened,
        Err(refused) => return refuse(&look, &refused),
    };
    let (look, client) = look_of(&app, &call, Some(&opened));
    let again = |key| Ok(choose(&look, &opened, &text, client.as_deref(), Some(key), StatusCode::BAD_REQUEST));
    let (password, repeated) = (form.get("password"), form.get("re-enter-password"));
    if password.is_empty() {
        return again("no-password");
    }
    if password.chars().count() > rules::LONGEST {
        return again("password-policy-not-conformant");
    }
    if password != repeated {
        return again("password-mismatch");
    }
    match tickets::change_password(&app, &text, Secret::new(password), &peer::caller(&call, None)).await {
        Ok(done) => Ok(match done.destination {
            Some(destination) => to(&destination),
            None => changed(&look, client.as_deref()),
        }),
        Err(TicketRefused::Weak(weak)) => again(weakness(&weak)),
        Err(refused) => refuse(&look, &refused),
    }
}

async fn usable(app: &App, text: &str) -> Result<Opened, TicketRefused> {
    let opened = tickets::open(app, text).await?;
    if opened.ticket.purpose == Purpose::PasswordChange { Ok(opened) } else { Err(TicketRefused::Unknown) }
}

/// The looks of a ticket's page, and its application.
pub(super) fn look_of(app: &App, call: &Call, opened: Option<&Opened>) -> (Look, Option<Arc<Client>>) {
    let client = opened.and_then(|opened| app.snapshot().client(&opened.ticket.client_id));
    match client {
        Some(client) => (Look::of_client(app, call, &client, None), Some(client)),
        None => (Look::of(app, call), None),
    }
}

/// What the application is called on a ticket's page, where there may be none.
pub(super) fn name_of<'a>(look: &'a Look, client: Option<&'a Client>) -> &'a str {
    client.map_or_else(|| look.company(), Client::name)
}

/// The way back to the application, if it says where it begins.
pub(super) fn way_back(client: Option<&Client>) -> Option<String> {
    client.and_then(Client::initiate_login_uri).map(str::to_owned)
}

fn choose(
    look: &Look,
    opened: &Opened,
    ticket: &str,
    client: Option<&Client>,
    error: Option<&str>,
    status: StatusCode,
) -> Reply {
    let t = look.screen(PROMPT, "reset-password");
    let widget = Choose {
        t,
        ticket,
        email: opened.user.identifier().unwrap_or_default(),
        rules: Rules::of(&Policy::of(&opened.channel.connection), t),
        error: error.map(|key| t.get(key)),
    };
    let title = t.fill("pageTitle", &[("clientName", name_of(look, client))]);
    let form_action = opened.ticket.wishes.result_url.as_deref();
    look.page(status, &Page { prompt: PROMPT, screen: "reset-password", title: &title, form_action }, &widget)
}

fn changed(look: &Look, client: Option<&Client>) -> Reply {
    let t = look.screen(PROMPT, "reset-password-success");
    let names = [("clientName", name_of(look, client))];
    let notice = Notice {
        title: t.get("eventTitle"),
        text: t.get("description").to_owned(),
        link: way_back(client).map(|uri| (uri, t.fill("buttonText", &names).into_owned())),
    };
    let title = t.fill("pageTitle", &names);
    let page = Page { prompt: PROMPT, screen: "reset-password-success", title: &title, form_action: None };
    look.page(StatusCode::OK, &page, &notice)
}

fn refuse(look: &Look, refused: &TicketRefused) -> Result<Reply, PageError> {
    let (title, text) = match refused {
        TicketRefused::Expired => ("eventTitleExpired", "descriptionExpired"),
        TicketRefused::Used => ("eventTitleUsed", "descriptionUsed"),
        TicketRefused::Unknown | TicketRefused::Weak(_) => ("eventTitleGeneric", "descriptionGeneric"),
        TicketRefused::Busy => return Err(PageError::Unavailable),
        TicketRefused::Failed => return Err(PageError::Server),
        TicketRefused::Database(error) => return Err(error.clone().into()),
    };
    let t = look.screen(PROMPT, "reset-password-error");
    let notice = Notice { title: t.get(title), text: t.get(text).to_owned(), link: None };
    let title = t.fill("pageTitle", &[("clientName", look.company())]);
    let page = Page { prompt: PROMPT, screen: "reset-password-error", title: &title, form_action: None };
    Ok(look.page(StatusCode::BAD_REQUEST, &page, &notice).with(header::CACHE_CONTROL, "no-store"))
}
