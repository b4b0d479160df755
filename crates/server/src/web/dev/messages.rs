//! The inbox's memory, and `GET /dev/messages`: what was sent, as JSON, newest first.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use http::{StatusCode, header};
use ringpass_core::kit::clock::{self, Millis};
use serde::{Deserialize, Serialize, Serializer};

use super::Dev;
use crate::web::Reply;

/// One message that left the server.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Unique among the messages kept.
    pub id: String,
    /// When it arrived; RFC 3339 in JSON.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Millis,
    /// What it says, to whom and through whom.
    #[serde(flatten)]
    pub content: Content,
}

/// What a message says, to whom and through whom. Its `Debug` shows neither number nor text.
#[derive(Clone, Serialize)]
pub struct Content {
    /// How it travels.
    pub channel: Channel,
    /// Phone number or e-mail address.
    pub recipient: String,
    /// Number, name or address that it comes from.
    pub sender: Option<String>,
    /// Subject line; only e-mail has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text.
    pub body: String,
    /// Who carried it: `sms_gateway`, `twilio`, …
    pub provider: String,
    /// The whole `Authorization` header that came with it.
    pub authorization: Option<String>,
}

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A text message.
    Sms,
    /// A phone call that reads the code aloud.
    Voice,
    /// An e-mail.
    Email,
}

/// The newest 1,000 messages. Clones of a message are cheap.
#[derive(Default)]
pub struct Messages(Mutex<VecDeque<Arc<Message>>>);

impl Messages {
    /// Adds the newest message; the oldest goes when there are too many.
    pub fn add(&self, message: Message) {
        let mut kept = self.lock();
        kept.push_front(Arc::new(message));
        kept.truncate(KEPT);
    }

    /// All messages kept, newest first.
    pub fn list(&self) -> Vec<Arc<Message>> {
        self.lock().iter().map(Arc::clone).collect()
    }

    /// The newest message to a number or address.
    pub fn newest_to(&self, recipient: &str) -> Option<Arc<Message>> {
        self.lock().iter().find(|message| message.content.recipient == recipient).map(Arc::clone)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Message>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Messages({})", self.lock().len())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, provider, .. } = self;
        f.debug_struct("Content").field("channel", channel).field("provider", provider).finish_non_exhaustive()
    }
}

/// `GET /dev/messages`: a bare array, newest first.
pub(super) async fn list(State(dev): State<Arc<Dev>>) -> Reply {
    let messages = dev.messages.list();
    let messages: Vec<&Message> = messages.iter().map(AsRef::as_ref).collect();
    Reply::json(StatusCode::OK, &messages)
        .with(header::CACHE_CONTROL, "no-store")
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over by reference")]
fn as_rfc3339<S: Serializer>(at: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&clock::rfc3339(*at))
}

const KEPT: usize = 1_000;
