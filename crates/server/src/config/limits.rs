//! Request limits: `docs/COMPATIBILITY.md` lists the documented ones.

use std::time::Duration;

use ringpass_core::kit::clock::{DAY, Millis};

use super::sources::{ConfigError, Values};

/// Limits that can be lifted or changed per process.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Whether the endpoint buckets and the suspicious-IP rows apply; `false` lifts them for load tests.
    pub documented: bool,
    /// Starts of a passwordless sign-in that one address may make at once.
    pub start_burst: u32,
    /// How long until one of them comes back.
    pub start_refill: Duration,
    /// Days that tenant log events are kept.
    pub log_retention_days: u32,
    /// Users or tenant log events that one search of the Management API may read.
    pub search_rows: usize,
    /// Messages that the built-in sender takes in its whole life; 0 refuses all of them.
    pub built_in_messages: u32,
    /// Days after which the signing key is rotated; 0 leaves that to the operator.
    pub signing_key_rotation_days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            documented: true,
            start_burst: 50,
            start_refill: Duration::from_secs(72),
            log_retention_days: 30,
            search_rows: 100_000,
            built_in_messages: 100,
            signing_key_rotation_days: 0,
        }
    }
}

impl Limits {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let default = Self::default();
        let documented = match values.text("limits") {
            None => true,
            Some(value) => match value.text() {
                "documented" => true,
                "off" => false,
                _ => return Err(value.wrong("use `documented` or `off`")),
            },
        };
        let start_burst = values.parse("start_burst", default.start_burst, "write a whole number")?;
        let start_refill = values.seconds("start_refill_seconds", default.start_refill)?;
        let log_retention_days =
            values.parse("log_retention_days", default.log_retention_days, "write a whole number of days")?;
        let search_rows = values.parse("search_rows", default.search_rows, "write a whole number")?;
        let todo = "write a whole number, 0 for none";
        let built_in_messages = values.parse("built_in_messages", default.built_in_messages, todo)?;
        let todo = "write a whole number of days, 0 for never";
        let signing_key_rotation_days =
            values.parse("signing_key_rotation_days", default.signing_key_rotation_days, todo)?;
        Ok(Self {
            documented,
            start_burst,
            start_refill,
            log_retention_days,
            search_rows,
            built_in_messages,
            signing_key_rotation_days,
        })
    }

    /// How long a signing key signs; `None` where the operator rotates.
    pub fn signing_key_age(&self) -> Option<Millis> {
        (self.signing_key_rotation_days > 0).then(|| i64::from(self.signing_key_rotation_days) * DAY)
    }
}
