//! Messages that carry a ticket: a person asks for a new password, an address is to be confirmed.
//!
//! Whether somebody has an address shows neither in the answer nor in how long it takes: the message is sent by a task of
//! its own, after the answer.

use std::sync::Arc;

use ringpass_core::kit::clock::{MINUTE, Millis, SECOND};
use ringpass_core::model::client::Client;
use ringpass_core::model::event::Event;
use ringpass_core::model::ticket::Purpose;
use ringpass_core::model::user::User;
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::{DbError, Tx, passwords, tickets};

use super::draw;
use super::letter::Letter;
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::limits::{self, Window};
use crate::flows::password::Login;
use crate::flows::record;
use crate::snapshot::Channel;

/// Somebody who wants a new password.
#[derive(Debug, Clone)]
pub struct Request {
    /// The application, if one is named.
    pub client: Option<Arc<Client>>,
    /// The database; `None` where there is none of the name that was sent.
    pub channel: Option<Arc<Channel>>,
    /// The address as it was typed.
    pub email: String,
    /// Who calls.
    pub caller: Caller,
}

/// Why a request was not even looked at.
#[derive(Debug, Clone)]
pub enum RequestRefused {
    /// Too many for this address from one caller: the bucket, and how many seconds to wait.
    TooMany(Window, i64),
    /// The database failed.
    Database(DbError),
}

/// Sends a person a link to choose a new password, if there is such a person. The bucket of the caller and the address,
/// for the headers of the answer; `None` where limits are off.
pub async fn request_password_change(app: &Arc<App>, request: Request) -> Result<Option<Window>, RequestRefused> {
    let email = Login::name(&request.email);
    let (text, hash) = draw(app);
    let turn = Turn {
        key: app.config.limits.documented.then(|| format!("change_password|{}|{email}", request.caller.ip)),
        email,
        hash,
        request,
        now: app.clock.now(),
    };
    let (journal, handle) = (app.journal.clone(), Arc::clone(app));
    let outcome = app.db.write("tickets.request", move |tx| {
        let window = match turn.take(tx)? {
            Ok(window) => window,
            Err(refused) => return Ok(Err(refused)),
        };
        match turn.find(&handle, tx)? {
            Ok(letter) => {
                tickets::insert(tx, &turn.hash, &letter.ticket)?;
                journal.write(tx, letter.event(&handle, "scpr", &turn.request.caller))?;
                Ok(Ok((window, Some(letter))))
            }
            Err(why) => {
                let key = format!("fcpr|{}", turn.request.caller.ip);
                if handle.buckets.take(&key, UNKNOWN, turn.now) {
                    journal.write(tx, turn.unknown(why))?;
                }
                Ok(Ok((window, None)))
            }
        }
    });
    let (window, letter) = outcome.await??;
    if let Some(letter) = letter {
        letter.send(app, text);
    }
    Ok(window)
}

/// Sends the user of a database a link to confirm the address, unless there is none, or it is confirmed.
pub async fn send_verification(
    app: &Arc<App>,
    user: &User,
    channel: &Arc<Channel>,
    client: Option<&Client>,
) -> Result<(), DbError> {
    if user.email.is_some() && user.email_verified != Some(true) {
        let letter = Letter::of(app, Purpose::EmailVerification, user.clone(), channel, client);
        let text = letter.keep(app).await?;
        letter.send(app, text);
    }
    Ok(())
}

/// The same at once; why it could not be sent, if it could not.
pub async fn deliver_verification(
    app: &App,
    user: &User,
    channel: &Arc<Channel>,
    client: Option<&Client>,
) -> Result<Option<String>, DbError> {
    let letter = Letter::of(app, Purpose::EmailVerification, user.clone(), channel, client);
    let text = letter.keep(app).await?;
    letter.deliver(app, &text).await
}

/// One request inside its transaction.
struct Turn {
    request: Request,
    /// In lower case; empty for what cannot be an address.
    email: String,
    key: Option<String>,
    hash: String,
    now: Millis,
}

impl Turn {
    /// Takes one request from the bucket.
    fn take(&self, tx: &mut Tx<'_>) -> Result<Result<Option<Window>, RequestRefused>, DbError> {
        let Some(key) = &self.key else { return Ok(Ok(None)) };
        if let Some(full_at) = buckets::take(tx, key, REQUESTS, self.now)? {
            return Ok(Ok(Some(Window::of(REQUESTS, full_at, self.now))));
        }
        let full_at = buckets::get(tx, key)?.unwrap_or(self.now);
        let wait = limits::wait(REQUESTS, full_at, self.now);
        Ok(Err(RequestRefused::TooMany(Window::of(REQUESTS, full_at, self.now), wait)))
    }

    /// Whom the request is about, or why nobody gets a message.
    fn find(&self, app: &App, tx: &mut Tx<'_>) -> Result<Result<Letter, &'static str>, DbError> {
        let Some(channel) = &self.request.channel else { return Ok(Err("The connection does not exist")) };
        let connection = &channel.connection;
        let found =
            if self.email.is_empty() { None } else { passwords::find(tx, &connection.name, &self.email, None)? };
        let of_address = |user: &User| user.email.as_ref() == Some(&self.email);
        let Some(user) = found.map(|found| found.identity).filter(of_address) else {
            return Ok(Err("The user does not exist"));
        };
        let is_off = |name: &str| connection.options.0.get(name) == Some(&true.into());
        if is_off("disable_self_service_change_password") {
            return Ok(Err("The connection lets nobody ask for a new password"));
        }
        let mut letter = Letter::of(app, Purpose::PasswordChange, user, channel, self.request.client.as_deref());
        // Whoever has the link has the mailbox.
        letter.ticket.wishes.mark_email_as_verified = true;
        Ok(Ok(letter))
    }

    fn unknown(&self, why: &str) -> Event {
        let client = self.request.client.as_deref();
        let connection = self.request.channel.as_ref().map(|channel| &channel.connection);
        Event {
            description: why.to_owned(),
            client_id: client.map(|client| client.id.clone()).unwrap_or_default(),
            client_name: client.map(Client::name).unwrap_or_default().to_owned(),
            connection: connection.map(|it| it.name.clone()).unwrap_or_default(),
            connection_id: connection.map(|it| it.id.clone()).unwrap_or_default(),
            strategy: connection.map(|it| it.strategy.name()).unwrap_or_default().to_owned(),
            strategy_type: connection.map(|it| it.strategy.kind()).unwrap_or_default().to_owned(),
            user_name: self.email.clone(),
            ..record::event("fcpr", &self.request.caller)
        }
    }
}

/// Requests for one address from one caller.
const REQUESTS: Shape = Shape { burst: 10, interval: MINUTE };
/// Events about addresses that nobody has, from one caller.
const UNKNOWN: Shape = Shape { burst: 10, interval: 6 * SECOND };

impl From<DbError> for RequestRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}
