//! What an operator types, right and wrong: each ends with a sentence and an exit code.

use http::StatusCode;
use ringpass_simulator::Reply;
use serde_json::json;

use super::{ADMIN, OTP, PUBLIC, Server, World, on_sqlite, phone};

async fn admin_token(server: &Server, secret: &str) -> u16 {
    let body = json!({
        "grant_type": "client_credentials", "client_id": ADMIN, "client_secret": secret,
        "audience": format!("{PUBLIC}/api/v2/")
    });
    server.post("/oauth/token", body).await.unwrap().status
}

#[tokio::test]
async fn an_empty_database_needs_an_admin_once() {
    let world = World::empty("admin").await;
    let nobody = [("RINGPASS_ADMIN_CLIENT_ID", ""), ("RINGPASS_ADMIN_CLIENT_SECRET", "")];
    let address = ["serve", "--http", "127.0.0.1:0"];
    let (code, text) = world.run(&address, &nobody);
    assert!(code == 1 && text.contains("the database is empty: set RINGPASS_ADMIN_CLIENT_ID"), "{code}: {text}");
    // Nothing stands in the way of the start that follows, and later ones need no admin.
    let first = world.serve(&[]).await;
    assert_eq!(admin_token(&first, super::ADMIN_SECRET).await, 200);
    assert!(first.stop(super::PATIENCE).await.success());
    let second = world.serve(&nobody).await;
    assert_eq!(admin_token(&second, super::ADMIN_SECRET).await, 200);
    assert!(second.stop(super::PATIENCE).await.success());
    // Another secret takes the place of the old one.
    let third = world.serve(&[("RINGPASS_ADMIN_CLIENT_SECRET", "quite-another-secret")]).await;
    assert_eq!(admin_token(&third, "quite-another-secret").await, 200);
    assert_eq!(admin_token(&third, super::ADMIN_SECRET).await, 401);
    third.kill();
    assert_eq!(world.count("SELECT COUNT(*) FROM clients WHERE id = 'admin'").await, 1);
}

#[tokio::test]
async fn another_master_key_is_refused_with_a_sentence() {
    let (world, server) = World::new("master_key").await;
    assert!(server.stop(super::PATIENCE).await.success());
    let other = ringpass_core::kit::hash::base64(&[8; 32]);
    for (key, exit) in [(other.as_str(), 1), ("not a key", 2), ("", 2)] {
        let (code, text) = world.run(&["serve", "--http", "127.0.0.1:0"], &[("RINGPASS_MASTER_KEY", key)]);
        assert!(code == exit && text.to_lowercase().contains("key") && !text.contains("panick"), "{code}: {text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("ringpass: ")).count(), 1, "{text}");
    }
    // The old key opens, a new one before it seals.
    let both = format!("new:{other},{}", super::master_key());
    let server = world.serve(&[("RINGPASS_MASTER_KEY", &both)]).await;
    server.start(&world.client_id, &phone(0)).await.unwrap().is(200);
}

#[tokio::test]
async fn migrate_and_check_config_need_no_server() {
    let world = World::empty("migrate").await;
    for _ in 0..2 {
        let (code, text) = world.run(&["migrate"], &[("RINGPASS_MASTER_KEY", "")]);
        assert!(code == 0 && text.contains("has this version's schema"), "{code}: {text}");
    }
    let (code, text) = world.run(&["check-config", "--http", "127.0.0.1:0"], &[]);
    assert!(code == 0 && text.contains(PUBLIC) && !text.contains(super::ADMIN_SECRET), "{code}: {text}");
    assert!(!text.contains(&super::master_key()), "{text}");
    let (code, text) = world.run(&["check-config"], &[]);
    assert!(code == 2 && text.contains("no listener"), "{code}: {text}");
    let (code, text) = world.run(&["check-config", "--http", "nowhere"], &[]);
    assert!(code == 2 && text.contains("nowhere"), "{code}: {text}");
    // A migrated database is still a fresh one.
    world.serve(&[]).await;
}

#[tokio::test]
async fn a_second_dev_on_one_folder_ends_with_a_sentence() {
    if !on_sqlite("a_second_dev_on_one_folder_ends_with_a_sentence") {
        return;
    }
    let world = World::empty("dev").await;
    let plain = [("RINGPASS_HTTPS", "127.0.0.1:0"), ("RINGPASS_MASTER_KEY", "")];
    let first = world.launch("dev", &plain).await;
    let address = ["dev", "--http", "127.0.0.1:0"];
    let (code, text) = world.run(&address, &plain);
    assert!(code == 1 && text.contains("another Ringpass process uses"), "{code}: {text}");
    // The first is not disturbed: the sign-in that it printed still goes.
    let dev = std::fs::read_to_string(world.folder.join("dev.json")).unwrap();
    let dev: serde_json::Value = serde_json::from_str(&dev).unwrap();
    assert_eq!(dev["http_url"], json!(first.url));
    let client = dev["native"]["client_id"].as_str().unwrap();
    first.start(client, &phone(0)).await.unwrap().is(200);
    let messages = super::send(&first.http, "GET", &format!("{}/dev/messages", first.url), &[], None).await.unwrap();
    let text = messages.is(200)[0]["body"].as_str().unwrap().to_owned();
    let code: String = text.chars().filter(char::is_ascii_digit).collect();
    let body = json!({"grant_type": OTP, "client_id": client, "realm": "sms", "username": phone(0), "otp": code});
    first.post("/oauth/token", body).await.unwrap().is(200);
    assert!(first.stop(super::PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateway_check_tells_good_from_bad_by_its_exit_code() {
    let world = World::empty("check").await;
    let secret = ["--secret", "secret-of-the-gateway", "--audience", "urn:x", "--subject", "urn:Auth0"];
    let run = |url: &str| world.run(&[&["gateway", "check", url], &secret[..]].concat(), &[]);
    // One that takes everything, one that refuses everything, and one that is gone.
    world.gateway.hand_to(|_| {});
    let (code, text) = run(&world.gateway.url());
    assert_eq!(code, 1, "{text}");
    world.gateway.always(Reply::Status(StatusCode::UNAUTHORIZED.as_u16()));
    let (code, text) = run(&world.gateway.url());
    assert_eq!(code, 1, "{text}");
    let (code, text) = run("http://127.0.0.1:1/send");
    assert_eq!(code, 2, "{text}");
    // One that looks closely: the two signed requests come first.
    for status in [200, 200, 401, 401, 401, 401, 401, 401] {
        world.gateway.reply(Reply::Status(status));
    }
    let (code, text) = run(&world.gateway.url());
    assert_eq!(code, 0, "{text}");
}
