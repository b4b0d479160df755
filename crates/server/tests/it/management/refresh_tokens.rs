//! Refresh tokens of users (C1076-C1080).

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{API, Answer, Caller, NATIVE, PHONE, WEB, World};

const TOKENS: &str = "/api/v2/refresh-tokens";

/// Signs in for a refresh token.
pub(super) async fn sign_in(caller: &Caller<'_>, phone: &str, more: Value) -> Answer {
    let mut body = json!({"scope": "openid offline_access"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.sign_in(phone, body).await
}

/// Whether a sign-in's refresh token is good.
pub(super) async fn lives(caller: &Caller<'_>, signed_in: &Answer) -> bool {
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": signed_in.text("refresh_token")});
    let good = caller.post("/oauth/token", refresh).await.status == 200;
    drop(caller.world().logs().await);
    good
}

pub(super) async fn user_id(world: &World, phone: &str) -> String {
    world.user(phone).await.unwrap().user_id
}

/// The tokens of a user, as the list shows them.
pub(super) async fn of(world: &World, phone: &str) -> Vec<Value> {
    let id = user_id(world, phone).await;
    let list = good(&admin(world).get(&format!("/api/v2/users/{id}/refresh-tokens")).await, 200);
    list["tokens"].as_array().unwrap().clone()
}

pub(super) fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_token_shows_where_it_came_from_and_where_it_was_last_used() {
    let world = World::new().await;
    let policy = json!({"rotation_type": "rotating", "expiration_type": "expiring", "token_lifetime": 1_000,
        "idle_token_lifetime": 100});
    world.client(NATIVE, json!({"refresh_token": policy})).await;
    let scope = json!({"audience": API, "scope": "openid offline_access read:messages"});
    let signed_in = sign_in(&world.anon(), PHONE, scope).await;
    let id = of(&world, PHONE).await[0]["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 24 && signed_in.text("refresh_token").starts_with(&format!("v1.{id}")));
    world.clock.advance(60_000);
    let away = world.anon().at("198.51.100.4").header("user-agent", "Moved/2 Mobile");
    assert!(lives(&away, &signed_in).await);
    let shown = good(&admin(&world).get(&format!("/api/v2/refresh-tokens/{id}")).await, 200);
    expect![[r#"
        {
          "id": "vNEuWJfVzDhhouZqWYlbUUIX",
          "user_id": "sms|695735a5ad91592eedd612dd",
          "client_id": "cli_native",
          "session_id": "bkTvDi6Jw1oqIKaXOpmyMtjngD40YGTO",
          "created_at": "2026-01-02T03:04:05.678Z",
          "idle_expires_at": "2026-01-02T03:06:45.678Z",
          "expires_at": "2026-01-02T03:20:45.678Z",
          "last_exchanged_at": "2026-01-02T03:05:05.678Z",
          "rotating": true,
          "device": {
            "initial_ip": "203.0.113.7",
            "initial_user_agent": "Test/1.0",
            "last_ip": "198.51.100.4",
            "last_user_agent": "Moved/2 Mobile"
          },
          "resource_servers": [
            {
              "audience": "https://api.example/",
              "scopes": "openid offline_access read:messages"
            }
          ]
        }
    "#]]
    .assert_eq(&format!("{shown:#}\n"));
    assert_eq!(of(&world, PHONE).await, [shown]);
}

#[tokio::test]
async fn a_users_tokens_come_by_checkpoint_and_all_go_at_once() {
    let world = World::new().await;
    let (mut signed_in, mut known) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        signed_in.push(sign_in(&world.anon(), PHONE, json!({})).await);
        world.clock.advance(1_000);
    }
    let web = sign_in(&world.web(), PHONE, json!({})).await;
    sign_in(&world.anon(), "+15550002222", json!({})).await;
    let (id, admin) = (user_id(&world, PHONE).await, admin(&world));
    let path = format!("/api/v2/users/{id}/refresh-tokens");
    let mut from = String::new();
    for size in [3, 1] {
        let page = good(&admin.get(&format!("{path}?take=3{from}&include_totals=true")).await, 200);
        assert_eq!(ids(&page["tokens"]).len(), size);
        assert!(page.get("total").is_none());
        known.extend(page["tokens"].as_array().unwrap().clone());
        from = page["next"].as_str().map(|next| format!("&from={next}")).unwrap_or_default();
    }
    assert_eq!((from.as_str(), &Value::from(known.clone())), ("", &good(&admin.get(&path).await, 200)["tokens"]));
    let listed = good(&admin.get(&format!("/api/v2/refresh-tokens?user_id={id}&client_id={}", WEB.0)).await, 200);
    assert_eq!(listed, json!({"refresh_tokens": [known[3]]}));
    let listed = good(&admin.get(&format!("{TOKENS}?user_id={id}&take=1&fields=id")).await, 200);
    assert_eq!(listed["refresh_tokens"], json!([{"id": known[0]["id"]}]));
    assert!(listed["next"].is_string());
    for (query, wanted) in [
        ("", "400 invalid_query_string: Query validation error: 'Missing required property: user_id'."),
        (
            "?user_id=x&take=0",
            "400 invalid_query_string: Query validation error: 'Value 0 is less than minimum 1' on property take (Number of results per page).",
        ),
        (
            "?user_id=x&from=AA",
            "400 invalid_query_string: Query validation error: 'Invalid checkpoint' on property from (Id from which to start selection).",
        ),
        // `1.` and U+0000.
        (
            "?user_id=x&from=MS4A",
            "400 invalid_query_string: Query validation error: 'Invalid checkpoint' on property from (Id from which to start selection).",
        ),
    ] {
        assert_eq!(said(&admin.get(&format!("{TOKENS}{query}")).await), wanted);
    }
    assert_eq!(good(&admin.get(&format!("{TOKENS}?user_id=sms%7Cnobody")).await, 200), json!({"refresh_tokens": []}));
    assert_eq!(admin.delete(&path).await.line(), "202 ");
    assert_eq!(world.logs().await.lines(), ["sapi: Delete refresh tokens of a user"]);
    assert_eq!(good(&admin.get(&path).await, 200), json!({"tokens": []}));
    for token in &signed_in {
        assert!(!lives(&world.anon(), token).await);
    }
    assert!(!lives(&world.web(), &web).await);
    assert_eq!(of(&world, "+15550002222").await.len(), 1);
    for answer in [
        admin.get("/api/v2/users/sms%7Cno/refresh-tokens").await,
        admin.delete("/api/v2/users/sms%7Cno/refresh-tokens").await,
    ] {
        assert_eq!(said(&answer), "404 inexistent_user: The user does not exist.");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn one_token_is_changed_and_deleted() {
    let world = World::new().await;
    let admin = admin(&world);
    let signed_in = sign_in(&world.anon(), PHONE, json!({})).await;
    let shown = of(&world, PHONE).await.remove(0);
    let id = shown["id"].as_str().unwrap();
    let path = format!("/api/v2/refresh-tokens/{id}");
    let patched = good(&admin.patch(&path, json!({"refresh_token_metadata": {"device": "red", "x": null}})).await, 200);
    assert_eq!(patched["refresh_token_metadata"], json!({"device": "red"}));
    assert_eq!(
        good(&admin.patch(&path, json!({"refresh_token_metadata": {"b": "2"}})).await, 200)["refresh_token_metadata"],
        json!({"b": "2"})
    );
    // An exchange keeps it, an empty patch too.
    assert!(lives(&world.anon(), &signed_in).await);
    let kept = good(&admin.patch(&format!("/api/v2/refresh-tokens/{id}"), json!({})).await, 200);
    assert_eq!(kept, good(&admin.get(&path).await, 200));
    assert_eq!(kept["refresh_token_metadata"], json!({"b": "2"}));
    for nothing in [json!({}), json!(null)] {
        let emptied = good(&admin.patch(&path, json!({"refresh_token_metadata": nothing})).await, 200);
        assert_eq!(emptied.get("refresh_token_metadata"), None);
    }
    let many: Value = (0..26).map(|key| (key.to_string(), Value::from("v"))).collect();
    for (body, wanted) in [
        (json!({"scope": "x"}), "Additional properties not allowed: scope'."),
        (
            json!({"refresh_token_metadata": {"a": 1}}),
            "Expected type string but found type integer' on property refresh_token_metadata.a.",
        ),
        (
            json!({"refresh_token_metadata": many}),
            "Too many properties defined (26), maximum 25' on property refresh_token_metadata (Metadata of the refresh token).",
        ),
    ] {
        let answer = said(&admin.patch(&path, body).await);
        assert_eq!(answer, format!("400 invalid_body: Payload validation error: '{wanted}"));
    }
    assert_eq!(admin.delete(&path).await.line(), "202 ");
    assert!(!lives(&world.anon(), &signed_in).await);
    for answer in [
        admin.get(&path).await,
        admin.patch(&path, json!({"refresh_token_metadata": {}})).await,
        admin.patch(&path, json!({})).await,
        admin.delete(&path).await,
    ] {
        assert_eq!(said(&answer), "404 inexistent_refresh_token: The refresh token does not exist");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn many_are_revoked_by_id_user_client_or_api() {
    let world = World::new().await;
    let (admin, other) = (admin(&world), "+15550002222");
    let revoke = |body: Value| {
        let admin = admin.clone();
        async move { admin.post("/api/v2/refresh-tokens/revoke", body).await.line() }
    };
    let native = sign_in(&world.anon(), PHONE, json!({})).await;
    let api = sign_in(&world.anon(), PHONE, json!({"audience": API})).await;
    let web = sign_in(&world.web(), PHONE, json!({})).await;
    let others = [sign_in(&world.anon(), other, json!({})).await, sign_in(&world.web(), other, json!({})).await];
    let user = user_id(&world, PHONE).await;
    assert_eq!(revoke(json!({"user_id": user, "client_id": NATIVE, "audience": API})).await, "202 ");
    assert_eq!(world.logs().await.lines(), ["sapi: Revoke refresh tokens"]);
    assert!(lives(&world.anon(), &native).await && !lives(&world.anon(), &api).await);
    assert_eq!(
        revoke(json!({"user_id": user, "client_id": NATIVE, "audience": "https://tenant.example/userinfo"})).await,
        "202 "
    );
    assert!(!lives(&world.anon(), &native).await);
    let native = sign_in(&world.anon(), PHONE, json!({"audience": API})).await;
    assert_eq!(revoke(json!({"user_id": user, "client_id": NATIVE})).await, "202 ");
    assert!(!lives(&world.anon(), &native).await && lives(&world.web(), &web).await);
    assert_eq!(revoke(json!({"user_id": user})).await, "202 ");
    assert!(!lives(&world.web(), &web).await && lives(&world.web(), &others[1]).await);
    assert_eq!(revoke(json!({"client_id": WEB.0})).await, "202 ");
    assert!(!lives(&world.web(), &others[1]).await && lives(&world.anon(), &others[0]).await);
    let left = of(&world, other).await;
    assert_eq!(revoke(json!({"ids": ["never-was", left[0]["id"]]})).await, "202 ");
    assert!(!lives(&world.anon(), &others[0]).await);
    for body in [
        json!({}),
        json!({"audience": API}),
        json!({"user_id": "u", "audience": API}),
        json!({"client_id": "c", "audience": API}),
        json!({"ids": ["a"], "user_id": "u"}),
    ] {
        let answer = said(&admin.post(&format!("{TOKENS}/revoke"), body).await);
        assert!(
            answer.starts_with("400 invalid_body: Exactly one of these must be provided: ids; user_id; "),
            "{answer}"
        );
    }
    let many: Vec<String> = (0..101).map(|id| id.to_string()).collect();
    for body in
        [json!({"ids": []}), json!({"ids": many}), json!({"ids": [1]}), json!({"user": "u"}), json!({"user_id": ""})]
    {
        assert_eq!(admin.post(&format!("{TOKENS}/revoke"), body).await.text("errorCode"), "invalid_body");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn what_has_ended_or_lost_its_user_is_not_shown() {
    let world = World::new().await;
    let admin = admin(&world);
    let policy = json!({"rotation_type": "non-rotating", "expiration_type": "expiring", "token_lifetime": 60,
        "infinite_idle_token_lifetime": true});
    world.client(WEB.0, json!({"refresh_token": policy})).await;
    sign_in(&world.web(), PHONE, json!({})).await;
    let native = sign_in(&world.anon(), PHONE, json!({})).await;
    let all = of(&world, PHONE).await;
    assert_eq!(all.len(), 2);
    world.clock.advance(60_000);
    let left = of(&world, PHONE).await;
    assert_eq!((left.len(), &left[0]["client_id"]), (1, &json!(NATIVE)));
    let id = left[0]["id"].as_str().unwrap();
    world.delete_user(PHONE).await;
    assert_eq!(admin.get(&format!("/api/v2/refresh-tokens/{id}")).await.status, 404);
    assert_eq!(admin.delete(&format!("/api/v2/refresh-tokens/{id}")).await.status, 404);
    assert_eq!(good(&admin.get("/api/v2/device-credentials").await, 200), json!([]));
    assert_eq!(good(&admin.get("/api/v2/grants").await, 200), json!([]));
    assert!(!lives(&world.anon(), &native).await);
    drop(world.logs().await);
}
