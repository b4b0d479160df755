//! Password grants (C1200-C1208).

use std::fmt::Write as _;

use expect_test::expect;
use ringpass_core::model::user::User;
use ringpass_core::storage::{passwords, users};
use serde_json::{Value, json};

use crate::world::{API, Answer, Caller, NATIVE, OTP, PHONE, WEB, World};

const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const RIGHT: &str = "A long passphrase";

/// A world whose native client may use passwords, and a user of the database.
async fn world() -> World {
    let world = World::new().await;
    world.client(NATIVE, json!({"grant_types": [OTP, "refresh_token", "password", REALM]})).await;
    world.enable(DATABASE, &[NATIVE]).await;
    let body = json!({"connection": DATABASE, "email": "Ann@example.org", "username": "ann", "password": RIGHT,
        "user_id": "ann"});
    let made = world.api("create:users").post("/api/v2/users", body).await;
    assert_eq!(made.status, 201, "{made}");
    drop(world.logs().await);
    world
}

async fn sign_in(caller: &Caller<'_>, username: &str, password: &str) -> Answer {
    let body = json!({"grant_type": REALM, "realm": DATABASE, "username": username, "password": password});
    caller.post("/oauth/token", body).await
}

fn said(answer: &Answer) -> String {
    format!("{} {}: {}", answer.status.as_u16(), answer.text("error"), answer.text("error_description"))
}

async fn ann(world: &World) -> User {
    world.app.db.read("test.user", |tx| users::get(tx, "auth0|ann")).await.unwrap().unwrap()
}

/// Stores a hash as an import does.
async fn give(world: &World, hash: &'static str) {
    let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
        let mut user = users::get_for_update(tx, "auth0|ann")?.unwrap();
        user.password_hash = Some(hash.to_owned());
        users::put(tx, &user)
    };
    assert!(world.app.db.write("test.hash", work).await.unwrap());
}

#[tokio::test]
async fn a_right_password_gets_tokens() {
    let world = world().await;
    let body = json!({"grant_type": REALM, "realm": DATABASE, "username": " ANN@example.org", "password": RIGHT,
        "scope": "openid email offline_access read:messages", "audience": API});
    let answer = world.anon().post("/oauth/token", body).await;
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
              "sub": "auth0|ann",
              "aud": [
                "https://api.example/",
                "https://tenant.example/userinfo"
              ],
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "openid email offline_access read:messages",
              "gty": "password",
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
              "email": "ann@example.org",
              "email_verified": false,
              "iss": "https://tenant.example/",
              "sub": "auth0|ann",
              "aud": "cli_native",
              "iat": 1767323045,
              "exp": 1767359045,
              "sid": "dUyjDkft1TTFdA2WsBXnQUZZr7K_9wcd"
            }
          },
          "refresh_token": "v1.CdrdQYYUe33Xh6T9K2aEmXBMYHj73RQyaFqa2E3xmKJwF9jueJfWEW0zNxygUfNOPHURMwA6K2ftehssPdiX4WoUN",
          "scope": "openid email offline_access read:messages",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "sepft",
          "description": "Successful exchange of Password for Access Token",
          "connection": "Username-Password-Authentication",
          "connection_id": "con_8m7ivJROZn09JgGj",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "strategy": "auth0",
          "strategy_type": "database",
          "audience": "https://api.example/",
          "scope": "openid email offline_access read:messages",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let user = ann(&world).await;
    assert_eq!((user.logins_count, user.last_ip.as_deref()), (1, Some("203.0.113.7")));
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": answer.text("refresh_token")});
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 200);
    assert_eq!(sign_in(&world.anon(), "ann", RIGHT).await.status, 200, "by user name");
    assert_eq!(world.logs().await.kinds(), ["sertft", "sepft"]);
    // The plain grant signs in to the tenant's default directory.
    let plain = json!({"grant_type": "password", "username": "ann", "password": RIGHT});
    assert_eq!(
        said(&world.anon().post("/oauth/token", plain.clone()).await),
        "500 server_error: Authorization server not configured with default connection."
    );
    world.tenant(json!({"default_directory": DATABASE})).await;
    let form = [("grant_type", "password"), ("username", "ann"), ("password", RIGHT)];
    assert_eq!(world.anon().form("/oauth/token", &form).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["sepft"]);
}

#[tokio::test]
async fn whoever_is_wrong_learns_nothing() {
    let world = world().await;
    let long = "x".repeat(5_000);
    let mut lines = String::new();
    for (username, password) in [
        ("ann", "wrong"),
        ("ann@example.org", "a long passphrase"),
        ("ann", &*format!("{RIGHT} ")),
        ("bob", RIGHT),
        ("bob@example.org", RIGHT),
        ("+4915112345678", RIGHT),
        (&long, RIGHT),
        ("a\0nn", RIGHT),
        ("%", RIGHT),
        ("ann", &long),
    ] {
        let caller = world.anon().at("198.51.100.1");
        let answer = sign_in(&caller, username, password).await;
        assert_eq!(said(&answer), "403 invalid_grant: Wrong email or password.");
        writeln!(lines, "{}", world.logs().await.lines().join(", ")).unwrap();
    }
    expect![[r#"
        fp: Wrong email or password., fepft: Wrong email or password.
        fp: Wrong email or password., fepft: Wrong email or password.
        fp: Wrong email or password., fepft: Wrong email or password.
        fu: Wrong email or password., fepft: Wrong email or password.
        fu: Wrong email or password., fepft: Wrong email or password.
        fu: Wrong email or password., fepft: Wrong email or password.
        fu: Wrong email or password., fepft: Wrong email or password.
        fu: Wrong email or password., fepft: Wrong email or password.
        fu: Wrong email or password., fepft: Wrong email or password.
        fp: Wrong email or password., fepft: Wrong email or password.
    "#]]
    .assert_eq(&lines);
    // Only who knows the password learns of a block.
    let block = world.api("update:users").patch("/api/v2/users/auth0%7Cann", json!({"blocked": true})).await;
    assert_eq!(block.status, 200);
    assert_eq!(said(&sign_in(&world.anon(), "ann", "wrong").await), "403 invalid_grant: Wrong email or password.");
    assert_eq!(said(&sign_in(&world.anon(), "ann", RIGHT).await), "401 unauthorized: user is blocked");
    assert_eq!(world.logs().await.kinds(), ["sapi", "fp", "fepft", "fepft"]);
    assert_eq!(ann(&world).await.logins_count, 0);
}

#[tokio::test]
async fn requests_that_cannot_be_are_refused() {
    let world = world().await;
    world.client(WEB.0, json!({"grant_types": [OTP, REALM]})).await;
    let mut lines = String::new();
    for body in [
        json!({"grant_type": REALM, "username": "ann", "password": RIGHT}),
        json!({"grant_type": REALM, "realm": DATABASE, "password": RIGHT}),
        json!({"grant_type": REALM, "realm": DATABASE, "username": "ann"}),
        json!({"grant_type": REALM, "realm": DATABASE, "username": "ann", "password": 7}),
        json!({"grant_type": REALM, "realm": "nowhere", "username": "ann", "password": RIGHT}),
        json!({"grant_type": REALM, "realm": "sms", "username": PHONE, "password": RIGHT}),
        json!({"grant_type": REALM, "realm": DATABASE, "username": "ann", "password": RIGHT, "audience": "urn:x"}),
    ] {
        writeln!(lines, "{}", said(&world.anon().post("/oauth/token", body).await)).unwrap();
    }
    writeln!(lines, "{}", said(&sign_in(&world.web(), "ann", RIGHT).await)).unwrap();
    let plain = json!({"grant_type": "password", "username": "ann", "password": RIGHT});
    writeln!(lines, "{}", said(&world.web().post("/oauth/token", plain).await)).unwrap();
    expect![[r#"
        400 invalid_request: Missing required parameter: realm
        400 invalid_request: Missing required parameter: username
        400 invalid_request: Missing required parameter: password
        400 invalid_request: Parameter must be a string: password
        400 invalid_request: Unknown realm nowhere.
        400 invalid_request: Unknown realm sms.
        403 access_denied: Service not found: urn:x
        400 invalid_request: Unknown realm Username-Password-Authentication.
        403 unauthorized_client: Grant type 'password' not allowed for the client.
    "#]]
    .assert_eq(&lines);
    assert_eq!(world.logs().await.kinds(), ["fepft"; 5], "unknown realms, API and grant");
}

#[tokio::test]
async fn guesses_end_in_a_block_also_when_many_come_at_once() {
    let world = world().await;
    for _ in 0..6 {
        assert_eq!(sign_in(&world.anon(), "ann", "wrong").await.status, 403);
    }
    let caller = world.anon();
    let guess = || sign_in(&caller, "Ann", "wrong");
    let answers = tokio::join!(guess(), guess(), guess(), guess(), guess(), guess());
    let statuses =
        [&answers.0, &answers.1, &answers.2, &answers.3, &answers.4, &answers.5].map(|it| it.status.as_u16());
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 4, "{statuses:?}");
    let logs = world.logs().await.kinds();
    assert_eq!(logs.iter().filter(|kind| *kind == "limit_wc").count(), 1);
    let answer = sign_in(&world.anon(), "ann", RIGHT).await;
    assert_eq!((answer.status.as_u16(), answer.text("error")), (429, "too_many_attempts".to_owned()));
    assert_eq!(sign_in(&world.anon(), "ann@example.org", RIGHT).await.status, 200, "another name, another count");
    assert_eq!(sign_in(&world.anon().at("198.51.100.1"), "ann", RIGHT).await.status, 200);
    // A new password lifts the block.
    let patch = json!({"password": RIGHT});
    assert_eq!(world.api("update:users").patch("/api/v2/users/auth0%7Cann", patch).await.status, 200);
    assert_eq!(sign_in(&world.anon(), "ann", RIGHT).await.status, 200);
    // Failures in a row: a success forgets them.
    for _ in 0..3 {
        for _ in 0..8 {
            assert_eq!(sign_in(&world.anon().at("198.51.100.1"), "ann", "wrong").await.status, 403);
        }
        assert_eq!(sign_in(&world.anon().at("198.51.100.1"), "ann", RIGHT).await.status, 200);
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_foreign_hash_is_replaced_at_the_first_sign_in() {
    let world = world().await;
    // The password is U*U.
    let bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    give(&world, bcrypt).await;
    assert_eq!(sign_in(&world.anon(), "ann", "u*u").await.status, 403);
    assert_eq!(ann(&world).await.password_hash.as_deref(), Some(bcrypt), "a wrong password replaces nothing");
    let (there, back) = (world.anon(), world.anon());
    let both = tokio::join!(sign_in(&there, "ann", "U*U"), sign_in(&back, "ann", "U*U"));
    assert_eq!((both.0.status.as_u16(), both.1.status.as_u16()), (200, 200));
    let stored = ann(&world).await.password_hash.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(sign_in(&world.anon(), "ann", "U*U").await.status, 200);
    assert_eq!(ann(&world).await.password_hash.as_ref(), Some(&stored), "a good hash stays");
    // A change that came first is not undone.
    let replace = |tx: &mut ringpass_core::storage::Tx<'_>| passwords::replace(tx, "auth0|ann", "another", "lost");
    world.app.db.write("test.replace", replace).await.unwrap();
    assert_eq!(ann(&world).await.password_hash.as_ref(), Some(&stored));
    // A hash that asks for too much opens to nobody.
    give(&world, "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").await;
    assert_eq!(sign_in(&world.anon(), "ann", "U*U").await.status, 403);
    drop(world.logs().await);
}

#[tokio::test]
async fn the_password_of_a_linked_identity_signs_in_the_primary_user() {
    let world = world().await;
    let sms = world.new_user(PHONE).await;
    let to = format!("/api/v2/users/{}/identities", sms.replace('|', "%7C"));
    let link = world.api("update:users").post(&to, json!({"provider": "auth0", "user_id": "ann"})).await;
    assert_eq!(link.status, 201, "{link}");
    let body = json!({"grant_type": REALM, "realm": DATABASE, "username": "ann", "password": RIGHT, "scope": "openid"});
    let answer = world.anon().post("/oauth/token", body).await;
    assert_eq!(world.read_token(&answer.text("id_token"), "")["claims"]["sub"], json!(sms));
    // Its password is changed by the connection's name.
    let whose = format!("/api/v2/users/{}", sms.replace('|', "%7C"));
    let patch: Value = json!({"connection": DATABASE, "password": "Another passphrase"});
    assert_eq!(world.api("update:users").patch(&whose, patch).await.status, 200);
    assert_eq!(sign_in(&world.anon(), "ann", RIGHT).await.status, 403);
    assert_eq!(sign_in(&world.anon(), "ann", "Another passphrase").await.status, 200);
    drop(world.logs().await);
}
