//! The phone factor, prepared: texts compiled, providers of both ways read.

use ringpass_core::model::guardian::{Guardian, MessageType, PhoneProvider};
use ringpass_core::model::mfa_message::Messages;
use ringpass_core::providers::Provider;

/// What the phone factor needs for a message.
#[derive(Debug)]
pub struct PhoneFactor {
    /// Who was selected to send.
    pub provider: PhoneProvider,
    /// What messages say.
    pub messages: Messages,
    sms: Provider,
    voice: Provider,
}

impl PhoneFactor {
    pub(super) fn of(guardian: &Guardian) -> Self {
        let twilio = |message_type| Provider::of_guardian(guardian.twilio(), message_type);
        Self {
            provider: guardian.phone_provider(),
            messages: Messages::of(guardian.templates()),
            sms: twilio(MessageType::Sms),
            voice: twilio(MessageType::Voice),
        }
    }

    /// Twilio, for messages of this type.
    pub fn twilio(&self, message_type: MessageType) -> &Provider {
        match message_type {
            MessageType::Sms => &self.sms,
            MessageType::Voice => &self.voice,
        }
    }
}
