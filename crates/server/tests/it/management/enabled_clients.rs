//! Which clients may use a connection, seen and changed from three sides (C681-C685).

use serde_json::{Value, json};

use super::{admin, good, id_of, said};
use crate::world::{NATIVE, Options, WEB, World};

async fn enabled(world: &World, id: &str) -> Vec<String> {
    let admin = admin(world);
    let shown = good(&admin.get(&format!("/api/v2/connections/{id}/clients")).await, 200);
    assert_eq!(shown.as_object().unwrap().len(), 1, "{shown}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ids: Vec<String> =
        shown["clients"].as_array().unwrap().iter().map(|client| text(&client["client_id"])).collect();
    let whole = good(&admin.get(&format!("/api/v2/connections/{id}")).await, 200);
    assert_eq!(whole["enabled_clients"], json!(ids), "two views of one set");
    ids
}

#[tokio::test]
async fn single_clients_are_switched_on_and_off() {
    let world = World::bare(Options::default()).await;
    let admin = admin(&world);
    for (id, name) in [("cli_a", "A"), ("cli_b", "B"), ("cli_c", "C")] {
        world.new_client(id, "a secret of the tests", json!({"name": name})).await;
    }
    let id = id_of(&world, "sms").await;
    let path = format!("/api/v2/connections/{id}/clients");
    assert_eq!(good(&admin.get(&path).await, 200), json!({"clients": []}));
    let on = |client: &str| json!({"client_id": client, "status": true});
    let off = |client: &str| json!({"client_id": client, "status": false});
    for (changes, wanted) in [
        (json!([on("cli_b")]), vec!["cli_b"]),
        (json!([on("cli_a"), on("cli_b"), on("cli_c")]), vec!["cli_b", "cli_a", "cli_c"]),
        (json!([off("cli_b"), off("cli_b")]), vec!["cli_a", "cli_c"]),
        (json!([on("cli_b"), off("cli_c")]), vec!["cli_a", "cli_b"]),
    ] {
        let answer = admin.patch(&format!("/api/v2/connections/{id}/clients"), changes).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0), "{answer}");
        assert_eq!(enabled(&world, &id).await, wanted);
    }
    // All or nothing.
    for unknown in ["cli_z", "", &global(&world).await] {
        let answer = admin.patch(&path, json!([on("cli_c"), off("cli_a"), on(unknown)])).await;
        assert!(said(&answer).starts_with("400 invalid_body: Payload validation error: '"), "{answer}");
        assert_eq!(enabled(&world, &id).await, ["cli_a", "cli_b"]);
    }
    for (body, wanted) in [
        (json!([]), "Array is too short (0), minimum 1'."),
        (json!({}), "Expected type array but found type object'."),
        (vec![on("cli_a"); 51].into(), "Array is too long (51), maximum 50'."),
        (json!([{"client_id": "cli_a"}]), "Missing required property: status' on property [0]."),
        (
            json!([{"client_id": "cli_a", "status": true, "x": 1}]),
            "Additional properties not allowed: x' on property [0].",
        ),
    ] {
        let answer = admin.patch(&path, body).await;
        assert_eq!(said(&answer), format!("400 invalid_body: Payload validation error: '{wanted}"));
    }
    let of_client = good(&admin.get("/api/v2/clients/cli_a/connections").await, 200);
    assert_eq!(of_client, json!({"connections": [good(&admin.get(&format!("/api/v2/connections/{id}")).await, 200)]}));
    assert_eq!(good(&admin.get("/api/v2/clients/cli_c/connections").await, 200), json!({"connections": []}));
    let nobody = admin.get("/api/v2/clients/cli_z/connections").await;
    assert_eq!(said(&nobody), "404 inexistent_client: The client does not exist");
    drop(world.logs().await);
}

#[tokio::test]
async fn the_older_member_replaces_the_set() {
    let world = World::new().await;
    let admin = admin(&world);
    let id = id_of(&world, "sms").await;
    let path = format!("/api/v2/connections/{id}");
    for (patch, wanted) in [
        (json!({"enabled_clients": [WEB.0]}), vec![WEB.0]),
        (json!({"enabled_clients": null}), vec![WEB.0]),
        (json!({"display_name": "x"}), vec![WEB.0]),
        (json!({"enabled_clients": [WEB.0, NATIVE]}), vec![WEB.0, NATIVE]),
        (json!({"enabled_clients": []}), vec![]),
        (json!({"enabled_clients": [NATIVE]}), vec![NATIVE]),
    ] {
        good(&admin.patch(&path, patch).await, 200);
        assert_eq!(enabled(&world, &id).await, wanted);
    }
    let wanted = "400 invalid_body: Payload validation error: 'The client does not exist: cli_z' on property \
                  enabled_clients[1].";
    let list = json!([NATIVE, "cli_z"]);
    assert_eq!(said(&admin.patch(&path, json!({"enabled_clients": list, "display_name": "y"})).await), wanted);
    let body = json!({"name": "more", "strategy": "sms", "enabled_clients": list});
    assert_eq!(said(&admin.post("/api/v2/connections", body).await), wanted);
    let body = json!({"name": "more", "strategy": "sms", "enabled_clients": [global(&world).await]});
    assert!(said(&admin.post("/api/v2/connections", body).await).starts_with("400 invalid_body: "));
    assert_eq!(good(&admin.get("/api/v2/connections?name=more").await, 200), json!([]));
    assert_eq!(enabled(&world, &id).await, [NATIVE]);
    let body = json!({"name": "more", "strategy": "sms", "enabled_clients": [WEB.0, NATIVE]});
    let made = good(&admin.post("/api/v2/connections", body).await, 201);
    assert_eq!(made["enabled_clients"], json!([WEB.0, NATIVE]));
    // A client that goes takes its links along.
    good(&admin.delete(&format!("/api/v2/clients/{NATIVE}")).await, 204);
    assert_eq!(enabled(&world, made["id"].as_str().unwrap()).await, [WEB.0]);
    assert!(enabled(&world, &id).await.is_empty());
    drop(world.logs().await);
}

async fn global(world: &World) -> String {
    let list = good(&admin(world).get("/api/v2/clients?is_global=true").await, 200);
    list[0]["client_id"].as_str().unwrap().to_owned()
}
