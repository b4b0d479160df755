//! `POST /dbconnections/change_password` (C1525-C1529).

use expect_test::expect;
use http::Method;
use ringpass_core::kit::clock::MINUTE;
use serde_json::{Value, json};

use super::{ANN, DATABASE, ann, world, world_with};
use crate::world::{Answer, Caller, Lines as _};

const CHANGE: &str = "/dbconnections/change_password";

async fn ask(caller: &Caller<'_>, email: &str) -> Answer {
    caller.post(CHANGE, json!({"connection": DATABASE, "email": email})).await
}

#[tokio::test]
async fn the_answer_is_the_same_for_everybody() {
    let world = world().await;
    ann(&world).await;
    let there = ask(&world.anon(), "Ann@Example.org").await;
    there.is(expect![[r#"
        200 OK
        content-type: text/html; charset=utf-8
        x-ratelimit-limit: 10
        x-ratelimit-remaining: 9
        x-ratelimit-reset: 1767323106

        We've just sent you an email to reset your password.
    "#]]);
    assert_eq!(world.logs().await.kinds(), ["scpr"]);
    let before = world.app.hashes();
    for email in
        ["bob@example.org", "ann", "+4915112345678", "x", "a@b\r\nBcc: c@d.example", "a\u{0}@b", &"x".repeat(5_000)]
    {
        let answer = ask(&world.anon(), email).await;
        assert_eq!(answer.line(), there.line(), "{email}");
        assert_eq!(answer.header("x-ratelimit-limit"), "10");
    }
    assert_eq!(world.app.hashes(), before, "nobody's request costs a hash");
    assert_eq!(world.logs().await.lines(), ["fcpr: The user does not exist"; 7]);
    // As a form; without an application; for a connection that is not there or is none.
    for form in [
        &[("connection", DATABASE), ("email", ANN)] as &[_],
        &[("connection", "nowhere"), ("email", ANN)],
        &[("connection", "sms"), ("email", ANN)],
    ] {
        assert_eq!(world.nobody().at("198.51.100.1").form(CHANGE, form).await.status, 200);
    }
    assert_eq!(
        world.logs().await.lines(),
        [
            "scpr: Success Change Password Request",
            "fcpr: The connection does not exist",
            "fcpr: The connection does not exist"
        ]
    );
    assert_eq!(world.nobody().send(Method::OPTIONS, "/dbconnections/change_password", "", "".into()).await.status, 204);
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let world = world().await;
    let mut lines = String::new();
    let bodies: [Value; 4] = [
        json!({}),
        json!({"email": ANN}),
        json!({"connection": DATABASE}),
        json!({"connection": DATABASE, "email": [ANN]}),
    ];
    for body in bodies {
        lines.line(world.anon().post(CHANGE, body).await.line());
    }
    lines.line(world.anon().raw(CHANGE, "text/plain", "x").await.line());
    expect![[r#"
        400 {"error":"invalid_request","error_description":"missing email parameter"}
        400 {"error":"invalid_request","error_description":"missing connection parameter"}
        400 {"error":"invalid_request","error_description":"missing email parameter"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: email"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
    "#]]
    .assert_eq(&lines);
}

#[tokio::test]
async fn ten_requests_for_an_address_and_then_one_a_minute() {
    let world = world().await;
    ann(&world).await;
    for email in [ANN, "bob@example.org"] {
        for _ in 0..10 {
            assert_eq!(ask(&world.anon(), email).await.status, 200);
        }
        let answer = ask(&world.anon(), email).await;
        assert_eq!((answer.status.as_u16(), answer.text("error")), (429, "too_many_requests".to_owned()));
        assert_eq!((answer.header("retry-after"), answer.header("x-ratelimit-remaining")), ("60", "0"));
    }
    let kinds = world.logs().await.kinds();
    assert_eq!(
        (kinds.iter().filter(|it| *it == "scpr").count(), kinds.iter().filter(|it| *it == "fcpr").count()),
        (10, 10)
    );
    assert_eq!(ask(&world.anon().at("198.51.100.1"), ANN).await.status, 200, "another address");
    world.clock.advance(MINUTE);
    assert_eq!(ask(&world.anon(), ANN).await.status, 200);
    assert_eq!(ask(&world.anon(), ANN).await.status, 429);
    assert_eq!(world.logs().await.kinds(), ["scpr", "scpr"]);
}

#[tokio::test]
async fn addresses_that_nobody_has_do_not_fill_the_log() {
    let world = world().await;
    for number in 0..30 {
        assert_eq!(ask(&world.anon(), &format!("{number}@example.org")).await.status, 200);
    }
    assert_eq!(world.logs().await.kinds(), ["fcpr"; 10]);
}

#[tokio::test]
async fn an_operator_may_keep_it_to_himself() {
    let world = world_with(json!({"disable_self_service_change_password": true})).await;
    ann(&world).await;
    assert_eq!(ask(&world.anon(), ANN).await.status, 200);
    assert_eq!(world.logs().await.lines(), ["fcpr: The connection lets nobody ask for a new password"]);
}
