//! One-time codes: what spends them, what kills them, who may not use them (C431-C443, C471-C483).

use std::collections::HashMap;

use expect_test::expect;
use serde_json::json;

use crate::world::{API, NATIVE, PHONE, World, join_all};

const WRONG: &str = "Wrong phone number or verification code.";
const EXHAUSTED: &str = "You've reached the maximum number of attempts. Please try to login again.";
const EXPIRED: &str = "The verification code has expired. Please try to login again.";
const OTHER: &str = "+4915112345679";

/// A code that is surely not this one.
fn another(code: &str) -> String {
    let first = if code.starts_with('0') { '1' } else { '0' };
    format!("{first}{}", &code[1..])
}

/// What an exchange came to: `200`, or status and sentence.
async fn try_code(world: &World, phone: &str, code: &str) -> String {
    let answer = world.anon().redeem(phone, code, json!({})).await;
    let kinds = world.logs().await.kinds();
    if answer.status == 200 {
        assert!(kinds == ["s"] || kinds == ["ss", "s"], "{kinds:?}");
        return "200".to_owned();
    }
    assert_eq!(kinds, ["fepotpft"]);
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "invalid_grant"));
    answer.text("error_description")
}

#[tokio::test]
async fn the_first_right_code_makes_the_user_and_the_second_finds_it() {
    let world = World::new().await;
    let first = world.anon().code(PHONE).await;
    assert!(world.user(PHONE).await.is_none());
    let answer = world.anon().redeem(PHONE, &first, json!({})).await;
    answer.is(expect![[r#"
        200 OK
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "access_token": "81VMdtqPKV17S__l5TI4I7AgIv0voR5c",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "ss",
          "description": "Success Signup",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad910b33902a66fc",
          "user_name": "+4915112345678",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "details": {
            "body": {
              "connection": "sms",
              "phone_number": "+4915112345678",
              "tenant": "tenant",
              "user_metadata": {}
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "s",
          "description": "Success Login",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad910b33902a66fc",
          "user_name": "+4915112345678",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "details": {
            "prompts": [],
            "stats": {
              "loginsCount": 1
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let made = world.user(PHONE).await.expect("a user");
    assert_eq!((made.logins_count, made.last_ip.as_deref()), (1, Some("203.0.113.7")));
    world.clock.advance(60_000);
    world.anon().at("192.0.2.1").sign_in(PHONE, json!({})).await;
    let found = world.user(PHONE).await.expect("a user");
    assert_eq!(found.user_id, made.user_id);
    assert_eq!((found.logins_count, found.last_ip.as_deref()), (2, Some("192.0.2.1")));
    assert_eq!(found.last_login, Some(world.clock.now()));
    expect![[r#"
        {
          "user_id": "sms|695735a5ad910b33902a66fc",
          "phone_number": "+4915112345678",
          "phone_verified": true,
          "name": "+4915112345678",
          "nickname": "",
          "picture": "https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp",
          "identities": [
            {
              "connection": "sms",
              "provider": "sms",
              "user_id": "695735a5ad910b33902a66fc",
              "isSocial": false
            }
          ],
          "created_at": "2026-01-02T03:04:05.678Z",
          "updated_at": "2026-01-02T03:05:05.678Z",
          "last_login": "2026-01-02T03:05:05.678Z",
          "last_ip": "192.0.2.1",
          "logins_count": 2
        }
    "#]]
    .assert_eq(&format!("{:#}\n", serde_json::Value::Object(found.view())));
}

#[tokio::test]
async fn a_user_of_the_management_api_is_found_and_verified() {
    let world = World::new().await;
    let id = world.new_user(PHONE).await;
    assert_eq!(world.user(PHONE).await.expect("a user").phone_verified, Some(false));
    world.sms(json!({"disable_signup": true})).await;
    world.anon().sign_in(PHONE, json!({})).await;
    let user = world.user(PHONE).await.expect("a user");
    assert_eq!((user.user_id, user.phone_verified), (id, Some(true)));
}

#[tokio::test]
async fn a_code_works_once() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    assert_eq!(try_code(&world, PHONE, &code).await, "200");
    assert_eq!(try_code(&world, PHONE, &code).await, WRONG);
    assert_eq!(try_code(&world, PHONE, &code).await, WRONG);
}

#[tokio::test]
async fn only_the_newest_code_works() {
    let world = World::new().await;
    let older = world.anon().code(PHONE).await;
    let newer = world.anon().code(PHONE).await;
    assert_ne!(older, newer);
    assert_eq!(try_code(&world, PHONE, &older).await, WRONG);
    assert_eq!(try_code(&world, PHONE, &newer).await, "200");
}

#[tokio::test]
async fn two_wrong_tries_are_forgiven_and_three_are_not() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    let wrong = another(&code);
    assert_eq!(try_code(&world, PHONE, &wrong).await, WRONG);
    assert_eq!(try_code(&world, PHONE, &wrong).await, WRONG);
    assert_eq!(try_code(&world, PHONE, &code).await, "200");

    let code = world.anon().code(PHONE).await;
    let wrong = another(&code);
    for expected in [WRONG, WRONG, EXHAUSTED, EXHAUSTED] {
        assert_eq!(try_code(&world, PHONE, &wrong).await, expected);
    }
    assert_eq!(try_code(&world, PHONE, &code).await, EXHAUSTED);
    // A new start is a new code with a fresh count.
    let code = world.anon().code(PHONE).await;
    assert_eq!(try_code(&world, PHONE, &another(&code)).await, WRONG);
    assert_eq!(try_code(&world, PHONE, &code).await, "200");
}

#[tokio::test]
async fn a_code_lives_300_seconds_on_a_fresh_tenant() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    world.clock.advance(299_999);
    assert_eq!(try_code(&world, PHONE, &another(&code)).await, WRONG);
    world.clock.advance(1);
    assert_eq!(try_code(&world, PHONE, &another(&code)).await, EXPIRED);
    assert_eq!(try_code(&world, PHONE, &code).await, EXPIRED);
}

#[tokio::test]
async fn blanks_around_a_code_are_trimmed_and_nothing_else() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    let spread = format!("{} {}", &code[..3], &code[3..]);
    assert_eq!(try_code(&world, PHONE, &spread).await, WRONG);
    assert_eq!(try_code(&world, PHONE, &format!(" {code}\t\n")).await, "200");
    let code = world.anon().code(PHONE).await;
    assert_eq!(try_code(&world, &format!(" {PHONE} "), &code).await, "200");
    for odd in ["１２３４５６", "0x1234", "-12345", "12345\u{0}", &"9".repeat(60_000)] {
        world.anon().code(PHONE).await;
        assert_eq!(try_code(&world, PHONE, odd).await, WRONG);
    }
}

#[tokio::test]
async fn a_code_is_bound_to_its_number_and_its_connection() {
    let world = World::new().await;
    let options = json!({"provider": "sms_gateway", "gateway_url": world.gateway.url()});
    let phones = json!({"name": "phones", "strategy": "sms", "options": options, "enabled_clients": [NATIVE]});
    world.new_connection(phones).await;
    let (mine, theirs) = (world.anon().code(PHONE).await, world.anon().code(OTHER).await);
    assert_ne!(mine, theirs);
    assert_eq!(try_code(&world, PHONE, &theirs).await, WRONG);
    assert_eq!(try_code(&world, "+4915112345670", &mine).await, WRONG);
    let elsewhere = world.anon().redeem(PHONE, &mine, json!({"realm": "phones"})).await;
    assert_eq!(elsewhere.text("error_description"), WRONG);
    assert_eq!(world.logs().await.kinds(), ["fepotpft"]);
    assert_eq!(try_code(&world, PHONE, &mine).await, "200");
    assert_eq!(try_code(&world, OTHER, &theirs).await, "200");
}

#[tokio::test]
async fn a_number_that_is_none_is_a_wrong_number() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    let long = format!("+{}", world.rng.base62(20_000));
    for odd in ["x", "+49 151 12345678", "4915112345678", "a@b.example", "+4915112345678\u{0}", "' OR 1=1 --", &long] {
        assert_eq!(try_code(&world, odd, &code).await, WRONG, "{odd:?}");
    }
    assert_eq!(try_code(&world, PHONE, &code).await, "200");
}

#[tokio::test]
async fn sign_up_may_be_switched_off_while_a_code_is_on_its_way() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    world.sms(json!({"disable_signup": true})).await;
    world.anon().redeem(PHONE, &code, json!({})).await.is(expect![[r#"
        403 Forbidden
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "access_denied",
          "error_description": "Public signup is disabled"
        }
    "#]]);
    assert!(world.user(PHONE).await.is_none());
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "fepotpft",
          "description": "Public signup is disabled",
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
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "fs",
          "description": "Public signup is disabled",
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
          "details": {
            "grant_type": "passwordless",
            "phone_number": "+4915112345678"
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}

#[tokio::test]
async fn a_blocked_user_is_told_so_and_keeps_the_code() {
    let world = World::new().await;
    world.anon().sign_in(PHONE, json!({})).await;
    let code = world.anon().code(PHONE).await;
    world.block(PHONE, true).await;
    world.anon().redeem(PHONE, &code, json!({})).await.is(expect![[r#"
        401 Unauthorized
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "unauthorized",
          "error_description": "user is blocked"
        }
    "#]]);
    assert_eq!(world.logs().await.lines(), ["fepotpft: user is blocked"]);
    world.block(PHONE, false).await;
    assert_eq!(try_code(&world, PHONE, &code).await, "200");
}

#[tokio::test]
async fn a_refused_audience_does_not_spend_the_code() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    let answer = world.anon().redeem(PHONE, &code, json!({"audience": "https://nowhere.example/"})).await;
    assert_eq!(answer.text("error_description"), "Service not found: https://nowhere.example/");
    assert_eq!(world.logs().await.lines(), ["fepotpft: Service not found: https://nowhere.example/"]);
    let answer = world.anon().redeem(PHONE, &code, json!({"audience": API})).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
}

#[tokio::test]
async fn of_fifty_exchanges_at_once_one_succeeds() {
    let world = World::new().await;
    world.sms(json!({"brute_force_protection": false})).await;
    let code = world.anon().code(PHONE).await;
    let anon = world.anon();
    let tries = (0..50).map(|_| Box::pin(anon.redeem(PHONE, &code, json!({"scope": "offline_access"}))));
    let mut seen: HashMap<String, u32> = HashMap::new();
    for answer in join_all(tries).await {
        *seen.entry(format!("{} {}", answer.status.as_u16(), answer.text("error_description"))).or_default() += 1;
    }
    assert_eq!(seen, HashMap::from([("200 ".to_owned(), 1), (format!("403 {WRONG}"), 49)]));
    let mut kinds = world.logs().await.kinds();
    kinds.retain(|kind| kind != "fepotpft");
    assert_eq!(kinds, ["ss", "s"]);
    assert_eq!(world.user(PHONE).await.expect("a user").logins_count, 1);
}

#[tokio::test]
async fn of_fifty_wrong_tries_at_once_two_are_merely_wrong() {
    let world = World::new().await;
    world.sms(json!({"brute_force_protection": false})).await;
    let code = world.anon().code(PHONE).await;
    let (anon, wrong) = (world.anon(), another(&code));
    let tries = (0..50).map(|_| Box::pin(anon.redeem(PHONE, &wrong, json!({}))));
    let answers = join_all(tries).await;
    let merely = answers.iter().filter(|answer| answer.text("error_description") == WRONG).count();
    let dead = answers.iter().filter(|answer| answer.text("error_description") == EXHAUSTED).count();
    assert_eq!((merely, dead), (2, 48));
    assert_eq!(world.logs().await.kinds(), ["fepotpft"; 50]);
    assert_eq!(try_code(&world, PHONE, &code).await, EXHAUSTED);
}
