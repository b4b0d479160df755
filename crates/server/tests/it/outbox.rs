//! The operator's outbox: what the built-in sender took, and who may read it.

use std::sync::Arc;

use axum::body::Body;
use expect_test::expect;
use http::{Request, header};
use http_body_util::BodyExt as _;
use ringpass::ops;
use ringpass_core::kit::clock::DAY;
use ringpass_core::kit::secret::Secret;
use ringpass_core::storage::outbox::{self, Kept};
use tower_service::Service as _;

use crate::world::{NOW, PHONE, World};

/// The answer to a request that names the listener so.
async fn read(world: &World, host: &str) -> String {
    let request = Request::get("/outbox").header(header::HOST, host).body(Body::empty()).unwrap();
    let answer = ops::outbox::router(Arc::clone(&world.app)).call(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let cache = head.headers.get(header::CACHE_CONTROL).map_or("-", |value| value.to_str().unwrap());
    let body = body.collect().await.unwrap().to_bytes();
    format!("{} {cache} {}\n", head.status, String::from_utf8_lossy(&body))
}

async fn take(world: &World, number: i64) -> bool {
    let message = Kept {
        id: format!("message-{number}"),
        channel: "sms".to_owned(),
        recipient: Secret::new(PHONE),
        text: Secret::new(format!("48291{number} is your code")),
        created_at: NOW + number,
    };
    world.app.db.write("test.take", move |tx| outbox::insert(tx, &message, 100)).await.unwrap()
}

#[tokio::test]
async fn the_operator_reads_the_newest_messages_and_how_many_there_ever_were() {
    let world = World::new().await;
    expect![[r#"
        200 OK no-store {"sent":0,"limit":100,"messages":[]}
    "#]]
    .assert_eq(&read(&world, "127.0.0.1:9090").await);
    assert!(take(&world, 1).await && take(&world, 2).await);
    expect![[r#"
        200 OK no-store {"sent":2,"limit":100,"messages":[{"id":"message-2","created_at":"2026-01-02T03:04:05.680Z","channel":"sms","recipient":"+4915112345678","text":"482912 is your code"},{"id":"message-1","created_at":"2026-01-02T03:04:05.679Z","channel":"sms","recipient":"+4915112345678","text":"482911 is your code"}]}
    "#]].assert_eq(&read(&world, "127.0.0.1:9090").await);
    world.clock.advance(7 * DAY + 1);
    assert_eq!(ringpass::worker::prune(&world.app).await.unwrap(), 1);
    expect![[r#"
        200 OK no-store {"sent":2,"limit":100,"messages":[{"id":"message-2","created_at":"2026-01-02T03:04:05.680Z","channel":"sms","recipient":"+4915112345678","text":"482912 is your code"}]}
    "#]].assert_eq(&read(&world, "127.0.0.1:9090").await);
}

#[tokio::test]
async fn a_web_site_cannot_point_its_name_at_the_outbox() {
    let world = World::new().await;
    take(&world, 1).await;
    for inner in ["127.0.0.1", "[::1]:9090", "10.0.0.7:9090", "localhost:9090", "ringpass:9090"] {
        assert!(read(&world, inner).await.contains("482911"), "{inner}");
    }
    for foreign in
        ["attacker.example", "attacker.example:9090", "127.0.0.1.attacker.example", "localhost.", "", "a@b.c"]
    {
        let answer = read(&world, foreign).await;
        assert!(answer.starts_with("421 ") && !answer.contains("482911"), "{foreign}: {answer}");
    }
}
