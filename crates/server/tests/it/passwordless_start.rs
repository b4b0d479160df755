//! `POST /passwordless/start` (`docs/COMPATIBILITY.md` C201-C248).
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use expect_test::expect;
use http::Method;
use ringpass_core::storage::{Tx, tenant};
use serde_json::{Value, json};

use crate::world::{Caller, NATIVE, PHONE, WEB, World};

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
        out.push_str(&format!("{}\n", answer.line()));
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

#[tokio::test]
async fn each_missing_or_unknown_thing_has_its_own_error() {
    let world = World::new().await;
    world.new_connection(json!({"name": "other", "strategy": "sms"})).await;
    world.new_connection(json!({"name": "mails", "strategy": "email", "enabled_clients": [NATIVE]})).await;
    world.enable("Username-Password-Authentication", &[NATIVE]).await;
    let rows = vec![
        json!({"client_id": null}),
        json!({"client_id": ""}),
        json!({"client_id": "nobody"}),
        json!({"connection": null}),
        json!({"connection": ""}),
        json!({"connection": "nowhere"}),
        json!({"connection": "SMS"}),
        json!({"connection": "other"}),
        json!({"connection": "Username-Password-Authentication"}),
        json!({"connection": "mails"}),
        json!({"authParams": "scope=openid"}),
        json!({"foo": 1, "bar": {"a": 1}}),
        json!({"phone_number": null}),
        json!({"phone_number": "", "email": "a@b.example"}),
        json!({"send": "sms"}),
        json!({"send": ""}),
        json!({"client_id": WEB.0, "client_secret": "wrong"}),
        json!({"client_id": WEB.0, "client_secret": ""}),
        json!({"client_id": WEB.0}),
    ];
    let count = rows.len();
    expect![[r#"
        400 {"error":"bad.client_id","error_description":"Missing required property: client_id"}
        400 {"error":"bad.client_id","error_description":"Missing required property: client_id"}
        400 {"error":"bad.client_id","error_description":"Client does not exist"}
        400 {"error":"bad.connection","error_description":"Missing required property: connection"}
        400 {"error":"bad.connection","error_description":"Missing required property: connection"}
        400 {"error":"bad.connection","error_description":"Connection does not exist"}
        400 {"error":"bad.connection","error_description":"Connection does not exist"}
        400 {"error":"bad.connection","error_description":"Connection is disabled"}
        400 {"error":"bad.connection","error_description":"Invalid connection strategy. It must either be a passwordless connection"}
        400 {"error":"bad.connection","error_description":"Invalid connection strategy. It must either be a passwordless connection"}
        400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: string (expected object)"}
        400 {"error":"bad.request","error_description":"the following properties are not allowed: foo, bar"}
        400 {"error":"bad.phone_number","error_description":"Missing required property: phone_number"}
        400 {"error":"bad.phone_number","error_description":"Missing required property: phone_number"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        401 {"error":"unauthorized_client","error_description":"Client authentication is required."}
        401 {"error":"unauthorized_client","error_description":"Client authentication is required."}
    "#]].assert_eq(&answers(&world.nobody(), rows).await);
    assert_eq!(failures(&world).await, count);
}

#[tokio::test]
async fn only_e164_is_a_number() {
    let world = World::new().await;
    let wrong = [
        "4915112345678",
        "+",
        "++49",
        "+49 151 12345678",
        "+49-151",
        "+(49)151",
        "+1234567890123456",
        "tel:+49151",
        "+49151١٢٣",
        "＋4915112345678",
        "+4915112345678;+4915112345679",
        "+49\u{0}151",
        "+49\n151",
        "+49151 x",
    ];
    for number in wrong {
        let answer = world.anon().start(number).await;
        assert_eq!(
            answer.line(),
            r#"400 {"error":"bad.phone_number","error_description":"String does not match pattern: ^\\+[0-9]{1,15}$"}"#,
            "{number:?}"
        );
    }
    assert_eq!(failures(&world).await, wrong.len());
}

#[tokio::test]
async fn a_member_of_another_type_is_named() {
    let world = World::new().await;
    let rows = vec![
        json!({"client_id": 1}),
        json!({"client_secret": {}}),
        json!({"connection": ["sms"]}),
        json!({"phone_number": 4_915_112_345_678_i64}),
        json!({"phone_number": true}),
        json!({"phone_number": {"$ne": null}}),
        json!({"authParams": []}),
        json!({"authParams": 1.5}),
        json!({"authParams": false}),
        json!({"send": 1}),
        json!({"send": ["code"]}),
    ];
    let count = rows.len();
    expect![[r#"
        400 {"error":"bad.client_id","error_description":"error in client_id - invalid type: number (expected string)"}
        400 {"error":"bad.request","error_description":"error in client_secret - invalid type: object (expected string)"}
        400 {"error":"bad.connection","error_description":"error in connection - invalid type: array (expected string)"}
        400 {"error":"bad.phone_number","error_description":"error in phone_number - invalid type: number (expected string)"}
        400 {"error":"bad.phone_number","error_description":"error in phone_number - invalid type: boolean (expected string)"}
        400 {"error":"bad.phone_number","error_description":"error in phone_number - invalid type: object (expected string)"}
        400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: array (expected object)"}
        400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: number (expected object)"}
        400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: boolean (expected object)"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
    "#]].assert_eq(&answers(&world.nobody(), rows).await);
    assert_eq!(failures(&world).await, count);
}

#[tokio::test]
async fn of_two_faults_the_earlier_is_told() {
    let world = World::new().await;
    world.new_connection(json!({"name": "other", "strategy": "sms"})).await;
    world.enable("Username-Password-Authentication", &[WEB.0]).await;
    world.tenant(json!({"country_codes": {"list": ["DE"], "mode": "deny"}})).await;
    let wrong = json!({"client_id": WEB.0, "client_secret": "wrong"});
    let and = |more: Value| {
        let mut both = wrong.clone();
        both.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        both
    };
    let rows = vec![
        // C228 before C223
        json!({"foo": 1, "client_id": null}),
        // C223 before C225
        json!({"client_id": null, "connection": null}),
        // C224 before C225
        json!({"client_id": "nobody", "connection": null}),
        // C225, C226, C227, C229 before C242
        and(json!({"connection": null})),
        and(json!({"connection": "nowhere"})),
        and(json!({"connection": "other"})),
        and(json!({"connection": "Username-Password-Authentication"})),
        // C242, C243 before C230
        and(json!({"authParams": 1})),
        json!({"client_id": WEB.0, "authParams": 1}),
        // C230 before C231
        json!({"authParams": 1, "send": 1}),
        // C231 before C232, C233, C234
        json!({"send": 1, "phone_number": null}),
        json!({"send": 1, "phone_number": "x"}),
        json!({"send": 1}),
        // C233 before C234
        json!({"phone_number": "49"}),
        json!({}),
    ];
    let count = rows.len();
    expect![[r#"
        400 {"error":"bad.request","error_description":"the following properties are not allowed: foo"}
        400 {"error":"bad.client_id","error_description":"Missing required property: client_id"}
        400 {"error":"bad.client_id","error_description":"Client does not exist"}
        400 {"error":"bad.connection","error_description":"Missing required property: connection"}
        400 {"error":"bad.connection","error_description":"Connection does not exist"}
        400 {"error":"bad.connection","error_description":"Connection is disabled"}
        400 {"error":"bad.connection","error_description":"Invalid connection strategy. It must either be a passwordless connection"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        401 {"error":"unauthorized_client","error_description":"Client authentication is required."}
        400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: number (expected object)"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        400 {"error":"bad.phone_number","error_description":"String does not match pattern: ^\\+[0-9]{1,15}$"}
        400 {"error":"bad.phone_number","error_description":"Phone number is not allowed"}
    "#]].assert_eq(&answers(&world.nobody(), rows).await);
    assert_eq!(failures(&world).await, count);
}

#[tokio::test]
async fn a_body_that_is_no_object_and_no_form_is_refused() {
    let world = World::new().await;
    let nobody = world.nobody();
    let json = "application/json";
    let mut out = String::new();
    for (kind, bytes) in [
        (json, &b"{\"client_id\":\"\xff\xfe\"}"[..]),
        (json, b"{\"client_id\":"),
        (json, b""),
        (json, b"[{\"client_id\":\"cli_native\"}]"),
        (json, b"\"client_id\""),
        (json, b"null"),
        (json, b"{} {}"),
        (json, b"\xef\xbb\xbf{}"),
        (json, b"client_id=cli_native&connection=sms"),
        ("application/x-www-form-urlencoded", b"client_id=\xff"),
        ("application/x-www-form-urlencoded", b"client_id=%ff&connection=sms"),
        ("application/x-www-form-urlencoded", b"{\"client_id\":\"cli_native\"}"),
        ("text/plain", b"{}"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("", b"{}"),
    ] {
        out.push_str(&format!("{}\n", nobody.raw(START, kind, bytes).await.line()));
    }
    expect![[r#"
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.request","error_description":"Invalid request body"}
        400 {"error":"bad.client_id","error_description":"Client does not exist"}
        400 {"error":"bad.request","error_description":"the following properties are not allowed: {\"client_id\":\"cli_native\"}"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
    "#]].assert_eq(&out);
    assert_eq!(failures(&world).await, 15);
}

#[tokio::test]
async fn deep_json_is_refused_and_not_followed() {
    let world = World::new().await;
    let deep = format!("{{\"authParams\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    let answer = world.nobody().raw(START, "application/json", deep).await;
    assert_eq!(answer.line(), r#"400 {"error":"bad.request","error_description":"Invalid request body"}"#);
    assert_eq!(failures(&world).await, 1);
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_not_one_byte_more() {
    let world = World::new().await;
    let body = |length: usize| {
        let body = body(json!({"authParams": {"state": ""}})).to_string();
        body.replace("\"state\":\"\"", &format!("\"state\":\"{}\"", "x".repeat(length - body.len())))
    };
    let nobody = world.nobody();
    let whole = nobody.raw(START, "application/json", body(65_536)).await;
    assert_eq!(whole.status, 200, "{whole}");
    assert_eq!(world.gateway.take().len(), 1);
    assert_eq!(world.logs().await.kinds(), ["cs"]);
    nobody.raw(START, "application/json", body(65_537)).await.is(expect![[r#"
        413 Payload Too Large
        content-type: application/json; charset=utf-8

        {
          "error": "invalid_request",
          "error_description": "Request body is larger than 65536 bytes"
        }
    "#]]);
}

#[tokio::test]
async fn another_method_is_refused() {
    let world = World::new().await;
    world.anon().get(START).await.is(expect![[r#"
        405 Method Not Allowed
        allow: POST,OPTIONS
        content-type: application/json; charset=utf-8

        {
          "error": "method_not_allowed",
          "error_description": "Method Not Allowed"
        }
    "#]]);
    let put = world.anon().send(Method::PUT, START, "application/json", "{}".into()).await;
    assert_eq!(put.status, 405);
}

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
            out.push_str(&format!("{mode} {number} {}\n", world.anon().start(number).await.status));
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
          "description": "Unauthorized",
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
              "message": "Unauthorized",
              "oauthError": "Unauthorized",
              "type": "access_denied",
              "uri": null
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}
