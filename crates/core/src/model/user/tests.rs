//! What a user is made of and looks like.

use super::*;
use serde_json::json;

const NOW: Millis = 1_767_323_045_678;

fn connection(strategy: &str, options: Value) -> Connection {
    let body = json!({"name": "users", "strategy": strategy, "options": options});
    Connection::create(&body, &Rng::seeded(1), 0).unwrap()
}

fn made(body: Value, strategy: &str) -> User {
    User::create(&body, &connection(strategy, json!({})), &Rng::seeded(1), NOW).unwrap().0
}

#[test]
fn the_first_right_code_makes_a_whole_user() {
    let mut user = User::of_phone("sms", "+15550001111", &Rng::seeded(1), NOW);
    user.user_id = "sms|65f0c0ffee0123456789abcd".into();
    assert!(!user.view().contains_key("logins_count"));
    user.signed_in("203.0.113.9", NOW + 1);
    assert!(user.profile["picture"].as_str().unwrap().starts_with("https://s.gravatar.com/avatar/"));
    user.profile.insert("picture".into(), "p".into());
    assert_eq!(
        Value::Object(user.view()),
        json!({"user_id": "sms|65f0c0ffee0123456789abcd", "phone_number": "+15550001111", "phone_verified": true,
            "name": "+15550001111", "nickname": "", "picture": "p",
            "identities": [{"connection": "sms", "provider": "sms", "user_id": "65f0c0ffee0123456789abcd",
                "isSocial": false}],
            "created_at": "2026-01-02T03:04:05.678Z", "updated_at": "2026-01-02T03:04:05.679Z",
            "last_login": "2026-01-02T03:04:05.679Z", "last_ip": "203.0.113.9", "logins_count": 1})
    );
}

#[test]
fn the_first_right_code_to_an_address_makes_a_whole_user() {
    let mut user = User::of_email("email", "ada@mail.example", &Rng::seeded(1), NOW);
    user.user_id = "email|65f0c0ffee0123456789abcd".into();
    assert_eq!(
        Value::Object(user.view()),
        json!({"user_id": "email|65f0c0ffee0123456789abcd", "email": "ada@mail.example", "email_verified": true,
            "name": "ada@mail.example", "nickname": "ada",
            "picture": "https://s.gravatar.com/avatar/9fe95a083306ef62d4294f926cf0d6d8?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fad.png",
            "identities": [{"connection": "email", "provider": "email", "user_id": "65f0c0ffee0123456789abcd",
                "isSocial": false}],
            "created_at": "2026-01-02T03:04:05.678Z", "updated_at": "2026-01-02T03:04:05.678Z"})
    );
}

#[test]
fn scopes_decide_what_is_told() {
    let mut user = User::of_phone("sms", "+15550001111", &Rng::seeded(1), NOW);
    user.profile.insert("picture".into(), "p".into());
    let phone = json!({"phone_number": "+15550001111", "phone_number_verified": true});
    let profile = json!({"name": "+15550001111", "nickname": "", "picture": "p",
        "updated_at": "2026-01-02T03:04:05.678Z"});
    for (scope, claims) in [
        (["openid"].as_slice(), json!({})),
        (&["openid", "email"], json!({})),
        (&["openid", "phone"], phone),
        (&["openid", "profile"], profile),
    ] {
        assert_eq!(Value::Object(user.claims(scope)), claims, "{scope:?}");
    }
}

#[test]
fn each_strategy_asks_for_its_own_members() {
    for (strategy, body, text) in [
        ("sms", json!({}), "Missing required property: connection"),
        ("sms", json!({"connection": "users"}), "Missing required property: phone_number"),
        ("sms", json!({"connection": "users", "phone_number": null}), "Missing required property: phone_number"),
        ("sms", json!({"connection": "users", "phone_number": " +1"}), "String does not match pattern ^\\+[0-9]"),
        (
            "sms",
            json!({"connection": "users", "phone_number": "+1", "email": "a@b.c", "password": "x"}),
            "Additional properties not allowed: email,password",
        ),
        ("sms", json!({"connection": "users", "phone_number": "+1", "nome": 1}), "not allowed: nome"),
        ("sms", json!({"connection": "users", "phone_number": "+1", "user_id": "a b"}), "does not match pattern"),
        ("email", json!({"connection": "users"}), "Missing required property: email"),
        ("email", json!({"connection": "users", "email": "a"}), "validation for format email: a"),
        ("email", json!({"connection": "users", "email": "a@b", "username": "x"}), "not allowed: username"),
        ("auth0", json!({"connection": "users", "email": "a@b"}), "Missing required property: password"),
        ("auth0", json!({"connection": "users", "password": "x"}), "Missing required property: email"),
        (
            "auth0",
            json!({"connection": "users", "email": "a@b", "password": "x", "phone_number": "+1"}),
            "not allowed: phone_number",
        ),
    ] {
        let connection = connection(strategy, json!({}));
        let error = User::create(&body, &connection, &Rng::seeded(1), NOW).unwrap_err();
        assert!(error.message.contains(text), "{body}: {}", error.message);
    }
}

#[test]
fn a_new_user_is_not_verified_and_its_profile_is_completed() {
    let user = made(json!({"connection": "users", "phone_number": "+1", "user_id": "a|b", "name": "Ann"}), "sms");
    assert_eq!((user.user_id.as_str(), user.identity_id()), ("sms|a|b", "a|b"));
    assert_eq!((user.phone_verified, user.email_verified), (Some(false), None));
    assert_eq!(user.profile.keys().collect::<Vec<_>>(), ["name", "nickname", "picture"]);
    assert_eq!(user.profile["name"], "Ann");
    let body = json!({"connection": "users", "email": "Ann@Example.org", "password": "secret",
        "family_name": "Archer", "email_verified": true, "user_metadata": {"a": null}, "app_metadata": {}});
    let (user, password) = User::create(&body, &connection("auth0", json!({})), &Rng::seeded(1), NOW).unwrap();
    assert_eq!(password.unwrap().expose(), "secret");
    assert_eq!((user.email.as_deref(), user.email_verified), (Some("ann@example.org"), Some(true)));
    assert_eq!((user.user_metadata, user.app_metadata), (Some(Map::new()), None));
    assert_eq!(
        (user.profile["nickname"].as_str(), user.profile["family_name"].as_str()),
        (Some("ann"), Some("Archer"))
    );
    assert!(user.profile["picture"].as_str().unwrap().ends_with("%2Favatars%2Fan.png"));
}

#[test]
fn metadata_merge_one_level_deep() {
    let mut user = made(json!({"connection": "users", "phone_number": "+1"}), "sms");
    let sms = connection("sms", json!({}));
    for (sent, both) in [
        (json!({"foo": "bar", "baz": {"x": 1}}), Some(json!({"foo": "bar", "baz": {"x": 1}}))),
        (json!({"baz": {"y": 2}}), Some(json!({"foo": "bar", "baz": {"y": 2}}))),
        (json!({"baz": null, "foo": "bars"}), Some(json!({"foo": "bars"}))),
        (json!({}), None),
    ] {
        user.apply(&json!({"user_metadata": sent, "app_metadata": sent}), &sms, NOW + 5).unwrap();
        assert_eq!(user.view().get("app_metadata"), both.as_ref());
        assert_eq!(user.view().get("user_metadata"), Some(&both.unwrap_or(json!({}))));
    }
    user.apply(&json!({"user_metadata": null, "blocked": true}), &sms, NOW + 5).unwrap();
    assert_eq!((user.view().get("user_metadata"), user.is_blocked(), user.updated_at), (None, true, NOW + 5));
}

#[test]
fn a_change_keeps_to_the_strategy_and_refuses_as_a_whole() {
    let mut user = made(json!({"connection": "users", "phone_number": "+1", "phone_verified": true}), "sms");
    let before = user.clone();
    let sms = connection("sms", json!({}));
    for (patch, text) in [
        (json!({"name": "x", "email": "a@b"}), "Additional properties not allowed: email"),
        (json!({"name": "x", "password": "p"}), "Additional properties not allowed: password"),
        (json!({"name": "x", "user_id": "p"}), "Additional properties not allowed: user_id"),
        (json!({"name": "x", "phone_number": null}), "'Expected type string but found type null' on property phone"),
        (json!({"name": "x", "connection": "other"}), "no identity in this connection"),
    ] {
        let error = user.apply(&patch, &sms, NOW + 1).unwrap_err();
        assert!(error.message.contains(text), "{}", error.message);
        assert_eq!(user, before);
    }
    user.apply(&json!({"nickname": null, "given_name": "Ann", "connection": "users"}), &sms, NOW).unwrap();
    assert_eq!(user.profile.keys().collect::<Vec<_>>(), ["name", "picture", "given_name"]);
    user.apply(&json!({"phone_number": "+2"}), &sms, NOW).unwrap();
    assert_eq!((user.phone_number.as_deref(), user.phone_verified), (Some("+2"), Some(false)));
    user.apply(&json!({"phone_number": "+3", "phone_verified": true}), &sms, NOW).unwrap();
    assert_eq!(user.phone_verified, Some(true));
}

#[test]
fn a_new_password_is_dated() {
    let mut user = made(json!({"connection": "users", "email": "a@b", "password": "x"}), "auth0");
    let auth0 = connection("auth0", json!({}));
    let password = user.apply(&json!({"password": "y", "username": "ANN"}), &auth0, NOW + 7).unwrap();
    assert_eq!((password.unwrap().expose(), user.last_password_reset), ("y", Some(NOW + 7)));
    user.apply(&json!({"email": null}), &auth0, NOW).unwrap();
    assert_eq!((user.username.as_deref(), user.email_verified), (Some("ann"), None));
    assert!(user.apply(&json!({"username": null}), &auth0, NOW).is_err());
    assert!(user.apply(&json!({"password": null}), &auth0, NOW).is_err());
}
