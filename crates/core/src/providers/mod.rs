//! Who delivers a message: one enum, one match per verb. A provider describes a request and names its answer; it never sends.

pub mod mailer;
pub mod sms_gateway;
pub mod smtp;
pub mod twilio;

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::kit::clock::Millis;
use crate::kit::http::{Answer, Failure, Request};
use crate::kit::secret::Secret;
use crate::model::guardian::{MessageType, TwilioSettings};

/// The delivery that a connection's options ask for, read once per change of configuration.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The operator's own HTTP gateway.
    SmsGateway(sms_gateway::Options),
    /// Twilio's messages.
    TwilioSms(twilio::sms::Options),
    /// Twilio's calls. What they say is TwiML ([`twilio::voice::twiml`]).
    TwilioVoice(twilio::voice::Options),
    /// Nothing that could deliver: every message is refused with a sentence that says so. The text tells the operator why.
    NotConfigured(&'static str),
}

/// One message on its way to a phone. Prints neither the number nor the text.
#[derive(Clone)]
pub struct Message {
    /// The recipient, E.164, exactly as the caller gave it.
    pub to: String,
    /// The rendered text, or for a call its TwiML; it holds the code.
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
    /// Where Twilio's API is.
    pub twilio_base_url: String,
}

/// What is known of a message that a provider took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The provider's own name for it (`SM…`, `CA…`), where its answer holds one.
    pub id: Option<String>,
}

/// What a provider itself said of a refusal. The message is foreign text, one line of bounded length.
#[derive(Clone, PartialEq, Eq)]
pub struct Told {
    /// Its number for the error (21211).
    pub code: u64,
    /// Its sentence.
    pub message: String,
}

/// Why a message was not taken. It may quote the provider, so it stands in answers and in the tenant log, never in a
/// process log.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of failure.
    pub reason: Reason,
    /// The `error_description` of `sms_provider_error` or `email_provider_error`.
    pub sentence: String,
    /// Set when the same call may be made once more: the pause that the provider asks for, at least.
    pub repeat_after: Option<Duration>,
    /// Whose matter it is.
    pub verdict: Verdict,
    /// The provider's own words, where it had any.
    pub told: Option<Told>,
}

/// Whose matter a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The person's: no message of this kind reaches the number.
    WrongNumber,
    /// Nobody's: a later try may well succeed.
    Transient,
    /// The operator's: nothing is sent until settings or account are put right.
    Configuration,
    /// The provider will not serve this recipient, for a reason of its own.
    Other,
}

impl Refusal {
    /// A refusal of which no more is known, and that is never repeated.
    pub fn new(reason: Reason, sentence: impl Into<String>) -> Self {
        let verdict = match reason {
            Reason::NotConfigured => Verdict::Configuration,
            Reason::Refused => Verdict::Other,
            Reason::Timeout | Reason::Unreachable | Reason::Unexpected => Verdict::Transient,
        };
        Self { reason, sentence: sentence.into(), repeat_after: None, verdict, told: None }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").field("code", &self.code).finish_non_exhaustive()
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, repeat_after, .. } = self;
        f.debug_struct("Refusal").field("reason", reason).field("repeat_after", repeat_after).finish_non_exhaustive()
    }
}

/// The kinds of failure: after all but [`Reason::Timeout`] and [`Reason::Unexpected`] the message is surely not on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nobody was asked: the settings cannot send.
    NotConfigured,
    /// The provider said no: a status 4xx.
    Refused,
    /// The provider got the message and did not answer in time.
    Timeout,
    /// No connection to the provider came about.
    Unreachable,
    /// The provider answered something else, or the connection broke.
    Unexpected,
}

impl Reason {
    /// The word in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Unexpected => "unexpected",
        }
    }

    fn of(failure: Failure) -> Self {
        match failure {
            Failure::ReadTimeout => Self::Timeout,
            Failure::Tls => Self::Unreachable,
            failure if failure.is_before_sending() => Self::Unreachable,
            _ => Self::Unexpected,
        }
    }
}

impl Provider {
    /// Reads a connection's `options`; without a `provider` they mean Twilio (C322). Settings that cannot deliver give
    /// [`Provider::NotConfigured`]; such a connection may well be saved before its provider is known.
    pub fn from_options(options: &Map<String, Value>) -> Self {
        match text(options, "provider").as_deref() {
            Some("sms_gateway") => {
                let lack = "gateway_url is not set, or gateway_authentication cannot sign";
                sms_gateway::Options::parse(options).map_or(Self::NotConfigured(lack), Self::SmsGateway)
            }
            None if TWILIO.iter().all(|name| text(options, name).is_none()) => Self::NotConfigured(
                "it has neither a gateway_url with the provider `sms_gateway` nor Twilio's settings",
            ),
            None | Some("twilio") => {
                twilio::sms::Options::parse(options).map_or_else(Self::NotConfigured, Self::TwilioSms)
            }
            Some(_) => Self::NotConfigured("its provider is neither `sms_gateway` nor `twilio`"),
        }
    }

    /// Reads a tenant's Twilio settings for second factors, for texts or for calls.
    pub fn of_guardian(twilio: Option<&TwilioSettings>, message_type: MessageType) -> Self {
        let none = TwilioSettings::default();
        let settings = twilio.unwrap_or(&none);
        if let Some(lack) = settings.lack(&[message_type]) {
            return Self::NotConfigured(lack);
        }
        let TwilioSettings { sid, auth_token, from, messaging_service_sid } = settings.clone();
        let provider = || {
            let account = twilio::Account::new(sid?, auth_token?)?;
            Some(match message_type {
                MessageType::Sms => Self::TwilioSms(twilio::sms::Options::new(account, from, messaging_service_sid)?),
                MessageType::Voice => Self::TwilioVoice(twilio::voice::Options::new(account, from?)),
            })
        };
        provider().unwrap_or(Self::NotConfigured("sid holds more than letters and digits"))
    }

    /// The provider's name on the wire and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SmsGateway(_) => "sms_gateway",
            Self::TwilioSms(_) | Self::TwilioVoice(_) => "twilio",
            Self::NotConfigured(_) => "none",
        }
    }

    /// The HTTP call that delivers `message`.
    pub fn request(&self, message: &Message, origin: &Origin) -> Result<Request, Refusal> {
        match self {
            Self::SmsGateway(options) => sms_gateway::request(options, message, origin),
            Self::TwilioSms(options) => Ok(twilio::sms::request(options, message, origin)),
            Self::TwilioVoice(options) => Ok(twilio::voice::request(options, message, origin)),
            Self::NotConfigured(_) => Err(not_configured()),
        }
    }

    /// Whether the provider took the message.
    pub fn outcome(&self, answer: &Result<Answer, Failure>) -> Result<Taken, Refusal> {
        match self {
            Self::SmsGateway(_) => sms_gateway::outcome(answer),
            Self::TwilioSms(options) => twilio::outcome(options.account(), answer),
            Self::TwilioVoice(options) => twilio::outcome(options.account(), answer),
            Self::NotConfigured(_) => Err(not_configured()),
        }
    }
}

fn not_configured() -> Refusal {
    Refusal::new(Reason::NotConfigured, "The SMS provider is not configured")
}

/// A text among the options; an empty one counts as not set.
fn text(options: &Map<String, Value>, name: &str) -> Option<String> {
    options.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Options that only a connection to Twilio has.
const TWILIO: [&str; 3] = ["twilio_sid", "twilio_token", "messaging_service_sid"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(options: &Value) -> Provider {
        Provider::from_options(options.as_object().unwrap())
    }

    /// A caller with everything.
    pub(super) fn origin() -> Origin {
        Origin {
            ip: "203.0.113.7".into(),
            user_agent: Some("Browser \"9\"".into()),
            issuer: "https://acme.example.org/".into(),
            now: 1_700_000_000_999,
            jti: "AAECAwQFBgcICQoLDA0ODw".into(),
            timeout: Duration::from_secs(30),
            user_agent_header: "Auth0".into(),
            twilio_base_url: "https://api.twilio.com/".into(),
        }
    }

    #[test]
    fn options_choose_their_provider_and_incomplete_ones_none() {
        let url = "https://gateway.example.org/sms";
        let mut twilio = json!({"twilio_sid": "AC1", "twilio_token": "t", "from": "+1", "gateway_url": url});
        assert_eq!(provider(&twilio).name(), "twilio");
        for named in [json!("twilio"), json!(null), json!("")] {
            twilio["provider"] = named;
            assert_eq!(provider(&twilio).name(), "twilio");
        }
        twilio["provider"] = json!("sms_gateway");
        assert_eq!(provider(&twilio).name(), "sms_gateway");
        for options in [
            json!({}),
            json!({"provider": null, "gateway_url": url}),
            json!({"gateway_url": url, "from": "+1"}),
            json!({"provider": "twilio", "twilio_sid": "AC1"}),
            json!({"twilio_sid": "AC1", "twilio_token": "t"}),
            json!({"provider": "pigeon", "twilio_sid": "AC1", "twilio_token": "t", "from": "+1"}),
            json!({"provider": "sms_gateway"}),
            json!({"provider": "sms_gateway", "gateway_url": ""}),
            json!({"provider": "sms_gateway", "gateway_url": 7}),
        ] {
            assert_eq!(provider(&options).name(), "none", "{options}");
        }
    }

    #[test]
    fn the_operator_is_told_what_is_missing() {
        let why = |options: &Value| match provider(options) {
            Provider::NotConfigured(why) => why,
            other => other.name(),
        };
        let url = "https://gateway.example.org/sms";
        // Tools write the settings they do not use as null.
        let unsaid = json!({"gateway_url": url, "from": "+1", "twilio_sid": null, "messaging_service_sid": null});
        assert!(why(&unsaid).starts_with("it has neither a gateway_url with the provider"), "{}", why(&unsaid));
        assert_eq!(why(&json!({"provider": "twilio", "gateway_url": url})), "twilio_sid is not set");
        assert_eq!(why(&json!({"twilio_sid": "AC1", "gateway_url": url})), "twilio_token is not set");
        assert!(why(&json!({"provider": "sms_gateway", "twilio_sid": "AC1"})).starts_with("gateway_url is not set"));
    }

    #[test]
    fn nothing_is_sent_without_a_provider() {
        let message = Message { to: "+15550001111".into(), text: Secret::new("x"), from: None };
        let provider = Provider::NotConfigured("");
        let refusal = provider.request(&message, &origin()).unwrap_err();
        assert_eq!((refusal.sentence.as_str(), refusal.repeat_after), ("The SMS provider is not configured", None));
        assert_eq!(provider.outcome(&Err(Failure::Reset)), Err(refusal));
    }

    #[test]
    fn a_refusal_does_not_print_what_the_provider_said() {
        let refusal = Refusal { sentence: "+15550001111 is a landline".into(), ..not_configured() };
        assert!(!format!("{refusal:?}").contains("1555"));
    }
}
