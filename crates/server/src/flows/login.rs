//! What a hosted page carries a sign-in on with: send a code, redeem it, begin the session (`docs/COMPATIBILITY.md`
//! C1340-C1344).

use std::sync::Arc;

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::login::{Login, Second, Sent, Step};
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::user::User;
use ringpass_core::storage::logins::{self, Stored};
use ringpass_core::storage::{DbError, Tx};
use serde_json::Value;

use super::caller::Caller;
use super::grant::Refused;
use super::mfa::{Asking, Browser, device_hash};
use super::password;
use super::passwordless::{self, Door, Issued, Start, StartRefused, Verify, Way};
use super::session::{self, Fresh};
use crate::app::App;
use crate::snapshot::{Channel, Snapshot};

/// Seconds between two codes of one sign-in.
pub const RESEND_AFTER: i64 = 30;

/// A sign-in and who carries it on.
#[derive(Debug, Clone)]
pub struct Turn<'a> {
    /// The sign-in.
    pub stored: &'a Stored,
    /// The application.
    pub client: &'a Arc<Client>,
    /// Who calls.
    pub caller: Caller,
    /// The session's cookie that the browser had before.
    pub cookie: Option<String>,
    /// What the browser is known by.
    pub browser: Browser,
}

impl Turn<'_> {
    /// Sends a code to `identifier`, and notes where it went. Someone who may not sign up is told the same as
    /// anybody else, and gets none.
    pub async fn send(
        &self,
        app: &Arc<App>,
        channel: Arc<Channel>,
        identifier: Identifier,
        locale: &str,
    ) -> Result<(), StartRefused> {
        let sent = Sent {
            connection_id: channel.connection.id.clone(),
            identifier: identifier.as_str().to_owned(),
            at: app.clock.now(),
        };
        let start = Start {
            client: Arc::clone(self.client),
            channel,
            identifier,
            door: Door::Pages,
            link: false,
            request_language: locale.to_owned(),
            send: String::new(),
            auth_params: Value::Null,
            caller: self.caller.clone(),
        };
        if start.channel.connection.disable_signup() {
            // Only people who are known get a code, and nobody learns from the time it takes who that is.
            let behind = Arc::clone(app);
            app.tasks.spawn(async move { passwordless::start(&behind, start).await.map(drop) });
        } else {
            passwordless::start(app, start).await?;
        }
        self.change(app, "login.sent", |login| login.sent = Some(sent)).await.map_err(StartRefused::Database)
    }

    /// Redeems the code that was sent and begins a session; the value of its cookie; nothing where a
    /// second factor is asked for.
    pub async fn redeem(
        &self,
        app: &App,
        channel: Arc<Channel>,
        identifier: Identifier,
        code: &str,
    ) -> Result<Option<String>, Refused> {
        let request = &self.stored.login.request;
        let verify = Verify {
            client: Arc::clone(self.client),
            channel,
            identifier: Some(identifier),
            code: code.to_owned(),
            audience: request.audience.clone().unwrap_or_default(),
            scope: request.scope.clone(),
            caller: self.caller.clone(),
            way: Way::Tokens,
            browser: self.browser.device.as_ref().map(|device| device_hash(&app.hash_key, device)),
        };
        let begin = Arc::new(Begin::of(app, self));
        Ok(passwordless::verify(app, verify, move |tx, user| begin.run(tx, user)).await?.1)
    }

    /// Notes the name to sign in to a database with.
    pub async fn name(&self, app: &App, username: &str) -> Result<(), DbError> {
        let username = username.to_owned();
        self.change(app, "login.name", |login| login.username = Some(username)).await
    }

    /// Verifies a password and begins a session; the value of its cookie; nothing where a
    /// second factor is asked for.
    pub async fn password(
        &self,
        app: &App,
        channel: Arc<Channel>,
        username: &str,
        password: Secret,
    ) -> Result<Option<String>, Refused> {
        let request = &self.stored.login.request;
        let login = password::Login {
            client: Arc::clone(self.client),
            channel,
            username: password::Login::name(username),
            password,
            audience: request.audience.clone().unwrap_or_default(),
            scope: request.scope.clone(),
            door: password::Door::Page,
            caller: self.caller.clone(),
        };
        let begin = Arc::new(Begin::of(app, self));
        Ok(password::sign_in(app, login, move |tx, user| begin.run(tx, user)).await?.1)
    }

    /// Ends a sign-in without one: the application is told why.
    pub async fn end(&self, app: &App) -> Result<(), DbError> {
        self.change(app, "login.end", |login| login.step = Step::Done).await
    }

    async fn change<F>(&self, app: &App, name: &'static str, change: F) -> Result<(), DbError>
    where
        F: FnOnce(&mut Login) + Send + 'static,
    {
        let (id, now) = (self.stored.id.clone(), app.clock.now());
        app.db.write(name, move |tx| logins::change(tx, &id, now, change)).await
    }
}

/// What a sign-in whose first factor is right leads to, in its transaction: a session, or the question for a second factor.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    pub fresh: Fresh,
    stored: Stored,
    caller: Caller,
    cookie: String,
    key: MacKey,
    snapshot: Arc<Snapshot>,
    asking: Arc<Asking>,
    now: Millis,
}

impl Begin {
    pub(super) fn of(app: &App, turn: &Turn<'_>) -> Self {
        let request = &turn.stored.login.request;
        let asking = Asking::of(app, request.audience.as_deref(), &turn.caller.ip);
        Self {
            fresh: Fresh::draw(app),
            stored: turn.stored.clone(),
            caller: turn.caller.clone(),
            cookie: turn.cookie.clone().unwrap_or_default(),
            key: app.hash_key.clone(),
            snapshot: app.snapshot(),
            asking: Arc::new(asking.on_pages(turn.browser.clone(), request.acr_values.as_deref())),
            now: app.clock.now(),
        }
    }

    /// Behind the first factor: the value of the session's cookie, or nothing where a second factor is asked for.
    pub(super) fn run(&self, tx: &mut Tx<'_>, user: &User) -> Result<Issued<Option<String>>, DbError> {
        let mut login = self.stored.login.clone();
        let scope = login.request.scope.clone();
        if self.asking.demand(tx, user)?.is_some() {
            login.step = Step::SecondFactor;
            login.second = Some(Second::new(&user.user_id, self.now));
            login.sent = None;
            logins::put(tx, &self.stored.id, &login)?;
            return Ok(Issued { scope, session_id: None, waits: true, value: None });
        }
        self.enter(tx, login, user)?;
        let cookie = Some(self.fresh.cookie.clone());
        Ok(Issued { scope, session_id: Some(self.fresh.id.clone()), waits: false, value: cookie })
    }

    /// Begins the session in the place of the one that the browser had.
    pub(super) fn enter(&self, tx: &mut Tx<'_>, mut login: Login, user: &User) -> Result<(), DbError> {
        if let Some(old) = session::find(tx, &self.key, &self.snapshot, &self.cookie, self.now)? {
            session::end(tx, &old, Ended::Replaced)?;
        }
        let second_factor_at = login.amr.then_some(self.now);
        self.fresh.begin(tx, user, second_factor_at, &login.request.client_id, &self.caller, self.now)?;
        self.asking.completed(tx, user, login.amr)?;
        login.step = Step::Authenticated { session_id: self.fresh.id.clone() };
        login.sent = None;
        login.is_met = login.amr || self.asking.is_always();
        logins::put(tx, &self.stored.id, &login)
    }

    /// Who calls.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The question for a second factor, as this browser and this request make it.
    pub(super) fn asking(&self) -> &Asking {
        &self.asking
    }
}

/// Seconds until the next code may be asked for.
pub fn resend_wait(sent: &Sent, now: Millis) -> i64 {
    let ready = sent.at + RESEND_AFTER * SECOND;
    ((ready - now).max(0) + SECOND - 1) / SECOND
}
