//! A person signs in by a code from a text message.

use expect_test::expect;
use serde_json::json;

use super::{authorize, exchange, sign_in, world};
use crate::world::{API, PHONE};

#[tokio::test]
async fn a_code_from_a_text_message_leads_back_with_a_code_for_tokens() {
    let world = world().await;
    let browser = world.browser();
    let page = browser.open(&authorize(&[("nonce", "n-1"), ("audience", API)])).await;
    assert_eq!((page.status.as_u16(), page.heading().as_str()), (200, "Sign in"));
    let page = browser.submit(&page, &[("country", "DE"), ("username", "0151 12345678")]).await;
    assert_eq!((page.status.as_u16(), page.heading().as_str()), (200, "Check your phone"));
    assert!(page.at.starts_with("/u/login/passwordless-sms-challenge?state="), "{}", page.at);
    assert_eq!(world.logs().await.kinds(), ["cs"]);
    let message = world.gateway.next().await;
    let code = message.code().unwrap();
    let back = browser.submit(&page, &[("code", &code)]).await;
    assert_eq!(back.sent("state").as_deref(), Some("st&te"));
    assert_eq!(back.sent("iss").as_deref(), Some("https://tenant.example/"));
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
          "user_id": "sms|695735a5ad91192b8862130e",
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
          "user_id": "sms|695735a5ad91192b8862130e",
          "user_name": "+4915112345678",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "audience": "https://api.example/",
          "scope": "openid profile phone",
          "details": {
            "prompts": [],
            "session_id": "Bg-8uaxZ5TWTueFXJgLMQPNnDefFDpbf",
            "stats": {
              "loginsCount": 1
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let answer = exchange(&world, &back.sent("code").unwrap(), json!({})).await;
    expect![[r#"
        200 OK
        {
          "access_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "iss": "https://tenant.example/",
              "sub": "sms|695735a5ad91192b8862130e",
              "aud": [
                "https://api.example/",
                "https://tenant.example/userinfo"
              ],
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "openid profile phone",
              "azp": "cli_native"
            }
          },
          "id_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "name": "+4915112345678",
              "nickname": "",
              "picture": "https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp",
              "updated_at": "2026-01-02T03:04:05.678Z",
              "phone_number": "+4915112345678",
              "phone_number_verified": true,
              "iss": "https://tenant.example/",
              "sub": "sms|695735a5ad91192b8862130e",
              "aud": "cli_native",
              "iat": 1767323045,
              "exp": 1767359045,
              "sid": "Bg-8uaxZ5TWTueFXJgLMQPNnDefFDpbf",
              "nonce": "n-1"
            }
          },
          "scope": "openid profile phone",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "seacft",
          "description": "Successful exchange of Authorization Code for Access Token",
          "connection": "sms",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad91192b8862130e",
          "user_name": "+4915112345678",
          "audience": "https://api.example/",
          "scope": "openid profile phone",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}

#[tokio::test]
async fn the_session_answers_the_next_request() {
    let world = world().await;
    let browser = world.browser();
    sign_in(&browser, &world, PHONE, &[]).await;
    let again = browser.open(&authorize(&[("prompt", "none")])).await;
    assert!(again.sent("code").is_some(), "{again}");
    assert_eq!(world.logs().await.kinds(), ["ssa"]);
}

#[tokio::test]
async fn a_line_of_the_country_list_begins_with_the_name_that_people_type() {
    let world = world().await;
    let page = world.browser().open(&authorize(&[])).await;
    assert!(String::from_utf8_lossy(&page.body).contains(">Germany 🇩🇪 \u{200e}+49</option>"), "{page}");
}
