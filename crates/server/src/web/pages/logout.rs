//! `/v2/logout`, `/oidc/logout`, and the page that asks where nothing proves that the person wants to leave
//! (`docs/COMPATIBILITY.md` C1550-C1560).

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use ringpass_core::kit::hash;
use ringpass_core::model::authorization::Parameters;
use ringpass_core::model::redirect;
use ringpass_core::model::texts::Screen;

use super::form::Form;
use super::respond::in_query;
use super::show::{Look, Page, to};
use super::{PageError, cookies, limits};
use crate::app::App;
use crate::flows::logout::{self, Hint, Leaving};
use crate::web::{Call, Reply, peer};

const PATH: &str = "/u/logout";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/logout.html")]
struct Question<'a> {
    t: Screen<'a>,
    path: &'a str,
    fields: [(&'static str, &'a str); 5],
}

/// How it ended.
#[derive(Debug, Template)]
#[template(path = "pages/logout_end.html")]
struct End<'a> {
    t: Screen<'a>,
}

/// `GET /v2/logout`.
pub(super) async fn leave(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    if call.method == Method::HEAD {
        return Ok(Reply::empty(StatusCode::OK));
    }
    let asked = Parameters(call.query.clone());
    let leaving = admit(&app, &call, &asked, logout::plain(&app, &asked).await).await?;
    logout::end(&app, cookies::session(&call), &leaving, peer::caller(&call, None)).await?;
    let reply = match &leaving.target {
        Some(target) => to(&redirect::location(target)),
        None => Reply::bytes(StatusCode::OK, "text/plain; charset=utf-8", "OK"),
    };
    Ok(reply.and_cookie(&cookies::end_session(&app)))
}

/// `GET` and `POST /oidc/logout`.
pub(super) async fn end_session(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let asked = match call.method {
        Method::HEAD => return Ok(Reply::empty(StatusCode::OK)),
        Method::POST => Parameters(Form::read_from_anywhere(&call)?.into_fields()),
        _ => Parameters(call.query.clone()),
    };
    let mut leaving = admit(&app, &call, &asked, logout::hinted(&app, &asked).await).await?;
    if let (Some(target), Some(state)) = (&mut leaving.target, asked.get("state")) {
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
        *target = in_query(target, &pair);
    }
    let locales = asked.get("ui_locales");
    let cookie = cookies::session(&call);
    if let Some(session) = logout::doubted(&app, cookie.as_deref(), &leaving.hint).await? {
        return Ok(ask(&app, &look(&app, &call, &leaving, locales), &leaving, &session.id, locales));
    }
    logout::end(&app, cookie, &leaving, peer::caller(&call, None)).await?;
    Ok(left(&app, &look(&app, &call, &leaving, locales), &leaving))
}

/// `POST /u/logout`.
pub(super) async fn confirm(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, PATH).await?;
    let form = Form::read(&call)?;
    let (sid, client_id, target) = (form.get("session"), form.get("client_id"), form.get("target"));
    if !hash::same(&logout::proof(&app, sid, client_id, target), form.get("proof")) {
        return Err(PageError::OtherBrowser);
    }
    let leaving = Leaving {
        client: app.find(|snapshot| snapshot.client(client_id)).await?,
        target: Some(target.to_owned()).filter(|target| !target.is_empty()),
        hint: Hint { sid: Some(sid.to_owned()), user_id: None },
    };
    let look = look(&app, &call, &leaving, Some(form.get("ui_locales")));
    if form.get("action") != "accept" {
        return Ok(page(&look, "logout-aborted"));
    }
    let cookie = cookies::session(&call);
    if logout::doubted(&app, cookie.as_deref(), &leaving.hint).await?.is_some() {
        // Somebody else has signed in here since the page was shown.
        return Err(PageError::OtherBrowser);
    }
    logout::end(&app, cookie, &leaving, peer::caller(&call, None)).await?;
    Ok(left(&app, &look, &leaving))
}

/// A refusal is told to the log.
async fn admit(
    app: &App,
    call: &Call,
    asked: &Parameters,
    read: Result<Leaving, logout::Refused>,
) -> Result<Leaving, PageError> {
    if let Err(refused) = &read {
        logout::note(app, refused, asked.get("client_id"), &peer::caller(call, None)).await?;
    }
    Ok(read?)
}

fn look(app: &App, call: &Call, leaving: &Leaving, locales: Option<&str>) -> Look {
    match &leaving.client {
        Some(client) => Look::of_client(app, call, client, locales),
        None => Look::of(app, call),
    }
}

/// The person is signed out: on to the application, or to a page that says so.
fn left(app: &App, look: &Look, leaving: &Leaving) -> Reply {
    let reply = match &leaving.target {
        Some(target) => to(&redirect::location(target)),
        None => page(look, "logout-complete"),
    };
    reply.and_cookie(&cookies::end_session(app))
}

fn ask(app: &App, look: &Look, leaving: &Leaving, sid: &str, locales: Option<&str>) -> Reply {
    let t = look.screen("logout", "logout");
    let client_id = leaving.client.as_ref().map(|client| client.id.as_str()).unwrap_or_default();
    let target = leaving.target.as_deref().unwrap_or_default();
    let proof = logout::proof(app, sid, client_id, target);
    let fields = [
        ("session", sid),
        ("client_id", client_id),
        ("target", target),
        ("proof", &proof),
        ("ui_locales", locales.unwrap_or_default()),
    ];
    let title = t.fill("pageTitle", &[("companyName", look.company())]);
    let page = Page { prompt: "logout", screen: "logout", title: &title, form_action: leaving.target.as_deref() };
    look.page(StatusCode::OK, &page, &Question { t, path: PATH, fields })
}

fn page(look: &Look, screen: &str) -> Reply {
    let t = look.screen("logout", screen);
    let title = t.fill("pageTitle", &[("companyName", look.company())]);
    look.page(StatusCode::OK, &Page { prompt: "logout", screen, title: &title, form_action: None }, &End { t })
}
