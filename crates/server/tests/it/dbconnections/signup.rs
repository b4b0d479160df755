//! `POST /dbconnections/signup` (C1510-C1523).

use std::fmt::Write as _;

use expect_test::expect;
use http::Method;
use ringpass_core::kit::clock::MINUTE;
use serde_json::json;

use super::{ANN, DATABASE, RIGHT, ann, sign_up, world, world_with};
use crate::world::{Lines as _, NATIVE, World};

const SIGNUP: &str = "/dbconnections/signup";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

#[tokio::test]
async fn a_person_becomes_a_user_who_can_sign_in() {
    let world = world().await;
    world.client(NATIVE, json!({"grant_types": [REALM]})).await;
    let more = json!({"email": "Ann@Example.org", "given_name": "Ann", "user_metadata": {"plan": "silver"}});
    sign_up(&world.anon(), more).await.is(expect![[r#"
        200 OK
        content-type: application/json; charset=utf-8

        {
          "_id": "695735a5ad910e3d8ae425d7",
          "email": "ann@example.org",
          "email_verified": false,
          "given_name": "Ann",
          "user_metadata": {
            "plan": "silver"
          }
        }
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "ss",
          "description": "Success Signup",
          "connection": "Username-Password-Authentication",
          "connection_id": "con_8m7ivJROZn09JgGj",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|695735a5ad910e3d8ae425d7",
          "user_name": "Ann@Example.org",
          "strategy": "auth0",
          "strategy_type": "database",
          "details": {
            "body": {
              "connection": "Username-Password-Authentication",
              "email": "Ann@Example.org",
              "tenant": "tenant",
              "user_metadata": {
                "plan": "silver"
              }
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let body = json!({"grant_type": REALM, "realm": DATABASE, "username": ANN, "password": RIGHT});
    assert_eq!(world.anon().post("/oauth/token", body).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["sepft"]);
    // A form says the same, metadata as JSON text in it.
    let form = [
        ("connection", DATABASE),
        ("email", "bob@example.org"),
        ("password", RIGHT),
        ("user_metadata", "{\"a\":\"b\"}"),
    ];
    let answer = world.anon().form(SIGNUP, &form).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["user_metadata"]), (200, &json!({"a": "b"})));
    assert_eq!(world.logs().await.kinds(), ["ss"]);
    let asked = world.anon().send(Method::OPTIONS, "/dbconnections/signup", "", "".into()).await;
    assert_eq!(asked.status, 204);
}

#[tokio::test]
async fn a_taken_address_shows_only_where_the_tenant_wants_it() {
    let world = world().await;
    ann(&world).await;
    let hidden = sign_up(&world.anon(), json!({"email": "ANN@example.org"})).await;
    hidden.is(expect![[r#"
        400 Bad Request
        content-type: application/json; charset=utf-8

        {
          "name": "BadRequestError",
          "code": "invalid_signup",
          "description": "Invalid sign up",
          "statusCode": 400
        }
    "#]]);
    assert_eq!(world.logs().await.lines(), ["fs: The user already exists."]);
    world.tenant(json!({"flags": {"enable_public_signup_user_exists_error": true}})).await;
    sign_up(&world.anon(), json!({})).await.is(expect![[r#"
        400 Bad Request
        content-type: application/json; charset=utf-8

        {
          "name": "BadRequestError",
          "code": "user_exists",
          "description": "The user already exists.",
          "statusCode": 400
        }
    "#]]);
    assert_eq!(world.logs().await.kinds(), ["fs"]);
    // A weak password is answered alike for those who are there and those who are not.
    let there = sign_up(&world.anon(), json!({"password": "weak"})).await;
    let not_there = sign_up(&world.anon(), json!({"password": "weak", "email": "new@example.org"})).await;
    assert_eq!(there.line(), not_there.line());
    assert_eq!(world.logs().await.lines(), ["fs: Password is too weak"; 2]);
}

#[tokio::test]
async fn of_two_sign_ups_at_once_one_makes_the_user() {
    let world = world().await;
    let (first, second) = (world.anon(), world.anon());
    let both = tokio::join!(sign_up(&first, json!({})), sign_up(&second, json!({})));
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let mut kinds = world.logs().await.kinds();
    kinds.sort_unstable();
    assert_eq!(kinds, ["fs", "ss"]);
}

#[tokio::test]
async fn the_connection_says_who_may_sign_up_and_with_what() {
    let world = world_with(json!({"requires_username": true})).await;
    let answer = sign_up(&world.anon(), json!({"username": "Ann"})).await;
    assert_eq!((answer.status.as_u16(), answer.text("username")), (200, "ann".to_owned()));
    // The name is taken, whatever the address.
    let taken = sign_up(&world.anon(), json!({"username": "ANN", "email": "other@example.org"})).await;
    assert_eq!(taken.text("code"), "invalid_signup");
    let mut lines = String::new();
    for more in [
        json!({}),
        json!({"username": "a b"}),
        json!({"username": "bob@example.org"}),
        json!({"username": "bob", "email": "nobody"}),
        json!({"username": "bob", "email": "a@b\r\nBcc: everybody@example.org"}),
        json!({"username": "bob", "name": "Bob\r\nBcc: everybody@example.org"}),
        json!({"username": "bob", "name": "x".repeat(10_000)}),
        json!({"username": "bob", "email": 7}),
        json!({"username": "bob", "phone_number": "+15550001111"}),
        json!({"username": "bob", "user_metadata": {"a": {"b": "c"}}}),
        json!({"username": "bob", "password": "x".repeat(10_240)}),
        json!({"username": "bob", "password": null}),
        json!({"username": "bob", "connection": "nowhere"}),
        json!({"username": "bob", "connection": "sms"}),
        json!({"username": "bob", "client_id": "nobody"}),
        json!({"username": "bob", "client_id": ""}),
        json!({"username": "bob", "client_id": "cli_web", "client_secret": "wrong"}),
        json!({"username": "bob", "email": "b\u{0}b@example.org"}),
    ] {
        lines.line(sign_up(&world.anon(), more).await.line());
    }
    expect![[r#"
        400 {"error":"invalid_request","error_description":"missing username parameter"}
        400 {"error":"invalid_request","error_description":"error in username - invalid value"}
        400 {"error":"invalid_request","error_description":"error in username - invalid value"}
        400 {"error":"invalid_request","error_description":"error in email - invalid value"}
        400 {"error":"invalid_request","error_description":"error in email - invalid value"}
        400 {"error":"invalid_request","error_description":"error in name - invalid value"}
        400 {"error":"invalid_request","error_description":"error in name - invalid value"}
        400 {"error":"invalid_request","error_description":"error in email - invalid value"}
        400 {"error":"invalid_request","error_description":"error in phone_number - the connection has no phone_number"}
        400 {"error":"invalid_request","error_description":"error in user_metadata - invalid value"}
        400 {"error":"invalid_request","error_description":"error in password - invalid value"}
        400 {"error":"invalid_request","error_description":"missing password parameter"}
        400 {"error":"invalid_request","error_description":"the connection was not found"}
        400 {"error":"invalid_request","error_description":"specified strategy does not support requested operation"}
        403 {"error":"unauthorized_client","error_description":"invalid client"}
        400 {"error":"invalid_request","error_description":"missing client_id parameter"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        400 {"error":"invalid_request","error_description":"error in email - invalid value"}
    "#]]
    .assert_eq(&lines);
    world.enable(DATABASE, &[]).await;
    assert_eq!(sign_up(&world.anon(), json!({})).await.text("error_description"), "the connection was disabled");
    assert_eq!(world.logs().await.kinds(), ["ss", "fs"], "what is malformed is not logged");
}

#[tokio::test]
async fn a_phone_number_can_be_an_identifier() {
    let attributes = json!({"phone_number": {"identifier": {"active": true, "default_method": "password"},
        "profile_required": true, "signup": {"status": "required", "verification": {"active": false}}}});
    let world = world_with(json!({"attributes": attributes})).await;
    let caller = world.anon();
    let body = json!({"connection": DATABASE, "phone_number": "+15550001111", "password": RIGHT});
    let answer = caller.post(SIGNUP, body.clone()).await;
    let id = answer.text("_id");
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{answer}");
    assert_eq!(answer.json(), json!({"_id": id, "phone_number": "+15550001111", "phone_verified": false}));
    assert_eq!(caller.post(SIGNUP, body).await.text("code"), "invalid_signup");
    let answer = sign_up(&caller, json!({})).await;
    assert_eq!(answer.text("error_description"), "error in email - the connection has no email");
    assert_eq!(world.logs().await.kinds(), ["ss", "fs"]);
}

#[tokio::test]
async fn a_closed_database_takes_nobody() {
    for options in [
        json!({"disable_signup": true}),
        json!({"authentication_methods": {"password": {"enabled": true, "signup_behavior": "block"}}}),
        json!({"authentication_methods": {"password": {"enabled": false}}}),
    ] {
        let world = world_with(options).await;
        let answer = sign_up(&world.anon(), json!({})).await;
        assert_eq!(answer.line(), r#"400 {"error":"public signup is disabled"}"#);
        assert_eq!(world.logs().await.lines(), ["fs: Public signup is disabled"]);
    }
}

#[tokio::test]
async fn fifty_sign_ups_from_one_address_are_enough() {
    let world = world_with(json!({"disable_signup": true})).await;
    let caller = world.anon();
    for _ in 0..50 {
        assert_eq!(sign_up(&caller, json!({})).await.status, 400);
    }
    drop(world.logs().await);
    for _ in 0..3 {
        let answer = sign_up(&caller, json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.text("error")), (429, "too_many_attempts".to_owned()));
    }
    assert_eq!(world.logs().await.lines(), ["limit_mu: 50 sign-ups from one address"], "once a minute");
    assert_eq!(sign_up(&world.anon().at("198.51.100.1"), json!({})).await.status, 400, "another address");
    let malformed = sign_up(&caller, json!({"email": "nobody"})).await;
    assert_eq!(malformed.status, 400, "what is malformed takes nothing and is told so");
    world.clock.advance(MINUTE);
    assert_eq!(sign_up(&caller, json!({})).await.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn the_answer_takes_one_hash_whether_the_address_is_taken_or_not() {
    let world = world().await;
    ann(&world).await;
    let mut lines = String::new();
    for email in [ANN, "new@example.org"] {
        let before = hashes(&world);
        sign_up(&world.anon(), json!({"email": email})).await;
        writeln!(lines, "{}", hashes(&world) - before).unwrap();
    }
    assert_eq!(lines, "1\n1\n");
    drop(world.logs().await);
}

/// Password hashes made so far.
fn hashes(world: &World) -> u64 {
    world.app.hashes()
}
