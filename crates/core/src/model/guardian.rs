//! Multi-factor authentication as a tenant sets it up: which factors, when they are asked for, and who sends the messages
//! (<https://auth0.com/docs/secure/multi-factor-authentication>; `docs/COMPATIBILITY.md` C1650-C1667).

mod messages;
pub mod others;
mod settings;

pub use messages::{Templates, TwilioSettings};
pub use settings::Guardian;

/// An enum of words that stand on the wire.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$what])* $variant,)* }

        impl $name {
            /// All of them, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads the word on the wire.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// A factor that can be switched on (`/guardian/factors/{name}`).
    Factor {
        /// The phone, by text message or call.
        Sms = "sms",
        /// Stored, never offered.
        PushNotification = "push-notification",
        /// An authenticator application (RFC 6238).
        Otp = "otp",
        /// Codes to the verified e-mail address.
        Email = "email",
        /// Stored, never offered.
        Duo = "duo",
        /// Stored, never offered.
        WebauthnRoaming = "webauthn-roaming",
        /// Stored, never offered.
        WebauthnPlatform = "webauthn-platform",
        /// A code to keep for the day when nothing else works.
        RecoveryCode = "recovery-code",
    }
}

words! {
    /// How a code travels to a phone.
    MessageType {
        /// A text message.
        Sms = "sms",
        /// A call that speaks the code.
        Voice = "voice",
    }
}

words! {
    /// Who sends the messages (`/guardian/factors/phone/selected-provider`).
    PhoneProvider {
        /// The built-in sender, for evaluation: text messages only, and few of them.
        Auth0 = "auth0",
        /// Twilio's messages and calls.
        Twilio = "twilio",
        /// The tenant's own Action.
        PhoneMessageHook = "phone-message-hook",
    }
}

words! {
    /// When a second factor is asked for (`/guardian/policies`); an empty list means never.
    Policy {
        /// At every sign-in.
        AllApplications = "all-applications",
        /// At sign-ins that look unusual.
        ConfidenceScore = "confidence-score",
    }
}
