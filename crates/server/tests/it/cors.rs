//! Which browsers may call (`docs/COMPATIBILITY.md` C121-C125).

use expect_test::expect;
use http::Method;
use serde_json::json;

use crate::world::{NATIVE, World};

async fn world() -> World {
    let world = World::new().await;
    world
        .client(
            NATIVE,
            json!({
                "allowed_origins": ["https://app.example", "https://*.wild.example", "https://slash.example/"],
                "callbacks": ["https://callback.example/done?x=1", "com.example.app://callback"]
            }),
        )
        .await;
    world
}

/// The origin that is allowed, or nothing.
async fn allowed(world: &World, origin: &str) -> bool {
    let call = world.nobody().header("origin", origin);
    let preflight = call.send(Method::OPTIONS, "/oauth/token", "", Vec::new().into()).await;
    let answer = call.get("/userinfo").await;
    assert_eq!(answer.header("access-control-allow-origin"), preflight.header("access-control-allow-origin"));
    match answer.header("access-control-allow-origin") {
        "" => false,
        echoed => {
            assert_eq!(echoed, origin);
            true
        }
    }
}

#[tokio::test]
async fn listed_origins_are_echoed_and_no_others() {
    let world = world().await;
    for good in ["https://app.example", "https://slash.example", "https://callback.example", "https://a.wild.example"] {
        assert!(allowed(&world, good).await, "{good}");
    }
    for bad in [
        "https://evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://wild.example",
        "https://.wild.example",
        "https://evil.example/.wild.example",
        "https://evil.example:1.wild.example",
        "https://evil@x.wild.example",
        "null",
        "com.example.app://callback",
        "*",
    ] {
        assert!(!allowed(&world, bad).await, "{bad}");
    }
}

#[tokio::test]
async fn a_preflight_says_what_may_be_sent() {
    let world = world().await;
    let call = world.nobody().header("origin", "https://app.example");
    for answer in [
        call.send(Method::OPTIONS, "/passwordless/start", "", Vec::new().into()).await,
        call.send(Method::OPTIONS, "/oauth/token", "", Vec::new().into()).await,
        call.send(Method::OPTIONS, "/userinfo", "", Vec::new().into()).await,
    ] {
        assert_eq!(answer.status.as_u16(), 204);
        expect![["Content-Type, Authorization, Auth0-Client, X-Request-Language, DPoP"]]
            .assert_eq(answer.header("access-control-allow-headers"));
        expect![["GET, POST"]].assert_eq(answer.header("access-control-allow-methods"));
    }
}

#[tokio::test]
async fn errors_can_be_read_by_browsers_too() {
    let world = world().await;
    let answer = world.anon().header("origin", "https://app.example").post("/oauth/token", json!({})).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"
    );
    assert_eq!(answer.header("vary"), "Origin");
}
