//! Settings, theme and page template of the hosted pages (C1456-C1460).

use bytes::Bytes;
use expect_test::expect;
use http::Method;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{Lines, Options, World};

const BRANDING: &str = "/api/v2/branding";
const TEMPLATE: &str = "/api/v2/branding/templates/universal-login";
const PAGE: &str = "<html><head>{%- auth0:head -%}</head><body>{%- auth0:widget -%}</body></html>";

fn theme() -> Value {
    let text = json!({"bold": false, "size": 100});
    json!({
        "borders": {"button_border_radius": 3, "button_border_weight": 1, "buttons_style": "pill",
            "input_border_radius": 3, "input_border_weight": 1, "inputs_style": "pill", "show_widget_shadow": true,
            "widget_border_weight": 0, "widget_corner_radius": 5},
        "colors": {"body_text": "#1e212a", "error": "#d03c38", "header": "#1e212a", "icons": "#65676e",
            "input_background": "#ffffff", "input_border": "#c9cace", "input_filled_text": "#000000",
            "input_labels_placeholders": "#65676e", "links_focused_components": "#635dff",
            "primary_button": "#635dff", "primary_button_label": "#ffffff", "secondary_button_border": "#c9cace",
            "secondary_button_label": "#1e212a", "success": "#13a688", "widget_background": "#ffffff",
            "widget_border": "#c9cace"},
        "fonts": {"body_text": text, "buttons_text": text, "font_url": "", "input_labels": text, "links": text,
            "links_style": "normal", "reference_text_size": 16, "subtitle": text, "title": text},
        "page_background": {"background_color": "#000000", "background_image_url": "", "page_layout": "center"},
        "widget": {"header_text_alignment": "center", "logo_height": 52, "logo_position": "center", "logo_url": "",
            "social_buttons_layout": "bottom"}
    })
}

#[tokio::test]
async fn settings_merge_and_reach_the_pages() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    assert_eq!(good(&admin.get(BRANDING).await, 200), json!({}));
    let patch = json!({"colors": {"primary": "#FFDD00"}, "logo_url": "https://cdn.example/logo.svg"});
    assert_eq!(good(&admin.patch(BRANDING, patch.clone()).await, 200), patch);
    let both = json!({"colors": {"primary": "#FFDD00", "page_background": "#FAFAFA"},
        "logo_url": "https://cdn.example/logo.svg", "font": {"url": "https://fonts.example/f.woff2"}});
    let patch = json!({"colors": {"page_background": "#FAFAFA"}, "font": {"url": "https://fonts.example/f.woff2"}});
    assert_eq!(good(&admin.patch(BRANDING, patch).await, 200), both);
    assert_eq!(good(&admin.get(BRANDING).await, 200), both);
    let branding = world.app.snapshot().branding.clone();
    assert_eq!((branding.primary.to_string(), branding.on_primary.to_string()), ("#ffdd00".into(), "#000000".into()));
    assert_eq!(
        (&*branding.origins().images[0], &*branding.origins().fonts[0]),
        ("https://cdn.example", "https://fonts.example")
    );
    let gone = good(&admin.patch(BRANDING, json!({"font": null, "colors": null, "logo_url": null})).await, 200);
    assert_eq!(gone, json!({}));
    assert_eq!(world.logs().await.lines(), ["sapi: Update branding settings"; 3]);
}

#[tokio::test]
async fn what_is_no_color_and_no_https_address_changes_nothing() {
    let world = World::bare(Options::default()).await;
    let mut lines = String::new();
    for patch in [
        json!({"colors": {"primary": "red"}}),
        json!({"colors": {"primary": "#fff;}</style><script>"}}),
        json!({"colors": {"page_background": {"type": "linear-gradient", "start": "url(//x)"}}}),
        json!({"logo_url": "http://cdn.example/logo.svg"}),
        json!({"favicon_url": "data:image/png;base64,AA=="}),
        json!({"font": {"url": "javascript:alert(1)"}}),
        json!({"logo": "https://cdn.example/logo.svg"}),
    ] {
        lines.line(said(&admin(&world).patch(BRANDING, patch).await));
    }
    expect![[r#"
        400 invalid_body: Payload validation error: 'String does not match pattern ^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$: red' on property colors.primary (Accent color).
        400 invalid_body: Payload validation error: 'String does not match pattern ^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$: #fff;}</style><script>' on property colors.primary (Accent color).
        400 invalid_body: Payload validation error: 'String does not match pattern ^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$: url(//x)' on property colors.page_background (Color or gradient behind the page).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format absolute-https-uri-or-empty: http://cdn.example/logo.svg' on property logo_url (Address of the logo).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format absolute-https-uri-or-empty: data:image/png;base64,AA==' on property favicon_url (Address of the icon).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format absolute-https-uri-or-empty: javascript:alert(1)' on property font.url (Address of the font file).
        400 invalid_body: Payload validation error: 'Additional properties not allowed: logo'.
    "#]].assert_eq(&lines);
    assert_eq!(good(&admin(&world).get(BRANDING).await, 200), json!({}));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_page_template_is_set_changed_and_deleted() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    assert_eq!(said(&admin.get(TEMPLATE).await), "404 inexistent_templates_universal_login: Template does not exist.");
    let first = admin.put(TEMPLATE, json!(PAGE)).await;
    assert_eq!((first.status.as_u16(), first.body.len()), (201, 0));
    assert_eq!(good(&admin.get(TEMPLATE).await, 200), json!({"body": PAGE}));
    let other = format!("{PAGE}<!-- {{{{ tenant.friendly_name }}}} -->");
    let second = admin.put(TEMPLATE, json!({"template": other})).await;
    assert_eq!((second.status.as_u16(), second.body.len()), (204, 0));
    assert_eq!(good(&admin.get(TEMPLATE).await, 200), json!({"body": other}));
    let html = admin.send(Method::PUT, TEMPLATE, "text/html; charset=utf-8", Bytes::from(PAGE)).await;
    assert_eq!(html.status, 204);
    assert!(world.app.snapshot().page_template.is_some());
    assert_eq!(admin.delete(TEMPLATE).await.status, 204);
    assert!(world.app.snapshot().page_template.is_none());
    assert_eq!(admin.get(TEMPLATE).await.status, 404);
    assert_eq!(admin.delete(TEMPLATE).await.status, 204);
    assert_eq!(world.logs().await.kinds(), ["sapi"; 5]);
}

#[tokio::test]
async fn a_page_template_without_its_tags_or_too_long_is_refused() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let mut lines = String::new();
    for body in [
        json!("<html></html>"),
        json!("<head>{%- auth0:head -%}</head>"),
        json!({"template": "{%- auth0:head -%}{%- auth0:widget -%}{% include 'secrets' %}"}),
        json!({"template": format!("{PAGE}{}", "x".repeat(100_000))}),
        json!({"template": 7}),
        json!({"body": PAGE}),
        json!(format!("{PAGE}\0")),
        json!([]),
    ] {
        lines.line(said(&admin.put(TEMPLATE, body).await));
    }
    lines.line(said(&admin.send(Method::PUT, TEMPLATE, "text/html", Bytes::from(format!("{PAGE}\0"))).await));
    lines.line(said(&admin.send(Method::PUT, TEMPLATE, "text/html", Bytes::from_static(b"\xff\xfe")).await));
    lines.line(said(&admin.send(Method::PUT, TEMPLATE, "application/json", Bytes::from(PAGE)).await));
    expect![[r#"
        400 invalid_body: The template must contain the tag {%- auth0:head -%}
        400 invalid_body: The template must contain the tag {%- auth0:widget -%}
        400 invalid_body: The template is not valid Liquid: line 1: `include` finds nothing: there are no other templates here
        400 invalid_body: The template is not valid Liquid: line 1: the template has 100077 characters, 100000 is the most
        400 invalid_body: Payload validation error: 'Missing required property: template'.
        400 invalid_body: Payload validation error: 'Missing required property: template'.
        400 invalid_body: Payload validation error: 'The character U+0000 is not allowed'.
        400 invalid_body: Payload validation error: 'Missing required property: template'.
        400 invalid_body: Payload validation error: 'The character U+0000 is not allowed'.
        400 invalid_body: The request body could not be read
        400 invalid_body: Invalid request payload JSON format
    "#]].assert_eq(&lines);
    assert_eq!(admin.get(TEMPLATE).await.status, 404);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_tenant_has_one_theme() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let none = "404 theme_not_found: There was an error retrieving branding settings: invalid theme ID";
    assert_eq!(said(&admin.get("/api/v2/branding/themes/default").await), none);
    let mut made = good(&admin.post("/api/v2/branding/themes", theme()).await, 200);
    let id = made["themeId"].as_str().unwrap().to_owned();
    assert_eq!((id.len(), &made["displayName"]), (24, &json!("Unnamed Theme")));
    assert_eq!(good(&admin.get("/api/v2/branding/themes/default").await, 200), made);
    assert_eq!(good(&admin.get(&format!("/api/v2/branding/themes/{id}")).await, 200), made);
    assert_eq!(
        said(&admin.post("/api/v2/branding/themes", theme()).await),
        "409 theme_conflict: A theme exists already."
    );
    let mut changed = theme();
    changed["colors"]["primary_button"] = "#123456".into();
    changed["displayName"] = "Mine".into();
    made["colors"]["primary_button"] = "#123456".into();
    made["displayName"] = "Mine".into();
    assert_eq!(good(&admin.patch(&format!("/api/v2/branding/themes/{id}"), changed.clone()).await, 200), made);
    assert_eq!(world.app.snapshot().branding.primary.to_string(), "#123456");
    changed["themeId"] = id.clone().into();
    assert_eq!(
        said(&admin.patch(&format!("/api/v2/branding/themes/{id}"), changed.clone()).await),
        "400 invalid_body: Payload validation error: 'Additional properties not allowed: themeId'."
    );
    changed.as_object_mut().unwrap().retain(|name, _| name == "colors");
    assert_eq!(
        said(&admin.patch(&format!("/api/v2/branding/themes/{id}"), changed).await),
        "400 invalid_body: Payload validation error: 'Missing required property: borders'."
    );
    assert_eq!(said(&admin.get("/api/v2/branding/themes/other").await), none);
    assert_eq!(said(&admin.patch("/api/v2/branding/themes/other", theme()).await), none);
    assert_eq!(said(&admin.delete("/api/v2/branding/themes/other").await), none);
    assert_eq!(admin.delete(&format!("/api/v2/branding/themes/{id}")).await.status, 204);
    assert_eq!(said(&admin.get("/api/v2/branding/themes/default").await), none);
    assert!(world.app.snapshot().branding.theme.is_none());
    drop(world.logs().await);
}
