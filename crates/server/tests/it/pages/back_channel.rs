//! Clients are told of sessions that have ended (C1561-C1566).

use ringpass::flows::back_channel;
use ringpass_simulator::Reply;
use serde_json::json;

use super::{CALLBACK, exchange, sign_in, world as plain};
use crate::world::{NATIVE, PHONE, WEB, World};

/// A world whose native client is told at the gateway's address.
async fn world(initiators: serde_json::Value) -> World {
    let world = plain().await;
    let settings =
        json!({"backchannel_logout_urls": [world.gateway.url()], "backchannel_logout_initiators": initiators});
    world.client(NATIVE, json!({"oidc_logout": settings, "allowed_logout_urls": ["https://app.example/bye"]})).await;
    world
}

async fn work(world: &World) {
    while back_channel::tell(&world.app).await.unwrap() {}
}

#[tokio::test]
async fn a_log_out_is_told_once_with_a_token_that_proves_it() {
    let world = world(json!(null)).await;
    let browser = world.browser();
    let back = sign_in(&browser, &world, PHONE, &[]).await;
    let tokens = exchange(&world, &back.sent("code").unwrap(), json!({})).await;
    let sid = world.read_token(&tokens.text("id_token"), "")["claims"]["sid"].clone();
    browser.get(&format!("/v2/logout?client_id={NATIVE}&returnTo=https://app.example/bye")).await;
    work(&world).await;
    let told = world.gateway.next().await;
    let token = world.read_token(&told.form("logout_token").unwrap(), "");
    assert_eq!((token["header"]["typ"].as_str(), token["claims"]["aud"].as_str()), (Some("logout+jwt"), Some(NATIVE)));
    assert_eq!((&token["claims"]["sid"], token["claims"]["iss"].as_str()), (&sid, Some("https://tenant.example/")));
    assert!(token["claims"]["sub"].is_string() && token["claims"]["jti"].is_string());
    assert!(token["claims"].get("nonce").is_none());
    let event = token["claims"]["events"].as_object().unwrap();
    assert_eq!(event.keys().next().unwrap(), "http://schemas.openid.net/event/backchannel-logout");
    work(&world).await;
    assert_eq!(world.gateway.count(), 2, "the code, and one notice");
    assert_eq!(world.logs().await.kinds(), ["seacft", "slo", "oidc_backchannel_logout_succeeded"]);
    // A logout token is no ID token.
    let hint = told.form("logout_token").unwrap();
    assert_eq!(browser.get(&format!("/oidc/logout?id_token_hint={hint}")).await.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_told_again_and_then_given_up() {
    let world = world(json!(null)).await;
    let browser = world.browser();
    sign_in(&browser, &world, PHONE, &[]).await;
    browser.get("/v2/logout").await;
    assert_eq!(world.logs().await.kinds(), ["slo"]);
    world.gateway.always(Reply::Status(500));
    let mut tries = 0;
    for _ in 0..12 {
        work(&world).await;
        tries += world.gateway.take().len();
        world.clock.advance(3_600_000);
    }
    assert_eq!(tries, 5);
    assert_eq!(world.logs().await.lines(), ["oidc_backchannel_logout_failed: status 500"]);
}

#[tokio::test]
async fn clients_choose_what_they_are_told_of() {
    let selected = json!({"mode": "custom", "selected_initiators": ["session-revoked", "account-deleted"]});
    let world = world(selected).await;
    world.client(WEB.0, json!({"grant_types": ["authorization_code"], "callbacks": [CALLBACK]})).await;
    let browser = world.browser();
    let user = || async { world.user(PHONE).await.unwrap().user_id.replace('|', "%7C") };
    sign_in(&browser, &world, PHONE, &[]).await;
    // Signing in again in the same browser is no log-out.
    sign_in(&browser, &world, PHONE, &[("prompt", "login")]).await;
    work(&world).await;
    assert!(world.gateway.take().is_empty());
    let admin = world.api("delete:sessions delete:users delete:refresh_tokens");
    assert_eq!(admin.delete(&format!("/api/v2/users/{}/sessions", user().await)).await.status, 202);
    work(&world).await;
    assert!(world.gateway.next().await.form("logout_token").is_some());
    drop(world.logs().await);
    sign_in(&world.browser().with(|caller| caller.at("198.51.100.8")), &world, PHONE, &[]).await;
    assert_eq!(admin.delete(&format!("/api/v2/users/{}", user().await)).await.status, 204);
    work(&world).await;
    assert!(world.gateway.next().await.form("logout_token").is_some());
    drop(world.logs().await);
    sign_in(&world.browser().with(|caller| caller.at("198.51.100.9")), &world, PHONE, &[]).await;
    world.clock.advance(200 * 3_600_000);
    ringpass::worker::prune(&world.app).await.unwrap();
    work(&world).await;
    assert!(world.gateway.take().is_empty(), "nobody asked to be told of sessions that expire");
    drop(world.logs().await);
}
