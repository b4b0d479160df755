//! `GET|POST /userinfo` (`docs/COMPATIBILITY.md` C531-C534): who may ask, and what the scope shows.

use expect_test::expect;
use http::Method;
use ringpass_core::kit::hash::base64url;
use ringpass_core::kit::jwt::{self, Alg, RsaKey};
use serde_json::{Value, json};

use crate::world::{API, ISSUER, PHONE, World};

/// An access token of a fresh sign-in with this scope, for the API if `audience` is given.
async fn access_token(world: &World, scope: &str, audience: &str) -> String {
    let answer = world.web().sign_in(PHONE, json!({"scope": scope, "audience": audience})).await;
    world.gateway.take();
    world.logs().await;
    answer.text("access_token")
}

async fn refused(world: &World, token: &str) {
    let answer = world.nobody().bearer(token).get("/userinfo").await;
    assert_eq!(answer.status.as_u16(), 401, "{token}");
    assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    assert_eq!(answer.text("error"), "invalid_token");
}

#[tokio::test]
async fn the_scope_decides_what_is_shown() {
    let world = World::new().await;
    let mut shown = String::new();
    for scope in ["openid", "openid profile", "openid phone", "openid email"] {
        let token = access_token(&world, scope, "").await;
        let answer = world.nobody().bearer(&token).get("/userinfo").await;
        shown += &format!("{scope}: {}\n", answer.json());
    }
    expect![[r#"
        openid: {"sub":"sms|0b33902a66fcc8ea47c97afe"}
        openid profile: {"sub":"sms|0b33902a66fcc8ea47c97afe","name":"+4915112345678","nickname":"","picture":"https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp","updated_at":"2026-01-02T03:04:05.678Z"}
        openid phone: {"sub":"sms|0b33902a66fcc8ea47c97afe","phone_number":"+4915112345678","phone_number_verified":true}
        openid email: {"sub":"sms|0b33902a66fcc8ea47c97afe"}
    "#]].assert_eq(&shown);
}

#[tokio::test]
async fn opaque_tokens_and_tokens_for_an_api_work_by_get_and_by_post() {
    let world = World::new().await;
    for audience in ["", API] {
        let token = access_token(&world, "openid", audience).await;
        assert_eq!(token.contains('.'), !audience.is_empty());
        for method in [Method::GET, Method::POST] {
            let answer = world.nobody().bearer(&token).send(method, "/userinfo", "", Vec::new().into()).await;
            assert_eq!(answer.status.as_u16(), 200);
            assert!(answer.text("sub").starts_with("sms|"));
        }
    }
}

#[tokio::test]
async fn a_post_needs_no_body() {
    let world = World::new().await;
    let token = access_token(&world, "openid", "").await;
    let answer = world.nobody().bearer(&token).post("/userinfo", json!({})).await;
    assert_eq!(answer.status.as_u16(), 200);
}

#[tokio::test]
async fn without_a_good_token_nobody_is_told_anything() {
    let world = World::new().await;
    assert_eq!(world.nobody().get("/userinfo").await.status.as_u16(), 401);
    let basic = world.nobody().basic("a", "b").get("/userinfo").await;
    assert_eq!(basic.status.as_u16(), 401);
    for junk in ["", "x", "a.b.c", "..", "e30.e30.", &"x".repeat(4_000)] {
        refused(&world, junk).await;
    }
    let without_openid = access_token(&world, "profile", "").await;
    refused(&world, &without_openid).await;
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let world = World::new().await;
    let token = access_token(&world, "openid", API).await;
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = input.split_once('.').unwrap();
    let read = world.read_token(&token, "");
    let claims = |change: Value| {
        let mut claims = read["claims"].clone();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims
    };
    let key = world.app.snapshot().keys.current.clone();
    let sign = |claims: &Value| key.sign(Alg::Rs256, "JWT", claims).unwrap();
    // The same claims signed again are good: what follows fails for its own reason.
    let again = world.nobody().bearer(&sign(&claims(json!({})))).get("/userinfo").await;
    assert_eq!(again.status.as_u16(), 200);

    let other_sub = base64url(claims(json!({"sub": "sms|other"})).to_string().as_bytes());
    refused(&world, &format!("{header}.{other_sub}.{signature}")).await;
    let none = base64url(br#"{"alg":"none","typ":"JWT"}"#);
    let body = base64url(claims(json!({})).to_string().as_bytes());
    refused(&world, &format!("{none}.{body}.")).await;
    let foreign = RsaKey::from_pkcs8(key.kid(), &RsaKey::generate().unwrap()).unwrap();
    refused(&world, &foreign.sign(Alg::Rs256, "JWT", &claims(json!({}))).unwrap()).await;
    let modulus = key.jwk()["n"].as_str().unwrap().to_owned();
    refused(&world, &jwt::sign_hs256(modulus.as_bytes(), "JWT", &claims(json!({}))).unwrap()).await;
    refused(&world, &key.sign(Alg::Ps256, "JWT", &claims(json!({}))).unwrap()).await;
    refused(&world, &sign(&claims(json!({"aud": API})))).await;
    refused(&world, &sign(&claims(json!({"aud": format!("{ISSUER}userinfo/")})))).await;
    refused(&world, &sign(&claims(json!({"iss": "https://elsewhere.example/"})))).await;
    refused(&world, &sign(&claims(json!({"exp": world.clock.now() / 1_000})))).await;
    refused(&world, &sign(&claims(json!({"exp": i64::MAX, "iss": null})))).await;
    refused(&world, &sign(&claims(json!({"sub": "sms|nobody"})))).await;
}

#[tokio::test]
async fn tokens_end_with_their_time_their_user_and_a_block() {
    let world = World::new().await;
    let opaque = access_token(&world, "openid", "").await;
    let signed = access_token(&world, "openid", API).await;
    world.block(PHONE, true).await;
    refused(&world, &opaque).await;
    refused(&world, &signed).await;
    world.block(PHONE, false).await;
    assert_eq!(world.nobody().bearer(&opaque).get("/userinfo").await.status.as_u16(), 200);
    world.clock.advance(86_400_000);
    refused(&world, &opaque).await;
    refused(&world, &signed).await;
    let fresh = access_token(&world, "openid", "").await;
    world.delete_user(PHONE).await;
    refused(&world, &fresh).await;
}
