//! What the log tells of token requests that never reached their grant (`docs/COMPATIBILITY.md` C1260).

use expect_test::expect;
use serde_json::json;

use crate::world::{API, NATIVE, OTP, PHONE, WEB, World};

const TOKEN: &str = "/oauth/token";

#[tokio::test]
async fn a_refusal_before_the_grant_is_logged_under_the_type_of_the_grant() {
    let world = World::new().await;
    let nobody = world.nobody();
    let code = json!({"grant_type": OTP, "username": PHONE, "otp": "123456", "realm": "sms"});
    let with = |more: serde_json::Value| {
        let mut body = code.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for body in [
        with(json!({"client_id": WEB.0, "client_secret": "a-wrong-secret"})),
        with(json!({"client_id": "a-secret-in-the-wrong-place", "client_secret": "a-wrong-secret"})),
        with(json!({"client_id": NATIVE, "realm": "foo"})),
        with(json!({"client_id": NATIVE, "audience": "https://nothing.example"})),
        json!({"grant_type": "client_credentials", "client_id": WEB.0, "client_secret": "a-wrong-secret", "audience": API}),
        json!({"grant_type": "client_credentials", "client_id": NATIVE, "audience": API}),
        json!({"grant_type": "refresh_token", "client_id": WEB.0, "client_secret": "a-wrong-secret", "refresh_token": "v1.x"}),
    ] {
        let answer = nobody.post(TOKEN, body).await;
        assert!([400, 401, 403].contains(&answer.status.as_u16()), "{answer}");
    }
    world.client(WEB.0, json!({"grant_types": ["refresh_token"]})).await;
    assert_eq!(world.web().redeem(PHONE, "123456", json!({})).await.status, 403);
    let logs = world.logs().await;
    let line = |event: &serde_json::Map<String, serde_json::Value>| {
        format!("{} {} {}\n", event["type"], event["client_id"], event["description"])
    };
    expect![[r#"
        "fepotpft" "cli_web" "Unauthorized"
        "fepotpft" "" "Unauthorized"
        "fepotpft" "cli_native" "Unknown realm foo."
        "fepotpft" "cli_native" "Service not found: https://nothing.example"
        "feccft" "cli_web" "Unauthorized"
        "feccft" "cli_native" "Unauthorized"
        "fertft" "cli_web" "Unauthorized"
        "fepotpft" "cli_web" "Grant type 'http://auth0.com/oauth/grant-type/passwordless/otp' not allowed for the client."
    "#]].assert_eq(&logs.0.iter().map(line).collect::<String>());
    assert!(!logs.to_string().contains("secret") && !logs.to_string().contains("123456"));
    // What a grant logs itself stands once, and what is merely malformed not at all.
    let machine = json!({"grant_type": "client_credentials", "client_id": WEB.0, "client_secret": WEB.1});
    world.client(WEB.0, json!({"grant_types": [OTP, "client_credentials", "refresh_token"]})).await;
    for body in [
        json!({"audience": "https://nothing.example"}),
        json!({"audience": API, "scope": "delete:everything"}),
        json!({}),
        json!({"grant_type": "foo"}),
        json!({"grant_type": null}),
    ] {
        let mut machine = machine.clone();
        machine.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        assert_ne!(nobody.post(TOKEN, machine).await.status, 200);
    }
    assert_eq!(world.logs().await.kinds(), ["feccft", "feccft"]);
}

#[tokio::test]
async fn a_flood_of_refusals_does_not_flood_the_log() {
    let world = World::new().await;
    let wrong =
        json!({"grant_type": "client_credentials", "client_id": WEB.0, "client_secret": "wrong", "audience": API});
    for _ in 0..30 {
        assert_eq!(world.nobody().post(TOKEN, wrong.clone()).await.status, 401);
    }
    assert_eq!(world.logs().await.kinds(), ["feccft"; 10]);
    world.clock.advance(6_000);
    for _ in 0..3 {
        world.nobody().post(TOKEN, wrong.clone()).await;
    }
    assert_eq!(world.logs().await.kinds(), ["feccft"]);
    // Many addresses share a bucket of a hundred.
    for host in 1..=150 {
        world.nobody().at(&format!("192.0.2.{host}")).post(TOKEN, wrong.clone()).await;
    }
    let written = world.logs().await.0.len();
    assert!((90..=100).contains(&written), "{written}");
}
