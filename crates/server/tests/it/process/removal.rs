//! A server that is killed while the users of a deleted connection go: the next one goes on, and then the name is free.

use std::time::{Duration, Instant};

use ringpass_core::kit::rng::Rng;
use ringpass_core::model::user::User;
use ringpass_core::storage::users;
use serde_json::json;

use super::World;

const USERS: u32 = 8_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_goes_on_after_a_crash() {
    let (world, server) = World::new("removal").await;
    server.stop(Duration::from_secs(10)).await;
    let db = world.open().await;
    let crowd = |tx: &mut ringpass_core::storage::Tx<'_>| {
        let rng = Rng::seeded(2);
        for number in 0..USERS {
            assert!(users::insert(tx, &User::of_phone("sms", &format!("+49151{number:08}"), &rng, 1))?);
        }
        Ok(())
    };
    db.write("test.crowd", crowd).await.unwrap();
    db.close().await;

    let server = world.serve(&[]).await;
    let path = format!("/connections/{}", world.connection_id);
    server.api(&world, "DELETE", &path, None).await.is(202);
    server.kill();
    let left = world.count("SELECT count(*) FROM users WHERE connection = 'sms'").await;
    assert!((1..i64::from(USERS)).contains(&left), "{left}");

    let server = world.serve(&[]).await;
    let body = json!({"name": "sms", "strategy": "sms"});
    let (began, mut refused) = (Instant::now(), 0);
    loop {
        let answer = server.api(&world, "POST", "/connections", Some(body.clone())).await;
        if answer.status == 201 {
            break;
        }
        assert_eq!(answer.is(409)["errorCode"], "connection_conflict");
        refused += 1;
        assert!(began.elapsed() < Duration::from_secs(90), "the name is still taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(refused > 0);
    drop(server);
    assert_eq!(world.count("SELECT count(*) FROM users").await, 0);
}
