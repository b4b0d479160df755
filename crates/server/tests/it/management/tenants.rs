//! The tenant's settings (C761-C767).

use std::fmt::Write as _;

use expect_test::expect;
use serde_json::json;

use super::{admin, good, said};
use crate::world::{Options, PHONE, World};

const SETTINGS: &str = "/api/v2/tenants/settings";

#[tokio::test]
async fn a_fresh_tenant_shows_its_settings() {
    let world = World::bare(Options::default()).await;
    let shown = good(&admin(&world).get(SETTINGS).await, 200);
    expect![[r##"
        {
          "change_password": {
            "enabled": false
          },
          "enabled_locales": [
            "en"
          ],
          "friendly_name": "My Tenant",
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
            "enforce_client_authentication_on_passwordless_start": true,
            "cannot_change_enforce_client_authentication_on_passwordless_start": true
          },
          "guardian_mfa_page": {
            "enabled": false
          },
          "session_lifetime": 168,
          "idle_session_lifetime": 72,
          "sandbox_version": "22",
          "sandbox_versions_available": [
            "22",
            "18"
          ],
          "oidc_logout": {
            "rp_logout_end_session_endpoint_discovery": true
          },
          "universal_login": {
            "colors": {
              "page_background": "#FFFFFF",
              "primary": "#0059D6"
            }
          },
          "resource_parameter_profile": "audience",
          "phone_consolidated_experience": false,
          "client_id_metadata_document_supported": false,
          "session_cookie": {
            "mode": "persistent"
          }
        }"##]]
    .assert_eq(&format!("{shown:#}"));
    let some = good(&admin(&world).get("/api/v2/tenants/settings?fields=friendly_name,flags.enable_sso").await, 200);
    expect![[r#"{"friendly_name":"My Tenant","flags":{"enable_sso":true}}"#]].assert_eq(&some.to_string());
}

#[tokio::test]
async fn settings_merge_flags_merge_by_key_and_a_null_removes() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut wanted = good(&admin.get(SETTINGS).await, 200);
    wanted.as_object_mut().unwrap().shift_remove("sandbox_versions_available");
    assert_eq!(good(&admin.patch(SETTINGS, json!({})).await, 200), wanted);
    let patch = json!({"friendly_name": "Acme", "flags": {"enable_sso": false, "enable_apis_section": true},
        "default_audience": "", "default_directory": "", "country_codes": {"list": ["CA"], "mode": "allow"},
        "session_lifetime_in_minutes": 90, "error_page": null, "retired_member": {"x": 1}});
    let patched = good(&admin.patch(SETTINGS, patch).await, 200);
    wanted["friendly_name"] = "Acme".into();
    wanted["flags"]["enable_sso"] = false.into();
    wanted["flags"]["enable_apis_section"] = true.into();
    wanted["default_audience"] = "".into();
    wanted["default_directory"] = "".into();
    wanted["country_codes"] = json!({"list": ["CA"], "mode": "allow"});
    wanted["session_lifetime"] = json!(1.5);
    assert_eq!(patched, wanted);
    let patched = good(&admin.patch(SETTINGS, json!({"country_codes": null, "friendly_name": null, "flags": {"enable_apis_section": null}, "session_lifetime": null, "phone_consolidated_experience": null})).await, 200);
    for gone in ["country_codes", "friendly_name"] {
        assert!(patched.get(gone).is_none(), "{gone}");
    }
    assert!(patched["flags"].get("enable_apis_section").is_none() && patched["flags"]["enable_sso"] == json!(false));
    assert_eq!((&patched["session_lifetime"], &patched["phone_consolidated_experience"]), (&json!(168), &json!(false)));
    drop(world.logs().await);
}

#[tokio::test]
async fn settings_of_the_wrong_kind_change_nothing() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let before = good(&admin.get(SETTINGS).await, 200);
    let mut lines = String::new();
    for patch in [
        json!({"friendly_name": 7}),
        json!({"flags": []}),
        json!({"flags": {"enable_sso": "yes"}}),
        json!({"flags": {"no_such_flag": true}}),
        json!({"session_lifetime": 0}),
        json!({"session_lifetime": 1, "session_lifetime_in_minutes": 60}),
        json!({"enabled_locales": []}),
        json!({"enabled_locales": "en"}),
        json!({"phone_consolidated_experience": "true"}),
        json!({"country_codes": {"list": ["CA"]}}),
        json!({"country_codes": {"list": ["Canada"], "mode": "allow"}}),
        json!({"country_codes": {"list": ["CA"], "mode": "maybe"}}),
        json!({"flags": {"enforce_client_authentication_on_passwordless_start": false}}),
    ] {
        let answer = admin.patch(SETTINGS, patch.clone()).await;
        let line = if answer.status == 200 { "200".to_owned() } else { said(&answer) };
        writeln!(lines, "{patch}\n  {line}").unwrap();
    }
    expect![[r#"
        {"friendly_name":7}
          400 invalid_body: Payload validation error: 'Expected type string but found type integer' on property friendly_name (Name that people see).
        {"flags":[]}
          400 invalid_body: Payload validation error: 'Expected type object but found type array' on property flags (Switches).
        {"flags":{"enable_sso":"yes"}}
          400 invalid_body: Payload validation error: 'Expected type boolean but found type string' on property flags.enable_sso.
        {"flags":{"no_such_flag":true}}
          400 invalid_body: Payload validation error: 'Additional properties not allowed: no_such_flag' on property flags (Switches).
        {"session_lifetime":0}
          400 invalid_body: Payload validation error: 'Value 0 is equal or less than exclusive minimum 0' on property session_lifetime.
        {"session_lifetime":1,"session_lifetime_in_minutes":60}
          400 invalid_body: Cannot set both session_lifetime and session_lifetime_in_minutes
        {"enabled_locales":[]}
          400 invalid_body: Payload validation error: 'Array is too short (0), minimum 1' on property enabled_locales (Languages, the default first).
        {"enabled_locales":"en"}
          400 invalid_body: Payload validation error: 'Expected type array but found type string' on property enabled_locales (Languages, the default first).
        {"phone_consolidated_experience":"true"}
          400 invalid_body: Payload validation error: 'Expected type boolean but found type string' on property phone_consolidated_experience (Whether one provider carries every phone message).
        {"country_codes":{"list":["CA"]}}
          400 invalid_body: Payload validation error: 'Missing required property: mode' on property country_codes (Countries that phone messages may go to).
        {"country_codes":{"list":["Canada"],"mode":"allow"}}
          400 invalid_body: Payload validation error: 'String does not match pattern ^[A-Z]{2}$: Canada' on property country_codes.list[0].
        {"country_codes":{"list":["CA"],"mode":"maybe"}}
          400 invalid_body: Payload validation error: 'No enum match for: maybe' on property country_codes.mode (What being on the list means).
        {"flags":{"enforce_client_authentication_on_passwordless_start":false}}
          400 invalid_body: flags.enforce_client_authentication_on_passwordless_start cannot be changed on this tenant
    "#]].assert_eq(&lines);
    assert_eq!(good(&admin.get(SETTINGS).await, 200), before);
    drop(world.logs().await);
}

#[tokio::test]
async fn without_a_phone_provider_the_consolidated_experience_sends_nothing() {
    let world = World::new().await;
    let settings = good(&admin(&world).patch(SETTINGS, json!({"phone_consolidated_experience": true})).await, 200);
    assert_eq!(settings["phone_consolidated_experience"], true);
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
    let started = world.anon().start(PHONE).await;
    assert_eq!(started.status, 200, "{started}");
    assert!(world.gateway.take().is_empty());
    expect!["f: no tenant-level phone provider is configured (phone_consolidated_experience is true)"]
        .assert_eq(&world.logs().await.lines().join("\n"));
    good(&admin(&world).patch(SETTINGS, json!({"phone_consolidated_experience": false})).await, 200);
    drop(world.logs().await);
    world.anon().code(PHONE).await;
}
