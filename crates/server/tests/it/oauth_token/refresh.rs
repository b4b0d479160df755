//! Refresh tokens (C451-C456).

use expect_test::expect;
use ringpass_core::storage::users;
use serde_json::{Value, json};

use crate::world::{API, Answer, Caller, NATIVE, PHONE, World};

/// Signs in and returns the refresh token.
async fn refresh_token(caller: &Caller<'_>, more: Value) -> String {
    let token = caller.sign_in(PHONE, more).await.text("refresh_token");
    assert!(!token.is_empty());
    token
}

async fn exchange(caller: &Caller<'_>, token: &str, scope: Option<&str>) -> Answer {
    caller.post("/oauth/token", json!({"grant_type": "refresh_token", "refresh_token": token, "scope": scope})).await
}

#[tokio::test]
async fn a_refresh_token_gives_new_tokens_and_stays() {
    let world = World::new().await;
    let token =
        refresh_token(&world.anon(), json!({"audience": API, "scope": "openid offline_access read:messages"})).await;
    world.clock.advance(86_400_000);
    let answer = exchange(&world.anon(), &token, None).await;
    expect![[r#"
        200 OK
        {
          "access_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "iss": "https://tenant.example/",
              "sub": "sms|695735a5ad91592eedd612dd",
              "aud": [
                "https://api.example/",
                "https://tenant.example/userinfo"
              ],
              "iat": 1767409445,
              "exp": 1767495845,
              "scope": "openid offline_access read:messages",
              "gty": "refresh_token",
              "azp": "cli_native"
            }
          },
          "id_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "iss": "https://tenant.example/",
              "sub": "sms|695735a5ad91592eedd612dd",
              "aud": "cli_native",
              "iat": 1767409445,
              "exp": 1767445445,
              "sid": "bkTvDi6Jw1oqIKaXOpmyMtjngD40YGTO"
            }
          },
          "scope": "openid offline_access read:messages",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-03T03:04:05.678Z",
          "type": "sertft",
          "description": "Successful exchange of Refresh Token for Access Token",
          "connection": "sms",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad91592eedd612dd",
          "user_name": "+4915112345678",
          "audience": "https://api.example/",
          "scope": "openid offline_access read:messages",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    assert_eq!(exchange(&world.anon(), &token, None).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["sertft"]);
}

#[tokio::test]
async fn without_an_audience_the_new_token_is_opaque_and_good_at_userinfo() {
    let world = World::new().await;
    let token = refresh_token(&world.anon(), json!({"scope": "openid phone offline_access"})).await;
    let answer = exchange(&world.anon(), &token, None).await;
    assert_eq!(world.logs().await.kinds(), ["sertft"]);
    let info = world.nobody().bearer(&answer.text("access_token")).get("/userinfo").await;
    assert_eq!(info.text("phone_number"), PHONE);
}

#[tokio::test]
async fn scope_may_narrow_and_never_widen() {
    let world = World::new().await;
    let token =
        refresh_token(&world.anon(), json!({"audience": API, "scope": "openid offline_access read:messages"})).await;
    let narrow = exchange(&world.anon(), &token, Some("read:messages")).await;
    assert_eq!((narrow.text("scope").as_str(), narrow.json().get("id_token")), ("read:messages", None));
    let again = exchange(&world.anon(), &token, Some("openid read:messages")).await;
    assert_eq!(again.text("scope"), "openid read:messages");
    exchange(&world.anon(), &token, Some("openid write:messages admin")).await.is(expect![[r#"
        400 Bad Request
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "invalid_scope",
          "error_description": "Client has not been granted scopes: write:messages admin"
        }
    "#]]);
    let logs = world.logs().await;
    assert_eq!(logs.lines()[2], "fertft: Client has not been granted scopes: write:messages admin");
    assert_eq!(logs.kinds(), ["sertft", "sertft", "fertft"]);
}

#[tokio::test]
async fn every_token_that_is_not_ours_is_unknown() {
    let world = World::new().await;
    let token = refresh_token(&world.anon(), json!({"scope": "offline_access"})).await;
    let access = world.anon().sign_in(PHONE, json!({"scope": "openid"})).await.text("access_token");
    let unknown = r#"403 {"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"#;
    let mut tampered = token.clone();
    tampered.pop();
    for odd in ["v1.nothing", &access, &tampered, "x\u{0}", &"y".repeat(60_000)] {
        assert_eq!(exchange(&world.anon(), odd, None).await.line(), unknown);
    }
    // Another client's.
    assert_eq!(exchange(&world.web(), &token, None).await.line(), unknown);
    assert_eq!(world.logs().await.lines(), ["fertft: Unknown or invalid refresh token."; 6]);
    assert_eq!(exchange(&world.anon(), &token, None).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["sertft"]);
}

#[tokio::test]
async fn a_blocked_users_token_waits_for_the_block_to_end() {
    let world = World::new().await;
    let token = refresh_token(&world.anon(), json!({"scope": "offline_access"})).await;
    world.block(PHONE, true).await;
    exchange(&world.anon(), &token, None).await.is(expect![[r#"
        401 Unauthorized
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "unauthorized",
          "error_description": "user is blocked"
        }
    "#]]);
    world.block(PHONE, false).await;
    assert_eq!(exchange(&world.anon(), &token, None).await.status, 200);
    assert_eq!(world.logs().await.lines()[0], "fertft: user is blocked");
}

#[tokio::test]
async fn a_deleted_users_token_says_that_the_user_is_gone() {
    let world = World::new().await;
    let token = refresh_token(&world.anon(), json!({"scope": "offline_access"})).await;
    let id = world.user(PHONE).await.expect("a user").user_id;
    world.delete_user(PHONE).await;
    exchange(&world.anon(), &token, None).await.is(expect![[r#"
        403 Forbidden
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "invalid_grant",
          "error_description": "The refresh_token was generated for a user who doesn't exist anymore."
        }
    "#]]);
    assert_eq!(
        world.logs().await.lines(),
        ["fertft: The refresh_token was generated for a user who doesn't exist anymore."]
    );
    // Somebody who signs up with the same number is another user, and so is one who was given the old id.
    world.anon().sign_in(PHONE, json!({})).await;
    world.clock.advance(120_000);
    let mut again = world.user(PHONE).await.expect("a user");
    world.delete_user(PHONE).await;
    again.user_id = id;
    again.created_at = world.clock.now();
    assert!(world.app.db.write("test.user", move |tx| users::insert(tx, &again)).await.expect("a write"));
    assert_eq!(exchange(&world.anon(), &token, None).await.status, 403);
    world.clock.advance(30 * 86_400_000);
    let late = exchange(&world.anon(), &token, None).await;
    assert_eq!(late.text("error_description"), "Unknown or invalid refresh token.");
    assert_eq!(world.logs().await.kinds(), ["fertft", "fertft"]);
}

#[tokio::test]
async fn a_token_ends_as_its_client_says() {
    let world = World::new().await;
    let policy = json!({"refresh_token": {"rotation_type": "non-rotating", "expiration_type": "expiring",
        "token_lifetime": 1_000, "idle_token_lifetime": 400, "infinite_token_lifetime": false,
        "infinite_idle_token_lifetime": false}});
    world.client(NATIVE, policy).await;
    let token = refresh_token(&world.anon(), json!({"scope": "offline_access"})).await;
    // Each use puts off the idle end, none the absolute one.
    for (seconds, status) in [(399, 200), (399, 200), (201, 200), (1, 403)] {
        world.clock.advance(seconds * 1_000);
        assert_eq!(exchange(&world.anon(), &token, None).await.status.as_u16(), status, "after {seconds} s");
    }
    let token = {
        world.logs().await;
        refresh_token(&world.anon(), json!({"scope": "offline_access"})).await
    };
    world.clock.advance(400_000);
    assert_eq!(exchange(&world.anon(), &token, None).await.status, 403);
    assert_eq!(world.logs().await.kinds(), ["fertft"]);
}

#[tokio::test]
async fn a_client_that_lost_the_grant_type_cannot_refresh() {
    let world = World::new().await;
    let token = refresh_token(&world.anon(), json!({"scope": "offline_access"})).await;
    world.client(NATIVE, json!({"grant_types": [crate::world::OTP]})).await;
    exchange(&world.anon(), &token, None).await.is(expect![[r#"
        403 Forbidden
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "unauthorized_client",
          "error_description": "Grant type 'refresh_token' not allowed for the client.",
          "error_uri": "https://auth0.com/docs/clients/client-grant-types"
        }
    "#]]);
    assert_eq!(world.logs().await.kinds(), ["fertft"]);
}
