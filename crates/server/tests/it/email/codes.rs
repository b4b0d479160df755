//! Codes that came by mail: the same rules as for those of text messages.

use expect_test::expect;
use serde_json::json;

use super::{ADA, code, redeem, start, world};
use crate::world::Lines as _;

const WRONG: &str = "Wrong email or verification code.";

#[tokio::test]
async fn the_first_right_code_makes_the_user_and_the_second_finds_it() {
    let (world, server) = world().await;
    let first = code(&world, &server).await;
    let answer = redeem(&world.anon(), "ADA@mail.example", &first).await;
    let token = world.read_token(&answer.text("id_token"), "");
    expect![[r#"
        {
          "name": "ada@mail.example",
          "nickname": "ada",
          "picture": "https://s.gravatar.com/avatar/9fe95a083306ef62d4294f926cf0d6d8?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fad.png",
          "updated_at": "2026-01-02T03:04:05.678Z",
          "email": "ada@mail.example",
          "email_verified": true,
          "iss": "https://tenant.example/",
          "sub": "email|695735a5ad916deb9c94fc5b",
          "aud": "cli_native",
          "iat": 1767323045,
          "exp": 1767359045,
          "sid": "gCsjI6mAsmomlk-8HLgeOvSnbFlnCq9-"
        }"#]].assert_eq(&format!("{:#}", token["claims"]));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "ss",
          "description": "Success Signup",
          "connection": "email",
          "connection_id": "con_M25puGqwehlj1I6i",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "email|695735a5ad916deb9c94fc5b",
          "user_name": "ada@mail.example",
          "strategy": "email",
          "strategy_type": "passwordless",
          "details": {
            "body": {
              "connection": "email",
              "email": "ada@mail.example",
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
          "connection": "email",
          "connection_id": "con_M25puGqwehlj1I6i",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "email|695735a5ad916deb9c94fc5b",
          "user_name": "ada@mail.example",
          "strategy": "email",
          "strategy_type": "passwordless",
          "scope": "openid profile email",
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
    let second = code(&world, &server).await;
    assert_eq!(redeem(&world.anon(), ADA, &second).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["s"]);
    let users = world.api("read:users").get(&format!("/api/v2/users-by-email?email={ADA}")).await.json();
    assert_eq!((users.as_array().unwrap().len(), &users[0]["logins_count"]), (1, &json!(2)));
}

#[tokio::test]
async fn wrong_used_superseded_and_expired_codes_have_their_texts() {
    let (world, server) = world().await;
    let mut out = String::new();
    let first = code(&world, &server).await;
    let second = code(&world, &server).await;
    for (username, guess) in [
        ("nobody", second.as_str()),
        ("other@mail.example", &second),
        (ADA, &first),
        (ADA, "not a code"),
        (ADA, &"x".repeat(9_000)),
        (ADA, &second),
    ] {
        let answer = redeem(&world.anon(), username, guess).await;
        out.line(format!("{} {}", answer.status.as_u16(), answer.text("error_description")));
    }
    world.logs().await;
    let third = code(&world, &server).await;
    world.clock.advance(180_000);
    let answer = redeem(&world.anon(), ADA, &third).await;
    out.line(format!("{} {}", answer.status.as_u16(), answer.text("error_description")));
    expect![[r#"
        403 Wrong email or verification code.
        403 Wrong email or verification code.
        403 Wrong email or verification code.
        403 Wrong email or verification code.
        403 You've reached the maximum number of attempts. Please try to login again.
        403 You've reached the maximum number of attempts. Please try to login again.
        403 The verification code has expired. Please try to login again.
    "#]]
    .assert_eq(&out);
    world.logs().await;
}

#[tokio::test]
async fn failures_at_one_address_end_in_a_block_of_it() {
    let (world, server) = world().await;
    let mut last = String::new();
    for _ in 0..4 {
        let good = code(&world, &server).await;
        let bad = if good == "000000" { "000001" } else { "000000" };
        for _ in 0..3 {
            let answer = redeem(&world.anon(), ADA, bad).await;
            last = format!("{} {}", answer.status.as_u16(), answer.text("error"));
            if answer.status == 403 {
                assert!(
                    answer.text("error_description") == WRONG || answer.text("error_description").contains("maximum")
                );
            }
        }
        if last.starts_with("429") {
            break;
        }
        world.logs().await;
    }
    assert_eq!(last, "429 too_many_attempts");
    assert!(world.logs().await.lines().contains(&"limit_wc: 10 failed logins at one e-mail address".to_owned()));
    assert_eq!(start(&world.anon(), json!({})).await.status, 429);
    assert_eq!(world.logs().await.lines(), ["f: too many failed logins at this e-mail address"]);
    let blocks = world.api("read:users").get("/api/v2/user-blocks?identifier=Ada@mail.example").await.json();
    assert_eq!(blocks["blocked_for"].as_array().unwrap().len(), 1, "{blocks}");
}
