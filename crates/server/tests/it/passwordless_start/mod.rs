//! `POST /passwordless/start` (`docs/COMPATIBILITY.md` C201-C248).

mod refusals;
mod rules;
mod templates;

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{Caller, Lines as _, NATIVE, PHONE, WEB, World};

const START: &str = "/passwordless/start";

/// A body that goes through, with `change` on top; a null there takes a member away.
fn body(change: Value) -> Value {
    let mut body = json!({"client_id": NATIVE, "connection": "sms", "phone_number": PHONE});
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().shift_remove(name)),
            value => body[name] = value.clone(),
        }
    }
    body
}

/// Posts each body and prints one line for each answer.
async fn answers(caller: &Caller<'_>, rows: Vec<Value>) -> String {
    let mut out = String::new();
    for row in rows {
        let answer = caller.post(START, body(row)).await;
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        out.line(answer.line());
    }
    out
}

/// Looks at as many `f` events as there were refusals.
async fn failures(world: &World) -> usize {
    let kinds = world.logs().await.kinds();
    assert!(kinds.iter().all(|kind| kind == "f"), "{kinds:?}");
    assert!(world.gateway.take().is_empty());
    kinds.len()
}

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

#[tokio::test]
async fn every_way_to_say_a_start_is_understood() {
    let world = World::new().await;
    let nobody = world.nobody();
    let (id, secret) = WEB;
    let all = [
        nobody.post(START, body(json!({"send": "code"}))).await,
        nobody.post(START, body(json!({"send": "link"}))).await,
        nobody.post(START, body(json!({"authParams": {"scope": "openid"}, "captcha": "x", "email": "a@b.c"}))).await,
        nobody
            .post(
                START,
                json!({"client_id": NATIVE, "connection": "sms", "phone_number": PHONE, "send": null,
            "authParams": null, "client_secret": null, "email": null}),
            )
            .await,
        nobody
            .post(START, body(json!({"auth0Client": "x", "response_type": "code", "redirect_uri": "y", "scope": "z"})))
            .await,
        nobody.post(START, body(json!({"client_secret": "a public client has none"}))).await,
        world.anon().form(START, &[("connection", "sms"), ("phone_number", PHONE), ("send", "code")]).await,
        nobody.post(START, body(json!({"client_id": id, "client_secret": secret}))).await,
        nobody.clone().basic(id, secret).post(START, body(json!({"client_id": id}))).await,
        nobody.clone().basic(id, secret).post(START, body(json!({"client_id": null}))).await,
        nobody.raw(START, "Application/JSON; charset=utf-8", body(json!({})).to_string()).await,
    ];
    for answer in &all {
        assert_eq!((answer.status.as_u16(), answer.text("phone_number").as_str()), (200, PHONE), "{answer}");
    }
    assert_eq!(world.logs().await.kinds(), vec!["cs"; all.len()]);
    assert_eq!(world.gateway.take().len(), all.len());
}

#[tokio::test]
async fn blanks_around_a_number_are_trimmed_and_nothing_else_is_repaired() {
    let world = World::new().await;
    let answer = world.anon().start(" +4915112345678\t").await;
    assert_eq!((answer.status.as_u16(), answer.text("phone_number").as_str()), (200, PHONE));
    assert_eq!(world.gateway.next().await.recipient().as_deref(), Some(PHONE));
    assert_eq!(world.logs().await.kinds(), ["cs"]);
}
