//! Reading the tenant log (C781-C783).

use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Options, World};

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
}

#[tokio::test]
async fn searches_that_are_understood_find_and_others_are_refused() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let events = fill(&world).await;
    let of =
        |kind: &str| -> Vec<Value> { events.iter().rev().filter(|event| event["type"] == kind).cloned().collect() };
    for (query, wanted) in [
        ("type:sapi".to_owned(), of("sapi")),
        ("type:%22fapi%22".to_owned(), of("fapi")),
        ("type:(sapi+OR+fapi)".to_owned(), events.iter().rev().cloned().collect()),
        ("type:s".to_owned(), vec![]),
        (format!("log_id:{}", ids(&events)[2]), vec![events[2].clone()]),
        (format!("type:fapi+AND+log_id:{}", ids(&events)[2]), vec![]),
        ("user_id:%22sms%7C1%22".to_owned(), vec![]),
    ] {
        assert_eq!(good(&admin.get(&format!("/api/v2/logs?q={query}")).await, 200), json!(wanted), "{query}");
    }
    let totals = good(&admin.get("/api/v2/logs?q=type:sapi&include_totals=true&per_page=1").await, 200);
    assert_eq!((&totals["total"], totals["logs"].as_array().unwrap().len()), (&json!(3), 1));
    for query in [
        "q=sapi",
        "q=ip:203.0.113.7",
        "q=type:sapi+OR+type:fapi",
        "q=NOT+type:sapi",
        "q=type:s*",
        "search=x",
        "sort=type:1",
    ] {
        assert!(
            said(&admin.get(&format!("/api/v2/logs?{query}")).await).starts_with("400 invalid_query_string: "),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_reader_follows_the_log_from_event_to_event() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let events = fill(&world).await;
    let first = ids(&events)[0];
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
