//! Browsers at other origins (`docs/COMPATIBILITY.md` C121-C125).

use expect_test::expect;
use http::Method;
use serde_json::json;

use crate::world::{Answer, Lines as _, NATIVE, WEB, World};

const PATHS: [&str; 4] = ["/passwordless/start", "/oauth/token", "/userinfo", "/oauth/revoke"];

async fn preflight(world: &World, path: &str, origin: &str) -> Answer {
    let caller = world.nobody().header("origin", origin).header("access-control-request-method", "POST");
    caller.send(Method::OPTIONS, path, "", "".into()).await
}

async fn world() -> World {
    let world = World::new().await;
    world
        .client(
            WEB.0,
            json!({"callbacks": ["https://app.example/callback", "com.example.app://callback", "http://localhost:3000/cb"],
                "allowed_origins": ["https://spa.example", "https://*.wild.example"], "web_origins": ["https://web.example"]}),
        )
        .await;
    world.client(NATIVE, json!({"callbacks": ["https://native.example:8443/path?x=1"]})).await;
    world
}

#[tokio::test]
async fn origins_that_a_client_lists_are_echoed() {
    let world = world().await;
    let mut out = String::new();
    for origin in [
        "https://spa.example",
        "https://app.example",
        "http://localhost:3000",
        "https://native.example:8443",
        "https://one.wild.example",
        "https://one.two.wild.example",
        "https://web.example",
        "https://evil.example",
        "https://wild.example",
        "https://.wild.example",
        "https://evil.example/.wild.example",
        "https://evil.example:443@x.wild.example",
        "https://x.wild.example:8443",
        "http://x.wild.example",
        "https://spa.example.evil.example",
        "https://spa.example:443",
        "https://native.example",
        "http://app.example",
        "com.example.app://callback",
        "null",
        "*",
        "",
    ] {
        let echoed = preflight(&world, PATHS[0], origin).await;
        let real = world.nobody().header("origin", origin).post(PATHS[1], json!({})).await;
        let header = "access-control-allow-origin";
        assert_eq!(echoed.header(header), real.header(header));
        assert!([origin, ""].contains(&echoed.header(header)));
        out.line(format!("{origin:?} {}", if echoed.headers.contains_key(header) { "yes" } else { "no" }));
    }
    expect![[r#"
        "https://spa.example" yes
        "https://app.example" yes
        "http://localhost:3000" yes
        "https://native.example:8443" yes
        "https://one.wild.example" yes
        "https://one.two.wild.example" yes
        "https://web.example" no
        "https://evil.example" no
        "https://wild.example" no
        "https://.wild.example" no
        "https://evil.example/.wild.example" no
        "https://evil.example:443@x.wild.example" no
        "https://x.wild.example:8443" no
        "http://x.wild.example" no
        "https://spa.example.evil.example" no
        "https://spa.example:443" no
        "https://native.example" no
        "http://app.example" no
        "com.example.app://callback" no
        "null" no
        "*" no
        "" no
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn a_preflight_allows_what_the_sdks_send() {
    let world = world().await;
    let caller = world.nobody().header("origin", "https://spa.example");
    let first = caller.send(Method::OPTIONS, "/passwordless/start", "", "".into()).await;
    let second = caller.send(Method::OPTIONS, "/oauth/token", "", "".into()).await;
    let third = caller.send(Method::OPTIONS, "/userinfo", "", "".into()).await;
    let fourth = caller.send(Method::OPTIONS, "/oauth/revoke", "", "".into()).await;
    let fifth = caller.send(Method::OPTIONS, "/mfa/associate", "", "".into()).await;
    let sixth = caller.send(Method::OPTIONS, "/mfa/challenge", "", "".into()).await;
    let seventh = caller.send(Method::OPTIONS, "/mfa/authenticators", "", "".into()).await;
    let eighth = caller.send(Method::OPTIONS, "/mfa/authenticators/x", "", "".into()).await;
    assert_eq!((second.to_string(), third.to_string()), (first.to_string(), first.to_string()));
    assert_eq!(fourth.to_string(), first.to_string());
    for answer in [fifth, sixth, seventh, eighth] {
        assert_eq!(answer.to_string(), first.to_string());
    }
    assert_eq!(first.header("vary"), "Origin");
    first.is(expect![[r#"
        204 No Content
        access-control-allow-headers: Content-Type, Authorization, Auth0-Client, X-Request-Language, DPoP
        access-control-allow-methods: GET, POST, DELETE
        access-control-allow-origin: https://spa.example
        access-control-expose-headers: X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After
        access-control-max-age: 600
    "#]]);
    preflight(&world, PATHS[0], "https://evil.example").await.is(expect![[r#"
        204 No Content
        access-control-allow-headers: Content-Type, Authorization, Auth0-Client, X-Request-Language, DPoP
        access-control-allow-methods: GET, POST, DELETE
        access-control-max-age: 600
    "#]]);
}

#[tokio::test]
async fn every_answer_says_that_it_depends_on_the_origin_and_what_a_script_may_read() {
    let world = world().await;
    let caller = world.nobody().header("origin", "https://spa.example");
    for answer in [
        caller.post(PATHS[0], json!({})).await,
        caller.post(PATHS[1], json!({})).await,
        caller.get(PATHS[2]).await,
        caller.post(PATHS[3], json!({})).await,
    ] {
        assert_eq!(answer.header("vary"), "Origin", "{answer}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://spa.example");
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"
        );
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
    assert_eq!(world.nobody().get(PATHS[2]).await.header("vary"), "Origin");
    assert_eq!(world.logs().await.kinds(), ["f"]);
}

#[tokio::test]
async fn public_documents_are_for_every_origin() {
    let world = world().await;
    for path in
        ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"]
    {
        let answer = world.nobody().header("origin", "https://evil.example").get(path).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn a_page_can_read_that_nothing_is_there() {
    let world = world().await;
    let page = world.nobody().header("origin", "https://spa.example");
    let header = "access-control-allow-origin";
    for answer in [page.get("/nothing").await, page.get(PATHS[1]).await, page.get("/oauth/revoke/x").await] {
        assert!([404, 405].contains(&answer.status.as_u16()), "{answer}");
        assert_eq!((answer.header(header), answer.header("vary")), ("https://spa.example", "Origin"), "{answer}");
    }
    let stranger = world.nobody().header("origin", "https://evil.example");
    assert_eq!(stranger.get("/nothing").await.header(header), "");
    assert_eq!(stranger.post("/.well-known/jwks.json", json!({})).await.header(header), "*");
}
