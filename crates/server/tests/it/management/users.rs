//! Users (C741-C753).

use std::fmt::Write as _;

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, database, good, refusal, said};
use crate::world::{Caller, PHONE, World};

const DATABASE: &str = "Username-Password-Authentication";

async fn made(caller: &Caller<'_>, body: Value) -> (String, Value) {
    let user = good(&caller.post("/api/v2/users", body).await, 201);
    let id = user["user_id"].as_str().unwrap().replace('|', "%7C");
    (format!("/api/v2/users/{id}"), user)
}

#[tokio::test]
async fn a_user_of_sms_is_made_by_number() {
    let world = World::new().await;
    let admin = admin(&world);
    let (path, user) = made(&admin, json!({"connection": "sms", "phone_number": PHONE})).await;
    expect![[r#"
        {
          "user_id": "sms|695735a5ad910e3d8ae425d7",
          "phone_number": "+4915112345678",
          "phone_verified": false,
          "name": "+4915112345678",
          "nickname": "",
          "picture": "https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp",
          "identities": [
            {
              "connection": "sms",
              "provider": "sms",
              "user_id": "695735a5ad910e3d8ae425d7",
              "isSocial": false
            }
          ],
          "created_at": "2026-01-02T03:04:05.678Z",
          "updated_at": "2026-01-02T03:04:05.678Z"
        }"#]]
    .assert_eq(&format!("{user:#}"));
    assert_eq!(good(&admin.get(&path).await, 200), user);
    assert_eq!(good(&admin.get(&path.replace("%7C", "|")).await, 200), user);
    let again = admin.post("/api/v2/users", json!({"connection": "sms", "phone_number": PHONE})).await;
    assert_eq!(said(&again), "409 auth0_idp_error: The user already exists.");
    let (_, chosen) = made(&admin, json!({"connection": "sms", "phone_number": "+4915112345679", "user_id": "my-id", "phone_verified": true, "blocked": false})).await;
    assert_eq!(
        (&chosen["user_id"], &chosen["phone_verified"], &chosen["blocked"]),
        (&json!("sms|my-id"), &json!(true), &json!(false))
    );
    let taken = admin
        .post("/api/v2/users", json!({"connection": "sms", "phone_number": "+4915112345670", "user_id": "my-id"}))
        .await;
    assert_eq!(said(&taken), "409 auth0_idp_error: The user already exists.");
    // The user who signs in with the number is this one.
    world.logs().await;
    let code = world.anon().code(PHONE).await;
    assert_eq!(world.anon().redeem(PHONE, &code, json!({})).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["s"], "no new user");
    let signed_in = good(&admin.get(&path).await, 200);
    assert_eq!(
        (&signed_in["logins_count"], &signed_in["phone_verified"], &signed_in["user_id"]),
        (&json!(1), &json!(true), &user["user_id"])
    );
    let chosen =
        good(&admin.get(&format!("{path}?fields=phone_number,identities.provider,user_metadata.color")).await, 200);
    assert_eq!(chosen, json!({"phone_number": PHONE, "identities": [{"provider": "sms"}]}));
}

#[tokio::test]
async fn members_belong_to_strategies() {
    let world = World::new().await;
    let admin = admin(&world);
    good(&admin.post("/api/v2/connections", json!({"name": "mail", "strategy": "email"})).await, 201);
    let mut lines = String::new();
    for body in [
        json!({}),
        json!({"phone_number": PHONE}),
        json!({"connection": "nowhere", "phone_number": PHONE}),
        json!({"connection": "SMS", "phone_number": PHONE}),
        json!({"connection": "sms"}),
        json!({"connection": "sms", "phone_number": null}),
        json!({"connection": "sms", "phone_number": "0151 12345678"}),
        json!({"connection": "sms", "phone_number": " +4915112345678"}),
        json!({"connection": "sms", "phone_number": "+1234567890123456"}),
        json!({"connection": "sms", "phone_number": 4_915_112_345_678_i64}),
        json!({"connection": "sms", "phone_number": PHONE, "password": "A long passphrase"}),
        json!({"connection": "sms", "phone_number": PHONE, "email": "a@b.example"}),
        json!({"connection": "sms", "phone_number": PHONE, "username": "ann"}),
        json!({"connection": "sms", "phone_number": PHONE, "roles": []}),
        json!({"connection": "sms", "phone_number": PHONE, "user_metadata": "x"}),
        json!({"connection": "sms", "phone_number": PHONE, "user_id": "a b"}),
        json!({"connection": "mail"}),
        json!({"connection": "mail", "email": "no-address"}),
        json!({"connection": "mail", "email": "a@b.example", "phone_number": PHONE}),
        json!({"connection": DATABASE, "email": "a@b.example"}),
        json!({"connection": DATABASE, "password": "A long passphrase"}),
        json!({"connection": DATABASE, "email": "a@b.example", "password": ""}),
    ] {
        writeln!(lines, "{}", said(&admin.post("/api/v2/users", body).await)).unwrap();
    }
    expect![[r#"
        400 invalid_body: Payload validation error: 'Missing required property: connection'.
        400 invalid_body: Payload validation error: 'Missing required property: connection'.
        400 inexistent_connection: The connection does not exist.
        400 inexistent_connection: The connection does not exist.
        400 invalid_body: Payload validation error: 'Missing required property: phone_number'.
        400 invalid_body: Payload validation error: 'Missing required property: phone_number'.
        400 invalid_body: Payload validation error: 'String does not match pattern ^\+[0-9]{1,15}$: 0151 12345678' on property phone_number (Phone number).
        400 invalid_body: Payload validation error: 'String does not match pattern ^\+[0-9]{1,15}$:  +4915112345678' on property phone_number (Phone number).
        400 invalid_body: Payload validation error: 'String does not match pattern ^\+[0-9]{1,15}$: +1234567890123456' on property phone_number (Phone number).
        400 invalid_body: Payload validation error: 'Expected type string but found type integer' on property phone_number (Phone number).
        400 invalid_body: Payload validation error: 'Additional properties not allowed: password'.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: email'.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: username'.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: roles'.
        400 invalid_body: Payload validation error: 'Expected type object but found type string' on property user_metadata (Data of the user).
        400 invalid_body: Payload validation error: 'String does not match pattern ^[^\s\x00-\x1f]{1,255}$: a b' on property user_id (Chosen id, without the prefix).
        400 invalid_body: Payload validation error: 'Missing required property: email'.
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format email: no-address' on property email (E-mail address).
        400 invalid_body: Payload validation error: 'Additional properties not allowed: phone_number'.
        400 invalid_body: Payload validation error: 'Missing required property: password'.
        400 invalid_body: Payload validation error: 'Missing required property: email'.
        400 invalid_body: Payload validation error: 'String is too short (0 chars), minimum 1' on property password (Password).
    "#]].assert_eq(&lines);
    assert_eq!(good(&admin.get("/api/v2/users").await, 200), json!([]));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_password_is_hashed_and_never_shown() {
    let world = World::new().await;
    let admin = admin(&world);
    let body = json!({"connection": DATABASE, "email": "Ann@Example.org", "password": "First long passphrase"});
    let (path, user) = made(&admin, body).await;
    expect![[r#"
        {
          "user_id": "auth0|695735a5ad910e3d8ae425d7",
          "email": "ann@example.org",
          "email_verified": false,
          "name": "ann@example.org",
          "nickname": "ann",
          "picture": "https://s.gravatar.com/avatar/8b5a6a28fc840441be692d74a81ccd1a?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fan.png",
          "identities": [
            {
              "connection": "Username-Password-Authentication",
              "provider": "auth0",
              "user_id": "695735a5ad910e3d8ae425d7",
              "isSocial": false
            }
          ],
          "created_at": "2026-01-02T03:04:05.678Z",
          "updated_at": "2026-01-02T03:04:05.678Z"
        }"#]].assert_eq(&format!("{user:#}"));
    let hash = |rows: String| {
        let at = rows.find("$argon2id$").expect("a hash");
        rows[at..].chars().take(60).collect::<String>()
    };
    let first = hash(database(&world).await);
    assert!(first.starts_with("$argon2id$v=19$m="), "{first}");
    let changed =
        good(&admin.patch(&path, json!({"password": "Second long passphrase", "connection": DATABASE})).await, 200);
    assert!(changed["last_password_reset"].is_string() && changed.get("password").is_none());
    let rows = database(&world).await;
    for clear in ["First long passphrase", "Second long passphrase"] {
        assert!(!rows.contains(clear), "{clear} lies in the database");
    }
    let logs = world.logs().await;
    assert!(logs.0.iter().all(|event| event["details"]["request"]["body"]["password"] == "*****"), "{logs}");
    assert!(!logs.to_string().contains("argon2"));
    assert_eq!(good(&admin.get("/api/v2/users-by-email?email=ANN@example.ORG").await, 200), json!([changed]));
    assert_eq!(good(&admin.get("/api/v2/users-by-email?email=bob@example.org").await, 200), json!([]));
    let missing = admin.get("/api/v2/users-by-email").await;
    assert_eq!(said(&missing), "400 invalid_query_string: Query validation error: 'Missing required property: email'.");
    let body = json!({"connection": DATABASE, "email": "ann@example.org", "password": "Third long passphrase"});
    let again = admin.post("/api/v2/users", body).await;
    assert_eq!(said(&again), "409 auth0_idp_error: The user already exists.");
    drop(world.logs().await);
}

#[tokio::test]
async fn metadata_merge_one_level_deep() {
    let world = World::new().await;
    let admin = admin(&world);
    let (path, user) = made(&admin, json!({"connection": "sms", "phone_number": PHONE})).await;
    assert_eq!(good(&admin.patch(&path, json!({})).await, 200)["user_id"], user["user_id"]);
    for (patch, user_metadata, app_metadata) in [
        (
            json!({"foo": "bar", "baz": {"a": 1, "b": 2}}),
            json!({"foo": "bar", "baz": {"a": 1, "b": 2}}),
            json!({"foo": "bar", "baz": {"a": 1, "b": 2}}),
        ),
        (json!({"baz": {"c": 3}}), json!({"foo": "bar", "baz": {"c": 3}}), json!({"foo": "bar", "baz": {"c": 3}})),
        (json!({"baz": null, "foo": "bars"}), json!({"foo": "bars"}), json!({"foo": "bars"})),
        (json!({"foo": null}), json!({}), Value::Null),
        (json!({"x": "y"}), json!({"x": "y"}), json!({"x": "y"})),
        (json!({}), json!({}), Value::Null),
    ] {
        let patched = good(&admin.patch(&path, json!({"user_metadata": patch, "app_metadata": patch})).await, 200);
        assert_eq!((&patched["user_metadata"], &patched["app_metadata"]), (&user_metadata, &app_metadata), "{patch}");
        assert_eq!(good(&admin.get(&path).await, 200), patched);
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_user_is_changed_blocked_and_deleted() {
    let world = World::new().await;
    let admin = admin(&world);
    let tokens = world.anon().sign_in(PHONE, json!({"scope": "openid offline_access"})).await;
    let id = world.user(PHONE).await.unwrap().user_id;
    let path = format!("/api/v2/users/{}", id.replace('|', "%7C"));
    let other = world.new_user("+4915112345679").await;
    let mut lines = String::new();
    for patch in [
        json!({"phone_number": "+4915112345679"}),
        json!({"phone_number": null}),
        json!({"email": "a@b.example"}),
        json!({"password": "x"}),
        json!({"user_id": "sms|x"}),
        json!({"blocked": "yes"}),
        json!({"connection": "mail"}),
        json!({"logins_count": 0}),
    ] {
        writeln!(lines, "{patch}\n  {}", said(&admin.patch(&path, patch.clone()).await)).unwrap();
    }
    expect![[r#"
        {"phone_number":"+4915112345679"}
          409 auth0_idp_error: The user already exists.
        {"phone_number":null}
          400 invalid_body: Payload validation error: 'Expected type string but found type null' on property phone_number.
        {"email":"a@b.example"}
          400 invalid_body: Payload validation error: 'Additional properties not allowed: email'.
        {"password":"x"}
          400 invalid_body: Payload validation error: 'Additional properties not allowed: password'.
        {"user_id":"sms|x"}
          400 invalid_body: Payload validation error: 'Additional properties not allowed: user_id'.
        {"blocked":"yes"}
          400 invalid_body: Payload validation error: 'Expected type boolean but found type string' on property blocked (Whether the user may not sign in).
        {"connection":"mail"}
          400 invalid_body: The user has no identity in this connection
        {"logins_count":0}
          400 invalid_body: Payload validation error: 'Additional properties not allowed: logins_count'.
    "#]].assert_eq(&lines);
    let patched = good(&admin.patch(&path, json!({"name": "Ann", "picture": null, "given_name": "Ann"})).await, 200);
    assert_eq!(
        (&patched["name"], patched.get("picture"), &patched["phone_verified"]),
        (&json!("Ann"), None, &json!(true))
    );
    // Blocked: neither the refresh token nor a new code helps.
    assert_eq!(good(&admin.patch(&path, json!({"blocked": true})).await, 200)["blocked"], true);
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    assert_eq!(refusal(&world.anon().post("/oauth/token", refresh.clone()).await), "401 unauthorized: user is blocked");
    world.anon().start(PHONE).await;
    drop(world.logs().await);
    drop(world.gateway.take());
    assert_eq!(good(&admin.patch(&path, json!({"blocked": false})).await, 200)["blocked"], false);
    assert_eq!(world.anon().post("/oauth/token", refresh.clone()).await.status, 200);
    good(&admin.delete(&path).await, 204);
    good(&admin.delete(&path).await, 204);
    for answer in [admin.get(&path).await, admin.patch(&path, json!({})).await] {
        assert_eq!(said(&answer), "404 inexistent_user: The user does not exist.");
    }
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 403);
    let left = good(&admin.get("/api/v2/users?include_totals=true&fields=user_id").await, 200);
    assert_eq!(left, json!({"start": 0, "limit": 50, "length": 1, "total": 1, "users": [{"user_id": other}]}));
    drop(world.logs().await);
}

#[tokio::test]
async fn lists_are_paged_and_sorted() {
    let world = World::new().await;
    let admin = admin(&world);
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(world.new_user(&format!("+491511234567{number}")).await);
        world.clock.advance(1_000);
    }
    let listed = |answer: Value| -> Vec<String> {
        let users = answer.get("users").unwrap_or(&answer).as_array().unwrap().clone();
        users.iter().map(|user| user["user_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(good(&admin.get("/api/v2/users").await, 200)), ids);
    assert_eq!(listed(good(&admin.get("/api/v2/users?per_page=2&page=1").await, 200)), ids[2..]);
    let reversed: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(listed(good(&admin.get("/api/v2/users?sort=created_at:-1").await, 200)), reversed);
    let page = good(&admin.get("/api/v2/users?include_totals=true&per_page=2&page=1").await, 200);
    assert_eq!(
        (&page["start"], &page["limit"], &page["length"], &page["total"]),
        (&json!(2), &json!(2), &json!(1), &json!(3))
    );
    assert_eq!(good(&admin.get("/api/v2/users?per_page=100&page=9").await, 200), json!([]));
    let beyond = admin.get("/api/v2/users?per_page=100&page=10").await;
    assert_eq!(
        said(&beyond),
        "400 invalid_paging: You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
    );
    good(&admin.get("/api/v2/users?search_engine=v3&q=&sort=created_at:1").await, 200);
}

#[tokio::test]
async fn narrow_scopes_open_narrow_doors() {
    let world = World::new().await;
    let id = world.new_user(PHONE).await;
    let path = format!("/api/v2/users/{}", id.replace('|', "%7C"));
    let app = world.api("update:users_app_metadata");
    good(&app.patch(&path, json!({"app_metadata": {"a": 1}})).await, 200);
    for body in [
        json!({"app_metadata": {"a": 1}, "blocked": true}),
        json!({"user_metadata": {"a": 1}}),
        json!({"blocked": true}),
    ] {
        assert_eq!(
            said(&app.patch(&path, body).await),
            "403 insufficient_scope: Insufficient scope, expected any of: update:users"
        );
    }
    // The scopes of a user's own token say nothing in the hand of a client.
    for scope in ["read:current_user", "update:current_user_metadata", "delete:current_user"] {
        let caller = world.api(scope);
        let answers = [
            caller.get(&path).await,
            caller.patch(&path, json!({"user_metadata": {"a": 1}})).await,
            caller.delete(&path).await,
        ];
        assert_eq!(answers.map(|answer| answer.status.as_u16()), [403, 403, 403], "{scope}");
    }
    assert!(world.user(PHONE).await.unwrap().user_metadata.is_none());
    drop(world.logs().await);
}
