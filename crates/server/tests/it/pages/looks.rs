//! Language, texts and looks of the pages (C1450-C1460 as people see them).

use serde_json::json;

use super::{authorize, world};
use crate::world::{Answer, World};

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[tokio::test]
async fn a_page_speaks_the_language_that_is_asked_for_and_offered() {
    let world = world().await;
    world.tenant(json!({"enabled_locales": ["en", "de", "ar", "pt-BR"]})).await;
    let mut told = Vec::new();
    for (ui_locales, accepted) in
        [("", "fr;q=0.9, de-AT;q=0.8"), ("ar", "de"), ("xx pt-BR", "de"), ("", ""), ("", "<script>;q=1")]
    {
        let browser = world.browser().with(|caller| caller.header("accept-language", accepted));
        let page = browser.open(&authorize(&[("ui_locales", ui_locales)])).await;
        let html = text(&page);
        let tag = html.split("<html ").nth(1).unwrap().split('>').next().unwrap().to_owned();
        told.push(format!("{tag} {} {}", page.header("content-language"), page.heading()));
    }
    assert_eq!(
        told,
        [
            "lang=\"de\" dir=\"ltr\" de Anmelden",
            "lang=\"ar\" dir=\"rtl\" ar تسجيل الدخول",
            "lang=\"pt\" dir=\"ltr\" pt Entrar",
            "lang=\"en\" dir=\"ltr\" en Sign in",
            "lang=\"en\" dir=\"ltr\" en Sign in",
        ]
    );
    // The country to begin with is the browser's, and the message is told the language.
    let browser = world.browser().with(|caller| caller.header("accept-language", "de-AT, de;q=0.8"));
    let page = browser.open(&authorize(&[])).await;
    assert!(text(&page).contains("<option value=\"AT\" data-code=\"43\" data-main selected>"), "{page}");
}

/// Writes to the Management API.
async fn put(world: &World, path: &str, body: serde_json::Value) -> u16 {
    world.api("update:prompts update:branding").put(path, body).await.status.as_u16()
}

#[tokio::test]
async fn texts_and_looks_of_the_tenant_are_shown_and_never_run() {
    let world = world().await;
    let own = json!({"login-id": {"title": "<b>Hello</b>", "description": "of ${clientName}"}});
    assert_eq!(put(&world, "/api/v2/prompts/login-id/custom-text/en", own).await, 200);
    let looks = json!({"colors": {"primary": "#ffcc00"}, "logo_url": "https://cdn.example/logo.png"});
    assert_eq!(world.api("update:branding").patch("/api/v2/branding", looks).await.status, 200);
    let page = world.browser().open(&authorize(&[])).await;
    let html = text(&page);
    assert!(html.contains("<h1>&#60;b&#62;Hello&#60;/b&#62;</h1>") && html.contains("of Native App"), "{html}");
    assert!(html.contains("--primary:#ffcc00;--on-primary:#000000"), "{html}");
    assert!(html.contains("<img src=\"https://cdn.example/logo.png\""), "{html}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("img-src 'self' https://cdn.example"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    let template = "<!doctype html><html lang=\"{{ locale }}\"><head>{%- auth0:head -%}<style>b{}</style></head>\
                    <body class=\"own\">{{ application.name }}{%- auth0:widget -%}</body></html>";
    assert_eq!(put(&world, "/api/v2/branding/templates/universal-login", json!({"template": template})).await, 201);
    let page = world.browser().open(&authorize(&[])).await;
    let html = text(&page);
    assert!(html.contains("<body class=\"own\">Native App") && html.contains("name=\"username\""), "{html}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("style-src 'self' 'unsafe-inline'") && policy.contains("script-src 'self';"), "{policy}");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_page_template_that_runs_away_is_left_out() {
    let world = world().await;
    let bomb = "<html><head>{%- auth0:head -%}</head><body>{% for a in (1..100000) %}{% for b in (1..100000) %}x{% endfor %}\
                {% endfor %}{%- auth0:widget -%}</body></html>";
    let stored = put(&world, "/api/v2/branding/templates/universal-login", json!({"template": bomb})).await;
    assert!([201, 400].contains(&stored), "{stored}");
    let page = world.browser().open(&authorize(&[])).await;
    assert!(text(&page).contains("name=\"username\"") && page.body.len() < 60 * 1_024, "{page}");
    drop(world.logs().await);
}
