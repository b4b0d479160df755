//! Pages that offer a choice: what to enrol, how to prove it, which phone or address, which country
//! (`docs/COMPATIBILITY.md` C1821, C1824, C1828-C1829).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::guardian::{Factor, MessageType};
use ringpass_core::model::texts::Screen;

use super::super::countries;
use super::super::limits;
use super::super::show::to;
use super::aside::Link;
use super::waiting::{Name, Waiting};
use super::{PATH, PageError, begin, enroll, factors, lead, phone, ways};
use crate::app::App;
use crate::web::{Call, Reply};

/// What to enrol.
pub(super) const FACTORS: &str = "/u/mfa-begin-enroll-options";
/// How to prove it.
pub(super) const OPTIONS: &str = "/u/mfa-login-options";
/// Which phone.
pub(super) const PHONES: &str = "/u/mfa-sms-list";
/// Which address.
pub(super) const ADDRESSES: &str = "/u/mfa-email-list";
/// Which country.
pub(super) const COUNTRIES: &str = "/u/mfa-country-codes";

/// The list.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/choices.html")]
struct Widget<'a> {
    t: Screen<'a>,
    state: &'a str,
    path: &'static str,
    error: Option<&'a str>,
    choices: Vec<Choice<'a>>,
    back: Option<String>,
}

/// A button of it.
#[derive(Debug)]
struct Choice<'a> {
    value: String,
    text: &'a str,
    detail: Option<String>,
}

/// The page with all that this person may choose from in the place of what they see.
pub(super) fn path(app: &App, waiting: &Waiting) -> &'static str {
    if waiting.is_enrolling(app) { FACTORS } else { OPTIONS }
}

/// The button that leads there, if there is anything to choose.
pub(super) fn other(app: &App, waiting: &Waiting) -> Option<Link> {
    let many = if waiting.is_enrolling(app) { factors(app, waiting).len() } else { kinds(app, waiting).len() };
    (many > 1).then_some(("pick-authenticator", "pickAuthenticatorText", ""))
}

/// `GET` of every one of them.
pub(in super::super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let list = List::of(&call);
    limits::page(&app, &call, list.path()).await?;
    let waiting = match Waiting::of_page(&app, &call).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    if !list.has_its_turn(&app, &waiting) {
        return Ok(to(&waiting.at(PATH)));
    }
    Ok(page(&app, &waiting, list, None, StatusCode::OK))
}

/// `POST` of every one of them.
pub(in super::super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let list = List::of(&call);
    limits::form(&app, &call, list.path()).await?;
    let (waiting, form) = match Waiting::of_form(&app, &call).await {
        Ok(found) => found,
        Err(elsewhere) => return *elsewhere,
    };
    if !list.has_its_turn(&app, &waiting) {
        return Ok(to(&waiting.at(PATH)));
    }
    let action = form.get("action");
    match list {
        List::Factors => {
            let wanted = factors(&app, &waiting).into_iter().find(|factor| word(&app, *factor) == action);
            match wanted {
                Some(factor) => {
                    waiting.turn(&call).choose(&app, None).await?;
                    enroll(&app, &call, &waiting, factor).await
                }
                None => Ok(to(&waiting.at(PATH))),
            }
        }
        List::Countries => {
            let code = action.strip_prefix(SELECTED).map(|rest| rest.trim_end_matches(|c: char| c.is_ascii_digit()));
            let all = countries::list("en", app.snapshot().countries.as_ref());
            let chosen = all.into_iter().find(|country| Some(country.code) == code);
            let chosen = chosen.map(|country| format!("&country={}", country.code)).unwrap_or_default();
            Ok(to(&format!("{}{chosen}", waiting.at(phone::path(&app)))))
        }
        List::Options => {
            let usable = waiting.usable(&app);
            match usable.iter().find(|one| word_of(&app, one) == action) {
                Some(one) => begin(&app, &call, &waiting, one).await,
                None => lead(&app, &call, &waiting).await,
            }
        }
        List::Phones | List::Addresses => {
            let at = action.strip_prefix(SELECTED).and_then(|at| at.parse::<usize>().ok());
            match at.and_then(|at| of_kind(&app, &waiting, list.kind()).into_iter().nth(at)) {
                Some(one) => begin(&app, &call, &waiting, &one).await,
                None => lead(&app, &call, &waiting).await,
            }
        }
    }
}

/// The page that offers all ways to prove it, with a word on why.
pub(super) fn options(app: &App, waiting: &Waiting, error: Option<&'static str>, status: StatusCode) -> Reply {
    page(app, waiting, List::Options, error, status)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Factors,
    Options,
    Phones,
    Addresses,
    Countries,
}

impl List {
    fn of(call: &Call) -> Self {
        let all = [Self::Factors, Self::Options, Self::Phones, Self::Addresses, Self::Countries];
        all.into_iter().find(|list| list.path() == call.path).unwrap_or(Self::Options)
    }

    fn path(self) -> &'static str {
        match self {
            Self::Factors => FACTORS,
            Self::Options => OPTIONS,
            Self::Phones => PHONES,
            Self::Addresses => ADDRESSES,
            Self::Countries => COUNTRIES,
        }
    }

    fn name(self) -> Name {
        match self {
            Self::Factors => ("mfa", "mfa-begin-enroll-options"),
            Self::Options => ("mfa", "mfa-login-options"),
            Self::Phones => ("mfa-sms", "mfa-sms-list"),
            Self::Addresses => ("mfa-email", "mfa-email-list"),
            Self::Countries => ("mfa-sms", "mfa-country-codes"),
        }
    }

    fn kind(self) -> Kind {
        if self == Self::Addresses { Kind::Email } else { Kind::Phone }
    }

    /// Some are for who enrols, the others for who has enrolled.
    fn has_its_turn(self, app: &App, waiting: &Waiting) -> bool {
        match self {
            Self::Factors | Self::Countries => waiting.is_enrolling(app),
            Self::Options => !waiting.is_enrolling(app),
            Self::Phones | Self::Addresses => {
                !waiting.is_enrolling(app) && of_kind(app, waiting, self.kind()).len() > 1
            }
        }
    }
}

/// The authenticators of a kind, oldest first: an order that using them does not change.
fn of_kind(app: &App, waiting: &Waiting, kind: Kind) -> Vec<Authenticator> {
    let mut all = waiting.usable(app);
    all.retain(|one| one.kind == kind);
    all.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    all
}

/// The first of each kind.
fn kinds(app: &App, waiting: &Waiting) -> Vec<Authenticator> {
    let mut kinds: Vec<Authenticator> = Vec::new();
    for one in waiting.usable(app) {
        if kinds.iter().all(|other| other.kind != one.kind) {
            kinds.push(one);
        }
    }
    kinds
}

/// The `action` that enrols something of this factor.
fn word(app: &App, factor: Factor) -> &'static str {
    match factor {
        Factor::Otp | Factor::Email => factor.name(),
        _ => word_of_ways(app.snapshot().guardian.message_types()),
    }
}

/// The `action` that chooses this authenticator.
fn word_of(app: &App, one: &Authenticator) -> &'static str {
    match one.kind {
        Kind::Phone => word_of_ways(&ways(app, one)),
        Kind::Totp | Kind::Email | Kind::RecoveryCode => one.kind.requirement(),
    }
}

fn word_of_ways(ways: &[MessageType]) -> &'static str {
    match ways {
        [MessageType::Sms] => "sms",
        [MessageType::Voice] => "voice",
        _ => "phone",
    }
}

/// The key of the text for such a word.
fn key(word: &str) -> &'static str {
    match word {
        "sms" => "authenticatorNamesSMS",
        "voice" => "authenticatorNamesVoice",
        "phone" => "authenticatorNamesPhone",
        "otp" => "authenticatorNamesOTP",
        "email" => "authenticatorNamesEmail",
        _ => "authenticatorNamesRecoveryCode",
    }
}

fn page(app: &App, waiting: &Waiting, list: List, error: Option<&'static str>, status: StatusCode) -> Reply {
    let t = waiting.screen(list.name());
    let named = |word: &'static str, detail| Choice { value: word.to_owned(), text: t.get(key(word)), detail };
    let choices = match list {
        List::Factors => factors(app, waiting).into_iter().map(|factor| named(word(app, factor), None)).collect(),
        List::Options => kinds(app, waiting).into_iter().map(|one| named(word_of(app, &one), one.masked())).collect(),
        List::Phones | List::Addresses => {
            let all = of_kind(app, waiting, list.kind()).into_iter().enumerate();
            let choice = |(at, one): (usize, Authenticator)| Choice {
                value: format!("{SELECTED}{at}"),
                text: t.get(key(word_of(app, &one))),
                detail: one.masked(),
            };
            all.map(choice).collect()
        }
        List::Countries => {
            let tag = waiting.running.look.lang().tag();
            let all = countries::list(tag, app.snapshot().countries.as_ref()).into_iter();
            let choice = |country: &'static countries::Country| Choice {
                value: format!("{SELECTED}{}{}", country.code, country.calling),
                text: &country.label,
                detail: None,
            };
            all.map(choice).collect()
        }
    };
    let back = if list == List::Countries { phone::path(app) } else { PATH };
    let has_back = list == List::Countries || waiting.chosen(app).is_some();
    let widget = Widget {
        t,
        state: &waiting.running.stored.id,
        path: list.path(),
        error: error.map(|key| t.get(key)),
        choices,
        back: has_back.then(|| waiting.at(back)),
    };
    waiting.page(list.name(), status, &widget)
}

/// What the `action` of a list's line begins with.
const SELECTED: &str = "selection-action::";
