//! Enrolling with a ticket: `/guardian/enroll` opens one, `/u/mfa-enroll-result` says what came of it
//! (`docs/COMPATIBILITY.md` C1843-C1847).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::login::Step;

use super::super::limits;
use super::super::reset::Notice;
use super::super::running::Running;
use super::super::show::{Look, Page, browser_of, to};
use super::{PATH, PageError};
use crate::app::App;
use crate::flows::enrollment_tickets::{self as tickets, EnrollmentRefused};
use crate::web::{Call, Reply};

/// The page that says what came of it.
pub(super) const RESULT: &str = "/u/mfa-enroll-result";
const OPEN: &str = "/guardian/enroll";

/// `GET /guardian/enroll`.
pub(in super::super) async fn open(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, OPEN).await?;
    let text = call.query("ticket").or(call.query("ticket_id")).unwrap_or_default();
    let (browser, cookie) = browser_of(&app, &call);
    match tickets::open(&app, text, &browser, call.query("ui_locales")).await {
        Ok(state) => {
            let reply = to(&format!("{PATH}?state={state}"));
            Ok(match cookie {
                Some(cookie) => reply.and_cookie(&cookie),
                None => reply,
            })
        }
        Err(EnrollmentRefused::Database(error)) => Err(error.into()),
        Err(EnrollmentRefused::Unknown) => Ok(bad(&app, &call, "invalidTicketTitle", "invalidTicketDescription")),
        Err(EnrollmentRefused::Expired) => Ok(bad(&app, &call, "expiredTicketTitle", "expiredTicketDescription")),
        Err(EnrollmentRefused::Used) => Ok(bad(&app, &call, "alreadyUsedTitle", "alreadyUsedDescription")),
        Err(EnrollmentRefused::AlreadyEnrolled) => {
            Ok(say(&Look::of(&app, &call), StatusCode::OK, "alreadyEnrolledTitle", "alreadyEnrolledDescription"))
        }
    }
}

/// `GET /u/mfa-enroll-result`.
pub(in super::super) async fn result(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, RESULT).await?;
    let running = Running::of_page(&app, &call).await?;
    let login = &running.stored.login;
    Ok(match (&login.enrollment, &login.step) {
        (Some(_), Step::Done) if login.amr => {
            say(&running.look, StatusCode::OK, "enrolledTitle", "enrolledDescription")
        }
        (Some(_), Step::Done) => late(&running),
        _ => to(&running.at(PATH)),
    })
}

/// Nothing can be enrolled here: the factors are off.
pub(super) fn nothing(running: &Running) -> Reply {
    say(&running.look, StatusCode::BAD_REQUEST, "invalidTicketTitle", "genericError")
}

/// The user has enrolled something meanwhile.
pub(super) fn already(running: &Running) -> Reply {
    say(&running.look, StatusCode::OK, "alreadyEnrolledTitle", "alreadyEnrolledDescription")
}

/// A step took too long. The ticket is still good.
fn late(running: &Running) -> Reply {
    say(&running.look, StatusCode::BAD_REQUEST, "genericError", "transaction-not-found")
}

fn bad(app: &App, call: &Call, title: &str, text: &str) -> Reply {
    say(&Look::of(app, call), StatusCode::BAD_REQUEST, title, text)
}

fn say(look: &Look, status: StatusCode, title: &str, text: &str) -> Reply {
    let (prompt, screen) = ("mfa", "mfa-enroll-result");
    let t = look.screen(prompt, screen);
    let notice = Notice { title: t.get(title), text: t.get(text).to_owned(), link: None };
    let title = t.fill("pageTitle", &[("clientName", look.company())]);
    look.page(status, &Page { prompt, screen, title: &title, form_action: None }, &notice)
}
