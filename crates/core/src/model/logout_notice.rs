//! What clients are told of sessions that have ended (OpenID Connect Back-Channel Logout 1.0; `docs/COMPATIBILITY.md`
//! C1561-C1566).

use serde_json::{Map, Value, json};

use super::client::Client;
use super::connection::texts;
use crate::kit::clock::Millis;

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The person signed out.
    RpLogout,
    /// Somebody ended it through the Management API.
    SessionRevoked,
    /// The password was changed.
    PasswordChanged,
    /// The user is gone.
    AccountDeleted,
    /// Its time was over.
    SessionExpired,
    /// Another one took its place in the same browser; nobody is told.
    Replaced,
}

impl Ended {
    /// The word among a client's initiators.
    pub fn name(self) -> &'static str {
        match self {
            Self::RpLogout => "rp-logout",
            Self::SessionRevoked => "session-revoked",
            Self::PasswordChanged => "password-changed",
            Self::AccountDeleted => "account-deleted",
            Self::SessionExpired => "session-expired",
            Self::Replaced => "",
        }
    }
}

/// A session that ended, and the clients that have yet to learn of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Id of the session (`sid`).
    pub session_id: String,
    /// Whose it was.
    pub user_id: String,
    /// Clients that it had signed in to and that were not told yet.
    pub clients: Vec<String>,
    /// Why it ended: a word of [`Ended::name`].
    pub initiator: String,
    /// How often it was tried.
    pub attempts: i64,
}

/// Where a client is told of sessions that ended for this reason; nowhere, when it does not want to know.
pub fn addresses(client: &Client, initiator: &str) -> Vec<String> {
    let settings = client.doc.get("oidc_logout").or_else(|| client.doc.get("oidc_backchannel_logout"));
    let Some(settings) = settings else { return Vec::new() };
    let initiators = settings.get("backchannel_logout_initiators");
    let mode = initiators.and_then(|it| it.get("mode")?.as_str()).unwrap_or("custom");
    let selected = initiators.map(|it| texts(it.get("selected_initiators"))).unwrap_or_default();
    let is_wanted = mode == "all" || DEFAULT.contains(&initiator) || selected.iter().any(|it| it == initiator);
    if is_wanted { texts(settings.get("backchannel_logout_urls")) } else { Vec::new() }
}

impl LogoutNotice {
    /// The claims of the logout token for a client; times are seconds.
    pub fn claims(&self, issuer: &str, client_id: &str, jti: &str, now: i64) -> Map<String, Value> {
        let claims = json!({
            "iss": issuer, "sub": self.user_id, "aud": client_id, "iat": now, "exp": now + LIFETIME, "jti": jti,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": self.session_id,
        });
        claims.as_object().cloned().unwrap_or_default()
    }

    /// When to try again; `None` when it was tried often enough.
    pub fn again_at(&self, now: Millis) -> Option<Millis> {
        let wait = RETRIES.get(usize::try_from(self.attempts - 1).ok()?)?;
        Some(now + wait)
    }
}

/// Initiators that count whatever a client selects.
const DEFAULT: [&str; 2] = ["rp-logout", "idp-logout"];
/// Seconds that a logout token is good for.
const LIFETIME: i64 = 120;
/// Milliseconds between the tries.
const RETRIES: [Millis; 4] = [10_000, 60_000, 600_000, 3_600_000];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::rng::Rng;

    #[test]
    fn a_client_learns_of_what_it_wants_to_know() {
        let client = |settings: Value| {
            let body = json!({"name": "x", "oidc_logout": settings});
            Client::create(&body, &Rng::seeded(1), 0).unwrap()
        };
        let url = "https://app.example/bye";
        let plain = client(json!({"backchannel_logout_urls": [url]}));
        assert_eq!(addresses(&plain, "rp-logout"), [url]);
        assert!(addresses(&plain, "session-revoked").is_empty());
        let chosen = client(json!({"backchannel_logout_urls": [url],
            "backchannel_logout_initiators": {"mode": "custom", "selected_initiators": ["password-changed"]}}));
        assert_eq!(addresses(&chosen, "password-changed"), [url]);
        let all = client(json!({"backchannel_logout_urls": [url], "backchannel_logout_initiators": {"mode": "all"}}));
        assert_eq!(addresses(&all, "session-expired"), [url]);
        assert!(addresses(&client(json!({})), "rp-logout").is_empty());
    }
}
