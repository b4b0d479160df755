//! The MFA API with access tokens: people manage what they prove a second factor with.

use expect_test::expect;
use ringpass_core::kit::clock::{MINUTE, SECOND};
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp;
use ringpass_core::model::mfa::OTP;
use serde_json::{Value, json};

use crate::world::{ISSUER, World};

const SCOPES: &str = "enroll read:authenticators remove:authenticators";

fn audience() -> String {
    format!("{ISSUER}mfa/")
}

#[tokio::test]
async fn an_access_token_for_the_mfa_api_enrols_lists_and_removes() {
    let world = World::with_factors(&["otp", "email"]).await;
    world.policy(json!([])).await;
    // Who has nothing enrolled gets the token at once.
    let answer = world.anon().password(json!({"audience": audience(), "scope": SCOPES})).await;
    let token = answer.text("access_token");
    let claims = world.read_token(&token, "")["claims"].clone();
    assert_eq!((claims["aud"].as_str(), claims["scope"].as_str()), (Some(audience().as_str()), Some(SCOPES)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);

    let enrolled = world.nobody().bearer(&token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    assert_eq!(enrolled.status, 200, "{enrolled}");
    let code = totp::now(&Secret::new(enrolled.text("secret")), world.clock.now()).unwrap();
    let proven = world.anon().post("/oauth/token", json!({"grant_type": OTP, "mfa_token": token, "otp": code})).await;
    assert_eq!(proven.status, 200, "{proven}");
    let listed = world.nobody().bearer(&token).get("/mfa/authenticators").await;
    listed.is(expect![[r#"
        200 OK
        cache-control: no-store
        content-type: application/json; charset=utf-8

        [
          {
            "id": "totp|dev_G14oN4JFgubLrIRG",
            "authenticator_type": "otp",
            "active": true,
            "type": "otp"
          },
          {
            "id": "email|dev_i0ynkjxK5G9meLv7",
            "authenticator_type": "oob",
            "active": true,
            "oob_channel": "email",
            "name": "***@exam*******",
            "type": "email"
          }
        ]
    "#]]);
    // From now on such a token asks for the second factor, though nothing else does.
    let answer = world.anon().password(json!({"audience": audience(), "scope": SCOPES})).await;
    assert_eq!(answer.text("error"), "mfa_required");
    let mfa_token = answer.text("mfa_token");
    assert_eq!(world.anon().password(json!({})).await.status, 200);

    let list: Vec<Value> = serde_json::from_value(listed.json()).unwrap();
    let path = |at: usize| format!("/mfa/authenticators/{}", list[at]["id"].as_str().unwrap().replace('|', "%7C"));
    let gone = world.nobody().bearer(&mfa_token).delete(&path(0)).await;
    assert_eq!(gone.status, 403, "the first factor alone removes nothing: {gone}");
    assert_eq!(world.nobody().bearer(&token).delete(&path(1)).await.status, 400, "the verified address stays");
    assert_eq!(world.nobody().bearer(&token).delete("/mfa/authenticators/totp%7Cdev_x").await.status, 404);
    assert_eq!(world.nobody().bearer(&token).delete(&path(0)).await.status, 204);
    assert_eq!(world.nobody().bearer(&token).delete(&path(0)).await.status, 404);
    let mut kinds = world.logs().await.kinds();
    kinds.retain(|kind| kind.starts_with("gd_"));
    assert_eq!(
        kinds,
        ["gd_tenant_update", "gd_start_enroll", "gd_enrollment_complete", "gd_auth_succeed", "gd_unenroll"]
    );
}

#[tokio::test]
async fn every_token_that_is_not_for_the_mfa_api_is_refused() {
    let world = World::with_factors(&["otp"]).await;
    world.policy(json!([])).await;
    let narrow = world.anon().password(json!({"audience": audience(), "scope": "read:authenticators"})).await;
    let narrow = narrow.text("access_token");
    let other = world.anon().password(json!({"audience": crate::world::API})).await.text("access_token");
    let old = world.anon().password(json!({"audience": audience(), "scope": SCOPES})).await.text("access_token");
    let enroll = async |token: &str| {
        world.nobody().bearer(token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await.line()
    };
    let insufficient =
        r#"403 {"error":"insufficient_scope","error_description":"Insufficient scope, expected: enroll"}"#;
    assert_eq!(enroll(&narrow).await, insufficient);
    let invalid = r#"401 {"error":"invalid_token","error_description":"The access token is invalid or has expired"}"#;
    world.clock.advance(10 * MINUTE + SECOND);
    for token in [other.as_str(), &old, "x", "a.b.c", "Fe26.2*x*1*y", &narrow[..narrow.len() - 2]] {
        assert_eq!(enroll(token).await, invalid, "{token}");
        assert_eq!(world.nobody().bearer(token).get("/mfa/authenticators").await.line(), invalid, "{token}");
    }
    assert_eq!(world.nobody().get("/mfa/authenticators").await.line(), invalid);
    drop(world.logs().await);
}
