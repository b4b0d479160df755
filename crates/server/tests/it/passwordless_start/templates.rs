//! Message templates in Liquid (`docs/COMPATIBILITY.md` C335-C337, C1030-C1036, C1040, C1041).

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{Answer, Caller, Lines as _, PHONE, World};

const BY_LANGUAGE: &str = "{% if request_language contains 'fr' %}Votre code {{ application.name }} : {{ code }}\
    {% elsif request_language contains 'de' %}Ihr Code: {{ password }}\
    {% else %}{{ code }} is your code{% if phone_number %}, {{ phone_number }}{% endif %}.{% endif %}";

/// Starts a sign-in that must go through, and takes the text that was sent.
async fn text(world: &World, caller: &Caller<'_>) -> String {
    let answer = caller.start(PHONE).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["cs"]);
    world.gateway.next().await.json()["body"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_template_chooses_by_the_language_of_the_request() {
    let world = World::new().await;
    world.sms(json!({"template": BY_LANGUAGE, "syntax": "liquid"})).await;
    let anon = world.anon();
    let mut out = String::new();
    for caller in [
        anon.clone(),
        anon.clone().header("accept-language", "fr-CA,en;q=0.5"),
        anon.clone().header("x-request-language", "de"),
        anon.clone().header("x-request-language", "de").header("accept-language", "fr"),
        anon.clone().header("x-request-language", "{{ pin }}{% if %}"),
    ] {
        out.line(text(&world, &caller).await);
    }
    expect![[r#"
        867762 is your code, +4915112345678.
        Votre code Native App : 089467
        Ihr Code: 909860
        Ihr Code: 954350
        023266 is your code, +4915112345678.
    "#]]
    .assert_eq(&out);
    // Without a syntax the braces say what it is.
    world.sms(json!({"template": "{{ code | slice: 0, 3 }}-{{ code | slice: 3, 3 }}", "syntax": null})).await;
    let sent = text(&world, &anon).await;
    assert_eq!((sent.len(), sent.get(3..4)), (7, Some("-")), "{sent}");
    // A code that was sent in another form is still the code.
    assert_eq!(anon.redeem(PHONE, &sent.replace('-', ""), json!({})).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
}

#[tokio::test]
async fn a_stored_template_that_fails_sends_the_built_in_text() {
    let world = World::new().await;
    for template in [
        "{{ code",
        "{% include 'footer' %}{{ code }}",
        "{% for i in (1..1001) %}{{ code }}{% endfor %}",
        "{% assign x = 'ab' %}{% for i in (1..64) %}{% assign x = x | append: x %}{% endfor %}{{ code }}",
        "{{ code | divided_by: 0 }}",
        "{% if request_language contains 'fr' %}{{ code }}{% endif %}",
        &format!("{{{{ code }}}}{}", "x".repeat(2_000)),
    ] {
        world.sms(json!({"template": template, "syntax": "liquid"})).await;
        let sent = text(&world, &world.anon()).await;
        let code = sent.strip_prefix("Your verification code is: ").unwrap_or_else(|| panic!("{template}: {sent}"));
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{sent}");
    }
    let warnings = world.app.snapshot().warnings();
    expect!["connection `sms` has a template that cannot be used (line 1: the template has 2010 characters, 2000 is the most): the built-in text is sent until options.template is corrected"].assert_eq(&warnings.join("\n"));
}

#[tokio::test]
async fn a_long_text_is_cut() {
    let world = World::new().await;
    world.sms(json!({"template": "{{ code }}{% for i in (1..1000) %}é🎉{% endfor %}", "syntax": "liquid"})).await;
    let sent = text(&world, &world.anon()).await;
    assert_eq!(sent.chars().count(), 1_600);
    assert!(sent.ends_with("é🎉é🎉"), "{sent}");
}

#[tokio::test]
async fn a_template_that_cannot_be_used_is_not_saved() {
    let world = World::new().await;
    let api = world.api("read:connections create:connections update:connections");
    let listed = api.get("/api/v2/connections?name=sms").await.json();
    let id = listed[0]["id"].as_str().unwrap();
    let said =
        |answer: &Answer| format!("{} {} {}", answer.status.as_u16(), answer.text("errorCode"), answer.text("message"));
    let mut out = String::new();
    for options in [
        json!({"template": "{{ code", "syntax": "liquid"}),
        json!({"template": "Hello\n{% if code %}{{ code }}"}),
        json!({"template": "{{ code | shout }}"}),
        json!({"template": "{% include 'footer' %}", "syntax": "liquid"}),
        json!({"template": "x".repeat(2_001), "syntax": "md_with_macros"}),
        json!({"template": 7, "syntax": "liquid"}),
    ] {
        let patched = api.patch(&format!("/api/v2/connections/{id}"), json!({"options": options})).await;
        let made = api.post("/api/v2/connections", json!({"name": "x", "strategy": "sms", "options": options})).await;
        assert_eq!(said(&made), said(&patched));
        out.line(said(&patched));
    }
    expect![[r#"
        400 invalid_body Payload validation error: 'Object didn't pass validation for format liquid: line 1: `{{` is not closed by `}}`' on property options.template (Text of the message).
        400 invalid_body Payload validation error: 'Object didn't pass validation for format liquid: line 2: `if` is not closed by `endif`' on property options.template (Text of the message).
        400 invalid_body Payload validation error: 'Object didn't pass validation for format liquid: line 1: there is no filter `shout`' on property options.template (Text of the message).
        400 invalid_body Payload validation error: 'Object didn't pass validation for format liquid: line 1: `include` finds nothing: there are no other templates here' on property options.template (Text of the message).
        400 invalid_body Payload validation error: 'String is too long (2001 chars), maximum 2000' on property options.template (Text of the message).
        400 invalid_body Payload validation error: 'Expected type string but found type integer' on property options.template (Text of the message).
    "#]].assert_eq(&out);
    let changed = api.get("/api/v2/connections?name=sms").await.json();
    assert_eq!(changed, listed, "a refused template changed something");
    for options in [
        json!({"template": "{{ code", "syntax": "md_with_macros"}),
        json!({"template": "{{ code }}".repeat(200)}),
        json!({"template": null}),
    ] {
        let patched = api.patch(&format!("/api/v2/connections/{id}"), json!({"options": options})).await;
        assert_eq!(patched.status, 200, "{patched}");
    }
    drop(world.logs().await);
    // What was stored before the rule keeps nobody from changing the rest.
    world.sms(json!({"template": "{{ code", "syntax": "liquid"})).await;
    let patched = api.patch(&format!("/api/v2/connections/{id}"), json!({"display_name": "Phone"})).await;
    assert_eq!((patched.status.as_u16(), &patched.json()["options"]["template"]), (200, &Value::from("{{ code")));
    drop(world.logs().await);
}
