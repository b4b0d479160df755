//! What a start is refused for before anything is sent, and in which order (C217, C221-C248).

use expect_test::expect;
use http::Method;
use serde_json::{Value, json};

use super::{START, answers, body, failures};
use crate::world::{Lines as _, NATIVE, WEB, World};

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
        400 {"error":"bad.email","error_description":"Missing required property: email"}
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
        out.line(nobody.raw(START, kind, bytes).await.line());
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
