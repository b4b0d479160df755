//! Mails that carry a ticket, on a mail server of our own (C1523, C1525, C1538, C1540, C1541, C1224).

use expect_test::expect;
use ringpass::flows::caller::Caller;
use ringpass::flows::tickets::{self, TicketRefused};
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::email_provider::EmailProvider;
use ringpass_core::model::user::User;
use ringpass_core::storage::{email_provider, users};
use ringpass_simulator::{MailServer, Role};
use serde_json::json;

use super::{ANN, DATABASE, ann, sign_up, world};
use crate::world::World;

async fn posted() -> (World, MailServer) {
    let (world, server) = (world().await, MailServer::start().await.unwrap());
    let address = server.address();
    let credentials = json!({"smtp_host": address.ip().to_string(), "smtp_port": address.port()});
    let body = json!({"name": "smtp", "default_from_address": "no-reply@tenant.example", "credentials": credentials});
    let provider = EmailProvider::create(&body).unwrap();
    world.app.configure("test.mail", move |tx| email_provider::put(tx, &provider)).await.unwrap();
    (world, server)
}

/// Waits until every mail is sent that a request has left to be sent.
async fn settled(world: &World) {
    world.app.tasks.close();
    world.app.tasks.wait().await;
    world.app.tasks.reopen();
}

/// The text of the ticket in the next mail.
async fn ticket(server: &MailServer, page: &str) -> String {
    let text = server.next().await.unwrap().text();
    let start = format!("https://tenant.example{page}?ticket=");
    let (_, rest) = text.split_once(&start).unwrap_or_else(|| panic!("no link to {page} in: {text}"));
    rest.split('#').next().unwrap().to_owned()
}

async fn ask(world: &World, email: &str) {
    let answer =
        world.anon().post("/dbconnections/change_password", json!({"connection": DATABASE, "email": email})).await;
    assert_eq!(answer.status, 200, "{answer}");
    settled(world).await;
}

async fn user(world: &World) -> User {
    let found = world.app.db.read("test.user", |tx| users::find_by_email(tx, ANN)).await.unwrap();
    found.into_iter().next().unwrap()
}

#[tokio::test]
async fn whoever_signs_up_gets_a_link_to_confirm_the_address() {
    let (world, server) = posted().await;
    assert_eq!(sign_up(&world.anon(), json!({})).await.status, 200);
    let text = ticket(&server, "/u/email-verification").await;
    assert_eq!(user(&world).await.email_verified, Some(false));
    tickets::verify_email(&world.app, &text, &Caller::default()).await.unwrap();
    assert_eq!(user(&world).await.email_verified, Some(true));
    settled(&world).await;
    assert_eq!(sign_up(&world.anon(), json!({})).await.status, 400);
    settled(&world).await;
    assert!(server.take().is_empty(), "nobody else gets a mail");
    assert_eq!(world.logs().await.kinds(), ["ss", "sv", "fs"]);
}

#[tokio::test]
async fn only_whoever_is_there_gets_a_link_to_choose_a_new_password() {
    let (world, server) = posted().await;
    ann(&world).await;
    ask(&world, "bob@example.org").await;
    assert!(server.take().is_empty());
    // Nobody outside says where the browser goes, or to whom the mail.
    let body = json!({"connection": DATABASE, "email": ANN, "result_url": "https://evil.example", "to": "eve@evil.example",
        "cc": "eve@evil.example"});
    assert_eq!(world.anon().post("/dbconnections/change_password", body).await.status, 200);
    settled(&world).await;
    let mail = server.next().await.unwrap();
    assert!(!mail.text().contains("evil.example") && !mail.html().contains("evil.example"), "{}", mail.text());
    assert!(mail.header("To").unwrap().contains(ANN));
    ask(&world, "Ann@Example.org").await;
    let text = ticket(&server, "/u/reset-verify").await;
    let new = || Secret::new("Another passphrase");
    let done = tickets::change_password(&world.app, &text, new(), &Caller::default()).await.unwrap();
    assert_eq!((done.destination, user(&world).await.email_verified), (None, Some(true)));
    assert_eq!(world.logs().await.kinds(), ["fcpr", "scpr", "scpr", "scp"]);
}

#[tokio::test]
async fn the_template_says_how_long_a_link_lives_and_where_it_leads() {
    let (world, server) = posted().await;
    ann(&world).await;
    let body = json!({"template": "reset_email", "enabled": true, "subject": "New password for {{ application.name }}",
        "body": "<p>{{ user.email }} <a href=\"{{ url }}\">new</a></p>", "from": "", "syntax": "liquid",
        "urlLifetimeInSeconds": 60, "resultUrl": "https://app.example/done", "includeEmailInRedirect": true});
    let made = world.api("create:email_templates").post("/api/v2/email-templates", body).await;
    assert!(made.status.is_success(), "{made}");
    ask(&world, ANN).await;
    let mail = server.next().await.unwrap();
    assert_eq!(mail.header("Subject").unwrap(), "New password for Native App");
    let link = mail.html().split_once("?ticket=").unwrap().1.split('#').next().unwrap().to_owned();
    let opened = tickets::open(&world.app, &link).await.unwrap();
    assert_eq!(opened.ticket.wishes.result_url.as_deref(), Some("https://app.example/done"));
    assert!(opened.ticket.wishes.include_email);
    world.clock.advance(60 * SECOND);
    assert!(matches!(tickets::open(&world.app, &link).await, Err(TicketRefused::Expired)));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_mail_that_is_not_taken_is_told_to_the_log_and_to_nobody_else() {
    let (world, server) = posted().await;
    ann(&world).await;
    server.script(Role::Refuse("RCPT", "550 no such user"));
    ask(&world, ANN).await;
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "scpr",
          "description": "Success Change Password Request",
          "connection": "Username-Password-Authentication",
          "connection_id": "con_8m7ivJROZn09JgGj",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "strategy": "auth0",
          "strategy_type": "database",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "fn",
          "description": "Unexpected response while calling the email server: 550",
          "connection": "Username-Password-Authentication",
          "connection_id": "con_8m7ivJROZn09JgGj",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "",
          "client_ip": "",
          "user_agent": "",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "strategy": "auth0",
          "strategy_type": "database",
          "details": {
            "email_type": "reset_email",
            "to": "ann@example.org",
            "error": "Unexpected response while calling the email server: 550"
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn a_job_sends_the_link_again() {
    let (world, server) = posted().await;
    ann(&world).await;
    let admin = world.api("update:users read:users create:users");
    for (role, status) in [(None, "completed"), (Some(Role::Refuse("DATA", "550 no")), "failed")] {
        let fails = role.is_some();
        if let Some(role) = role {
            server.script(role);
        }
        let job = admin.post("/api/v2/jobs/verification-email", json!({"user_id": "auth0|ann"})).await;
        assert_eq!(job.status, 201, "{job}");
        assert!(ringpass::flows::jobs::work(&world.app).await.unwrap());
        let job = admin.get(&format!("/api/v2/jobs/{}", job.text("id"))).await;
        assert_eq!(job.text("status"), status, "{job}");
        if !fails {
            let text = ticket(&server, "/u/email-verification").await;
            assert!(tickets::open(&world.app, &text).await.is_ok());
        }
    }
    assert_eq!(world.logs().await.kinds(), ["sapi", "sapi", "fn"]);
}
