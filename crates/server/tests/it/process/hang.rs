//! A gateway that never answers: what those who wait for it cost, and that nobody else waits.
#![cfg(target_os = "linux")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringpass_simulator::{Gateway, Reply};
use serde_json::json;

use super::{Server, World, phone};

const WAITING: usize = 500;
/// What one waiting request may cost the server.
const EACH: u64 = 64 * 1024;

/// Memory that the server holds, in bytes.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_hangs_costs_little_and_stops_nobody_else() {
    let (world, server) = World::new("hang").await;
    let stuck = Gateway::start().await.unwrap();
    stuck.always(Reply::Hang);
    let body = json!({"name": "stuck", "strategy": "sms", "enabled_clients": [world.client_id], "options": {}});
    let id = server.api(&world, "POST", "/connections", Some(body)).await.is(201)["id"].as_str().unwrap().to_owned();
    world.send_through(&server, &id, &stuck.url()).await;
    let (world, server) = (Arc::new(world), Arc::new(server));
    // The memory that work of any kind leaves behind is not the price of waiting.
    for number in 0..20 {
        sign_in(&world, &server, &phone(number)).await;
    }
    let before = resident(&server);
    let waiting: Vec<_> = (0..WAITING)
        .map(|number| {
            let (world, server) = (Arc::clone(&world), Arc::clone(&server));
            tokio::spawn(async move {
                let body = json!({
                    "client_id": world.client_id, "connection": "stuck", "phone_number": phone(1000 + number),
                    "send": "code"
                });
                // The answer would take longer than this test: it ends without.
                let answer = server.post("/passwordless/start", body).await;
                panic!("{answer:?}");
            })
        })
        .collect();
    let began = Instant::now();
    while stuck.count() < WAITING as u64 {
        assert!(began.elapsed() < Duration::from_secs(8), "only {} came through", stuck.count());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let more = resident(&server).saturating_sub(before);
    let each = more / WAITING as u64;
    assert!(each < EACH, "{each} bytes each");

    let began = Instant::now();
    for number in 20..30 {
        sign_in(&world, &server, &phone(number)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(3), "ten sign-ins took {:?}", began.elapsed());
    assert_eq!(server.readyz().await.status, 200);
    for request in waiting {
        assert!(!request.is_finished());
        request.abort();
    }
}

async fn sign_in(world: &World, server: &Server, phone: &str) {
    server.start(&world.client_id, phone).await.unwrap().is(200);
    let code = world.codes_of(phone).pop().unwrap();
    server.exchange(&world.client_id, phone, &code).await.unwrap().is(200);
}
