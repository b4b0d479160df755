//! `/authorize`: the session answers at once, or a sign-in begins (C1300-C1318).

use std::sync::Arc;

use ringpass_core::kit::clock::{HOUR, Millis, SECOND};
use ringpass_core::kit::ids;
use ringpass_core::model::authorization::{AuthorizationRequest, OauthError, Parameters};
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::event::Event;
use ringpass_core::model::login::{Login, Second, Step};
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::session::Session;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, logins, users};

use super::answer::{Answering, Draft, Recorded};
use super::{Answer, Target, error, not_allowed};
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::cross_origin::Shown;
use crate::flows::issue::hash_of;
use crate::flows::mfa::{Asking, Browser};
use crate::flows::record::{self, Journal};
use crate::flows::{consent, grant, session};
use crate::snapshot::Snapshot;

/// What a request for authorization leads to.
#[derive(Debug)]
pub enum Begun {
    /// The application has its answer; the cookie of a session that began, if one did.
    Answered(Answer, Option<String>),
    /// The person is to sign in; the sign-in's `state`.
    SignIn(String),
    /// They are to prove a second factor; the sign-in's `state`.
    SecondFactor(String),
    /// They are signed in, and are to say whether the application may have what it asks; the sign-in's `state`, and the
    /// cookie as before.
    Consent(String, Option<String>),
}

/// The browser that asks.
#[derive(Debug)]
pub struct Visitor {
    /// Its session's cookie.
    pub session: Option<String>,
    /// What it is named by while a sign-in is under way.
    pub browser: String,
    /// What it is known by.
    pub known: Browser,
    /// The ticket that it brings, if the request names one.
    pub shown: Option<Shown>,
    /// Who calls.
    pub caller: Caller,
}

/// Milliseconds that a sign-in may take from its first page to its last.
pub(super) const LOGIN_LIFETIME: Millis = HOUR;

/// Answers a request from the session that the browser's cookie proves, or begins a sign-in that belongs to this browser.
pub async fn begin(app: &App, target: Target, parameters: &Parameters, visitor: Visitor) -> Result<Begun, DbError> {
    let Visitor { session, browser, known, shown, caller } = visitor;
    let request = match admit(app, &target, parameters).await? {
        Ok(request) => request,
        Err((refusal, silent)) => {
            let event = event(if silent { "fsa" } else { "f" }, &target.client, &caller);
            note(app, Event { description: refusal.description.clone(), ..event }).await?;
            return Ok(Begun::Answered(error(app, &target, &refusal), None));
        }
    };
    let (request, granted) = request;
    let draft = Draft::draw(app, &request, &granted);
    let snapshot = app.snapshot();
    let idle = snapshot.settings.session_lifetimes().1;
    let asking = Asking::of(app, request.audience.as_deref(), &caller.ip);
    let asking = asking.on_pages(known, request.acr_values.as_deref());
    let answering = Answering { target, request, granted, caller, draft, idle, is_met: asking.is_always() };
    let id = ids::short_token(&app.rng);
    let turn = Box::new(Turn {
        answering: answering.clone(),
        cookie: session.unwrap_or_default(),
        key: app.hash_key.clone(),
        browser: hash_of(&app.hash_key, &browser),
        shown,
        asking,
        snapshot,
        journal: app.journal.clone(),
        id: id.clone(),
        now: app.clock.now(),
    });
    let began = turn.shown.as_ref().map(|shown| shown.fresh.cookie.clone());
    Ok(match app.db.write("authorize.begin", move |tx| turn.take(tx)).await? {
        Outcome::Refused(refusal) => Begun::Answered(error(app, &answering.target, &refusal), None),
        Outcome::SignIn => Begun::SignIn(id),
        Outcome::SecondFactor => Begun::SecondFactor(id),
        Outcome::Consent => Begun::Consent(id, began),
        Outcome::Recorded(recorded) => {
            let target = answering.target.clone();
            let failed = || error(app, &target, &OauthError::new("server_error", "A token could not be signed"));
            Begun::Answered(answering.answer(app, *recorded).await.unwrap_or_else(failed), began)
        }
    })
}

pub(super) type Admitted = Result<(AuthorizationRequest, grant::Granted), (OauthError, bool)>;

/// Reads the request and resolves what it asks; else the error, and whether the request was a silent one.
pub(super) async fn admit(app: &App, target: &Target, parameters: &Parameters) -> Result<Admitted, DbError> {
    let Target { client, redirect_uri, .. } = target;
    let silent = parameters.get("prompt") == Some("none");
    let refuse = |error| Ok(Err((error, silent)));
    let request = match AuthorizationRequest::read(parameters, &client.id, redirect_uri, client.is_public()) {
        Ok(request) => request,
        Err(error) => return refuse(error),
    };
    let kind = request.response_type;
    if kind.code && !client.allows_grant("authorization_code") {
        return refuse(not_allowed("Grant type 'authorization_code'"));
    }
    if kind.is_front_channel() && !client.allows_grant("implicit") {
        return refuse(not_allowed("Grant type 'implicit'"));
    }
    if let Some(name) = &request.connection {
        let known = app.find(|snapshot| snapshot.channel(name, &client.id)).await?;
        if known.is_none_or(|channel| !channel.connection.is_enabled_for(&client.id)) {
            return refuse(OauthError::new("invalid_request", format!("the connection was not found: {name}")));
        }
    }
    match grant::for_user(app, client, request.audience.as_deref(), &request.scope).await {
        Ok(granted) => Ok(Ok((request, granted))),
        Err(grant::Refused::Database(error)) => Err(error),
        Err(refused) => refuse(OauthError::new("access_denied", refused.sentence())),
    }
}

/// Everything that is needed inside the transaction.
struct Turn {
    answering: Answering,
    cookie: String,
    key: ringpass_core::kit::hash::MacKey,
    browser: String,
    shown: Option<Shown>,
    asking: Asking,
    snapshot: Arc<Snapshot>,
    journal: Journal,
    id: String,
    now: Millis,
}

enum Outcome {
    Refused(OauthError),
    SignIn,
    SecondFactor,
    Consent,
    Recorded(Box<Recorded>),
}

impl Turn {
    fn take(&self, tx: &mut Tx<'_>) -> Result<Outcome, DbError> {
        let silent = self.answering.request.prompt.none;
        let known = match &self.shown {
            Some(shown) => {
                let user = shown.take(tx, &self.snapshot, &self.answering.request, self.now)?;
                user.map(|user| (None, user))
            }
            None => self.known(tx)?.map(|(session, user)| (Some(session), user)),
        };
        let Some((session, user)) = known else {
            // A ticket that is not good was no question to the person.
            if silent || self.shown.is_some() {
                return self.refuse(tx, None, OauthError::new("login_required", "Login required"));
            }
            self.open(tx, Step::Open, None)?;
            return Ok(Outcome::SignIn);
        };
        if user.is_blocked() {
            return self.refuse(tx, Some(&user), OauthError::new("unauthorized", "user is blocked"));
        }
        if self.lacks_second_factor(tx, session.as_ref(), &user)? {
            if silent {
                // By these words Auth0's single-page SDK knows that a page is wanted, not a whole sign-in.
                let refusal = OauthError::new("login_required", "Multifactor authentication required");
                return self.refuse(tx, Some(&user), refusal);
            }
            self.write(tx, "mfar", Some(&user), String::new())?;
            self.open(tx, Step::SecondFactor, Some(Second::new(&user.user_id, self.now)))?;
            return Ok(Outcome::SecondFactor);
        }
        let session = match session {
            Some(session) => session,
            None => self.enter(tx, &user)?,
        };
        let Answering { target, request, granted, .. } = &self.answering;
        if consent::is_needed(tx, &target.client, &user, granted, request.prompt.consent)? {
            if silent {
                return self.refuse(tx, Some(&user), OauthError::new("consent_required", "Consent required"));
            }
            self.open(tx, Step::Authenticated { session_id: session.id }, None)?;
            return Ok(Outcome::Consent);
        }
        self.write(tx, if silent { "ssa" } else { "s" }, Some(&user), String::new())?;
        Ok(Outcome::Recorded(Box::new(self.answering.record(tx, session, user, false, self.now)?)))
    }

    /// The session that answers, and its user: none where the person has to prove again who they are.
    fn known(&self, tx: &mut Tx<'_>) -> Result<Option<(Session, User)>, DbError> {
        let request = &self.answering.request;
        let found = session::find(tx, &self.key, &self.snapshot, &self.cookie, self.now)?;
        let now = self.now / SECOND;
        let session = found.filter(|it| !request.wants_login(it.authenticated_at / SECOND, now)).filter(|it| {
            // Whoever asks for a one-time code gets one, unless nothing may be asked.
            request.connection.as_ref().is_none_or(|name| {
                let channel = self.snapshot.channel(name, &request.client_id);
                request.prompt.none
                    || channel.is_some_and(|it2| it2.connection.strategy == Strategy::Auth0 && it.connection == *name)
            })
        });
        let Some(session) = session else { return Ok(None) };
        let user = users::get(tx, &session.user_id)?;
        Ok(user.map(|user| (session, user)))
    }

    /// Begins the session of a ticket in the place of the one that the browser had.
    fn enter(&self, tx: &mut Tx<'_>, user: &User) -> Result<Session, DbError> {
        let Answering { request, caller, .. } = &self.answering;
        if let Some(old) = session::find(tx, &self.key, &self.snapshot, &self.cookie, self.now)? {
            session::end(tx, &old, Ended::Replaced)?;
        }
        let shown = self.shown.as_ref().ok_or_else(|| DbError::Failed("a session began without a ticket".into()))?;
        let mut user = user.clone();
        user.signed_in(&caller.ip, self.now);
        users::record_sign_in(tx, &user)?;
        self.asking.completed(tx, &user, false)?;
        shown.fresh.begin(tx, &user, None, &request.client_id, caller, self.now)
    }

    /// Whether they are to prove a second factor. A session that had one is good for the applications that do not ask for
    /// one themselves.
    fn lacks_second_factor(&self, tx: &mut Tx<'_>, session: Option<&Session>, user: &User) -> Result<bool, DbError> {
        let had_one = session.is_some_and(|session| session.second_factor_at.is_some());
        if had_one && !self.asking.insists() {
            return Ok(false);
        }
        Ok(self.asking.demand(tx, user)?.is_some())
    }

    fn open(&self, tx: &mut Tx<'_>, step: Step, second: Option<Second>) -> Result<(), DbError> {
        let login = Login { step, second, ..Login::new(self.answering.request.clone(), self.now) };
        let stored = logins::Stored { id: self.id.clone(), browser: self.browser.clone(), login };
        logins::insert(tx, &stored, self.now + LOGIN_LIFETIME)
    }

    fn refuse(&self, tx: &mut Tx<'_>, user: Option<&User>, error: OauthError) -> Result<Outcome, DbError> {
        let kind = if self.answering.request.prompt.none { "fsa" } else { "f" };
        self.write(tx, kind, user, error.description.clone())?;
        Ok(Outcome::Refused(error))
    }

    fn write(
        &self,
        tx: &mut Tx<'_>,
        kind: &'static str,
        user: Option<&User>,
        description: String,
    ) -> Result<(), DbError> {
        let Answering { target, request, caller, .. } = &self.answering;
        let event = Event {
            description,
            user_id: user.map(|user| user.user_id.clone()).unwrap_or_default(),
            user_name: user.and_then(User::identifier).unwrap_or_default().to_owned(),
            connection: user.map(|user| user.connection.clone()).unwrap_or_default(),
            audience: request.audience.clone().unwrap_or_default(),
            scope: request.scope.clone(),
            ..event(kind, &target.client, caller)
        };
        self.journal.write(tx, event)
    }
}

/// An event about a client's request.
pub(super) fn event(kind: &'static str, client: &Client, caller: &Caller) -> Event {
    Event { client_id: client.id.clone(), client_name: client.name().to_owned(), ..record::event(kind, caller) }
}

pub(super) async fn note(app: &App, event: Event) -> Result<(), DbError> {
    let journal = app.journal.clone();
    app.db.write("authorize.refused", move |tx| journal.write(tx, event)).await
}
