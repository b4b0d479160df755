//! The settings in force as TOML that `--config` reads back, secrets masked.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::Config;

/// The settings in force, one a line; secrets are `***`, settings without a value are comments.
pub fn show(config: &Config) -> String {
    let Config { http, database, secrets, limits, outbound, .. } = config;
    let masked = |given: bool| given.then_some("***");
    let mut out = String::new();
    text(&mut out, "data", Some(config.data.display()));
    text(&mut out, "public_url", Some(http.issuer().trim_end_matches('/')));
    text(&mut out, "http", http.plain);
    text(&mut out, "https", http.tls.as_ref().map(|tls| tls.addr));
    text(&mut out, "tls_cert", http.tls.as_ref().map(|tls| tls.cert.display()));
    text(&mut out, "tls_key", http.tls.as_ref().map(|tls| tls.key.display()));
    text(&mut out, "ops", http.ops);
    list(&mut out, "trusted_proxies", &http.trusted_proxies);
    text(&mut out, "database_url", Some(&database.url));
    number(&mut out, "database_queue", database.queue);
    number(&mut out, "database_connections", database.connections);
    number(&mut out, "database_readers", database.readers);
    text(&mut out, "master_key", masked(!secrets.master_keys.is_empty()));
    text(&mut out, "admin_client_id", secrets.admin.as_ref().map(|admin| &admin.client_id));
    text(&mut out, "admin_client_secret", masked(secrets.admin.is_some()));
    text(&mut out, "redact_provider_secrets", Some(if secrets.redact_provider { "on" } else { "off" }));
    text(&mut out, "limits", Some(if limits.documented { "documented" } else { "off" }));
    number(&mut out, "built_in_messages", limits.built_in_messages);
    number(&mut out, "log_retention_days", limits.log_retention_days);
    number(&mut out, "search_rows", limits.search_rows);
    number(&mut out, "signing_key_rotation_days", limits.signing_key_rotation_days);
    number(&mut out, "start_burst", limits.start_burst);
    number(&mut out, "start_refill_seconds", seconds(limits.start_refill));
    list(&mut out, "allow_networks", &outbound.allow_networks);
    number(&mut out, "gateway_timeout_seconds", seconds(outbound.gateway_timeout));
    text(&mut out, "twilio_base_url", Some(&outbound.twilio_base_url));
    text(&mut out, "user_agent", Some(&outbound.user_agent));
    text(&mut out, "log_format", Some(config.logs.name()));
    text(&mut out, "log", Some(&config.log_filter));
    out
}

fn text(out: &mut String, key: &str, value: Option<impl Display>) {
    match value {
        Some(value) => line(out, &format!("{key} = {}", toml::Value::String(value.to_string()))),
        None => line(out, &format!("# {key} is not set")),
    }
}

fn number(out: &mut String, key: &str, value: impl Display) {
    line(out, &format!("{key} = {value}"));
}

fn list(out: &mut String, key: &str, items: &[impl Display]) {
    let items = items.iter().map(|item| toml::Value::String(item.to_string())).collect();
    line(out, &format!("{key} = {}", toml::Value::Array(items)));
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
