//! Names, addresses, subjects and templates that want to be more than they are.

use ringpass::flows::mail;
use ringpass_core::model::email::Email;
use serde_json::json;

use super::{ADA, options, start, world};
use crate::world::NATIVE;

const EVIL: &str = "Evil\r\nBcc: victim@mail.example\r\n\r\n\u{2028}\"x\", c@d.example;";

#[tokio::test]
async fn no_value_ends_a_header_or_adds_a_recipient() {
    let (world, server) = world().await;
    world.client(NATIVE, json!({"name": EVIL})).await;
    let email = json!({"syntax": "liquid", "from": "{{ application.name }} <no-reply@app.example>",
        "subject": "{{ application.name }}\n{{ code }}", "body": "{{ application.name }} {{ code }}\r\n.\r\nQUIT\r\n"});
    options(&world, json!({"email": email})).await;
    let caller = world.anon().header("x-request-language", "a: b");
    assert_eq!(start(&caller, json!({})).await.status, 200);
    world.logs().await;
    let letter = server.next().await.unwrap();
    assert_eq!(letter.to, [ADA]);
    let head = letter.data.split_once("\n\n").unwrap().0;
    let names: Vec<&str> =
        head.lines().filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        names,
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"],
        "{head}"
    );
    assert_eq!(letter.from, "no-reply@app.example");
    assert!(letter.text().contains("QUIT"), "{}", letter.text());
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn a_template_bomb_costs_little_and_sends_the_built_in_mail() {
    let (world, server) = world().await;
    let bomb =
        "{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..90) %}{% assign a = a | append: a %}{% endfor %}{{ a }}";
    for body in [
        bomb.to_owned(),
        "{% for i in (1..999999999) %}{% for j in (1..999999999) %}x{% endfor %}{% endfor %}".to_owned(),
        "{{ nothing }}".to_owned(),
    ] {
        options(&world, json!({"email": {"syntax": "liquid", "subject": bomb, "from": bomb, "body": body}})).await;
        let before = std::time::Instant::now();
        assert_eq!(start(&world.anon(), json!({})).await.status, 200);
        assert!(before.elapsed().as_secs() < 2);
        world.logs().await;
        let letter = server.next().await.unwrap();
        assert_eq!(letter.header("from").unwrap(), "Tenant <no-reply@tenant.example>");
        assert!(letter.text().contains("Your verification code is:") && letter.code().is_some(), "{}", letter.text());
    }
}

#[tokio::test]
async fn other_mails_are_sent_by_their_names() {
    let (world, server) = world().await;
    let variables = json!({"url": "https://tenant.example/u?x=1", "user": {"email": ADA, "name": "<b>Ada</b>"}});
    let to = || Email::parse(ADA).unwrap();
    let variables = variables.as_object().unwrap();
    mail::send_named(&world.app, "verify_email", to(), variables.clone()).await.unwrap();
    let letter = server.next().await.unwrap();
    assert_eq!(letter.header("subject").as_deref(), Some("Confirm your e-mail address"));
    assert!(letter.html().contains("href=\"https://tenant.example/u?x=1\""));
    let own = json!({"template": "verify_email", "body": "<p>{{ user.name }} of {{ friendly_name }}</p>", "from": "",
        "subject": "{{ tenant }}", "syntax": "liquid", "enabled": true});
    let saved = world.api("create:email_templates").post("/api/v2/email-templates", own).await;
    assert_eq!(saved.status, 201, "{saved}");
    world.logs().await;
    mail::send_named(&world.app, "verify_email", to(), variables.clone()).await.unwrap();
    let letter = server.next().await.unwrap();
    assert_eq!(letter.header("subject").as_deref(), Some("tenant"));
    assert_eq!(letter.html(), "<p>&lt;b&gt;Ada&lt;/b&gt; of My Tenant</p>");
    assert!(mail::send_named(&world.app, "user_invitation", to(), variables.clone()).await.is_err());
}
