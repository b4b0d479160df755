//! `POST /oauth/revoke` (C1070-C1074).

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{API, Answer, Caller, NATIVE, PHONE, WEB, World};

async fn tokens(caller: &Caller<'_>, more: Value) -> Answer {
    let mut body = json!({"scope": "openid offline_access"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.sign_in(PHONE, body).await
}

async fn is_good(caller: &Caller<'_>, token: &str) -> bool {
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": token});
    let good = caller.post("/oauth/token", refresh).await.status == 200;
    caller.world().logs().await;
    good
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_the_answer_is_empty() {
    let world = World::new().await;
    let token = tokens(&world.anon(), json!({"audience": API})).await.text("refresh_token");
    let other = tokens(&world.anon(), json!({"audience": API})).await.text("refresh_token");
    let answer = world.anon().post("/oauth/revoke", json!({"token": token})).await;
    answer.is(expect![[r#"
        200 OK
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "srrt",
          "description": "Successfully revoked a Refresh Token",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad91592eedd612dd",
          "audience": "https://api.example/",
          "scope": "openid offline_access",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    assert!(!is_good(&world.anon(), &token).await);
    assert!(is_good(&world.anon(), &other).await, "the grant stays while the tenant does not say otherwise");
    // By form, and by Basic.
    let basic = world.nobody().basic(WEB.0, WEB.1);
    let token = tokens(&world.web(), json!({})).await.text("refresh_token");
    assert_eq!(
        basic.form("/oauth/revoke", &[("token", &token), ("token_type_hint", "refresh_token")]).await.line(),
        "200 "
    );
    assert_eq!(world.logs().await.kinds(), ["srrt"]);
    assert!(!is_good(&world.web(), &token).await);
}

#[tokio::test]
async fn what_is_not_the_clients_own_live_refresh_token_is_answered_alike_and_left_alone() {
    let world = World::new().await;
    let signed_in = tokens(&world.anon(), json!({})).await;
    let (token, access) = (signed_in.text("refresh_token"), signed_in.text("access_token"));
    let forged = format!("{}{}", &token[..token.len() - 1], if token.ends_with('A') { 'B' } else { 'A' });
    for odd in ["nothing", &access, &forged, "x\u{0}", &"y".repeat(60_000)] {
        assert_eq!(world.anon().post("/oauth/revoke", json!({"token": odd})).await.line(), "200 ");
    }
    assert_eq!(world.web().post("/oauth/revoke", json!({"token": token})).await.line(), "200 ");
    assert!(world.logs().await.0.is_empty());
    assert!(is_good(&world.anon(), &token).await);
    assert_eq!(world.nobody().bearer(&access).get("/userinfo").await.status, 200);
}

#[tokio::test]
async fn a_spent_token_revokes_its_family() {
    let world = World::new().await;
    let policy = json!({"rotation_type": "rotating", "expiration_type": "expiring"});
    world.client(NATIVE, json!({"refresh_token": policy})).await;
    let zero = tokens(&world.anon(), json!({})).await.text("refresh_token");
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": zero});
    let one = world.anon().post("/oauth/token", refresh).await.text("refresh_token");
    assert_eq!(world.anon().post("/oauth/revoke", json!({"token": zero})).await.line(), "200 ");
    assert_eq!(world.logs().await.kinds(), ["sertft", "srrt"]);
    assert!(!is_good(&world.anon(), &one).await);
}

#[tokio::test]
async fn every_refusal_of_a_revocation() {
    let world = World::new().await;
    let token = tokens(&world.web(), json!({})).await.text("refresh_token");
    let caller = world.nobody();
    let mut out = String::new();
    for body in [
        json!({}),
        json!({"client_id": NATIVE}),
        json!({"client_id": NATIVE, "token": ""}),
        json!({"client_id": NATIVE, "token": 1}),
        json!({"client_id": "nobody", "token": token}),
        json!({"client_id": WEB.0, "token": token}),
        json!({"client_id": WEB.0, "client_secret": "wrong", "token": token}),
    ] {
        out.push_str(&caller.post("/oauth/revoke", body).await.line());
        out.push('\n');
    }
    for (kind, body) in [("text/plain", "token=x"), ("application/json", "[")] {
        out.push_str(&caller.raw("/oauth/revoke", kind, body).await.line());
        out.push('\n');
    }
    expect![[r#"
        400 {"error":"invalid_request","error_description":"Missing required parameter: client_id"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: token"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: token"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: token"}
        401 {"error":"invalid_client","error_description":"Client authentication failed"}
        401 {"error":"invalid_client","error_description":"Client authentication failed"}
        401 {"error":"invalid_client","error_description":"Client authentication failed"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
        400 {"error":"invalid_request","error_description":"Invalid request body"}
    "#]]
    .assert_eq(&out);
    assert_eq!(caller.get("/oauth/revoke").await.status, 405);
    let refused = caller.post("/oauth/revoke", json!({"client_id": WEB.0, "token": token})).await;
    assert_eq!(refused.header("cache-control"), "no-store");
    assert!(world.logs().await.0.is_empty());
    assert!(is_good(&world.web(), &token).await);
}

#[tokio::test]
async fn with_the_tenants_flag_the_grant_goes_too() {
    let world = World::new().await;
    world.tenant(json!({"flags": {"revoke_refresh_token_grant": true}})).await;
    let one = tokens(&world.anon(), json!({})).await.text("refresh_token");
    let same = tokens(&world.anon(), json!({})).await.text("refresh_token");
    let api = tokens(&world.anon(), json!({"audience": API})).await.text("refresh_token");
    let web = tokens(&world.web(), json!({})).await.text("refresh_token");
    assert_eq!(world.anon().post("/oauth/revoke", json!({"token": one})).await.line(), "200 ");
    assert_eq!(world.logs().await.kinds(), ["srrt"]);
    assert!(!is_good(&world.anon(), &one).await && !is_good(&world.anon(), &same).await);
    assert!(is_good(&world.anon(), &api).await && is_good(&world.web(), &web).await);
    let left = world.api("read:grants").get("/api/v2/grants").await.json();
    let left: Vec<&Value> = left.as_array().unwrap().iter().map(|grant| &grant["clientID"]).collect();
    assert_eq!(left, [NATIVE, WEB.0]);
}
