//! Whether a sign-in asks for a second factor (`docs/COMPATIBILITY.md` C1801-C1812).

use std::net::IpAddr;
use std::sync::Arc;

use ringpass_core::kit::clock::{DAY, Millis};
use ringpass_core::kit::hash::MacKey;
use ringpass_core::model::authenticator::Authenticator;
use ringpass_core::model::guardian::{Factor, Policy};
use ringpass_core::model::user::User;
use ringpass_core::storage::known_origins::{self, Key, Kind};
use ringpass_core::storage::{DbError, Tx, authenticators};

use crate::app::App;
use crate::snapshot::Snapshot;

/// What a browser shows of itself.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    /// The cookie that it is known by.
    pub device: Option<String>,
    /// The cookie by which it was to be remembered.
    pub remembered: Option<String>,
}

/// A sign-in whose first factor is proven, and what its second factor depends on.
#[derive(Debug, Clone)]
pub struct Asking {
    snapshot: Arc<Snapshot>,
    key: MacKey,
    now: Millis,
    /// Whether the tokens are for managing authenticators.
    is_for_mfa_api: bool,
    /// Whether the application asks for one.
    is_requested: bool,
    browser: Option<Browser>,
    network: String,
    /// Whether this carries an earlier sign-in on, which nothing is unusual about.
    is_renewal: bool,
}

/// A second factor is asked for.
#[derive(Debug, Clone)]
pub struct Demand {
    /// What the user may prove it with; none: they are to enrol first.
    pub authenticators: Vec<Authenticator>,
}

impl Asking {
    /// A sign-in for tokens of this audience, from this address.
    pub fn of(app: &App, audience: Option<&str>, ip: &str) -> Self {
        Self {
            snapshot: app.snapshot(),
            key: app.hash_key.clone(),
            now: app.clock.now(),
            is_for_mfa_api: audience == Some(app.config.http.mfa_audience().as_str()),
            is_requested: false,
            browser: None,
            network: network(ip),
            is_renewal: false,
        }
    }

    /// The same for a sign-in that carries an earlier one on.
    #[must_use]
    pub fn of_renewal(self) -> Self {
        Self { is_renewal: true, ..self }
    }

    /// The same on the hosted pages: a browser shows what it is known by, and the request may want a second factor.
    #[must_use]
    pub fn on_pages(self, browser: Browser, acr_values: Option<&str>) -> Self {
        let is_requested =
            acr_values.is_some_and(|values| values.split_ascii_whitespace().any(|it| it == MULTI_FACTOR));
        Self { browser: Some(browser), is_requested, ..self }
    }

    /// Whether one is asked for whatever was proven before: the application wants it, or the tokens are for managing
    /// authenticators.
    pub fn insists(&self) -> bool {
        self.is_requested || self.is_for_mfa_api
    }

    /// Whether every sign-in is asked: whoever got through has proven one, or is remembered.
    pub fn is_always(&self) -> bool {
        self.is_possible() && self.snapshot.guardian.policy() == Some(Policy::AllApplications)
    }

    /// Whether a second factor could be asked for at all: else nothing here looks at the database.
    pub fn is_possible(&self) -> bool {
        let guardian = &self.snapshot.guardian;
        let has_factor = guardian.is_enabled(Factor::Sms) || guardian.is_enabled(Factor::Otp);
        has_factor && (guardian.policy().is_some() || self.is_requested || self.is_for_mfa_api)
    }

    /// What is asked of this user; nothing when the first factor is enough.
    pub fn demand(&self, tx: &mut Tx<'_>, user: &User) -> Result<Option<Demand>, DbError> {
        if !self.is_possible() {
            return Ok(None);
        }
        let all = authenticators::list_of_user(tx, &user.user_id)?;
        let usable = super::usable(all, user, &self.snapshot, &self.key);
        let is_enrolled = usable.iter().any(|one| one.kind.is_independent());
        // Who has nothing enrolled gets the first one with these very tokens.
        let is_asked = if self.is_for_mfa_api {
            is_enrolled
        } else if self.is_requested {
            true
        } else if self.is_remembered(tx, user)? {
            false
        } else {
            match self.snapshot.guardian.policy() {
                Some(Policy::AllApplications) => true,
                Some(Policy::ConfidenceScore) if !self.is_renewal => self.is_unusual(tx, user)?,
                Some(Policy::ConfidenceScore) | None => false,
            }
        };
        let authenticators = if is_enrolled { usable } else { Vec::new() };
        Ok(is_asked.then_some(Demand { authenticators }))
    }

    /// Whether this browser was to be remembered for this user, and still is.
    fn is_remembered(&self, tx: &mut Tx<'_>, user: &User) -> Result<bool, DbError> {
        let Some(secret) = self.browser.as_ref().and_then(|browser| browser.remembered.as_deref()) else {
            return Ok(false);
        };
        let hash = origin_hash(&self.key, Kind::Remembered, secret);
        let key = Key { user_id: &user.user_id, kind: Kind::Remembered, hash: &hash };
        let Some(seen) = known_origins::get(tx, key, self.now)? else { return Ok(false) };
        let ends = (self.now + IDLE).min(seen.created_at + REMEMBERED);
        known_origins::see(tx, key, self.now, ends)?;
        Ok(true)
    }

    /// Whether this sign-in looks unusual: after a long absence, from a new browser, or for callers without one from a new
    /// network.
    fn is_unusual(&self, tx: &mut Tx<'_>, user: &User) -> Result<bool, DbError> {
        if user.last_login.is_none_or(|at| at + ABSENCE < self.now) {
            return Ok(true);
        }
        match &self.browser {
            None => Ok(!self.knows(tx, user, Kind::Network, &self.network)?),
            Some(Browser { device: None, .. }) => Ok(true),
            Some(Browser { device: Some(device), .. }) => Ok(!self.knows(tx, user, Kind::Browser, device)?),
        }
    }

    fn knows(&self, tx: &mut Tx<'_>, user: &User, kind: Kind, what: &str) -> Result<bool, DbError> {
        let hash = origin_hash(&self.key, kind, what);
        Ok(known_origins::get(tx, Key { user_id: &user.user_id, kind, hash: &hash }, self.now)?.is_some())
    }

    /// Hash of the browser, if this user has proven a second factor on it before.
    pub fn proven_browser(&self, tx: &mut Tx<'_>, user: &User) -> Result<Option<String>, DbError> {
        let Some(device) = self.browser.as_ref().and_then(|browser| browser.device.as_deref()) else { return Ok(None) };
        let hash = origin_hash(&self.key, Kind::Proven, device);
        let known = known_origins::get(tx, Key { user_id: &user.user_id, kind: Kind::Proven, hash: &hash }, self.now)?;
        Ok(known.map(|_| hash))
    }

    /// Notes where a completed sign-in came from: the browser of a page, and whether a second factor was proven on it, and
    /// the network where the policy looks at it.
    pub fn completed(&self, tx: &mut Tx<'_>, user: &User, is_proven: bool) -> Result<(), DbError> {
        let mut see = |kind, what: &str| {
            let hash = origin_hash(&self.key, kind, what);
            let until = self.now + self.snapshot.device_days * DAY;
            known_origins::see(tx, Key { user_id: &user.user_id, kind, hash: &hash }, self.now, until)
        };
        if let Some(device) = self.browser.as_ref().and_then(|browser| browser.device.as_deref()) {
            see(Kind::Browser, device)?;
            if is_proven {
                see(Kind::Proven, device)?;
            }
        }
        if self.snapshot.guardian.policy() == Some(Policy::ConfidenceScore) {
            see(Kind::Network, &self.network)?;
        }
        Ok(())
    }

    /// Remembers a browser from now on; `secret` is what it will show.
    pub fn remember(&self, tx: &mut Tx<'_>, user: &User, secret: &str) -> Result<(), DbError> {
        let hash = origin_hash(&self.key, Kind::Remembered, secret);
        let key = Key { user_id: &user.user_id, kind: Kind::Remembered, hash: &hash };
        known_origins::see_anew(tx, key, self.now, self.now + IDLE)
    }
}

/// Under what the browser of this cookie is known.
pub fn device_hash(key: &MacKey, device: &str) -> String {
    origin_hash(key, Kind::Browser, device)
}

fn origin_hash(key: &MacKey, kind: Kind, what: &str) -> String {
    key.tag(&["origin", kind.name(), what])
}

/// The part of an address that its neighbours share.
fn network(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => ip.to_owned(),
    }
}

/// What an application asks for a second factor with, and ID tokens tell of one
/// (OpenID Provider Authentication Policy Extension).
pub const MULTI_FACTOR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

/// How long a browser is remembered, from the second factor on.
const REMEMBERED: Millis = 30 * DAY;
/// How long it may stay away meanwhile.
const IDLE: Millis = 7 * DAY;
/// After how long an absence a sign-in is unusual.
const ABSENCE: Millis = 30 * DAY;

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn neighbours_share_a_network() {
        assert_eq!(network("203.0.113.7"), network("203.0.113.250"));
        assert_ne!(network("203.0.113.7"), network("203.0.114.7"));
        assert_eq!(network("2001:db8:7:1::1"), network("2001:db8:7:ffff::2"));
        assert_ne!(network("2001:db8:7::1"), network("2001:db8:8::1"));
    }
}
