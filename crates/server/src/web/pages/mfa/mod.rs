//! The second factor on the hosted pages (`docs/COMPATIBILITY.md` C1820-C1836).
//!
//! `/u/mfa` leads to the page that a person is to see now; every other page leads there when it has nothing to say.

pub(super) mod application;
mod aside;
pub(super) mod choices;
pub(super) mod code;
pub(super) mod phone;
pub(super) mod recovery;
pub(super) mod ticket;
mod told;
mod waiting;

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::guardian::{Factor, MessageType};

use super::running::Running;
use super::show::to;
use super::{PageError, cookies, limits};
use crate::app::App;
use crate::flows::mfa::{MfaRefused, Way};
use crate::flows::second_factor::{Advanced, Entered};
use crate::web::{Call, Reply};
use code::Place;
use told::Told;
use waiting::Waiting;

/// Where a sign-in goes whose first factor is proven.
pub(super) const PATH: &str = "/u/mfa";

/// `GET /u/mfa`.
pub(super) async fn open(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, PATH).await?;
    match Waiting::of_page(&app, &call).await {
        Ok(waiting) => lead(&app, &call, &waiting).await,
        Err(elsewhere) => *elsewhere,
    }
}

/// Where a person goes who has not said anything else.
async fn lead(app: &App, call: &Call, waiting: &Waiting) -> Result<Reply, PageError> {
    if let Some(chosen) = waiting.chosen(app) {
        return Ok(to(&waiting.at(page_of(app, waiting, chosen))));
    }
    if !waiting.is_enrolling(app) {
        let usable = waiting.usable(app);
        return match usable.first() {
            Some(one) => begin(app, call, waiting, one).await,
            None => Ok(choices::options(app, waiting, Some("authenticator-error"), StatusCode::OK)),
        };
    }
    let factors = factors(app, waiting);
    match factors.first() {
        Some(_) if factors.len() > 1 && app.snapshot().settings.mfa_show_factor_list_on_enrollment() => {
            Ok(to(&waiting.at(choices::FACTORS)))
        }
        Some(factor) => enroll(app, call, waiting, *factor).await,
        None if waiting.by_ticket().is_some() => Ok(ticket::nothing(&waiting.running)),
        None => Ok(choices::options(app, waiting, Some("authenticator-error"), StatusCode::OK)),
    }
}

/// What somebody may enrol here, the best first; by a ticket that names one, only that.
fn factors(app: &App, waiting: &Waiting) -> Vec<Factor> {
    let guardian = &app.snapshot().guardian;
    let only = waiting.by_ticket().and_then(|wishes| wishes.factor.is_some().then(|| wishes.factor()));
    let factors = match only {
        None => vec![Factor::Otp, Factor::Sms],
        Some(only) => [Factor::Otp, Factor::Sms, Factor::Email].into_iter().filter(|it| Some(*it) == only).collect(),
    };
    factors.into_iter().filter(|factor| guardian.is_enabled(*factor)).collect()
}

/// Begins to enrol something of this factor.
async fn enroll(app: &App, call: &Call, waiting: &Waiting, factor: Factor) -> Result<Reply, PageError> {
    if factor == Factor::Sms {
        return Ok(to(&waiting.at(phone::path(app))));
    }
    let (turn, claimant) = (waiting.turn(call), &waiting.claimant);
    let begun = match factor {
        Factor::Email => turn.enroll_email(app, claimant).await.map(|()| Place::Email.path()),
        _ => turn.enroll_application(app, claimant).await.map(|_| application::PICTURE),
    };
    match begun {
        Ok(path) => Ok(to(&waiting.at(path))),
        Err(MfaRefused::Database(error)) => Err(error.into()),
        Err(MfaRefused::AlreadyEnrolled) if waiting.by_ticket().is_some() => Ok(ticket::already(&waiting.running)),
        Err(_) if waiting.by_ticket().is_some() => Ok(ticket::nothing(&waiting.running)),
        Err(refused) => {
            let key = told::key(&refused, None);
            Ok(choices::options(app, waiting, Some(key), StatusCode::BAD_REQUEST))
        }
    }
}

/// Begins to ask for a proof by `one`: sends a code where one is sent.
async fn begin(app: &App, call: &Call, waiting: &Waiting, one: &Authenticator) -> Result<Reply, PageError> {
    match one.kind {
        Kind::Totp => Ok(to(&waiting.at(Place::Application.path()))),
        Kind::RecoveryCode => Ok(to(&waiting.at(recovery::ASK))),
        Kind::Email => send(app, call, waiting, one, Way::Email).await,
        Kind::Phone => match (wish(app, one), ways(app, one).first()) {
            (Some(way), _) => send(app, call, waiting, one, Way::Phone(way)).await,
            (None, Some(_)) => {
                waiting.turn(call).choose(app, Some(one.id.clone())).await?;
                Ok(to(&waiting.at(phone::CHALLENGE)))
            }
            (None, None) => Ok(choices::options(app, waiting, Some("sms-authenticator-error"), StatusCode::OK)),
        },
    }
}

/// Sends a code, and leads to the page that takes it.
async fn send(app: &App, call: &Call, waiting: &Waiting, one: &Authenticator, way: Way) -> Result<Reply, PageError> {
    let place = Place::of(way);
    // It is on its way already: another code would say the same.
    if waiting.wait(app, one, way) > 0 {
        return Ok(to(&waiting.at(place.path())));
    }
    let turn = waiting.turn(call);
    let again = waiting.is_sent(one, way);
    match turn.challenge(app, &waiting.claimant, one, way).await {
        // Reloading the page that follows sends nothing.
        Ok(()) => Ok(to(&format!("{}{}", waiting.at(place.path()), if again { "&sent" } else { "" }))),
        Err(MfaRefused::Database(error)) => Err(error.into()),
        Err(refused) => {
            if waiting.second.authenticator.as_ref() != Some(&one.id) {
                turn.choose(app, Some(one.id.clone())).await?;
            }
            let told = Told::error(told::key(&refused, Some(way)));
            Ok(code::page(app, waiting, place, one, &told, StatusCode::BAD_REQUEST))
        }
    }
}

/// The page that takes a proof by what was chosen.
fn page_of(app: &App, waiting: &Waiting, one: &Authenticator) -> &'static str {
    match one.kind {
        Kind::Totp if one.confirmed => Place::Application.path(),
        Kind::Totp => application::PICTURE,
        Kind::RecoveryCode => recovery::ASK,
        Kind::Email => Place::Email.path(),
        Kind::Phone => {
            let sent = waiting.second.way.as_deref().and_then(MessageType::parse);
            match sent.or(wish(app, one)) {
                Some(way) => Place::of(Way::Phone(way)).path(),
                None => phone::CHALLENGE,
            }
        }
    }
}

/// The ways to a phone that are on.
fn ways(app: &App, one: &Authenticator) -> Vec<MessageType> {
    one.channels().into_iter().filter(|way| Way::Phone(*way).is_on(app)).collect()
}

/// The way that the owner of a phone prefers, or the only one; nothing where they are to be asked.
fn wish(app: &App, one: &Authenticator) -> Option<MessageType> {
    let ways = ways(app, one);
    let preferred = one.about.preferred.as_deref().and_then(MessageType::parse).filter(|way| ways.contains(way));
    preferred.or(if let [only] = ways.as_slice() { Some(*only) } else { None })
}

/// Where a right code leads.
fn advanced(app: &App, running: &Running, advanced: Advanced) -> Reply {
    match advanced {
        Advanced::Entered(entered) => enter(app, running, &entered),
        Advanced::Enrolled => to(&running.at(ticket::RESULT)),
        Advanced::Recovery { replaced } => to(&running.at(recovery::shown_at(replaced))),
    }
}

/// The sign-in is complete.
fn enter(app: &App, running: &Running, entered: &Entered) -> Reply {
    let reply = running.entered(app, Some(&entered.session));
    match &entered.remembered {
        Some(secret) => reply.and_cookie(&cookies::set_remembered(app, secret)),
        None => reply,
    }
}

/// A proof was refused: the text to show, or where a sign-in leads that has gone on meanwhile, such as by the same form
/// sent twice.
async fn refused(
    app: &App,
    call: &Call,
    waiting: &Waiting,
    refused: MfaRefused,
    way: Option<Way>,
) -> Result<Result<&'static str, Reply>, PageError> {
    match refused {
        MfaRefused::Database(error) => Err(error.into()),
        MfaRefused::CodeExpired | MfaRefused::AlreadyEnrolled | MfaRefused::NotEnrolled(_) => {
            let again = Running::of_page_again(app, call, &waiting.running).await?;
            match Waiting::find(app, call, again).await {
                Err(elsewhere) => elsewhere.map(Err),
                Ok(again) if refused == MfaRefused::AlreadyEnrolled => Ok(Err(to(&again.at(PATH)))),
                Ok(_) => Ok(Ok(told::key(&refused, way))),
            }
        }
        refused => Ok(Ok(told::key(&refused, way))),
    }
}
