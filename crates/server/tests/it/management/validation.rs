//! What is checked in the options of a connection (C664, C671-C677).

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, good, id_of, said};
use crate::world::{Options, World};

/// What the server says to these options, on create and on change.
async fn refusals(world: &World, strategy: &str, name: &str, all: Vec<Value>) -> String {
    let admin = admin(world);
    let id = id_of(world, name).await;
    let mut lines = String::new();
    for options in all {
        let patched = said(&admin.patch(&format!("/api/v2/connections/{id}"), json!({"options": options})).await);
        let body = json!({"name": "fresh", "strategy": strategy, "options": options});
        let made = admin.post("/api/v2/connections", body).await;
        if made.status != 201 {
            assert_eq!(said(&made), patched, "{options}");
        }
        lines.push_str(&patched);
        lines.push('\n');
    }
    drop(world.logs().await);
    lines
}

#[tokio::test]
async fn options_of_sms_are_checked_and_secrets_are_not_echoed() {
    let world = World::bare(Options::default()).await;
    let before = good(&admin(&world).get("/api/v2/connections?name=sms").await, 200);
    let gateway = |more: Value| {
        let mut whole = json!({"method": "bearer", "audience": "urn:a", "secret": "s3cret"});
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"gateway_authentication": whole})
    };
    let long = format!("https://sms.example/{}", "x".repeat(236));
    let lines = refusals(
        &world,
        "sms",
        "sms",
        vec![
            json!({"provider": "carrier_pigeon"}),
            json!({"provider": 1}),
            json!({"syntax": "markdown"}),
            json!({"totp": 6}),
            json!({"totp": {"length": "6"}}),
            json!({"totp": {"length": 3}}),
            json!({"totp": {"length": 11}}),
            json!({"totp": {"length": 6.5}}),
            json!({"totp": {"time_step": 0}}),
            json!({"totp": {"time_step": 86_401}}),
            json!({"gateway_url": "ftp://sms.example/"}),
            json!({"gateway_url": "sms.example"}),
            json!({"gateway_url": ""}),
            json!({"gateway_url": long}),
            json!({"gateway_authentication": "s3cret"}),
            json!({"gateway_authentication": {}}),
            json!({"gateway_authentication": {"method": "bearer", "secret": "s3cret"}}),
            json!({"gateway_authentication": {"method": "bearer", "audience": "urn:a"}}),
            gateway(json!({"secret": null})),
            gateway(json!({"method": "basic"})),
            gateway(json!({"secret_base64_encoded": true, "secret": "s3cret!"})),
            gateway(json!({"secret_base64_encoded": "true"})),
            json!({"from": 1234}),
            json!({"forward_req_info": 1}),
            json!({"disable_signup": "no"}),
        ],
    )
    .await;
    expect![[r#"
        400 invalid_body: Payload validation error: 'No enum match for: carrier_pigeon' on property options.provider (What carries the message).
        400 invalid_body: Payload validation error: 'Expected type string but found type integer' on property options.provider (What carries the message).
        400 invalid_body: Payload validation error: 'No enum match for: markdown' on property options.syntax (Syntax of the template).
        400 invalid_body: Payload validation error: 'Expected type object but found type integer' on property options.totp (Rules of the code).
        400 invalid_body: Payload validation error: 'Expected type integer but found type string' on property options.totp.length (Digits of a code).
        400 invalid_body: Payload validation error: 'Value 3 is less than minimum 4' on property options.totp.length (Digits of a code).
        400 invalid_body: Payload validation error: 'Value 11 is greater than maximum 10' on property options.totp.length (Digits of a code).
        400 invalid_body: Payload validation error: 'Expected type integer but found type number' on property options.totp.length (Digits of a code).
        400 invalid_body: Payload validation error: 'Value 0 is less than minimum 1' on property options.totp.time_step (Life of a code in seconds).
        400 invalid_body: Payload validation error: 'Value 86401 is greater than maximum 86400' on property options.totp.time_step (Life of a code in seconds).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format https-url-with-http-fallback: ftp://sms.example/' on property options.gateway_url (Address of the own gateway).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format https-url-with-http-fallback: sms.example' on property options.gateway_url (Address of the own gateway).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format https-url-with-http-fallback: ' on property options.gateway_url (Address of the own gateway).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format https-url-with-http-fallback: https://sms.example/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' on property options.gateway_url (Address of the own gateway).
        400 invalid_body: Payload validation error: 'Expected type object but found type string' on property options.gateway_authentication (How the gateway call is signed).
        400 invalid_body: Payload validation error: 'Missing required property: method' on property options.gateway_authentication (How the gateway call is signed).
        400 invalid_body: Payload validation error: 'Missing required property: audience' on property options.gateway_authentication (How the gateway call is signed).
        400 invalid_body: Payload validation error: 'Missing required property: secret' on property options.gateway_authentication (How the gateway call is signed).
        400 invalid_body: Payload validation error: 'Expected type string but found type null' on property options.gateway_authentication.secret (Key that signs the token for the gateway).
        400 invalid_body: Payload validation error: 'No enum match for: basic' on property options.gateway_authentication.method (How the gateway call is signed).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format base64url: secret' on property options.gateway_authentication.secret (Key that signs the token for the gateway).
        400 invalid_body: Payload validation error: 'Expected type boolean but found type string' on property options.gateway_authentication.secret_base64_encoded (Whether the secret is base64url).
        400 invalid_body: Payload validation error: 'Expected type string but found type integer' on property options.from (Sender).
        400 invalid_body: Payload validation error: 'Expected type boolean but found type integer' on property options.forward_req_info (Whether the gateway learns of the caller).
        400 invalid_body: Payload validation error: 'Expected type boolean but found type string' on property options.disable_signup (Whether signing in makes no new users).
    "#]].assert_eq(&lines);
    assert!(!lines.contains("s3cret"));
    assert_eq!(good(&admin(&world).get("/api/v2/connections?name=sms").await, 200), before);
    assert_eq!(good(&admin(&world).get("/api/v2/connections?name=fresh").await, 200), json!([]));
}

#[tokio::test]
async fn options_that_look_odd_can_be_saved() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let id = id_of(&world, "sms").await;
    for options in [
        json!({}),
        json!({"provider": "sms_gateway"}),
        json!({"provider": null, "syntax": null, "totp": null, "gateway_url": null, "gateway_authentication": null}),
        json!({"template": "no code here", "syntax": "md_with_macros"}),
        json!({"from": "  not a number  "}),
        json!({"forward_req_info": "true"}),
        json!({"forward_req_info": false}),
        json!({"totp": {"length": 4, "time_step": 86_400}}),
        json!({"totp": {"length": 10, "time_step": 1, "own": "x"}}),
        json!({"gateway_url": "http://sms.internal:8080/send?tenant=a"}),
        json!({"gateway_url": format!("https://sms.example/{}", "x".repeat(235))}),
        json!({"gateway_authentication": {"method": "bearer", "audience": "", "secret": "c2VjcmV0", "secret_base64_encoded": true}}),
        json!({"gateway_authentication": {"method": "bearer", "audience": "a", "secret": "c2VjcmV0-_8", "secret_base64_encoded": true}}),
    ] {
        let patched = good(&admin.patch(&format!("/api/v2/connections/{id}"), json!({"options": options})).await, 200);
        assert_eq!(patched["options"], options);
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn database_options_get_defaults_and_contradictions_are_refused() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let phone = json!({"identifier": {"active": true}, "signup": {"status": "required"}});
    let lines = refusals(
        &world,
        "auth0",
        "Username-Password-Authentication",
        vec![
            json!({"attributes": {"phone_number": phone}, "requires_username": false}),
            json!({"attributes": {"phone_number": phone}, "validation": {"username": {"min": 1, "max": 5}}}),
            json!({"attributes": {"phone_number": {"identifier": {"active": true}, "signup": {"status": "inactive"}}}}),
            json!({"attributes": {"phone_number": {"identifier": {"active": false}}}}),
            json!({"passwordPolicy": "weak"}),
        ],
    )
    .await;
    expect![[r#"
        400 invalid_body: Cannot set both options.attributes and options.requires_username
        400 invalid_body: Cannot set both options.attributes and options.validation
        400 invalid_body: attribute phone_number must also be required on signup
        400 invalid_body: attributes must contain one active identifier
        400 invalid_body: Payload validation error: 'No enum match for: weak' on property options.passwordPolicy (Strength of passwords).
    "#]].assert_eq(&lines);
    let id = id_of(&world, "Username-Password-Authentication").await;
    let email = json!({"email": {"identifier": {"active": true}, "unique": false}});
    let refused = admin.patch(&format!("/api/v2/connections/{id}"), json!({"options": {"attributes": email}})).await;
    assert_eq!(said(&refused), "400 invalid_body: cannot add non-unique email attribute");
    let sent =
        json!({"configuration": {"api_key": "hunter2"}, "authentication_methods": {"password": {"enabled": false}}});
    let patched = good(&admin.patch(&format!("/api/v2/connections/{id}"), json!({"options": sent})).await, 200);
    expect![[r#"
        {
          "configuration": {
            "api_key": "2.0$af96024a9005fe617be646a87a269449263bb086d8833053c4d501bc74ec0de2"
          },
          "authentication_methods": {
            "password": {
              "enabled": false,
              "api_behavior": "required",
              "signup_behavior": "allow"
            },
            "passkey": {
              "enabled": false
            },
            "email_otp": {
              "enabled": false
            },
            "phone_otp": {
              "enabled": false
            }
          },
          "mfa": {
            "active": true,
            "return_enroll_settings": true
          },
          "passwordPolicy": "good",
          "passkey_options": {
            "challenge_ui": "both",
            "progressive_enrollment_enabled": true,
            "local_enrollment_enabled": true
          },
          "brute_force_protection": true
        }"#]]
    .assert_eq(&format!("{:#}", patched["options"]).replace(&id, "con_"));
    assert!(!super::database(&world).await.contains("hunter2"));
    drop(world.logs().await);
}
