//! Mail servers that are busy, broken or out of bounds (C1410-C1418).

use std::time::Duration;

use expect_test::expect;
use ringpass_simulator::{MailServer, Role};
use serde_json::json;

use super::{ADA, code, provider, redeem, start, with, world};
use crate::world::{Lines as _, Options, World};

/// What callers are told, and the log with them.
async fn failure(world: &World) -> String {
    let answer = start(&world.anon(), json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (400, "email_provider_error"), "{answer}");
    let said = answer.text("error_description");
    assert_eq!(world.logs().await.lines(), [format!("f: {said}")]);
    said
}

#[tokio::test]
async fn a_server_that_does_not_take_the_mail_is_named_and_the_code_is_dead() {
    let (world, server) = with(Options { gateway_timeout: Duration::from_millis(400), ..Options::default() }).await;
    let mut out = String::new();
    for role in [
        Role::Refuse("EHLO", "502 no"),
        Role::Refuse("MAIL", "550 no such sender"),
        Role::Refuse("RCPT", "550 5.1.1 no such user ada@mail.example"),
        Role::Refuse("DATA", "451-later\r\n451 please"),
        Role::Refuse(".", "554 spam"),
        Role::Hang(""),
        Role::Hang("EHLO"),
        Role::Hang("."),
        Role::Close("MAIL"),
        Role::Close("."),
        Role::Garbage,
        Role::Endless,
        Role::Injection,
    ] {
        server.script(role);
        out.line(format!("{role:?}: {}", failure(&world).await));
    }
    expect![[r#"
        Refuse("EHLO", "502 no"): Unexpected response while calling the email server: 502
        Refuse("MAIL", "550 no such sender"): Unexpected response while calling the email server: 550
        Refuse("RCPT", "550 5.1.1 no such user ada@mail.example"): Unexpected response while calling the email server: 550
        Refuse("DATA", "451-later\r\n451 please"): Unexpected response while calling the email server: 451
        Refuse(".", "554 spam"): Unexpected response while calling the email server: 554
        Hang(""): Timeout while calling the email server: ESOCKETTIMEDOUT
        Hang("EHLO"): Timeout while calling the email server: ESOCKETTIMEDOUT
        Hang("."): Timeout while calling the email server: ESOCKETTIMEDOUT
        Close("MAIL"): Unexpected response while calling the email server: ECONNRESET
        Close("."): Unexpected response while calling the email server: ECONNRESET
        Garbage: Unexpected response while calling the email server: no SMTP
        Endless: Unexpected response while calling the email server: no SMTP
        Injection: Unexpected response while calling the email server: no SMTP
    "#]].assert_eq(&out);
    assert!(server.take().is_empty());
    // Whatever was typed from a mail that never came is wrong.
    assert_eq!(redeem(&world.anon(), ADA, "123456").await.status, 403);
    let good = code_after(&world, &server).await;
    assert_eq!(redeem(&world.anon(), ADA, &good).await.status, 200);
    world.logs().await;
}

async fn code_after(world: &World, server: &MailServer) -> String {
    world.logs().await;
    code(world, server).await
}

#[tokio::test]
async fn credentials_are_shown_to_this_machine_and_a_refused_login_is_named() {
    let (world, server) = world().await;
    provider(&world, &server, json!({"smtp_user": "ringpass", "smtp_pass": "pass word\r\nQUIT"})).await;
    assert_eq!(start(&world.anon(), json!({})).await.status, 200);
    world.logs().await;
    assert_eq!(server.next().await.unwrap().login.as_deref(), Some("ringpass:pass word\r\nQUIT"));
    server.script(Role::Refuse("AUTH", "535 5.7.8 who are you"));
    assert_eq!(failure(&world).await, "Authentication failed while calling the email server: 535");
}

#[tokio::test]
async fn private_addresses_are_reached_only_where_the_operator_says_so() {
    let (world, server) = with(Options { allow_networks: "", ..Options::default() }).await;
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"] {
        provider(&world, &server, json!({"smtp_host": host})).await;
        let said = failure(&world).await;
        assert!(said.ends_with("EHOSTUNREACH") || said.ends_with("ENOTFOUND"), "{host}: {said}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn nobody_listens() {
    let (world, server) = world().await;
    let port = server.address().port();
    drop(server);
    let gone = MailServer::start().await.unwrap();
    provider(&world, &gone, json!({"smtp_port": port})).await;
    assert_eq!(failure(&world).await, "Unexpected response while calling the email server: ECONNREFUSED");
}
