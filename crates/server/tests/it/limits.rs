//! The bucket of starts and brute-force protection (`docs/COMPATIBILITY.md` C112-C114, C116, C246, C247, C551-C558).

use expect_test::expect;
use ringpass::config::Limits;
use serde_json::{Value, json};

use crate::world::{Answer, Caller, Lines as _, NATIVE, Options, PEER, PHONE, WEB, World};

const START: &str = "/passwordless/start";
const OTHER: &str = "+4915112345679";

/// A world with a small bucket, for what is not about its size.
async fn small(burst: u32) -> World {
    World::with(Options { limits: Limits { start_burst: burst, ..Limits::default() }, ..Options::default() }).await
}

/// Limit, tokens left, and seconds until the reset.
fn window(world: &World, answer: &Answer) -> (i64, i64, i64) {
    let number = |name: &str| answer.header(name).parse::<i64>().unwrap();
    let reset = number("x-ratelimit-reset") - world.clock.now().div_euclid(1_000);
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), reset)
}

/// Takes everything that arrived and was logged; the types of the events.
async fn clear(world: &World) -> Vec<String> {
    world.gateway.take();
    world.logs().await.kinds()
}

#[tokio::test]
async fn the_51st_start_in_an_hour_waits() {
    let world = World::new().await;
    for left in (0..50).rev() {
        let answer = world.anon().start(PHONE).await;
        assert_eq!(answer.status, 200, "{answer}");
        // The reset is when the bucket is full again; once it is empty, when the next start may be made.
        let full = (50 - left) * 72 + 1;
        assert_eq!(window(&world, &answer), (50, left, if left > 0 { full } else { 73 }));
    }
    assert_eq!(clear(&world).await, ["cs"; 50]);
    world.anon().start(PHONE).await.is(expect![[r#"
        429 Too Many Requests
        content-type: application/json; charset=utf-8
        retry-after: 72
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 0
        x-ratelimit-reset: 1767323118

        {
          "error": "too_many_requests",
          "error_description": "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."
        }
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "api_limit",
          "description": "You passed the limit of allowed calls to '/passwordless/start'",
          "client_id": "",
          "client_name": "",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "details": {
            "limit": {
              "bucket": "start|203.0.113.7",
              "global": false,
              "size": 50
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    // Another number does not help, another address does.
    assert_eq!(world.anon().start(OTHER).await.status, 429);
    assert_eq!(world.anon().at("203.0.113.8").start(PHONE).await.status, 200);
    assert_eq!(clear(&world).await, ["cs"]);
    world.clock.advance(71_999);
    assert_eq!(world.anon().start(PHONE).await.header("retry-after"), "1");
    world.clock.advance(1);
    assert_eq!(world.anon().start(PHONE).await.status, 200);
    assert_eq!(world.anon().start(PHONE).await.status, 429);
    // One event a minute tells of it.
    assert_eq!(clear(&world).await, ["api_limit", "cs"]);
    world.clock.advance(3_600_000);
    let fresh = world.anon().start(PHONE).await;
    assert_eq!(window(&world, &fresh), (50, 49, 73));
    clear(&world).await;
}

#[tokio::test]
async fn every_start_is_charged_whatever_became_of_it() {
    let world = small(8).await;
    world.gateway.reply(ringpass_simulator::Reply::Status(500));
    let wrong = json!({"client_id": WEB.0, "client_secret": "wrong", "connection": "sms", "phone_number": PHONE});
    let nobody = world.nobody();
    let answers = [
        world.anon().start(PHONE).await,
        world.anon().start("nonsense").await,
        nobody.raw(START, "application/json", "{").await,
        nobody.raw(START, "text/plain", "x").await,
        nobody.post(START, wrong).await,
        world.anon().post(START, json!({"foo": 1})).await,
    ];
    for (answer, left) in answers.iter().zip((2..8).rev()) {
        assert_eq!(window(&world, answer).1, left, "{answer}");
    }
    world.sms(json!({"disable_signup": true})).await;
    let refused = world.anon().start(PHONE).await;
    assert_eq!((refused.status.as_u16(), window(&world, &refused).1), (400, 1));
    world.new_user(PHONE).await;
    world.block(PHONE, true).await;
    let silent = world.anon().start(PHONE).await;
    assert_eq!((silent.status.as_u16(), window(&world, &silent).1), (200, 0));
    assert_eq!(clear(&world).await, ["f"; 8]);
    assert_eq!(world.anon().start(PHONE).await.status, 429);
    assert_eq!(clear(&world).await, ["api_limit"]);
}

#[tokio::test]
async fn an_empty_bucket_is_told_before_any_other_fault() {
    let world = small(1).await;
    world.anon().start(PHONE).await;
    let nobody = world.nobody();
    let answers = [
        nobody.raw(START, "application/json", "{").await,
        nobody.post(START, json!({})).await,
        nobody.post(START, json!({"client_id": NATIVE, "connection": "sms", "phone_number": PHONE})).await,
        // A header that nobody believes does not lead around the bucket.
        nobody.clone().header("auth0-forwarded-for", "192.0.2.1").post(START, json!({})).await,
        nobody.clone().header("auth0-forwarded-for", "192.0.2.1").raw(START, "application/json", "{").await,
        world.anon().header("auth0-forwarded-for", "192.0.2.1").start(PHONE).await,
    ];
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (429, "too_many_requests"));
    }
    assert_eq!(clear(&world).await, ["cs", "api_limit"]);
}

#[tokio::test]
async fn without_limits_nobody_waits() {
    let limits = Limits { documented: false, start_burst: 1, ..Limits::default() };
    let world = World::with(Options { limits, ..Options::default() }).await;
    for _ in 0..60 {
        let answer = world.anon().start(PHONE).await;
        assert_eq!((answer.status.as_u16(), window(&world, &answer)), (200, (100, 99, 2)));
    }
    assert_eq!(world.anon().start("nonsense").await.status, 400);
    assert_eq!(clear(&world).await.len(), 61);
}

#[tokio::test]
async fn the_bucket_survives_the_process_memory() {
    let world = small(2).await;
    world.anon().start(PHONE).await;
    world.anon().start(PHONE).await;
    clear(&world).await;
    // Another node has the same database and a memory of its own.
    let other = world.twin().await;
    let refused = other.nobody().member("client_id", NATIVE).start(PHONE).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "72"));
    assert_eq!(clear(&world).await, ["api_limit"]);
}

/// A start by this caller, and the address that it counted for.
async fn counted_for(world: &World, caller: Caller<'_>) -> String {
    let answer = caller.start(PHONE).await;
    assert_eq!(answer.status, 200, "{answer}");
    let told = world.gateway.next().await.json()["req"]["ip"].as_str().unwrap().to_owned();
    let logs = world.logs().await;
    assert_eq!(logs.0[0]["ip"], told.as_str());
    assert_eq!(logs.0[0]["client_ip"], PEER);
    told
}

#[tokio::test]
async fn a_forwarded_address_counts_only_for_a_trusted_client_that_proved_itself() {
    let world = World::new().await;
    world.sms(json!({"forward_req_info": true})).await;
    let header = "auth0-forwarded-for";
    let trusted = json!({"is_token_endpoint_ip_header_trusted": true});
    assert_eq!(counted_for(&world, world.web().header(header, "192.0.2.1")).await, PEER);
    world.client(WEB.0, trusted.clone()).await;
    world.client(NATIVE, trusted).await;
    assert_eq!(counted_for(&world, world.web()).await, PEER);
    assert_eq!(counted_for(&world, world.web().header(header, " 192.0.2.1 ")).await, "192.0.2.1");
    assert_eq!(counted_for(&world, world.web().header(header, "2001:DB8::1")).await, "2001:db8::1");
    assert_eq!(counted_for(&world, world.web().header(header, "::ffff:192.0.2.2")).await, "192.0.2.2");
    assert_eq!(counted_for(&world, world.web().header(header, "192.0.2.1, 192.0.2.2")).await, PEER);
    assert_eq!(counted_for(&world, world.web().header(header, "localhost")).await, PEER);
    // A public client proves nothing, whatever it sends.
    let public = world.anon().member("client_secret", "native-secret-of-the-tests");
    assert_eq!(counted_for(&world, public.header(header, "192.0.2.1")).await, PEER);
    // X-Forwarded-For from a peer that is no trusted proxy.
    assert_eq!(counted_for(&world, world.web().header("x-forwarded-for", "192.0.2.1")).await, PEER);
}

#[tokio::test]
async fn a_trusted_client_spends_its_users_buckets_and_not_its_own() {
    let world = small(1).await;
    world.client(WEB.0, json!({"is_token_endpoint_ip_header_trusted": true})).await;
    for ip in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(world.web().header("auth0-forwarded-for", ip).start(PHONE).await.status, 200);
    }
    clear(&world).await;
    assert_eq!(world.web().header("auth0-forwarded-for", "192.0.2.1").start(PHONE).await.status, 429);
    let logs = world.logs().await;
    assert_eq!((logs.0[0]["ip"].as_str(), logs.0[0]["client_ip"].as_str()), (Some("192.0.2.1"), Some(PEER)));
    // Its own address is untouched.
    assert_eq!(world.web().start(PHONE).await.status, 200);
    clear(&world).await;
}

#[tokio::test]
async fn a_trusted_proxy_names_the_caller_and_nobody_before_it() {
    let world = World::with(Options { trusted_proxies: "203.0.113.0/24", ..Options::default() }).await;
    let mut out = String::new();
    for hops in
        ["192.0.2.1", "198.51.100.9, 192.0.2.1", "198.51.100.9, 192.0.2.1, 203.0.113.5", "192.0.2.1, junk", "junk", ""]
    {
        assert_eq!(world.anon().header("x-forwarded-for", hops).start(PHONE).await.status, 200);
        world.gateway.next().await;
        out.line(format!("{hops:?}: {}", world.logs().await.0[0]["ip"]));
    }
    expect![[r#"
        "192.0.2.1": "192.0.2.1"
        "198.51.100.9, 192.0.2.1": "192.0.2.1"
        "198.51.100.9, 192.0.2.1, 203.0.113.5": "192.0.2.1"
        "192.0.2.1, junk": "203.0.113.7"
        "junk": "203.0.113.7"
        "": "203.0.113.7"
    "#]]
    .assert_eq(&out);
}

/// A wrong try.
async fn wrong(caller: &Caller<'_>, phone: &str) -> Answer {
    caller.redeem(phone, "x", json!({})).await
}

#[tokio::test]
async fn ten_failures_block_the_address_for_the_number() {
    let world = World::new().await;
    world.anon().sign_in(PHONE, json!({})).await;
    for _ in 0..10 {
        assert_eq!(wrong(&world.anon(), PHONE).await.status, 403);
    }
    let logs = world.logs().await;
    assert_eq!(logs.kinds()[..10], ["fepotpft"; 10]);
    assert_eq!(logs.kinds()[10..], ["limit_wc"]);
    expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "limit_wc",
          "description": "10 failed logins at one number",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_name": "+4915112345678",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]
    .assert_eq(&crate::world::Logs(logs.0[10..].to_vec()).to_string());
    wrong(&world.anon(), PHONE).await.is(expect![[r#"
        429 Too Many Requests
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "too_many_attempts",
          "error_description": "Your account has been blocked after multiple consecutive login attempts. We've sent you a notification via your preferred contact method with instructions on how to unblock it."
        }
    "#]]);
    assert_eq!(world.logs().await.kinds(), ["fepotpft"]);
    // No code is sent to that pair any more.
    let start = world.anon().start(PHONE).await;
    assert_eq!((start.status.as_u16(), start.text("error").as_str()), (429, "too_many_attempts"));
    assert_eq!(clear(&world).await, ["f"]);
    // Another address, and another number, are free.
    let code = world.anon().at("203.0.113.8").code(PHONE).await;
    for _ in 0..4 {
        assert_eq!(world.anon().redeem(PHONE, &code, json!({})).await.status, 429);
    }
    assert_eq!(clear(&world).await, ["fepotpft"; 4]);
    // Nor do the tries of who is blocked use up the code.
    assert_eq!(world.anon().at("203.0.113.8").redeem(PHONE, &code, json!({})).await.status, 200);
    assert_eq!(clear(&world).await, ["s"]);
    world.anon().sign_in(OTHER, json!({})).await;
    // The success from elsewhere lifted nothing; thirty days do.
    assert_eq!(world.anon().start(PHONE).await.status, 429);
    clear(&world).await;
    world.clock.advance(30 * 86_400_000);
    world.anon().sign_in(PHONE, json!({})).await;
}

#[tokio::test]
async fn a_right_code_forgets_the_failures() {
    let world = World::new().await;
    for _ in 0..3 {
        for _ in 0..9 {
            assert_eq!(wrong(&world.anon(), PHONE).await.status, 403);
        }
        clear(&world).await;
        world.anon().sign_in(PHONE, json!({})).await;
    }
}

#[tokio::test]
async fn protection_may_be_off_and_malformed_tries_never_count() {
    let world = World::new().await;
    for body in [json!({"username": null}), json!({"realm": "foo"}), json!({"username": "no number"})] {
        for _ in 0..11 {
            let answer = world.anon().redeem(PHONE, "000000", body.clone()).await;
            assert_ne!(answer.status, 429);
        }
    }
    clear(&world).await;
    world.anon().code(PHONE).await;
    world.sms(json!({"brute_force_protection": false})).await;
    for _ in 0..12 {
        assert_eq!(wrong(&world.anon(), PHONE).await.status, 403);
    }
    assert_eq!(clear(&world).await, ["fepotpft"; 12]);
}

#[tokio::test]
async fn limits_off_keeps_brute_force_protection() {
    let limits = Limits { documented: false, ..Limits::default() };
    let world = World::with(Options { limits, ..Options::default() }).await;
    let mut last = Value::Null;
    for _ in 0..11 {
        last = wrong(&world.anon(), PHONE).await.json();
    }
    assert_eq!(last["error"], "too_many_attempts");
    assert_eq!(clear(&world).await.len(), 12);
}
