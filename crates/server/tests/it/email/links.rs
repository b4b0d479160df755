//! Links that sign in whoever follows them (C1403-C1405).

use std::collections::BTreeMap;

use ringpass_simulator::MailServer;
use serde_json::{Value, json};
use url::Url;

use super::{ADA, options, redeem, start, world};
use crate::world::{NATIVE, World};

/// Starts a link and takes it from the mail, cut into its parts.
async fn link(world: &World, server: &MailServer, auth_params: Value) -> (String, BTreeMap<String, String>) {
    let answer = start(&world.anon(), json!({"send": null, "authParams": auth_params})).await;
    assert_eq!(answer.status, 200, "{answer}");
    let event = world.logs().await;
    assert_eq!(event.kinds(), ["cls"]);
    let text = server.next().await.unwrap().text();
    let at = text.find("https://").unwrap();
    let link = Url::parse(text[at..].split(['>', ' ', '\n']).next().unwrap()).unwrap();
    let place = format!("{}{}", link.origin().ascii_serialization(), link.path());
    (place, link.query_pairs().into_owned().collect())
}

#[tokio::test]
async fn a_link_carries_what_the_application_asked_for_and_a_code_nobody_guesses() {
    let (world, server) = world().await;
    world
        .client(NATIVE, json!({"callbacks": ["https://*.app.example/cb", "https://app.example/cb", "app://cb"]}))
        .await;
    let asked = json!({"response_type": "code", "redirect_uri": "app://cb", "scope": "openid email", "state": "a&b=c #ü",
        "nonce": "n", "audience": "https://api.example/", "evil": "x", "max_age": 1});
    let (place, parts) = link(&world, &server, asked).await;
    assert_eq!(place, "https://tenant.example/passwordless/verify_redirect");
    let part = |name: &str| parts.get(name).map(String::as_str);
    assert_eq!((part("client_id"), part("connection"), part("email")), (Some(NATIVE), Some("email"), Some(ADA)));
    assert_eq!((part("redirect_uri"), part("state"), part("nonce")), (Some("app://cb"), Some("a&b=c #ü"), Some("n")));
    assert_eq!((part("response_type"), part("scope")), (Some("code"), Some("openid email")));
    assert_eq!((part("evil"), part("max_age"), part("audience")), (None, None, Some("https://api.example/")));
    let code = part("verification_code").unwrap();
    assert!(code.len() >= 20 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
    // It is a code like any other: once, and only at this address.
    assert_eq!(redeem(&world.anon(), "other@mail.example", code).await.status, 403);
    assert_eq!(redeem(&world.anon(), ADA, code).await.status, 200);
    assert_eq!(redeem(&world.anon(), ADA, code).await.status, 403);
    assert_eq!(world.logs().await.kinds(), ["fepotpft", "ss", "s", "fepotpft"]);
}

#[tokio::test]
async fn a_redirect_address_that_is_not_the_clients_is_replaced_by_its_first() {
    let (world, server) = world().await;
    let foreign = json!({"redirect_uri": "https://evil.example/", "state": "x".repeat(3_000)});
    let (_, parts) = link(&world, &server, foreign.clone()).await;
    assert_eq!((parts.get("redirect_uri"), parts.get("state")), (None, None));
    world.client(NATIVE, json!({"callbacks": ["https://*.app.example/cb", "https://app.example/cb"]})).await;
    let (_, parts) = link(&world, &server, foreign).await;
    assert_eq!(parts["redirect_uri"], "https://app.example/cb");
    options(&world, json!({"authParams": {"scope": "openid", "response_type": "token"}})).await;
    let (_, parts) = link(&world, &server, json!({"scope": "openid phone"})).await;
    assert_eq!((parts["scope"].as_str(), parts["response_type"].as_str()), ("openid phone", "token"));
}
