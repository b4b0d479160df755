//! Linked identities (C1180-C1189).

use std::fmt::Write as _;

use expect_test::expect;
use ringpass_core::kit::jwt::Alg;
use serde_json::{Value, json};

use super::{admin, good, refusal, said};
use crate::world::{API, Answer, MANAGEMENT, NATIVE, PHONE, WEB, World};

const DATABASE: &str = "Username-Password-Authentication";
const OTHER: &str = "+4915112345679";

fn path(id: &str) -> String {
    format!("/api/v2/users/{}", id.replace('|', "%7C"))
}

/// A user of the database, who signs in by password.
async fn ann(world: &World) -> String {
    let body = json!({"connection": DATABASE, "email": "ann@example.org", "password": "A long passphrase",
        "user_id": "ann", "user_metadata": {"mine": 1}});
    good(&admin(world).post("/api/v2/users", body).await, 201)["user_id"].as_str().unwrap().to_owned()
}

fn named(id: &str) -> Value {
    let (provider, id) = id.split_once('|').unwrap();
    json!({"provider": provider, "user_id": id})
}

async fn link(world: &World, primary: &str, secondary: &str) -> Answer {
    admin(world).post(&format!("/api/v2/users/{}/identities", primary.replace('|', "%7C")), named(secondary)).await
}

#[tokio::test]
async fn a_linked_number_signs_in_the_primary_user() {
    let world = World::new().await;
    let admin = admin(&world);
    let ann = ann(&world).await;
    drop(world.logs().await);
    let own = world.anon().sign_in(PHONE, json!({"scope": "openid offline_access"})).await;
    let sms = world.user(PHONE).await.unwrap().user_id;
    good(&admin.patch(&path(&sms), json!({"user_metadata": {"gone": 1}, "app_metadata": {"gone": 1}})).await, 200);
    let answer = link(&world, &ann, &sms).await;
    expect![[r#"
        201 Created
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        [
          {
            "connection": "Username-Password-Authentication",
            "provider": "auth0",
            "user_id": "ann",
            "isSocial": false
          },
          {
            "connection": "sms",
            "provider": "sms",
            "user_id": "695735a5ad914e3f54c88816",
            "isSocial": false,
            "profileData": {
              "phone_number": "+4915112345678",
              "phone_verified": true,
              "name": "+4915112345678",
              "nickname": "",
              "picture": "https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp"
            }
          }
        ]
    "#]]
    .assert_eq(&answer.to_string());
    // The secondary is no user any more, and what was issued to it is worth nothing.
    assert_eq!(said(&admin.get(&path(&sms)).await), "404 inexistent_user: The user does not exist.");
    assert_eq!(said(&admin.patch(&path(&sms), json!({})).await), "404 inexistent_user: The user does not exist.");
    let all = good(&admin.get("/api/v2/users?include_totals=true&fields=user_id,identities.provider").await, 200);
    let identities = json!([{"provider": "auth0"}, {"provider": "sms"}]);
    assert_eq!((&all["total"], &all["users"]), (&json!(1), &json!([{"user_id": ann, "identities": identities}])));
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": own.text("refresh_token")});
    assert_eq!(
        refusal(&world.anon().post("/oauth/token", refresh.clone()).await),
        "403 invalid_grant: Unknown or invalid refresh token."
    );
    let info = world.nobody().bearer(&own.text("access_token")).get("/userinfo").await;
    assert_eq!(info.status, 401, "{info}");
    // Its number stays taken.
    let again = admin.post("/api/v2/users", json!({"connection": "sms", "phone_number": PHONE})).await;
    assert_eq!(said(&again), "409 auth0_idp_error: The user already exists.");
    drop(world.logs().await);
    // Its number signs in the primary user.
    let tokens = world.anon().sign_in(PHONE, json!({"scope": "openid profile email phone"})).await;
    let claims = world.read_token(&tokens.text("id_token"), "")["claims"].clone();
    assert_eq!(
        (&claims["sub"], &claims["email"], claims.get("phone_number")),
        (&json!("auth0|ann"), &json!("ann@example.org"), None)
    );
    let user = good(&admin.get(&path(&ann)).await, 200);
    assert_eq!((&user["logins_count"], user.get("phone_verified")), (&json!(1), None));
    assert_eq!((&user["user_metadata"], user.get("app_metadata")), (&json!({"mine": 1}), None));
    // A block of the primary user holds for the number too.
    good(&admin.patch(&path(&ann), json!({"blocked": true})).await, 200);
    world.anon().start(PHONE).await;
    let answer = world.anon().redeem(PHONE, "000000", json!({})).await;
    assert_eq!(refusal(&answer), "401 unauthorized: user is blocked");
    assert!(world.gateway.take().is_empty());
    good(&admin.patch(&path(&ann), json!({"blocked": false})).await, 200);
    // Taken apart, both are users again; what ended stays ended.
    let identity = sms.split_once('|').unwrap().1;
    let left = admin.delete(&format!("/api/v2/users/{}/identities/sms/{identity}", "auth0%7Cann")).await;
    assert_eq!(good(&left, 200).as_array().unwrap().len(), 1);
    let user = good(&admin.get(&path(&sms)).await, 200);
    assert_eq!((user.get("user_metadata"), user.get("app_metadata")), (None, None));
    assert_eq!(good(&admin.get("/api/v2/users").await, 200).as_array().unwrap().len(), 2);
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 403);
    drop(world.logs().await);
    let tokens = world.anon().sign_in(PHONE, json!({"scope": "openid"})).await;
    assert_eq!(world.read_token(&tokens.text("id_token"), "")["claims"]["sub"], json!(sms));
}

#[tokio::test]
async fn links_that_make_no_sense_are_refused_and_chains_do_not_arise() {
    let world = World::new().await;
    let admin = admin(&world);
    let ann = ann(&world).await;
    let (one, two) = (world.new_user(PHONE).await, world.new_user(OTHER).await);
    let connection = super::id_of(&world, DATABASE).await;
    let to_ann = "/api/v2/users/auth0%7Cann/identities";
    let mut lines = String::new();
    for (primary, body) in [
        (&ann, named(&ann)),
        (&ann, json!({"provider": "auth0", "user_id": "auth0|ann"})),
        (&ann, json!({"provider": "sms", "user_id": "nobody"})),
        (&ann, json!({"provider": "sms", "user_id": 7})),
        (&ann, json!({"provider": "sms", "user_id": ""})),
        (&ann, json!({"provider": "sms"})),
        (&ann, json!({"provider": "sms", "user_id": "x", "name": "y"})),
        (&ann, json!({"provider": "sms", "user_id": one.split_once('|').unwrap().1, "connection_id": connection})),
        (&"sms|nobody".to_owned(), named(&one)),
    ] {
        let answer = admin.post(&format!("{}/identities", path(primary)), body).await;
        writeln!(lines, "{}", said(&answer)).unwrap();
    }
    good(&link(&world, &one, &two).await, 201);
    for (primary, secondary) in [(&one, &two), (&ann, &two), (&two, &ann), (&two, &one)] {
        writeln!(lines, "{}", said(&link(&world, primary, secondary).await)).unwrap();
    }
    for tail in ["auth0/ann", "sms/nobody", &format!("sms/{}", two.split_once('|').unwrap().1)] {
        writeln!(lines, "{}", said(&admin.delete(&format!("{to_ann}/{tail}")).await)).unwrap();
    }
    expect![[r#"
        400 invalid_body: Main account and specified identity are the same.
        400 invalid_body: Main account and specified identity are the same.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        400 invalid_body: Payload validation error: 'Expected type string but found another' on property user_id (Id of the user to link, without the prefix).
        400 invalid_body: Payload validation error: 'Missing required property: user_id'.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: name'.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        409 identity_conflict: Specified identity already belongs to a user.
        409 identity_conflict: Specified identity already belongs to a user.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        400 operation_not_supported: The main identity of a user cannot be unlinked
        404 inexistent_identity: The identity does not exist
        404 inexistent_identity: The identity does not exist
    "#]].assert_eq(&lines);
    // Whoever has linked identities brings them along.
    let all = good(&link(&world, &ann, &one).await, 201);
    let ids: Vec<&Value> = all.as_array().unwrap().iter().map(|identity| &identity["user_id"]).collect();
    assert_eq!(ids.len(), 3, "{all}");
    assert_eq!(world.user(OTHER).await.unwrap().user_id, ann);
    // The primary user takes its identities with it: the number makes a new user.
    good(&admin.delete(&path(&ann)).await, 204);
    assert_eq!(good(&admin.get("/api/v2/users").await, 200), json!([]));
    drop(world.logs().await);
    world.anon().sign_in(OTHER, json!({})).await;
    assert_ne!(world.user(OTHER).await.unwrap().user_id, two);
}

#[tokio::test]
async fn of_two_opposite_links_at_once_one_is_made() {
    let world = World::new().await;
    let (one, two) = (world.new_user(PHONE).await, world.new_user(OTHER).await);
    for _ in 0..4 {
        let (there, back) = tokio::join!(link(&world, &one, &two), link(&world, &two, &one));
        let mut statuses = [there.status.as_u16(), back.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 404]);
        let (primary, secondary) = if there.status == 201 { (&one, &two) } else { (&two, &one) };
        let tail = secondary.replace('|', "/");
        good(&admin(&world).delete(&format!("{}/identities/{tail}", path(primary))).await, 200);
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn the_connection_of_a_patch_names_the_identity_to_change() {
    let world = World::new().await;
    let admin = admin(&world);
    let (ann, sms) = (ann(&world).await, world.new_user(PHONE).await);
    good(&link(&world, &ann, &sms).await, 201);
    world.new_user("+4915112345600").await;
    let patch = |body: Value| admin.patch("/api/v2/users/auth0%7Cann", body);
    let body = json!({"connection": "sms", "phone_number": OTHER, "name": "Ann", "user_metadata": {"a": 1}});
    let changed = good(&patch(body).await, 200);
    let profile = &changed["identities"][1]["profileData"];
    assert_eq!((&profile["phone_number"], &profile["phone_verified"]), (&json!(OTHER), &json!(false)));
    assert_eq!((&changed["name"], &changed["user_metadata"]), (&json!("Ann"), &json!({"mine": 1, "a": 1})));
    assert_eq!((changed.get("phone_number"), world.user(PHONE).await.is_none()), (None, true));
    let mut lines = String::new();
    for body in [
        json!({"connection": "sms", "phone_number": "+4915112345600"}),
        json!({"connection": "sms", "password": "x"}),
        json!({"connection": "sms", "logins_count": 1}),
        json!({"connection": "mail", "phone_number": PHONE}),
        json!({"phone_number": PHONE}),
    ] {
        writeln!(lines, "{}", said(&patch(body).await)).unwrap();
    }
    expect![[r#"
        409 auth0_idp_error: The user already exists.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: password'.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: logins_count'.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: phone_number'.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: phone_number'.
    "#]]
    .assert_eq(&lines);
    drop(world.logs().await);
    // The first right code confirms the number of the identity.
    world.anon().sign_in(OTHER, json!({})).await;
    let user = good(&admin.get(&path(&ann)).await, 200);
    assert_eq!(user["identities"][1]["profileData"]["phone_verified"], json!(true));
    assert_eq!(user.get("phone_verified"), None);
}

#[tokio::test]
async fn a_user_links_another_account_by_its_id_token() {
    let world = World::new().await;
    world.enable("sms", &[NATIVE, WEB.0]).await;
    let other = world.anon().sign_in(OTHER, json!({"scope": "openid"})).await.text("id_token");
    let for_web = world.web().sign_in(OTHER, json!({"scope": "openid"})).await.text("id_token");
    let asked = "openid read:current_user update:current_user_identities";
    let answer = world.anon().sign_in(PHONE, json!({"audience": MANAGEMENT, "scope": asked})).await;
    assert_eq!(answer.text("scope"), asked);
    let mine = world.nobody().bearer(&answer.text("access_token"));
    let id = world.user(PHONE).await.unwrap().user_id;
    let whose = format!("/api/v2/users/{}", id.replace('|', "%7C"));
    let to_me = format!("{whose}/identities");
    assert_eq!(good(&mine.get(&whose).await, 200)["user_id"], json!(id));
    let claims = world.read_token(&other, "")["claims"].clone();
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        json!({"link_with": world.app.snapshot().keys.current.sign(Alg::Rs256, "JWT", &changed).unwrap()})
    };
    let forged = format!("{}x", &other[..other.len() - 1]);
    let mut lines = String::new();
    for body in [
        named("sms|somebody"),
        json!({"link_with": other, "provider": "sms"}),
        json!({"link_with": "a.b.c"}),
        json!({"link_with": forged}),
        json!({"link_with": for_web}),
        json!({"link_with": answer.text("access_token")}),
        with("aud", json!([NATIVE])),
        with("iss", json!("https://elsewhere.example/")),
        with("exp", json!(world.clock.now() / 1_000)),
        with("sub", json!(id)),
        with("sub", json!("sms|nobody")),
    ] {
        writeln!(lines, "{}", said(&mine.post(&to_me, body).await)).unwrap();
    }
    let theirs = path(&world.user(OTHER).await.unwrap().user_id);
    writeln!(lines, "{}", said(&mine.post(&format!("{theirs}/identities"), json!({"link_with": other})).await))
        .unwrap();
    writeln!(lines, "{}", said(&mine.delete(&format!("{theirs}/identities/sms/x")).await)).unwrap();
    world.block(OTHER, true).await;
    writeln!(lines, "{}", said(&mine.post(&to_me, json!({"link_with": other})).await)).unwrap();
    world.block(OTHER, false).await;
    expect![[r#"
        403 insufficient_scope: Insufficient scope, expected any of: update:users
        400 invalid_body: Payload validation error: 'Additional properties not allowed: provider'.
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
        400 invalid_body: Main account and specified identity are the same.
        404 inexistent_user: The user does not exist.
        403 insufficient_scope: Insufficient scope, expected any of: update:users
        403 insufficient_scope: Insufficient scope, expected any of: update:users
        400 invalid_body: Payload validation error: 'Not an ID token of this server for the calling application, or its time is over' on property link_with (ID token of the user to link).
    "#]].assert_eq(&lines);
    let linked = good(&mine.post(&to_me, json!({"link_with": other})).await, 201);
    assert_eq!(linked[1]["profileData"]["phone_number"], json!(OTHER));
    let logs = world.logs().await;
    assert!(!logs.to_string().contains(&other), "an ID token stands in the log");
    let tail = linked[1]["user_id"].as_str().unwrap();
    let answer = world.anon().sign_in(OTHER, json!({"scope": "openid", "audience": API})).await;
    assert_eq!(world.read_token(&answer.text("access_token"), "")["claims"]["sub"], json!(id));
    // Whoever is blocked does not go on as the other one.
    world.block(PHONE, true).await;
    for answer in [mine.delete(&format!("{to_me}/sms/{tail}")).await, mine.get(&whose).await] {
        assert_eq!(said(&answer), "401 : Invalid token");
    }
    world.block(PHONE, false).await;
    assert_eq!(good(&mine.delete(&format!("{to_me}/sms/{tail}")).await, 200).as_array().unwrap().len(), 1);
    drop(world.logs().await);
}
