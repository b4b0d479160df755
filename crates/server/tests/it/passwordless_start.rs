//! `POST /passwordless/start` (`docs/COMPATIBILITY.md` C201-C248).

use expect_test::expect;
use serde_json::json;

use crate::world::{PHONE, World};

const START: &str = "/passwordless/start";

#[tokio::test]
async fn a_start_sends_a_code_and_says_nothing_about_the_user() {
    let world = World::new().await;
    world.anon().start(PHONE).await.is(expect![[r#"
        200 OK
        content-type: application/json; charset=utf-8
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323118

        {
          "_id": "976f10892bfe08688fb6be33",
          "phone_number": "+4915112345678",
          "phone_verified": true
        }
    "#]]);
    let message = world.gateway.next().await;
    expect![[r#"{"recipient":"+4915112345678","body":"Your verification code is: 867762","sender":"+15550009999"}"#]]
        .assert_eq(&String::from_utf8_lossy(&message.body));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "cs",
          "description": "Code Sent",
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
            "body": {
              "authParams": {},
              "client_id": "cli_native",
              "connection": "sms",
              "ip": "203.0.113.7",
              "phone_number": "+4915112345678",
              "request_language": "",
              "send": "",
              "tenant": "tenant",
              "user-agent": "Test/1.0",
              "username": "+4915112345678"
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    assert!(world.user(PHONE).await.is_none());
}
