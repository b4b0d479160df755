//! A sign-in under way on the hosted pages: what the application asked, and how far the person has come
//! (`docs/COMPATIBILITY.md` C1340-C1344).

use serde::{Deserialize, Serialize};

use super::authorization::AuthorizationRequest;
use super::enrollment_ticket::Wishes;
use crate::kit::clock::{MINUTE, Millis};

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Login {
    /// What the application asked.
    pub request: AuthorizationRequest,
    /// When it began.
    pub started_at: Millis,
    /// How far it has come.
    pub step: Step,
    /// The code that was sent last, or is being waited for.
    pub sent: Option<Sent>,
    /// The name to sign in to a database with, as it was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether the person has just said that the application may have what it asks.
    #[serde(default)]
    pub has_consented: bool,
    /// Who is to prove a second factor, and how far they have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Second>,
    /// Whether a second factor was proven in this sign-in: its ID token tells.
    #[serde(default)]
    pub amr: bool,
    /// Whether the tenant's demand for a second factor was met when the session began.
    #[serde(default)]
    pub is_met: bool,
    /// The ticket that lets its person enrol something, where this is no sign-in to an application but that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Enrollment>,
}

/// What is enrolled with a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrollment {
    /// Hash of the ticket.
    pub ticket: String,
    /// What it permits.
    pub wishes: Wishes,
}

/// A second factor that is being proven, or enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Who has proven the first.
    pub user_id: String,
    /// When they did.
    pub since: Millis,
    /// When the last step was made.
    pub at: Millis,
    /// The authenticator's own id, once one is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticator: Option<String>,
    /// The way of the code that was sent last: `sms`, `voice` or `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Millis>,
    /// Whether it is proven, and a recovery code has yet to be shown: `true` when the one before was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<bool>,
    /// Whether the browser is to be remembered.
    #[serde(default)]
    pub remember: bool,
}

impl Second {
    /// Somebody who has just proven the first factor.
    pub fn new(user_id: &str, now: Millis) -> Self {
        Self {
            user_id: user_id.to_owned(),
            since: now,
            at: now,
            authenticator: None,
            way: None,
            sent_at: None,
            recovery: None,
            remember: false,
        }
    }

    /// Whether the first factor was proven too long ago.
    pub fn is_over(&self, now: Millis) -> bool {
        self.at + BETWEEN_FACTORS <= now
    }
}

/// How long a person may take from one step of the second factor to the next.
pub const BETWEEN_FACTORS: Millis = 5 * MINUTE;

/// How far a sign-in has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The person has yet to prove who they are.
    Open,
    /// They did with one factor, and are to prove a second one ([`Login::second`]).
    SecondFactor,
    /// They did, in this session; the application has no answer yet.
    Authenticated {
        /// The session's id.
        session_id: String,
    },
    /// The application has its answer.
    Done,
}

/// Where a code went.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Id of the connection.
    pub connection_id: String,
    /// Phone number (E.164) or e-mail address.
    pub identifier: String,
    /// When it was sent.
    pub at: Millis,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").field("connection_id", &self.connection_id).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Login {
    /// A sign-in that begins now.
    pub fn new(request: AuthorizationRequest, now: Millis) -> Self {
        Self {
            request,
            started_at: now,
            step: Step::Open,
            sent: None,
            username: None,
            has_consented: false,
            second: None,
            amr: false,
            is_met: false,
            enrollment: None,
        }
    }
}
