//! Resource servers (C603, C731-C737).

use expect_test::expect;
use serde_json::json;

use super::{admin, database, good, said};
use crate::world::{API, MANAGEMENT, Options, WEB, World};

#[tokio::test]
async fn an_identifier_is_enough_and_names_the_api_in_three_ways() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let made = good(
        &admin.post("/api/v2/resource-servers", json!({"identifier": "https://a.example/x?y=1&z=a+b"})).await,
        201,
    );
    let id = made["id"].as_str().unwrap();
    assert!(id.len() == 24 && id.chars().all(|c| c.is_ascii_hexdigit()), "{id}");
    let mut shown = made.clone();
    shown["id"] = "…".into();
    expect![[r#"
        {
          "id": "…",
          "identifier": "https://a.example/x?y=1&z=a+b",
          "allow_offline_access": false,
          "skip_consent_for_verifiable_first_party_clients": false,
          "token_lifetime": 86400,
          "token_lifetime_for_web": 7200,
          "signing_alg": "RS256",
          "subject_type_authorization": {
            "client": {
              "policy": "require_client_grant"
            },
            "user": {
              "policy": "allow_all"
            }
          }
        }"#]]
    .assert_eq(&format!("{shown:#}"));
    for name in [
        id,
        "https%3A%2F%2Fa.example%2Fx%3Fy%3D1%26z%3Da%2Bb",
        "https:%252F%252Fa.example%252Fx%253Fy%253D1%2526z%253Da%252Bb",
    ] {
        assert_eq!(good(&admin.get(&format!("/api/v2/resource-servers/{name}")).await, 200), made, "{name}");
    }
    let again = admin.post("/api/v2/resource-servers", json!({"identifier": "https://a.example/x?y=1&z=a+b"})).await;
    assert_eq!(
        said(&again),
        "409 resource_server_conflict: A resource server with the same identifier already exists."
    );
    let found = good(
        &admin
            .get(
                "/api/v2/resource-servers?identifiers=https%3A%2F%2Fa.example%2Fx%3Fy%3D1%26z%3Da%2Bb&identifiers=none",
            )
            .await,
        200,
    );
    assert_eq!(found, json!([made]));
    let many = "identifiers=a&".repeat(11);
    assert!(
        said(&admin.get(&format!("/api/v2/resource-servers?{many}")).await).starts_with("400 invalid_query_string: ")
    );
    good(
        &admin.delete("/api/v2/resource-servers/https:%252F%252Fa.example%252Fx%253Fy%253D1%2526z%253Da%252Bb").await,
        204,
    );
    for answer in [
        admin.get(&format!("/api/v2/resource-servers/{id}")).await,
        admin.patch(&format!("/api/v2/resource-servers/{id}"), json!({})).await,
        admin.delete(&format!("/api/v2/resource-servers/{id}")).await,
    ] {
        assert_eq!(said(&answer), "404 inexistent_resource_server: The resource server does not exist");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn scopes_are_replaced_and_members_checked() {
    let world = World::new().await;
    let admin = admin(&world);
    let path = "/api/v2/resource-servers/https%3A%2F%2Fapi.example%2F";
    let scopes = json!([{"value": "a", "description": "A"}, {"value": "b"}]);
    let patched =
        good(&admin.patch(path, json!({"scopes": scopes, "token_lifetime": 60, "consent_policy": null})).await, 200);
    assert_eq!(
        (&patched["scopes"], &patched["token_lifetime"], &patched["name"]),
        (&scopes, &json!(60), &json!("Example API"))
    );
    let before = good(&admin.get(path).await, 200);
    for (body, wanted) in [
        (json!({"identifier": "x"}), "Additional properties not allowed: identifier'."),
        (json!({"is_system": true}), "Additional properties not allowed: is_system'."),
        (
            json!({"token_lifetime": 2_592_001}),
            "Value 2592001 is greater than maximum 2592000' on property token_lifetime (Life of its access tokens in seconds).",
        ),
        (json!({"signing_alg": "none"}), "No enum match for: none' on property signing_alg (What signs its tokens)."),
        (
            json!({"token_dialect": "x"}),
            "No enum match for: x' on property token_dialect (Shape of its access tokens).",
        ),
        (json!({"scopes": [{"description": "x"}]}), "Missing required property: value' on property scopes[0]."),
        (
            json!({"signing_secret": "short"}),
            "String is too short (5 chars), minimum 16' on property signing_secret (Secret that signs its tokens with HS256).",
        ),
    ] {
        assert_eq!(
            said(&admin.patch(path, body).await),
            format!("400 invalid_body: Payload validation error: '{wanted}")
        );
    }
    assert_eq!(
        said(&admin.post("/api/v2/resource-servers", json!({})).await),
        "400 invalid_body: Payload validation error: 'Missing required property: identifier'."
    );
    assert_eq!(good(&admin.get(path).await, 200), before);
    let hs256 =
        good(&admin.post("/api/v2/resource-servers", json!({"identifier": "hs", "signing_alg": "HS256"})).await, 201);
    let secret = hs256["signing_secret"].as_str().unwrap();
    assert!(secret.len() >= 16 && !database(&world).await.contains(secret));
    let listed = good(&admin.get("/api/v2/resource-servers?fields=identifier&include_fields=true").await, 200);
    assert_eq!(listed, json!([{"identifier": MANAGEMENT}, {"identifier": API}, {"identifier": "hs"}]));
    drop(world.logs().await);
}

#[tokio::test]
async fn the_management_api_can_be_read_and_not_be_changed() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let path = "/api/v2/resource-servers/https%3A%2F%2Ftenant.example%2Fapi%2Fv2%2F";
    let system = good(&admin.get(path).await, 200);
    assert_eq!((&system["is_system"], &system["identifier"]), (&json!(true), &json!(MANAGEMENT)));
    let by_id = format!("/api/v2/resource-servers/{}", system["id"].as_str().unwrap());
    assert_eq!(good(&admin.get(&by_id).await, 200), system);
    let scopes = admin.patch(path, json!({"scopes": []})).await;
    assert_eq!(
        said(&scopes),
        "400 invalid_body: Payload validation error: 'Additional properties not allowed: scopes'."
    );
    assert!(said(&admin.patch(&by_id, json!({"token_lifetime": 1})).await).starts_with("400 invalid_body: "));
    for path in [path, &by_id] {
        assert_eq!(
            said(&admin.delete(path).await),
            "400 operation_not_supported: The Management API cannot be deleted"
        );
    }
    let twin = admin.post("/api/v2/resource-servers", json!({"identifier": MANAGEMENT})).await;
    assert_eq!(said(&twin), "409 resource_server_conflict: A resource server with the same identifier already exists.");
    assert_eq!(good(&admin.get(path).await, 200), system);
    drop(world.logs().await);
}

#[tokio::test]
async fn with_the_api_its_grants_go() {
    let world = World::new().await;
    let admin = admin(&world);
    good(&admin.delete("/api/v2/resource-servers/https%3A%2F%2Fapi.example%2F").await, 204);
    assert_eq!(good(&admin.get(&format!("/api/v2/client-grants?client_id={}", WEB.0)).await, 200), json!([]));
    let ask = json!({"grant_type": "client_credentials", "audience": API});
    assert_ne!(world.web().post("/oauth/token", ask).await.status, 200);
    drop(world.logs().await);
}
