//! Recovery codes: shown once, kept by their owner, and taken where nothing else works
//! (`/u/mfa-recovery-code-{enrollment,challenge,challenge-new-code}`; `docs/COMPATIBILITY.md` C1831-C1833).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::{self, Kind};
use ringpass_core::model::texts::Screen;

use super::super::limits;
use super::super::running::Running;
use super::super::show::to;
use super::aside::Aside;
use super::waiting::{Name, Waiting};
use super::{PATH, PageError, advanced, choices, refused};
use crate::app::App;
use crate::flows::second_factor::Proof;
use crate::web::{Call, Reply};

/// The page that takes one.
pub(super) const ASK: &str = "/u/mfa-recovery-code-challenge";
/// The page that shows somebody's first one.
const FIRST: &str = "/u/mfa-recovery-code-enrollment";
/// The page that shows the one that takes the place of one that was used.
const NEXT: &str = "/u/mfa-recovery-code-challenge-new-code";

/// The page that shows a new one.
pub(super) fn shown_at(replaced: bool) -> &'static str {
    if replaced { NEXT } else { FIRST }
}

/// The page that takes a code.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/recovery.html")]
struct Ask<'a> {
    t: Screen<'a>,
    state: &'a str,
    path: &'static str,
    error: Option<&'a str>,
    aside: Aside<'a>,
}

/// The page that shows one.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/recovery_show.html")]
struct Show<'a> {
    t: Screen<'a>,
    state: &'a str,
    path: &'static str,
    code: &'a Secret,
    error: Option<&'a str>,
}

/// `GET` of the page that takes one.
pub(in super::super) async fn ask(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, ASK).await?;
    match Waiting::of_page(&app, &call).await {
        Ok(waiting) if has_one(&app, &waiting) => Ok(asked(&app, &waiting, None, StatusCode::OK)),
        Ok(waiting) => Ok(to(&waiting.at(PATH))),
        Err(elsewhere) => *elsewhere,
    }
}

/// `POST` of the page that takes one.
pub(in super::super) async fn prove(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, ASK).await?;
    let (waiting, form) = match Waiting::of_form(&app, &call).await {
        Ok(found) => found,
        Err(elsewhere) => return *elsewhere,
    };
    if !has_one(&app, &waiting) {
        return Ok(to(&waiting.at(PATH)));
    }
    if form.get("action") == "pick-authenticator" {
        return Ok(to(&waiting.at(choices::OPTIONS)));
    }
    let refuse = |key| Ok(asked(&app, &waiting, Some(key), StatusCode::BAD_REQUEST));
    let typed = form.get("code").trim();
    // What cannot be a code is no attempt at one.
    if typed.is_empty() {
        return refuse("no-code");
    }
    let Some(code) = authenticator::typed_recovery_code(typed) else { return refuse("invalid-code-format") };
    let proven = waiting.turn(&call).prove(&app, waiting.claimant.clone(), Proof::Recovery(code), false).await;
    match proven {
        Ok(reached) => Ok(advanced(&app, &waiting.running, reached)),
        Err(why) => match refused(&app, &call, &waiting, why, None).await? {
            Ok(key) => refuse(key),
            Err(reply) => Ok(reply),
        },
    }
}

fn has_one(app: &App, waiting: &Waiting) -> bool {
    !waiting.is_enrolling(app) && waiting.usable(app).iter().any(|one| one.kind == Kind::RecoveryCode)
}

fn asked(app: &App, waiting: &Waiting, error: Option<&str>, status: StatusCode) -> Reply {
    let name: Name = ("mfa-recovery-code", "mfa-recovery-code-challenge");
    let t = waiting.screen(name);
    let widget = Ask {
        t,
        state: &waiting.running.stored.id,
        path: ASK,
        error: error.map(|key| t.get(key)),
        aside: Aside::of(waiting, t, ASK, choices::other(app, waiting).into_iter().collect()),
    };
    waiting.page(name, status, &widget)
}

/// `GET` of the pages that show one: a new one at every look, since only its hash is on record.
pub(in super::super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, path_of(&call)).await?;
    let running = Running::of_page(&app, &call).await?;
    match Waiting::find_any(&app, &call, running).await {
        Ok(waiting) => show_new(&app, &call, &waiting).await,
        Err(elsewhere) => *elsewhere,
    }
}

/// `POST` of the pages that show one: it is kept, and the sign-in complete.
pub(in super::super) async fn keep(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, path_of(&call)).await?;
    let (running, form) = Running::of_form(&app, &call).await?;
    let waiting = match Waiting::find_any(&app, &call, running).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    let Some(replaced) = waiting.second.recovery else { return Ok(to(&waiting.at(PATH))) };
    let code = Secret::new(form.get("code"));
    // Another look has drawn another code since: the person must not keep one that is void.
    if !waiting.turn(&call).is_recovery_code(&app, &waiting.claimant, &code).await? {
        return show_new(&app, &call, &waiting).await;
    }
    if form.get("saved").is_empty() {
        return Ok(shown(&waiting, replaced, &code, Some("no-confirmation"), StatusCode::BAD_REQUEST));
    }
    match waiting.turn(&call).keep_recovery(&app, &waiting.claimant).await? {
        Some(reached) => Ok(advanced(&app, &waiting.running, reached)),
        None => Ok(to(&waiting.at(PATH))),
    }
}

fn path_of(call: &Call) -> &'static str {
    if call.path == NEXT { NEXT } else { FIRST }
}

async fn show_new(app: &App, call: &Call, waiting: &Waiting) -> Result<Reply, PageError> {
    let Some(replaced) = waiting.second.recovery else { return Ok(to(&waiting.at(PATH))) };
    let Some(code) = waiting.turn(call).recovery_code(app, &waiting.claimant).await? else {
        return Ok(to(&waiting.at(PATH)));
    };
    Ok(shown(waiting, replaced, &code, None, StatusCode::OK))
}

fn shown(waiting: &Waiting, replaced: bool, code: &Secret, error: Option<&str>, status: StatusCode) -> Reply {
    let name: Name = if replaced {
        ("mfa-recovery-code", "mfa-recovery-code-challenge-new-code")
    } else {
        ("mfa-recovery-code", "mfa-recovery-code-enrollment")
    };
    let t = waiting.screen(name);
    let widget = Show {
        t,
        state: &waiting.running.stored.id,
        path: shown_at(replaced),
        code,
        error: error.map(|key| t.get(key)),
    };
    waiting.page(name, status, &widget)
}
