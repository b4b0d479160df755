//! `/u/login/passwordless-{sms,email}-challenge`: the code (`docs/COMPATIBILITY.md` C1348-C1349).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::login::Sent;
use ringpass_core::model::phone_entry;
use ringpass_core::model::texts::Screen;

use super::identifier::{self, turn};
use super::running::{Elsewhere, Running};
use super::show::{Page, to};
use super::{PageError, blocked, limits};
use crate::app::App;
use crate::flows::grant::Refused;
use crate::flows::login::resend_wait;
use crate::flows::passwordless::{self, StartRefused};
use crate::snapshot::Channel;
use crate::web::{Call, Reply};

const SMS: &str = "/u/login/passwordless-sms-challenge";
const EMAIL: &str = "/u/login/passwordless-email-challenge";

/// The page for codes of this strategy.
pub(super) fn path(strategy: Strategy) -> &'static str {
    if strategy == Strategy::Email { EMAIL } else { SMS }
}

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/challenge.html")]
struct Widget<'a> {
    t: Screen<'a>,
    state: &'a str,
    identifier: String,
    length: usize,
    placeholder: String,
    /// Seconds until another code may be asked for.
    wait: i64,
    wait_text: String,
    /// The same with `{}` in the place of the number.
    wait_form: String,
    notice: Option<&'a str>,
    error: Option<&'a str>,
    tries: Option<String>,
    /// Whether the browser may read the code out of a text message.
    otp: bool,
}

/// A code that is being waited for.
struct Waiting {
    running: Running,
    channel: Arc<Channel>,
    identifier: Identifier,
    sent: Sent,
}

/// What a page tells besides its form.
#[derive(Default)]
struct Told {
    notice: Option<&'static str>,
    error: Option<&'static str>,
    tries: Option<i64>,
}

/// `GET`.
pub(super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::challenge(&app, &call, SMS).await?;
    let running = Running::of_page(&app, &call).await?;
    let waiting = match wait_for(&app, running).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    let notice = call.query("sent").map(|_| "resentText");
    Ok(page(&app, &waiting, Told { notice, ..Told::default() }, StatusCode::OK))
}

/// `POST`.
pub(super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::challenge(&app, &call, SMS).await?;
    let (running, form) = Running::of_form(&app, &call).await?;
    let waiting = match wait_for(&app, running).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    match form.get("action") {
        "edit-identifier" => {
            let via = waiting.channel.connection.strategy.name();
            Ok(to(&format!("{}&via={via}", waiting.running.at(identifier::PATH))))
        }
        "resend-code" => resend(&app, &call, waiting).await,
        _ => redeem(&app, &call, waiting, form.get("code")).await,
    }
}

/// The code that a sign-in waits for, or where its pages lead now.
async fn wait_for(app: &App, running: Running) -> Result<Waiting, Elsewhere> {
    if let Some(elsewhere) = running.elsewhere() {
        return Err(Box::new(elsewhere));
    }
    let back = Box::new(Ok(to(&running.at(identifier::PATH))));
    let Some(sent) = running.stored.login.sent.clone() else { return Err(back) };
    let channel = match app.find(|snapshot| snapshot.connection(&sent.connection_id)).await {
        Ok(Some(channel)) if channel.connection.is_enabled_for(&running.client.id) => channel,
        Ok(_) => return Err(back),
        Err(error) => return Err(Box::new(Err(error.into()))),
    };
    let Some(identifier) = Identifier::parse(channel.connection.strategy, &sent.identifier) else { return Err(back) };
    Ok(Waiting { running, channel, identifier, sent })
}

async fn resend(app: &Arc<App>, call: &Call, waiting: Waiting) -> Result<Reply, PageError> {
    if resend_wait(&waiting.sent, app.clock.now()) > 0 {
        return Ok(page(app, &waiting, Told::default(), StatusCode::OK));
    }
    let turn = turn(&waiting.running, call);
    let locale = waiting.running.look.lang().locale();
    match turn.send(app, Arc::clone(&waiting.channel), waiting.identifier.clone(), locale).await {
        // Reloading the page that follows sends nothing.
        Ok(()) => Ok(to(&format!("{}&sent", waiting.running.at(path(waiting.channel.connection.strategy))))),
        Err(StartRefused::Database(error)) => Err(error.into()),
        Err(refused) => {
            let told = Told { error: Some(identifier::key(&refused)), ..Told::default() };
            Ok(page(app, &waiting, told, StatusCode::BAD_REQUEST))
        }
    }
}

async fn redeem(app: &App, call: &Call, waiting: Waiting, code: &str) -> Result<Reply, PageError> {
    let typed: String = code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    let refuse = |error, tries| {
        Ok(page(app, &waiting, Told { error: Some(error), tries, notice: None }, StatusCode::BAD_REQUEST))
    };
    // What cannot be a code is no attempt at one.
    if typed.is_empty() {
        return refuse("no-code", None);
    }
    let length = waiting.channel.connection.code_length();
    if typed.len() != length || !typed.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse("invalid-code-format", None);
    }
    let redeemed = turn(&waiting.running, call)
        .redeem(app, Arc::clone(&waiting.channel), waiting.identifier.clone(), &typed)
        .await;
    let (error, tries) = match redeemed {
        Ok(cookie) => {
            return Ok(waiting.running.entered(app, cookie.as_deref()));
        }
        Err(Refused::WrongCode(_)) => {
            // The same form sent twice: the other one has signed in.
            let again = Running::of_page_again(app, call, &waiting.running).await?;
            if let Some(elsewhere) = again.elsewhere() {
                return elsewhere;
            }
            let left = passwordless::tries_left(app, &waiting.channel, &waiting.identifier).await?;
            ("invalid-verification-code", left)
        }
        Err(Refused::MaxAttempts) => ("max-attempts", None),
        Err(Refused::CodeExpired) => ("expired-code", None),
        Err(Refused::TooManyAttempts) => ("user-blocked", None),
        Err(Refused::SuspiciousAddress) => ("ip-blocked", None),
        Err(Refused::UserBlocked) => return blocked(app, call, &waiting.running).await,
        // Whoever holds the phone may know.
        Err(Refused::SignupDisabled) => ("authentication-failure", None),
        Err(Refused::Database(error)) => return Err(error.into()),
        Err(_) => ("passwordless-unknown-error", None),
    };
    refuse(error, tries)
}

fn page(app: &App, waiting: &Waiting, told: Told, status: StatusCode) -> Reply {
    let Waiting { running, channel, sent, .. } = waiting;
    let is_email = channel.connection.strategy == Strategy::Email;
    let (prompt, screen) =
        ("login-passwordless", if is_email { "login-passwordless-email-code" } else { "login-passwordless-sms-otp" });
    let t = running.look.screen(prompt, screen);
    let length = channel.connection.code_length();
    let digits = length.to_string();
    let wait = resend_wait(sent, app.clock.now());
    // Formats with the length in them; borrowed texts live as long as the page.
    let error = told.error.map(|key| t.fill(key, &[("length", &digits)]).into_owned());
    let widget = Widget {
        t,
        state: &running.stored.id,
        identifier: if is_email { sent.identifier.clone() } else { phone_entry::spaced(&sent.identifier) },
        length,
        placeholder: t.fill("placeholder", &[("length", &digits)]).into_owned(),
        wait,
        wait_text: t.fill("resendWaitText", &[("seconds", &wait.to_string())]).into_owned(),
        wait_form: t.fill("resendWaitText", &[("seconds", "{}")]).into_owned(),
        notice: told.notice.map(|key| t.get(key)),
        error: error.as_deref(),
        tries: told.tries.map(|left| t.fill("triesLeftText", &[("count", &left.to_string())]).into_owned()),
        otp: !is_email,
    };
    let title = t.fill("pageTitle", &[("clientName", running.client.name())]);
    let form_action = Some(running.request().redirect_uri.as_str());
    running.look.page(status, &Page { prompt, screen, title: &title, form_action }, &widget)
}
