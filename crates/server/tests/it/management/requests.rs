//! What every call has in common: bodies, paths, headers, CORS (C601, C613, C615, C637-C638, C126).

use bytes::Bytes;
use expect_test::expect;
use http::Method;
use ringpass::web::Family as _;
use ringpass::web::management::Management;
use serde_json::json;

use super::{admin, good, said};
use crate::world::{Options, World};

#[tokio::test]
async fn an_answer_carries_its_headers() {
    let world = World::bare(Options::default()).await;
    admin(&world).get("/api/v2/connections?name=none").await.is(expect![[r#"
        200 OK
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        []
    "#]]);
    admin(&world).get("/api/v2/nothing/here").await.is(expect![[r#"
        404 Not Found
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "statusCode": 404,
          "error": "Not Found",
          "message": "Not Found"
        }
    "#]]);
    admin(&world).get("/api/v2/clients/none").await.is(expect![[r#"
        404 Not Found
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "statusCode": 404,
          "error": "Not Found",
          "message": "The client does not exist",
          "errorCode": "inexistent_client"
        }
    "#]]);
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused_by_every_row_that_takes_one() {
    let world = World::new().await;
    let admin = admin(&world);
    let connection = super::id_of(&world, "sms").await;
    let grant = good(&admin.get("/api/v2/client-grants").await, 200)[0]["id"].as_str().unwrap().to_owned();
    let user = world.new_user("+4915112345600").await;
    let role = good(&admin.post("/api/v2/roles", json!({"name": "Editor"})).await, 200)["id"].clone();
    drop(world.logs().await);
    let mut rows = 0;
    for route in Management::ROUTES.iter().filter(|route| ["POST", "PATCH"].contains(&route.method)) {
        let bodiless = [
            "rotate",
            "/clear",
            "/sessions/{id}/revoke",
            "/users-imports",
            "/recovery-code-regeneration",
            "/invalidate-remember-browser",
        ];
        if bodiless.iter().any(|part| route.path.contains(part)) {
            continue;
        }
        let id = match route.path.split('/').nth(1).unwrap() {
            "connections" => connection.as_str(),
            "clients" => crate::world::WEB.0,
            "client-grants" => grant.as_str(),
            "users" => user.as_str(),
            "roles" => role.as_str().unwrap(),
            "attack-protection" => "captcha",
            "email-templates" => "verify_email",
            _ => "https%3A%2F%2Fapi.example%2F",
        };
        let path = route.path.replace("{id}", &id.replace('|', "%7C")).replace("{name}", id);
        let path = format!("/api/v2{}", path.replace("{prompt}", "login").replace("{screen}", "login"));
        let method: Method = route.method.parse().unwrap();
        rows += 1;
        for (body, wanted) in [
            (&b"{"[..], "Invalid request payload JSON format"),
            (b"", "Invalid request payload JSON format"),
            (b"{\"name\": \"\xff\xfe\"}", "Invalid request payload JSON format"),
            (b"{\"name\": \"a\"} x", "Invalid request payload JSON format"),
            (b"name=a", "Invalid request payload JSON format"),
            (b"null", "Expected type "),
            (b"\"text\"", "Expected type "),
            (b"7", "Expected type "),
        ] {
            let answer = admin.send(method.clone(), &path, "application/json", Bytes::from_static(body)).await;
            let line = said(&answer);
            assert!(line.starts_with("400 invalid_body: ") && line.contains(wanted), "{method} {path}: {line}");
        }
        let array = admin.send(method.clone(), &path, "application/json", Bytes::from_static(b"[1]")).await;
        assert!(said(&array).contains("Expected type object but found type"), "{method} {path}: {array}");
        let deep = "[".repeat(100_000);
        let answer = admin.send(method.clone(), &path, "application/json", deep.into()).await;
        assert_eq!(said(&answer), "400 invalid_body: Invalid request payload JSON format", "{method} {path}");
    }
    assert!(rows >= 11, "{rows}");
    let logs = world.logs().await;
    assert!(logs.kinds().iter().all(|kind| kind == "fapi"));
}

#[tokio::test]
async fn a_body_may_be_a_mebibyte_long_and_no_longer() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let start = r#"{"name": "big", "strategy": "sms", "options": {"x": ""#;
    let body = |length: usize| format!("{start}{}\"}}}}", "x".repeat(length - start.len() - 3));
    let long = admin.raw("/api/v2/connections", "application/json", body(1_048_577)).await;
    long.is(expect![[r#"
        413 Payload Too Large
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "statusCode": 413,
          "error": "Payload Too Large",
          "message": "Payload content length greater than maximum allowed: 1048576"
        }
    "#]]);
    // Without a token the length is seen first, too: the body has to be read before anything is known of the call.
    assert_eq!(world.nobody().raw("/api/v2/connections", "application/json", body(1_048_577)).await.status, 413);
    assert_eq!(admin.raw("/api/v2/connections", "application/json", body(1_048_576)).await.status, 201);
    // Nor does the log grow by what whoever has a token cares to send.
    let refused = world.api("read:users").raw("/api/v2/connections", "application/json", body(1_048_576)).await;
    let name = format!(r#"{{"name": "b", "strategy": "sms", "{}": 1}}"#, "x".repeat(40_000));
    let unknown = admin.raw("/api/v2/connections", "application/json", name).await;
    assert_eq!((refused.status.as_u16(), unknown.status.as_u16()), (403, 400));
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["sapi", "fapi", "fapi"]);
    for event in &logs.0 {
        let length = serde_json::to_vec(event).unwrap().len();
        assert!(length < 3_000, "{length} {event:?}");
    }
    assert_eq!(logs.0[1]["details"]["request"]["body"], json!({"omitted": "1048576 bytes"}));
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let world = World::bare(Options::default()).await;
    for (number, kind) in
        ["", "text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded"].iter().enumerate()
    {
        let body = json!({"name": format!("c{number}"), "strategy": "sms"}).to_string();
        assert_eq!(admin(&world).raw("/api/v2/connections", kind, body).await.status, 201, "{kind}");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn what_no_row_knows_is_not_found() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    for (method, path) in [
        (Method::GET, "/api/v2"),
        (Method::GET, "/api/v2/"),
        (Method::GET, "/api/v2/connections/"),
        (Method::GET, "/api/v2//connections"),
        (Method::GET, "/api/v2/Connections"),
        (Method::PUT, "/api/v2/connections"),
        (Method::DELETE, "/api/v2/connections"),
        (Method::POST, "/api/v2/tenants/settings"),
        (Method::GET, "/api/v2/keys/signing/rotate/x"),
        (Method::TRACE, "/api/v2/connections"),
        (Method::GET, "/api/v2/guardian/factors/sms"),
        (Method::GET, "/api/v2/stats/weekly"),
        (Method::GET, "/api/v2/clients/x/y/z"),
    ] {
        for caller in [admin.clone(), world.nobody()] {
            let answer = caller.send(method.clone(), path, "", Bytes::new()).await;
            assert_eq!(
                String::from_utf8_lossy(&answer.body),
                r#"{"statusCode":404,"error":"Not Found","message":"Not Found"}"#,
                "{method} {path}"
            );
            assert_eq!(answer.header("x-ratelimit-limit"), "50", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn strange_paths_are_answered_in_the_same_form() {
    let world = World::new().await;
    let admin = admin(&world);
    for path in [
        "users/%FF",
        "users/%00",
        "users/%C3%28",
        "clients/%FF%FE",
        "connections/%FF",
        "logs/%FF",
        "resource-servers/%FF",
        "users/sms%7C..%2F..%2Fetc",
        "users/%25FF",
        "clients/..",
        "keys/signing/%FF",
        "client-grants/%00",
    ] {
        let answer = admin.get(&format!("/api/v2/{path}")).await;
        let line = said(&answer);
        assert!(line.starts_with("404 ") || line.starts_with("400 "), "{path}: {line}");
        assert_eq!(answer.header("x-ratelimit-limit"), "50", "{path}");
    }
    for query in ["name=%FF", "name=%00", "fields=%FF", "page=%00", "&&&=&", "strategy=%C3%28"] {
        let answer = admin.get(&format!("/api/v2/connections?{query}")).await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{query}: {answer}");
    }
}

#[tokio::test]
async fn a_null_character_is_refused_and_not_a_failure() {
    let world = World::new().await;
    let admin = admin(&world);
    let user = world.new_user("+4915112345600").await.replace('|', "%7C");
    for answer in [
        admin.post("/api/v2/clients", json!({"name": "a\u{0}b"})).await,
        admin
            .post("/api/v2/connections", json!({"name": "a", "strategy": "sms", "options": {"x\u{0}": "y\u{0}"}}))
            .await,
        admin
            .patch(&format!("/api/v2/users/{user}"), json!({"user_metadata": {"a\u{0}": "b\u{0}"}, "name": "x\u{0}"}))
            .await,
        admin.post("/api/v2/resource-servers", json!({"identifier": "a\u{0}b"})).await,
        admin.patch("/api/v2/tenants/settings", json!({"friendly_name": "a\u{0}b"})).await,
        admin.post("/api/v2/users", json!({"connection": "sms\u{0}", "phone_number": "+4915112345601"})).await,
    ] {
        assert_eq!(said(&answer), "400 invalid_body: Payload validation error: 'The character U+0000 is not allowed'.");
    }
    for path in ["/api/v2/logs?q=user_id:%22a%00%22", "/api/v2/users-by-email?email=%00", "/api/v2/logs?from=%00"] {
        let answer = admin.get(path).await;
        let wanted = "400 invalid_query_string: Query validation error: 'The character U+0000 is not allowed'.";
        assert_eq!(said(&answer), wanted, "{path}");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_null_character_in_a_sign_in_is_no_failure_either() {
    let world = World::new().await;
    let start = json!({"client_id": crate::world::NATIVE, "connection": "sms", "phone_number": crate::world::PHONE});
    let redeem = json!({"client_id": crate::world::NATIVE, "grant_type": crate::world::OTP, "realm": "sms",
        "username": crate::world::PHONE, "otp": "000000", "scope": "openid", "audience": crate::world::API});
    for (path, body) in [("/passwordless/start", start), ("/oauth/token", redeem)] {
        for name in body.as_object().unwrap().keys() {
            for value in ["\0", "a\0b", "+4915112345678\0", "sms\0"] {
                let mut changed = body.clone();
                changed[name] = value.into();
                let caller = world.nobody().header("x-request-language", "de").header("auth0-client", "e30");
                let answer = caller.post(path, changed).await;
                assert!(answer.status.as_u16() < 500, "{path} {name}: {answer}");
            }
        }
    }
    drop(world.logs().await);
    drop(world.gateway.take());
}

#[tokio::test]
async fn browsers_may_call_from_origins_that_a_client_lists() {
    let world = World::new().await;
    world
        .client(
            crate::world::NATIVE,
            json!({"allowed_origins": ["https://app.example"], "web_origins": ["https://web.example"]}),
        )
        .await;
    for origin in ["https://app.example", "https://web.example"] {
        let caller = world.nobody().header("origin", origin);
        let answer = caller.send(Method::OPTIONS, "/api/v2/users/x", "", Bytes::new()).await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, origin));
    }
    let caller = world.nobody().header("origin", "https://app.example");
    caller.send(Method::OPTIONS, "/api/v2/users/x", "", Bytes::new()).await.is(expect![[r#"
        204 No Content
        access-control-allow-headers: Authorization,Content-Type,Auth0-Client
        access-control-allow-methods: GET,POST,PUT,PATCH,DELETE
        access-control-allow-origin: https://app.example
        access-control-expose-headers: X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset
        access-control-max-age: 600
        allow: GET,HEAD,PATCH,DELETE
        cache-control: private, no-store, no-cache, must-revalidate
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046
    "#]]);
    let answer = admin(&world).header("origin", "https://app.example").get("/api/v2/users").await;
    answer.is(expect![[r#"
        200 OK
        access-control-allow-origin: https://app.example
        access-control-expose-headers: X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        []
    "#]]);
    let stranger = world.nobody().header("origin", "https://evil.example");
    let preflight = stranger.send(Method::OPTIONS, "/api/v2/users/x", "", Bytes::new()).await;
    let refused = stranger.get("/api/v2/users").await;
    for answer in [preflight, refused] {
        assert_eq!(
            (answer.header("access-control-allow-origin"), answer.header("access-control-allow-headers")),
            ("", "")
        );
    }
}

#[tokio::test]
async fn the_event_of_a_write_names_the_caller_and_the_call() {
    let world = World::bare(Options::default()).await;
    let caller = world.api("update:tenant_settings").header("x-correlation-id", &"c".repeat(70));
    good(&caller.patch("/api/v2/tenants/settings?x=1", json!({"friendly_name": "Acme"})).await, 200);
    let mut logs = world.logs().await;
    assert_eq!(logs.0[0]["details"]["response"]["body"]["friendly_name"], "Acme");
    logs.0[0]["details"]["response"]["body"] = json!("…");
    logs.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "sapi",
          "description": "Update tenant settings",
          "client_id": "cli_admin",
          "client_name": "Ringpass admin",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "details": {
            "request": {
              "method": "patch",
              "path": "/api/v2/tenants/settings",
              "query": {
                "x": "1"
              },
              "body": {
                "friendly_name": "Acme"
              },
              "channel": "api",
              "ip": "203.0.113.7",
              "userAgent": "Test/1.0",
              "auth": {
                "strategy": "jwt",
                "user": {},
                "credentials": {
                  "scopes": [
                    "update:tenant_settings"
                  ]
                }
              }
            },
            "response": {
              "statusCode": 200,
              "body": "…"
            }
          },
          "references": {
            "correlation_id": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}

#[tokio::test]
async fn the_event_of_a_refused_write_says_why() {
    let world = World::bare(Options::default()).await;
    assert_eq!(admin(&world).post("/api/v2/connections", json!({"name": "x"})).await.status, 400);
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["fapi: Create a connection"]);
    let details = &logs.0[0]["details"];
    assert_eq!((&details["request"]["body"], &details["response"]["statusCode"]), (&json!({"name": "x"}), &json!(400)));
    assert_eq!(details["error"]["message"], details["response"]["body"]["message"]);
    assert_eq!(details["error"]["message"], "Payload validation error: 'Missing required property: strategy'.");
}
