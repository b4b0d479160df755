//! Blocks of brute-force protection, by identifier and by user (`docs/COMPATIBILITY.md` C1257), and those of addresses
//! (C1258).

use expect_test::expect;
use ringpass_core::storage::{Tx, login_failures};
use serde_json::json;

use super::{admin, good, said};
use crate::world::{PEER, PHONE, World};

async fn fail(world: &World, ip: &str, times: usize) {
    for _ in 0..times {
        world.anon().at(ip).redeem(PHONE, "000000", json!({})).await;
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_blocked_number_can_be_seen_and_released() {
    let world = World::new().await;
    let id = world.new_user(PHONE).await;
    let (admin, encoded) = (admin(&world), PHONE.replace('+', "%2B"));
    fail(&world, PEER, 9).await;
    assert_eq!(
        good(&admin.get(&format!("/api/v2/user-blocks?identifier={encoded}")).await, 200)["blocked_for"],
        json!([])
    );
    fail(&world, PEER, 1).await;
    fail(&world, "2001:db8::1", 10).await;
    let blocks = json!({"blocked_for": [{"identifier": PHONE, "ip": "2001:db8::1", "connection": "sms"},
        {"identifier": PHONE, "ip": PEER, "connection": "sms"}]});
    assert_eq!(good(&admin.get(&format!("/api/v2/user-blocks?identifier={encoded}")).await, 200), blocks);
    assert_eq!(good(&admin.get(&format!("/api/v2/user-blocks/{id}")).await, 200), blocks);
    assert_eq!(world.anon().start(PHONE).await.status, 429);
    drop(world.logs().await);

    let released = admin.delete(&format!("/api/v2/user-blocks/{id}")).await;
    assert_eq!((released.status.as_u16(), released.body.len()), (204, 0));
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["ublkdu: User login block released", "sapi: Unblock a user"]);
    assert_eq!((logs.0[0]["user_id"].as_str(), logs.0[0]["user_name"].as_str()), (Some(id.as_str()), Some(PHONE)));
    assert_eq!(good(&admin.get(&format!("/api/v2/user-blocks/{id}")).await, 200)["blocked_for"], json!([]));
    world.anon().sign_in(PHONE, json!({})).await;

    fail(&world, PEER, 10).await;
    assert_eq!(admin.delete(&format!("/api/v2/user-blocks?identifier={encoded}")).await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["ublkdu", "sapi"]);
    // Releasing again changes nothing and is no error.
    assert_eq!(admin.delete(&format!("/api/v2/user-blocks?identifier={encoded}")).await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
    world.anon().sign_in(PHONE, json!({})).await;
}

#[tokio::test]
async fn the_block_of_a_linked_number_is_that_of_its_user() {
    let world = World::new().await;
    let (sms, admin) = (world.new_user(PHONE).await, admin(&world));
    let body = json!({"connection": "Username-Password-Authentication", "email": "a@example.com", "password": "Long-enough-1"});
    let user = good(&admin.post("/api/v2/users", body).await, 201)["user_id"].as_str().unwrap().replace('|', "%7C");
    let id = sms.split_once('|').unwrap().1;
    let linked =
        admin.post(&format!("/api/v2/users/{user}/identities"), json!({"provider": "sms", "user_id": id})).await;
    assert_eq!(linked.status, 201, "{linked}");
    fail(&world, PEER, 10).await;
    let path = format!("/api/v2/user-blocks/{user}");
    let blocks = json!({"blocked_for": [{"identifier": PHONE, "ip": PEER, "connection": "sms"}]});
    assert_eq!(good(&admin.get(&path).await, 200), blocks);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["ublkdu", "sapi"]);
    world.anon().sign_in(PHONE, json!({})).await;
}

#[tokio::test]
async fn an_identifier_is_found_however_it_is_written() {
    let (world, database) = (World::new().await, "Username-Password-Authentication");
    let body = json!({"connection": database, "email": "ann@example.com", "password": "Long-enough-1"});
    good(&admin(&world).post("/api/v2/users", body).await, 201);
    let now = world.clock.now();
    let failures = move |tx: &mut Tx<'_>| {
        let key = login_failures::Key { connection: database, identifier: "ann@example.com", ip: PEER };
        (0..10).try_for_each(|_| login_failures::add(tx, &key, now).map(drop))
    };
    world.app.db.write("test.fail", failures).await.unwrap();
    let path = "/api/v2/user-blocks?identifier=Ann@Example.com";
    let blocks = json!([{"identifier": "ann@example.com", "ip": PEER, "connection": database}]);
    assert_eq!(good(&admin(&world).get(path).await, 200)["blocked_for"], blocks);
    assert_eq!(admin(&world).delete(path).await.status, 204);
    assert_eq!(good(&admin(&world).get(path).await, 200)["blocked_for"], json!([]));
    drop(world.logs().await);
}

#[tokio::test]
async fn blocks_follow_the_settings() {
    let world = World::new().await;
    let admin = admin(&world);
    let path = format!("/api/v2/user-blocks?identifier={}", PHONE.replace('+', "%2B"));
    let settings = "/api/v2/attack-protection/brute-force-protection";
    admin.patch(settings, json!({"mode": "count_per_identifier", "max_attempts": 2})).await;
    fail(&world, PEER, 1).await;
    fail(&world, "192.0.2.1", 1).await;
    // All addresses together have no address.
    let blocked = json!({"blocked_for": [{"identifier": PHONE, "connection": "sms"}]});
    assert_eq!(good(&admin.get(&path).await, 200), blocked);
    assert_eq!(good(&admin.get(&format!("{path}&consider_brute_force_enablement=true")).await, 200), blocked);
    admin.patch(settings, json!({"enabled": false})).await;
    let none = admin.get(&format!("{path}&consider_brute_force_enablement=true")).await;
    assert_eq!(good(&none, 200), json!({"blocked_for": []}));
    drop(world.logs().await);
    world.anon().sign_in(PHONE, json!({})).await;
}

#[tokio::test]
async fn who_is_not_known_and_what_is_not_asked() {
    let world = World::new().await;
    let admin = admin(&world);
    let mut out = Vec::new();
    for answer in [
        admin.get("/api/v2/user-blocks").await,
        admin.delete("/api/v2/user-blocks").await,
        admin.get("/api/v2/user-blocks/sms%7Cnobody").await,
        admin.delete("/api/v2/user-blocks/sms%7Cnobody").await,
        admin.get("/api/v2/anomaly/blocks/ips/192.0.2.1").await,
        admin.get("/api/v2/anomaly/blocks/ips/localhost").await,
        world.api("read:users").delete("/api/v2/user-blocks/sms%7Cnobody").await,
    ] {
        out.push(said(&answer));
    }
    expect![[r#"
        400 invalid_query_string: Query validation error: 'Missing required property: identifier'.
        400 invalid_query_string: Query validation error: 'Missing required property: identifier'.
        404 inexistent_user: The user does not exist.
        404 inexistent_user: The user does not exist.
        404 : IP is not blocked
        400 invalid_uri: Path validation error: 'Object didn't pass validation for format ip-address: localhost' on property id (IP address to check).
        403 insufficient_scope: Insufficient scope, expected any of: update:users"#]].assert_eq(&out.join("\n"));
    let unknown = admin.get("/api/v2/user-blocks?identifier=nobody").await;
    assert_eq!(good(&unknown, 200), json!({"blocked_for": []}));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_throttled_address_can_be_seen_and_released() {
    let world = World::new().await;
    let admin = admin(&world);
    let settings = "/api/v2/attack-protection/suspicious-ip-throttling";
    admin.patch(settings, json!({"stage": {"pre-login": {"max_attempts": 2}}})).await;
    fail(&world, "::ffff:192.0.2.1", 1).await;
    assert_eq!(admin.get("/api/v2/anomaly/blocks/ips/192.0.2.1").await.status, 404);
    fail(&world, "192.0.2.1", 1).await;
    let blocked = admin.get("/api/v2/anomaly/blocks/ips/192.0.2.1").await;
    assert_eq!((blocked.status.as_u16(), blocked.body.len()), (200, 0));
    assert_eq!(world.anon().at("192.0.2.1").start(PHONE).await.status, 429);
    drop(world.logs().await);
    assert_eq!(admin.delete("/api/v2/anomaly/blocks/ips/::ffff:192.0.2.1").await.status, 204);
    assert_eq!(world.logs().await.lines(), ["sapi: Unblock an IP address"]);
    assert_eq!(admin.get("/api/v2/anomaly/blocks/ips/192.0.2.1").await.status, 404);
    world.anon().at("192.0.2.1").sign_in(PHONE, json!({})).await;
    assert_eq!(admin.delete("/api/v2/anomaly/blocks/ips/192.0.2.1").await.status, 204);
    drop(world.logs().await);
}
