//! Pages of lists: offset, totals, checkpoints (C631-C636).

use std::fmt::Write as _;

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, good, id_of, said};
use crate::world::{Options, World};

async fn list(world: &World, path: &str) -> Value {
    good(&admin(world).get(path).await, 200)
}

fn names(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// Follows the checkpoints of a list to its end; the items' names, page by page.
async fn walk(world: &World, path: &str, items: &str) -> Vec<Vec<String>> {
    let (mut pages, mut from) = (Vec::new(), String::new());
    loop {
        let page = list(world, &format!("{path}{from}")).await;
        let known: Vec<&str> = page.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(known.iter().all(|name| [items, "next"].contains(name)), "{known:?}");
        pages.push(names(&page[items]).into_iter().map(str::to_owned).collect());
        assert!(pages.len() < 20, "no end: {pages:?}");
        match page["next"].as_str() {
            Some(next) => from = format!("&from={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn connections_come_as_an_array_with_totals_or_by_checkpoint() {
    let world = World::bare(Options::default()).await;
    for number in 1..=3 {
        world.new_connection(json!({"name": format!("sms-{number}"), "strategy": "sms"})).await;
        world.clock.advance(1);
    }
    let all = list(&world, "/api/v2/connections").await;
    assert_eq!(all.as_array().unwrap().len(), 5);
    let whole = names(&all);
    let by = |path: &'static str| list(&world, path);
    assert_eq!(names(&by("/api/v2/connections?per_page=2&page=1").await), whole[2..4]);
    assert_eq!(by("/api/v2/connections?per_page=2&page=3").await, json!([]));
    let totals = by("/api/v2/connections?per_page=2&page=2&include_totals=true&fields=name").await;
    assert_eq!((&totals["start"], &totals["limit"], &totals["total"]), (&json!(4), &json!(2), &json!(5)));
    assert_eq!(names(&totals["connections"]), whole[4..]);
    let past = by("/api/v2/connections?include_totals=true&per_page=50&page=1").await;
    assert_eq!(past, json!({"start": 50, "limit": 50, "total": 5, "connections": []}));
    assert_eq!(by("/api/v2/connections?include_totals=false").await, all);
    assert_eq!(by("/api/v2/connections?per_page=100&unknown=1").await, all);
    assert_eq!(by("/api/v2/connections?page=1000000000").await, json!([]));
    for (take, sizes) in [(1, vec![1; 5]), (2, vec![2, 2, 1]), (5, vec![5]), (100, vec![5])] {
        let path = format!("/api/v2/connections?include_totals=true&per_page=1&page=3&take={take}");
        let pages = walk(&world, &path, "connections").await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(pages.concat(), whole);
    }
    let sms = walk(&world, "/api/v2/connections?strategy=sms&take=2", "connections").await;
    assert_eq!(sms.concat().len(), 4);
    assert_eq!(names(&by("/api/v2/connections?strategy=sms&strategy=auth0").await), whole);
    assert_eq!(names(&by("/api/v2/connections?strategy=sms,auth0").await), whole);
    assert_eq!(by("/api/v2/connections?strategy=email").await, json!([]));
    assert_eq!(names(&by("/api/v2/connections?name=sms-2").await), ["sms-2"]);
    assert_eq!(by("/api/v2/connections?name=SMS-2").await, json!([]));
}

#[tokio::test]
async fn a_checkpoint_outlives_its_item() {
    let world = World::bare(Options::default()).await;
    for number in 1..=4 {
        world.clock.advance(1);
        world.new_connection(json!({"name": format!("sms-{number}"), "strategy": "sms"})).await;
    }
    let first = list(&world, "/api/v2/connections?take=3").await;
    let last = first["connections"][2]["id"].as_str().unwrap().to_owned();
    let name = first["connections"][2]["name"].clone();
    good(&admin(&world).delete(&format!("/api/v2/connections/{last}")).await, 202);
    let rest = list(&world, &format!("/api/v2/connections?take=3&from={}", first["next"].as_str().unwrap())).await;
    let seen = [names(&first["connections"]), names(&rest["connections"])].concat();
    assert_eq!((seen.len(), seen.iter().filter(|one| **one == name).count()), (6, 1));
    assert!(rest.get("next").is_none());
    drop(world.logs().await);
}

#[tokio::test]
async fn every_list_knows_its_modes() {
    let world = World::new().await;
    for (path, items) in [
        ("/api/v2/connections", "connections"),
        ("/api/v2/clients", "clients"),
        ("/api/v2/client-grants", "client_grants"),
        ("/api/v2/resource-servers", "resource_servers"),
    ] {
        let all = list(&world, path).await;
        let count = all.as_array().unwrap().len();
        assert!(count > 1, "{path}");
        let totals = list(&world, &format!("{path}?include_totals=true&page=0&per_page=1")).await;
        assert_eq!(totals, json!({"start": 0, "limit": 1, "total": count, items: [all[0]]}), "{path}");
        let (mut from, mut seen) = (String::new(), Vec::new());
        loop {
            let page = list(&world, &format!("{path}?take=1{from}")).await;
            seen.extend(page[items].as_array().unwrap().clone());
            assert!(page.get("total").is_none() && seen.len() <= count, "{path}");
            let Some(next) = page["next"].as_str() else { break };
            from = format!("&from={next}");
        }
        assert_eq!(Value::from(seen), all, "{path}");
    }
    let users = list(&world, "/api/v2/users?include_totals=true").await;
    assert_eq!(users, json!({"start": 0, "limit": 50, "length": 0, "total": 0, "users": []}));
    let id = id_of(&world, "sms").await;
    let path = format!("/api/v2/connections/{id}/clients");
    let first = list(&world, &format!("{path}?take=1&include_totals=true")).await;
    let rest = list(&world, &format!("{path}?take=1&from={}", first["next"].as_str().unwrap())).await;
    assert_eq!(first["clients"], json!([{"client_id": crate::world::NATIVE}]));
    assert_eq!(rest, json!({"clients": [{"client_id": crate::world::WEB.0}]}));
}

#[tokio::test]
async fn a_page_that_is_no_page_is_refused() {
    let world = World::bare(Options::default()).await;
    let mut lines = String::new();
    for query in [
        "per_page=101",
        "per_page=-1",
        "per_page=x",
        "page=-1",
        "page=1.5",
        "page=1000000001",
        "take=101",
        "take=0",
        "take=x",
        "take=1&from=%21%21",
        "include_totals=yes",
        "per_page=99999999999999999999",
        "fields=name&include_fields=1",
    ] {
        for list in ["connections", "clients", "client-grants", "resource-servers"] {
            if list == "client-grants" && query.contains("fields") {
                continue;
            }
            let line = said(&admin(&world).get(&format!("/api/v2/{list}?{query}")).await);
            if list == "connections" {
                writeln!(lines, "{query}: {line}").unwrap();
            } else {
                assert!(lines.ends_with(&format!("{query}: {line}\n")), "{list} {query}: {line}");
            }
        }
    }
    expect![[r#"
        per_page=101: 400 invalid_query_string: Query validation error: 'Value 101 is greater than maximum 100' on property per_page (Number of results per page).
        per_page=-1: 400 invalid_query_string: Query validation error: 'Value -1 is less than minimum 1' on property per_page (Number of results per page).
        per_page=x: 400 invalid_query_string: Query validation error: 'Expected type integer but found type string' on property per_page (Number of results per page).
        page=-1: 400 invalid_query_string: Query validation error: 'Value -1 is less than minimum 0' on property page (Page index of the results to return. First page is 0).
        page=1.5: 400 invalid_query_string: Query validation error: 'Expected type integer but found type string' on property page (Page index of the results to return. First page is 0).
        page=1000000001: 400 invalid_query_string: Query validation error: 'Value 1000000001 is greater than maximum 1000000000' on property page (Page index of the results to return. First page is 0).
        take=101: 400 invalid_query_string: Query validation error: 'Value 101 is greater than maximum 100' on property take (Number of results per page).
        take=0: 400 invalid_query_string: Query validation error: 'Value 0 is less than minimum 1' on property take (Number of results per page).
        take=x: 400 invalid_query_string: Query validation error: 'Expected type integer but found type string' on property take (Number of results per page).
        take=1&from=%21%21: 400 invalid_query_string: Query validation error: 'Invalid checkpoint' on property from (Id from which to start selection).
        include_totals=yes: 400 invalid_query_string: Query validation error: 'Expected type boolean but found type string' on property include_totals.
        per_page=99999999999999999999: 400 invalid_query_string: Query validation error: 'Expected type integer but found type string' on property per_page (Number of results per page).
        fields=name&include_fields=1: 400 invalid_query_string: Query validation error: 'Expected type boolean but found type string' on property include_fields.
    "#]].assert_eq(&lines);
    for path in ["/api/v2/users?per_page=101", "/api/v2/logs?per_page=101", "/api/v2/logs?take=101"] {
        let line = said(&admin(&world).get(path).await);
        assert!(
            line.starts_with(
                "400 invalid_query_string: Query validation error: 'Value 101 is greater than maximum 100'"
            )
        );
    }
}
