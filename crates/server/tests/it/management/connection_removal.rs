//! Deleting a connection with many users: in steps, the name held meanwhile (C688, C1171-C1173).

use ringpass::flows::remove_connection::{self, LEASE};
use ringpass_core::model::user::User;
use ringpass_core::storage::connection_removals as removals;
use ringpass_core::storage::login_failures::{self, Key};
use ringpass_core::storage::{Tx, users};
use serde_json::{Value, json};

use super::{admin, good, id_of, refusal, said};
use crate::world::{NATIVE, PHONE, World};

const HELD: &str = "409 connection_conflict: A connection with the same name already exists: it is being deleted with its users, and the name is free when they are gone";

/// Adds users of `sms`, each with a failed try on record.
async fn crowd(world: &World, count: u32) {
    let (rng, now) = (world.rng.clone(), world.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        for number in 0..count {
            let phone = format!("+49151{number:08}");
            assert!(users::insert(tx, &User::of_phone("sms", &phone, &rng, now))?);
            if number % 7 == 0 {
                let key = Key { connection: "sms", identifier: &phone, ip: "192.0.2.1" };
                login_failures::add(tx, &key, now)?;
            }
        }
        Ok(())
    };
    world.app.db.write("test.crowd", work).await.unwrap();
}

/// How many users and failed tries of `sms` are left.
async fn left(world: &World) -> (i64, i64) {
    let read = |tx: &mut Tx<'_>| {
        let mut count = |sql| tx.query_one(sql, &[])?.unwrap().int(0);
        Ok((
            count("SELECT count(*) FROM users WHERE connection = 'sms'")?,
            count("SELECT count(*) FROM login_failures WHERE connection = 'sms'")?,
        ))
    };
    world.app.db.read("test.left", read).await.unwrap()
}

fn new_sms(world: &World) -> Value {
    let options = json!({"provider": "sms_gateway", "gateway_url": world.gateway.url()});
    json!({"name": "sms", "strategy": "sms", "options": options, "enabled_clients": [NATIVE]})
}

#[tokio::test]
async fn a_large_connection_goes_in_steps_and_its_name_is_held() {
    let world = World::new().await;
    let admin = admin(&world);
    let tokens = world.anon().sign_in(PHONE, json!({"scope": "openid offline_access"})).await;
    let code = world.anon().code("+4915112345679").await;
    crowd(&world, 3_000).await;
    let id = id_of(&world, "sms").await;
    let deleted = good(&admin.delete(&format!("/api/v2/connections/{id}")).await, 202);
    assert_eq!(deleted, json!({"deleted_at": "2026-01-02T03:04:05.678Z"}));
    // Much is left, but nothing shows it and nobody gets in.
    let (users, failures) = left(&world).await;
    assert!(users > 900 && failures <= 429, "{users} {failures}");
    for path in ["", "?name=sms", "?strategy=sms&take=10"] {
        assert!(!good(&admin.get(&format!("/api/v2/connections{path}")).await, 200).to_string().contains("\"sms\""));
    }
    let path = format!("/api/v2/connections/{id}");
    for answer in [admin.get(&path).await, admin.patch(&path, json!({})).await, admin.delete(&path).await] {
        assert_eq!(said(&answer), "404 inexistent_connection: The connection does not exist");
    }
    assert_eq!(said(&admin.post("/api/v2/connections", new_sms(&world)).await), HELD);
    let user = json!({"connection": "sms", "phone_number": "+4915199999999"});
    assert_eq!(
        said(&admin.post("/api/v2/users", user).await),
        "400 inexistent_connection: The connection does not exist."
    );
    assert_eq!(world.anon().start("+4915100002999").await.status, 400);
    assert_eq!(
        refusal(&world.anon().redeem("+4915112345679", &code, json!({})).await),
        "400 invalid_request: Unknown realm sms."
    );
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    assert_eq!(
        refusal(&world.anon().post("/oauth/token", refresh.clone()).await),
        "403 invalid_grant: The refresh_token was generated for a user who doesn't exist anymore."
    );
    let access = tokens.text("access_token");
    assert_eq!(world.nobody().bearer(&access).get("/userinfo").await.status, 401);
    // The worker goes on, a little at a time: for so many rows, and for so long.
    for _ in 0..20 {
        remove_connection::resume(&world.app).await.unwrap();
    }
    assert_eq!(left(&world).await, (0, 0));
    good(&admin.post("/api/v2/connections", new_sms(&world)).await, 201);
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 403);
    drop(world.logs().await);
    world.anon().sign_in("+4915100002999", json!({})).await;
    remove_connection::resume(&world.app).await.unwrap();
    assert_eq!(left(&world).await.0, 1, "the new connection keeps its users");
}

#[tokio::test]
async fn another_node_goes_on_when_one_has_stopped() {
    let world = World::new().await;
    let twin = world.twin().await;
    crowd(&world, 500).await;
    let id = id_of(&world, "sms").await;
    // A node that stops right after its promise: the connection is gone, and the removal is claimed.
    let now = world.clock.now();
    let begun = world.app.configure("test.begin", move |tx| removals::begin(tx, &id, now, now + LEASE)).await.unwrap();
    assert!(begun);
    remove_connection::resume(&twin.app).await.unwrap();
    assert_eq!(left(&twin).await.0, 500, "the claim is another node's");
    assert_eq!(twin.anon().start("+4915100000001").await.status, 200, "a node may not know yet");
    drop((twin.logs().await, twin.gateway.take()));
    assert!(twin.app.refresh().await.unwrap());
    assert_eq!(twin.anon().start("+4915100000001").await.status, 400);
    assert_eq!(said(&admin(&twin).post("/api/v2/connections", new_sms(&twin)).await), HELD);
    world.clock.advance(LEASE);
    let both = tokio::join!(remove_connection::resume(&twin.app), remove_connection::resume(&world.app));
    both.0.and(both.1).unwrap();
    assert_eq!(left(&world).await, (0, 0));
    good(&admin(&twin).post("/api/v2/connections", new_sms(&twin)).await, 201);
    drop(world.logs().await);
}

#[tokio::test]
async fn who_signed_up_while_the_connection_went_is_not_in_the_next_of_its_name() {
    let world = World::new().await;
    let admin = admin(&world);
    let id = id_of(&world, "sms").await;
    good(&admin.delete(&format!("/api/v2/connections/{id}")).await, 202);
    // The sign-up of a node that did not know yet.
    crowd(&world, 3).await;
    good(&admin.post("/api/v2/connections", new_sms(&world)).await, 201);
    assert_eq!(left(&world).await.0, 0);
    drop(world.logs().await);
}
