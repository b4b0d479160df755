//! Tickets for enrolments, from the mail to the pages: whoever opens one gets a sign-in of no application, which ends when
//! something is enrolled and never begins a session (`docs/COMPATIBILITY.md` C1840-C1847).

use ringpass_core::kit::clock::HOUR;
use ringpass_core::kit::ids;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authorization::AuthorizationRequest;
use ringpass_core::model::email::Email;
use ringpass_core::model::enrollment_ticket::EnrollmentTicket;
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::login::{Enrollment, Login, Second, Step};
use ringpass_core::model::user::User;
use ringpass_core::storage::logins::{self, Stored};
use ringpass_core::storage::{DbError, Tx, authenticators, enrollment_tickets, users};
use serde_json::{Map, json};

use super::caller::Caller;
use super::issue::token_hash;
use super::{mail, mfa, record};
use crate::app::App;

/// Why a ticket opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrollmentRefused {
    /// Nobody made such a ticket, or its user is gone or blocked.
    Unknown,
    /// Its time is over.
    Expired,
    /// Something was enrolled with it.
    Used,
    /// The user has a second factor, and the ticket permits no other.
    AlreadyEnrolled,
    /// The database failed.
    Database(DbError),
}

/// A new ticket's text, 32 letters, and its hash.
pub fn draw(app: &App) -> (Secret, String) {
    let text = app.rng.base62(32);
    let hash = hash(app, &text);
    (Secret::new(text), hash)
}

/// The address that takes a ticket.
pub fn link(app: &App, text: &Secret) -> String {
    let base = app.config.http.public_url.as_str().trim_end_matches('/');
    format!("{base}/guardian/enroll?ticket={}", text.expose())
}

/// Opens a ticket for a browser: the `state` of the pages that enrol. The ticket stays good until something is enrolled, so
/// that a program that follows links in mails uses up nothing.
pub async fn open(app: &App, text: &str, browser: &str, ui_locales: Option<&str>) -> Result<String, EnrollmentRefused> {
    let (hash, now) = (hash(app, text), app.clock.now());
    let key = hash.clone();
    let found = app.db.read("enrollment_tickets.open", move |tx| {
        let Some(ticket) = enrollment_tickets::get(tx, &key)? else { return Ok(None) };
        let user = users::get(tx, &ticket.user_id)?.filter(|user| !user.is_blocked());
        let all = authenticators::list_of_user(tx, &ticket.user_id)?;
        Ok(user.map(|user| (ticket, user, all)))
    });
    let (ticket, user, all) = found.await?.ok_or(EnrollmentRefused::Unknown)?;
    let EnrollmentTicket { wishes, expires_at, used_at, .. } = ticket;
    if used_at.is_some() {
        return Err(EnrollmentRefused::Used);
    }
    if expires_at <= now {
        return Err(EnrollmentRefused::Expired);
    }
    let usable = mfa::usable(all, &user, &app.snapshot(), &app.hash_key);
    if !wishes.may_add && usable.iter().any(|one| one.kind.is_independent()) {
        return Err(EnrollmentRefused::AlreadyEnrolled);
    }
    let login = Login {
        step: Step::SecondFactor,
        second: Some(Second::new(&user.user_id, now)),
        enrollment: Some(Enrollment { ticket: hash, wishes }),
        ..Login::new(AuthorizationRequest::of_nobody(ui_locales), now)
    };
    let stored = Stored { id: ids::short_token(&app.rng), browser: token_hash(app, browser), login };
    let state = stored.id.clone();
    app.db.write("enrollment_tickets.begin", move |tx| logins::insert(tx, &stored, now + HOUR)).await?;
    Ok(state)
}

/// Mails a ticket to its user, or to the address that its request named. The log tells of a mail that could not be sent.
pub async fn deliver(
    app: &App,
    user: &User,
    to: Option<&str>,
    locale: Option<&str>,
    text: &Secret,
) -> Result<(), DbError> {
    let Some(to) = to.or(user.email.as_deref()) else { return Ok(()) };
    let link = link(app, text);
    let mut of_user = user.view();
    if let Some(locale) = locale {
        of_user.insert("locale".into(), locale.into());
    }
    let variables = Map::from_iter([
        ("user".to_owned(), of_user.into()),
        ("link".to_owned(), link.clone().into()),
        ("url".to_owned(), link.into()),
    ]);
    let sent = match Email::parse(to) {
        Some(address) => mail::send_named(app, MAIL, address, variables).await.map_err(|refusal| refusal.sentence),
        None => Err("No mail can be sent to this address".to_owned()),
    };
    let Err(why) = sent else { return Ok(()) };
    let event = Event {
        description: why.clone(),
        user_id: user.user_id.clone(),
        user_name: user.identifier().unwrap_or_default().to_owned(),
        connection: user.connection.clone(),
        details: Details::of(&json!({"email_type": MAIL, "to": to, "error": why})),
        ..record::event("fn", &Caller::default())
    };
    let journal = app.journal.clone();
    app.db.write("enrollment_tickets.not_sent", move |tx: &mut Tx<'_>| journal.write(tx, event)).await
}

fn hash(app: &App, text: &str) -> String {
    app.hash_key.tag(&["enrollment-ticket", text])
}

impl From<DbError> for EnrollmentRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

const MAIL: &str = "enrollment_email";
