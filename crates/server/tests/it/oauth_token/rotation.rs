//! Refresh tokens that rotate (C1060-C1067).

use std::sync::Arc;

use expect_test::expect;
use ringpass::flows::issue::token_hash;
use ringpass_core::kit::clock::MINUTE;
use ringpass_core::model::refresh_token;
use ringpass_core::storage::refresh_tokens;
use serde_json::{Value, json};

use crate::world::{API, Answer, Caller, NATIVE, PHONE, WEB, World};

const UNKNOWN: &str = r#"403 {"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"#;

/// A world whose native client rotates, with so many seconds of leeway.
async fn rotating(leeway: i64) -> World {
    let world = World::new().await;
    world.client(NATIVE, policy(leeway, &json!({}))).await;
    world
}

fn policy(leeway: i64, more: &Value) -> Value {
    let mut policy = json!({"rotation_type": "rotating", "expiration_type": "expiring", "leeway": leeway,
        "token_lifetime": 1_000, "idle_token_lifetime": 400});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"refresh_token": policy})
}

async fn first(caller: &Caller<'_>) -> String {
    caller
        .sign_in(PHONE, json!({"audience": API, "scope": "openid offline_access read:messages"}))
        .await
        .text("refresh_token")
}

async fn exchange(caller: &Caller<'_>, token: &str, more: Value) -> Answer {
    let mut body = json!({"grant_type": "refresh_token", "refresh_token": token});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.post("/oauth/token", body).await
}

/// The successor that a good exchange gives.
#[track_caller]
fn successor(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer}");
    let token = answer.text("refresh_token");
    assert!(token.starts_with("v1.") && token.len() == 92, "{answer}");
    token
}

async fn next(caller: &Caller<'_>, token: &str) -> String {
    successor(&exchange(caller, token, json!({})).await)
}

/// How many families there are.
async fn families(world: &World) -> i64 {
    let now = world.clock.now();
    let count =
        world.app.db.read("test.count", move |tx| refresh_tokens::count(tx, &refresh_tokens::Filter::default(), now));
    count.await.unwrap()
}

#[tokio::test]
async fn each_exchange_gives_a_successor_and_spends_what_was_presented() {
    let world = rotating(0).await;
    let anon = world.anon();
    let mut tokens = vec![first(&anon).await];
    for _ in 0..3 {
        let answer = exchange(&anon, &tokens[tokens.len() - 1], json!({})).await;
        assert_eq!(answer.text("scope"), "openid offline_access read:messages");
        tokens.push(successor(&answer));
    }
    assert_eq!(world.logs().await.kinds(), ["sertft"; 3]);
    // The first one again, long spent: the newest dies with it.
    assert_eq!(exchange(&anon, &tokens[0], json!({})).await.line(), UNKNOWN);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "ferrt",
          "description": "Unsuccessful Refresh Token exchange, reused refresh token detected",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad91592eedd612dd",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    for token in &tokens {
        assert_eq!(exchange(&anon, token, json!({})).await.line(), UNKNOWN);
    }
    assert_eq!(world.logs().await.lines(), ["fertft: Unknown or invalid refresh token."; 4]);
    assert_eq!(families(&world).await, 0);
}

#[tokio::test]
async fn within_the_leeway_the_token_before_gives_the_same_successor_again() {
    let world = rotating(10).await;
    let anon = world.anon();
    let zero = first(&anon).await;
    let one = next(&anon, &zero).await;
    world.clock.advance(9_999);
    let again = exchange(&anon, &zero, json!({})).await;
    assert_eq!(successor(&again), one);
    assert_eq!(again.text("scope"), "openid offline_access read:messages");
    let two = next(&anon, &one).await;
    assert_eq!(world.logs().await.kinds(), ["sertft"; 3]);
    // Only the one before the current.
    assert_eq!(exchange(&anon, &zero, json!({})).await.line(), UNKNOWN);
    assert_eq!(exchange(&anon, &two, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["ferrt", "fertft"]);
}

#[tokio::test]
async fn after_the_leeway_the_token_before_is_reuse() {
    let world = rotating(10).await;
    let anon = world.anon();
    let zero = first(&anon).await;
    let one = next(&anon, &zero).await;
    // A repetition does not make the leeway longer.
    world.clock.advance(9_000);
    next(&anon, &zero).await;
    world.clock.advance(1_000);
    assert_eq!(exchange(&anon, &zero, json!({})).await.line(), UNKNOWN);
    assert_eq!(exchange(&anon, &one, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["sertft", "sertft", "ferrt", "fertft"]);
}

/// Presents one token so many times at once; the answers.
async fn at_once(world: &Arc<World>, token: &str, times: usize) -> Vec<Answer> {
    let callers: Vec<_> = (0..times)
        .map(|_| {
            let (world, token) = (Arc::clone(world), token.to_owned());
            tokio::spawn(async move { exchange(&world.anon(), &token, json!({})).await })
        })
        .collect();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_one_gets_a_successor_and_the_next_revokes_it() {
    let world = Arc::new(rotating(0).await);
    let zero = first(&world.anon()).await;
    let answers = at_once(&world, &zero, 50).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), bad.len()), (1, 49));
    assert!(bad.iter().all(|answer| answer.line() == UNKNOWN));
    assert_eq!(exchange(&world.anon(), &successor(&good[0]), json!({})).await.line(), UNKNOWN);
    let mut kinds = world.logs().await.kinds();
    kinds.sort_unstable();
    assert_eq!(kinds.iter().filter(|kind| *kind == "fertft").count(), 49);
    assert_eq!((&kinds[0], &kinds[50]), (&"ferrt".to_owned(), &"sertft".to_owned()));
    assert_eq!(families(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_within_the_leeway_all_get_the_one_successor() {
    let world = Arc::new(rotating(60).await);
    let zero = first(&world.anon()).await;
    let answers = at_once(&world, &zero, 50).await;
    let one = successor(&answers[0]);
    assert!(answers.iter().all(|answer| successor(answer) == one));
    // And so on from the successor, which is the only token of the family that was handed out.
    let answers = at_once(&world, &one, 50).await;
    let two = successor(&answers[0]);
    assert!(two != one && answers.iter().all(|answer| successor(answer) == two));
    assert_eq!(world.logs().await.kinds(), ["sertft"; 100]);
    assert_eq!(families(&world).await, 1);
}

#[tokio::test]
async fn an_exchange_waits_for_postgresql_three_times_at_most() {
    let world = rotating(0).await;
    let mut token = first(&world.anon()).await;
    let mut cheapest = u64::MAX;
    for _ in 0..6 {
        // The first exchanges on each connection prepare their statements.
        let before = world.app.db.round_trips();
        token = next(&world.anon(), &token).await;
        cheapest = cheapest.min(world.app.db.round_trips() - before);
    }
    assert!(cheapest <= 3, "{cheapest} round trips");
    assert_eq!(world.logs().await.kinds(), ["sertft"; 6]);
}

#[tokio::test]
async fn a_forged_token_revokes_nothing_and_a_stolen_old_one_everything() {
    let world = rotating(0).await;
    world.client(WEB.0, policy(0, &json!({}))).await;
    let (anon, other) = (world.anon(), first(&world.web()).await);
    let zero = first(&anon).await;
    let one = next(&anon, &zero).await;
    let family = refresh_token::family(&world.app.hash_key, &one).unwrap().to_owned();
    let secret = "A".repeat(43);
    let forged = [
        format!("v1.{family}{secret}"),
        format!("v1.{family}{secret}{}", "A".repeat(22)),
        // A tag of another token of the same family, and of another family.
        format!("v1.{family}{secret}{}", &zero[zero.len() - 22..]),
        format!("v1.{family}{}", &other[other.len() - 65..]),
        format!("{}{}", &one[..one.len() - 1], if one.ends_with('A') { 'B' } else { 'A' }),
        one.to_uppercase(),
        format!("{one} "),
        family.clone(),
    ];
    for token in &forged {
        assert_eq!(exchange(&anon, token, json!({})).await.line(), UNKNOWN, "{token}");
    }
    // Genuine, but in another client's hands: neither good there nor proof of anything.
    for token in [&zero, &one] {
        assert_eq!(exchange(&world.web(), token, json!({})).await.line(), UNKNOWN);
    }
    let two = next(&anon, &one).await;
    let mut kinds = world.logs().await.kinds();
    kinds.dedup();
    assert_eq!(kinds, ["sertft", "fertft", "sertft"]);
    assert_eq!(exchange(&anon, &zero, json!({})).await.line(), UNKNOWN);
    assert_eq!(exchange(&anon, &two, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["ferrt", "fertft"]);
    // The other family has nothing to do with it.
    next(&world.web(), &other).await;
    assert_eq!(world.logs().await.kinds(), ["sertft"]);
}

#[tokio::test]
async fn a_refused_exchange_spends_nothing() {
    let world = rotating(0).await;
    let anon = world.anon();
    let zero = first(&anon).await;
    assert_eq!(exchange(&anon, &zero, json!({"scope": "admin"})).await.status, 400);
    world.block(PHONE, true).await;
    assert_eq!(exchange(&anon, &zero, json!({})).await.status, 401);
    world.block(PHONE, false).await;
    let narrow = exchange(&anon, &zero, json!({"scope": "read:messages"})).await;
    assert_eq!(narrow.text("scope"), "read:messages");
    // What was narrowed for one answer is whole again at the next.
    let whole = exchange(&anon, &successor(&narrow), json!({})).await;
    assert_eq!(whole.text("scope"), "openid offline_access read:messages");
    assert_eq!(world.logs().await.kinds(), ["fertft", "fertft", "sertft", "sertft"]);
}

#[tokio::test]
async fn rotation_puts_off_the_idle_end_and_never_the_absolute_one() {
    let world = rotating(0).await;
    let anon = world.anon();
    let mut token = first(&anon).await;
    for seconds in [399, 399, 201] {
        world.clock.advance(seconds * 1_000);
        token = next(&anon, &token).await;
    }
    world.clock.advance(1_000);
    assert_eq!(exchange(&anon, &token, json!({})).await.line(), UNKNOWN);
    // A spent token of a family that has ended is not worth a warning.
    assert_eq!(world.logs().await.kinds(), ["sertft", "sertft", "sertft", "fertft"]);
    let token = first(&anon).await;
    world.clock.advance(400_000);
    assert_eq!(exchange(&anon, &token, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["fertft"]);
    world
        .client(NATIVE, policy(0, &json!({"infinite_token_lifetime": true, "infinite_idle_token_lifetime": true})))
        .await;
    let token = first(&anon).await;
    world.clock.advance(100 * 365 * 86_400_000);
    next(&anon, &token).await;
    assert_eq!(world.logs().await.kinds(), ["sertft"]);
}

#[tokio::test]
async fn tokens_follow_their_client_into_rotation_and_out_of_it() {
    let world = World::new().await;
    let anon = world.anon();
    let zero = first(&anon).await;
    let still = exchange(&anon, &zero, json!({})).await;
    assert_eq!((still.status.as_u16(), still.json().get("refresh_token")), (200, None));
    world.client(NATIVE, policy(0, &json!({}))).await;
    let one = next(&anon, &zero).await;
    world.client(NATIVE, json!({"refresh_token": null})).await;
    for _ in 0..2 {
        let out = exchange(&anon, &one, json!({})).await;
        assert_eq!((out.status.as_u16(), out.json().get("refresh_token")), (200, None));
    }
    // What was spent stays spent.
    assert_eq!(exchange(&anon, &zero, json!({})).await.line(), UNKNOWN);
    assert_eq!(exchange(&anon, &one, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["sertft", "sertft", "sertft", "sertft", "ferrt", "fertft"]);
}

#[tokio::test]
async fn the_tokens_of_a_single_page_application_rotate_whatever_its_settings_say() {
    let world = World::new().await;
    world.client(NATIVE, json!({"app_type": "spa"})).await;
    let zero = first(&world.anon()).await;
    next(&world.anon(), &zero).await;
    assert_eq!(world.logs().await.kinds(), ["sertft"]);
}

#[tokio::test]
async fn a_token_from_before_families_is_good_and_rotates_into_one() {
    let world = rotating(30).await;
    let anon = world.anon();
    let made = first(&anon).await;
    let old = format!("v1.{}", "o".repeat(43));
    let (family, hash) =
        (refresh_token::family(&world.app.hash_key, &made).unwrap().to_owned(), token_hash(&world.app, &old));
    let change = move |tx: &mut ringpass_core::storage::Tx<'_>| {
        let mut token = refresh_tokens::get_for_update(tx, &family)?.unwrap();
        token.hash = hash;
        refresh_tokens::put(tx, &token)
    };
    world.app.db.write("test.old", change).await.unwrap();
    let one = next(&anon, &old).await;
    next(&anon, &one).await;
    assert_eq!(exchange(&anon, &old, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["sertft", "sertft", "fertft"]);
}

#[tokio::test]
async fn an_api_that_another_node_made_is_looked_for_and_one_that_is_gone_ends_the_token() {
    let world = World::new().await;
    let (node, identifier) = (world.twin().await, "https://new.example/");
    world.new_api(json!({"identifier": identifier, "name": "New", "allow_offline_access": true})).await;
    let scope = json!({"audience": identifier, "scope": "offline_access"});
    let token = world.anon().sign_in(PHONE, scope.clone()).await.text("refresh_token");
    assert_eq!(exchange(&node.anon(), &token, json!({})).await.status, 200);
    let gone = |tx: &mut ringpass_core::storage::Tx<'_>| {
        let api = ringpass_core::storage::resource_servers::find_by_identifier(tx, "https://new.example/")?.unwrap();
        ringpass_core::storage::resource_servers::delete(tx, &api.id)
    };
    node.app.configure("test.api", gone).await.unwrap();
    assert_eq!(exchange(&node.anon(), &token, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["sertft", "fertft"]);
    // One that is made anew under its identifier is another one.
    world.clock.advance(2 * MINUTE);
    world.new_api(json!({"identifier": identifier, "name": "Newer", "allow_offline_access": true})).await;
    assert_eq!(exchange(&world.anon(), &token, json!({})).await.line(), UNKNOWN);
    assert_eq!(world.logs().await.kinds(), ["fertft"]);
    let token = world.anon().sign_in(PHONE, scope).await.text("refresh_token");
    assert_eq!(exchange(&world.anon(), &token, json!({})).await.status, 200);
    drop(world.logs().await);
}
