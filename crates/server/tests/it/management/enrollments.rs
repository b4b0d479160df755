//! Enrolments by the older calls, multi-factor providers, recovery codes, and what users show of them (C1690-C1703).

use expect_test::expect;
use ringpass_core::model::authenticator::Kind;
use ringpass_core::storage::authenticators;
use ringpass_core::storage::known_origins::{self, Key};
use serde_json::{Value, json};

use super::authentication_methods::{METHODS, add, begun, phone, user, world, write};
use super::{admin, database, good, said};
use crate::world::{Lines as _, MANAGEMENT, PHONE, World};

async fn factor(world: &World, name: &str) {
    let on = json!({"enabled": true});
    good(&admin(world).put(&format!("/api/v2/guardian/factors/{name}"), on).await, 200);
}

/// Remembers a browser of the user; whether it is still known.
async fn remember(world: &World) {
    let now = world.app.clock.now();
    write(world, move |tx| known_origins::see(tx, KEY, now, now + 1_000_000)).await;
}

async fn is_remembered(world: &World) -> bool {
    let now = world.app.clock.now();
    write(world, move |tx| known_origins::get(tx, KEY, now)).await.is_some()
}

const KEY: Key<'static> = Key { user_id: "sms|u1", kind: known_origins::Kind::Remembered, hash: "h" };

#[tokio::test]
async fn enrollments_show_phones_and_applications_with_masked_numbers() {
    let world = world().await;
    let admin = admin(&world);
    let id = add(&admin, json!({"type": "phone", "name": "Work", "phone_number": "+15550100"})).await;
    add(&admin, json!({"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"})).await;
    let mail = add(&admin, json!({"type": "email", "email": "ann@example.com"})).await;
    begun(&world, Kind::Phone, "+15550199").await;
    let mut out = String::new();
    let listed = good(&admin.get("/api/v2/users/sms%7Cu1/enrollments").await, 200);
    listed.as_array().unwrap().iter().for_each(|one| out.line(one));
    let own = |id: &str| id.split_once('|').unwrap().1.to_owned();
    out.line(good(&admin.get(&format!("/api/v2/guardian/enrollments/{}", own(&id))).await, 200));
    let clear = json!({"flags": {"disable_management_api_sms_obfuscation": true}});
    good(&admin.patch("/api/v2/tenants/settings", clear).await, 200);
    out.line(good(&admin.get(&format!("/api/v2/guardian/enrollments/{}", own(&id))).await, 200));
    let listed = good(&admin.get("/api/v2/users/sms%7Cu1/enrollments").await, 200);
    out.line(&listed[0]);
    expect![[r#"
        {"id":"dev_DGDPItjYqPQKLvTY","status":"confirmed","type":"SMS","name":"Work","phone_number":"XXXXX0100","auth_method":"sms","enrolled_at":"2026-01-02T03:04:05.678Z"}
        {"id":"dev_OGOel4nkRhv8pUaM","status":"pending","type":"SMS","phone_number":"XXXXX0199","auth_method":"sms"}
        {"id":"dev_nelXj5zDiqKvYX2W","status":"confirmed","type":"authenticator","auth_method":"authenticator","enrolled_at":"2026-01-02T03:04:05.678Z"}
        {"id":"dev_DGDPItjYqPQKLvTY","status":"confirmed","name":"Work","phone_number":"XXXXX0100","enrolled_at":"2026-01-02T03:04:05.678Z"}
        {"id":"dev_DGDPItjYqPQKLvTY","status":"confirmed","name":"Work","phone_number":"+15550100","enrolled_at":"2026-01-02T03:04:05.678Z"}
        {"id":"dev_DGDPItjYqPQKLvTY","status":"confirmed","type":"SMS","name":"Work","phone_number":"+15550100","auth_method":"sms","enrolled_at":"2026-01-02T03:04:05.678Z"}
    "#]].assert_eq(&out);
    drop(world.logs().await);
    for path in ["dev_0000000000000001".to_owned(), own(&mail), id.replace('|', "%7C")] {
        let path = format!("/api/v2/guardian/enrollments/{path}");
        let refused = r#"{"statusCode":404,"error":"Not Found","message":"Enrollment not found","errorCode":"enrollment_not_found"}"#;
        assert_eq!(admin.get(&path).await.json().to_string(), refused);
        assert_eq!(admin.delete(&path).await.json().to_string(), refused);
    }
    assert_eq!(world.logs().await.kinds(), ["fapi"; 3]);
    assert_eq!(admin.delete(&format!("/api/v2/guardian/enrollments/{}", own(&id))).await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["gd_unenroll", "sapi"]);
    assert_eq!(admin.get("/api/v2/users/sms%7Cu3/enrollments").await.status, 404);
}

#[tokio::test]
async fn a_person_sees_their_own_enrollments_only() {
    let world = World::new().await;
    let asked = json!({"audience": MANAGEMENT, "scope": "openid read:current_user"});
    let token = world.anon().sign_in(PHONE, asked).await.text("access_token");
    let own = world.nobody().bearer(&token);
    let id = world.user(PHONE).await.unwrap().user_id.replace('|', "%7C");
    assert_eq!(good(&own.get(&format!("/api/v2/users/{id}/enrollments")).await, 200), json!([]));
    assert_eq!(
        said(&own.get("/api/v2/users/sms%7Cu2/enrollments").await),
        "403 insufficient_scope: Insufficient scope, expected any of: read:users"
    );
    let methods = own.get(&format!("/api/v2/users/{id}/authentication-methods")).await;
    assert_eq!(methods.status, 403);
    drop(world.logs().await);
}

#[tokio::test]
async fn providers_are_removed_and_remembered_browsers_go_with_the_last_factor() {
    let world = world().await;
    let admin = admin(&world);
    let path = |provider: &str| format!("/api/v2/users/sms%7Cu1/multifactor/{provider}");
    add(&admin, phone("+15550100")).await;
    add(&admin, json!({"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"})).await;
    remember(&world).await;
    drop(world.logs().await);
    assert_eq!(admin.delete("/api/v2/users/sms%7Cu1/multifactor/duo").await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
    assert_eq!(admin.delete(&path("google-authenticator")).await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["gd_unenroll", "sapi"]);
    assert!(is_remembered(&world).await, "the phone is still there");
    assert_eq!(admin.delete(&path("guardian")).await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["gd_unenroll", "sapi"]);
    assert!(!is_remembered(&world).await);
    assert_eq!(good(&admin.get(METHODS).await, 200), json!([]));
    assert_eq!(
        said(&admin.delete(&path("pigeon")).await),
        "400 invalid_uri: Path validation error: 'Invalid value \"pigeon\"' on property provider (Multi-factor provider)."
    );
    add(&admin, phone("+15550100")).await;
    remember(&world).await;
    let forget = "/api/v2/users/sms%7Cu1/multifactor/actions/invalidate-remember-browser";
    assert_eq!(admin.post(forget, json!({})).await.status, 204);
    assert!(!is_remembered(&world).await);
    remember(&world).await;
    assert_eq!(admin.delete("/api/v2/users/sms%7Cu1/authenticators").await.status, 204);
    assert!(!is_remembered(&world).await);
    assert_eq!(
        said(&admin.post("/api/v2/users/sms%7Cu3/multifactor/actions/invalidate-remember-browser", json!({})).await),
        "404 inexistent_user: The user does not exist."
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn a_recovery_code_is_shown_once_and_only_where_there_is_something_to_recover() {
    let world = world().await;
    let admin = admin(&world);
    let path = "/api/v2/users/sms%7Cu1/recovery-code-regeneration";
    assert_eq!(
        said(&admin.post(path, json!({})).await),
        "400 operation_not_supported: The factor recovery-code is not enabled"
    );
    factor(&world, "recovery-code").await;
    assert_eq!(said(&admin.post(path, json!({})).await), "404 enrollment_not_found: Enrollment not found");
    add(&admin, phone("+15550100")).await;
    drop(world.logs().await);
    let code = |answer: Value| answer["recovery_code"].as_str().unwrap().to_owned();
    let first = code(good(&admin.post(path, json!({})).await, 200));
    let second = code(good(&admin.post(path, json!({})).await, 200));
    assert!(first != second && first.len() == 24 && first.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["sapi", "sapi"]);
    let kept = database(&world).await;
    assert!([&first, &second].iter().all(|code| !logs.to_string().contains(*code) && !kept.contains(*code)));
    let key = world.app.hash_key.clone();
    let good_now = write(&world, move |tx| {
        use ringpass_core::model::authenticator::recovery_hash;
        let old = authenticators::use_recovery(tx, "sms|u1", &recovery_hash(&key, "sms|u1", &first))?;
        Ok((old, authenticators::use_recovery(tx, "sms|u1", &recovery_hash(&key, "sms|u1", &second))?))
    });
    assert_eq!(good_now.await, (false, true));
    assert_eq!(admin.post("/api/v2/users/sms%7Cu3/recovery-code-regeneration", json!({})).await.status, 404);
    drop(world.logs().await);
}

#[tokio::test]
async fn users_show_whether_they_have_enrolled_something() {
    let world = world().await;
    let admin = admin(&world);
    user(&world, "u2", "+15550002222").await;
    begun(&world, Kind::Phone, "+15550100").await;
    add(&admin, json!({"type": "email", "email": "ann@example.com"})).await;
    let shown = async || good(&admin.get("/api/v2/users/sms%7Cu1").await, 200);
    assert_eq!(shown().await.get("multifactor"), None);
    add(&admin, phone("+15550100")).await;
    assert_eq!(shown().await["multifactor"], json!(["guardian"]));
    let listed = good(&admin.get("/api/v2/users?fields=user_id,multifactor&include_fields=true").await, 200);
    assert_eq!(listed, json!([{"user_id": "sms|u1", "multifactor": ["guardian"]}, {"user_id": "sms|u2"}]));
    let changed = admin.patch("/api/v2/users/sms%7Cu1", json!({"blocked": false})).await;
    assert_eq!(good(&changed, 200)["multifactor"], json!(["guardian"]));
    assert_eq!(admin.delete("/api/v2/users/sms%7Cu1").await.status, 204);
    assert_eq!(write(&world, |tx| authenticators::list_of_user(tx, "sms|u1")).await, []);
    drop(world.logs().await);
}
