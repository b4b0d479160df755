//! Settings of attack protection and risk assessments (`docs/COMPATIBILITY.md` C1240-C1245).

use expect_test::expect;
use serde_json::json;

use super::{admin, good, said};
use crate::world::{Lines as _, Options, World};

const PATHS: [&str; 8] = [
    "attack-protection/brute-force-protection",
    "attack-protection/suspicious-ip-throttling",
    "attack-protection/breached-password-detection",
    "attack-protection/bot-detection",
    "attack-protection/captcha",
    "attack-protection/phone-provider-protection",
    "risk-assessments/settings",
    "risk-assessments/settings/new-device",
];

#[tokio::test]
async fn a_fresh_tenant_shows_the_recorded_settings_and_takes_them_back() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut out = String::new();
    for path in PATHS {
        let shown = good(&admin.get(&format!("/api/v2/{path}")).await, 200);
        assert_eq!(good(&admin.patch(&format!("/api/v2/{path}"), shown.clone()).await, 200), shown);
        assert_eq!(world.logs().await.kinds(), ["sapi"]);
        assert_eq!(good(&admin.patch(&format!("/api/v2/{path}"), json!({})).await, 200), shown);
        drop(world.logs().await);
        out.line(format!("{path} {shown}"));
    }
    expect![[r#"
        attack-protection/brute-force-protection {"enabled":true,"shields":["block","user_notification"],"mode":"count_per_identifier_and_ip","allowlist":[],"max_attempts":10}
        attack-protection/suspicious-ip-throttling {"enabled":true,"shields":["admin_notification","block"],"allowlist":[],"stage":{"pre-login":{"max_attempts":100,"rate":864000},"pre-user-registration":{"max_attempts":50,"rate":1200},"pre-custom-token-exchange":{"max_attempts":10,"rate":600000}}}
        attack-protection/breached-password-detection {"enabled":false,"shields":[],"admin_notification_frequency":[],"method":"standard","stage":{"pre-user-registration":{"shields":[]},"pre-change-password":{"shields":[]}}}
        attack-protection/bot-detection {"challenge_password_policy":"never","challenge_passwordless_policy":"never","challenge_password_reset_policy":"never","allowlist":[],"bot_detection_level":"medium","monitoring_mode_enabled":false}
        attack-protection/captcha {"active_provider_id":"auth_challenge","simple_captcha":{},"auth_challenge":{"fail_open":false},"recaptcha_v2":{"site_key":""},"recaptcha_enterprise":{"site_key":"","project_id":""},"hcaptcha":{"site_key":""},"friendly_captcha":{"site_key":""},"arkose":{"site_key":"","client_subdomain":"client-api","verify_subdomain":"verify-api","fail_open":false}}
        attack-protection/phone-provider-protection {"type":"default"}
        risk-assessments/settings {"enabled":false}
        risk-assessments/settings/new-device {"remember_for":30}
    "#]].assert_eq(&out);
    assert_eq!(admin.get("/api/v2/attack-protection/brute-force-protection").await.status, 200);
    assert_eq!(admin.get("/api/v2/risk-assessments/settings").await.status, 200);
    assert_eq!(admin.get("/api/v2/risk-assessments/settings/new-device").await.status, 200);
}

#[tokio::test]
async fn a_change_is_kept_and_logged_without_secrets() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let changed = admin
        .patch(
            "/api/v2/attack-protection/suspicious-ip-throttling",
            json!({"stage": {"pre-login": {"max_attempts": 7}}}),
        )
        .await;
    let changed = good(&changed, 200);
    assert_eq!(changed["stage"]["pre-login"], json!({"max_attempts": 7, "rate": 864_000}));
    assert_eq!(good(&admin.get("/api/v2/attack-protection/suspicious-ip-throttling").await, 200), changed);
    let new_device = admin.patch("/api/v2/risk-assessments/settings/new-device", json!({"remember_for": 7})).await;
    assert_eq!(good(&new_device, 200), json!({"remember_for": 7}));
    let on = admin.patch("/api/v2/risk-assessments/settings", json!({"enabled": true})).await;
    assert_eq!(good(&on, 200), json!({"enabled": true}));
    world.logs().await;
    let secret = json!({"recaptcha_enterprise": {"site_key": "s", "api_key": "hidden-one", "project_id": "p"},
        "hcaptcha": {"site_key": "s", "secret": "hidden-two"}});
    let captcha = admin.patch("/api/v2/attack-protection/captcha", secret).await;
    assert_eq!(good(&captcha, 200)["hcaptcha"], json!({"site_key": "s"}));
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["sapi: Update attack protection settings"]);
    assert!(logs.to_string().contains("*****"));
    assert!(!logs.to_string().contains("hidden") && !super::database(&world).await.contains("hidden-"));
    // Of the token's two hundred scopes the log names the one that opened the door.
    let scopes = &logs.0[0]["details"]["request"]["auth"]["credentials"]["scopes"];
    assert_eq!(*scopes, json!(["update:attack_protection"]));
}

#[tokio::test]
async fn wrong_settings_change_nothing() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut out = String::new();
    for (path, body) in [
        (PATHS[0], json!({"max_attempts": 0})),
        (PATHS[0], json!({"max_attempts": 3, "mode": "count_everything"})),
        (PATHS[0], json!({"allowlist": ["192.0.2.0/33"]})),
        (PATHS[0], json!({"shields": ["admin_notification"]})),
        (PATHS[1], json!({"stage": {"pre-login": {"rate": "fast"}}})),
        (PATHS[2], json!({"method": "magic"})),
        (PATHS[3], json!({"bot_detection_level": "extreme"})),
        (PATHS[4], json!({"active_provider_id": "none"})),
        (PATHS[5], json!({"type": "linear"})),
        (PATHS[7], json!({"remember_for": 0})),
        ("attack-protection/nothing", json!({})),
    ] {
        let before = admin.get(&format!("/api/v2/{path}")).await.line();
        out.line(format!("{path} {}", said(&admin.patch(&format!("/api/v2/{path}"), body).await)));
        assert_eq!(admin.get(&format!("/api/v2/{path}")).await.line(), before);
    }
    expect![[r#"
        attack-protection/brute-force-protection 400 invalid_body: Payload validation error: 'Value 0 is less than minimum 1' on property max_attempts (Failed sign-ins that block).
        attack-protection/brute-force-protection 400 invalid_body: Payload validation error: 'No enum match for: count_everything' on property mode (What is counted).
        attack-protection/brute-force-protection 400 invalid_body: Payload validation error: 'Object didn't pass validation for format ip-address-or-cidr: 192.0.2.0/33' on property allowlist[0].
        attack-protection/brute-force-protection 400 invalid_body: Payload validation error: 'No enum match for: admin_notification' on property shields[0].
        attack-protection/suspicious-ip-throttling 400 invalid_body: Payload validation error: 'Expected type integer but found type string' on property stage.pre-login.rate (Milliseconds until one more is granted).
        attack-protection/breached-password-detection 400 invalid_body: Payload validation error: 'No enum match for: magic' on property method (Where passwords are looked up).
        attack-protection/bot-detection 400 invalid_body: Payload validation error: 'No enum match for: extreme' on property bot_detection_level (How much is challenged).
        attack-protection/captcha 400 invalid_body: Payload validation error: 'No enum match for: none' on property active_provider_id (Provider in use).
        attack-protection/phone-provider-protection 400 invalid_body: Payload validation error: 'No enum match for: linear' on property type (How messages are spaced).
        risk-assessments/settings/new-device 400 invalid_body: Payload validation error: 'Value 0 is less than minimum 1' on property remember_for (Days that a device is remembered).
        attack-protection/nothing 404 : Not Found
    "#]].assert_eq(&out);
    assert_eq!(world.logs().await.kinds(), ["fapi"; 11]);
    let reader = world.api("read:attack_protection");
    let refused = reader.patch("/api/v2/attack-protection/brute-force-protection", json!({})).await;
    assert_eq!(said(&refused), "403 insufficient_scope: Insufficient scope, expected any of: update:attack_protection");
    assert_eq!(world.logs().await.0[0]["details"]["request"]["auth"]["credentials"]["scopes"], json!([]));
}
