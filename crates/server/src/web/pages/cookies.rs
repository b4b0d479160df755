//! The cookies of the hosted pages, and of log-ins that applications' own pages make (`docs/COMPATIBILITY.md` C1333, C1341,
//! C1573).
//!
//! `auth0` proves the session; single-page applications ask from a hidden frame, so other sites' frames may send it.
//! The other one only says which browser a sign-in under way belongs to, and never travels with a form of another site.

use http::header;
use ringpass_core::kit::clock::{DAY, Millis, SECOND};

use crate::app::App;
use crate::flows::cross_origin;
use crate::flows::mfa::Browser;
use crate::web::Call;

/// The cookie of the session.
pub(super) fn session(call: &Call) -> Option<String> {
    read(call, SESSION)
}

/// The cookie that names the browser.
pub(super) fn browser(app: &App, call: &Call) -> Option<String> {
    read(call, browser_name(app)).filter(|value| value.len() == 32)
}

/// Sets the session's cookie; it lives as long as the longest session, or as the browser, as the tenant wishes.
pub(super) fn set_session(app: &App, value: &str) -> String {
    let settings = &app.snapshot().settings;
    let lifetime = settings.session_cookie_is_persistent().then(|| settings.session_lifetimes().0);
    session_cookie(app, value, lifetime)
}

/// The cookie that tickets of applications' pages go with.
pub(in crate::web) fn ticket(app: &App, call: &Call) -> Option<String> {
    read(call, ticket_name(app)).filter(|value| value.len() == 32)
}

/// Sets it, for as long as a ticket is good. Applications live on other sites than this server.
pub(in crate::web) fn set_ticket(app: &App, value: &str) -> String {
    host_cookie(app, ticket_name(app), value, Some(cross_origin::LIFETIME))
}

/// What the browser is known by, and by which it was to be remembered.
pub(super) fn known(call: &Call) -> Browser {
    let token = |name| read(call, name).filter(|value| value.len() == 32);
    Browser { device: token(DEVICE), remembered: token(REMEMBERED) }
}

/// Names the browser for good.
pub(super) fn set_device(app: &App, value: &str) -> String {
    host_cookie(app, DEVICE, value, Some(365 * DAY))
}

/// What a remembered browser shows.
pub(super) fn set_remembered(app: &App, value: &str) -> String {
    host_cookie(app, REMEMBERED, value, Some(30 * DAY))
}

/// Takes the session's cookie away.
pub(super) fn end_session(app: &App) -> String {
    session_cookie(app, "", Some(0))
}

/// Names the browser.
pub(super) fn set_browser(app: &App, value: &str) -> String {
    let secure = if is_secure(app) { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", browser_name(app))
}

fn session_cookie(app: &App, value: &str, lifetime: Option<Millis>) -> String {
    host_cookie(app, SESSION, value, lifetime)
}

fn host_cookie(app: &App, name: &str, value: &str, lifetime: Option<Millis>) -> String {
    let life = lifetime.map(|lifetime| format!("; Max-Age={}", lifetime / SECOND)).unwrap_or_default();
    // Browsers take `None` only together with `Secure`.
    let scope = if is_secure(app) { "SameSite=None; Secure" } else { "SameSite=Lax" };
    format!("{name}={value}; Path=/; HttpOnly; {scope}{life}")
}

/// The prefix makes browsers refuse a cookie of this name from any other host, a subdomain's included.
fn browser_name(app: &App) -> &'static str {
    if is_secure(app) { "__Host-ringpass-login" } else { "ringpass-login" }
}

fn ticket_name(app: &App) -> &'static str {
    if is_secure(app) { "__Host-ringpass-ticket" } else { "ringpass-ticket" }
}

fn is_secure(app: &App) -> bool {
    app.config.http.public_url.scheme() == "https"
}

fn read(call: &Call, name: &str) -> Option<String> {
    let lines = call.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value.to_owned())
}

const SESSION: &str = "auth0";
const DEVICE: &str = "did";
const REMEMBERED: &str = "auth0-mf";
