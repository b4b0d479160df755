//! Client credentials (C461-C463).

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{ADMIN, API, Answer, Lines as _, MANAGEMENT, WEB, World};

async fn grant(world: &World, more: Value) -> Answer {
    let mut body = json!({"grant_type": "client_credentials"});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    world.web().post("/oauth/token", body).await
}

#[tokio::test]
async fn a_machine_gets_every_scope_of_its_grant_and_no_more() {
    let world = World::new().await;
    let answer = grant(&world, json!({"audience": API})).await;
    expect![[r#"
        200 OK
        {
          "access_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "iss": "https://tenant.example/",
              "sub": "cli_web@clients",
              "aud": "https://api.example/",
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "read:messages write:messages",
              "gty": "client-credentials",
              "azp": "cli_web"
            }
          },
          "scope": "read:messages write:messages",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "seccft",
          "description": "Successful exchange of Access Token for a Client Credentials Grant",
          "client_id": "cli_web",
          "client_name": "Web App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "audience": "https://api.example/",
          "scope": "read:messages write:messages",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    for (scope, granted) in
        [("write:messages", "write:messages"), (" read:messages  write:messages ", "read:messages write:messages")]
    {
        assert_eq!(grant(&world, json!({"audience": API, "scope": scope})).await.text("scope"), granted);
    }
    assert_eq!(world.logs().await.kinds(), ["seccft", "seccft"]);
}

#[tokio::test]
async fn every_refusal_has_its_words_and_its_event() {
    let world = World::new().await;
    world.new_api(json!({"identifier": "https://other.example/", "name": "Other"})).await;
    let mut out = String::new();
    for body in [
        json!({}),
        json!({"audience": ""}),
        json!({"audience": 1}),
        json!({"audience": "https://nowhere.example/"}),
        json!({"audience": "https://other.example/"}),
        json!({"audience": MANAGEMENT}),
        json!({"audience": API, "scope": "read:messages delete:messages"}),
        json!({"audience": API, "scope": "openid offline_access"}),
        json!({"audience": API, "scope": 1}),
    ] {
        out.line(grant(&world, body).await.line());
    }
    world.client(WEB.0, json!({"grant_types": ["refresh_token"]})).await;
    out.line(grant(&world, json!({"audience": API})).await.line());
    expect![[r#"
        400 {"error":"invalid_request","error_description":"Missing required parameter: audience"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: audience"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: audience"}
        403 {"error":"access_denied","error_description":"Service not found: https://nowhere.example/"}
        403 {"error":"access_denied","error_description":"Client is not authorized to access \"https://other.example/\"."}
        403 {"error":"access_denied","error_description":"Client is not authorized to access \"https://tenant.example/api/v2/\"."}
        400 {"error":"invalid_scope","error_description":"Client has not been granted scopes: delete:messages"}
        400 {"error":"invalid_scope","error_description":"Client has not been granted scopes: openid offline_access"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: scope"}
        403 {"error":"unauthorized_client","error_description":"Grant type 'client_credentials' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}
    "#]].assert_eq(&out);
    let logs = world.logs().await;
    expect![[r#"
        [
            "feccft: Service not found: https://nowhere.example/",
            "feccft: Client is not authorized to access \"https://other.example/\".",
            "feccft: Client is not authorized to access \"https://tenant.example/api/v2/\".",
            "feccft: Client has not been granted scopes: delete:messages",
            "feccft: Client has not been granted scopes: openid offline_access",
            "feccft: Grant type 'client_credentials' not allowed for the client.",
        ]
    "#]]
    .assert_debug_eq(&logs.lines());
    expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "feccft",
          "description": "Grant type 'client_credentials' not allowed for the client.",
          "client_id": "cli_web",
          "client_name": "Web App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }"#]]
    .assert_eq(
        &format!("{:#}\n", Value::Object(logs.0.into_iter().last().expect("an event")))
            .lines()
            .filter(|line| !line.contains("_id\": \"900"))
            .collect::<Vec<_>>()
            .join("\n"),
    );
}

#[tokio::test]
async fn the_administrator_gets_a_token_for_the_management_api() {
    let world = World::new().await;
    let body = json!({"grant_type": "client_credentials", "audience": MANAGEMENT, "scope": "read:connections"});
    let answer = world.nobody().basic(ADMIN.0, ADMIN.1).post("/oauth/token", body).await;
    expect![[r#"
        200 OK
        {
          "access_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "iss": "https://tenant.example/",
              "sub": "cli_admin@clients",
              "aud": "https://tenant.example/api/v2/",
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "read:connections",
              "gty": "client-credentials",
              "azp": "cli_admin"
            }
          },
          "scope": "read:connections",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    let listed = world.nobody().bearer(&answer.text("access_token")).get("/api/v2/connections").await;
    assert_eq!(listed.status, 200, "{listed}");
    assert_eq!(world.logs().await.kinds(), ["seccft"]);
}

#[tokio::test]
async fn the_default_audience_serves_machines_too() {
    let world = World::new().await;
    world.tenant(json!({"default_audience": API})).await;
    assert_eq!(grant(&world, json!({})).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["seccft"]);
}
