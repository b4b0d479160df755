//! A SQLite file that cannot grow: a limit on the size of files stands in for a full disk, since it needs no privilege
//! and can be set and lifted while the server runs.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use super::{Server, World, on_sqlite, phone};

fn limit_files(server: &Server, bytes: Option<u64>) {
    let limit = Rlimit { current: bytes, maximum: getrlimit(Resource::Fsize).maximum };
    prlimit(Some(server.pid()), Resource::Fsize, limit).unwrap();
}

async fn readiness_turns(server: &Server, status: u16) -> String {
    let began = Instant::now();
    loop {
        let answer = server.readyz().await;
        if answer.status == status {
            return answer.body["reason"].as_str().unwrap_or_default().to_owned();
        }
        assert!(began.elapsed() < Duration::from_secs(5), "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    if !on_sqlite("a_full_disk_is_told_and_survived") {
        return;
    }
    let (world, server) = World::new("full").await;
    let (early, late, waiting) = (phone(1), phone(2), phone(3));
    let client = &world.client_id;
    for phone in [&early, &waiting] {
        server.start(client, phone).await.unwrap().is(200);
    }
    let code = world.codes_of(&early).pop().unwrap();
    let token = server.exchange(client, &early, &code).await.unwrap().text("access_token");
    let sent = world.gateway.count();

    limit_files(&server, Some(1));
    let code = world.codes_of(&waiting).pop().unwrap();
    for _ in 0..3 {
        let answers = tokio::join!(server.start(client, &late), server.exchange(client, &waiting, &code));
        for answer in [answers.0.unwrap(), answers.1.unwrap()] {
            assert!(answer.is_unavailable(), "{answer:?}");
        }
    }
    let patch = Some(json!({"friendly_name": "changed"}));
    let answer = server.api(&world, "PATCH", "/tenants/settings", patch).await;
    assert_eq!((answer.status, &answer.body["statusCode"]), (503, &json!(503)), "{answer:?}");
    let reason = readiness_turns(&server, 503).await;
    assert!(reason.starts_with("database: "), "{reason}");
    // What needs no writing goes on.
    server.userinfo(&token).await.unwrap().is(200);
    let settings = server.api(&world, "GET", "/tenants/settings", None).await.is(200);
    assert_ne!(settings["friendly_name"], "changed");
    assert_eq!(world.gateway.count(), sent, "a code was sent that nobody can redeem");

    limit_files(&server, getrlimit(Resource::Fsize).current);
    readiness_turns(&server, 200).await;
    // The code that could not be redeemed is as good as before, and the number that could not start can.
    server.exchange(client, &waiting, &code).await.unwrap().is(200);
    server.start(client, &late).await.unwrap().is(200);
    let code = world.codes_of(&late).pop().unwrap();
    server.exchange(client, &late, &code).await.unwrap().is(200);
    server.kill();
    assert_eq!(world.count("SELECT CAST(SUM(logins_count) AS BIGINT) FROM users").await, 3);
    assert_eq!(world.count("SELECT COUNT(*) FROM logs WHERE type = 's'").await, 3);
    assert_eq!(world.count("SELECT COUNT(*) FROM logs WHERE type = 'cs'").await, 3);
    assert_eq!(world.count("SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'").await, 0);
}
