//! Which passwords a database takes, at every door (C1500-C1506).

use expect_test::expect;
use serde_json::json;

use super::{DATABASE, ann, sign_up, world, world_with};
use crate::world::{Lines as _, World};

async fn set(world: &World, password: &str) -> String {
    let answer = world.api("update:users").patch("/api/v2/users/auth0%7Cann", json!({"password": password})).await;
    format!("{} {}", answer.status.as_u16(), answer.text("message"))
}

#[tokio::test]
async fn a_weak_password_is_told_what_it_lacks() {
    let world = world().await;
    sign_up(&world.anon(), json!({"password": "abcdefgh"})).await.is(expect![[r#"
        400 Bad Request
        content-type: application/json; charset=utf-8

        {
          "name": "PasswordStrengthError",
          "message": "Password is too weak",
          "code": "invalid_password",
          "description": {
            "rules": [
              {
                "message": "At least %d characters in length",
                "code": "lengthAtLeast",
                "format": [
                  8
                ],
                "verified": true
              },
              {
                "message": "Contain at least %d of the following %d types of characters:",
                "code": "containsAtLeast",
                "format": [
                  3,
                  4
                ],
                "items": [
                  {
                    "message": "lower case letters (a-z)",
                    "code": "lowerCase",
                    "verified": true
                  },
                  {
                    "message": "upper case letters (A-Z)",
                    "code": "upperCase",
                    "verified": false
                  },
                  {
                    "message": "numbers (i.e. 0-9)",
                    "code": "numbers",
                    "verified": false
                  },
                  {
                    "message": "special characters (e.g. !@#$%^&*)",
                    "code": "specialCharacters",
                    "verified": false
                  }
                ],
                "verified": false
              }
            ],
            "verified": false
          },
          "statusCode": 400,
          "policy": "* At least 8 characters in length\n* Contain at least 3 of the following 4 types of characters:\n * lower case letters (a-z)\n * upper case letters (A-Z)\n * numbers (i.e. 0-9)\n * special characters (e.g. !@#$%^&*)"
        }
    "#]]);
    assert_eq!(world.logs().await.lines(), ["fs: Password is too weak"]);
    let body = json!({"connection": DATABASE, "email": "a@b.example", "password": "abcdefgh"});
    world.api("create:users").post("/api/v2/users", body).await.is(expect![[r#"
        400 Bad Request
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "statusCode": 400,
          "error": "Bad Request",
          "message": "PasswordStrengthError: Password is too weak"
        }
    "#]]);
    assert_eq!(world.logs().await.kinds(), ["fapi"]);
}

#[tokio::test]
async fn each_rule_has_its_own_words() {
    let world = world_with(json!({
        "passwordPolicy": "low",
        "password_dictionary": {"enable": true, "dictionary": ["ringpass"]},
        "password_no_personal_info": {"enable": true},
    }))
    .await;
    let mut lines = String::new();
    for password in ["short", "RingPass", "123456", "ann2026"] {
        lines.line(sign_up(&world.anon(), json!({"password": password, "name": "Ann"})).await.line());
    }
    expect![[r#"
        400 {"name":"PasswordStrengthError","message":"Password is too weak","code":"invalid_password","description":{"rules":[{"message":"At least %d characters in length","code":"lengthAtLeast","format":[6],"verified":false}],"verified":false},"statusCode":400,"policy":"* At least 6 characters in length"}
        400 {"name":"PasswordDictionaryError","message":"Password is too common","code":"invalid_password","description":"Password is not allowed, it might be too common.","statusCode":400}
        400 {"name":"PasswordDictionaryError","message":"Password is too common","code":"invalid_password","description":"Password is not allowed, it might be too common.","statusCode":400}
        400 {"name":"PasswordNoUserInfoError","message":"Password contains user information","code":"invalid_password","description":"Password is based on user information","statusCode":400}
    "#]].assert_eq(&lines);
    ann(&world).await;
    let mut lines = String::new();
    for password in ["short", "RingPass", "123456", "xann2026", "longer passphrase"] {
        lines.line(set(&world, password).await);
    }
    expect![[r#"
        400 PasswordStrengthError: Password is too weak
        400 PasswordDictionaryError: Password is too common
        400 PasswordDictionaryError: Password is too common
        400 PasswordNoUserInfoError: Password contains user information
        200 
    "#]]
    .assert_eq(&lines);
    drop(world.logs().await);
}

#[tokio::test]
async fn old_passwords_do_not_come_back_until_enough_others_did() {
    let world = world_with(json!({"passwordPolicy": "none", "password_history": {"enable": true, "size": 3}})).await;
    ann(&world).await;
    let mut lines = String::new();
    for password in [
        "A long passphrase",
        "second",
        "A long passphrase",
        "third",
        "second",
        "A long passphrase",
        "fourth",
        "A long passphrase",
        "third",
    ] {
        world.clock.advance(1_000);
        lines.line(format!("{password}: {}", set(&world, password).await));
    }
    expect![[r#"
        A long passphrase: 400 PasswordHistoryError: Password has previously been used
        second: 200 
        A long passphrase: 400 PasswordHistoryError: Password has previously been used
        third: 200 
        second: 400 PasswordHistoryError: Password has previously been used
        A long passphrase: 400 PasswordHistoryError: Password has previously been used
        fourth: 200 
        A long passphrase: 200 
        third: 400 PasswordHistoryError: Password has previously been used
    "#]]
    .assert_eq(&lines);
    let kept = world.app.db.read("test.history", |tx| ringpass_core::storage::passwords::history(tx, "auth0|ann", 24));
    assert_eq!(kept.await.unwrap().len(), 2, "no more is kept than matters");
    assert_eq!(world.api("delete:users").delete("/api/v2/users/auth0%7Cann").await.status, 204);
    let kept = world.app.db.read("test.history", |tx| ringpass_core::storage::passwords::history(tx, "auth0|ann", 24));
    assert_eq!(kept.await.unwrap(), Vec::<String>::new());
    drop(world.logs().await);
}

#[tokio::test]
async fn options_are_checked_and_completed() {
    let world = world().await;
    let api = world.api("create:connections update:connections");
    let made = api.post("/api/v2/connections", json!({"name": "users", "strategy": "auth0"})).await;
    assert_eq!(
        made.json()["options"],
        json!({"mfa": {"active": true, "return_enroll_settings": true}, "passwordPolicy": "good", "strategy_version": 2,
            "authentication_methods": {"password": {"enabled": true, "api_behavior": "required"}, "passkey": {"enabled": false}},
            "passkey_options": {"challenge_ui": "both", "progressive_enrollment_enabled": true, "local_enrollment_enabled": true},
            "brute_force_protection": true})
    );
    let path = format!("/api/v2/connections/{}", made.text("id"));
    let mut lines = String::new();
    for options in [
        json!({"passwordPolicy": null, "password_history": {"enable": true, "size": 24}}),
        json!({"passwordPolicy": "best"}),
        json!({"password_history": {"size": 25}}),
        json!({"validation": {"username": {"min": 5, "max": 3}}}),
        json!({"validation": {"email": {}}}),
        json!({"requires_username": true, "attributes": {"email": {"identifier": {"active": true}}}}),
    ] {
        let answer = api.patch(&path, json!({"options": options})).await;
        let said = if answer.status == 200 {
            answer.json()["options"]["passwordPolicy"].clone()
        } else {
            answer.text("message").into()
        };
        lines.line(format!("{} {said}", answer.status.as_u16()));
    }
    expect![[r#"
        200 null
        400 "Payload validation error: 'No enum match for: best' on property options.passwordPolicy (Strength of passwords)."
        400 "Payload validation error: 'Value 25 is greater than maximum 24' on property options.password_history.size (How many passwords are remembered)."
        400 "Payload validation error: 'Value 3 is less than minimum 5' on property options.validation.username.max."
        400 "Payload validation error: 'Additional properties not allowed: email' on property options.validation (Options for validation)."
        400 "Cannot set both options.attributes and options.requires_username"
    "#]].assert_eq(&lines);
    drop(world.logs().await);
}
