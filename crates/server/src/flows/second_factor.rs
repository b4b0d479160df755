//! The second factor of a sign-in on the hosted pages: what is chosen and sent is noted on the sign-in, and the right code
//! begins the session in the transaction that finds it right (`docs/COMPATIBILITY.md` C1812-C1813).

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::ids;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::{self, Authenticator};
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::guardian::{Factor, MessageType};
use ringpass_core::model::login::{Login, Second, Step};
use ringpass_core::model::user::User;
use ringpass_core::storage::logins::{self, Stored};
use ringpass_core::storage::{DbError, Tx, authenticators, enrollment_tickets, users};
use serde_json::json;

use super::login::{Begin, Turn};
use super::mfa::{self, Claimant, Enrolled, MfaRefused, Proven, Prover, Way};
use super::record::{self, Journal};
use crate::app::App;

/// What a person proves it with.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A code that was sent to the chosen authenticator.
    Code(String),
    /// A password that an application shows.
    Application(String),
    /// A recovery code.
    Recovery(String),
}

/// Where a right code leads.
#[derive(Debug, Clone)]
pub enum Advanced {
    /// The session has begun.
    Entered(Entered),
    /// Something is enrolled with a ticket; there is no session.
    Enrolled,
    /// A recovery code is to be shown first; the text says that the one before was used.
    Recovery {
        /// The code that takes the place of the one that was used; drawn anew by the page where there was none.
        replaced: bool,
    },
}

/// The cookies of a sign-in that is complete.
#[derive(Debug, Clone)]
pub struct Entered {
    /// The session's.
    pub session: String,
    /// The one that the browser is remembered by, if it is to be.
    pub remembered: Option<String>,
}

impl Turn<'_> {
    /// Who is to prove a second factor; nothing when this sign-in waits for none, or for too long.
    pub async fn claimant(&self, app: &App, locale: &str, request: mfa::Origin) -> Result<Option<Claimant>, DbError> {
        let login = &self.stored.login;
        let Some(second) = login.second.as_ref().filter(|_| login.step == Step::SecondFactor) else { return Ok(None) };
        if second.is_over(app.clock.now()) {
            return Ok(None);
        }
        let (user_id, asking) = (second.user_id.clone(), Begin::of(app, self).asking().clone());
        let found = app.db.read("second_factor.user", move |tx| {
            let Some(user) = users::get(tx, &user_id)? else { return Ok(None) };
            let browser = asking.proven_browser(tx, &user)?;
            Ok(Some((user, browser)))
        });
        // Whoever knew a password that was changed since has proven nothing.
        let since = second.since;
        let is_good = |user: &User| !user.is_blocked() && user.last_password_reset.is_none_or(|at| at <= since);
        let Some((user, browser)) = found.await?.filter(|(user, _)| is_good(user)) else { return Ok(None) };
        Ok(Some(Claimant {
            transaction_id: self.stored.id.clone(),
            user,
            client: std::sync::Arc::clone(self.client),
            caller: self.caller.clone(),
            locale: locale.to_owned(),
            request,
            may_add: login.enrollment.as_ref().is_some_and(|enrollment| enrollment.wishes.may_add),
            token_since: None,
            shows_recovery: false,
            browser,
        }))
    }

    /// Sends a code to an authenticator and notes it.
    pub async fn challenge(
        &self,
        app: &App,
        claimant: &Claimant,
        one: &Authenticator,
        way: Way,
    ) -> Result<(), MfaRefused> {
        let challenged = mfa::challenge(app, claimant, one, way).await?;
        Ok(self.note(app, Some(one.id.clone()), Some((way, challenged.at))).await?)
    }

    /// Chooses an authenticator to which nothing is sent, or none.
    pub async fn choose(&self, app: &App, id: Option<String>) -> Result<(), DbError> {
        self.note(app, id, None).await
    }

    /// Enrols a phone, sends a code to it and notes it.
    pub async fn enroll_phone(
        &self,
        app: &App,
        claimant: &Claimant,
        number: &str,
        message_type: MessageType,
    ) -> Result<(), MfaRefused> {
        let Enrolled { authenticator, challenged, .. } = mfa::phone(app, claimant, number, message_type).await?;
        let sent = challenged.map(|challenged| (Way::Phone(message_type), challenged.at));
        Ok(self.note(app, Some(authenticator.id), sent).await?)
    }

    /// Enrols an authenticator application and notes it; its secret.
    pub async fn enroll_application(&self, app: &App, claimant: &Claimant) -> Result<Authenticator, MfaRefused> {
        let enrolled = mfa::totp(app, claimant).await?;
        self.note(app, Some(enrolled.authenticator.id.clone()), None).await?;
        Ok(enrolled.authenticator)
    }

    /// Enrols the address that the person has, sends a code to it and notes it.
    pub async fn enroll_email(&self, app: &App, claimant: &Claimant) -> Result<(), MfaRefused> {
        let address = claimant.user.email.as_deref().ok_or(MfaRefused::BadEmail)?;
        let Enrolled { authenticator, challenged, .. } = mfa::email(app, claimant, address).await?;
        Ok(self.note(app, Some(authenticator.id), challenged.map(|challenged| (Way::Email, challenged.at))).await?)
    }

    async fn note(&self, app: &App, id: Option<String>, sent: Option<(Way, Millis)>) -> Result<(), DbError> {
        let now = app.clock.now();
        let change = move |second: &mut Second| {
            second.at = now;
            second.authenticator = id;
            second.way = sent.map(|(way, _)| way.name().to_owned());
            second.sent_at = sent.map(|(_, at)| at);
        };
        let login_id = self.stored.id.clone();
        app.db
            .write("second_factor.note", move |tx| {
                let Some(mut login) = waiting(tx, &login_id, now)? else { return Ok(()) };
                login.second.as_mut().map(change);
                logins::put(tx, &login_id, &login)
            })
            .await
    }

    /// Proves the second factor: begins the session, unless a recovery code is to be shown first.
    pub async fn prove(
        &self,
        app: &App,
        claimant: Claimant,
        proof: Proof,
        remember: bool,
    ) -> Result<Advanced, MfaRefused> {
        let step = Box::new(self.completion(app, &claimant));
        let prover = Box::new(match proof {
            Proof::Recovery(_) => Prover::by_recovery(app, claimant),
            Proof::Code(_) | Proof::Application(_) => Prover::of(app, claimant),
        });
        let has_recovery = app.snapshot().guardian.is_enabled(Factor::RecoveryCode);
        app.db
            .write("second_factor.prove", move |tx| {
                let Some(mut login) = waiting(tx, &step.login_id, step.now)? else {
                    return Ok(Err(MfaRefused::CodeExpired));
                };
                let ticket = login.enrollment.as_ref().map(|enrollment| enrollment.ticket.clone());
                if let Some(ticket) = &ticket {
                    // The user first, as whoever removes one does.
                    users::get_for_update(tx, &step.user.user_id)?;
                    if !enrollment_tickets::hold(tx, ticket, step.now)? {
                        return Ok(Err(MfaRefused::NotEnrolled(authenticator::Kind::Phone)));
                    }
                }
                let chosen = login.second.as_ref().and_then(|second| second.authenticator.clone()).unwrap_or_default();
                let judged = match &proof {
                    Proof::Code(typed) => prover.code(tx, &chosen, typed)?,
                    Proof::Application(typed) => prover.application(tx, typed)?,
                    Proof::Recovery(typed) => prover.recovery(tx, typed)?,
                };
                let Proven { is_new, recovery_code, .. } = match judged {
                    Ok(right) => right,
                    Err(refused) => return Ok(Err(refused)),
                };
                if let Some(ticket) = &ticket {
                    // It is for enrolling, and for nothing else.
                    if !is_new {
                        return Ok(Err(MfaRefused::AlreadyEnrolled));
                    }
                    enrollment_tickets::consume(tx, ticket, step.now)?;
                }
                login.amr = true;
                let shows = recovery_code.is_some() || (is_new && has_recovery && !has_code(tx, &step.user)?);
                if let Some(second) = login.second.as_mut() {
                    second.remember = remember;
                    second.at = step.now;
                    second.recovery = shows.then_some(recovery_code.is_some());
                }
                if shows {
                    logins::put(tx, &step.login_id, &login)?;
                    return Ok(Ok(Advanced::Recovery { replaced: recovery_code.is_some() }));
                }
                step.finish(tx, login).map(Ok)
            })
            .await?
    }

    /// A new recovery code of a person who has just proven the second factor, and nothing for anybody else; every call
    /// voids the one before.
    pub async fn recovery_code(&self, app: &App, claimant: &Claimant) -> Result<Option<Secret>, DbError> {
        let (code, one) = mfa::recovery_authenticator(app, &claimant.user.user_id, true);
        let (id, now) = (self.stored.id.clone(), app.clock.now());
        let work = move |tx: &mut Tx<'_>| {
            let is_due = waiting(tx, &id, now)?.is_some_and(|login| is_proven(&login));
            if is_due {
                authenticators::put(tx, &one)?;
            }
            Ok(is_due)
        };
        Ok(app.db.write("second_factor.recovery", work).await?.then_some(code))
    }

    /// Whether this is the person's recovery code, and not one that another has taken the place of.
    pub async fn is_recovery_code(&self, app: &App, claimant: &Claimant, code: &Secret) -> Result<bool, DbError> {
        let user_id = &claimant.user.user_id;
        let hash = authenticator::recovery_hash(&app.hash_key, user_id, code.expose());
        let all = mfa::all(app, &claimant.user).await?;
        Ok(all.iter().any(|one| one.recovery_hash.as_ref() == Some(&hash)))
    }

    /// The person is gone, or took too long: the sign-in begins with its first factor again. One by a ticket is over.
    pub async fn begin_anew(&self, app: &App) -> Result<(), DbError> {
        let (id, now) = (self.stored.id.clone(), app.clock.now());
        let work = move |tx: &mut Tx<'_>| {
            let Some(Stored { mut login, .. }) = logins::get_for_update(tx, &id, now)? else { return Ok(()) };
            if login.step != Step::SecondFactor {
                return Ok(());
            }
            if login.enrollment.is_some() {
                login.step = Step::Done;
            } else {
                login.step = Step::Open;
                login.amr = false;
            }
            login.second = None;
            logins::put(tx, &id, &login)
        };
        app.db.write("second_factor.begin_anew", work).await
    }

    /// The person has kept their recovery code: the session begins.
    pub async fn keep_recovery(&self, app: &App, claimant: &Claimant) -> Result<Option<Advanced>, DbError> {
        let step = self.completion(app, claimant);
        app.db
            .write("second_factor.kept", move |tx| {
                let login = waiting(tx, &step.login_id, step.now)?;
                login.filter(is_proven).map(|login| step.finish(tx, login)).transpose()
            })
            .await
    }

    fn completion(&self, app: &App, claimant: &Claimant) -> Completion {
        Completion {
            login_id: self.stored.id.clone(),
            user: claimant.user.clone(),
            begin: Begin::of(app, self),
            // A new one each time: whoever put a cookie into this browser before must not share it.
            remembered: ids::short_token(&app.rng),
            success: self.success(&claimant.user),
            journal: app.journal.clone(),
            now: app.clock.now(),
        }
    }

    /// `s`: the first factor's flow has only written that a second one is asked for.
    fn success(&self, user: &User) -> Event {
        let request = &self.stored.login.request;
        Event {
            user_id: user.user_id.clone(),
            user_name: user.identifier().unwrap_or_default().to_owned(),
            connection: user.connection.clone(),
            client_id: self.client.id.clone(),
            client_name: self.client.name().to_owned(),
            audience: request.audience.clone().unwrap_or_default(),
            scope: request.scope.clone(),
            ..record::event("s", &self.caller)
        }
    }
}

/// What completes a sign-in, inside its transaction.
struct Completion {
    login_id: String,
    user: User,
    begin: Begin,
    remembered: String,
    success: Event,
    journal: Journal,
    now: Millis,
}

impl Completion {
    /// Everything is proven: the session begins, but for an enrolment by a ticket.
    fn finish(&self, tx: &mut Tx<'_>, mut login: Login) -> Result<Advanced, DbError> {
        if login.enrollment.is_none() {
            return self.enter(tx, login).map(Advanced::Entered);
        }
        login.step = Step::Done;
        logins::put(tx, &self.login_id, &login)?;
        Ok(Advanced::Enrolled)
    }

    /// Begins the session and notes the sign-in.
    fn enter(&self, tx: &mut Tx<'_>, login: Login) -> Result<Entered, DbError> {
        let remember = login.second.as_ref().is_some_and(|second| second.remember);
        let mut user = self.user.clone();
        user.signed_in(&self.begin.caller().ip, self.now);
        users::record_sign_in(tx, &user)?;
        self.begin.enter(tx, login, &user)?;
        if remember {
            self.begin.asking().remember(tx, &user, &self.remembered)?;
        }
        let details = json!({"prompts": [{"name": "mfa"}], "session_id": self.begin.fresh.id,
            "stats": {"loginsCount": user.logins_count}});
        self.journal.write(tx, Event { details: Details::of(&details), ..self.success.clone() })?;
        let remembered = remember.then(|| self.remembered.clone());
        Ok(Entered { session: self.begin.fresh.cookie.clone(), remembered })
    }
}

/// The sign-in, locked, if it still waits for a second factor.
fn waiting(tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<Option<Login>, DbError> {
    let Some(Stored { login, .. }) = logins::get_for_update(tx, id, now)? else { return Ok(None) };
    let waits = login.step == Step::SecondFactor && login.second.as_ref().is_some_and(|second| !second.is_over(now));
    Ok(Some(login).filter(|_| waits))
}

/// Whether its second factor is proven, and a recovery code is to be kept.
fn is_proven(login: &Login) -> bool {
    login.second.as_ref().is_some_and(|second| second.recovery.is_some())
}

/// Whether the user has a recovery code that works.
fn has_code(tx: &mut Tx<'_>, user: &User) -> Result<bool, DbError> {
    let all = authenticators::list_of_user(tx, &user.user_id)?;
    Ok(all.iter().any(|one| one.kind == authenticator::Kind::RecoveryCode && one.confirmed))
}
