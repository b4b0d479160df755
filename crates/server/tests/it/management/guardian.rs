//! Settings of second factors (C1650-C1667).

use expect_test::expect;
use ringpass::config::Limits;
use ringpass_core::kit::secret::Secret;
use ringpass_core::storage::outbox::{self, Kept};
use serde_json::{Value, json};

use super::{admin, database, good, said};
use crate::world::{Caller, Lines as _, Options, World};

const FACTORS: &str = "/api/v2/guardian/factors";
const TYPES: &str = "/api/v2/guardian/factors/phone/message-types";
const POLICIES: &str = "/api/v2/guardian/policies";

async fn shown(caller: &Caller<'_>, path: &str) -> String {
    good(&caller.get(path).await, 200).to_string()
}

#[tokio::test]
async fn factors_are_switched_one_by_one() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let names = [
        ("sms", "webauthn-roaming"),
        ("push-notification", "duo"),
        ("otp", "email"),
        ("recovery-code", "webauthn-platform"),
    ];
    for (on, off) in names {
        let answer = admin.put(&format!("/api/v2/guardian/factors/{on}"), json!({"enabled": true})).await;
        assert_eq!(good(&answer, 200).to_string(), r#"{"enabled":true}"#);
        let answer = admin.put(&format!("/api/v2/guardian/factors/{off}"), json!({"enabled": false})).await;
        assert_eq!(good(&answer, 200).to_string(), r#"{"enabled":false}"#);
    }
    expect![[r#"[{"name":"sms","enabled":true,"trial_expired":false},{"name":"push-notification","enabled":true,"trial_expired":false},{"name":"otp","enabled":true,"trial_expired":false},{"name":"email","enabled":false,"trial_expired":false},{"name":"duo","enabled":false,"trial_expired":false},{"name":"webauthn-roaming","enabled":false,"trial_expired":false},{"name":"webauthn-platform","enabled":false,"trial_expired":false},{"name":"recovery-code","enabled":true,"trial_expired":false}]"#]]
    .assert_eq(&shown(&admin, FACTORS).await);
    drop(world.logs().await);
    assert_eq!(admin.put("/api/v2/guardian/factors/otp", json!({"enabled": false})).await.status, 200);
    assert!(!shown(&admin, FACTORS).await.contains(r#""otp","enabled":true"#));
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["gd_tenant_update: Guardian tenant update", "sapi: Update a factor"]);
    assert_eq!(logs.0[0]["details"]["request"]["path"], "/api/v2/guardian/factors/otp");
    assert_eq!(logs.0[0]["details"]["response"], json!({"statusCode": 200, "body": {"enabled": false}}));
}

#[tokio::test]
async fn the_trial_of_the_built_in_sender_ends_with_its_last_message() {
    let limits = Limits { built_in_messages: 1, ..Limits::default() };
    let world = World::bare(Options { limits, ..Options::default() }).await;
    let admin = admin(&world);
    let expired = async || good(&admin.get(FACTORS).await, 200).to_string().matches(r#""trial_expired":true"#).count();
    assert_eq!(expired().await, 0);
    let message = Kept {
        id: "m1".to_owned(),
        channel: "sms".to_owned(),
        recipient: Secret::new("+15550100"),
        text: Secret::new("t"),
        created_at: world.app.clock.now(),
    };
    let sent = world.app.db.write("test.sent", move |tx| outbox::insert(tx, &message, 1)).await;
    assert!(sent.unwrap());
    assert_eq!(expired().await, 1);
    assert_eq!(good(&admin.get(FACTORS).await, 200)[0]["name"], "sms");
}

#[tokio::test]
async fn message_types_policies_provider_and_templates_are_echoed_and_kept() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    assert_eq!(shown(&admin, TYPES).await, r#"{"message_types":[]}"#);
    for types in [json!(["voice", "sms"]), json!(["voice"]), json!([])] {
        let body = json!({"message_types": types});
        assert_eq!(good(&admin.put(TYPES, body.clone()).await, 200), body);
        assert_eq!(good(&admin.get(TYPES).await, 200), body);
    }
    assert_eq!(shown(&admin, POLICIES).await, "[]");
    for policies in [json!(["all-applications"]), json!(["confidence-score"]), json!([])] {
        assert_eq!(good(&admin.put(POLICIES, policies.clone()).await, 200), policies);
        assert_eq!(good(&admin.get(POLICIES).await, 200), policies);
    }
    for (written, read) in [("phone", "sms"), ("sms", "phone")] {
        let path = |name: &str, what: &str| format!("/api/v2/guardian/factors/{name}/{what}");
        let provider = json!({"provider": if read == "sms" { "phone-message-hook" } else { "auth0" }});
        assert_ne!(good(&admin.get(&path(read, "selected-provider")).await, 200), provider);
        assert_eq!(good(&admin.put(&path(written, "selected-provider"), provider.clone()).await, 200), provider);
        assert_eq!(good(&admin.get(&path(read, "selected-provider")).await, 200), provider);
        let texts = json!({"enrollment_message": "enroll foo", "verification_message": read});
        assert_eq!(good(&admin.put(&path(written, "templates"), texts.clone()).await, 200), texts);
        assert_eq!(good(&admin.get(&path(read, "templates")).await, 200), texts);
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn built_in_texts_are_shown_and_stay_built_in_when_they_are_put_back() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let texts = good(&admin.get("/api/v2/guardian/factors/sms/templates").await, 200);
    expect![[r#"{"enrollment_message":"{{code}}: use this code to register your phone with {{tenant.friendly_name}}.","verification_message":"{{code}} is your {{tenant.friendly_name}} sign-in code."}"#]]
    .assert_eq(&texts.to_string());
    assert_eq!(good(&admin.put("/api/v2/guardian/factors/phone/templates", texts.clone()).await, 200), texts);
    assert_eq!(world.app.snapshot().guardian.templates(), None);
    drop(world.logs().await);
}

#[tokio::test]
async fn settings_of_twilio_are_replaced_whole_and_lie_sealed() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut out = String::new();
    for path in ["/api/v2/guardian/factors/phone/providers/twilio", "/api/v2/guardian/factors/sms/providers/twilio"] {
        out.line(shown(&admin, path).await);
        let sent = json!({"from": "123456789", "auth_token": "hunter-token", "sid": "test_sid"});
        out.line(good(&admin.put(path, sent).await, 200));
        out.line(shown(&admin, path).await);
        let sent = json!({"messaging_service_sid": "foo", "from": null, "auth_token": "hunter-other", "sid": "foo"});
        out.line(good(&admin.put(path, sent).await, 200));
    }
    out.line(shown(&admin, "/api/v2/guardian/factors/phone/providers/twilio").await);
    expect![[r#"
        {}
        {"from":"123456789","auth_token":"hunter-token","sid":"test_sid"}
        {"auth_token":"hunter-token","sid":"test_sid","from":"123456789","messaging_service_sid":null}
        {"messaging_service_sid":"foo","from":null,"auth_token":"hunter-other","sid":"foo"}
        {"auth_token":"hunter-other","sid":"foo","from":null,"messaging_service_sid":"foo"}
        {"from":"123456789","auth_token":"hunter-token","sid":"test_sid"}
        {"auth_token":"hunter-token","sid":"test_sid","from":"123456789","messaging_service_sid":null}
        {"messaging_service_sid":"foo","from":null,"auth_token":"hunter-other","sid":"foo"}
        {"auth_token":"hunter-other","sid":"foo","from":null,"messaging_service_sid":"foo"}
    "#]]
    .assert_eq(&out);
    let logs = world.logs().await;
    assert_eq!(logs.kinds()[..2], ["gd_tenant_update", "sapi"]);
    assert!(!logs.to_string().contains("hunter") && !database(&world).await.contains("hunter"));
    assert!(!format!("{:?}", world.app.snapshot()).contains("hunter"));
}

#[tokio::test]
async fn a_server_may_hide_what_it_knows_and_then_keeps_what_nobody_can_send_back() {
    let world = World::bare(Options { redact_provider_secrets: true, ..Options::default() }).await;
    let admin = admin(&world);
    let path = "/api/v2/guardian/factors/phone/providers/twilio";
    assert_eq!(shown(&admin, path).await, "{}");
    let sent = json!({"auth_token": "hunter2", "sid": "AC1", "from": "+15550100"});
    let answer = good(&admin.put(path, sent).await, 200);
    assert_eq!(answer.to_string(), r#"{"auth_token":null,"sid":"AC1","from":"+15550100"}"#);
    let token = || {
        let guardian = &world.app.snapshot().guardian;
        guardian.twilio().and_then(|it| it.auth_token.as_ref().map(|token| token.expose().to_owned()))
    };
    // What was read goes back as it is, whole or without the null.
    let read = good(&admin.get(path).await, 200);
    expect![[r#"{"auth_token":null,"sid":"AC1","from":"+15550100","messaging_service_sid":null}"#]]
        .assert_eq(&read.to_string());
    good(&admin.put(path, read).await, 200);
    assert_eq!(token().as_deref(), Some("hunter2"));
    good(&admin.put(path, json!({"sid": "AC1", "from": "+15550101"})).await, 200);
    assert_eq!(token().as_deref(), Some("hunter2"));
    // The token of one account is not carried over to another.
    good(&admin.put(path, json!({"sid": "AC2", "from": "+15550101"})).await, 200);
    assert_eq!(token(), None);
    let duo = json!({"ikey": "i", "skey": "hunter3", "host": "h"});
    let answer = good(&admin.put("/api/v2/guardian/factors/duo/settings", duo).await, 200);
    assert_eq!(answer, json!({"ikey": "i", "skey": null, "host": "h"}));
    assert_eq!(good(&admin.get("/api/v2/guardian/factors/duo/settings").await, 200), answer);
    assert!(!world.logs().await.to_string().contains("hunter"));
}

#[tokio::test]
async fn a_phone_factor_that_cannot_send_is_warned_about() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let twilio = "/api/v2/guardian/factors/phone/providers/twilio";
    let select = json!({"provider": "twilio"});
    let mut out = String::new();
    for answer in [
        admin.put("/api/v2/guardian/factors/phone/selected-provider", select).await,
        admin.put("/api/v2/guardian/factors/sms", json!({"enabled": true})).await,
        admin.put(twilio, json!({"sid": "AC1", "auth_token": "t"})).await,
        admin.put(twilio, json!({"sid": "AC1", "auth_token": "t", "messaging_service_sid": "MG1"})).await,
        admin.put(TYPES, json!({"message_types": ["sms", "voice"]})).await,
        admin.put(twilio, json!({"sid": "AC1", "auth_token": "t", "from": "+15550100"})).await,
    ] {
        good(&answer, 200);
        let header = answer.header("ringpass-warning");
        out.line(format!("[{header}]"));
    }
    expect![[r#"
        []
        [the phone factor cannot send by Twilio: sid is not set]
        [the phone factor cannot send by Twilio: neither from nor messaging_service_sid is set]
        []
        [the phone factor cannot send by Twilio: from is not set, and a call needs it]
        []
    "#]]
    .assert_eq(&out);
    assert!(world.app.snapshot().warnings().is_empty());
    good(&admin.put(twilio, json!({})).await, 200);
    assert_eq!(world.app.snapshot().warnings(), ["the phone factor cannot send by Twilio: sid is not set"]);
    drop(world.logs().await);
}

#[tokio::test]
async fn the_tenant_level_provider_leaves_these_settings_readable_only() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let unified = json!({"phone_consolidated_experience": true});
    good(&admin.patch("/api/v2/tenants/settings", unified).await, 200);
    drop(world.logs().await);
    for name in ["phone", "sms"] {
        for (what, body) in [
            ("selected-provider", json!({"provider": "auth0"})),
            ("providers/twilio", json!({"nonsense": 1})),
            ("templates", json!({"enrollment_message": "e", "verification_message": "v"})),
        ] {
            let path = format!("/api/v2/guardian/factors/{name}/{what}");
            let refused = admin.put(&path, body).await;
            assert_eq!(
                refused.json().to_string(),
                r#"{"statusCode":403,"error":"Forbidden","message":"This endpoint is disabled for your tenant.","errorCode":"phone_consolidated_experience_enabled"}"#
            );
            assert_eq!(admin.get(&path).await.status, 200);
        }
    }
    assert_eq!(world.logs().await.kinds(), ["fapi"; 6]);
    good(&admin.put(TYPES, json!({"message_types": ["sms"]})).await, 200);
    good(&admin.put("/api/v2/guardian/factors/sms", json!({"enabled": true})).await, 200);
    let push = json!({"provider": "sns"});
    good(&admin.put("/api/v2/guardian/factors/push-notification/selected-provider", push).await, 200);
    drop(world.logs().await);
}

#[tokio::test]
async fn settings_of_factors_never_offered_come_back_without_keys() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut out = String::new();
    for (what, body) in [
        ("duo/settings", json!({"host": "api-hostname", "ikey": "someKey", "skey": "hunter-duo"})),
        ("push-notification/selected-provider", json!({"provider": "direct"})),
        ("push-notification/providers/apns", json!({"sandbox": false, "bundle_id": "com.my.app", "p12": "hunter-p12"})),
        ("push-notification/providers/fcm", json!({"server_key": "hunter-fcm"})),
        ("push-notification/providers/fcmv1", json!({"server_credentials": "hunter-fcmv1"})),
        (
            "push-notification/providers/sns",
            json!({"aws_secret_access_key": "hunter-sns", "aws_region": "us-west-1", "aws_access_key_id": "test"}),
        ),
        ("webauthn-platform/settings", json!({"overrideRelyingParty": true, "relyingPartyIdentifier": "a.example"})),
        ("webauthn-roaming/settings", json!({"userVerification": "required"})),
    ] {
        let path = format!("/api/v2/guardian/factors/{what}");
        let before = admin.get(&path).await;
        let put = good(&admin.put(&path, body).await, 200);
        let after = admin.get(&path).await;
        let show = |status: u16, body: Value| if status == 404 { "404".to_owned() } else { body.to_string() };
        let (before, after) = (show(before.status.as_u16(), before.json()), show(after.status.as_u16(), after.json()));
        out.line(format!("{what}\n  {before}\n  {put}\n  {after}"));
    }
    expect![[r#"
        duo/settings
          {}
          {"host":"api-hostname","ikey":"someKey","skey":"hunter-duo"}
          {"ikey":"someKey","skey":"hunter-duo","host":"api-hostname"}
        push-notification/selected-provider
          {"provider":"guardian"}
          {"provider":"direct"}
          {"provider":"direct"}
        push-notification/providers/apns
          {}
          {"sandbox":false,"bundle_id":"com.my.app"}
          {"bundle_id":"com.my.app","sandbox":false,"enabled":true}
        push-notification/providers/fcm
          404
          {}
          404
        push-notification/providers/fcmv1
          404
          {}
          404
        push-notification/providers/sns
          {}
          {"aws_region":"us-west-1","aws_access_key_id":"test"}
          {"aws_access_key_id":"test","aws_region":"us-west-1"}
        webauthn-platform/settings
          {"overrideRelyingParty":false}
          {"overrideRelyingParty":true,"relyingPartyIdentifier":"a.example"}
          {"overrideRelyingParty":true,"relyingPartyIdentifier":"a.example"}
        webauthn-roaming/settings
          {"userVerification":"preferred","overrideRelyingParty":false}
          {"userVerification":"required"}
          {"userVerification":"required","overrideRelyingParty":false}
    "#]]
    .assert_eq(&out);
    assert!(!world.logs().await.to_string().contains("hunter") && !database(&world).await.contains("hunter"));
}

#[tokio::test]
async fn wrong_settings_change_nothing() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut out = String::new();
    let texts = |first: &str| json!({"enrollment_message": first, "verification_message": "v"});
    for (what, body) in [
        ("factors/phone", json!({"enabled": true})),
        ("factors/sms", json!({"enabled": "yes"})),
        ("factors/phone/message-types", json!({"message_types": ["sms", "sms"]})),
        ("factors/sms/message-types", json!({"message_types": ["sms"]})),
        ("factors/otp/selected-provider", json!({"provider": "auth0"})),
        ("factors/phone/selected-provider", json!({"provider": "pigeon"})),
        ("factors/phone/templates", texts("{% include 'x' %}")),
        ("factors/sms/templates", texts("{{ code")),
        ("factors/otp/templates", texts("x")),
        ("factors/phone/providers/twilio", json!({"from": "a\r\nb"})),
        ("factors/phone/providers/sns", json!({})),
        ("factors/push-notification/providers/twilio", json!({})),
        ("factors/push-notification/selected-provider", json!({})),
        ("factors/otp/settings", json!({})),
        ("factors/webauthn-roaming/settings", json!({"userVerification": "never"})),
        ("policies", json!(["all-applications", "confidence-score"])),
        ("policies", json!({"0": "all-applications"})),
    ] {
        let refused = admin.put(&format!("/api/v2/guardian/{what}"), body).await;
        out.line(format!("{what} {}", said(&refused).escape_debug()));
    }
    expect![[r#"
        factors/phone 400 invalid_uri: Path validation error: \'Invalid value \"phone\"\' on property name (Factor name).
        factors/sms 400 invalid_body: Payload validation error: \'Expected type boolean but found type string\' on property enabled (Whether this factor is enabled).
        factors/phone/message-types 400 invalid_body: Payload validation error: \'Array items are not unique (indexes 0 and 1)\' on property message_types (How codes travel to a phone).
        factors/sms/message-types 404 : Not Found
        factors/otp/selected-provider 404 : Not Found
        factors/phone/selected-provider 400 invalid_body: Payload validation error: \'No enum match for: pigeon\' on property provider (Who sends the messages).
        factors/phone/templates 400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format liquid: line 1: `include` finds nothing: there are no other templates here\' on property enrollment_message (Text of the message that enrolls a phone).
        factors/sms/templates 400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format liquid: line 1: `{{` is not closed by `}}`\' on property enrollment_message (Text of the message that enrolls a phone).
        factors/otp/templates 404 : Not Found
        factors/phone/providers/twilio 400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format phone-sender: a\r\nb\' on property from (From number).
        factors/phone/providers/sns 404 : Not Found
        factors/push-notification/providers/twilio 404 : Not Found
        factors/push-notification/selected-provider 400 invalid_body: Payload validation error: \'Missing required property: provider\'.
        factors/otp/settings 404 : Not Found
        factors/webauthn-roaming/settings 400 invalid_body: Payload validation error: \'No enum match for: never\' on property userVerification (Whether the key asks who holds it).
        policies 400 invalid_body: Payload validation error: \'Array is too long (2), maximum 1\'.
        policies 400 invalid_body: Payload validation error: \'Expected type array but found type object\'.
    "#]].assert_eq(&out);
    assert_eq!(world.logs().await.kinds(), ["fapi"; 17]);
    assert_eq!(world.app.snapshot().guardian, ringpass_core::model::guardian::Guardian::default());
}

#[tokio::test]
async fn every_row_asks_for_its_scope() {
    let world = World::bare(Options::default()).await;
    let stranger = world.api("read:users read:guardian_enrollments");
    let mut out = String::new();
    for answer in [
        stranger.get("/api/v2/guardian/factors").await,
        stranger.put("/api/v2/guardian/factors/sms", json!({})).await,
        stranger.get("/api/v2/guardian/factors/phone/message-types").await,
        stranger.put("/api/v2/guardian/factors/phone/message-types", json!({})).await,
        stranger.get("/api/v2/guardian/factors/phone/providers/twilio").await,
        stranger.put("/api/v2/guardian/factors/phone/providers/twilio", json!({})).await,
        stranger.get("/api/v2/guardian/factors/phone/selected-provider").await,
        stranger.put("/api/v2/guardian/factors/phone/selected-provider", json!({})).await,
        stranger.get("/api/v2/guardian/factors/duo/settings").await,
        stranger.put("/api/v2/guardian/factors/duo/settings", json!({})).await,
        stranger.get("/api/v2/guardian/factors/phone/templates").await,
        stranger.put("/api/v2/guardian/factors/phone/templates", json!({})).await,
        stranger.get("/api/v2/guardian/policies").await,
        stranger.put("/api/v2/guardian/policies", json!({})).await,
    ] {
        out.line(said(&answer));
    }
    expect![[r#"
        403 insufficient_scope: Insufficient scope, expected any of: read:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: update:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: read:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: update:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: read:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: update:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: read:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: update:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: read:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: update:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: read:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: update:guardian_factors
        403 insufficient_scope: Insufficient scope, expected any of: read:mfa_policies
        403 insufficient_scope: Insufficient scope, expected any of: update:mfa_policies
    "#]]
    .assert_eq(&out);
    drop(world.logs().await);
}
