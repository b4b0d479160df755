//! `/u/email-verification`: an address is confirmed by who reads its mail (`docs/COMPATIBILITY.md` C1628).
//!
//! Programs that look at links before people do must not confirm anything, so the page asks for one press.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::model::texts::Screen;
use ringpass_core::model::ticket::Purpose;

use super::form::Form;
use super::reset::{Notice, look_of, name_of, way_back};
use super::show::{Look, Page, to};
use super::{PageError, limits};
use crate::app::App;
use crate::flows::tickets::{self, Done, TicketRefused};
use crate::web::{Call, Reply, peer};

const PATH: &str = "/u/email-verification";
const PROMPT: &str = "email-verification";
const SCREEN: &str = "email-verification-result";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/email_verification.html")]
struct Confirm<'a> {
    t: Screen<'a>,
    ticket: &'a str,
    email: &'a str,
    title: &'a str,
}

/// `GET`.
pub(super) async fn open(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, PATH).await?;
    let ticket = call.query("ticket").unwrap_or_default();
    let opened = match tickets::open(&app, ticket).await {
        Ok(opened) if opened.ticket.purpose == Purpose::EmailVerification => opened,
        Ok(_) => return refuse(&look_of(&app, &call, None).0, &TicketRefused::Unknown),
        Err(refused) => return refuse(&look_of(&app, &call, None).0, &refused),
    };
    let (look, client) = look_of(&app, &call, Some(&opened));
    let t = look.screen(PROMPT, SCREEN);
    let title = t.fill("pageTitle", &[("clientName", name_of(&look, client.as_deref()))]);
    let heading = title.split(" - ").next().unwrap_or_default();
    let widget = Confirm { t, ticket, email: opened.user.email.as_deref().unwrap_or_default(), title: heading };
    let form_action = opened.ticket.wishes.result_url.as_deref();
    Ok(look.page(StatusCode::OK, &Page { prompt: PROMPT, screen: SCREEN, title: &title, form_action }, &widget))
}

/// `POST`.
pub(super) async fn confirm(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, PATH).await?;
    let form = Form::read(&call)?;
    let ticket = form.get("ticket").to_owned();
    let opened = tickets::open(&app, &ticket).await;
    let (look, client) = look_of(&app, &call, opened.as_ref().ok());
    match tickets::verify_email(&app, &ticket, &peer::caller(&call, None)).await {
        Ok(Done { destination: Some(destination), .. }) => Ok(to(&destination)),
        Ok(_) => {
            let t = look.screen(PROMPT, SCREEN);
            let names = [("clientName", name_of(&look, client.as_deref()))];
            let link = way_back(client.as_deref()).map(|uri| (uri, t.fill("buttonText", &names).into_owned()));
            Ok(say(&look, StatusCode::OK, "verifiedTitle", "verifiedDescription", link))
        }
        Err(refused) => refuse(&look, &refused),
    }
}

fn refuse(look: &Look, refused: &TicketRefused) -> Result<Reply, PageError> {
    match refused {
        TicketRefused::Database(error) => Err(error.clone().into()),
        TicketRefused::Busy => Err(PageError::Unavailable),
        TicketRefused::Failed => Err(PageError::Server),
        TicketRefused::Unknown | TicketRefused::Expired | TicketRefused::Used | TicketRefused::Weak(_) => {
            Ok(say(look, StatusCode::BAD_REQUEST, "errorTitle", "invalidAccountOrCodeDescription", None))
        }
    }
}

fn say(look: &Look, status: StatusCode, title: &str, text: &str, link: Option<(String, String)>) -> Reply {
    let t = look.screen(PROMPT, SCREEN);
    let notice = Notice { title: t.get(title), text: t.get(text).to_owned(), link };
    let title = t.fill("pageTitle", &[("clientName", look.company())]);
    look.page(status, &Page { prompt: PROMPT, screen: SCREEN, title: &title, form_action: None }, &notice)
}
