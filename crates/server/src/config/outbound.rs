//! What outbound calls may reach, how long they may take and how they present themselves.

use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::Mode;
use super::sources::{ConfigError, Values};

/// Settings of outbound calls.
#[derive(Debug, Clone)]
pub struct OutboundSettings {
    /// Private networks that gateways, sinks and mail servers may reach.
    pub allow_networks: Vec<IpNet>,
    /// Longest wait for a gateway's answer.
    pub gateway_timeout: Duration,
    /// Base URL of Twilio's API; exempt from the guard against private addresses.
    pub twilio_base_url: Url,
    /// `User-Agent` of calls to gateways.
    pub user_agent: String,
}

impl OutboundSettings {
    pub(super) fn read(mode: Mode, values: &Values) -> Result<Self, ConfigError> {
        let networks = if mode == Mode::Dev { "127.0.0.0/8,::1/128" } else { "" };
        Ok(Self {
            allow_networks: values.networks("allow_networks", networks)?,
            gateway_timeout: values.seconds("gateway_timeout_seconds", Duration::from_secs(30))?,
            twilio_base_url: twilio(values)?,
            user_agent: agent(values)?,
        })
    }
}

fn twilio(values: &Values) -> Result<Url, ConfigError> {
    let value = values.text("twilio_base_url");
    let text = value.map_or("https://api.twilio.com", |value| value.text().trim());
    let todo = "write a URL such as https://api.twilio.com";
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
        .ok_or_else(|| value.map_or_else(|| ConfigError::new(todo), |value| value.wrong(todo)))
}

fn agent(values: &Values) -> Result<String, ConfigError> {
    let Some(value) = values.text("user_agent") else { return Ok("Auth0".to_owned()) };
    let visible = value.text().bytes().all(|byte| (0x20..0x7f).contains(&byte)) && !value.text().trim().is_empty();
    if visible { Ok(value.text().to_owned()) } else { Err(value.wrong("write visible ASCII characters")) }
}
