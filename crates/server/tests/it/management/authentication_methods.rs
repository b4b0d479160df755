//! What users have enrolled, as the Management API shows and changes it (C1680-C1690).

use expect_test::expect;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::storage::{DbError, Tx, authenticators};
use serde_json::{Value, json};

use super::{admin, database, good, said};
use crate::world::{Caller, Lines as _, Options, World};

/// A world with a user, `sms|u1`, who has signed in nowhere yet.
pub(super) async fn world() -> World {
    let world = World::new().await;
    user(&world, "u1", "+15550001111").await;
    drop(world.logs().await);
    world
}

pub(super) async fn user(world: &World, id: &str, number: &str) {
    let body = json!({"connection": "sms", "user_id": id, "phone_number": number});
    good(&admin(world).post("/api/v2/users", body).await, 201);
}

pub(super) const METHODS: &str = "/api/v2/users/sms%7Cu1/authentication-methods";

pub(super) async fn add(caller: &Caller<'_>, body: Value) -> String {
    good(&caller.post(METHODS, body).await, 201)["id"].as_str().unwrap().to_owned()
}

pub(super) fn phone(number: &str) -> Value {
    json!({"type": "phone", "phone_number": number})
}

pub(super) async fn write<T: Send + 'static>(
    world: &World,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
) -> T {
    world.app.db.write("test.write", work).await.unwrap()
}

/// Puts an authenticator on record that waits for its first code.
pub(super) async fn begun(world: &World, kind: Kind, number: &str) -> Authenticator {
    let mut one = Authenticator::new(kind, "sms|u1", &world.app.rng, world.app.clock.now());
    one.phone_number = Some(number.to_owned()).filter(|_| kind == Kind::Phone);
    one.about.channels = vec!["sms".to_owned()];
    let kept = one.clone();
    write(world, move |tx| authenticators::put(tx, &kept)).await;
    one
}

#[tokio::test]
async fn methods_are_made_shown_changed_and_removed() {
    let world = world().await;
    let admin = admin(&world);
    let both = json!({"message_types": ["voice", "sms"]});
    good(&admin.put("/api/v2/guardian/factors/phone/message-types", both).await, 200);
    drop(world.logs().await);
    let mut out = String::new();
    for body in [
        json!({"type": "phone", "name": "Work mobile", "phone_number": "+15550100", "preferred_authentication_method": "sms"}),
        json!({"type": "email", "email": "Ann@Example.com"}),
        json!({"type": "totp", "name": "App", "totp_secret": "jbsw y3dp ehpk 3pxp"}),
    ] {
        out.line(good(&admin.post(METHODS, body).await, 201));
        world.clock.advance(1_000);
    }
    expect![[r#"
        {"id":"phone|dev_nelXj5zDiqKvYX2W","type":"phone","confirmed":true,"name":"Work mobile","phone_number":"+15550100","preferred_authentication_method":"sms","authentication_methods":[{"id":"sms|dev_nelXj5zDiqKvYX2W","type":"sms"},{"id":"voice|dev_nelXj5zDiqKvYX2W","type":"voice"}],"created_at":"2026-01-02T03:04:05.678Z","enrolled_at":"2026-01-02T03:04:05.678Z"}
        {"id":"email|dev_vNEuWJfVzDhhouZq","type":"email","confirmed":true,"email":"ann@example.com","created_at":"2026-01-02T03:04:06.678Z","enrolled_at":"2026-01-02T03:04:06.678Z"}
        {"id":"totp|dev_OGOel4nkRhv8pUaM","type":"totp","confirmed":true,"name":"App","created_at":"2026-01-02T03:04:07.678Z","enrolled_at":"2026-01-02T03:04:07.678Z"}
    "#]].assert_eq(&out);
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["sapi: Create an authentication method"; 3]);
    assert!(!logs.to_string().contains("3pxp") && !database(&world).await.contains("JBSWY3DPEHPK3PXP"));

    let all = good(&admin.get(METHODS).await, 200);
    assert_eq!(
        all.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>(),
        out.lines().collect::<Vec<_>>()
    );
    let page = good(&admin.get(&format!("{METHODS}?page=1&per_page=2&include_totals=true")).await, 200);
    assert_eq!(page, json!({"start": 2, "limit": 2, "total": 3, "authenticators": [all[2]]}));

    let id = all[0]["id"].as_str().unwrap().replace('|', "%7C");
    let path = format!("/api/v2/users/sms%7Cu1/authentication-methods/{id}");
    assert_eq!(good(&admin.get(&path).await, 200), all[0]);
    let twin = path.replace("phone%7C", "voice%7C");
    assert_eq!(good(&admin.get(&twin).await, 200), all[0]);
    let change = json!({"name": "Old mobile", "preferred_authentication_method": "voice"});
    let changed = good(&admin.patch(&path, change).await, 200);
    assert_eq!(
        (changed["name"].as_str(), changed["preferred_authentication_method"].as_str()),
        (Some("Old mobile"), Some("voice"))
    );
    assert_eq!(good(&admin.get(&path).await, 200), changed);
    let nameless = good(&admin.patch(&path, json!({"name": null})).await, 200);
    assert_eq!(nameless.get("name"), None);
    drop(world.logs().await);
    assert_eq!(admin.patch(&path, json!({})).await.status, 200);
    let logs = world.logs().await;
    assert_eq!(
        logs.lines(),
        ["gd_update_device_account: MFA device account updated", "sapi: Update an authentication method"]
    );

    assert_eq!(admin.delete(&twin).await.status, 204);
    assert_eq!(
        said(&admin.get(&path).await),
        "404 inexistent_authentication_method: The authentication method does not exist"
    );
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["gd_unenroll", "sapi"]);
    assert_eq!(logs.0[0]["user_id"], "sms|u1");
    let own_id = all[0]["id"].as_str().unwrap().trim_start_matches("phone|");
    assert_eq!(
        logs.0[0]["details"],
        json!({"authenticator": {"id": own_id, "type": "phone", "phone_number": "XXXXX0100"}})
    );
    assert_eq!(admin.delete("/api/v2/users/sms%7Cu1/authentication-methods").await.status, 204);
    assert_eq!(good(&admin.get(METHODS).await, 200), json!([]));
    assert_eq!(world.logs().await.kinds(), ["gd_unenroll", "gd_unenroll", "sapi"]);
}

#[tokio::test]
async fn a_phone_has_the_ways_of_the_tenant_and_the_one_that_is_preferred() {
    let world = world().await;
    let admin = admin(&world);
    let ways = |made: Value| made["authentication_methods"].to_string().replace("dev_", "").matches('|').count();
    let made = good(&admin.post(METHODS, phone("+15550100")).await, 201);
    assert_eq!((ways(made.clone()), made["preferred_authentication_method"].as_str()), (1, Some("sms")));
    let mut body = phone("+15550101");
    body["preferred_authentication_method"] = "voice".into();
    let made = good(&admin.post(METHODS, body).await, 201);
    assert_eq!((ways(made.clone()), made["preferred_authentication_method"].as_str()), (2, Some("voice")));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_list_replaces_what_there_was_or_changes_nothing() {
    let world = world().await;
    let admin = admin(&world);
    add(&admin, phone("+15550100")).await;
    begun(&world, Kind::Phone, "+15550109").await;
    drop(world.logs().await);
    let list = json!([phone("+15550101"), {"type": "email", "email": "ann@example.com"}]);
    let replaced = good(&admin.put(METHODS, list).await, 200);
    assert_eq!(good(&admin.get(METHODS).await, 200), replaced);
    assert_eq!(replaced[0]["phone_number"], "+15550101");
    assert_eq!(world.logs().await.kinds(), ["gd_unenroll", "gd_unenroll", "sapi"]);
    let mut out = String::new();
    for list in [
        json!([phone("+15550102"), phone("+15550102")]),
        json!([phone("+15550102"), {"type": "phone"}]),
        json!([phone("+15550102"), phone("5550102")]),
        json!({"type": "phone"}),
        json!(vec![phone("+15550102"); 21]),
    ] {
        out.line(said(&admin.put(METHODS, list).await));
    }
    expect![[r#"
        409 authentication_method_conflict: The user already has an authentication method of this type and value.
        400 invalid_body: Payload validation error: 'Missing required property: phone_number' on property [1].
        400 invalid_body: Payload validation error: 'String does not match pattern ^\+[0-9]{1,15}$: 5550102' on property [1].phone_number (Number that codes go to).
        400 invalid_body: Payload validation error: 'Expected type array but found type object'.
        400 invalid_body: Payload validation error: 'Array is too long (21), maximum 20'.
    "#]].assert_eq(&out);
    assert_eq!(good(&admin.get(METHODS).await, 200), replaced);
    good(&admin.put(METHODS, json!([])).await, 200);
    assert_eq!(good(&admin.get(METHODS).await, 200), json!([]));
    drop(world.logs().await);
}

#[tokio::test]
async fn bad_bodies_duplicates_and_foreign_ids_are_refused() {
    let world = world().await;
    let admin = admin(&world);
    user(&world, "u2", "+15550002222").await;
    let id = add(&admin, phone("+15550100")).await;
    add(&admin, json!({"type": "email", "email": "ann@example.com"})).await;
    let app = add(&admin, json!({"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"})).await;
    drop(world.logs().await);
    let mut out = String::new();
    for body in [
        json!({}),
        json!({"type": "phone"}),
        json!({"type": "phone", "phone_number": "0155501"}),
        json!({"type": "email", "email": "ann@example.com\r\nBcc: eve@example.com"}),
        json!({"type": "totp"}),
        json!({"type": "totp", "totp_secret": "0189"}),
        json!({"type": "totp", "totp_secret": "AAAA"}),
        json!({"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP", "preferred_authentication_method": "sms"}),
        json!({"type": "passkey"}),
        json!({"type": "phone", "phone_number": "+15550101", "preferred_authentication_method": "fax"}),
        json!({"type": "phone", "phone_number": "+15550101", "confirmed": false}),
        json!({"type": "phone", "phone_number": "+15550101", "name": "n".repeat(257)}),
        phone("+15550100"),
        json!({"type": "email", "email": "ANN@example.com"}),
    ] {
        out.line(said(&admin.post(METHODS, body).await).escape_debug());
    }
    let of =
        |user: &str, id: &str| format!("/api/v2/users/sms%7C{user}/authentication-methods/{}", id.replace('|', "%7C"));
    for path in [
        of("u2", &id),
        of("u3", &id),
        of("u1", id.trim_start_matches("phone|")),
        of("u1", &id.replace("phone", "totp")),
        of("u1", &id.replace("phone", "voice")),
        of("u1", "phone|dev_'"),
    ] {
        out.line(said(&admin.get(&path).await));
        out.line(said(&admin.patch(&path, json!({"name": "x"})).await));
        out.line(said(&admin.delete(&path).await));
    }
    out.line(said(&admin.patch(&of("u1", &app), json!({"preferred_authentication_method": "sms"})).await));
    out.line(said(&admin.patch(&of("u1", &app), json!({"totp_secret": "JBSWY3DPEHPK3PXP"})).await));
    for path in ["authentication-methods", "authenticators", "multifactor/guardian"] {
        out.line(said(&admin.delete(&format!("/api/v2/users/sms%7Cu3/{path}")).await));
    }
    out.line(said(&admin.post("/api/v2/users/sms%7Cu3/authentication-methods", phone("+15550100")).await));
    out.line(said(&admin.put("/api/v2/users/sms%7Cu3/authentication-methods", json!([])).await));
    out.line(said(&admin.get(&format!("{METHODS}?per_page=101")).await));
    expect![[r#"
        400 invalid_body: Payload validation error: \'Missing required property: type\'.
        400 invalid_body: Payload validation error: \'Missing required property: phone_number\'.
        400 invalid_body: Payload validation error: \'String does not match pattern ^\\+[0-9]{1,15}$: 0155501\' on property phone_number (Number that codes go to).
        400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format email: ann@example.com\r\nBcc: eve@example.com\' on property email (Address that codes go to).
        400 invalid_body: Payload validation error: \'Missing required property: totp_secret\'.
        400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format base32: 0189\' on property totp_secret (Base32 encoded secret).
        400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format base32: AAAA\' on property totp_secret (Base32 encoded secret).
        400 invalid_body: preferred_authentication_method is for authentication methods of type phone
        400 invalid_body: Payload validation error: \'No enum match for: passkey\' on property type (What it is).
        400 invalid_body: Payload validation error: \'No enum match for: fax\' on property preferred_authentication_method (How codes go to the phone).
        400 invalid_body: Payload validation error: \'Additional properties not allowed: confirmed\'.
        400 invalid_body: Payload validation error: \'String is too long (257 chars), maximum 256\' on property name (A human-readable label).
        409 authentication_method_conflict: The user already has an authentication method of this type and value.
        409 authentication_method_conflict: The user already has an authentication method of this type and value.
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        404 inexistent_authentication_method: The authentication method does not exist
        400 invalid_body: preferred_authentication_method is for authentication methods of type phone
        400 invalid_body: Payload validation error: 'Additional properties not allowed: totp_secret'.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        400 invalid_query_string: Query validation error: 'Value 101 is greater than maximum 100' on property per_page (Number of results per page).
    "#]].assert_eq(&out);
    assert_eq!(good(&admin.get(METHODS).await, 200).as_array().unwrap().len(), 3);
    drop(world.logs().await);
}

#[tokio::test]
async fn nobody_has_more_than_twenty_and_what_was_begun_makes_room() {
    let world = world().await;
    let admin = admin(&world);
    let waiting = begun(&world, Kind::Phone, "+15550100").await;
    add(&admin, phone("+15550100")).await;
    let all = good(&admin.get(METHODS).await, 200);
    assert!(all[0]["confirmed"] == true && all[1].is_null() && !all.to_string().contains(&waiting.id));
    for last in 1..20 {
        add(&admin, phone(&format!("+155502{last:02}"))).await;
    }
    assert_eq!(
        said(&admin.post(METHODS, phone("+15550300")).await),
        "400 operation_not_supported: The user has as many authentication methods as there can be"
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn of_two_calls_at_the_same_time_one_enrols_a_number() {
    let world = world().await;
    let admin = admin(&world);
    let (one, two) = tokio::join!(admin.post(METHODS, phone("+15550100")), admin.post(METHODS, phone("+15550100")));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(good(&admin.get(METHODS).await, 200).as_array().unwrap().len(), 1);
    drop(world.logs().await);
}

#[tokio::test]
async fn every_row_asks_for_its_scope() {
    let world = World::bare(Options::default()).await;
    let stranger = world.api("update:guardian_factors delete:users");
    let mut out = String::new();
    for answer in [
        stranger.get("/api/v2/guardian/enrollments/dev_1").await,
        stranger.delete("/api/v2/guardian/enrollments/dev_1").await,
        stranger.get("/api/v2/users/u/authentication-methods").await,
        stranger.post("/api/v2/users/u/authentication-methods", json!({})).await,
        stranger.put("/api/v2/users/u/authentication-methods", json!([])).await,
        stranger.delete("/api/v2/users/u/authentication-methods").await,
        stranger.get("/api/v2/users/u/authentication-methods/m").await,
        stranger.patch("/api/v2/users/u/authentication-methods/m", json!({})).await,
        stranger.delete("/api/v2/users/u/authentication-methods/m").await,
        stranger.delete("/api/v2/users/u/authenticators").await,
        stranger.get("/api/v2/users/u/enrollments").await,
        stranger.post("/api/v2/users/u/multifactor/actions/invalidate-remember-browser", json!({})).await,
        stranger.delete("/api/v2/users/u/multifactor/guardian").await,
        stranger.post("/api/v2/users/u/recovery-code-regeneration", json!({})).await,
    ] {
        out.line(said(&answer));
    }
    expect![[r#"
        403 insufficient_scope: Insufficient scope, expected any of: read:guardian_enrollments
        403 insufficient_scope: Insufficient scope, expected any of: delete:guardian_enrollments
        403 insufficient_scope: Insufficient scope, expected any of: read:authentication_methods
        403 insufficient_scope: Insufficient scope, expected any of: create:authentication_methods
        403 insufficient_scope: Insufficient scope, expected any of: update:authentication_methods
        403 insufficient_scope: Insufficient scope, expected any of: delete:authentication_methods
        403 insufficient_scope: Insufficient scope, expected any of: read:authentication_methods
        403 insufficient_scope: Insufficient scope, expected any of: update:authentication_methods
        403 insufficient_scope: Insufficient scope, expected any of: delete:authentication_methods
        403 insufficient_scope: Insufficient scope, expected any of: delete:guardian_enrollments
        403 insufficient_scope: Insufficient scope, expected any of: read:users,read:current_user
        403 insufficient_scope: Insufficient scope, expected any of: update:users
        403 insufficient_scope: Insufficient scope, expected any of: update:users
        403 insufficient_scope: Insufficient scope, expected any of: update:users
    "#]]
    .assert_eq(&out);
    drop(world.logs().await);
}
