//! Clients (C701-C714): defaults, the closed list of members, and who sees and changes the secret.

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, database, good, said};
use crate::world::{ADMIN, NATIVE, Options, WEB, World};

/// Everything but the key's certificate and what is drawn at random.
fn plain(mut client: Value) -> String {
    for (name, length) in [("client_id", 32), ("client_secret", 64)] {
        assert_eq!(client[name].as_str().unwrap().len(), length);
        client[name] = format!("{length} characters").into();
    }
    assert!(client["signing_keys"][0]["cert"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(client["signing_keys"][0].get("key").is_none() && client.get("encrypted").is_none());
    client["signing_keys"] = json!([]);
    format!("{client:#}")
}

#[tokio::test]
async fn a_name_is_enough_and_the_kind_of_application_decides_the_rest() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let made = good(&admin.post("/api/v2/clients", json!({"name": "x"})).await, 201);
    let id = made["client_id"].as_str().unwrap();
    assert_eq!(good(&admin.get(&format!("/api/v2/clients/{id}")).await, 200), made);
    expect![[r#"
        {
          "tenant": "tenant",
          "global": false,
          "name": "x",
          "is_first_party": true,
          "is_token_endpoint_ip_header_trusted": false,
          "oidc_conformant": false,
          "jwt_configuration": {
            "secret_encoded": false,
            "lifetime_in_seconds": 36000
          },
          "sso_disabled": false,
          "cross_origin_authentication": false,
          "grant_types": [
            "authorization_code",
            "implicit",
            "refresh_token",
            "client_credentials"
          ],
          "custom_login_page_on": true,
          "refresh_token": {
            "rotation_type": "non-rotating",
            "expiration_type": "non-expiring",
            "leeway": 0,
            "token_lifetime": 2592000,
            "infinite_token_lifetime": true,
            "infinite_idle_token_lifetime": true,
            "idle_token_lifetime": 1296000
          },
          "client_id": "32 characters",
          "client_secret": "64 characters",
          "signing_keys": [],
          "callback_url_template": false
        }"#]]
    .assert_eq(&plain(made));
    for (kind, method, grants, lifetime) in [
        ("spa", json!("none"), 3, 2_592_000),
        ("native", json!("none"), 3, 2_592_000),
        ("regular_web", json!("client_secret_post"), 4, 2_592_000),
        ("non_interactive", Value::Null, 4, 31_557_600),
    ] {
        let made = good(&admin.post("/api/v2/clients", json!({"name": kind, "app_type": kind})).await, 201);
        world.clock.advance(1);
        assert_eq!(made["token_endpoint_auth_method"], method, "{kind}");
        assert_eq!(made["grant_types"].as_array().unwrap().len(), grants, "{kind}");
        assert_eq!(made["refresh_token"]["token_lifetime"], lifetime, "{kind}");
    }
    let spa = good(&admin.get("/api/v2/clients?app_type=spa,native&fields=name").await, 200);
    assert_eq!(spa, json!([{"name": "spa"}, {"name": "native"}]));
    let global = good(&admin.get("/api/v2/clients?is_global=true&fields=name,global").await, 200);
    assert_eq!(global, json!([{"global": true, "name": "All Applications"}]));
    assert_eq!(good(&admin.get("/api/v2/clients?is_first_party=false").await, 200), json!([]));
    let hidden =
        good(&admin.get("/api/v2/clients?app_type=spa&fields=name,client_secret&include_fields=false").await, 200);
    assert!(hidden[0].get("client_secret").is_none() && hidden[0].get("client_id").is_some());
    let search = admin.get("/api/v2/clients?q=name:x").await;
    assert!(said(&search).starts_with("400 invalid_query_string: "));
    assert_eq!(world.logs().await.kinds(), vec!["sapi"; 5]);
}

#[tokio::test]
async fn the_list_of_members_is_closed() {
    let world = World::new().await;
    let admin = admin(&world);
    for (body, wanted) in [
        (json!({}), "Missing required property: name'."),
        (json!({"name": "x", "tenant": "y"}), "Additional properties not allowed: tenant'."),
        (
            json!({"name": "x", "client_id": "y", "global": true}),
            "Additional properties not allowed: client_id,global'.",
        ),
        (
            json!({"name": "x", "client_secret": "0123456789abcdef"}),
            "Additional properties not allowed: client_secret'.",
        ),
        (json!({"name": "a<b"}), "String does not match pattern ^[^<>]+$: a<b' on property name (Name of the client)."),
        (json!({"name": 7}), "Expected type string but found type integer' on property name (Name of the client)."),
        (
            json!({"name": "x", "description": "d".repeat(141)}),
            "String is too long (141 chars), maximum 140' on property description (Description of the client).",
        ),
        (
            json!({"name": "x", "jwt_configuration": {"alg": "none"}}),
            "No enum match for: none' on property jwt_configuration.alg (What signs ID tokens).",
        ),
        (
            json!({"name": "x", "callbacks": "https://a"}),
            "Expected type array but found type string' on property callbacks (Addresses that may receive codes and tokens).",
        ),
    ] {
        let answer = admin.post("/api/v2/clients", body).await;
        assert_eq!(said(&answer), format!("400 invalid_body: Payload validation error: '{wanted}"));
    }
    for member in ["client_id", "tenant", "global", "signing_keys", "is_system", "nome"] {
        let answer = admin.patch(&format!("/api/v2/clients/{NATIVE}"), json!({(member): "x"})).await;
        assert_eq!(
            said(&answer),
            format!("400 invalid_body: Payload validation error: 'Additional properties not allowed: {member}'.")
        );
    }
    let both = json!({"client_authentication_methods": {"private_key_jwt": {"credentials": []}}});
    assert!(said(&admin.patch(&format!("/api/v2/clients/{NATIVE}"), both).await).starts_with("400 invalid_body: "));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_patch_merges_members_replaces_objects_and_removes_nulls() {
    let world = World::new().await;
    let admin = admin(&world);
    let path = format!("/api/v2/clients/{NATIVE}");
    let before = good(&admin.get(&path).await, 200);
    assert_eq!(good(&admin.patch(&path, json!({})).await, 200), before);
    let change = json!({"description": "d", "client_metadata": {"a": "1", "b": "2"}, "jwt_configuration": {"alg": "RS256"},
        "default_organization": null, "encryption_key": null});
    let patched = good(&admin.patch(&path, change).await, 200);
    assert_eq!(patched["jwt_configuration"], json!({"alg": "RS256", "secret_encoded": false}));
    assert_eq!(patched["client_metadata"], json!({"a": "1", "b": "2"}));
    let patched = good(
        &admin
            .patch(&path, json!({"description": null, "client_metadata": {"c": "3", "a": null}, "refresh_token": null}))
            .await,
        200,
    );
    assert_eq!(patched["client_metadata"], json!({"c": "3"}));
    assert!(patched.get("description").is_none() && patched.get("refresh_token").is_none());
    assert_eq!(patched["name"], before["name"]);
    assert_eq!(good(&admin.get(&path).await, 200), patched);
    let nameless = admin.patch(&path, json!({"name": null})).await;
    assert_eq!(
        said(&nameless),
        "400 invalid_body: Payload validation error: 'Expected type string but found type null' on property name (Name of the client)."
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn scopes_decide_what_is_seen_and_changed() {
    let world = World::new().await;
    let path = format!("/api/v2/clients/{}", WEB.0);
    let whole = good(&world.api("read:clients read:client_keys").get(&path).await, 200);
    assert_eq!(whole["client_secret"], WEB.1);
    let plain = good(&world.api("read:clients").get(&path).await, 200);
    for secret in ["client_secret", "signing_keys", "encryption_key"] {
        assert!(plain.get(secret).is_none(), "{secret}");
    }
    assert_eq!(good(&world.api("read:clients").get(&format!("{path}?fields=client_secret")).await, 200), json!({}));
    for client in good(&world.api("read:clients").get("/api/v2/clients").await, 200).as_array().unwrap() {
        assert!(client.get("client_secret").is_none());
    }
    let summary = good(&world.api("read:client_summary").get(&path).await, 200);
    expect![[r#"{"tenant":"tenant","global":false,"name":"Web App","app_type":"regular_web","client_id":"cli_web"}"#]]
        .assert_eq(&summary.to_string());

    let chosen = json!({"client_secret": "chosen-by-us_0123456789="});
    let refused = world.api("update:clients").patch(&path, chosen.clone()).await;
    assert_eq!(said(&refused), "403 insufficient_scope: Insufficient scope, expected any of: update:client_keys");
    let refused = world.api("update:client_keys").patch(&path, json!({"name": "x"})).await;
    assert_eq!(said(&refused), "403 insufficient_scope: Insufficient scope, expected any of: update:clients");
    let unseen = good(&world.api("update:clients").patch(&path, json!({"name": "Web"})).await, 200);
    assert!(unseen.get("client_secret").is_none() && unseen["name"] == "Web");
    let short = world.api("update:client_keys").patch(&path, json!({"client_secret": "short-s3cret"})).await;
    assert_eq!(
        said(&short),
        "400 invalid_body: Payload validation error: 'String is too short (12 chars), minimum 16' on property client_secret (Secret of the client)."
    );
    assert!(
        said(&world.api("update:client_keys").patch(&path, json!({"client_secret": 7})).await)
            .starts_with("400 invalid_body: ")
    );
    good(&world.api("update:client_keys").patch(&path, chosen).await, 200);
    assert_eq!(good(&admin(&world).get(&path).await, 200)["client_secret"], "chosen-by-us_0123456789=");
    let rows = database(&world).await;
    for secret in ["chosen-by-us_0123456789=", "short-s3cret", WEB.1, ADMIN.1] {
        assert!(!rows.contains(secret), "{secret} lies in the database");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_secret_is_rotated_and_the_old_one_is_dead_at_once() {
    let world = World::new().await;
    let token = |secret: String| {
        let body = json!({"grant_type": "client_credentials", "client_id": WEB.0, "client_secret": secret, "audience": crate::world::API});
        let caller = world.nobody();
        async move { caller.post("/oauth/token", body).await }
    };
    assert_eq!(token(WEB.1.to_owned()).await.status, 200);
    let rotated = good(
        &world.api("update:client_keys").post(&format!("/api/v2/clients/{}/rotate-secret", WEB.0), json!({})).await,
        200,
    );
    let secret = rotated["client_secret"].as_str().unwrap().to_owned();
    assert_eq!((secret.len(), rotated["client_id"].as_str()), (64, Some(WEB.0)));
    assert!(secret.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    assert_eq!(token(WEB.1.to_owned()).await.status, 401);
    assert_eq!(token(secret.clone()).await.status, 200);
    assert!(!database(&world).await.contains(&secret));
    let unknown = admin(&world).post("/api/v2/clients/nobody/rotate-secret", json!({})).await;
    assert_eq!(said(&unknown), "404 inexistent_client: The client does not exist");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_deleted_client_takes_its_grants_tokens_and_links_along() {
    let world = World::new().await;
    let admin = admin(&world);
    let tokens = world.web().sign_in(crate::world::PHONE, json!({"scope": "openid offline_access"})).await;
    let path = format!("/api/v2/clients/{}", WEB.0);
    good(&admin.delete(&path).await, 204);
    good(&admin.delete(&path).await, 204);
    good(&admin.delete("/api/v2/clients/never-was").await, 204);
    for answer in
        [admin.get(&path).await, admin.patch(&path, json!({})).await, admin.get(&format!("{path}/connections")).await]
    {
        assert_eq!(said(&answer), "404 inexistent_client: The client does not exist");
    }
    assert_eq!(good(&admin.get(&format!("/api/v2/client-grants?client_id={}", WEB.0)).await, 200), json!([]));
    assert_eq!(good(&admin.get("/api/v2/connections?name=sms").await, 200)[0]["enabled_clients"], json!([NATIVE]));
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    assert_eq!(world.web().post("/oauth/token", refresh).await.status, 401);
    let global =
        good(&admin.get("/api/v2/clients?is_global=true").await, 200)[0]["client_id"].as_str().unwrap().to_owned();
    let kept = admin.delete(&format!("/api/v2/clients/{global}")).await;
    assert_eq!(said(&kept), "400 operation_not_supported: The global client cannot be deleted");
    drop(world.logs().await);
}
