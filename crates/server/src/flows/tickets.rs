//! Tickets, from the request to their use: a new password, a confirmed address (`docs/COMPATIBILITY.md` C1530-C1539).
//!
//! The text of a ticket is random and leaves this server once; the database has its keyed hash. A ticket is bound to the
//! address that its user had, and is used up in the transaction of what it permits.

use std::sync::Arc;

use ringpass_core::kit::ids;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::Event;
use ringpass_core::model::logout_notice::Ended;
use ringpass_core::model::password_policy::Weak;
use ringpass_core::model::ticket::{Purpose, Ticket};
use ringpass_core::model::user::User;
use ringpass_core::storage::{
    DbError, Tx, access_tokens, identities, passwords, refresh_tokens, sessions, tickets, users,
};

use super::caller::Caller;
use super::new_password::{self, PasswordRefused};
use super::record;
use crate::app::App;
use crate::snapshot::Channel;

mod letter;
mod request;

pub use request::{Request, RequestRefused, deliver_verification, request_password_change, send_verification};

/// Why a ticket was not taken.
#[derive(Debug, Clone)]
pub enum TicketRefused {
    /// Nobody made such a ticket, or its user, connection or address is not what it was.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was used, perhaps by another request a moment ago.
    Used,
    /// The password is none that this user may have; the ticket is still good.
    Weak(Weak),
    /// Too many passwords wait to be hashed; the ticket is still good.
    Busy,
    /// The password could not be hashed: a bug.
    Failed,
    /// The database failed.
    Database(DbError),
}

/// A ticket that can be used, and what it is about.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The ticket.
    pub ticket: Ticket,
    /// The user's connection.
    pub channel: Arc<Channel>,
    /// The row that holds the password or address; its id is the ticket's.
    pub user: User,
    hash: String,
}

/// What a used ticket did.
#[derive(Debug, Clone)]
pub struct Done {
    /// The ticket.
    pub ticket: Ticket,
    /// The user afterwards.
    pub user: User,
    /// Where the browser goes, if the ticket says so.
    pub destination: Option<String>,
}

/// A new ticket's text and hash.
pub fn draw(app: &App) -> (Secret, String) {
    let text = ids::token(&app.rng);
    let hash = hash(app, &text);
    (Secret::new(text), hash)
}

/// The address of the page that takes a ticket.
pub fn link(app: &App, purpose: Purpose, text: &Secret) -> String {
    let base = app.config.http.public_url.as_str().trim_end_matches('/');
    format!("{base}{}?ticket={}#", purpose.page(), text.expose())
}

/// Looks at a ticket without using it up.
pub async fn open(app: &App, text: &str) -> Result<Opened, TicketRefused> {
    match look(app, text).await? {
        (opened, None) => Ok(opened),
        (_, Some(why)) => Err(why),
    }
}

/// Finds a ticket, and says what may speak against its use.
async fn look(app: &App, text: &str) -> Result<(Opened, Option<TicketRefused>), TicketRefused> {
    let hash = hash(app, text);
    let (key, now) = (hash.clone(), app.clock.now());
    let found = app.db.read("tickets.open", move |tx| {
        let Some(ticket) = tickets::get(tx, &key)? else { return Ok(None) };
        let user = passwords::of_user(tx, &ticket.user_id)?.map(|found| found.identity);
        Ok(Some((ticket, user)))
    });
    let (ticket, user) = found.await?.ok_or(TicketRefused::Unknown)?;
    let channel = app.find(|snapshot| snapshot.connection(&ticket.connection_id)).await?;
    let (channel, user) = channel.zip(user).ok_or(TicketRefused::Unknown)?;
    if !is_for(&ticket, &user, &channel) {
        return Err(TicketRefused::Unknown);
    }
    let why = if ticket.used_at.is_some() {
        Some(TicketRefused::Used)
    } else if ticket.expires_at <= now {
        Some(TicketRefused::Expired)
    } else {
        None
    };
    Ok((Opened { ticket, channel, user, hash }, why))
}

/// Gives the user of a ticket a new password and ends everything that the old one had opened.
pub async fn change_password(app: &App, text: &str, password: Secret, caller: &Caller) -> Result<Done, TicketRefused> {
    let opened = usable(app, text, Purpose::PasswordChange, caller).await?;
    let password = match new_password::take(app, &opened.channel.connection, &opened.user, password).await {
        Ok(password) => password,
        Err(refused) => return refuse(app, &opened, caller, refused.into()).await,
    };
    let (now, confirms) = (app.clock.now(), opened.ticket.wishes.mark_email_as_verified);
    let change = move |tx: &mut Tx<'_>, user: &mut User| {
        let given = password.give(user, now);
        if confirms && user.email.is_some() {
            user.email_verified = Some(true);
        }
        given.note(tx, user)
    };
    consume(app, opened, caller, change).await
}

/// Confirms the address of a ticket's user.
pub async fn verify_email(app: &App, text: &str, caller: &Caller) -> Result<Done, TicketRefused> {
    let opened = usable(app, text, Purpose::EmailVerification, caller).await?;
    let now = app.clock.now();
    let change = move |_: &mut Tx<'_>, user: &mut User| {
        user.email_verified = Some(true);
        user.updated_at = now;
        Ok(())
    };
    consume(app, opened, caller, change).await
}

/// A ticket of this purpose that can be used. The log tells of one that cannot, but not of texts that are none.
async fn usable(app: &App, text: &str, purpose: Purpose, caller: &Caller) -> Result<Opened, TicketRefused> {
    match look(app, text).await? {
        (opened, _) if opened.ticket.purpose != purpose => Err(TicketRefused::Unknown),
        (opened, None) => Ok(opened),
        (opened, Some(why)) => refuse(app, &opened, caller, why).await,
    }
}

/// Writes the event of a ticket that was not taken, if the holder can do anything about it.
async fn refuse<T>(app: &App, opened: &Opened, caller: &Caller, why: TicketRefused) -> Result<T, TicketRefused> {
    if let Some(sentence) = why.sentence() {
        let (journal, event) = (app.journal.clone(), opened.failed(app, caller, sentence));
        app.db.write("tickets.refused", move |tx| journal.write(tx, event)).await?;
    }
    Err(why)
}

/// Uses a ticket up and changes its user, all in one transaction. Of two at once, one finds the ticket used.
async fn consume<F>(app: &App, opened: Opened, caller: &Caller, change: F) -> Result<Done, TicketRefused>
where
    F: FnOnce(&mut Tx<'_>, &mut User) -> Result<(), DbError> + Send + 'static,
{
    let sentence = TicketRefused::Used.sentence().unwrap_or_default();
    let (failed, succeeded) = (opened.failed(app, caller, sentence), opened.done(app, caller));
    let Opened { ticket, channel, hash, .. } = opened;
    let (journal, now, held) = (app.journal.clone(), app.clock.now(), ticket.clone());
    let work = move |tx: &mut Tx<'_>| {
        if !tickets::consume(tx, &hash, now)? {
            journal.write(tx, failed)?;
            return Ok(Err(TicketRefused::Used));
        }
        let Some(mut row) = lock(tx, &held.user_id)?.filter(|row| is_for(&held, &row.identity, &channel)) else {
            return Ok(Err(TicketRefused::Unknown));
        };
        change(tx, &mut row.identity)?;
        if row.identity.user_id == row.user.user_id {
            users::put(tx, &row.identity)?;
        } else {
            identities::put(tx, &row.identity)?;
        }
        if held.purpose == Purpose::PasswordChange {
            end_access(tx, &row.user.user_id)?;
        }
        journal.write(tx, succeeded)?;
        Ok(Ok(row.identity))
    };
    let user = app.db.write("tickets.consume", work).await??;
    let destination = ticket.destination(true, message(ticket.purpose));
    Ok(Done { ticket, user, destination })
}

/// Locks the row of a ticket, be it a user or an identity of one.
fn lock(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<passwords::Login>, DbError> {
    let Some(found) = passwords::of_user(tx, user_id)? else { return Ok(None) };
    let primary = found.user.user_id;
    let Some(user) = users::get_for_update(tx, &primary)? else { return Ok(None) };
    if primary == user_id {
        return Ok(Some(passwords::Login { identity: user.clone(), user }));
    }
    let identity = identities::get_for_update(tx, &primary, user_id)?;
    Ok(identity.map(|identity| passwords::Login { identity, user }))
}

/// Ends what a user is signed in with: whoever knew the old password may hold it.
fn end_access(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    sessions::delete_of_user(tx, user_id, None, Ended::PasswordChanged)?;
    refresh_tokens::delete_of_user(tx, user_id)?;
    access_tokens::delete_of_user(tx, user_id)
}

/// Whether a ticket still fits its user: the same connection, and the same address if it has one.
fn is_for(ticket: &Ticket, user: &User, channel: &Channel) -> bool {
    user.connection == channel.connection.name && ticket.email.as_ref().is_none_or(|it| Some(it) == user.email.as_ref())
}

fn message(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::PasswordChange => "You can now login to the application with the new password.",
        Purpose::EmailVerification => "Your email was verified. You can continue using the application.",
    }
}

fn event(app: &App, kind: &'static str, ticket: &Ticket, user: &User, channel: &Channel, caller: &Caller) -> Event {
    let connection = &channel.connection;
    let client = app.snapshot().client(&ticket.client_id);
    Event {
        client_id: ticket.client_id.clone(),
        client_name: client.as_deref().map(Client::name).unwrap_or_default().to_owned(),
        connection: user.connection.clone(),
        connection_id: ticket.connection_id.clone(),
        strategy: connection.strategy.name().to_owned(),
        strategy_type: connection.strategy.kind().to_owned(),
        user_id: user.user_id.clone(),
        user_name: user.email.clone().or_else(|| user.username.clone()).unwrap_or_default(),
        ..record::event(kind, caller)
    }
}

fn hash(app: &App, text: &str) -> String {
    app.hash_key.tag(&["ticket", text])
}

impl TicketRefused {
    /// What the tenant log says; `None` for what is no fault of the holder's.
    fn sentence(&self) -> Option<&'static str> {
        match self {
            Self::Expired => Some("The ticket has expired"),
            Self::Used => Some("The ticket was used already"),
            Self::Weak(weak) => Some(weak.message()),
            Self::Unknown | Self::Busy | Self::Failed | Self::Database(_) => None,
        }
    }
}

impl Opened {
    fn done(&self, app: &App, caller: &Caller) -> Event {
        let kind = match self.ticket.purpose {
            Purpose::PasswordChange => "scp",
            Purpose::EmailVerification => "sv",
        };
        event(app, kind, &self.ticket, &self.user, &self.channel, caller)
    }

    fn failed(&self, app: &App, caller: &Caller, sentence: &str) -> Event {
        let kind = match self.ticket.purpose {
            Purpose::PasswordChange => "fcp",
            Purpose::EmailVerification => "fv",
        };
        Event { description: sentence.to_owned(), ..event(app, kind, &self.ticket, &self.user, &self.channel, caller) }
    }
}

impl From<PasswordRefused> for TicketRefused {
    fn from(refused: PasswordRefused) -> Self {
        match refused {
            PasswordRefused::Weak(weak) => Self::Weak(weak),
            PasswordRefused::Busy => Self::Busy,
            PasswordRefused::Failed => Self::Failed,
            PasswordRefused::Database(error) => Self::Database(error),
        }
    }
}

impl From<DbError> for TicketRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}
