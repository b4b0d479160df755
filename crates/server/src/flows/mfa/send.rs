//! Sends the code of a second factor to a phone, by whichever provider the tenant selected (`docs/COMPATIBILITY.md`
//! C1720-C1743). It writes nothing into the tenant log: [`super::sent::event`] says what belongs there.

use std::sync::Arc;

use ringpass_core::kit::ids;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::guardian::{MessageType, PhoneProvider};
use ringpass_core::model::mfa_message::{Content, Purpose, Tenant, Variables};
use ringpass_core::model::phone::Phone;
use ringpass_core::model::user::User;
use ringpass_core::providers::{Message, Provider, Reason, Refusal, Verdict, twilio};
use ringpass_core::storage::DbError;
use ringpass_core::storage::outbox::{self, Kept};
use serde_json::json;

use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::{deliver, inbox};
use crate::snapshot::Snapshot;

/// A code on its way to a phone.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The phone.
    pub to: Phone,
    /// The code: digits.
    pub code: Secret,
    /// What it is for.
    pub purpose: Purpose,
    /// How it travels.
    pub message_type: MessageType,
    /// The language of the message, one of the tenant's locales.
    pub locale: String,
    /// The language header of the request, as it came.
    pub request_language: String,
    /// Whose phone it is.
    pub user: Option<Arc<User>>,
    /// The application that the person signs in to.
    pub client: Arc<Client>,
}

/// A message that was handed to a provider, and what came of it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Who was to send it.
    pub provider: PhoneProvider,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it, and may have told its own name for it.
    Sent(Option<String>),
    /// The built-in sender has used up its life. Nobody gets the message; whoever asked is answered as if it were sent.
    Swallowed,
    /// It was not taken.
    Refused(Refused),
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The word in the tenant log: `invalid_phone_number`, `error_sending_sms`, `error_sending_voice`.
    pub error: &'static str,
    /// Whose matter it is.
    pub verdict: Verdict,
    /// Whether the message is surely not on its way, so that it need not count against its user.
    pub is_surely_unsent: bool,
    /// The provider's own number for the error.
    pub provider_code: Option<u64>,
    /// The provider's words, or ours where it said nothing. For the tenant log only: they may quote the number.
    pub provider_message: Secret,
}

impl Attempt {
    /// Why the message was not taken; `None` when the caller is answered as if it were.
    pub fn refused(&self) -> Option<&Refused> {
        match &self.outcome {
            Outcome::Refused(refused) => Some(refused),
            Outcome::Sent(_) | Outcome::Swallowed => None,
        }
    }
}

/// Sends a message. No transaction is open here.
pub async fn send(app: &App, message: &Outgoing, caller: &Caller) -> Result<Attempt, DbError> {
    let snapshot = app.snapshot();
    let provider = snapshot.phone.provider;
    let taken = match provider {
        PhoneProvider::Auth0 => built_in(app, &snapshot, message).await?,
        PhoneProvider::Twilio => by_twilio(app, &snapshot, message, caller).await.map(Outcome::Sent),
        PhoneProvider::PhoneMessageHook => Err(not_configured("No send-phone-message Action is bound")),
    };
    let word = match &taken {
        Ok(Outcome::Swallowed) => "swallowed",
        Ok(_) => "sent",
        Err(refusal) => deliver::word(refusal),
    };
    deliver::count(message.message_type, provider.name(), &message.to, word);
    let outcome = taken.unwrap_or_else(|refusal| Outcome::Refused(Refused::of(refusal, message.message_type)));
    if let Outcome::Refused(Refused { verdict: Verdict::Configuration, provider_code, .. }) = &outcome {
        let provider = provider.name();
        tracing::warn!(provider, provider_code, "the phone factor cannot send: its settings or account need a look");
    }
    Ok(Attempt { provider, outcome })
}

/// Puts the message into the outbox, of which there are only so many in a tenant's life.
async fn built_in(app: &App, snapshot: &Snapshot, message: &Outgoing) -> Result<Result<Outcome, Refusal>, DbError> {
    let Content::Text(text) = render(app, snapshot, message) else {
        return Ok(Err(not_configured("The built-in sender makes no calls")));
    };
    let id = ids::object(&app.rng);
    let kept = Kept {
        id: id.clone(),
        channel: message.message_type.name().to_owned(),
        recipient: Secret::new(message.to.as_str()),
        text: text.clone(),
        created_at: app.clock.now(),
    };
    let limit = i64::from(app.config.limits.built_in_messages);
    if !app.db.write("mfa.outbox", move |tx| outbox::insert(tx, &kept, limit)).await? {
        return Ok(Ok(Outcome::Swallowed));
    }
    if let Some(door) = app.inbox.get() {
        let shown = json!({"channel": "sms", "recipient": message.to.as_str(), "body": text.expose()});
        if !inbox::keep(app, door, &shown).await {
            tracing::warn!("the inbox did not take a message: read it at /outbox");
        }
    }
    Ok(Ok(Outcome::Sent(Some(id))))
}

async fn by_twilio(
    app: &App,
    snapshot: &Snapshot,
    message: &Outgoing,
    caller: &Caller,
) -> Result<Option<String>, Refusal> {
    let provider = snapshot.phone.twilio(message.message_type);
    if matches!(provider, Provider::NotConfigured(_)) {
        return Err(not_configured("Twilio is not configured"));
    }
    let text = match render(app, snapshot, message) {
        Content::Text(text) => text,
        Content::Speech(speech) => twilio::voice::twiml(&speech),
    };
    let message = Message { to: message.to.as_str().to_owned(), text, from: None };
    deliver::send(app, provider, &message, caller).await.map(|taken| taken.id)
}

fn render(app: &App, snapshot: &Snapshot, message: &Outgoing) -> Content {
    let settings = &snapshot.settings;
    let name = &*app.journal.tenant;
    let tenant = Tenant {
        name,
        friendly_name: Some(settings.friendly_name()).filter(|name| !name.is_empty()).unwrap_or(name),
        support_email: settings.support_email(),
        support_url: settings.support_url(),
        logo_url: snapshot.branding.logo.as_ref().map_or("", |logo| logo.as_str()),
        home_url: settings.default_redirection_uri(),
        host: &app.journal.host,
    };
    let variables = Variables {
        code: message.code.expose(),
        locale: &message.locale,
        request_language: &message.request_language,
        tenant,
        user: message.user.as_deref(),
        client: &message.client,
    };
    let rendered = snapshot.phone.messages.render(message.purpose, message.message_type, &variables, app.clock.now());
    if let Some(fault) = rendered.fault {
        tracing::warn!(%fault, "a message template of the phone factor failed: the built-in text is sent instead");
    }
    rendered.content
}

fn not_configured(sentence: &str) -> Refusal {
    Refusal::new(Reason::NotConfigured, sentence)
}

impl Refused {
    fn of(refusal: Refusal, message_type: MessageType) -> Self {
        let error = match (refusal.verdict, message_type) {
            (Verdict::WrongNumber, _) => "invalid_phone_number",
            (_, MessageType::Sms) => "error_sending_sms",
            (_, MessageType::Voice) => "error_sending_voice",
        };
        let (provider_code, provider_message) =
            refusal.told.map_or((None, refusal.sentence), |told| (Some(told.code), told.message));
        Self {
            error,
            verdict: refusal.verdict,
            is_surely_unsent: !matches!(refusal.reason, Reason::Timeout | Reason::Unexpected),
            provider_code,
            provider_message: Secret::new(provider_message),
        }
    }
}
