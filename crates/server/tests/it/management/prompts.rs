//! Settings, texts, partials and renderings of the hosted pages (C1461-C1465).

use expect_test::expect;
use ringpass_core::model::prompt::PROMPTS;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Lines, Options, World};

const LIST: &str = "/api/v2/prompts/rendering?include_totals=true&per_page=100&page=0";

#[tokio::test]
async fn settings_of_prompts_change_one_by_one() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let fresh = json!({"universal_login_experience": "new", "identifier_first": true});
    assert_eq!(good(&admin.get("/api/v2/prompts").await, 200), fresh);
    let patched = good(&admin.patch("/api/v2/prompts", json!({"webauthn_platform_first_factor": true})).await, 200);
    assert_eq!(patched["webauthn_platform_first_factor"], true);
    let patched = good(&admin.patch("/api/v2/prompts", json!({"webauthn_platform_first_factor": null})).await, 200);
    assert_eq!((&patched, &good(&admin.get("/api/v2/prompts").await, 200)), (&fresh, &fresh));
    assert_eq!(
        said(&admin.patch("/api/v2/prompts", json!({"universal_login_experience": "old"})).await),
        "400 invalid_body: Payload validation error: 'No enum match for: old' on property universal_login_experience \
         (Which log-in pages are shown)."
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn texts_of_the_tenant_are_kept_shown_and_cleared() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let own = json!({"login-id": {"title": "Come in", "description": "<b>${clientName}</b>"}});
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/custom-text/en").await, 200), json!({}));
    assert_eq!(good(&admin.put("/api/v2/prompts/login-id/custom-text/en", own.clone()).await, 200), own);
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/custom-text/en").await, 200), own);
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/custom-text/fr").await, 200), json!({}));
    let title = || {
        let snapshot = world.app.snapshot();
        let lang = snapshot.texts.choose(None, None);
        snapshot.texts.screen(lang, "login-id", "login-id").get("title").to_owned()
    };
    assert_eq!(title(), "Come in");
    let other = json!({"login-id": {"buttonText": "Go"}});
    assert_eq!(good(&admin.put("/api/v2/prompts/login-id/custom-text/en", other.clone()).await, 200), other);
    assert_eq!(title(), "Sign in", "a write replaces every text of the prompt");
    assert_eq!(good(&admin.put("/api/v2/prompts/login-id/custom-text/en", json!({})).await, 200), json!({}));
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/custom-text/en").await, 200), json!({}));
    assert_eq!(world.logs().await.lines(), ["sapi: Set the texts of a prompt"; 3]);
}

#[tokio::test]
async fn texts_of_the_wrong_shape_place_or_size_change_nothing() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut lines = String::new();
    for (place, body) in [
        ("nobody/custom-text/en", json!({})),
        ("login-id/custom-text/tlh", json!({})),
        ("login-id/custom-text/en", json!([])),
        ("login-id/custom-text/en", json!({"login-id": "x"})),
        ("login-id/custom-text/en", json!({"login-id": {"title": 7}})),
        ("login-id/custom-text/en", json!({"../x": {"title": "x"}})),
        ("login-id/custom-text/en", json!({"login-id": {"title": "a\0b"}})),
    ] {
        lines.line(said(&admin.put(&format!("/api/v2/prompts/{place}"), body).await));
    }
    lines.line(said(&admin.get("/api/v2/prompts/x/custom-text/en").await));
    lines.line(said(&admin.get("/api/v2/prompts/x/partials").await));
    expect![[r#"
        400 invalid_uri: Path validation error: 'Invalid value "nobody"' on property prompt (Name of the prompt).
        400 invalid_uri: Path validation error: 'Invalid value "tlh"' on property language (Language to update or read).
        400 invalid_body: Payload validation error: 'Expected type object but found type array'.
        400 invalid_body: Payload validation error: 'Expected type object but found type string' on property login-id.
        400 invalid_body: Payload validation error: 'Expected type string but found type integer' on property login-id.title.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: ../x'.
        400 invalid_body: Payload validation error: 'The character U+0000 is not allowed'.
        400 invalid_uri: Path validation error: 'Invalid value "x"' on property prompt (Name of the prompt).
        400 invalid_uri: Path validation error: 'Invalid value "x"' on property prompt (Name of the prompt).
    "#]].assert_eq(&lines);
    drop(world.logs().await);
}

#[tokio::test]
async fn texts_of_all_prompts_together_have_a_bound() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let large: serde_json::Map<String, Value> = (0..15).map(|n| (format!("k{n}"), "x".repeat(4_000).into())).collect();
    let large = json!({"screen": large});
    let mut last = 200;
    for locale in ["en", "fr"] {
        for prompt in PROMPTS {
            let answer = admin.put(&format!("/api/v2/prompts/{prompt}/custom-text/{locale}"), large.clone()).await;
            if answer.status != 200 {
                assert_eq!(said(&answer), "400 invalid_body: The texts of all prompts together are too long");
            }
            last = answer.status.as_u16();
        }
    }
    assert_eq!(last, 400);
    let again = admin.put("/api/v2/prompts/login/custom-text/en", large).await;
    assert_eq!(again.status, 200, "what is replaced does not count");
    drop(world.logs().await);
}

#[tokio::test]
async fn partials_are_stored_and_echoed() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let own = json!({"login-id": {"form-content-start": "<div>Hello</div>", "form-footer-end": "<hr>"}});
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/partials").await, 200), json!({}));
    assert_eq!(good(&admin.put("/api/v2/prompts/login-id/partials", own.clone()).await, 200), own);
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/partials").await, 200), own);
    assert_eq!(good(&admin.put("/api/v2/prompts/login-id/partials", json!({})).await, 200), json!({}));
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/partials").await, 200), json!({}));
    let refused = admin.put("/api/v2/prompts/login-id/partials", json!({"login-id": {"form-content-start": 1}})).await;
    assert_eq!(
        said(&refused),
        "400 invalid_body: Payload validation error: 'Expected type string but found type integer' on property \
         login-id.form-content-start."
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn renderings_are_stored_and_listed() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    assert_eq!(good(&admin.get(LIST).await, 200), json!({"start": 0, "limit": 100, "total": 0, "configs": []}));
    let standard = json!({"tenant": "tenant", "prompt": "login-id", "screen": "login-id", "rendering_mode": "standard",
        "context_configuration": [], "default_head_tags_disabled": false, "head_tags": []});
    assert_eq!(good(&admin.get("/api/v2/prompts/login-id/screen/login-id/rendering").await, 200), standard);
    let patch = json!({"rendering_mode": "advanced", "context_configuration": ["branding.settings"],
        "head_tags": [{"tag": "script", "attributes": {"src": "https://cdn.example/a.js"}}]});
    let changed = good(&admin.patch("/api/v2/prompts/login-id/screen/login-id/rendering", patch).await, 200);
    assert_eq!((&changed["rendering_mode"], &changed["screen"]), (&json!("advanced"), &json!("login-id")));
    let bulk = json!({"configs": [
        {"prompt": "login-id", "screen": "login-id", "rendering_mode": "standard"},
        {"prompt": "mfa-sms", "screen": "mfa-sms-challenge", "use_page_template": true}]});
    let changed = good(&admin.patch("/api/v2/prompts/rendering", bulk).await, 200);
    assert_eq!(
        (&changed["configs"][0]["rendering_mode"], changed["configs"].as_array().unwrap().len()),
        (&json!("standard"), 2)
    );
    let listed = good(&admin.get(&format!("{LIST}&prompt=mfa-sms")).await, 200);
    assert_eq!((&listed["total"], &listed["configs"][0]["screen"]), (&json!(1), &json!("mfa-sms-challenge")));
    let mut lines = String::new();
    lines.line(said(&admin.patch("/api/v2/prompts/login-id/screen/X/rendering", json!({})).await));
    lines.line(said(
        &admin.patch("/api/v2/prompts/login-id/screen/login-id/rendering", json!({"rendering_mode": "x"})).await,
    ));
    lines.line(said(
        &admin.patch("/api/v2/prompts/rendering", json!({"configs": [{"prompt": "x", "screen": "y"}]})).await,
    ));
    expect![[r#"
        400 invalid_uri: Path validation error: 'Invalid value "X"' on property screen (Name of the screen).
        400 invalid_body: Payload validation error: 'No enum match for: x' on property rendering_mode (Rendering mode).
        400 invalid_body: Payload validation error: 'No enum match for: x' on property configs[0].prompt.
    "#]]
    .assert_eq(&lines);
    drop(world.logs().await);
}
