//! `/authorize/resume`: the person has proven who they are; the application gets its answer, once (C1344).

use ringpass_core::kit::clock::Millis;
use ringpass_core::model::authorization::OauthError;
use ringpass_core::model::event::Event;
use ringpass_core::model::login::{Login, Step};
use ringpass_core::storage::logins::{self, Stored};
use ringpass_core::storage::{DbError, Tx, sessions, users};

use super::answer::{Answering, Draft, Recorded};
use super::begin::event;
use super::{Answer, Target, error};
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::consent;
use crate::flows::grant;
use crate::flows::record::Journal;

/// What a sign-in that comes to its end leads to.
#[derive(Debug)]
pub enum Resumed {
    /// The application has its answer.
    Answered(Answer),
    /// The person has yet to prove who they are.
    NotYet,
    /// They have yet to prove a second factor.
    SecondFactor,
    /// They have yet to consent.
    Consent,
    /// It had its answer before.
    Over,
}

/// Ends a sign-in with an answer to the application.
pub async fn resume(app: &App, stored: &Stored, target: Target, caller: Caller) -> Result<Resumed, DbError> {
    let request = stored.login.request.clone();
    let granted = match grant::for_user(app, &target.client, request.audience.as_deref(), &request.scope).await {
        Ok(granted) => granted,
        Err(grant::Refused::Database(error)) => return Err(error),
        Err(refused) => {
            let refusal = OauthError::new("access_denied", refused.sentence());
            return Ok(Resumed::Answered(error(app, &target, &refusal)));
        }
    };
    let draft = Draft::draw(app, &request, &granted);
    let idle = app.snapshot().settings.session_lifetimes().1;
    let answering = Answering { target, request, granted, caller, draft, idle, is_met: stored.login.is_met };
    let (turn, id, journal, now) = (answering.clone(), stored.id.clone(), app.journal.clone(), app.clock.now());
    let outcome = app.db.write("authorize.resume", move |tx| take(tx, &turn, &id, &journal, now)).await?;
    Ok(match outcome {
        Outcome::NotYet => Resumed::NotYet,
        Outcome::SecondFactor => Resumed::SecondFactor,
        Outcome::Consent => Resumed::Consent,
        Outcome::Over => Resumed::Over,
        Outcome::Refused(refusal) => Resumed::Answered(error(app, &answering.target, &refusal)),
        Outcome::Recorded(recorded) => {
            let target = answering.target.clone();
            let failed = || error(app, &target, &OauthError::new("server_error", "A token could not be signed"));
            Resumed::Answered(answering.answer(app, *recorded).await.unwrap_or_else(failed))
        }
    })
}

enum Outcome {
    NotYet,
    SecondFactor,
    Consent,
    Over,
    Refused(OauthError),
    Recorded(Box<Recorded>),
}

fn take(tx: &mut Tx<'_>, turn: &Answering, id: &str, journal: &Journal, now: Millis) -> Result<Outcome, DbError> {
    let Some(Stored { mut login, .. }) = logins::get_for_update(tx, id, now)? else { return Ok(Outcome::Over) };
    let session_id = match &login.step {
        Step::Open => return Ok(Outcome::NotYet),
        Step::SecondFactor => return Ok(Outcome::SecondFactor),
        Step::Done => return Ok(Outcome::Over),
        Step::Authenticated { session_id } => session_id.clone(),
    };
    // The session may have been ended meanwhile, and its user deleted.
    let Some(session) = sessions::get(tx, &session_id, now)? else { return reopen(tx, id, login) };
    let Some(user) = users::get(tx, &session.user_id)? else { return reopen(tx, id, login) };
    if user.is_blocked() {
        let refusal = OauthError::new("unauthorized", "user is blocked");
        let event = event("f", &turn.target.client, &turn.caller);
        let description = refusal.description.clone();
        journal.write(tx, Event { description, user_id: user.user_id, connection: user.connection, ..event })?;
        return Ok(Outcome::Refused(refusal));
    }
    let asks_again = login.request.prompt.consent && !login.has_consented;
    if consent::is_needed(tx, &turn.target.client, &user, &turn.granted, asks_again)? {
        return Ok(Outcome::Consent);
    }
    login.step = Step::Done;
    logins::put(tx, id, &login)?;
    Ok(Outcome::Recorded(Box::new(turn.record(tx, session, user, login.amr, now)?)))
}

/// The person has to begin anew.
fn reopen(tx: &mut Tx<'_>, id: &str, login: Login) -> Result<Outcome, DbError> {
    logins::put(tx, id, &Login { step: Step::Open, sent: None, second: None, amr: false, is_met: false, ..login })?;
    Ok(Outcome::NotYet)
}
