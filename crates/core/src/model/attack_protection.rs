//! The settings of attack protection: documents with known defaults, and the two of them that this server enforces
//! (<https://auth0.com/docs/secure/attack-protection>; `docs/COMPATIBILITY.md` C1240-C1245).

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::attack_protection_fields::{DOCUMENTS, Document};
use super::schema::{self, Invalid};
use crate::kit::clock::Millis;

/// Where the settings of brute-force protection are.
pub const BRUTE_FORCE: &str = "attack-protection/brute-force-protection";
/// Where it says how messages of second factors are spaced.
pub const PHONE_PROVIDER: &str = "attack-protection/phone-provider-protection";
/// Where it says for how long a browser is known.
pub const NEW_DEVICE: &str = "risk-assessments/settings/new-device";
/// Where the settings of suspicious-IP throttling are.
pub const SUSPICIOUS_IP: &str = "attack-protection/suspicious-ip-throttling";

/// One document of settings, always complete.
#[derive(Debug, Clone)]
pub struct Settings {
    document: &'static Document,
    members: Map<String, Value>,
}

impl Settings {
    /// The document at `path` below `/api/v2/`, as it is on a fresh tenant; `None` when no document is there.
    pub fn fresh(path: &str) -> Option<Self> {
        let document = DOCUMENTS.iter().find(|document| document.path == path)?;
        let members = if let Value::Object(members) = (document.fresh)() { members } else { Map::new() };
        Some(Self { document, members })
    }

    /// The same with what was stored.
    #[must_use]
    pub fn with(mut self, stored: Option<Map<String, Value>>) -> Self {
        merge(&mut self.members, &stored.unwrap_or_default(), &Map::new());
        self
    }

    /// Applies the body of a PATCH: objects merge at every depth, a null brings a default back. On an error nothing has
    /// changed.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        let patch = schema::check(&self.document.update, patch)?;
        let fresh = (self.document.fresh)();
        merge(&mut self.members, patch, fresh.as_object().unwrap_or(&Map::new()));
        (self.document.settle)(&mut self.members);
        Ok(())
    }

    /// The document on the wire, which is also what is stored.
    pub fn view(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Whether messages of second factors wait longer each time ([`PHONE_PROVIDER`]).
    pub fn is_exponential(&self) -> bool {
        self.members.get("type").is_some_and(|kind| kind == "exponential")
    }

    /// Days that a browser is known ([`NEW_DEVICE`]).
    pub fn remember_for(&self) -> Option<i64> {
        self.members.get("remember_for").and_then(schema::integer)
    }

    fn flag(&self, name: &str) -> bool {
        self.members.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.members.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).collect()
    }

    /// Whether it is switched on, and may refuse somebody.
    fn blocks(&self) -> bool {
        self.flag("enabled") && self.texts("shields").contains(&"block")
    }

    fn allowlist(&self) -> Networks {
        Networks(self.texts("allowlist").into_iter().filter_map(network).collect())
    }

    fn stage(&self, name: &str) -> Option<Stage> {
        let stage = self.members.get("stage")?.get(name)?;
        Some(Stage {
            max_attempts: stage.get("max_attempts").and_then(schema::integer)?,
            rate: stage.get("rate").and_then(schema::integer)?,
        })
    }
}

/// Addresses that are never refused.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether the address is among them.
    pub fn contain(&self, ip: &str) -> bool {
        !self.0.is_empty() && ip.parse::<IpAddr>().is_ok_and(|ip| self.0.iter().any(|network| network.contains(&ip)))
    }
}

/// An address, or a network in CIDR form.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Failed sign-ins in a row block an address for an identifier, or the identifier for every address.
#[derive(Debug, Clone)]
pub struct BruteForce {
    /// Failures that block.
    pub max_attempts: i64,
    /// Whether each address is counted for itself.
    pub by_address: bool,
    /// Addresses that are neither counted nor blocked.
    pub allowlist: Networks,
}

impl BruteForce {
    /// What the settings ask for; `None` when they block nobody.
    pub fn of(settings: &Settings) -> Option<Self> {
        settings.blocks().then(|| Self {
            max_attempts: settings.members.get("max_attempts").and_then(schema::integer).unwrap_or(10),
            by_address: settings.members.get("mode").is_none_or(|mode| mode != "count_per_identifier"),
            allowlist: settings.allowlist(),
        })
    }
}

/// How often an address may fail, or sign up.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// So many at once.
    pub max_attempts: i64,
    /// Milliseconds until one more is granted.
    pub rate: Millis,
}

/// Addresses that fail at many identifiers, or sign up many users.
#[derive(Debug, Clone)]
pub struct SuspiciousIp {
    /// Failed sign-ins.
    pub login: Stage,
    /// Users who signed up.
    pub signup: Stage,
    /// Addresses that are neither counted nor blocked.
    pub allowlist: Networks,
}

impl SuspiciousIp {
    /// What the settings ask for; `None` when they block nobody.
    pub fn of(settings: &Settings) -> Option<Self> {
        let (login, signup) = (settings.stage("pre-login")?, settings.stage("pre-user-registration")?);
        settings.blocks().then(|| Self { login, signup, allowlist: settings.allowlist() })
    }
}

/// Merges `patch` into `into` at every depth; a null brings back what `fresh` has.
fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>, fresh: &Map<String, Value>) {
    for (name, value) in patch {
        match (into.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(patch)) => {
                merge(inner, patch, fresh.get(name).and_then(Value::as_object).unwrap_or(&Map::new()));
            }
            (_, Value::Null) => match fresh.get(name) {
                Some(default) => drop(into.insert(name.clone(), default.clone())),
                None => drop(into.shift_remove(name)),
            },
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(path: &str, change: &Value) -> Result<Settings, Invalid> {
        let mut settings = Settings::fresh(path).unwrap();
        settings.apply(change)?;
        Ok(settings)
    }

    #[test]
    fn every_default_passes_its_own_rules_and_changes_nothing() {
        for document in DOCUMENTS {
            let fresh = (document.fresh)();
            let same = changed(document.path, &fresh).unwrap_or_else(|why| panic!("{}: {why:?}", document.path));
            assert_eq!(Value::Object(same.view().clone()), fresh, "{}", document.path);
        }
        assert!(Settings::fresh("attack-protection/nothing").is_none());
    }

    #[test]
    fn objects_merge_and_nulls_bring_defaults_back() {
        let mut settings = changed(SUSPICIOUS_IP, &json!({"stage": {"pre-login": {"max_attempts": 7}}})).unwrap();
        assert_eq!(settings.members["stage"]["pre-login"], json!({"max_attempts": 7, "rate": 864_000}));
        assert_eq!(settings.members["stage"]["pre-user-registration"]["max_attempts"], 50);
        settings.apply(&json!({"stage": {"pre-login": {"max_attempts": null}}, "allowlist": ["::1"]})).unwrap();
        assert_eq!(settings.members["stage"]["pre-login"]["max_attempts"], 100);
        settings.apply(&json!({"stage": null, "allowlist": null})).unwrap();
        assert_eq!(settings.members, Settings::fresh(SUSPICIOUS_IP).unwrap().members);
        let stored = settings.members.clone();
        assert_eq!(Settings::fresh(SUSPICIOUS_IP).unwrap().with(Some(stored.clone())).members, stored);
    }

    #[test]
    fn what_the_server_enforces_follows_the_settings() {
        let rule = |patch: &Value| BruteForce::of(&changed(BRUTE_FORCE, patch).unwrap());
        let fresh = rule(&json!({})).unwrap();
        assert!(fresh.max_attempts == 10 && fresh.by_address && !fresh.allowlist.contain("192.0.2.1"));
        let other = rule(&json!({"max_attempts": 3, "mode": "count_per_identifier", "allowlist": ["192.0.2.0/24"]}));
        let other = other.unwrap();
        assert!(other.max_attempts == 3 && !other.by_address);
        assert!(other.allowlist.contain("192.0.2.1") && !other.allowlist.contain("192.0.3.1"));
        assert!(!other.allowlist.contain("nonsense"));
        for off in [json!({"enabled": false}), json!({"shields": ["user_notification"]}), json!({"shields": []})] {
            assert!(rule(&off).is_none(), "{off}");
        }
        let throttle = |patch: &Value| SuspiciousIp::of(&changed(SUSPICIOUS_IP, patch).unwrap());
        let fresh = throttle(&json!({"allowlist": ["2001:db8::1"]})).unwrap();
        assert_eq!((fresh.login.max_attempts, fresh.login.rate), (100, 864_000));
        assert_eq!((fresh.signup.max_attempts, fresh.signup.rate), (50, 1_200));
        assert!(fresh.allowlist.contain("2001:db8::1"));
        assert!(throttle(&json!({"enabled": false})).is_none());
    }

    #[test]
    fn secrets_of_captcha_providers_are_not_kept_and_none_means_default() {
        let captcha = changed(
            "attack-protection/captcha",
            &json!({"active_provider_id": "hcaptcha", "hcaptcha": {"site_key": "k", "secret": "hidden"},
                "recaptcha_enterprise": {"site_key": "k", "api_key": "hidden", "project_id": "p"}}),
        );
        let text = Value::Object(captcha.unwrap().members).to_string();
        assert!(text.contains("hcaptcha") && !text.contains("hidden"), "{text}");
        let phone = changed("attack-protection/phone-provider-protection", &json!({"type": "none"})).unwrap();
        assert_eq!(phone.members["type"], "default");
    }

    #[test]
    fn wrong_settings_are_refused() {
        for (path, patch, text) in [
            (BRUTE_FORCE, json!({"max_attempts": 0}), "Value 0 is less than minimum 1' on property max_attempts"),
            (BRUTE_FORCE, json!({"max_attempts": 101}), "Value 101 is greater than maximum 100"),
            (BRUTE_FORCE, json!({"mode": "x"}), "No enum match for: x' on property mode"),
            (BRUTE_FORCE, json!({"shields": ["admin_notification"]}), "No enum match for: admin_notification"),
            (BRUTE_FORCE, json!({"shields": ["block", "block"]}), "Array items are not unique (indexes 0 and 1)"),
            (BRUTE_FORCE, json!({"max_attemps": 3}), "Additional properties not allowed: max_attemps"),
            (
                BRUTE_FORCE,
                json!({"allowlist": ["1.2.3"]}),
                "format ip-address-or-cidr: 1.2.3' on property allowlist[0]",
            ),
            (BRUTE_FORCE, json!([]), "Expected type object but found type array"),
            (SUSPICIOUS_IP, json!({"stage": {"pre-login": {"rate": 0}}}), "on property stage.pre-login.rate"),
            (SUSPICIOUS_IP, json!({"stage": {"x": {}}}), "Additional properties not allowed: x' on property stage"),
            ("attack-protection/phone-provider-protection", json!({"type": "x"}), "No enum match for: x"),
        ] {
            let refused = changed(path, &patch).unwrap_err();
            assert!(refused.message.contains(text), "{patch}: {}", refused.message);
        }
    }
}
