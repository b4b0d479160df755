//! Who delivers a message: one enum, one match per verb. A provider describes a request and names its answer; it never sends.

pub mod sms_gateway;

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::kit::clock::Millis;
use crate::kit::http::{Answer, Failure, Request};
use crate::kit::secret::Secret;

/// The delivery that a connection's options ask for, read once per change of configuration.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The operator's own HTTP gateway.
    SmsGateway(sms_gateway::Options),
    /// Nothing that could deliver: every message is refused with a sentence that says so.
    NotConfigured,
}

/// One message on its way to a phone. Prints neither the number nor the text.
#[derive(Clone)]
pub struct Message {
    /// The recipient, E.164, exactly as the caller gave it.
    pub to: String,
    /// The rendered text; it holds the code.
    pub text: Secret,
    /// Who the message says it is from; `None` takes the provider's own setting.
    pub from: Option<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}

/// Who asked for a message, and the circumstances of the call that delivers it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The caller's address, the one that limits count.
    pub ip: String,
    /// The caller's `user-agent` header.
    pub user_agent: Option<String>,
    /// The tenant's issuer, with its trailing slash.
    pub issuer: String,
    /// The current instant.
    pub now: Millis,
    /// A fresh random token id: 128 bits, base64url.
    pub jti: String,
    /// How long the exchange may take.
    pub timeout: Duration,
    /// What this server calls itself toward providers.
    pub user_agent_header: String,
}

/// Why a message was not taken: the `error_description` of `sms_provider_error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Provider {
    /// Reads a connection's `options`. Settings that cannot deliver give [`Provider::NotConfigured`]; such a connection may
    /// well be saved before its provider is known.
    pub fn from_options(options: &Map<String, Value>) -> Self {
        let gateway = options.get("provider").and_then(Value::as_str) == Some("sms_gateway");
        gateway.then(|| sms_gateway::Options::parse(options)).flatten().map_or(Self::NotConfigured, Self::SmsGateway)
    }

    /// The HTTP call that delivers `message`.
    pub fn request(&self, message: &Message, origin: &Origin) -> Result<Request, Refusal> {
        match self {
            Self::SmsGateway(options) => sms_gateway::request(options, message, origin),
            Self::NotConfigured => Err(not_configured()),
        }
    }

    /// Whether the provider took the message.
    pub fn outcome(&self, answer: Result<Answer, Failure>) -> Result<(), Refusal> {
        match self {
            Self::SmsGateway(_) => sms_gateway::outcome(answer),
            Self::NotConfigured => Err(not_configured()),
        }
    }
}

fn not_configured() -> Refusal {
    Refusal("The SMS provider is not configured".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(options: &Value) -> Provider {
        Provider::from_options(options.as_object().unwrap())
    }

    #[test]
    fn only_a_complete_gateway_is_a_provider() {
        let url = "https://gateway.example.org/sms";
        let whole = provider(&json!({"provider": "sms_gateway", "gateway_url": url}));
        assert!(matches!(whole, Provider::SmsGateway(_)));
        for options in [
            json!({}),
            json!({"provider": null, "gateway_url": url}),
            json!({"gateway_url": url}),
            json!({"provider": "twilio", "twilio_sid": "AC1"}),
            json!({"provider": "sms_gateway"}),
            json!({"provider": "sms_gateway", "gateway_url": ""}),
            json!({"provider": "sms_gateway", "gateway_url": 7}),
        ] {
            assert!(matches!(provider(&options), Provider::NotConfigured), "{options}");
        }
    }

    #[test]
    fn nothing_is_sent_without_a_provider() {
        let message = Message { to: "+15550001111".into(), text: Secret::new("x"), from: None };
        let origin = Origin {
            ip: "192.0.2.1".into(),
            user_agent: None,
            issuer: "https://acme.example.org/".into(),
            now: 0,
            jti: String::new(),
            timeout: Duration::from_secs(30),
            user_agent_header: "Auth0".into(),
        };
        let refusal = Provider::NotConfigured.request(&message, &origin).unwrap_err();
        assert_eq!(refusal.0, "The SMS provider is not configured");
        assert_eq!(Provider::NotConfigured.outcome(Err(Failure::Reset)), Err(refusal));
    }
}
