//! The e-mail provider (C1420-C1423).

use expect_test::expect;
use serde_json::json;

use super::{admin, database, good, said};
use crate::world::{Lines as _, Options, World};

#[tokio::test]
async fn a_provider_comes_changes_and_goes_and_its_secrets_stay_inside() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    assert_eq!(
        said(&admin.get("/api/v2/emails/provider").await),
        "404 inexistent_email_provider: There is not a configured email provider"
    );
    let smtp = json!({"name": "smtp", "default_from_address": "Ann <no-reply@tenant.example>",
        "credentials": {"smtp_host": "mail.example", "smtp_port": 587, "smtp_user": "ringpass", "smtp_pass": "hunter2"}});
    let made = admin.post("/api/v2/emails/provider", smtp.clone()).await;
    assert_eq!(made.header("ringpass-warning"), "");
    expect![[r#"
        {
          "name": "smtp",
          "default_from_address": "Ann <no-reply@tenant.example>",
          "credentials": {
            "smtp_host": "mail.example",
            "smtp_port": 587,
            "smtp_user": "ringpass"
          },
          "enabled": true
        }"#]]
    .assert_eq(&format!("{:#}", good(&made, 201)));
    assert_eq!(
        said(&admin.post("/api/v2/emails/provider", smtp).await),
        "409 email_provider_conflict: There is already an email provider configured."
    );
    let fields = "/api/v2/emails/provider?fields=name,credentials&include_fields=true";
    assert_eq!(
        good(&admin.get(fields).await, 200),
        json!({"name": "smtp", "credentials": {"smtp_host": "mail.example", "smtp_port": 587, "smtp_user": "ringpass"}})
    );
    let off = good(&admin.patch("/api/v2/emails/provider", json!({"enabled": false})).await, 200);
    assert_eq!(off["enabled"], false);
    let events = world.logs().await;
    assert_eq!(events.kinds(), ["sapi", "fapi", "sapi"]);
    assert!(!events.to_string().contains("hunter2") && !database(&world).await.contains("hunter2"));
    // The secret that nobody can read back is still there after a change of the rest.
    let read = world.app.db.read("test.mail", ringpass_core::storage::email_provider::get).await.unwrap().unwrap();
    assert_eq!(read.credentials()["smtp_pass"], "hunter2");
    assert_eq!(admin.delete("/api/v2/emails/provider").await.status, 204);
    assert_eq!(admin.delete("/api/v2/emails/provider").await.status, 204);
    assert_eq!(
        said(&admin.patch("/api/v2/emails/provider", json!({})).await).split(':').next(),
        Some("404 inexistent_email_provider")
    );
    world.logs().await;
}

#[tokio::test]
async fn what_does_not_deliver_here_is_kept_with_a_warning() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let sendgrid = json!({"name": "sendgrid", "credentials": {"api_key": "hunter2"}});
    let answer = admin.post("/api/v2/emails/provider", sendgrid).await;
    assert_eq!(good(&answer, 201)["credentials"], json!({}));
    let why =
        "the e-mail provider cannot send: only the provider `smtp` delivers here; others are stored without effect";
    assert_eq!(answer.header("ringpass-warning"), why);
    assert_eq!(world.app.snapshot().warnings(), [why]);
    let smtp = json!({"name": "smtp", "credentials": {"smtp_host": "mail.example", "smtp_port": 25}});
    assert_eq!(admin.patch("/api/v2/emails/provider", smtp).await.header("ringpass-warning"), "");
    assert!(world.app.snapshot().warnings().is_empty());
    world.logs().await;
}

#[tokio::test]
async fn bad_settings_and_missing_scopes_are_refused() {
    let world = World::bare(Options::default()).await;
    let (admin, stranger) = (admin(&world), world.api("read:users"));
    let mut out = String::new();
    for answer in [
        admin.post("/api/v2/emails/provider", json!({"name": "smtp"})).await,
        admin.post("/api/v2/emails/provider", json!({"name": "pigeon", "credentials": {}})).await,
        admin.post("/api/v2/emails/provider", json!({"name": "smtp", "credentials": {"smtp_host": "x"}})).await,
        admin
            .post(
                "/api/v2/emails/provider",
                json!({"name": "smtp", "credentials": {"smtp_host": "mail.example\r\nX: y", "smtp_port": 25}}),
            )
            .await,
        admin
            .post(
                "/api/v2/emails/provider",
                json!({"name": "smtp", "credentials": {}, "default_from_address": "a@b\r\nBcc: c"}),
            )
            .await,
        stranger.get("/api/v2/emails/provider").await,
        stranger.post("/api/v2/emails/provider", json!({})).await,
        stranger.patch("/api/v2/emails/provider", json!({})).await,
        stranger.delete("/api/v2/emails/provider").await,
    ] {
        out.line(said(&answer).escape_debug());
    }
    expect![[r#"
        400 invalid_body: Payload validation error: \'Missing required property: credentials\'.
        400 invalid_body: Payload validation error: \'No enum match for: pigeon\' on property name (Who sends the mail).
        400 invalid_body: Payload validation error: \'Missing required property: smtp_port\' on property credentials (What the provider is called with).
        400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format hostname: mail.example\r\nX: y\' on property credentials.smtp_host (Name of the mail server).
        400 invalid_body: Payload validation error: \'Object didn\'t pass validation for format email: a@b\r\nBcc: c\' on property default_from_address (Sender of mails that name none).
        403 insufficient_scope: Insufficient scope, expected any of: read:email_provider
        403 insufficient_scope: Insufficient scope, expected any of: create:email_provider
        403 insufficient_scope: Insufficient scope, expected any of: update:email_provider
        403 insufficient_scope: Insufficient scope, expected any of: delete:email_provider
    "#]].assert_eq(&out);
    world.logs().await;
}
