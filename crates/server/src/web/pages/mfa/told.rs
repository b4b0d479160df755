//! What the pages of the second factor tell: errors by the keys of their texts.

use ringpass_core::model::guardian::MessageType;

use crate::flows::mfa::{MfaRefused, Way};

/// What a page tells besides its form.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Key of a sentence about what was done.
    pub notice: Option<&'static str>,
    /// Key of a sentence about what went wrong.
    pub error: Option<&'static str>,
    /// Whether the browser was to be remembered.
    pub remember: bool,
}

impl Told {
    /// Something went wrong.
    pub(super) fn error(key: &'static str) -> Self {
        Self { error: Some(key), ..Self::default() }
    }
}

/// The key of the text for a refusal; `way` is the one that the person was about to use.
pub(super) fn key(refused: &MfaRefused, way: Option<Way>) -> &'static str {
    let by = |way: Option<Way>, sms, voice, email, none| match way {
        Some(Way::Phone(MessageType::Sms)) => sms,
        Some(Way::Phone(MessageType::Voice)) => voice,
        Some(Way::Email) => email,
        None => none,
    };
    match refused {
        MfaRefused::WrongCode(_) => "invalid-code",
        MfaRefused::CodeExpired => "no-transaction-in-progress",
        MfaRefused::NotEnrolled(_) | MfaRefused::AlreadyEnrolled | MfaRefused::UserBlocked => "transaction-not-found",
        MfaRefused::TooManyCodes => "too-many-failures",
        MfaRefused::TooManyMessages(way) => {
            by(Some(*way), "too-many-sms", "too-many-voice", "too-many-email", "too-many-sms")
        }
        MfaRefused::NotSent(way) => by(Some(*way), "send-sms-failed", "send-voice-failed", EMAIL, "send-sms-failed"),
        MfaRefused::BadPhone => "invalid-phone",
        MfaRefused::BadEmail => EMAIL,
        MfaRefused::Unsupported => {
            by(way, "sms-authenticator-error", "voice-authenticator-error", EMAIL, "authenticator-error")
        }
        MfaRefused::Database(_) => "authenticator-error",
    }
}

/// Whatever is wrong with mail.
const EMAIL: &str = "mfa-email-challenge-authenticator-error";
