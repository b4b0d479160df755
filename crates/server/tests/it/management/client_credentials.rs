//! Credentials of clients (C1101-C1112): what is taken, what is shown, and when one may go.

use expect_test::expect;
use ringpass_core::kit::certificate;
use ringpass_core::kit::jwt::RsaKey;
use serde_json::{Value, json};

use super::{admin, database, good, said};
use crate::world::{Lines as _, NATIVE, WEB, World};

/// The example key of RFC 7638 §3.1.
const PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJX
ZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS
oc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9yBXArwl93lqt
7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0
zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0f
M4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44+csFCur+kEgU8awapJzKnqDK
gwIDAQAB
-----END PUBLIC KEY-----
";

fn path() -> String {
    format!("/api/v2/clients/{}", WEB.0)
}

fn new(more: Value) -> Value {
    let mut body = json!({"credential_type": "public_key", "pem": PEM});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_key_is_kept_under_its_thumbprint_and_never_shown() {
    let world = World::new().await;
    let admin = admin(&world);
    let path = path();
    let more = json!({"name": "Key 1", "alg": "RS256", "expires_at": "2033-05-13T09:33:13.000Z"});
    let made = good(&admin.post(&format!("{path}/credentials"), new(more)).await, 201);
    let id = made["id"].as_str().unwrap();
    assert_eq!((id.len(), &id[..5]), (27, "cred_"));
    let mut shown = made.clone();
    shown["id"] = "cred_".into();
    expect![[r#"
        {
          "id": "cred_",
          "credential_type": "public_key",
          "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
          "alg": "RS256",
          "name": "Key 1",
          "created_at": "2026-01-02T03:04:05.678Z",
          "updated_at": "2026-01-02T03:04:05.678Z",
          "expires_at": "2033-05-13T09:33:13.000Z"
        }"#]]
    .assert_eq(&format!("{shown:#}"));
    assert_eq!(good(&admin.get(&format!("{path}/credentials/{id}")).await, 200), made);
    world.clock.advance(1_000);
    let der = RsaKey::generate().unwrap();
    let pem = certificate::pem("CERTIFICATE", &certificate::self_signed(&der, "client").unwrap());
    let more = json!({"pem": pem, "parse_expiry_from_cert": true, "kid": "a-kid-of-ours", "alg": "PS384"});
    let second = good(&admin.post(&format!("{path}/credentials"), new(more)).await, 201);
    assert_eq!((&second["expires_at"], &second["kid"]), (&json!("2045-01-01T00:00:00.000Z"), &json!("a-kid-of-ours")));
    assert!(second.get("name").is_none());
    for query in ["", "?include_totals=true&per_page=1"] {
        let all = good(&admin.get(&format!("{path}/credentials{query}")).await, 200);
        assert_eq!(all, json!([second, made]), "newest first, a bare array");
    }
    // Only the expiry changes.
    world.clock.advance(1_000);
    let own = format!("{path}/credentials/{id}");
    let changed = good(&admin.patch(&own, json!({"expires_at": "2030-01-01T00:00:00+01:00"})).await, 200);
    assert_eq!(changed["expires_at"], "2029-12-31T23:00:00.000Z");
    assert_eq!(changed["updated_at"], "2026-01-02T03:04:07.678Z");
    for member in ["name", "pem", "alg", "kid"] {
        let refused = admin.patch(&own, json!({(member): "x"})).await;
        let wanted =
            format!("400 invalid_body: Payload validation error: 'Additional properties not allowed: {member}'.");
        assert_eq!(said(&refused), wanted);
    }
    let log = world.logs().await;
    assert_eq!(log.kinds().iter().filter(|kind| *kind == "sapi").count(), 3, "{log}");
    assert!(!log.to_string().contains("BEGIN"), "{log}");
    // A certificate's own end counts only when asked for.
    good(&admin.delete(&own).await, 204);
    let endless = good(&admin.post(&format!("{path}/credentials"), new(json!({"pem": pem}))).await, 201);
    assert!(endless.get("expires_at").is_none());
    drop(world.logs().await);
}

#[tokio::test]
async fn what_is_no_usable_key_is_refused_with_a_sentence() {
    let world = World::new().await;
    let caller = admin(&world);
    let path = path();
    let private = certificate::pem("PRIVATE KEY", &RsaKey::generate().unwrap());
    let secret_part: String = private.lines().nth(5).unwrap().to_owned();
    let mut text = String::new();
    for body in [
        json!({}),
        json!({"credential_type": "public_key"}),
        json!({"credential_type": "api_key", "pem": PEM}),
        json!({"credential_type": "x509_cert", "pem": PEM}),
        json!({"credential_type": "cert_subject_dn", "subject_dn": "CN=x"}),
        new(json!({"pem": private})),
        new(json!({"pem": "MIIBIjANBgkq"})),
        new(json!({"pem": PEM.replace("MIIBIjAN", "MIIBIjAA")})),
        new(json!({"pem": PEM.repeat(10)})),
        new(json!({"alg": "HS256"})),
        new(json!({"alg": "ES256"})),
        new(json!({"kid": "short"})),
        new(json!({"name": ""})),
        new(json!({"expires_at": "tomorrow"})),
        new(json!({"subject_dn": "CN=x"})),
        new(json!({"jwk": {}})),
    ] {
        text.line(said(&caller.post(&format!("{path}/credentials"), body).await));
    }
    let body = json!({"name": "x", "client_authentication_methods": {"private_key_jwt": {"credentials": [
        new(json!({})), new(json!({"pem": private}))]}}});
    text.line(said(&caller.post("/api/v2/clients", body).await));
    expect![[r#"
        400 invalid_body: Payload validation error: 'Missing required property: credential_type'.
        400 invalid_body: Payload validation error: 'Missing required property: pem'.
        400 invalid_body: Payload validation error: 'No enum match for: api_key' on property credential_type (Kind of credential).
        400 invalid_body: Payload validation error: 'x509_cert is for mutual TLS, which this server does not offer: use public_key' on property credential_type.
        400 invalid_body: Payload validation error: 'cert_subject_dn is for mutual TLS, which this server does not offer: use public_key' on property credential_type.
        400 invalid_body: Payload validation error: 'This is a private key: keep it to yourself and send the public key. It was not stored, but treat it as exposed and make a new one' on property pem.
        400 invalid_body: Payload validation error: 'Send a PEM public key (BEGIN PUBLIC KEY) or X.509 certificate (BEGIN CERTIFICATE)' on property pem.
        400 invalid_body: Payload validation error: 'The PEM holds no readable public key' on property pem.
        400 invalid_body: Payload validation error: 'String is too long (4510 chars), maximum 4096' on property pem (Public key or X.509 certificate, PEM).
        400 invalid_body: Payload validation error: 'No enum match for: HS256' on property alg (Algorithm of the signatures).
        400 invalid_body: Payload validation error: 'ES256 needs a key on the curve P-256, and this is an RSA key' on property alg.
        400 invalid_body: Payload validation error: 'String does not match pattern ^([0-9a-zA-Z-_]{10,64})$: short' on property kid (Key id).
        400 invalid_body: Payload validation error: 'String is too short (0 chars), minimum 1' on property name (Name of the credential).
        400 invalid_body: Payload validation error: 'Object didn't pass validation for format date-time: tomorrow' on property expires_at (When it ends).
        400 invalid_body: Payload validation error: 'A public_key has no subject_dn' on property subject_dn.
        400 invalid_body: Payload validation error: 'Additional properties not allowed: jwk'.
        400 invalid_body: Payload validation error: 'This is a private key: keep it to yourself and send the public key. It was not stored, but treat it as exposed and make a new one' on property client_authentication_methods.private_key_jwt.credentials[1].pem.
    "#]].assert_eq(&text);
    assert_eq!(good(&caller.get(&format!("{path}/credentials")).await, 200), json!([]));
    assert!(!database(&world).await.contains(&secret_part), "a part of the private key lies in the database");
    assert!(!world.logs().await.to_string().contains(&secret_part));
    let global = good(&caller.get("/api/v2/clients?is_global=true").await, 200)[0]["client_id"].clone();
    for unknown in ["none", global.as_str().unwrap()] {
        let refused = caller.post(&format!("/api/v2/clients/{unknown}/credentials"), new(json!({}))).await;
        assert_eq!(said(&refused), "404 inexistent_client: The client does not exist");
    }
    for refused in [
        caller.get(&format!("{path}/credentials/cred_none")).await,
        caller.patch(&format!("{path}/credentials/cred_none"), json!({})).await,
    ] {
        assert_eq!(said(&refused), "404 inexistent_credential: The credential does not exist");
    }
    good(&caller.delete(&format!("{path}/credentials/cred_none")).await, 204);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_client_has_two_active_keys_at_most_and_an_attached_one_stays() {
    let world = World::new().await;
    let admin = admin(&world);
    let path = path();
    let keys = format!("{path}/credentials");
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(good(&admin.post(&keys, new(json!({}))).await, 201)["id"].clone());
        world.clock.advance(1);
    }
    let full = "400 invalid_body: A client can have 2 active public keys: delete one, or let it expire, first";
    assert_eq!(said(&admin.post(&keys, new(json!({}))).await), full);
    let past = json!({"expires_at": "2026-01-01T00:00:00Z"});
    let first = format!("{keys}/{}", ids[0].as_str().unwrap());
    good(&admin.patch(&first, past.clone()).await, 200);
    let third = good(&admin.post(&keys, new(json!({}))).await, 201)["id"].clone();
    assert_eq!(said(&admin.patch(&first, json!({"expires_at": null})).await), full);
    assert_eq!(good(&admin.post(&keys, new(past)).await, 201)["expires_at"], "2026-01-01T00:00:00.000Z");
    // Another client's keys cannot be attached, nor seen as one's own.
    let attach = |id: &Value| {
        json!({"token_endpoint_auth_method": null,
            "client_authentication_methods": {"private_key_jwt": {"credentials": [{"id": id}]}}})
    };
    let native = format!("/api/v2/clients/{NATIVE}");
    assert_eq!(
        said(&admin.patch(&native, attach(&third)).await),
        "400 invalid_body: Payload validation error: 'The client has no such credential' on property client_authentication_methods.private_key_jwt.credentials[0].id."
    );
    let foreign = format!("{native}/credentials/{}", third.as_str().unwrap());
    assert_eq!(admin.get(&foreign).await.status, 404);
    good(&admin.delete(&foreign).await, 204);
    assert_eq!(good(&admin.get(&format!("{keys}/{}", third.as_str().unwrap())).await, 200)["id"], third);
    let attached = good(&admin.patch(&path, attach(&third)).await, 200);
    assert_eq!(attached["client_authentication_methods"], json!({"private_key_jwt": {"credentials": [{"id": third}]}}));
    let own = format!("{keys}/{}", third.as_str().unwrap());
    assert_eq!(
        said(&admin.delete(&own).await),
        "409 credential_attached: The credential is attached to the client: detach it first (client_authentication_methods)"
    );
    let back = json!({"token_endpoint_auth_method": "client_secret_post", "client_authentication_methods": null});
    good(&admin.patch(&path, back).await, 200);
    good(&admin.delete(&own).await, 204);
    good(&admin.delete(&path).await, 204);
    assert_eq!(admin.get(&keys).await.status, 404);
    let count = |tx: &mut ringpass_core::storage::Tx<'_>| {
        tx.query_one("SELECT COUNT(*) FROM client_credentials", &[])?.unwrap().int(0)
    };
    assert_eq!(
        world.app.db.read("test.count", count).await.unwrap(),
        0,
        "a deleted client takes its credentials along"
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn a_client_may_be_made_with_its_keys() {
    let world = World::new().await;
    let admin = admin(&world);
    for kind in ["regular_web", "non_interactive", "native"] {
        let methods = json!({"private_key_jwt": {"credentials": [new(json!({"name": "inline"}))]}});
        let body = json!({"name": "x", "app_type": kind, "client_authentication_methods": methods});
        let made = good(&admin.post("/api/v2/clients", body).await, 201);
        let path = format!("/api/v2/clients/{}", made["client_id"].as_str().unwrap());
        let keys = good(&admin.get(&format!("{path}/credentials")).await, 200);
        assert_eq!((keys.as_array().unwrap().len(), &keys[0]["name"]), (1, &json!("inline")));
        assert_eq!(
            made["client_authentication_methods"],
            json!({"private_key_jwt": {"credentials": [{"id": keys[0]["id"]}]}})
        );
        assert!(made.get("token_endpoint_auth_method").is_none(), "{kind}");
        assert_eq!(good(&admin.get(&path).await, 200), made);
    }
    let methods = |credentials: Value| json!({"private_key_jwt": {"credentials": credentials}});
    let mut text = String::new();
    for body in [
        json!({"name": "x", "token_endpoint_auth_method": "none", "client_authentication_methods": methods(json!([new(json!({}))]))}),
        json!({"name": "x", "client_authentication_methods": methods(json!([]))}),
        json!({"name": "x", "client_authentication_methods": methods(json!([{"id": "cred_x"}]))}),
        json!({"name": "x", "client_authentication_methods": {}}),
        json!({"name": "x", "client_authentication_methods": {"private_key_jwt": null}}),
        json!({"name": "x", "client_authentication_methods": {"tls_client_auth": {"credentials": [{"id": "cred_x"}]}}}),
    ] {
        text.line(said(&admin.post("/api/v2/clients", body).await));
    }
    expect![[r#"
        400 invalid_body: A client has either token_endpoint_auth_method or client_authentication_methods, not both
        400 invalid_body: Payload validation error: 'Array is too short (0), minimum 1' on property client_authentication_methods.private_key_jwt.credentials (Credentials of the client).
        400 invalid_body: Payload validation error: 'Additional properties not allowed: id' on property client_authentication_methods.private_key_jwt.credentials[0].
        400 invalid_body: Payload validation error: 'Missing required property: private_key_jwt' on property client_authentication_methods (Keys with which the client proves itself).
        400 invalid_body: Payload validation error: 'Expected type object but found type null' on property client_authentication_methods.private_key_jwt (Signed assertions).
        400 invalid_body: Payload validation error: 'Additional properties not allowed: tls_client_auth' on property client_authentication_methods (Keys with which the client proves itself).
    "#]].assert_eq(&text);
    drop(world.logs().await);
}

#[tokio::test]
async fn scopes_open_credentials_and_what_a_client_shows_of_them() {
    let world = World::new().await;
    let (path, client) = (path(), WEB.0);
    let create = world.api("create:client_credentials");
    let made = good(&create.post(&format!("/api/v2/clients/{client}/credentials"), new(json!({}))).await, 201);
    let id = made["id"].as_str().unwrap();
    let attach = json!({"token_endpoint_auth_method": null,
        "client_authentication_methods": {"private_key_jwt": {"credentials": [{"id": made["id"]}]}}});
    let refused = world.api("update:clients").patch(&path, attach.clone()).await;
    assert_eq!(
        said(&refused),
        "403 insufficient_scope: Insufficient scope, expected any of: update:client_credentials"
    );
    let attached = good(&world.api("update:client_credentials").patch(&path, attach).await, 200);
    assert!(attached.get("client_authentication_methods").is_some() && attached.get("client_secret").is_none());
    let refused = world.api("update:client_credentials").patch(&path, json!({"name": "x"})).await;
    assert_eq!(said(&refused), "403 insufficient_scope: Insufficient scope, expected any of: update:clients");
    for (scope, shown) in [("read:client_credentials", true), ("read:clients", false), ("read:client_keys", false)] {
        let client = good(&world.api(scope).get(&path).await, 200);
        assert_eq!(client.get("client_authentication_methods").is_some(), shown, "{scope}");
        assert!(client.get("grant_types").is_some(), "{scope}");
    }
    let reader = world.api("read:client_credentials");
    assert_eq!(good(&reader.get(&format!("/api/v2/clients/{client}/credentials")).await, 200), json!([made]));
    assert_eq!(good(&reader.get(&format!("/api/v2/clients/{client}/credentials/{id}")).await, 200), made);
    // Whoever may change the client may take the method away, as tools do with every null they send.
    let back = json!({"token_endpoint_auth_method": "client_secret_post", "client_authentication_methods": null});
    good(&world.api("update:clients").patch(&path, back).await, 200);
    let changer = world.api("update:client_credentials");
    good(&changer.patch(&format!("/api/v2/clients/{client}/credentials/{id}"), json!({})).await, 200);
    let remover = world.api("delete:client_credentials");
    good(&remover.delete(&format!("/api/v2/clients/{client}/credentials/{id}")).await, 204);
    drop(world.logs().await);
}
