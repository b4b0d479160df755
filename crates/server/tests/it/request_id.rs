//! The name of a request (`docs/COMPATIBILITY.md` C1037).

use std::collections::HashSet;

use http::Method;
use serde_json::json;

use crate::world::{Options, PEER, PHONE, World};

const NAME: &str = "x-request-id";

#[tokio::test]
async fn every_answer_has_a_name_of_its_own() {
    let world = World::new().await;
    let anon = world.anon();
    let answers = [
        anon.start(PHONE).await,
        anon.start("nonsense").await,
        anon.raw("/passwordless/start", "application/json", vec![b' '; 70_000]).await,
        anon.get("/oauth/token").await,
        anon.get("/nowhere").await,
        anon.get("/.well-known/jwks.json").await,
        anon.get("/api/v2/clients").await,
        anon.get("/api/v2/nowhere").await,
        anon.delete("/api/v2/tenants/settings").await,
        anon.send(Method::OPTIONS, "/api/v2/clients", "", "".into()).await,
        anon.get("/api/v2/clients/%ff").await,
    ];
    let names: HashSet<&str> = answers.iter().map(|answer| answer.header(NAME)).collect();
    assert_eq!(names.len(), answers.len(), "{names:?}");
    for name in names {
        let (process, count) = name.split_once('-').unwrap_or_default();
        assert!(process.len() == 8 && u64::from_str_radix(count, 16).is_ok(), "{name}");
    }
    drop((world.gateway.next().await, world.logs().await));
    let other = World::bare(Options::default()).await.nobody().get("/nowhere").await;
    assert_ne!(other.header(NAME).get(..8), answers[0].header(NAME).get(..8), "two processes share their names");
}

#[tokio::test]
async fn a_trusted_proxy_may_give_the_name() {
    let open = World::bare(Options::default()).await;
    let behind = World::bare(Options { trusted_proxies: "203.0.113.0/24", ..Options::default() }).await;
    let asked = async |world: &World, ip: &str, given: &str| {
        let caller = world.nobody().at(ip).header(NAME, given);
        let answer = caller.post("/oauth/token", json!({})).await.header(NAME).to_owned();
        let elsewhere = caller.get("/nowhere").await.header(NAME).to_owned();
        assert_eq!(answer == given, elsewhere == given, "{given}");
        answer == given
    };
    let longest = "x".repeat(64);
    for given in ["a", "7f3c-Az_9.b", &longest] {
        assert!(asked(&behind, PEER, given).await, "{given}");
        assert!(!asked(&behind, "198.51.100.1", given).await, "a stranger gave the name {given}");
        assert!(!asked(&open, PEER, given).await, "a stranger gave the name {given}");
    }
    let too_long = "x".repeat(65);
    for given in ["", &too_long, "a b", "a,b", "a=b", "a\"b", "a/b", "<a>", "a%0a"] {
        assert!(!asked(&behind, PEER, given).await, "{given} was taken over");
    }
    assert!(open.logs().await.kinds().is_empty() && behind.logs().await.kinds().is_empty());
}
