//! The mail that carries a ticket to its user.

use std::sync::Arc;

use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::email::Email;
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::ticket::{LIFETIME, Purpose, Ticket, Wishes};
use ringpass_core::model::user::User;
use ringpass_core::providers::Reason;
use ringpass_core::storage::{DbError, tickets};
use serde_json::{Map, Value, json};
use url::Url;

use super::{draw, event, link};
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::mail;
use crate::snapshot::Channel;

/// A mail that is to be sent.
pub(super) struct Letter {
    /// The ticket in it.
    pub(super) ticket: Ticket,
    user: User,
    channel: Arc<Channel>,
}

impl Letter {
    /// A mail to the address that the user has, with the life and the result address that the mail's template says.
    pub(super) fn of(app: &App, purpose: Purpose, user: User, channel: &Arc<Channel>, client: Option<&Client>) -> Self {
        let (snapshot, now) = (app.snapshot(), app.clock.now());
        let template = snapshot.mail(name(purpose)).and_then(|mail| mail.stored.as_ref());
        let result_url = template.and_then(|template| template.result_url()).filter(|url| Url::parse(url).is_ok());
        let includes = template.and_then(|template| template.view().get("includeEmailInRedirect"));
        let ticket = Ticket {
            purpose,
            user_id: user.user_id.clone(),
            connection_id: channel.connection.id.clone(),
            client_id: client.map(|client| client.id.clone()).unwrap_or_default(),
            email: user.email.clone(),
            wishes: Wishes {
                result_url: result_url.map(str::to_owned),
                include_email: includes == Some(&Value::Bool(true)),
                mark_email_as_verified: false,
            },
            created_at: now,
            expires_at: now + template.map_or(LIFETIME, |template| template.url_lifetime() * SECOND),
            used_at: None,
        };
        Self { ticket, user, channel: Arc::clone(channel) }
    }

    /// Stores the ticket under a new text.
    pub(super) async fn keep(&self, app: &App) -> Result<Secret, DbError> {
        let ((text, hash), ticket) = (draw(app), self.ticket.clone());
        app.db.write("tickets.keep", move |tx| tickets::insert(tx, &hash, &ticket)).await?;
        Ok(text)
    }

    /// Sends it in a task of its own; the stop of the server waits for it.
    pub(super) fn send(self, app: &Arc<App>, text: Secret) {
        let handle = Arc::clone(app);
        app.tasks.spawn(async move {
            if let Err(error) = self.deliver(&handle, &text).await {
                tracing::error!(%error, "it could not be logged that a mail was not sent");
            }
        });
    }

    /// Sends it; why not, if it could not be sent. The log tells of it too (`fn`), but where nothing was ever set up that
    /// could send.
    pub(super) async fn deliver(&self, app: &App, text: &Secret) -> Result<Option<String>, DbError> {
        let Some(to) = self.ticket.email.as_deref().and_then(Email::parse) else {
            return Ok(Some("No mail can be sent to this address".to_owned()));
        };
        let name = name(self.ticket.purpose);
        let Err(refusal) = mail::send_named(app, name, to, self.variables(app, text)).await else { return Ok(None) };
        if refusal.reason == Reason::NotConfigured {
            tracing::warn!(mail = name, reason = refusal.sentence, "a mail could not be sent");
            return Ok(Some(refusal.sentence));
        }
        let details = json!({"email_type": name, "to": self.ticket.email, "error": refusal.sentence});
        let event = Event {
            description: refusal.sentence.clone(),
            details: Details::of(&details),
            ..self.event(app, "fn", &Caller::default())
        };
        let journal = app.journal.clone();
        app.db.write("tickets.not_sent", move |tx| journal.write(tx, event)).await?;
        Ok(Some(refusal.sentence))
    }

    /// An event about it.
    pub(super) fn event(&self, app: &App, kind: &'static str, caller: &Caller) -> Event {
        event(app, kind, &self.ticket, &self.user, &self.channel, caller)
    }

    fn variables(&self, app: &App, text: &Secret) -> Map<String, Value> {
        let client = app.snapshot().client(&self.ticket.client_id);
        let application = client.as_deref().map(Client::name).unwrap_or_default();
        let variables = [
            ("user", Value::from(self.user.view())),
            ("application", json!({"name": application, "clientID": self.ticket.client_id})),
            ("connection", json!({"name": self.channel.connection.name})),
            ("url", link(app, self.ticket.purpose, text).into()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The template of a mail.
fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::PasswordChange => "reset_email",
        Purpose::EmailVerification => "verify_email",
    }
}
