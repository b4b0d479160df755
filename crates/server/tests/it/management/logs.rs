//! Reading the tenant log (C781-C783).

use ringpass::config::Limits;
use ringpass::worker;
use ringpass_core::kit::clock::DAY;
use ringpass_core::storage::logs::SETTLED;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Options, PHONE, World};

/// Five writes, of which the last two are refused; the events, oldest first.
async fn fill(world: &World) -> Vec<Value> {
    let admin = admin(world);
    for number in 0..3 {
        world.clock.advance(1_000);
        let body =
            json!({"name": format!("sms-{number}"), "strategy": "sms", "options": {"twilio_token": "t0ken-of-twilio"}});
        good(&admin.post("/api/v2/connections", body).await, 201);
    }
    for _ in 0..2 {
        assert_eq!(admin.post("/api/v2/connections", json!({"name": "sms-0", "strategy": "sms"})).await.status, 409);
    }
    world.logs().await.0.into_iter().map(Value::Object).collect()
}

/// One more write.
async fn fill_one(world: &World) -> Value {
    good(&admin(world).post("/api/v2/connections", json!({"name": "late", "strategy": "sms"})).await, 201);
    Value::Object(world.logs().await.0.remove(0))
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["log_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn events_are_listed_newest_first_and_shown_one_by_one() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let events = fill(&world).await;
    let newest: Vec<Value> = events.iter().rev().cloned().collect();
    assert_eq!(good(&admin.get("/api/v2/logs").await, 200), json!(newest));
    assert_eq!(good(&admin.get("/api/v2/logs?sort=date:1").await, 200), json!(events));
    assert_eq!(good(&admin.get("/api/v2/logs?page=1&per_page=2").await, 200), json!(newest[2..4]));
    let totals = good(&admin.get("/api/v2/logs?page=2&per_page=2&include_totals=true").await, 200);
    assert_eq!(totals, json!({"start": 4, "limit": 2, "total": 5, "logs": newest[4..]}));
    let some = good(&admin.get("/api/v2/logs?per_page=1&fields=type,details.response.statusCode").await, 200);
    assert_eq!(some, json!([{"type": "fapi", "details": {"response": {"statusCode": 409}}}]));
    for event in &events {
        let id = event["log_id"].as_str().unwrap();
        assert_eq!(&good(&admin.get(&format!("/api/v2/logs/{id}")).await, 200), event);
        assert_eq!(event["_id"], event["log_id"]);
    }
    for unknown in ["none", "90020260102030405678000000000000000000000000000000000"] {
        assert_eq!(
            said(&admin.get(&format!("/api/v2/logs/{unknown}")).await),
            "404 log_not_found: The log does not exist"
        );
    }
    assert!(!json!(events).to_string().contains("t0ken-of-twilio"));
    assert_eq!(world.api("read:logs_users").get("/api/v2/logs").await.status, 200);
    for path in ["/api/v2/logs?per_page=100&page=10", "/api/v2/users/x/logs?per_page=100&page=10"] {
        assert_eq!(
            said(&admin.get(path).await),
            "400 invalid_paging: You can only page through the first 1000 records. Use from and take to read the whole log"
        );
    }
    assert_eq!(good(&admin.get("/api/v2/logs?per_page=100&page=9").await, 200), json!([]));
}

#[tokio::test]
async fn a_reader_follows_the_log_from_event_to_event() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let events = fill(&world).await;
    let first = ids(&events)[0];
    // Where several nodes write, an event is handed out once all that precede it are surely there.
    world.clock.advance(SETTLED + 1);
    let link =
        |id: &str, take: u32| format!("<https://tenant.example/api/v2/logs?from={id}&take={take}>; rel=\"next\"");
    let page = admin.get(&format!("/api/v2/logs?from={first}&take=2&sort=date:-1&q=type:none")).await;
    assert_eq!(good(&page, 200), json!(events[1..3]));
    assert_eq!(page.header("link"), link(ids(&events)[2], 2));
    // Follow the links to the end, and stay there.
    let (mut path, mut seen, mut rounds) = (format!("/api/v2/logs?from={first}&take=3"), Vec::new(), 0);
    loop {
        let page = admin.get(&path).await;
        let items = good(&page, 200).as_array().unwrap().clone();
        let next =
            page.header("link").trim_start_matches("<https://tenant.example").split('>').next().unwrap().to_owned();
        rounds += 1;
        if items.is_empty() {
            assert_eq!(next, path, "nothing newer leads here again");
            break;
        }
        seen.extend(items);
        assert!(rounds < 9);
        path = next;
    }
    assert_eq!(seen, events[1..]);
    // What comes later is found where the reader stands.
    assert_eq!(admin.post("/api/v2/connections", json!({})).await.status, 400);
    let late: Vec<Value> = world.logs().await.0.into_iter().map(Value::Object).collect();
    world.clock.advance(SETTLED + 1);
    assert_eq!(good(&admin.get(&path).await, 200), json!(late));
    let all = admin.get("/api/v2/logs?take=100").await;
    assert_eq!(good(&all, 200).as_array().unwrap().len(), 6);
    assert_eq!(all.header("link"), link(ids(&late)[0], 100));
    for query in ["take=0", "take=101", "take=x"] {
        assert!(
            said(&admin.get(&format!("/api/v2/logs?{query}")).await).starts_with("400 invalid_query_string: "),
            "{query}"
        );
    }
}

#[tokio::test]
async fn old_events_go_and_a_reader_who_stands_on_one_goes_on() {
    let world =
        World::bare(Options { limits: Limits { log_retention_days: 7, ..Limits::default() }, ..Options::default() });
    let world = world.await;
    let old = fill(&world).await;
    world.clock.advance(7 * DAY - 2_000);
    let young = fill_one(&world).await;
    assert_eq!(worker::prune(&world.app).await.unwrap(), 0);
    world.clock.advance(SETTLED + 1);
    assert_eq!(worker::prune(&world.app).await.unwrap(), 5);
    let admin = admin(&world);
    assert_eq!(good(&admin.get("/api/v2/logs").await, 200), json!([young]));
    for id in ids(&old) {
        assert_eq!(admin.get(&format!("/api/v2/logs/{id}")).await.status, 404);
        assert_eq!(good(&admin.get(&format!("/api/v2/logs?from={id}&take=10")).await, 200), json!([young]));
    }
}

#[tokio::test]
async fn a_user_has_a_log_of_its_own() {
    let world = World::new().await;
    let admin = admin(&world);
    let id = world.new_user(PHONE).await;
    world.new_user("+4915112345679").await;
    for phone in [PHONE, "+4915112345679", PHONE] {
        world.clock.advance(1_000);
        world.anon().sign_in(phone, json!({})).await;
    }
    let all = good(&admin.get("/api/v2/logs").await, 200);
    let own: Vec<&Value> = all.as_array().unwrap().iter().filter(|event| event["user_id"] == id.as_str()).collect();
    assert!(own.len() >= 2, "{own:?}");
    let path = format!("/api/v2/users/{}/logs", id.replace('|', "%7C"));
    assert_eq!(good(&admin.get(&path).await, 200), json!(own));
    let page = good(&admin.get(&format!("{path}?per_page=1&page=1&include_totals=true&fields=log_id")).await, 200);
    let second = json!([{"log_id": own[1]["log_id"]}]);
    assert_eq!(page, json!({"start": 1, "limit": 1, "total": own.len(), "logs": second}));
    let oldest = good(&admin.get(&format!("{path}?sort=date:1&per_page=1")).await, 200);
    assert_eq!(&oldest[0], own[own.len() - 1]);
    assert_eq!(good(&admin.get("/api/v2/users/sms%7Cnobody/logs").await, 200), json!([]));
    let totals = good(&admin.get("/api/v2/users/sms%7Cnobody/logs?include_totals=true").await, 200);
    assert_eq!(totals, json!({"start": 0, "limit": 50, "total": 0, "logs": []}));
    assert_eq!(world.api("read:users").get(&path).await.status, 403);
    drop(world.gateway.take());
}
