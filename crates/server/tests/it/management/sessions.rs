//! Sessions: what a sign-in on the hosted pages began (C1081-C1085).

use expect_test::expect;
use serde_json::{Value, json};

use std::sync::atomic::{AtomicU8, Ordering};

use super::refresh_tokens::{ids, lives, of, user_id};
use super::{admin, good, said};
use crate::pages::{self, authorize, exchange};
use crate::world::{Answer, Browser, PHONE, World};

/// Signs in with a browser of its own, at an address of its own; the tokens.
async fn sign_in(world: &World, phone: &str) -> Answer {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let ip = format!("198.51.100.{}", NEXT.fetch_add(1, Ordering::Relaxed));
    sign_in_with(&world.browser().with(|caller| caller.at(&ip)), world, phone).await
}

async fn sign_in_with(browser: &Browser<'_>, world: &World, phone: &str) -> Answer {
    let back = pages::sign_in(browser, world, phone, &[("scope", "openid offline_access")]).await;
    let tokens = exchange(world, &back.sent("code").unwrap(), json!({})).await;
    assert_eq!(world.logs().await.kinds(), ["seacft"]);
    tokens
}

/// The `sid` of a sign-in's ID token.
fn sid(world: &World, answer: &Answer) -> String {
    world.read_token(&answer.text("id_token"), "")["claims"]["sid"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_session_shows_its_sign_in_and_its_last_use() {
    let world = pages::world().await;
    let browser = world.browser();
    let signed_in = sign_in_with(&browser, &world, PHONE).await;
    world.clock.advance(60_000);
    let browser = browser.with(|caller| caller.at("198.51.100.4").header("user-agent", "Moved/2"));
    assert!(browser.get(&authorize(&[("prompt", "none")])).await.sent("code").is_some());
    assert_eq!(world.logs().await.kinds(), ["ssa"]);
    let id = sid(&world, &signed_in);
    let shown = good(&admin(&world).get(&format!("/api/v2/sessions/{id}")).await, 200);
    expect![[r#"
        {
          "id": "Bg-8uaxZ5TWTueFXJgLMQPNnDefFDpbf",
          "user_id": "sms|695735a5ad91192b8862130e",
          "created_at": "2026-01-02T03:04:05.678Z",
          "updated_at": "2026-01-02T03:05:05.678Z",
          "authenticated_at": "2026-01-02T03:04:05.678Z",
          "idle_expires_at": "2026-01-05T03:05:05.678Z",
          "expires_at": "2026-01-09T03:04:05.678Z",
          "last_interacted_at": "2026-01-02T03:05:05.678Z",
          "device": {
            "initial_ip": "203.0.113.7",
            "initial_user_agent": "Test/1.0",
            "last_ip": "198.51.100.4",
            "last_user_agent": "Moved/2"
          },
          "clients": [
            {
              "client_id": "cli_native"
            }
          ],
          "authentication": {
            "methods": [
              {
                "name": "sms",
                "timestamp": "2026-01-02T03:04:05.678Z"
              }
            ]
          }
        }
    "#]]
    .assert_eq(&format!("{shown:#}\n"));
    let user = user_id(&world, PHONE).await;
    let list = good(&admin(&world).get(&format!("/api/v2/users/{user}/sessions")).await, 200);
    assert_eq!(list, json!({"sessions": [shown]}));
    // A sign-in without a browser leaves nothing to show, and a session that nobody uses ends.
    world.anon().sign_in(PHONE, json!({"scope": "openid offline_access"})).await;
    assert_eq!(good(&admin(&world).get(&format!("/api/v2/users/{user}/sessions")).await, 200), list);
    world.clock.advance(72 * 3_600_000);
    assert_eq!(good(&admin(&world).get(&format!("/api/v2/users/{user}/sessions")).await, 200), json!({"sessions": []}));
    let gone = admin(&world).get(&format!("/api/v2/sessions/{id}")).await;
    assert_eq!(said(&gone), "404 inexistent_session: The session does not exist");
}

#[tokio::test]
async fn sessions_come_by_checkpoint() {
    let world = pages::world().await;
    let mut sids = Vec::new();
    for _ in 0..3 {
        let signed_in = sign_in(&world, PHONE).await;
        sids.push(sid(&world, &signed_in));
        world.clock.advance(1_000);
    }
    let path = format!("/api/v2/users/{}/sessions", user_id(&world, PHONE).await);
    let (mut from, mut seen) = (String::new(), Vec::new());
    for size in [2, 1] {
        let page = good(&admin(&world).get(&format!("{path}?take=2{from}")).await, 200);
        assert_eq!(ids(&page["sessions"]).len(), size);
        seen.extend(ids(&page["sessions"]).into_iter().map(str::to_owned));
        from = page["next"].as_str().map(|next| format!("&from={next}")).unwrap_or_default();
    }
    assert_eq!((seen, from.as_str()), (sids, ""));
    assert_eq!(admin(&world).get(&format!("{path}?take=101")).await.status, 400);
}

#[tokio::test]
async fn a_deleted_session_leaves_its_token_and_a_revoked_one_takes_it() {
    let world = pages::world().await;
    let admin = admin(&world);
    let (one, two) = (sign_in(&world, PHONE).await, sign_in(&world, PHONE).await);
    let path = format!("/api/v2/sessions/{}", sid(&world, &one));
    assert_eq!(admin.delete(&format!("/api/v2/sessions/{}", sid(&world, &one))).await.line(), "202 ");
    assert_eq!(world.logs().await.lines(), ["sapi: Delete a session"]);
    assert_eq!(admin.get(&path).await.status, 404);
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": one.text("refresh_token")});
    assert_eq!(sid(&world, &world.anon().post("/oauth/token", refresh).await), "");
    let left = of(&world, PHONE).await;
    assert_eq!(left.iter().filter(|token| token.get("session_id").is_some()).count(), 1);
    assert_eq!(admin.post(&format!("/api/v2/sessions/{}/revoke", sid(&world, &two)), json!({})).await.line(), "202 ");
    assert!(lives(&world.anon(), &one).await && !lives(&world.anon(), &two).await);
    for answer in [
        admin.delete(&path).await,
        admin.post("/api/v2/sessions/no/revoke", json!({})).await,
        admin.patch(&path, json!({"session_metadata": {}})).await,
        admin.patch(&path, json!({})).await,
    ] {
        assert_eq!(said(&answer), "404 inexistent_session: The session does not exist");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn metadata_of_a_session_is_replaced_whole() {
    let world = pages::world().await;
    let admin = admin(&world);
    let signed_in = sign_in(&world, PHONE).await;
    let id = sid(&world, &signed_in);
    for (patch, wanted) in [
        (json!({"session_metadata": {"a": "1", "b": null}}), Some(json!({"a": "1"}))),
        (json!({}), Some(json!({"a": "1"}))),
        (json!({"session_metadata": {"c": "3"}}), Some(json!({"c": "3"}))),
        (json!({"session_metadata": null}), None),
    ] {
        let shown = good(&admin.patch(&format!("/api/v2/sessions/{id}"), patch).await, 200);
        assert_eq!(shown.get("session_metadata"), wanted.as_ref());
        assert_eq!(good(&admin.get(&format!("/api/v2/sessions/{id}")).await, 200), shown);
    }
    assert_eq!(
        said(&admin.patch(&format!("/api/v2/sessions/{id}"), json!({"session_metadata": {"a": 1}})).await),
        "400 invalid_body: Payload validation error: 'Expected type string but found type integer' on property session_metadata.a."
    );
    assert_eq!(admin.patch(&format!("/api/v2/sessions/{id}"), json!({"user_id": "x"})).await.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_users_access_is_revoked_whole_by_session_or_without_the_tokens() {
    let world = pages::world().await;
    let admin = admin(&world);
    let mut signed_in = Vec::new();
    for _ in 0..4 {
        signed_in.push(sign_in(&world, PHONE).await);
    }
    let other = sign_in(&world, "+15550002222").await;
    let user = user_id(&world, PHONE).await;
    let revoke = |body: Value| {
        let (admin, user) = (admin.clone(), user.clone());
        async move { admin.post(&format!("/api/v2/users/{user}/revoke-access"), body).await.line() }
    };
    let sessions = || {
        let (admin, user) = (admin.clone(), user.clone());
        async move {
            let list = good(&admin.get(&format!("/api/v2/users/{user}/sessions")).await, 200);
            list["sessions"].as_array().unwrap().len()
        }
    };
    assert_eq!(revoke(json!({"session_id": sid(&world, &signed_in[0])})).await, "202 ");
    assert_eq!(world.logs().await.lines(), ["sapi: Revoke access of a user"]);
    assert!(!lives(&world.anon(), &signed_in[0]).await && lives(&world.anon(), &signed_in[1]).await);
    let preserved = json!({"session_id": sid(&world, &signed_in[1]), "preserve_refresh_tokens": true});
    assert_eq!((revoke(preserved).await, sessions().await), ("202 ".to_owned(), 2));
    assert!(lives(&world.anon(), &signed_in[1]).await);
    // Another user's session is not this one's.
    assert_eq!(revoke(json!({"session_id": sid(&world, &other)})).await, "202 ");
    assert!(lives(&world.anon(), &other).await);
    assert_eq!((revoke(json!({"preserve_refresh_tokens": true})).await, sessions().await), ("202 ".to_owned(), 0));
    assert!(lives(&world.anon(), &signed_in[2]).await);
    let fifth = sign_in(&world, PHONE).await;
    assert_eq!(sessions().await, 1);
    assert_eq!(admin.delete(&format!("/api/v2/users/{user}/sessions")).await.line(), "202 ");
    assert_eq!(sessions().await, 0);
    assert!(lives(&world.anon(), &fifth).await);
    assert_eq!(revoke(json!({})).await, "202 ");
    for token in &signed_in {
        assert!(!lives(&world.anon(), token).await);
    }
    assert!(lives(&world.anon(), &other).await);
    assert_eq!(admin.post(&format!("/api/v2/users/{user}/revoke-access"), json!({"x": 1})).await.status, 400);
    for answer in [
        admin.post("/api/v2/users/no/revoke-access", json!({})).await,
        admin.get("/api/v2/users/no/sessions").await,
        admin.delete("/api/v2/users/no/sessions").await,
    ] {
        assert_eq!(said(&answer), "404 inexistent_user: The user does not exist.");
    }
    drop(world.logs().await);
}
