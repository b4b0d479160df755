//! Mail templates (C1425-C1429).

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Lines as _, Options, World};

fn template(name: &str) -> Value {
    json!({"template": name, "body": "<p>{{ url }}</p>", "from": "Ann <a@tenant.example>", "subject": "Hello",
        "syntax": "liquid", "urlLifetimeInSeconds": 60, "resultUrl": "https://app.example/done", "enabled": true})
}

#[tokio::test]
async fn a_template_is_made_shown_patched_and_replaced() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let none = "404 inexistent_email_template: The template does not exist.";
    assert_eq!(said(&admin.get("/api/v2/email-templates/verify_email").await), none);
    assert_eq!(said(&admin.patch("/api/v2/email-templates/verify_email", json!({})).await), none);
    assert_eq!(said(&admin.put("/api/v2/email-templates/verify_email", template("verify_email")).await), none);
    let made = admin.post("/api/v2/email-templates", template("verify_email")).await;
    assert_eq!(good(&made, 201), template("verify_email"));
    assert_eq!(
        said(&admin.post("/api/v2/email-templates", template("verify_email")).await),
        "409 email_template_conflict: There is already an email template with this name."
    );
    let off = good(
        &admin.patch("/api/v2/email-templates/verify_email", json!({"enabled": false, "resultUrl": null})).await,
        200,
    );
    assert_eq!((&off["enabled"], off.get("resultUrl")), (&json!(false), None));
    let whole = good(&admin.put("/api/v2/email-templates/verify_email", template("verify_email")).await, 200);
    assert_eq!(whole, template("verify_email"));
    assert_eq!(good(&admin.get("/api/v2/email-templates/verify_email").await, 200), whole);
    assert!(world.app.snapshot().mail("verify_email").unwrap().stored.is_some());
    assert_eq!(world.logs().await.kinds(), ["fapi", "fapi", "sapi", "fapi", "sapi", "sapi"]);
}

#[tokio::test]
async fn names_syntax_and_scopes_are_checked() {
    let world = World::bare(Options::default()).await;
    let (admin, stranger) = (admin(&world), world.api("read:users"));
    let with = |name: &str, value: Value| {
        let mut body = template("welcome_email");
        body[name] = value;
        body
    };
    let mut out = String::new();
    for answer in [
        admin.get("/api/v2/email-templates/love_letter").await,
        admin.post("/api/v2/email-templates", template("love_letter")).await,
        admin.post("/api/v2/email-templates", with("body", json!("{{ url"))).await,
        admin.post("/api/v2/email-templates", with("subject", json!("{% include 'x' %}"))).await,
        admin.post("/api/v2/email-templates", with("enabled", json!("yes"))).await,
        admin.post("/api/v2/email-templates", json!({"template": "welcome_email"})).await,
        stranger.get("/api/v2/email-templates/verify_email").await,
        stranger.post("/api/v2/email-templates", json!({})).await,
        stranger.patch("/api/v2/email-templates/verify_email", json!({})).await,
        stranger.put("/api/v2/email-templates/verify_email", json!({})).await,
    ] {
        out.line(said(&answer));
    }
    expect![[r#"
        400 invalid_uri: Path validation error: 'No enum match for: love_letter' on property templateName (Which mail it is for).
        400 invalid_body: Payload validation error: 'No enum match for: love_letter' on property template (Which mail it is for).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format liquid: line 1: `{{` is not closed by `}}`' on property body (Template of the mail).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format liquid: line 1: `include` finds nothing: there are no other templates here' on property subject (Template of the mail).
        400 invalid_body: Payload validation error: 'Expected type boolean but found type string' on property enabled (Whether the mail is sent).
        400 invalid_body: Payload validation error: 'Missing required property: body'.
        403 insufficient_scope: Insufficient scope, expected any of: read:email_templates
        403 insufficient_scope: Insufficient scope, expected any of: create:email_templates
        403 insufficient_scope: Insufficient scope, expected any of: update:email_templates
        403 insufficient_scope: Insufficient scope, expected any of: update:email_templates
    "#]].assert_eq(&out);
    world.logs().await;
}
