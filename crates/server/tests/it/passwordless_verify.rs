//! `POST /passwordless/verify`, for tenants that have it on (C1580-C1586).

use expect_test::expect;
use http::Method;
use serde_json::{Value, json};

use crate::world::{Caller, Lines, NATIVE, PHONE, WEB, World};

const PATH: &str = "/passwordless/verify";

async fn world() -> World {
    let world = World::new().await;
    world.tenant(json!({"flags": {"allow_legacy_ro_grant_types": true}})).await;
    world
}

/// The question of auth0.js.
async fn ask(caller: &Caller<'_>, code: &str) -> String {
    let body = json!({"connection": "sms", "phone_number": PHONE, "verification_code": code});
    caller.post(PATH, body).await.line()
}

#[tokio::test]
async fn it_is_off_unless_the_tenant_wants_it() {
    let world = World::new().await;
    let answer = world.anon().post("/passwordless/verify", json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "access_denied"));
    let preflight = world.nobody().send(Method::OPTIONS, "/passwordless/verify", "", "".into()).await;
    assert_eq!(preflight.status, 204);
}

#[tokio::test]
async fn a_question_does_not_spend_a_right_code_and_counts_wrong_ones() {
    let world = world().await;
    let code = world.anon().code(PHONE).await;
    for _ in 0..5 {
        assert_eq!(ask(&world.anon(), &code).await, r#"200 {"verified":true}"#);
    }
    assert!(world.logs().await.kinds().is_empty());
    let mut told = String::new();
    for guess in ["no", "000000", &code, "111111", &code] {
        told.line(ask(&world.anon(), guess).await);
    }
    expect![[r#"
        401 {"error":"invalid_user_password","error_description":"Wrong phone number or verification code."}
        401 {"error":"invalid_user_password","error_description":"Wrong phone number or verification code."}
        200 {"verified":true}
        401 {"error":"invalid_user_password","error_description":"You've reached the maximum number of attempts. Please try to login again."}
        401 {"error":"invalid_user_password","error_description":"You've reached the maximum number of attempts. Please try to login again."}
    "#]].assert_eq(&told);
    assert_eq!(world.anon().redeem(PHONE, &code, json!({})).await.status, 403, "three wrong tries killed it");
    let kinds = world.logs().await.kinds();
    assert_eq!(kinds, ["f", "f", "f", "f", "fepotpft"]);
}

#[tokio::test]
async fn guesses_count_toward_brute_force() {
    let world = world().await;
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(ask(&world.anon(), "000000").await[..3].to_owned());
    }
    assert_eq!((statuses[9].as_str(), statuses[10].as_str()), ("401", "429"));
    assert!(world.logs().await.kinds().contains(&"limit_wc".to_owned()));
}

#[tokio::test]
async fn the_old_grant_gets_tokens() {
    let world = world().await;
    let code = world.web().code(PHONE).await;
    let body = json!({"grant_type": "password", "connection": "sms", "username": PHONE, "password": code, "scope": "openid phone"});
    let answer = world.web().post(PATH, body.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.text("token_type").as_str()), (200, "Bearer"), "{answer}");
    let claims = world.read_token(&answer.text("id_token"), "")["claims"].clone();
    assert_eq!(claims["phone_number"], PHONE);
    assert!(!answer.text("access_token").is_empty());
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
    assert_eq!(world.web().post(PATH, body).await.status, 401, "it is spent");
    assert_eq!(world.logs().await.kinds(), ["f"]);
}

#[tokio::test]
async fn every_refusal_has_its_text() {
    let world = world().await;
    let right = json!({"client_id": NATIVE, "grant_type": "password", "connection": "sms", "username": PHONE, "password": "123456"});
    let mut told = String::new();
    for (name, value) in [
        ("username", Value::Null),
        ("password", "".into()),
        ("connection", Value::Null),
        ("client_id", Value::Null),
        ("connection", "nothing".into()),
        ("connection", "Username-Password-Authentication".into()),
        ("client_id", "nobody".into()),
        ("client_id", WEB.0.into()),
        ("password", "000000".into()),
    ] {
        let mut body = right.clone();
        body[name] = value;
        told.line(world.nobody().post(PATH, body).await.line());
    }
    world.enable("Username-Password-Authentication", &[NATIVE]).await;
    let mut body = right.clone();
    body["connection"] = "Username-Password-Authentication".into();
    told.line(world.nobody().post(PATH, body).await.line());
    world.new_user(PHONE).await;
    world.block(PHONE, true).await;
    told.line(world.nobody().post(PATH, right).await.line());
    expect![[r#"
        400 {"error":"invalid_request","error_description":"missing username parameter"}
        400 {"error":"invalid_request","error_description":"missing password parameter"}
        400 {"error":"invalid_request","error_description":"missing connection parameter"}
        400 {"error":"invalid_request","error_description":"missing client_id parameter"}
        400 {"error":"invalid_request","error_description":"the connection was not found"}
        400 {"error":"invalid_request","error_description":"the connection was disabled"}
        403 {"error":"unauthorized_client","error_description":"invalid client"}
        403 {"error":"unauthorized_client","error_description":"invalid client"}
        401 {"error":"invalid_user_password","error_description":"Wrong phone number or verification code."}
        400 {"error":"invalid_request","error_description":"specified strategy does not support requested operation"}
        401 {"error":"unauthorized","error_description":"user is blocked"}
    "#]]
    .assert_eq(&told);
    assert_eq!(world.logs().await.kinds(), ["f", "f"]);
}
