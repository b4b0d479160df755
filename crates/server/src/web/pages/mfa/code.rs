//! The pages that take a code: `/u/mfa-{otp,sms,voice,email}-challenge` (`docs/COMPATIBILITY.md` C1823, C1825-C1827, C1830).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::guardian::MessageType;
use ringpass_core::model::phone_entry;
use ringpass_core::model::texts::Screen;

use super::super::limits;
use super::super::show::to;
use super::aside::{Aside, Link, Resend};
use super::told::Told;
use super::waiting::{Name, Waiting};
use super::{PATH, PageError, advanced, choices, phone, refused, send, ways};
use crate::app::App;
use crate::flows::mfa::Way;
use crate::flows::second_factor::Proof;
use crate::web::{Call, Reply};

/// A page that takes codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Place {
    /// Of an authenticator application.
    Application,
    /// That came by text message.
    Sms,
    /// That a call told.
    Voice,
    /// That came by mail.
    Email,
}

impl Place {
    const ALL: [Self; 4] = [Self::Application, Self::Sms, Self::Voice, Self::Email];

    /// The page for codes that travel this way.
    pub(super) fn of(way: Way) -> Self {
        match way {
            Way::Phone(MessageType::Sms) => Self::Sms,
            Way::Phone(MessageType::Voice) => Self::Voice,
            Way::Email => Self::Email,
        }
    }

    fn of_call(call: &Call) -> Self {
        Self::ALL.into_iter().find(|place| place.path() == call.path).unwrap_or(Self::Application)
    }

    /// Its address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Application => "/u/mfa-otp-challenge",
            Self::Sms => "/u/mfa-sms-challenge",
            Self::Voice => "/u/mfa-voice-challenge",
            Self::Email => "/u/mfa-email-challenge",
        }
    }

    fn name(self) -> Name {
        match self {
            Self::Application => ("mfa-otp", "mfa-otp-challenge"),
            Self::Sms => ("mfa-sms", "mfa-sms-challenge"),
            Self::Voice => ("mfa-voice", "mfa-voice-challenge"),
            Self::Email => ("mfa-email", "mfa-email-challenge"),
        }
    }

    /// How its codes travel.
    fn way(self) -> Option<Way> {
        match self {
            Self::Application => None,
            Self::Sms => Some(Way::Phone(MessageType::Sms)),
            Self::Voice => Some(Way::Phone(MessageType::Voice)),
            Self::Email => Some(Way::Email),
        }
    }
}

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/code.html")]
struct Widget<'a> {
    t: Screen<'a>,
    state: &'a str,
    path: &'static str,
    placeholder: String,
    /// Number or address, as much of it as is shown.
    place: Option<String>,
    notice: Option<&'a str>,
    error: Option<&'a str>,
    remember: Option<bool>,
    /// Whether the browser may read the code out of a text message.
    otp: bool,
    aside: Aside<'a>,
}

/// `GET`.
pub(in super::super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let place = Place::of_call(&call);
    limits::page(&app, &call, place.path()).await?;
    let waiting = match Waiting::of_page(&app, &call).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    let Some(one) = target(&app, &waiting, place) else { return Ok(to(&waiting.at(PATH))) };
    let notice = call.query("sent").map(|_| "resentText").filter(|_| place != Place::Application);
    let told = Told { notice, ..Told::default() };
    Ok(page(&app, &waiting, place, &one, &told, StatusCode::OK))
}

/// `POST`.
pub(in super::super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let place = Place::of_call(&call);
    limits::form(&app, &call, place.path()).await?;
    let (waiting, form) = match Waiting::of_form(&app, &call).await {
        Ok(found) => found,
        Err(elsewhere) => return *elsewhere,
    };
    let Some(one) = target(&app, &waiting, place) else { return Ok(to(&waiting.at(PATH))) };
    match (form.get("action"), place.way()) {
        ("pick-authenticator", _) => Ok(to(&waiting.at(choices::path(&app, &waiting)))),
        ("resend-code", Some(way)) => send(&app, &call, &waiting, &one, way).await,
        ("get-a-call", Some(Way::Phone(_))) => send(&app, &call, &waiting, &one, Way::Phone(MessageType::Voice)).await,
        ("switch-to-sms", Some(Way::Phone(_))) => send(&app, &call, &waiting, &one, Way::Phone(MessageType::Sms)).await,
        ("pick-sms" | "pick-phone", Some(Way::Phone(_))) if one.confirmed => Ok(to(&waiting.at(choices::PHONES))),
        ("pick-sms" | "pick-phone", Some(Way::Phone(_))) => Ok(to(&waiting.at(phone::path(&app)))),
        ("pick-email", Some(Way::Email)) => Ok(to(&waiting.at(choices::ADDRESSES))),
        _ => {
            let remember = !form.get("rememberDevice").is_empty();
            let proof = match place {
                Place::Application => Proof::Application,
                Place::Sms | Place::Voice | Place::Email => Proof::Code,
            };
            let told = match prove(&app, &call, &waiting, form.get("code"), proof, (remember, place.way())).await? {
                Ok(reply) => return Ok(reply),
                Err(key) => Told { error: Some(key), remember, notice: None },
            };
            Ok(page(&app, &waiting, place, &one, &told, StatusCode::BAD_REQUEST))
        }
    }
}

/// What a page asks for a code of; nothing when it is the turn of another page.
fn target(app: &App, waiting: &Waiting, place: Place) -> Option<Authenticator> {
    match place {
        Place::Application => {
            let usable = waiting.usable(app);
            usable.into_iter().find(|one| one.kind == Kind::Totp).filter(|_| !waiting.is_enrolling(app))
        }
        Place::Sms | Place::Voice => waiting.chosen(app).filter(|one| one.kind == Kind::Phone).cloned(),
        Place::Email => waiting.chosen(app).filter(|one| one.kind == Kind::Email).cloned(),
    }
}

/// Takes a code of six digits: where it leads, or the key of what is wrong with it.
pub(super) async fn prove(
    app: &App,
    call: &Call,
    waiting: &Waiting,
    typed: &str,
    proof: fn(String) -> Proof,
    (remember, way): (bool, Option<Way>),
) -> Result<Result<Reply, &'static str>, PageError> {
    let code: String = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    // What cannot be a code is no attempt at one.
    if code.is_empty() {
        return Ok(Err("no-code"));
    }
    if code.len() != LENGTH || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Err("invalid-otp-code-format"));
    }
    let turn = waiting.turn(call);
    match turn.prove(app, waiting.claimant.clone(), proof(code), remember).await {
        Ok(reached) => Ok(Ok(advanced(app, &waiting.running, reached))),
        Err(why) => Ok(match refused(app, call, waiting, why, way).await? {
            Ok(key) => Err(key),
            Err(reply) => Ok(reply),
        }),
    }
}

/// A page that takes codes of `one`.
pub(super) fn page(
    app: &App,
    waiting: &Waiting,
    place: Place,
    one: &Authenticator,
    told: &Told,
    status: StatusCode,
) -> Reply {
    let t = waiting.screen(place.name());
    let whole = || one.phone_number.as_deref().map(phone_entry::spaced).or_else(|| one.email.clone());
    let shown = if one.confirmed { one.masked() } else { whole() };
    let wait = place.way().map_or(0, |way| waiting.wait(app, one, way));
    let error = told.error.map(|key| t.fill(key, LENGTHS).into_owned());
    let widget = Widget {
        t,
        state: &waiting.running.stored.id,
        path: place.path(),
        placeholder: t.fill("placeholder", LENGTHS).into_owned(),
        place: shown.filter(|_| place != Place::Application),
        notice: told.notice.map(|key| t.get(key)),
        error: error.as_deref(),
        remember: waiting.remember(told.remember),
        otp: place == Place::Sms,
        aside: Aside {
            resend: place.way().map(|_| Resend::after(wait, t)),
            other_way: other_way(app, place, one),
            ..Aside::of(waiting, t, place.path(), links(app, waiting, place, one))
        },
    };
    waiting.page(place.name(), status, &widget)
}

fn other_way(app: &App, place: Place, one: &Authenticator) -> Option<Link> {
    let ways = if one.kind == Kind::Phone { ways(app, one) } else { Vec::new() };
    match place {
        Place::Sms if ways.contains(&MessageType::Voice) => {
            Some(("get-a-call", "resendVoiceActionSeparatorTextBefore", "resendVoiceActionText"))
        }
        Place::Voice if ways.contains(&MessageType::Sms) => {
            Some(("switch-to-sms", "resendSmsActionSeparatorTextBefore", "resendSmsActionText"))
        }
        _ => None,
    }
}

/// What else a person may do here.
fn links(app: &App, waiting: &Waiting, place: Place, one: &Authenticator) -> Vec<Link> {
    let mut links = Vec::new();
    let usable = waiting.usable(app);
    let several = |kind| usable.iter().filter(|other| other.kind == kind).count() > 1;
    let pick = if place == Place::Sms { "pick-sms" } else { "pick-phone" };
    match place {
        Place::Sms | Place::Voice if !one.confirmed => links.push((pick, "editText", "editLinkScreenReadableText")),
        Place::Sms | Place::Voice if several(Kind::Phone) => links.push((pick, "changePhoneText", "")),
        Place::Email if several(Kind::Email) => {
            links.push(("pick-email", "editText", "editLinkScreenReadableText"));
        }
        _ => {}
    }
    links.extend(choices::other(app, waiting));
    links
}

/// Digits of every code.
const LENGTH: usize = 6;
/// The same, for texts.
pub(super) const LENGTHS: &[(&str, &str)] = &[("length", "6")];
