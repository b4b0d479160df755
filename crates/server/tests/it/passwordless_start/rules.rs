//! Rules of tenant, client, connection and user that a start keeps (C212-C216, C241-C244, C561-C564).

use expect_test::expect;
use ringpass_core::storage::{Tx, tenant};
use serde_json::json;

use super::{START, body, failures};
use crate::world::{Lines as _, NATIVE, PHONE, WEB, World};

#[tokio::test]
async fn with_the_flag_off_a_confidential_client_may_start_without_its_secret() {
    let world = World::new().await;
    // A fresh tenant pins the flag, so the door of the settings cannot turn it off; an older tenant has it off.
    let unpin = |tx: &mut Tx<'_>| {
        let mut settings = tenant::get(tx)?;
        settings.0["flags"]["enforce_client_authentication_on_passwordless_start"] = false.into();
        tenant::put(tx, &settings)
    };
    world.app.configure("test.flag", unpin).await.unwrap();
    let answer = world.nobody().post(START, body(json!({"client_id": WEB.0}))).await;
    assert_eq!(answer.status, 200, "{answer}");
    let wrong = world.nobody().post(START, body(json!({"client_id": WEB.0, "client_secret": "wrong"}))).await;
    assert_eq!(wrong.line(), r#"401 {"error":"access_denied","error_description":"Unauthorized"}"#);
    assert_eq!(world.gateway.take().len(), 1);
    assert_eq!(world.logs().await.lines(), ["cs: Code Sent", "f: Unauthorized"]);
}

#[tokio::test]
async fn a_strategy_name_finds_the_clients_only_connection() {
    let world = World::new().await;
    let options = json!({"provider": "sms_gateway", "gateway_url": world.gateway.url()});
    for name in ["phones", "more"] {
        world.new_connection(json!({"name": name, "strategy": "sms", "options": options})).await;
    }
    world.enable("sms", &[]).await;
    world.enable("phones", &[NATIVE]).await;
    let found = world.anon().start(PHONE).await;
    assert_eq!(found.status, 200, "{found}");
    assert_eq!(world.gateway.take().len(), 1);
    let logs = world.logs().await;
    assert_eq!(logs.0[0]["connection"], "phones");

    // Of two the caller may mean either; and a connection that is enabled under its own name wins.
    world.enable("more", &[NATIVE]).await;
    let either = world.anon().start(PHONE).await;
    assert_eq!(either.line(), r#"400 {"error":"bad.connection","error_description":"Connection is disabled"}"#);
    assert_eq!(failures(&world).await, 1);
    world.enable("sms", &[NATIVE]).await;
    assert_eq!(world.anon().start(PHONE).await.status, 200);
    assert_eq!(world.gateway.take().len(), 1);
    assert_eq!(world.logs().await.0[0]["connection"], "sms");
}

#[tokio::test]
async fn an_unknown_number_is_told_when_sign_up_is_off() {
    let world = World::new().await;
    world.sms(json!({"disable_signup": true})).await;
    world.anon().start(PHONE).await.is(expect![[r#"
        400 Bad Request
        content-type: application/json; charset=utf-8
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323118

        {
          "error": "bad.connection",
          "error_description": "Public signup is disabled"
        }
    "#]]);
    assert_eq!(failures(&world).await, 1);
    world.new_user(PHONE).await;
    world.anon().code(PHONE).await;
}

#[tokio::test]
async fn nothing_is_sent_to_a_blocked_user_and_the_caller_does_not_learn_of_it() {
    let world = World::new().await;
    world.anon().sign_in(PHONE, json!({})).await;
    world.block(PHONE, true).await;
    let blocked = world.anon().start(PHONE).await;
    let free = world.anon().start("+4915112345679").await;
    assert_eq!(world.gateway.next().await.recipient().as_deref(), Some("+4915112345679"));
    let names = |headers: &http::HeaderMap| headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&blocked.headers), names(&free.headers));
    blocked.is(expect![[r#"
        200 OK
        content-type: application/json; charset=utf-8
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 48
        x-ratelimit-reset: 1767323190

        {
          "_id": "af0c3edf821f5e7e411d55c2",
          "phone_number": "+4915112345678",
          "phone_verified": true
        }
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "f",
          "description": "user is blocked",
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
            },
            "qs": {},
            "error": {
              "message": "user is blocked",
              "oauthError": "user is blocked",
              "type": "unauthorized",
              "uri": null
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
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
          "user_name": "+4915112345679",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "details": {
            "body": {
              "authParams": {},
              "client_id": "cli_native",
              "connection": "sms",
              "ip": "203.0.113.7",
              "phone_number": "+4915112345679",
              "request_language": "",
              "send": "",
              "tenant": "tenant",
              "user-agent": "Test/1.0",
              "username": "+4915112345679"
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}

#[tokio::test]
async fn countries_that_the_tenant_refuses_get_no_message() {
    let world = World::new().await;
    let mut out = String::new();
    for (mode, list) in [("allow", vec!["CA", "US"]), ("deny", vec!["DE"])] {
        world.tenant(json!({"country_codes": {"list": list, "mode": mode}})).await;
        // Germany; the United States; no country at all; premium rate.
        for number in [PHONE, "+12125550123", "+99912345", "+19005550123"] {
            out.line(format!("{mode} {number} {}", world.anon().start(number).await.status));
        }
    }
    expect![[r#"
        allow +4915112345678 400 Bad Request
        allow +12125550123 200 OK
        allow +99912345 400 Bad Request
        allow +19005550123 400 Bad Request
        deny +4915112345678 400 Bad Request
        deny +12125550123 200 OK
        deny +99912345 200 OK
        deny +19005550123 400 Bad Request
    "#]]
    .assert_eq(&out);
    world.gateway.take();
    let logs = world.logs().await;
    let failed = logs.0.iter().find(|event| event["type"] == "f").unwrap();
    expect![[r#"
        {
          "body": {
            "client_id": "cli_native",
            "connection": "sms",
            "phone_number": "+4915112345678"
          },
          "qs": {},
          "error": {
            "message": "Phone number is not allowed",
            "oauthError": "Phone number is not allowed",
            "type": "bad.phone_number",
            "uri": null
          },
          "failure_details": {
            "errorCode": "country_not_allowed"
          }
        }
    "#]]
    .assert_eq(&format!("{:#}\n", failed["details"]));
}

#[tokio::test]
async fn under_the_unified_experience_without_a_provider_only_the_log_tells() {
    let world = World::new().await;
    world.tenant(json!({"phone_consolidated_experience": true})).await;
    let answer = world.anon().start(PHONE).await;
    assert_eq!(answer.status, 200, "{answer}");
    expect![[r#"
        [
            "f: no tenant-level phone provider is configured (phone_consolidated_experience is true)",
        ]
    "#]]
    .assert_debug_eq(&world.logs().await.lines());
}

#[tokio::test]
async fn what_a_caller_sends_reaches_the_log_without_its_secrets() {
    let world = World::new().await;
    let caller = world
        .nobody()
        .header("accept-language", "de-DE,de;q=0.9")
        .header("auth0-client", "eyJuYW1lIjoiYXV0aDAuanMiLCJ2ZXJzaW9uIjoiOS4yMi4xIn0");
    let params = json!({"scope": "openid", "client_secret": "s3cret", "nested": {"code": "c0de", "otp": "0tp"}});
    caller.post(START, body(json!({"authParams": params, "response_type": "code", "send": "code"}))).await;
    caller
        .header("x-request-language", "fr-FR")
        .post(START, body(json!({"authParams": params, "phone_number": "1"})))
        .await;
    world.gateway.take();
    world.sms(json!({"gateway_url": null})).await;
    world.nobody().header("auth0-client", "%%%").post(START, body(json!({"authParams": params}))).await;
    let wrong = json!({"client_id": WEB.0, "client_secret": "wr0ng", "client_assertion": "j.w.t"});
    world.nobody().without("user-agent").post(START, body(wrong)).await;
    let logs = world.logs().await;
    let text = logs.to_string();
    for secret in ["s3cret", "c0de", "0tp", "wr0ng", "j.w.t"] {
        assert!(!text.contains(secret), "{secret} stands in the log:\n{text}");
    }
    logs.are(expect![[r#"
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
          "auth0_client": {
            "name": "auth0.js",
            "version": "9.22.1"
          },
          "details": {
            "body": {
              "authParams": {
                "scope": "openid",
                "client_secret": "*****",
                "nested": {
                  "code": "*****",
                  "otp": "*****"
                },
                "response_type": "code"
              },
              "client_id": "cli_native",
              "connection": "sms",
              "ip": "203.0.113.7",
              "phone_number": "+4915112345678",
              "request_language": "de-DE,de;q=0.9",
              "send": "code",
              "tenant": "tenant",
              "user-agent": "Test/1.0",
              "username": "+4915112345678"
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "f",
          "description": "String does not match pattern: ^\\+[0-9]{1,15}$",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "auth0_client": {
            "name": "auth0.js",
            "version": "9.22.1"
          },
          "details": {
            "body": {
              "client_id": "cli_native",
              "connection": "sms",
              "phone_number": "1",
              "authParams": {
                "scope": "openid",
                "client_secret": "*****",
                "nested": {
                  "code": "*****",
                  "otp": "*****"
                }
              }
            },
            "qs": {},
            "error": {
              "message": "String does not match pattern: ^\\+[0-9]{1,15}$",
              "oauthError": "String does not match pattern: ^\\+[0-9]{1,15}$",
              "type": "bad.phone_number",
              "uri": null
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "f",
          "description": "The SMS provider is not configured",
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
              "authParams": {
                "scope": "openid",
                "client_secret": "*****",
                "nested": {
                  "code": "*****",
                  "otp": "*****"
                }
              },
              "client_id": "cli_native",
              "connection": "sms",
              "ip": "203.0.113.7",
              "phone_number": "+4915112345678",
              "request_language": "",
              "send": "",
              "tenant": "tenant",
              "user-agent": "Test/1.0",
              "username": "+4915112345678"
            },
            "qs": {},
            "error": {
              "message": "The SMS provider is not configured",
              "oauthError": "The SMS provider is not configured",
              "type": "sms_provider_error",
              "uri": null
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "f",
          "description": "Send client_assertion or client_secret, not both",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_web",
          "client_name": "Web App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "",
          "hostname": "tenant.example",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "details": {
            "body": {
              "client_id": "cli_web",
              "connection": "sms",
              "phone_number": "+4915112345678",
              "client_secret": "*****",
              "client_assertion": "*****"
            },
            "qs": {},
            "error": {
              "message": "Send client_assertion or client_secret, not both",
              "oauthError": "Send client_assertion or client_secret, not both",
              "type": "invalid_client",
              "uri": null
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}
