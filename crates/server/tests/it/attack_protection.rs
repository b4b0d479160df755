//! Attack protection at work: what its settings change for those who sign in (`docs/COMPATIBILITY.md` C1250-C1256).

use expect_test::expect;
use ringpass::config::Limits;
use serde_json::{Value, json};

use crate::world::{Answer, NATIVE, Options, PEER, PHONE, World};

const OTHER: &str = "+4915112345679";
const ELSEWHERE: &str = "192.0.2.1";
const BRUTE_FORCE: &str = "brute-force-protection";
const SUSPICIOUS: &str = "suspicious-ip-throttling";

/// A wrong try from an address.
async fn wrong(world: &World, ip: &str, phone: &str) -> Answer {
    world.anon().at(ip).redeem(phone, "x", json!({})).await
}

async fn settings(world: &World, name: &str, patch: Value) {
    let admin = world.api("update:attack_protection");
    let answer = admin.patch(&format!("/api/v2/attack-protection/{name}"), patch).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
}

#[tokio::test]
async fn the_number_of_failures_that_blocks_is_a_setting() {
    let world = World::new().await;
    settings(&world, BRUTE_FORCE, json!({"max_attempts": 2})).await;
    assert_eq!(wrong(&world, PEER, PHONE).await.status, 403);
    assert_eq!(world.logs().await.kinds(), ["fepotpft"]);
    assert_eq!(wrong(&world, PEER, PHONE).await.status, 403);
    let logs = world.logs().await.lines();
    assert_eq!(logs[1], "limit_wc: 2 failed logins at one number");
    assert_eq!(wrong(&world, PEER, PHONE).await.status, 429);
    // A higher number opens the door again at once.
    world.logs().await;
    settings(&world, BRUTE_FORCE, json!({"max_attempts": 3})).await;
    world.anon().sign_in(PHONE, json!({})).await;
}

#[tokio::test]
async fn an_identifier_can_be_locked_for_every_address() {
    let world = World::new().await;
    settings(
        &world,
        BRUTE_FORCE,
        json!({"max_attempts": 3, "mode": "count_per_identifier", "allowlist": ["192.0.2.9"]}),
    )
    .await;
    for ip in [PEER, ELSEWHERE, "2001:db8::1"] {
        assert_eq!(wrong(&world, ip, PHONE).await.status, 403);
    }
    assert_eq!(world.logs().await.kinds(), ["fepotpft", "fepotpft", "fepotpft", "limit_wc"]);
    let start = world.anon().at("198.51.100.7").start(PHONE).await;
    assert_eq!((start.status.as_u16(), start.text("error").as_str()), (429, "too_many_attempts"));
    assert_eq!(world.logs().await.lines(), ["f: too many failed logins at this number"]);
    // An address on the list is neither counted nor blocked, and another number is free.
    world.anon().at("192.0.2.9").sign_in(PHONE, json!({})).await;
    world.anon().sign_in(OTHER, json!({})).await;
}

#[tokio::test]
async fn brute_force_protection_blocks_nobody_when_switched_off_listed_or_without_its_shield() {
    for patch in
        [json!({"enabled": false}), json!({"shields": ["user_notification"]}), json!({"allowlist": ["203.0.113.0/24"]})]
    {
        let world = World::new().await;
        settings(&world, BRUTE_FORCE, patch.clone()).await;
        for _ in 0..12 {
            assert_eq!(wrong(&world, PEER, PHONE).await.status, 403, "{patch}");
        }
        assert_eq!(world.logs().await.kinds(), ["fepotpft"; 12]);
        world.anon().sign_in(PHONE, json!({})).await;
    }
}

#[tokio::test]
async fn an_address_that_fails_too_often_waits_whatever_number_it_tries() {
    let world = World::new().await;
    settings(&world, SUSPICIOUS, json!({"stage": {"pre-login": {"max_attempts": 3, "rate": 60_000}}})).await;
    let code = world.anon().code(PHONE).await;
    for phone in ["+4915112345670", "+4915112345671", "+4915112345672"] {
        assert_eq!(wrong(&world, PEER, phone).await.status, 403);
    }
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["fepotpft", "fepotpft", "fepotpft", "limit_mu"]);
    assert_eq!(logs.lines()[3], "limit_mu: 3 failed logins from one address");
    // Not even the right code helps, and it is not spent.
    world.anon().redeem(PHONE, &code, json!({})).await.is(expect![[r#"
        429 Too Many Requests
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "too_many_attempts",
          "error_description": "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator."
        }
    "#]]);
    let start = world.anon().start(OTHER).await;
    assert_eq!((start.status.as_u16(), start.text("error").as_str()), (429, "too_many_attempts"));
    assert_eq!(world.logs().await.kinds(), ["fepotpft", "f"]);
    // Another node knows, another address is free, and a minute grants one more try.
    let twin = world.twin().await;
    let there = twin.nobody().member("client_id", NATIVE).redeem(PHONE, &code, json!({})).await;
    assert_eq!(there.status, 429);
    world.logs().await;
    world.anon().at(ELSEWHERE).sign_in(OTHER, json!({})).await;
    world.clock.advance(60_000);
    assert_eq!(world.anon().redeem(PHONE, &code, json!({})).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
}

#[tokio::test]
async fn malformed_tries_and_blocked_ones_do_not_count_against_the_address() {
    let world = World::new().await;
    settings(&world, SUSPICIOUS, json!({"stage": {"pre-login": {"max_attempts": 3}}})).await;
    settings(&world, BRUTE_FORCE, json!({"max_attempts": 1})).await;
    for _ in 0..5 {
        world.anon().redeem("no number", "000000", json!({})).await;
        world.anon().redeem(PHONE, "000000", json!({})).await;
    }
    world.logs().await;
    world.anon().sign_in(OTHER, json!({})).await;
}

#[tokio::test]
async fn an_address_signs_up_so_many_users_and_then_waits() {
    let world = World::new().await;
    settings(&world, SUSPICIOUS, json!({"stage": {"pre-user-registration": {"max_attempts": 1, "rate": 1_000}}})).await;
    world.anon().sign_in(PHONE, json!({})).await;
    // A wrong code is told as ever: the answer does not say who has an account.
    let code = world.anon().code(OTHER).await;
    assert_eq!(wrong(&world, PEER, OTHER).await.status, 403);
    let refused = world.anon().redeem(OTHER, &code, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.text("error").as_str()), (429, "too_many_attempts"));
    assert!(world.user(OTHER).await.is_none());
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["fepotpft", "fepotpft", "limit_mu"]);
    assert_eq!(logs.lines()[2], "limit_mu: 1 users signed up from one address");
    // Who has an account signs in.
    world.anon().sign_in(PHONE, json!({})).await;
    world.clock.advance(1_000);
    world.anon().sign_in(OTHER, json!({})).await;
}

#[tokio::test]
async fn throttling_is_lifted_with_the_limits_by_its_switch_and_for_listed_addresses() {
    let stage = json!({"pre-login": {"max_attempts": 1}});
    for (limits, patch) in [
        (false, json!({"stage": stage})),
        (true, json!({"stage": stage, "enabled": false})),
        (true, json!({"stage": stage, "shields": ["admin_notification"]})),
        (true, json!({"stage": stage, "allowlist": [PEER]})),
    ] {
        let limits = Limits { documented: limits, ..Limits::default() };
        let world = World::with(Options { limits, ..Options::default() }).await;
        settings(&world, SUSPICIOUS, patch.clone()).await;
        for phone in ["+4915112345670", "+4915112345671", "+4915112345672"] {
            assert_eq!(wrong(&world, PEER, phone).await.status, 403, "{patch}");
        }
        assert_eq!(world.logs().await.kinds(), ["fepotpft"; 3]);
        let blocked = world.api("read:anomaly_blocks").get(&format!("/api/v2/anomaly/blocks/ips/{PEER}")).await;
        assert_eq!(blocked.status, 404);
    }
}
