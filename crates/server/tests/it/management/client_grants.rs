//! Client grants (C721-C726).

use serde_json::json;

use super::{admin, good, said};
use crate::world::{API, MANAGEMENT, NATIVE, WEB, World};

#[tokio::test]
async fn a_grant_is_made_found_changed_and_deleted() {
    let world = World::new().await;
    let admin = admin(&world);
    let body = json!({"client_id": NATIVE, "audience": API, "scope": ["read:messages"]});
    let made = good(&admin.post("/api/v2/client-grants", body.clone()).await, 201);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("cgr_") && id.len() == 20, "{id}");
    let path = format!("/api/v2/client-grants/{id}");
    assert_eq!(
        made,
        json!({"id": id, "client_id": NATIVE, "audience": API, "scope": ["read:messages"]}),
        "only what was set"
    );
    assert_eq!(good(&admin.get(&format!("/api/v2/client-grants/{id}")).await, 200), made);
    let again = admin.post("/api/v2/client-grants", body).await;
    assert_eq!(said(&again), "409 client_grant_conflict: A resource with the same identifier already exists.");
    let other = json!({"client_id": NATIVE, "audience": API, "scope": [], "subject_type": "user"});
    let other = good(&admin.post("/api/v2/client-grants", other).await, 201);
    for (query, wanted) in [
        (format!("client_id={NATIVE}&audience={API}"), vec![&made, &other]),
        (format!("client_id={NATIVE}&audience={MANAGEMENT}"), vec![]),
        (format!("client_id={NATIVE}&subject_type=user"), vec![&other]),
        (format!("client_id={NATIVE}&subject_type=client"), vec![&made]),
        (format!("client_id={NATIVE}&allow_any_organization=true"), vec![]),
        ("default_for=third_party_clients".to_owned(), vec![]),
    ] {
        assert_eq!(good(&admin.get(&format!("/api/v2/client-grants?{query}")).await, 200), json!(wanted), "{query}");
    }
    let patched =
        good(&admin.patch(&path, json!({"scope": ["write:messages"], "organization_usage": "deny"})).await, 200);
    assert_eq!(
        patched,
        json!({"id": id, "client_id": NATIVE, "audience": API, "scope": ["write:messages"], "organization_usage": "deny"})
    );
    good(&admin.delete(&path).await, 204);
    for answer in [admin.get(&path).await, admin.patch(&path, json!({})).await, admin.delete(&path).await] {
        assert_eq!(said(&answer), "404 inexistent_client_grant: The client grant does not exist");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_grant_for_what_is_not_there_is_refused() {
    let world = World::new().await;
    let admin = admin(&world);
    let schema = "400 invalid_body: Payload validation error: '";
    for (body, wanted) in [
        (json!({"audience": API}), format!("{schema}Missing required property: client_id'.")),
        (json!({"client_id": NATIVE}), format!("{schema}Missing required property: audience'.")),
        (
            json!({"client_id": NATIVE, "audience": API, "x": 1}),
            format!("{schema}Additional properties not allowed: x'."),
        ),
        (
            json!({"client_id": NATIVE, "audience": API, "scope": "read:messages"}),
            format!("{schema}Expected type array but found type string' on property scope (Scopes granted)."),
        ),
        (
            json!({"client_id": NATIVE, "audience": "https://no.example/"}),
            "404 inexistent_resource_server: The resource server does not exist".to_owned(),
        ),
        (
            json!({"client_id": "nobody", "audience": API}),
            "404 inexistent_client: The client does not exist".to_owned(),
        ),
        (
            json!({"client_id": NATIVE, "audience": API, "scope": ["read:messages", "x", "y"]}),
            "400 invalid_body: The following scopes are not allowed: x, y".to_owned(),
        ),
    ] {
        assert_eq!(said(&admin.post("/api/v2/client-grants", body).await), wanted);
    }
    let grant = good(&admin.get(&format!("/api/v2/client-grants?client_id={}", WEB.0)).await, 200)[0].clone();
    let path = format!("/api/v2/client-grants/{}", grant["id"].as_str().unwrap());
    for (body, wanted) in [
        (json!({"scope": ["x"]}), "400 invalid_body: The following scopes are not allowed: x".to_owned()),
        (json!({"audience": MANAGEMENT}), format!("{schema}Additional properties not allowed: audience'.")),
        (json!({"client_id": NATIVE}), format!("{schema}Additional properties not allowed: client_id'.")),
    ] {
        assert_eq!(said(&admin.patch(&path, body).await), wanted);
    }
    assert_eq!(good(&admin.get(&path).await, 200), grant);
    drop(world.logs().await);
}

#[tokio::test]
async fn what_is_granted_is_what_tokens_hold() {
    let world = World::new().await;
    let admin = admin(&world);
    let body = json!({"client_id": WEB.0, "audience": MANAGEMENT, "scope": ["read:clients"]});
    let grant = good(&admin.post("/api/v2/client-grants", body).await, 201);
    let ask = json!({"grant_type": "client_credentials", "audience": MANAGEMENT});
    let token = world.web().post("/oauth/token", ask.clone()).await.text("access_token");
    let caller = world.nobody().bearer(&token);
    good(&caller.get("/api/v2/clients").await, 200);
    assert_eq!(caller.get("/api/v2/users").await.status, 403);
    good(
        &admin
            .patch(
                &format!("/api/v2/client-grants/{}", grant["id"].as_str().unwrap()),
                json!({"scope": ["read:users"]}),
            )
            .await,
        200,
    );
    assert_eq!(world.web().post("/oauth/token", ask.clone()).await.text("scope"), "read:users");
    good(&admin.delete(&format!("/api/v2/client-grants/{}", grant["id"].as_str().unwrap())).await, 204);
    assert_eq!(world.web().post("/oauth/token", ask).await.status, 403);
    drop(world.logs().await);
}
