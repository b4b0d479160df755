//! Signing keys (C771-C775, C1131-C1134): a token lives as long as its key.

use expect_test::expect;
use ringpass::config::Limits;
use ringpass::flows::signing_keys;
use ringpass_core::kit::clock::DAY;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Options, World};

const KEYS: &str = "/api/v2/keys/signing";

async fn states(world: &World) -> Vec<(String, &'static str)> {
    let state = |key: &Value| {
        let on = ["current", "next", "previous", "revoked"].into_iter().filter(|name| key[*name] == json!(true));
        let on: Vec<&str> = on.collect();
        assert_eq!(on.len(), 1, "{key}");
        (key["kid"].as_str().unwrap().to_owned(), on[0])
    };
    good(&admin(world).get(KEYS).await, 200).as_array().unwrap().iter().map(state).collect()
}

fn kid(token: &str) -> String {
    let header = crate::world::base64url(token.split('.').next().unwrap());
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

async fn published(world: &World) -> Vec<String> {
    let keys = good(&world.nobody().get("/.well-known/jwks.json").await, 200);
    let mut kids: Vec<String> =
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    kids.sort();
    kids
}

#[tokio::test]
async fn keys_are_listed_with_certificates_and_without_private_parts() {
    let world = World::bare(Options::default()).await;
    let list = good(&admin(&world).get("/api/v2/keys/signing").await, 200);
    let mut first = list[0].clone();
    assert_eq!(
        good(&admin(&world).get(&format!("/api/v2/keys/signing/{}", first["kid"].as_str().unwrap())).await, 200),
        first
    );
    for (name, start) in [("cert", "-----BEGIN CERTIFICATE-----"), ("pkcs7", "-----BEGIN PKCS7-----")] {
        assert!(first[name].as_str().unwrap().starts_with(start));
        first[name] = start.into();
    }
    for name in ["fingerprint", "thumbprint"] {
        first[name] = first[name].as_str().unwrap().len().into();
    }
    expect![[r#"
        {
          "kid": "current-key-of-tests0",
          "cert": "-----BEGIN CERTIFICATE-----",
          "pkcs7": "-----BEGIN PKCS7-----",
          "current": true,
          "next": false,
          "previous": false,
          "current_since": "2026-01-02T03:04:05.678Z",
          "fingerprint": 59,
          "thumbprint": 40,
          "revoked": false
        }"#]]
    .assert_eq(&format!("{first:#}"));
    let unknown = admin(&world).get("/api/v2/keys/signing/none").await;
    assert_eq!(said(&unknown), "404 inexistent_signing_key: The signing key does not exist");
}

#[tokio::test]
async fn rotation_and_revocation_decide_which_tokens_live() {
    let world = World::new().await;
    let administrator = admin(&world);
    let old = world
        .web()
        .post("/oauth/token", json!({"grant_type": "client_credentials", "audience": crate::world::API}))
        .await;
    assert_eq!(old.status, 200, "{old}");
    assert_eq!(world.logs().await.kinds(), ["seccft"]);
    let user_token = world
        .anon()
        .sign_in(crate::world::PHONE, json!({"scope": "openid", "audience": crate::world::API}))
        .await
        .text("access_token");
    let old_caller = world.api("read:signing_keys");
    let before = states(&world).await;
    let (first, second) = (before[0].clone(), before[1].clone());
    assert_eq!((first.1, second.1), ("current", "next"));
    assert_eq!(kid(&old.text("access_token")), first.0);

    let rotated = good(&administrator.post("/api/v2/keys/signing/rotate", json!({})).await, 201);
    assert_eq!((rotated.as_object().unwrap().len(), &rotated["kid"]), (2, &json!(second.0)));
    let after = states(&world).await;
    let third = after.iter().find(|(_, state)| *state == "next").unwrap().clone();
    assert_eq!(third.0.len(), 21);
    for expected in [(first.0.clone(), "previous"), (second.0.clone(), "current")] {
        assert!(after.contains(&expected), "{after:?}");
    }
    let mut all = vec![first.0.clone(), second.0.clone(), third.0.clone()];
    all.sort();
    assert_eq!(published(&world).await, all);
    // Tokens of the previous key live on.
    good(&old_caller.get(KEYS).await, 200);
    good(&world.nobody().bearer(&user_token).get("/userinfo").await, 200);
    let new = world
        .web()
        .post("/oauth/token", json!({"grant_type": "client_credentials", "audience": crate::world::API}))
        .await;
    assert_eq!(kid(&new.text("access_token")), second.0);

    for in_use in [&second.0, &third.0] {
        let refused = administrator.put(&format!("/api/v2/keys/signing/{in_use}/revoke"), json!({})).await;
        assert_eq!(said(&refused), "400 invalid_body: Only a previous signing key can be revoked");
    }
    let unknown = administrator.put("/api/v2/keys/signing/none/revoke", json!({})).await;
    assert_eq!(said(&unknown), "404 inexistent_signing_key: The signing key does not exist");
    let fresh = admin(&world);
    let revoked = good(&fresh.put(&format!("/api/v2/keys/signing/{}/revoke", first.0), json!({})).await, 200);
    assert_eq!(revoked["kid"], json!(first.0));
    assert_eq!(said(&old_caller.get(KEYS).await), "401 : Invalid token");
    assert_eq!(world.nobody().bearer(&user_token).get("/userinfo").await.status, 401);
    assert!(!published(&world).await.contains(&first.0));
    assert!(states(&world).await.contains(&(first.0.clone(), "revoked")));
    let shown = good(&fresh.get(&format!("/api/v2/keys/signing/{}", first.0)).await, 200);
    assert_eq!(
        (&shown["revoked_at"], &shown["current_until"]),
        (&json!("2026-01-02T03:04:05.678Z"), &json!("2026-01-02T03:04:05.678Z"))
    );
    let twice = fresh.put(&format!("/api/v2/keys/signing/{}/revoke", first.0), json!({})).await;
    assert_eq!(said(&twice), "400 invalid_body: Only a previous signing key can be revoked");
    let kinds = world.logs().await.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "sapi").count(), 2, "{kinds:?}");
}

#[tokio::test]
async fn rotations_at_once_happen_one_after_the_other() {
    let world = World::bare(Options::default()).await;
    let caller = admin(&world);
    let (one, two, three) = tokio::join!(
        caller.post("/api/v2/keys/signing/rotate", json!({})),
        caller.post("/api/v2/keys/signing/rotate", json!({})),
        caller.post("/api/v2/keys/signing/rotate", json!({}))
    );
    for answer in [one, two, three] {
        assert_eq!(answer.status, 201, "{answer}");
    }
    let mut states: Vec<&str> = states(&world).await.into_iter().map(|(_, state)| state).collect();
    states.sort_unstable();
    assert_eq!(states, ["current", "next", "previous", "previous", "previous"]);
    assert_eq!(caller.get(KEYS).await.status, 200);
    drop(world.logs().await);
}

/// Worlds that rotate by themselves after 20 days.
async fn rotating() -> World {
    let limits = Limits { signing_key_rotation_days: 20, ..Limits::default() };
    World::with(Options { limits, ..Options::default() }).await
}

#[tokio::test]
async fn with_an_age_keys_are_rotated_by_one_node_and_revoked_when_their_tokens_have_ended() {
    let world = rotating().await;
    let twin = world.twin().await;
    world.change_api(json!({"token_lifetime": 30 * 86_400})).await;
    let both = async || {
        let (one, two) = tokio::join!(signing_keys::keep(&world.app), signing_keys::keep(&twin.app));
        one.unwrap();
        two.unwrap();
    };
    let count = async |state: &str| states(&world).await.iter().filter(|(_, known)| *known == state).count();
    let first = states(&world).await[0].0.clone();
    world.clock.advance(20 * DAY - 1);
    both().await;
    assert_eq!((count("previous").await, published(&world).await.len()), (0, 2));
    let machine = json!({"grant_type": "client_credentials", "audience": crate::world::API});
    let token = world.web().post("/oauth/token", machine).await.text("access_token");
    assert_eq!((kid(&token), world.logs().await.kinds()), (first.clone(), vec!["seccft".to_owned()]));

    let next = states(&world).await.into_iter().find(|(_, state)| *state == "next").unwrap().0;
    world.clock.advance(1);
    both().await;
    both().await;
    let now = states(&world).await;
    assert!(now.contains(&(first.clone(), "previous")) && now.contains(&(next.clone(), "current")), "{now:?}");
    assert_eq!(now.len(), 3, "one rotation: {now:?}");
    let event = &world.logs().await.0;
    assert_eq!(
        (event.len(), &event[0]["type"], &event[0]["description"]),
        (1, &json!("sapi"), &json!("Rotate the signing key"))
    );
    assert_eq!(event[0]["details"], json!({"automatic": true, "kid": next}));
    // The other node needs no restart: it signs with the new key, and both take the old one's tokens.
    twin.app.refresh().await.unwrap();
    let token_of_twin = twin.api("read:signing_keys");
    assert_eq!(twin.app.snapshot().keys.current.kid(), next);
    good(&token_of_twin.get(KEYS).await, 200);

    // Forty days on another rotation is due, and the last token of the first key has not quite had its day of grace.
    world.clock.advance(20 * DAY);
    both().await;
    world.clock.advance(11 * DAY - 1);
    both().await;
    assert!(published(&world).await.contains(&first));
    drop(world.logs().await);
    world.clock.advance(1);
    both().await;
    both().await;
    assert!(!published(&world).await.contains(&first));
    assert_eq!((count("revoked").await, count("previous").await), (1, 1));
    assert_eq!(world.logs().await.lines(), ["sapi: Revoke a signing key"]);
}

#[tokio::test]
async fn without_an_age_time_changes_nothing() {
    let world = World::bare(Options::default()).await;
    world.clock.advance(4_000 * DAY);
    signing_keys::keep(&world.app).await.unwrap();
    assert_eq!(published(&world).await.len(), 2);
}
