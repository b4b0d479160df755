//! A phone as second factor: `/u/mfa-{phone,sms,voice}-enrollment` asks for its number, `/u/mfa-phone-challenge` how a code is
//! to travel (`docs/COMPATIBILITY.md` C1824-C1825).

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::guardian::{Factor, MessageType};
use ringpass_core::model::phone::Phone;
use ringpass_core::model::phone_entry;
use ringpass_core::model::texts::Screen;

use super::super::countries::{self, Country};
use super::super::limits;
use super::super::show::to;
use super::aside::Aside;
use super::code::Place;
use super::waiting::{Name, Waiting};
use super::{PATH, PageError, choices, factors, send, told};
use crate::app::App;
use crate::flows::mfa::{MfaRefused, Way};
use crate::web::{Call, Reply};

/// The page that asks how a code is to travel.
pub(super) const CHALLENGE: &str = "/u/mfa-phone-challenge";
const PHONE: &str = "/u/mfa-phone-enrollment";
const SMS: &str = "/u/mfa-sms-enrollment";
const VOICE: &str = "/u/mfa-voice-enrollment";

/// The page that asks for a number: which one depends on the ways that are on.
pub(super) fn path(app: &App) -> &'static str {
    match app.snapshot().guardian.message_types() {
        [MessageType::Sms] => SMS,
        [MessageType::Voice] => VOICE,
        _ => PHONE,
    }
}

/// The form for a number.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/phone.html")]
struct Widget<'a> {
    t: Screen<'a>,
    state: &'a str,
    path: &'static str,
    countries: Vec<&'static Country>,
    country: &'a str,
    typed: &'a str,
    /// Key of the button's text.
    button: &'a str,
    /// Whether a call is wanted; nothing where there is no choice.
    voice: Option<bool>,
    error: Option<&'a str>,
    aside: Aside<'a>,
}

/// The form that asks for the way.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/phone_challenge.html")]
struct Ask<'a> {
    t: Screen<'a>,
    state: &'a str,
    path: &'static str,
    place: String,
    error: Option<&'a str>,
    aside: Aside<'a>,
}

/// What stands in the fields.
#[derive(Debug)]
struct Typed {
    number: String,
    /// ISO 3166 alpha-2.
    country: String,
    way: MessageType,
}

/// `GET` of the pages that ask for a number.
pub(in super::super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, path_of(&call)).await?;
    let waiting = match Waiting::of_page(&app, &call).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    if let Some(elsewhere) = elsewhere(&app, &call, &waiting) {
        return Ok(elsewhere);
    }
    let typed = Typed::at_first(&app, &call, &waiting);
    Ok(page(&app, &waiting, &typed, None, StatusCode::OK))
}

/// `POST` of the pages that ask for a number: a code is sent there.
pub(in super::super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, path_of(&call)).await?;
    let (waiting, form) = match Waiting::of_form(&app, &call).await {
        Ok(found) => found,
        Err(elsewhere) => return *elsewhere,
    };
    if let Some(elsewhere) = elsewhere(&app, &call, &waiting) {
        return Ok(elsewhere);
    }
    match form.get("action") {
        "pick-authenticator" => return Ok(to(&waiting.at(choices::FACTORS))),
        "pick-country-code" => return Ok(to(&waiting.at(choices::COUNTRIES))),
        _ => {}
    }
    let way = way_of(&app, MessageType::parse(form.get("type")));
    let typed = Typed { number: form.get("phone").trim().to_owned(), country: form.get("country").to_owned(), way };
    let refuse = |key| Ok(page(&app, &waiting, &typed, Some(key), StatusCode::BAD_REQUEST));
    let phone = match typed.read() {
        Ok(phone) => phone,
        Err(key) => return refuse(key),
    };
    let turn = waiting.turn(&call);
    match turn.enroll_phone(&app, &waiting.claimant, phone.as_str(), way).await {
        Ok(()) => Ok(to(&waiting.at(Place::of(Way::Phone(way)).path()))),
        Err(MfaRefused::Database(error)) => Err(error.into()),
        Err(refused) => refuse(told::key(&refused, Some(Way::Phone(way)))),
    }
}

/// The way that is wanted, if it is on; else text messages, if they are.
fn way_of(app: &App, wanted: Option<MessageType>) -> MessageType {
    let snapshot = app.snapshot();
    let on = snapshot.guardian.message_types();
    let mut ways = wanted.into_iter().chain([MessageType::Sms, MessageType::Voice]);
    ways.find(|way| on.contains(way)).unwrap_or(MessageType::Sms)
}

fn path_of(call: &Call) -> &'static str {
    [PHONE, SMS, VOICE].into_iter().find(|path| *path == call.path).unwrap_or(PHONE)
}

/// Where else to go: the ways that are on have a page of their own, and who has enrolled is not asked.
fn elsewhere(app: &App, call: &Call, waiting: &Waiting) -> Option<Reply> {
    if !waiting.is_enrolling(app) || !factors(app, waiting).contains(&Factor::Sms) {
        return Some(to(&waiting.at(PATH)));
    }
    (path_of(call) != path(app)).then(|| to(&waiting.at(path(app))))
}

impl Typed {
    /// The number that a code went to before.
    fn at_first(app: &App, call: &Call, waiting: &Waiting) -> Self {
        let before = waiting.unproven(Kind::Phone);
        let number = before.and_then(|one| one.phone_number.clone()).unwrap_or_default();
        let snapshot = app.snapshot();
        let tag = waiting.running.look.lang().tag();
        let allowed = snapshot.countries.as_ref();
        let picked =
            call.query("country").and_then(|code| countries::list(tag, allowed).into_iter().find(|it| it.code == code));
        let of_number = Phone::parse(&number).and_then(|phone| phone.country());
        let accepted = call.header(header::ACCEPT_LANGUAGE.as_str());
        let country = picked.map(|country| country.code.to_owned()).or(of_number);
        Self {
            number,
            country: country.unwrap_or_else(|| countries::at_first(tag, accepted, allowed).to_owned()),
            way: way_of(app, before.and_then(Authenticator::preferred)),
        }
    }

    /// The number, or the key of what is wrong with it.
    fn read(&self) -> Result<Phone, &'static str> {
        if self.number.is_empty() {
            return Err("no-phone");
        }
        phone_entry::read(&self.number, &self.country).ok_or(if self.number.chars().any(char::is_alphabetic) {
            "invalid-phone-format"
        } else {
            "invalid-phone"
        })
    }
}

fn page(app: &App, waiting: &Waiting, typed: &Typed, error: Option<&str>, status: StatusCode) -> Reply {
    let path = path(app);
    let name: Name = match path {
        SMS => ("mfa-sms", "mfa-sms-enrollment"),
        VOICE => ("mfa-voice", "mfa-voice-enrollment"),
        _ => ("mfa-phone", "mfa-phone-enrollment"),
    };
    let t = waiting.screen(name);
    let widget = Widget {
        t,
        state: &waiting.running.stored.id,
        path,
        countries: countries::list(waiting.running.look.lang().tag(), app.snapshot().countries.as_ref()),
        country: &typed.country,
        typed: &typed.number,
        button: if path == PHONE { "continueButtonText" } else { "buttonText" },
        voice: (path == PHONE).then_some(typed.way == MessageType::Voice),
        error: error.map(|key| t.get(key)),
        aside: Aside::of(waiting, t, path, choices::other(app, waiting).into_iter().collect()),
    };
    waiting.page(name, status, &widget)
}

/// `GET /u/mfa-phone-challenge`.
pub(in super::super) async fn ask(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, CHALLENGE).await?;
    let waiting = match Waiting::of_page(&app, &call).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    Ok(match target(&app, &waiting) {
        Some(one) => asked(&app, &waiting, one),
        None => to(&waiting.at(PATH)),
    })
}

/// `POST /u/mfa-phone-challenge`.
pub(in super::super) async fn choose(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, CHALLENGE).await?;
    let (waiting, form) = match Waiting::of_form(&app, &call).await {
        Ok(found) => found,
        Err(elsewhere) => return *elsewhere,
    };
    let Some(one) = target(&app, &waiting) else { return Ok(to(&waiting.at(PATH))) };
    match (form.get("action"), MessageType::parse(form.get("type"))) {
        ("pick-authenticator", _) => Ok(to(&waiting.at(choices::OPTIONS))),
        ("pick-phone", _) => Ok(to(&waiting.at(choices::PHONES))),
        (_, Some(way)) => send(&app, &call, &waiting, one, Way::Phone(way)).await,
        (_, None) => Ok(asked(&app, &waiting, one)),
    }
}

fn target<'a>(app: &App, waiting: &'a Waiting) -> Option<&'a Authenticator> {
    waiting.chosen(app).filter(|one| one.kind == Kind::Phone && one.confirmed)
}

fn asked(app: &App, waiting: &Waiting, one: &Authenticator) -> Reply {
    let name: Name = ("mfa-phone", "mfa-phone-challenge");
    let t = waiting.screen(name);
    let phones = waiting.usable(app).into_iter().filter(|other| other.kind == Kind::Phone).count();
    let change = (phones > 1).then_some(("pick-phone", "changePhoneText", ""));
    let links = change.into_iter().chain(choices::other(app, waiting)).collect();
    let widget = Ask {
        t,
        state: &waiting.running.stored.id,
        path: CHALLENGE,
        place: one.masked().unwrap_or_default(),
        error: None,
        aside: Aside::of(waiting, t, CHALLENGE, links),
    };
    waiting.page(name, StatusCode::OK, &widget)
}
