//! The tenant's settings: one open document with known defaults, of which this server reads a few
//! (<https://auth0.com/docs/api/management/v2/tenants>; `docs/COMPATIBILITY.md` C761-C767).

use serde_json::{Map, Value, json};

use super::connection::texts;
use super::schema::{self, Invalid};
use super::tenant_fields::{LIFETIMES, UPDATE};
use crate::kit::clock::{HOUR, Millis};

/// Settings as on the wire, without what is computed.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantSettings(pub Map<String, Value>);

impl TenantSettings {
    /// What a new tenant has.
    pub fn fresh(friendly_name: &str) -> Self {
        let fresh = json!({
            "change_password": {"enabled": false},
            "enabled_locales": ["en"],
            "friendly_name": friendly_name,
            "flags": {
                "allow_changing_enable_sso": false,
                "allow_legacy_delegation_grant_types": false,
                "allow_legacy_ro_grant_types": false,
                "disable_impersonation": true,
                "enable_dynamic_client_registration": false,
                "enable_sso": true,
                "universal_login": true,
                "revoke_refresh_token_grant": false,
                "disable_clickjack_protection_headers": false,
                (ENFORCE): true,
                (PINNED): true,
            },
            "guardian_mfa_page": {"enabled": false},
            "session_lifetime": 168,
            "idle_session_lifetime": 72,
            "sandbox_version": "22",
            "oidc_logout": {"rp_logout_end_session_endpoint_discovery": true},
            "universal_login": {"colors": {"page_background": "#FFFFFF", "primary": "#0059D6"}},
            "resource_parameter_profile": "audience",
            "phone_consolidated_experience": false,
            "client_id_metadata_document_supported": false,
            "session_cookie": {"mode": "persistent"},
        });
        Self(if let Value::Object(fresh) = fresh { fresh } else { Map::new() })
    }

    /// Applies the body of `PATCH /tenants/settings`: members are replaced, `flags` merge by key, a null removes, and
    /// unknown members are ignored. On an error nothing has changed.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        let patch = schema::check(&UPDATE, patch)?;
        let mut changed = self.0.clone();
        for (name, value) in patch {
            match name.as_str() {
                "flags" => {
                    let sent = value.as_object().cloned().unwrap_or_default();
                    self.check_pinned(&sent)?;
                    let flags = changed.entry("flags").or_insert(json!({}));
                    if let Value::Object(flags) = flags {
                        merge_flags(flags, sent);
                    }
                }
                _ if !is_setting(name) => {}
                _ if value.is_null() => match ALWAYS.iter().find(|always| *always == name) {
                    Some(_) => {
                        let fresh = Self::fresh("").0.remove(name).unwrap_or_default();
                        changed.insert(name.clone(), fresh);
                    }
                    None => drop(changed.shift_remove(name)),
                },
                _ => drop(changed.insert(name.clone(), value.clone())),
            }
        }
        lifetimes(patch, &mut changed)?;
        self.0 = changed;
        Ok(())
    }

    /// The object on the wire. The list of sandbox versions is part of a reading, not of the answer to a change.
    pub fn view(&self, with_sandbox_list: bool) -> Map<String, Value> {
        let mut view = Map::new();
        for (name, value) in &self.0 {
            view.insert(name.clone(), value.clone());
            if with_sandbox_list && name == "sandbox_version" {
                view.insert("sandbox_versions_available".into(), SANDBOXES.into());
            }
        }
        if with_sandbox_list {
            view.entry("sandbox_versions_available").or_insert_with(|| SANDBOXES.into());
        }
        view
    }

    /// Whether a confidential client must prove itself when it starts a passwordless sign-in; true when unset.
    pub fn enforce_client_authentication_on_passwordless_start(&self) -> bool {
        self.flag(ENFORCE).unwrap_or(true)
    }

    /// Whether revoking one refresh token takes back the user's grant to the client, and so every other one.
    pub fn revoke_refresh_token_grant(&self) -> bool {
        self.flag("revoke_refresh_token_grant").unwrap_or(false)
    }

    /// Whether phone messages go through a tenant-level provider.
    pub fn phone_consolidated_experience(&self) -> bool {
        self.0.get("phone_consolidated_experience").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether enrolments show whole phone numbers to the Management API.
    pub fn disable_management_api_sms_obfuscation(&self) -> bool {
        self.flag("disable_management_api_sms_obfuscation").unwrap_or(false)
    }

    /// Whether a sign-up tells that somebody has the address already.
    pub fn enable_public_signup_user_exists_error(&self) -> bool {
        self.flag("enable_public_signup_user_exists_error").unwrap_or(false)
    }

    /// Where phone messages may go: `{"list": ["CA"], "mode": "allow"}`.
    pub fn country_codes(&self) -> Option<&Value> {
        self.0.get("country_codes").filter(|value| !value.is_null())
    }

    /// The database of the password grant.
    pub fn default_directory(&self) -> Option<&str> {
        self.0.get("default_directory").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// The API that a token is for when no audience was asked for.
    pub fn default_audience(&self) -> Option<&str> {
        self.0.get("default_audience").and_then(Value::as_str).filter(|audience| !audience.is_empty())
    }

    /// The languages of the pages, the default first.
    pub fn enabled_locales(&self) -> impl Iterator<Item = &str> {
        self.0.get("enabled_locales").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Longest life of a session, and of one that is not used, both milliseconds (C1331).
    pub fn session_lifetimes(&self) -> (Millis, Millis) {
        let hours = |name: &str, default: f64| self.0.get(name).and_then(Value::as_f64).unwrap_or(default);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "settings are checked: at most some years"
        )]
        let millis = |hours: f64| (hours * HOUR as f64) as Millis;
        (millis(hours("session_lifetime", 168.0)), millis(hours("idle_session_lifetime", 72.0)))
    }

    /// Whether the session's cookie outlives the browser.
    pub fn session_cookie_is_persistent(&self) -> bool {
        self.0.get("session_cookie").and_then(|it| it.get("mode")?.as_str()) != Some("non-persistent")
    }

    /// Whether old applications may use the endpoints that `/oauth/token` has replaced (C1580).
    pub fn allows_legacy_grants(&self) -> bool {
        self.flag("allow_legacy_ro_grant_types").unwrap_or(false)
    }

    /// Addresses that a log-out may lead to when no client is named.
    pub fn allowed_logout_urls(&self) -> Vec<String> {
        texts(self.0.get("allowed_logout_urls"))
    }

    /// Whether discovery names the log-out endpoint; true when unset.
    pub fn names_end_session_endpoint(&self) -> bool {
        let switch = self.0.get("oidc_logout").and_then(|it| it.get("rp_logout_end_session_endpoint_discovery"));
        switch.and_then(Value::as_bool).unwrap_or(true)
    }

    /// The name that people see; empty when it was removed.
    pub fn friendly_name(&self) -> &str {
        self.0.get("friendly_name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Where people ask for help, by mail; empty when nothing was said.
    pub fn support_email(&self) -> &str {
        self.0.get("support_email").and_then(Value::as_str).unwrap_or_default()
    }

    /// Where people ask for help, on the web; empty when nothing was said.
    pub fn support_url(&self) -> &str {
        self.0.get("support_url").and_then(Value::as_str).unwrap_or_default()
    }

    /// Where lost visitors go; empty when nothing was said.
    pub fn default_redirection_uri(&self) -> &str {
        self.0.get("default_redirection_uri").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether people who enrol a second factor choose among all that are on.
    pub fn mfa_show_factor_list_on_enrollment(&self) -> bool {
        self.flag("mfa_show_factor_list_on_enrollment").unwrap_or(false)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get("flags")?.get(name)?.as_bool()
    }

    fn check_pinned(&self, sent: &Map<String, Value>) -> Result<(), Invalid> {
        let pinned = self.flag(PINNED).unwrap_or(false);
        let wanted = sent.get(ENFORCE).and_then(Value::as_bool);
        if pinned && wanted.is_some_and(|wanted| wanted != self.enforce_client_authentication_on_passwordless_start()) {
            return Err(Invalid::body(format!("flags.{ENFORCE} cannot be changed on this tenant")));
        }
        Ok(())
    }
}

/// What may be stored under its own name.
fn is_setting(name: &str) -> bool {
    let known = UPDATE.fields.iter().flat_map(|group| group.iter()).any(|field| field.name == name);
    known && !LIFETIMES.iter().any(|(_, minutes)| *minutes == name)
}

/// Merges flags by key. The pin itself is read-only, and what it pins is never removed.
fn merge_flags(flags: &mut Map<String, Value>, mut sent: Map<String, Value>) {
    sent.shift_remove(PINNED);
    if sent.get(ENFORCE).is_some_and(Value::is_null) {
        sent.shift_remove(ENFORCE);
    }
    for (name, value) in sent {
        if value.is_null() {
            flags.shift_remove(&name);
        } else {
            flags.insert(name, value);
        }
    }
}

/// Turns lifetimes in minutes into the hours that are kept.
fn lifetimes(patch: &Map<String, Value>, into: &mut Map<String, Value>) -> Result<(), Invalid> {
    let said = |name: &str| patch.get(name).filter(|value| !value.is_null());
    for (hours, minutes) in LIFETIMES {
        if let Some(value) = said(hours).filter(|value| value.as_f64().is_some_and(|hours| hours <= 0.0)) {
            let reason = format!("Value {value} is equal or less than exclusive minimum 0");
            return Err(Invalid::payload(&reason, hours, ""));
        }
        let Some(value) = said(minutes).and_then(schema::integer) else { continue };
        if said(hours).is_some() {
            return Err(Invalid::body(format!("Cannot set both {hours} and {minutes}")));
        }
        into.insert(hours.into(), in_hours(value));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "the number of minutes is small")]
fn in_hours(minutes: i64) -> Value {
    if minutes % 60 == 0 { (minutes / 60).into() } else { (minutes as f64 / 60.0).into() }
}

const ENFORCE: &str = "enforce_client_authentication_on_passwordless_start";
const PINNED: &str = "cannot_change_enforce_client_authentication_on_passwordless_start";
/// Settings that fall back to their default instead of going away.
const ALWAYS: [&str; 4] =
    ["enabled_locales", "session_lifetime", "idle_session_lifetime", "phone_consolidated_experience"];
const SANDBOXES: [&str; 2] = ["22", "18"];

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(patch: &Value) -> Map<String, Value> {
        let mut settings = TenantSettings::fresh("Acme");
        settings.apply(patch).unwrap();
        settings.0
    }

    #[test]
    fn a_fresh_tenant_shows_the_recorded_settings() {
        let fresh = TenantSettings::fresh("My Tenant");
        assert_eq!(
            Value::Object(fresh.view(true)),
            json!({"change_password": {"enabled": false}, "enabled_locales": ["en"], "friendly_name": "My Tenant",
                "flags": {"allow_changing_enable_sso": false, "allow_legacy_delegation_grant_types": false,
                    "allow_legacy_ro_grant_types": false, "disable_impersonation": true,
                    "enable_dynamic_client_registration": false, "enable_sso": true, "universal_login": true,
                    "revoke_refresh_token_grant": false, "disable_clickjack_protection_headers": false,
                    "enforce_client_authentication_on_passwordless_start": true,
                    "cannot_change_enforce_client_authentication_on_passwordless_start": true},
                "guardian_mfa_page": {"enabled": false}, "session_lifetime": 168, "idle_session_lifetime": 72,
                "sandbox_version": "22", "sandbox_versions_available": ["22", "18"],
                "oidc_logout": {"rp_logout_end_session_endpoint_discovery": true},
                "universal_login": {"colors": {"page_background": "#FFFFFF", "primary": "#0059D6"}},
                "resource_parameter_profile": "audience", "phone_consolidated_experience": false,
                "client_id_metadata_document_supported": false, "session_cookie": {"mode": "persistent"}})
        );
        assert!(!fresh.view(false).contains_key("sandbox_versions_available"));
        assert!(fresh.enforce_client_authentication_on_passwordless_start());
        assert!(!fresh.phone_consolidated_experience());
        assert_eq!((fresh.country_codes(), fresh.default_audience()), (None, None));
        assert_eq!(fresh.friendly_name(), "My Tenant");
    }

    #[test]
    fn members_are_replaced_and_nulls_remove_them() {
        for (patch, name, wanted) in [
            (json!({"universal_login": {"a": 1}}), "universal_login", Some(json!({"a": 1}))),
            (json!({"friendly_name": "B"}), "friendly_name", Some(json!("B"))),
            (json!({"friendly_name": null}), "friendly_name", None),
            (json!({"default_audience": ""}), "default_audience", Some(json!(""))),
            (json!({"error_page": null, "mtls": null}), "error_page", None),
            (json!({"phone_consolidated_experience": null}), "phone_consolidated_experience", Some(json!(false))),
            (json!({"enabled_locales": null}), "enabled_locales", Some(json!(["en"]))),
            (json!({"enabled_locales": ["de", "zh-MO"]}), "enabled_locales", Some(json!(["de", "zh-MO"]))),
            (json!({"country_codes": null}), "country_codes", None),
            (json!({"sandbox_versions_available": [], "whatever": 1}), "whatever", None),
            (json!({"session_lifetime": 3.5}), "session_lifetime", Some(json!(3.5))),
            (json!({"session_lifetime_in_minutes": 181}), "session_lifetime", Some(json!(181.0 / 60.0))),
            (json!({"idle_session_lifetime_in_minutes": 120}), "idle_session_lifetime", Some(json!(2))),
            (json!({"session_lifetime_in_minutes": 60}), "session_lifetime_in_minutes", None),
            (json!({"session_lifetime_in_minutes": null, "session_lifetime": 4}), "session_lifetime", Some(json!(4))),
        ] {
            assert_eq!(changed(&patch).get(name), wanted.as_ref(), "{patch}");
        }
        assert!(!changed(&json!({"sandbox_versions_available": []})).contains_key("sandbox_versions_available"));
    }

    #[test]
    fn what_the_server_reads_follows_the_settings() {
        let mut settings = TenantSettings::fresh("Acme");
        let codes = json!({"list": ["CA", "US"], "mode": "deny"});
        settings
            .apply(&json!({"country_codes": codes, "default_audience": "https://api", "friendly_name": "Acme 2",
                "phone_consolidated_experience": true}))
            .unwrap();
        assert_eq!((settings.country_codes(), settings.default_audience()), (Some(&codes), Some("https://api")));
        assert!(settings.phone_consolidated_experience());
        settings.apply(&json!({"default_audience": ""})).unwrap();
        assert_eq!((settings.default_audience(), settings.friendly_name()), (None, "Acme 2"));
    }

    #[test]
    fn flags_merge_by_key_and_the_pin_holds() {
        let flags = changed(&json!({"flags": {"enable_sso": null, "universal_login": false, (PINNED): false,
            (ENFORCE): true, "revoke_refresh_token_grant": true}}))["flags"]
            .clone();
        assert_eq!(
            flags,
            json!({"allow_changing_enable_sso": false, "allow_legacy_delegation_grant_types": false,
                "allow_legacy_ro_grant_types": false, "disable_impersonation": true,
                "enable_dynamic_client_registration": false, "universal_login": false,
                "revoke_refresh_token_grant": true, "disable_clickjack_protection_headers": false,
                (ENFORCE): true, (PINNED): true})
        );
        let mut settings = TenantSettings::fresh("Acme");
        assert!(settings.apply(&json!({"flags": {(ENFORCE): false}})).is_err());
        settings.apply(&json!({"flags": {(ENFORCE): null}})).unwrap();
        settings.apply(&json!({"flags": null})).unwrap();
        assert_eq!(settings, TenantSettings::fresh("Acme"));
        settings.0["flags"][PINNED] = false.into();
        settings.apply(&json!({"flags": {(ENFORCE): false}})).unwrap();
        assert!(!settings.enforce_client_authentication_on_passwordless_start());
    }

    #[test]
    fn wrong_settings_are_refused_and_nothing_changes() {
        for (patch, text) in [
            (json!([]), "Expected type object but found type array"),
            (json!({"friendly_name": 1}), "Expected type string but found type integer' on property friendly_name"),
            (json!({"flags": {"enable_sso": "yes"}}), "on property flags.enable_sso"),
            (json!({"flags": {"enable_magic": true}}), "Additional properties not allowed: enable_magic"),
            (json!({"flags": {(ENFORCE): false}}), "cannot be changed on this tenant"),
            (json!({"enabled_locales": []}), "Array is too short (0), minimum 1"),
            (json!({"enabled_locales": ["en", "tlh"]}), "No enum match for: tlh' on property enabled_locales[1]"),
            (json!({"enabled_locales": ["en", "en"]}), "Array items are not unique (indexes 0 and 1)"),
            (json!({"country_codes": {"list": ["CA"]}}), "Missing required property: mode' on property country_codes"),
            (json!({"country_codes": {"list": ["CA"], "mode": "maybe"}}), "No enum match for: maybe"),
            (json!({"country_codes": {"list": ["CAN"], "mode": "deny"}}), "on property country_codes.list[0]"),
            (json!({"country_codes": {"list": ["ca"], "mode": "deny"}}), "does not match pattern ^[A-Z]{2}$: ca"),
            (json!({"session_lifetime": 0}), "on property session_lifetime"),
            (json!({"session_lifetime": -1}), "Value -1 is less than minimum 0"),
            (json!({"session_lifetime_in_minutes": 1.5}), "Expected type integer but found type number"),
            (json!({"session_lifetime": 1, "session_lifetime_in_minutes": 60}), "Cannot set both session_lifetime and"),
            (json!({"session_cookie": {"mode": "sweet"}}), "No enum match for: sweet"),
            (json!({"resource_parameter_profile": "x"}), "No enum match for: x"),
        ] {
            let mut settings = TenantSettings::fresh("Acme");
            let error = settings.apply(&patch).unwrap_err();
            assert!(error.message.contains(text), "{patch}: {}", error.message);
            assert_eq!(settings, TenantSettings::fresh("Acme"));
        }
    }
}
