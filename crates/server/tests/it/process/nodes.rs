//! Many callers at once, on one node and on two nodes that share a PostgreSQL.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Answer, Server, World, need_postgres, phone, sql};

const CALLERS: usize = 50;

/// Redeems one code many times at once, in turn on the given nodes; how many got tokens.
async fn winners(world: &Arc<World>, nodes: &[Arc<Server>], phone: &str, code: &str) -> usize {
    let callers: Vec<_> = nodes
        .iter()
        .cycle()
        .take(CALLERS)
        .map(|node| {
            let (world, node, phone, code) = (Arc::clone(world), Arc::clone(node), phone.to_owned(), code.to_owned());
            tokio::spawn(async move { node.exchange(&world.client_id, &phone, &code).await.unwrap() })
        })
        .collect();
    let mut won = 0;
    for caller in callers {
        let answer = caller.await.unwrap();
        match (answer.status, answer.body["error"].as_str()) {
            (200, _) => won += 1,
            (403, Some("invalid_grant")) | (429, Some("too_many_attempts")) => {}
            _ => panic!("{answer:?}"),
        }
    }
    won
}

async fn started(world: &World, node: &Server, phone: &str) -> String {
    node.start(&world.client_id, phone).await.unwrap().is(200);
    world.codes_of(phone).pop().unwrap()
}

#[tokio::test]
async fn of_fifty_callers_with_one_code_one_gets_in() {
    let (world, server) = World::new("one_code").await;
    let (world, nodes) = (Arc::new(world), [Arc::new(server)]);
    for number in 0..4 {
        let phone = phone(number);
        let code = started(&world, &nodes[0], &phone).await;
        assert_eq!(winners(&world, &nodes, &phone, &code).await, 1);
    }
}

/// Two nodes that found an empty database at the same moment.
async fn two_nodes(name: &str) -> (Arc<World>, [Arc<Server>; 2]) {
    let mut world = World::empty(name).await;
    let (one, two) = tokio::join!(world.serve(&[]), world.serve(&[]));
    world.set_up(&one).await;
    (Arc::new(world), [Arc::new(one), Arc::new(two)])
}

#[tokio::test]
async fn of_fifty_callers_on_two_nodes_one_gets_in() {
    if need_postgres("of_fifty_callers_on_two_nodes_one_gets_in").is_none() {
        return;
    }
    let (world, nodes) = two_nodes("two_nodes").await;
    for number in 0..4 {
        let phone = phone(number);
        let code = started(&world, &nodes[number % 2], &phone).await;
        assert_eq!(winners(&world, &nodes, &phone, &code).await, 1);
    }
    // The newest code is the one that counts, wherever it was made.
    let phone = phone(100);
    let old = started(&world, &nodes[0], &phone).await;
    let mut new = started(&world, &nodes[1], &phone).await;
    while new == old {
        new = started(&world, &nodes[1], &phone).await;
    }
    for node in &nodes {
        let refused = node.exchange(&world.client_id, &phone, &old).await.unwrap();
        assert_eq!(refused.is(403)["error"], "invalid_grant");
    }
    nodes[0].exchange(&world.client_id, &phone, &new).await.unwrap().is(200);
    nodes[1].exchange(&world.client_id, &phone, &new).await.unwrap().is(403);
}

/// Signs in on a node; the refresh token.
async fn refresh_token(world: &World, node: &Server, phone: &str) -> String {
    let code = started(world, node, phone).await;
    let body = json!({"grant_type": super::OTP, "client_id": world.client_id, "realm": "sms", "username": phone, "otp": code,
        "scope": "offline_access"});
    node.post("/oauth/token", body).await.unwrap().is(200)["refresh_token"].as_str().unwrap().to_owned()
}

async fn refreshed(world: &World, node: &Server, token: &str) -> Answer {
    let body = json!({"grant_type": "refresh_token", "client_id": world.client_id, "refresh_token": token});
    node.post("/oauth/token", body).await.unwrap()
}

#[tokio::test]
async fn of_fifty_exchanges_of_one_refresh_token_on_two_nodes_one_gets_a_successor() {
    if need_postgres("of_fifty_exchanges_of_one_refresh_token_on_two_nodes_one_gets_a_successor").is_none() {
        return;
    }
    let (world, nodes) = two_nodes("two_refresh").await;
    let policy = json!({"refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring"}});
    nodes[0].api(&world, "PATCH", &format!("/clients/{}", world.client_id), Some(policy)).await.is(200);
    // The other node rotates once it has noticed.
    let first = refresh_token(&world, &nodes[0], &phone(0)).await;
    soon(async || refreshed(&world, &nodes[1], &first).await, |answer| answer.body["refresh_token"].is_string()).await;
    for number in 1..4 {
        let token = refresh_token(&world, &nodes[number % 2], &phone(number)).await;
        let callers: Vec<_> = nodes
            .iter()
            .cycle()
            .take(CALLERS)
            .map(|node| {
                let (world, node, token) = (Arc::clone(&world), Arc::clone(node), token.clone());
                tokio::spawn(async move { refreshed(&world, &node, &token).await })
            })
            .collect();
        let mut successors = Vec::new();
        for caller in callers {
            let answer = caller.await.unwrap();
            match answer.status {
                200 => successors.push(answer.text("refresh_token")),
                _ => assert_eq!(answer.is(403)["error"], "invalid_grant"),
            }
        }
        assert_eq!(successors.len(), 1);
        // Those who came after revoked it.
        refreshed(&world, &nodes[0], &successors[0]).await.is(403);
    }
}

#[tokio::test]
async fn two_nodes_that_meet_an_empty_database_make_one_tenant() {
    if need_postgres("two_nodes_that_meet_an_empty_database_make_one_tenant").is_none() {
        return;
    }
    for _ in 0..3 {
        let mut world = World::empty("one_tenant").await;
        let (one, two) = tokio::join!(world.serve(&[]), world.serve(&[]));
        for (table, rows) in [
            (world.count("SELECT COUNT(*) FROM signing_keys").await, 2),
            (world.count("SELECT COUNT(*) FROM connections WHERE name = 'sms'").await, 1),
            (world.count("SELECT COUNT(*) FROM clients WHERE id = 'admin'").await, 1),
            (world.count("SELECT COUNT(*) FROM clients WHERE is_global = 1").await, 1),
            (world.count("SELECT COUNT(*) FROM client_grants WHERE client_id = 'admin'").await, 1),
        ] {
            assert_eq!(table, rows);
        }
        // A token of one opens the doors of the other.
        world.token = one.management_token().await;
        two.api(&world, "GET", "/clients", None).await.is(200);
        drop((one, two));
    }
}

#[tokio::test]
async fn a_node_sees_what_another_one_configured() {
    if need_postgres("a_node_sees_what_another_one_configured").is_none() {
        return;
    }
    let (world, [one, two]) = two_nodes("configured").await;
    // What a node does not know it looks for at once.
    let client = one.new_client(&world, "newcomer").await;
    world.enable(&one, &client, true).await;
    two.start(&client, &phone(0)).await.unwrap().is(200);
    // What it knows otherwise it sees anew after a moment.
    world.enable(&one, &client, false).await;
    let refused = soon(async || two.start(&client, &phone(1)).await.unwrap(), |answer| answer.status == 400).await;
    assert_eq!(refused.is(400)["error"], "bad.connection");
    world.enable(&one, &client, true).await;
    two.start(&client, &phone(2)).await.unwrap().is(200);
    one.api(&world, "DELETE", &format!("/clients/{client}"), None).await.is(204);
    soon(async || two.start(&client, &phone(3)).await.unwrap(), |answer| answer.status != 200).await;
    // A new signing key signs here and verifies there, at once.
    one.api(&world, "POST", "/keys/signing/rotate", None).await.is(201);
    let mut world = Arc::into_inner(world).unwrap();
    world.token = one.management_token().await;
    two.api(&world, "GET", "/clients", None).await.is(200);
}

/// Asks until the answer is the one wanted, for as long as a node may need to notice a change.
async fn soon(ask: impl AsyncFn() -> Answer, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let began = Instant::now();
    loop {
        let answer = ask().await;
        if wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(3), "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn connections_that_were_cut_while_idle_cost_no_request() {
    let Some(url) = need_postgres("connections_that_were_cut_while_idle_cost_no_request") else { return };
    let (world, server) = World::new("cut").await;
    for round in 0..8 {
        let phone = phone(round);
        server.start(&world.client_id, &phone).await.unwrap().is(200);
        let code = world.codes_of(&phone).pop().unwrap();
        let ours = format!("FROM pg_stat_activity WHERE datname = '{}'", world.name);
        sql(&url, &format!("SELECT pg_terminate_backend(pid, 5000) {ours}")).await;
        server.exchange(&world.client_id, &phone, &code).await.unwrap().is(200);
        // The server's own look at the database may have been under way on one of them; the next look is another.
        soon(async || server.readyz().await, |answer| answer.status == 200).await;
    }
}
