//! Connections (C651-C689): the documented way to an own gateway, and what may not be done.

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, database, good, id_of, refusal, said};
use crate::world::{NATIVE, OTP, Options, PHONE, WEB, World};

/// Options as the published guide for own gateways shows them, with members and values that Auth0 keeps as well.
fn guide(url: &str) -> Value {
    json!({
        "strategy": "sms", "provider": "sms_gateway", "gateway_url": url, "from": " +1 234 567 ", "name": "sms",
        "template": "Your verification code is: @@password@@", "syntax": "md_with_macros", "forward_req_info": "true",
        "gateway_authentication": {
            "method": "bearer", "subject": "urn:Auth0", "audience": "urn:MySmsGateway",
            "secret": "MySecretToSignTheToken-s3cret", "secret_base64_encoded": false, "own": {"deep": [1, null]}
        },
        "twilio_token": "twilio-t0ken", "messaging_service_sid": null, "totp": {"time_step": 300, "length": 6},
        "brute_force_protection": true, "disable_signup": false, "of_our_own": {"deep": [null, "x", 1.5]}, "nothing": null
    })
}

#[tokio::test]
async fn the_guide_for_own_gateways_works_as_written() {
    let world = World::new().await;
    let admin = admin(&world);
    let list = good(&admin.get("/api/v2/connections?strategy=sms").await, 200);
    let found = list.as_array().unwrap();
    assert_eq!((found.len(), &found[0]["strategy"], &found[0]["name"]), (1, &json!("sms"), &json!("sms")));
    let id = found[0]["id"].as_str().unwrap();
    let mut sent = guide(world.gateway.url().as_str());

    let patched = good(&admin.patch(&format!("/api/v2/connections/{id}"), json!({"options": sent})).await, 200);
    let shown = good(&admin.get(&format!("/api/v2/connections/{id}")).await, 200);
    assert_eq!(patched, shown);
    assert_eq!(shown["options"], sent);
    assert_eq!(good(&admin.get("/api/v2/connections?strategy=sms").await, 200)[0], shown);
    assert_eq!(shown["enabled_clients"], json!([NATIVE, WEB.0]));

    // Sealed as a whole: neither secret nor address lies in the database, and the log has masks.
    let rows = database(&world).await;
    assert!(rows.contains("urn:MySmsGateway"), "the log shows what was sent");
    for secret in ["MySecretToSignTheToken-s3cret", "twilio-t0ken"] {
        assert!(!rows.contains(secret), "{secret} lies in the database");
    }
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["sapi: Update a connection"]);
    let options = &logs.0[0]["details"]["request"]["body"]["options"];
    assert_eq!(
        (&options["twilio_token"], &options["gateway_authentication"]["secret"]),
        (&json!("*****"), &json!("*****"))
    );
    assert_eq!(options["from"], sent["from"]);

    // What is not sent again is gone.
    sent.as_object_mut()
        .unwrap()
        .retain(|name, _| ["provider", "gateway_url", "gateway_authentication"].contains(&name.as_str()));
    good(&admin.patch(&format!("/api/v2/connections/{id}"), json!({"options": sent})).await, 200);
    assert_eq!(good(&admin.get(&format!("/api/v2/connections/{id}")).await, 200)["options"], sent);
    let code = {
        drop(world.logs().await);
        world.anon().code(PHONE).await
    };
    let rows = database(&world).await;
    assert!(
        !rows.contains(&format!("\"{code}\"")) && !rows.contains(&format!("is: {code}")),
        "the code lies in the database"
    );
    good(&admin.patch(&format!("/api/v2/connections/{id}"), json!({"options": null})).await, 200);
    assert_eq!(good(&admin.get(&format!("/api/v2/connections/{id}")).await, 200)["options"], json!({}));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_connection_is_made_read_changed_and_deleted() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let body = json!({"name": "second-sms", "strategy": "sms"});
    admin.post("/api/v2/connections", body).await.is(expect![[r#"
        201 Created
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "id": "con_L0DxZfSTc6tOYmXj",
          "options": {},
          "strategy": "sms",
          "name": "second-sms",
          "is_domain_connection": false,
          "authentication": {
            "active": true
          },
          "connected_accounts": {
            "active": false
          },
          "enabled_clients": [],
          "realms": [
            "second-sms"
          ]
        }
    "#]]);
    let id = id_of(&world, "second-sms").await;
    let path = format!("/api/v2/connections/{id}");
    let before = good(&admin.get(&path).await, 200);
    assert_eq!(good(&admin.patch(&path, json!({})).await, 200), before);
    let change = json!({"metadata": {"team": "a", "gone": null}, "is_domain_connection": true, "realms": ["x"],
        "display_name": "Text me", "authentication": {"active": false}});
    admin.patch(&path, change).await.is(expect![[r#"
        200 OK
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "id": "con_L0DxZfSTc6tOYmXj",
          "options": {},
          "strategy": "sms",
          "name": "second-sms",
          "display_name": "Text me",
          "is_domain_connection": true,
          "authentication": {
            "active": false
          },
          "connected_accounts": {
            "active": false
          },
          "enabled_clients": [],
          "realms": [
            "x"
          ],
          "metadata": {
            "team": "a"
          }
        }
    "#]]);
    let named = good(&admin.get(&format!("{path}?fields=name,strategy&include_fields=true")).await, 200);
    expect![[r#"
        {
          "strategy": "sms",
          "name": "second-sms",
          "id": "con_L0DxZfSTc6tOYmXj",
          "is_domain_connection": true,
          "authentication": {
            "active": false
          },
          "connected_accounts": {
            "active": false
          }
        }"#]]
    .assert_eq(&format!("{named:#}"));
    let bare = good(&admin.get(&format!("{path}?fields=options,realms&include_fields=false")).await, 200);
    assert!(bare.get("options").is_none() && bare.get("name").is_some());
    let empty = admin.get(&format!("/api/v2/connections/{id}/status")).await;
    assert_eq!((empty.status.as_u16(), empty.body.len()), (200, 0));
    assert_eq!(world.logs().await.kinds(), ["sapi", "sapi", "sapi"]);
}

#[tokio::test]
async fn a_deleted_connection_is_gone_and_its_name_free() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let id = id_of(&world, "sms").await;
    let path = format!("/api/v2/connections/{id}");
    admin.delete(&path).await.is(expect![[r#"
        202 Accepted
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "deleted_at": "2026-01-02T03:04:05.678Z"
        }
    "#]]);
    for answer in [
        admin.get(&path).await,
        admin.patch(&path, json!({})).await,
        admin.delete(&path).await,
        admin.get(&format!("{path}/clients")).await,
        admin.get(&format!("{path}/status")).await,
        admin.patch(&format!("{path}/clients"), json!([{"client_id": "x", "status": true}])).await,
        admin.delete(&format!("/api/v2/connections/{id}/users?email=a@b.example")).await,
    ] {
        assert_eq!(said(&answer), "404 inexistent_connection: The connection does not exist");
    }
    good(&admin.post("/api/v2/connections", json!({"name": "sms", "strategy": "email"})).await, 201);
    let kinds = world.logs().await.kinds();
    assert_eq!(kinds, ["sapi", "fapi", "fapi", "fapi", "fapi", "sapi"]);
}

#[tokio::test]
async fn a_fresh_tenant_has_two_connections_for_nobody() {
    let world = World::bare(Options::default()).await;
    let mut list = good(&admin(&world).get("/api/v2/connections").await, 200);
    for connection in list.as_array_mut().unwrap() {
        connection["id"] = "con_".into();
    }
    expect![[r#"
        [
          {
            "id": "con_",
            "options": {
              "mfa": {
                "active": true,
                "return_enroll_settings": true
              },
              "passwordPolicy": "good",
              "strategy_version": 2,
              "authentication_methods": {
                "password": {
                  "enabled": true,
                  "api_behavior": "required"
                },
                "passkey": {
                  "enabled": false
                }
              },
              "passkey_options": {
                "challenge_ui": "both",
                "progressive_enrollment_enabled": true,
                "local_enrollment_enabled": true
              },
              "brute_force_protection": true
            },
            "strategy": "auth0",
            "name": "Username-Password-Authentication",
            "is_domain_connection": false,
            "authentication": {
              "active": true
            },
            "connected_accounts": {
              "active": false
            },
            "enabled_clients": [],
            "realms": [
              "Username-Password-Authentication"
            ]
          },
          {
            "id": "con_",
            "options": {
              "name": "sms",
              "strategy": "sms",
              "syntax": "md_with_macros",
              "template": "Your verification code is: @@password@@",
              "brute_force_protection": true,
              "disable_signup": false,
              "totp": {
                "time_step": 300,
                "length": 6
              }
            },
            "strategy": "sms",
            "name": "sms",
            "is_domain_connection": false,
            "authentication": {
              "active": true
            },
            "connected_accounts": {
              "active": false
            },
            "enabled_clients": [],
            "realms": [
              "sms"
            ]
          }
        ]"#]]
    .assert_eq(&format!("{list:#}"));
}

#[tokio::test]
async fn what_is_taken_malformed_or_fixed_is_refused() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    let id = id_of(&world, "sms").await;
    let path = format!("/api/v2/connections/{id}");
    for strategy in ["sms", "email", "auth0"] {
        let taken = admin.post("/api/v2/connections", json!({"name": "sms", "strategy": strategy})).await;
        assert_eq!(said(&taken), "409 connection_conflict: A connection with the same name already exists");
    }
    for (body, wanted) in [
        (json!({"name": "other"}), "Additional properties not allowed: name'."),
        (json!({"strategy": "sms"}), "Additional properties not allowed: strategy'."),
        (json!({"id": id}), "Additional properties not allowed: id'."),
        (
            json!({"options": "x"}),
            "Expected type object but found type string' on property options (Settings of the strategy).",
        ),
        (
            json!({"enabled_clients": [1]}),
            "Expected type string but found type integer' on property enabled_clients[0].",
        ),
        (
            json!({"realms": "sms"}),
            "Expected type array but found type string' on property realms (Realms that lead to it).",
        ),
        (
            json!({"is_domain_connection": "yes"}),
            "Expected type boolean but found type string' on property is_domain_connection (Whether third-party applications may use it).",
        ),
        (json!({"metadata": {"a": 1}}), "Expected type string but found type integer' on property metadata.a."),
        (json!([]), "Expected type object but found type array'."),
    ] {
        let answer = admin.patch(&path, body.clone()).await;
        assert_eq!(said(&answer), format!("400 invalid_body: Payload validation error: '{wanted}"), "{body}");
    }
    for (body, wanted) in [
        (json!({}), "Missing required property: name'."),
        (json!({"name": "x"}), "Missing required property: strategy'."),
        (
            json!({"name": null, "strategy": "sms"}),
            "Expected type string but found type null' on property name (Name of the connection).",
        ),
        (
            json!({"name": "x", "strategy": "samlp"}),
            "No enum match for: samlp' on property strategy (How the users of the connection prove who they are).",
        ),
        (
            json!({"name": "x_", "strategy": "sms"}),
            "String does not match pattern ^[a-zA-Z0-9]([a-zA-Z0-9-]{0,126}[a-zA-Z0-9])?$: x_' on property name (Name of the connection).",
        ),
        (json!({"name": "x", "strategy": "sms", "id": "con_1"}), "Additional properties not allowed: id'."),
    ] {
        let answer = admin.post("/api/v2/connections", body.clone()).await;
        assert_eq!(said(&answer), format!("400 invalid_body: Payload validation error: '{wanted}"), "{body}");
    }
    for bad in [
        "sms",
        "con_",
        "con_123",
        "con_0123456789abcde-",
        "CON_0123456789abcdef",
        "con_0123456789abcdef0",
        "con_0123456789abcd%20x",
    ] {
        for answer in [
            admin.get(&format!("/api/v2/connections/{bad}")).await,
            admin.patch(&format!("/api/v2/connections/{bad}"), json!({})).await,
            admin.delete(&format!("/api/v2/connections/{bad}")).await,
            admin.get(&format!("/api/v2/connections/{bad}/clients")).await,
        ] {
            let given = bad.replace("%20", " ");
            let wanted = format!(
                "400 invalid_uri: Path validation error: 'Object didn't pass validation for format connection-id: {given}' on property id (The id of the connection)."
            );
            assert_eq!(said(&answer), wanted);
        }
    }
    drop(world.logs().await);
    assert_eq!(good(&admin.get("/api/v2/connections").await, 200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn with_the_connection_its_users_codes_and_tokens_go() {
    let world = World::new().await;
    let admin = admin(&world);
    let tokens = world.anon().sign_in(PHONE, json!({"scope": "openid offline_access"})).await;
    let user = world.user(PHONE).await.unwrap().user_id;
    let code = world.anon().code("+4915112345699").await;
    let id = id_of(&world, "sms").await;
    good(&admin.delete(&format!("/api/v2/connections/{id}")).await, 202);
    let gone = admin.get(&format!("/api/v2/users/{}", user.replace('|', "%7C"))).await;
    assert_eq!(said(&gone), "404 inexistent_user: The user does not exist.");
    assert_eq!(good(&admin.get("/api/v2/users").await, 200), json!([]));
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 403);
    assert_eq!(
        refusal(&world.anon().redeem("+4915112345699", &code, json!({})).await),
        "400 invalid_request: Unknown realm sms."
    );
    assert_eq!(world.anon().start(PHONE).await.status, 400);
    // A new connection of the name has nobody, and no code of the old one works there.
    let options = json!({"provider": "sms_gateway", "gateway_url": world.gateway.url()});
    let body = json!({"name": "sms", "strategy": "sms", "options": options, "enabled_clients": [NATIVE]});
    good(&admin.post("/api/v2/connections", body).await, 201);
    assert!(world.user(PHONE).await.is_none());
    assert_eq!(world.anon().redeem("+4915112345699", &code, json!({})).await.status, 403);
    drop(world.logs().await);
    world.anon().sign_in(PHONE, json!({"grant_type": OTP})).await;
}

#[tokio::test]
async fn a_user_of_a_connection_is_deleted_by_address() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    for (connection, email) in [("Username-Password-Authentication", "Ann@example.org"), ("mail", "ann@example.org")] {
        if connection == "mail" {
            good(&admin.post("/api/v2/connections", json!({"name": "mail", "strategy": "email"})).await, 201);
        }
        let mut body = json!({"connection": connection, "email": email});
        if connection != "mail" {
            body["password"] = "A long passphrase".into();
        }
        good(&admin.post("/api/v2/users", body).await, 201);
    }
    let id = id_of(&world, "mail").await;
    let missing = admin.delete(&format!("/api/v2/connections/{id}/users")).await;
    assert_eq!(said(&missing), "400 invalid_query_string: Query validation error: 'Missing required property: email'.");
    for email in ["nobody@example.org", "ANN@example.org", "ann@example.org"] {
        good(&admin.delete(&format!("/api/v2/connections/{id}/users?email={email}")).await, 204);
    }
    let left = good(&admin.get("/api/v2/users-by-email?email=ann@example.org").await, 200);
    let left: Vec<&str> =
        left.as_array().unwrap().iter().map(|user| user["identities"][0]["connection"].as_str().unwrap()).collect();
    assert_eq!(left, ["Username-Password-Authentication"]);
    drop(world.logs().await);
}
