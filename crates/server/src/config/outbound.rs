//! What outbound calls may reach, how long they may take and how they present themselves.

use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::Mode;
use super::sources::{ConfigError, Values};

/// Settings of outbound calls.
#[derive(Debug, Clone)]
pub struct OutboundSettings {
    /// Private networks that gateways may stand on.
    pub allow_networks: Vec<IpNet>,
    /// Longest wait for a gateway's answer.
    pub gateway_timeout: Duration,
    /// Base URL of Twilio's API; exempt from the guard against private addresses.
    pub twilio_base_url: Url,
    /// How long calls to Twilio may take. No setting of the operator's: callers wait for it.
    pub twilio: TwilioTimes,
    /// `User-Agent` of calls to gateways and to Twilio.
    pub user_agent: String,
}

/// How long calls to Twilio may take (C1008-C1010).
#[derive(Debug, Clone, Copy)]
pub struct TwilioTimes {
    /// Until a connection stands.
    pub connect: Duration,
    /// One call, connecting included.
    pub call: Duration,
    /// The shortest pause before a second call.
    pub pause: Duration,
    /// Everything for one message: calls and pause.
    pub message: Duration,
}

impl Default for TwilioTimes {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            call: Duration::from_secs(8),
            pause: Duration::from_millis(250),
            message: Duration::from_secs(12),
        }
    }
}

impl OutboundSettings {
    pub(super) fn read(mode: Mode, values: &Values) -> Result<Self, ConfigError> {
        let networks = if mode == Mode::Dev { "127.0.0.0/8,::1/128" } else { "" };
        Ok(Self {
            allow_networks: values.networks("allow_networks", networks)?,
            gateway_timeout: values.seconds("gateway_timeout_seconds", Duration::from_secs(30))?,
            twilio_base_url: twilio(values)?,
            twilio: TwilioTimes::default(),
            user_agent: agent(values)?,
        })
    }
}

fn twilio(values: &Values) -> Result<Url, ConfigError> {
    let value = values.text("twilio_base_url");
    let text = value.map_or("https://api.twilio.com", |value| value.text().trim());
    let todo = "write a URL such as https://api.twilio.com, without a user name, a query or a fragment";
    let plain = |url: &Url| {
        let more = url.password().is_some() || url.query().is_some() || url.fragment().is_some();
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.username().is_empty() && !more
    };
    Url::parse(text)
        .ok()
        .filter(plain)
        .ok_or_else(|| value.map_or_else(|| ConfigError::new(todo), |value| value.wrong(todo)))
}

fn agent(values: &Values) -> Result<String, ConfigError> {
    let Some(value) = values.text("user_agent") else { return Ok("Auth0".to_owned()) };
    let visible = value.text().bytes().all(|byte| (0x20..0x7f).contains(&byte)) && !value.text().trim().is_empty();
    if visible { Ok(value.text().to_owned()) } else { Err(value.wrong("write visible ASCII characters")) }
}
