//! `/userinfo` (`docs/COMPATIBILITY.md` C531-C534, C1262).

use expect_test::expect;
use http::Method;
use ringpass::config::Limits;
use ringpass_core::kit::hash::base64url;
use ringpass_core::kit::jwt::{Alg, RsaKey, sign_hs256};
use ringpass_core::model::signing_key::State;
use ringpass_core::storage::{signing_keys, users};
use serde_json::{Value, json};

use crate::world::{API, ISSUER, Lines as _, NATIVE, Options, PHONE, World};

const REFUSED: &str =
    r#"401 {"error":"invalid_token","error_description":"The access token is invalid or has expired"}"#;

async fn token(world: &World, more: Value) -> String {
    world.anon().sign_in(PHONE, more).await.text("access_token")
}

/// What the holder of this token is told.
async fn told(world: &World, token: &str) -> String {
    world.nobody().bearer(token).get("/userinfo").await.line()
}

/// Claims of a good token for this endpoint, with a change.
fn claims(sub: &str, change: Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "sub": sub, "aud": [API, format!("{ISSUER}userinfo")], "iat": 1_767_323_045,
        "exp": 1_767_409_445, "scope": "openid", "azp": NATIVE});
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[tokio::test]
async fn an_opaque_token_and_a_jwt_tell_the_same() {
    let world = World::new().await;
    let opaque = token(&world, json!({"scope": "openid profile phone"})).await;
    let jwt = token(&world, json!({"scope": "openid profile phone", "audience": API})).await;
    let answer = world.nobody().bearer(&opaque).get("/userinfo").await;
    assert_eq!(told(&world, &jwt).await, answer.line());
    let posted = world.nobody().bearer(&jwt).form("/userinfo", &[]).await;
    assert_eq!(posted.line(), answer.line());
    let lower = world.nobody().header("authorization", &format!("bearer {opaque}")).get("/userinfo").await;
    assert_eq!(lower.line(), answer.line());
    answer.is(expect![[r#"
        200 OK
        cache-control: no-store
        content-type: application/json; charset=utf-8
        x-ratelimit-limit: 10
        x-ratelimit-remaining: 9
        x-ratelimit-reset: 1767323058

        {
          "sub": "sms|695735a5ad910b33902a66fc",
          "name": "+4915112345678",
          "nickname": "",
          "picture": "https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp",
          "updated_at": "2026-01-02T03:04:05.678Z",
          "phone_number": "+4915112345678",
          "phone_number_verified": true
        }
    "#]]);
}

#[tokio::test]
async fn scope_decides_what_is_told() {
    let world = World::new().await;
    let mut out = String::new();
    for scope in ["openid", "openid profile", "openid phone", "openid email address", "phone openid offline_access"] {
        let token = token(&world, json!({"scope": scope})).await;
        out.line(format!("{scope}: {}", told(&world, &token).await));
    }
    expect![[r#"
        openid: 200 {"sub":"sms|695735a5ad910b33902a66fc"}
        openid profile: 200 {"sub":"sms|695735a5ad910b33902a66fc","name":"+4915112345678","nickname":"","picture":"https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp","updated_at":"2026-01-02T03:04:05.678Z"}
        openid phone: 200 {"sub":"sms|695735a5ad910b33902a66fc","phone_number":"+4915112345678","phone_number_verified":true}
        openid email address: 200 {"sub":"sms|695735a5ad910b33902a66fc"}
        phone openid offline_access: 200 {"sub":"sms|695735a5ad910b33902a66fc","phone_number":"+4915112345678","phone_number_verified":true}
    "#]].assert_eq(&out);
}

#[tokio::test]
async fn without_openid_nothing_is_told() {
    let world = World::new().await;
    let opaque = token(&world, json!({"scope": "profile phone"})).await;
    world.nobody().bearer(&opaque).get("/userinfo").await.is(expect![[r#"
        401 Unauthorized
        content-type: application/json; charset=utf-8
        www-authenticate: Bearer error="invalid_token"

        {
          "error": "invalid_token",
          "error_description": "The access token is invalid or has expired"
        }
    "#]]);
    let none = token(&world, json!({})).await;
    assert_eq!(told(&world, &none).await, REFUSED);
    let jwt = token(&world, json!({"scope": "read:messages", "audience": API})).await;
    assert_eq!(told(&world, &jwt).await, REFUSED);
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    let world = World::new().await;
    let good = token(&world, json!({"scope": "openid"})).await;
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic Y2xpOnNlY3JldA==",
        &good,
        &format!("Token {good}"),
        "Bearer a.b.c",
        "Bearer ..",
        &format!("Bearer {good} {good}"),
        &format!("Bearer {}", &good[1..]),
    ] {
        let answer = world.nobody().header("authorization", header).get("/userinfo").await;
        assert_eq!(answer.line(), REFUSED, "{header}");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    assert_eq!(world.nobody().get("/userinfo").await.line(), REFUSED);
    assert_eq!(world.nobody().get(&format!("/userinfo?access_token={good}")).await.line(), REFUSED);
    let put = world.nobody().bearer(&good).send(Method::PUT, "/userinfo", "", "".into()).await;
    assert_eq!(put.status, 405);
}

#[tokio::test]
async fn forged_and_foreign_tokens_are_refused() {
    let world = World::new().await;
    token(&world, json!({"scope": "openid"})).await;
    let sub = world.user(PHONE).await.unwrap().user_id;
    let key = world.app.snapshot().keys.current.clone();
    let sign = |change: Value| key.sign(Alg::Rs256, "JWT", &claims(&sub, change)).unwrap();
    assert!(told(&world, &sign(json!({}))).await.starts_with("200 "));
    assert!(told(&world, &sign(json!({"aud": format!("{ISSUER}userinfo")}))).await.starts_with("200 "));

    let good = sign(json!({}));
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let header = |alg: &str| base64url(json!({"alg": alg, "typ": "JWT", "kid": key.kid()}).to_string().as_bytes());
    let admin = base64url(claims("sms|000000000000000000000000", json!({})).to_string().as_bytes());
    let stranger = RsaKey::from_pkcs8(key.kid(), &RsaKey::generate().unwrap()).unwrap();
    let public = key.jwk()["n"].as_str().unwrap().to_owned();
    let bad = [
        ("alg none", format!("{}.{body}.", header("none"))),
        ("alg none with a signature", format!("{}.{body}.{signature}", header("none"))),
        ("alg None", format!("{}.{body}.", header("None"))),
        ("no signature", format!("{head}.{body}.")),
        ("two parts", format!("{head}.{body}")),
        ("other claims", format!("{head}.{admin}.{signature}")),
        ("other header", format!("{}.{body}.{signature}", header("RS512"))),
        ("another key of that name", stranger.sign(Alg::Rs256, "JWT", &claims(&sub, json!({}))).unwrap()),
        ("HS256 under the public key", sign_hs256(public.as_bytes(), "JWT", &claims(&sub, json!({}))).unwrap()),
        ("HS256 without a key", sign_hs256(b"", "JWT", &claims(&sub, json!({}))).unwrap()),
        ("PS256 by our key", key.sign(Alg::Ps256, "JWT", &claims(&sub, json!({}))).unwrap()),
        ("another audience", sign(json!({"aud": API}))),
        ("no audience", sign(json!({"aud": null}))),
        ("an audience like ours", sign(json!({"aud": [format!("{ISSUER}userinfo/")]}))),
        ("another issuer", sign(json!({"iss": "https://tenant.example"}))),
        ("over", sign(json!({"exp": 1_767_323_045}))),
        ("endless", sign(json!({"exp": null}))),
        ("an end of text", sign(json!({"exp": "1767409445"}))),
        ("no subject", sign(json!({"sub": null}))),
        ("nobody", sign(json!({"sub": "sms|000000000000000000000000"}))),
        ("a scope like openid", sign(json!({"scope": "openidx"}))),
    ];
    for (what, token) in bad {
        assert_eq!(told(&world, &token).await, REFUSED, "{what}");
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let world = World::new().await;
    let id_token = world.anon().sign_in(PHONE, json!({"scope": "openid"})).await.text("id_token");
    assert_eq!(told(&world, &id_token).await, REFUSED);
}

#[tokio::test]
async fn a_token_ends_to_the_second() {
    let world = World::new().await;
    let opaque = token(&world, json!({"scope": "openid"})).await;
    let jwt = token(&world, json!({"scope": "openid", "audience": API})).await;
    world.clock.advance(86_400_000 - 1_000);
    assert!(told(&world, &opaque).await.starts_with("200 ") && told(&world, &jwt).await.starts_with("200 "));
    world.clock.advance(1_000);
    assert_eq!((told(&world, &opaque).await.as_str(), told(&world, &jwt).await.as_str()), (REFUSED, REFUSED));
}

#[tokio::test]
async fn tokens_of_an_api_with_another_algorithm_are_not_for_userinfo() {
    let world = World::new().await;
    for alg in ["HS256", "PS256", "RS512"] {
        world.change_api(json!({"signing_alg": alg, "signing_secret": "api-signing-secret-of-the-tests"})).await;
        let token = token(&world, json!({"scope": "openid", "audience": API})).await;
        assert_eq!(told(&world, &token).await, REFUSED, "{alg}");
    }
}

#[tokio::test]
async fn a_machines_token_speaks_for_nobody() {
    let world = World::new().await;
    let body = json!({"grant_type": "client_credentials", "audience": API});
    let token = world.web().post("/oauth/token", body).await.text("access_token");
    assert_eq!(told(&world, &token).await, REFUSED);
    assert_eq!(world.logs().await.kinds(), ["seccft"]);
}

#[tokio::test]
async fn a_blocked_or_deleted_users_token_is_refused() {
    let world = World::new().await;
    let opaque = token(&world, json!({"scope": "openid"})).await;
    let jwt = token(&world, json!({"scope": "openid", "audience": API})).await;
    world.block(PHONE, true).await;
    assert_eq!((told(&world, &opaque).await.as_str(), told(&world, &jwt).await.as_str()), (REFUSED, REFUSED));
    world.block(PHONE, false).await;
    assert!(told(&world, &opaque).await.starts_with("200 ") && told(&world, &jwt).await.starts_with("200 "));
    let user = world.user(PHONE).await.unwrap();
    world.delete_user(PHONE).await;
    assert_eq!((told(&world, &opaque).await.as_str(), told(&world, &jwt).await.as_str()), (REFUSED, REFUSED));
    // An opaque token does not come back to life with a user of the same id.
    assert!(world.app.db.write("test.user", move |tx| users::insert(tx, &user)).await.unwrap());
    assert_eq!(told(&world, &opaque).await, REFUSED);
}

#[tokio::test]
async fn tokens_outlive_a_rotation_of_keys_and_end_with_a_revocation() {
    let world = World::new().await;
    let jwt = token(&world, json!({"scope": "openid", "audience": API})).await;
    let (now, kid) = (world.clock.now(), world.app.snapshot().keys.current.kid().to_owned());
    let next = world.app.snapshot().keys.verifying[1].kid().to_owned();
    let rotate = {
        let kid = kid.clone();
        move |tx: &mut ringpass_core::storage::Tx<'_>| {
            assert!(signing_keys::advance(tx, &kid, State::Current, State::Previous, now)?);
            signing_keys::advance(tx, &next, State::Next, State::Current, now)
        }
    };
    assert!(world.app.configure("test.rotate", rotate).await.unwrap());
    assert!(told(&world, &jwt).await.starts_with("200 "));
    let newer = token(&world, json!({"scope": "openid", "audience": API})).await;
    assert!(told(&world, &newer).await.starts_with("200 "));
    let revoke = move |tx: &mut ringpass_core::storage::Tx<'_>| {
        signing_keys::advance(tx, &kid, State::Previous, State::Revoked, now)
    };
    assert!(world.app.configure("test.revoke", revoke).await.unwrap());
    assert_eq!(told(&world, &jwt).await, REFUSED);
    assert!(told(&world, &newer).await.starts_with("200 "));
}

#[tokio::test]
async fn a_user_is_told_ten_times_at_once_and_then_five_times_a_minute() {
    let world = World::new().await;
    let token = token(&world, json!({"scope": "openid"})).await;
    let caller = world.nobody().bearer(&token);
    for left in (0..10).rev() {
        let answer = caller.get("/userinfo").await;
        let (limit, remaining) = (answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining"));
        assert_eq!((answer.status.as_u16(), limit, remaining), (200, "10", left.to_string().as_str()));
    }
    caller.get("/userinfo").await.is(expect![[r#"
        429 Too Many Requests
        content-type: application/json; charset=utf-8
        retry-after: 12
        x-ratelimit-limit: 10
        x-ratelimit-remaining: 0
        x-ratelimit-reset: 1767323058

        {
          "error": "too_many_requests",
          "error_description": "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."
        }
    "#]]);
    assert_eq!(caller.get("/userinfo").await.status, 429);
    assert_eq!(world.logs().await.lines(), ["api_limit: You passed the limit of allowed calls to '/userinfo'"]);
    // Another node knows that the second half of the bucket is spent.
    let twin = world.twin().await;
    let elsewhere = twin.nobody().bearer(&token);
    let mut told = 0;
    while elsewhere.get("/userinfo").await.status == 200 {
        told += 1;
    }
    assert_eq!(told, 5);
    assert_eq!(world.logs().await.kinds(), ["api_limit"]);
    // It is the user's bucket, not the caller's.
    let other = world.anon().sign_in("+4915112345679", json!({"scope": "openid"})).await.text("access_token");
    assert_eq!(world.nobody().bearer(&other).get("/userinfo").await.status, 200);
    world.clock.advance(24_000);
    assert_eq!(caller.get("/userinfo").await.status, 200);
    assert_eq!(world.nobody().bearer("wrong").get("/userinfo").await.header("x-ratelimit-limit"), "100");
    drop(world.logs().await);
}

#[tokio::test]
async fn without_limits_a_user_is_told_as_often_as_asked() {
    let limits = Limits { documented: false, ..Limits::default() };
    let world = World::with(Options { limits, ..Options::default() }).await;
    let token = token(&world, json!({"scope": "openid"})).await;
    for _ in 0..12 {
        assert_eq!(world.nobody().bearer(&token).get("/userinfo").await.status, 200);
    }
}
