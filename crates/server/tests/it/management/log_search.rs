//! Searching the tenant log (C781, C1140-C1155, C1162).

use ringpass::config::Limits;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Caller, NATIVE, Options, PHONE, World};

/// A sign-in, and one that failed, a day apart; the events, newest first.
async fn fill(world: &World) -> Vec<Value> {
    world.anon().sign_in(PHONE, json!({})).await;
    world.clock.advance(86_400_000);
    let code = world.web().code("+4915112345679").await;
    world.web().redeem("+4915112345679", if code == "000000" { "000001" } else { "000000" }, json!({})).await;
    drop(world.logs().await);
    good(&admin(world).get("/api/v2/logs").await, 200).as_array().unwrap().clone()
}

async fn found(admin: &Caller<'_>, query: &[(&str, &str)]) -> Value {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    good(&admin.get(&format!("/api/v2/logs?{query}")).await, 200)
}

#[tokio::test]
async fn events_are_found_by_any_of_their_fields() {
    let world = World::new().await;
    let events = fill(&world).await;
    let admin = admin(&world);
    let some = |wanted: &dyn Fn(&Value) -> bool| json!(events.iter().filter(|event| wanted(event)).collect::<Vec<_>>());
    let of = |kind: &'static str| some(&move |event| event["type"] == kind);
    let user = world.user(PHONE).await.unwrap().user_id;
    let first_day = some(&|event| event["date"].as_str().unwrap().starts_with("2026-01-02"));
    let log_id = events[1]["log_id"].as_str().unwrap();
    assert!(events.len() > 4 && first_day.as_array().unwrap().len() > 2);
    for (q, wanted) in [
        ("type:cs".to_owned(), of("cs")),
        ("type:\"cs\" AND NOT date:2026-01-02".to_owned(), json!([events.iter().find(|event| event["type"] == "cs")])),
        ("cs".to_owned(), of("cs")),
        ("type:(s OR ss)".to_owned(), some(&|event| event["type"] == "s" || event["type"] == "ss")),
        ("type:C*".to_owned(), json!([])),
        ("type:cs AND type:s".to_owned(), json!([])),
        (format!("log_id:{log_id}"), json!([events[1]])),
        (format!("log_id:{log_id} AND type:none"), json!([])),
        (format!("_id:(9 OR {log_id})"), json!([events[1]])),
        (format!("user_id:\"{user}\""), some(&|event| event["user_id"] == user.as_str())),
        (r"client_name:Native\ App".to_owned(), some(&|event| event["client_id"] == NATIVE)),
        (r#""Native App" -type:cs"#.to_owned(), some(&|event| event["client_id"] == NATIVE && event["type"] != "cs")),
        ("user_name:\\+4915112345679".to_owned(), some(&|event| event["user_name"] == "+4915112345679")),
        ("date:[2026-01-02 TO 2026-01-02]".to_owned(), first_day.clone()),
        ("date:[2026-01-03 TO *]".to_owned(), some(&|event| event["date"].as_str().unwrap().starts_with("2026-01-03"))),
        ("date:{* TO 2026-01-02T03:04:05.678Z}".to_owned(), json!([])),
        ("date:[2026-01-02T03:04:05.678Z TO 2026-01-02T03:04:05.678Z]".to_owned(), first_day.clone()),
        ("date:[2027 TO 2026]".to_owned(), json!([])),
        ("ip:203.0.113.7 AND connection:sms AND strategy:sms".to_owned(), some(&|event| event["strategy"] == "sms")),
        ("nothing:x".to_owned(), json!([])),
        ("  ".to_owned(), json!(events)),
    ] {
        assert_eq!(found(&admin, &[("q", &q)]).await, wanted, "{q}");
        let mut reversed = wanted.as_array().unwrap().clone();
        reversed.reverse();
        assert_eq!(found(&admin, &[("q", &q), ("sort", "date:1")]).await, json!(reversed), "{q}");
        let totals = found(&admin, &[("q", &q), ("include_totals", "true"), ("per_page", "1")]).await;
        assert_eq!(totals["total"], reversed.len(), "{q}");
        assert!(totals["logs"].as_array().unwrap().len() <= 1);
    }
    let page = found(&admin, &[("q", "cs s"), ("per_page", "1"), ("page", "1"), ("fields", "type")]).await;
    let kinds: Vec<&Value> = events.iter().filter(|event| event["type"] == "cs" || event["type"] == "s").collect();
    assert_eq!(page, json!([{"type": kinds[1]["type"]}]));
    // Other orders than the one in which the log is kept.
    let mut by_type: Vec<(&str, &str)> =
        events.iter().map(|event| (event["type"].as_str().unwrap(), event["log_id"].as_str().unwrap())).collect();
    by_type.sort_unstable();
    let sorted = found(&admin, &[("sort", "type:1"), ("include_totals", "true")]).await;
    let ids: Vec<&str> =
        sorted["logs"].as_array().unwrap().iter().map(|event| event["log_id"].as_str().unwrap()).collect();
    assert_eq!(ids, by_type.iter().map(|(_, id)| *id).collect::<Vec<_>>());
    assert_eq!(sorted["total"], events.len());
}

#[tokio::test]
async fn the_older_search_parameter_of_the_sdks_is_understood() {
    let world = World::new().await;
    let events = fill(&world).await;
    let admin = admin(&world);
    let native = json!(events.iter().filter(|event| event["client_id"] == NATIVE).collect::<Vec<_>>());
    for search in ["nat", "application:NATIVE", r#"application:"native app" user:"+4915112345678""#, "client_id:cli_n"]
    {
        let wanted: Vec<&Value> = events
            .iter()
            .filter(|event| event["client_id"] == NATIVE && (!search.contains("user") || event["user_name"] == PHONE))
            .collect();
        assert_eq!(found(&admin, &[("search", search)]).await, json!(wanted), "{search}");
    }
    assert_eq!(found(&admin, &[("search", "app")]).await, json!([]));
    let both = found(&admin, &[("search", "native"), ("q", "type:cs"), ("include_totals", "true")]).await;
    assert_eq!(both["total"], 1);
    assert_eq!(found(&admin, &[("search", "native"), ("q", "")]).await, native);
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused() {
    let world =
        World::with(Options { limits: Limits { search_rows: 4, ..Limits::default() }, ..Options::default() }).await;
    let events = fill(&world).await;
    let admin = admin(&world);
    for query in ["q=(", "q=type:s?", "search=(x)", "sort=type", "sort=details:1", "sort=date:0", "q=date:yesterday"] {
        let answer = admin.get(&format!("/api/v2/logs?{query}")).await;
        assert!(said(&answer).starts_with("400 invalid_query_string: Query validation error: '"), "{query}");
    }
    // Five events: more than one search may read, unless it finds enough before.
    let too_broad = "400 invalid_query_string: This search would read too many log events. Narrow it with AND and user_id, log_id or a range of date";
    assert!(events.len() > 4);
    for query in ["q=type:none", "q=type:cs&include_totals=true", "sort=type:1", "q=type:*&per_page=5"] {
        assert_eq!(said(&admin.get(&format!("/api/v2/logs?{query}")).await), too_broad, "{query}");
    }
    for query in
        ["", "include_totals=true", "sort=date:1", "q=date:2026-01-03&include_totals=true", "q=type:*&per_page=1"]
    {
        good(&admin.get(&format!("/api/v2/logs?{query}")).await, 200);
    }
}
