//! Roles, permissions, and what they do to tokens (C1190-C1199).

use std::fmt::Write as _;

use expect_test::expect;
use serde_json::{Value, json};

use super::{admin, good, said};
use crate::world::{API, Caller, PHONE, World};

fn path(id: &str) -> String {
    format!("/api/v2/users/{}", id.replace('|', "%7C"))
}

fn permissions(names: &[&str]) -> Value {
    let one = |name: &&str| json!({"resource_server_identifier": API, "permission_name": name});
    json!({"permissions": names.iter().map(one).collect::<Vec<_>>()})
}

async fn new_role(caller: &Caller<'_>, name: &str) -> String {
    good(&caller.post("/api/v2/roles", json!({"name": name})).await, 200)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let world = World::new().await;
    let admin = admin(&world);
    let made = good(&admin.post("/api/v2/roles", json!({"name": "Editor", "description": "Edits"})).await, 200);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("rol_") && id.len() == 20, "{id}");
    assert_eq!(made, json!({"id": id, "name": "Editor", "description": "Edits", "type": "tenant"}));
    let role = format!("/api/v2/roles/{id}");
    assert_eq!(good(&admin.get(&format!("/api/v2/roles/{id}")).await, 200), made);
    let other = new_role(&admin, "Reader").await;
    let mut lines = String::new();
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "Editor"}),
        json!({"name": "x", "type": "organization"}),
        json!({"name": "x", "color": "red"}),
    ] {
        writeln!(lines, "{}", said(&admin.post("/api/v2/roles", body).await)).unwrap();
    }
    for body in [json!({"name": "Reader"}), json!({"name": null}), json!({"type": "tenant"})] {
        writeln!(lines, "{}", said(&admin.patch(&format!("/api/v2/roles/{id}"), body).await)).unwrap();
    }
    expect![[r#"
        400 invalid_body: Payload validation error: 'Missing required property: name'.
        400 invalid_body: Payload validation error: 'String is too short (0 chars), minimum 1' on property name (Name of the role).
        409 role_conflict: A role with the same name already exists.
        400 invalid_body: Payload validation error: 'No enum match for: organization' on property type (Kind of the role).
        400 invalid_body: Payload validation error: 'Additional properties not allowed: color'.
        409 role_conflict: A role with the same name already exists.
        400 invalid_body: Payload validation error: 'Expected type string but found type null' on property name (Name of the role).
        400 invalid_body: Payload validation error: 'Additional properties not allowed: type'.
    "#]].assert_eq(&lines);
    let changed = good(&admin.patch(&role, json!({"name": "Writer", "description": null})).await, 200);
    assert_eq!(changed, json!({"id": id, "name": "Writer", "type": "tenant"}));
    let names = async |query: &str| {
        let all = good(&admin.get(&format!("/api/v2/roles?{query}")).await, 200);
        all.as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut all = names("").await;
    all.sort();
    assert_eq!(all, ["Reader", "Writer"]);
    assert_eq!(names("name_filter=wRI").await, ["Writer"]);
    assert!(names("type=organization").await.is_empty());
    assert_eq!(names("type=tenant&page=1&per_page=1").await.len(), 1);
    let page = good(&admin.get("/api/v2/roles?include_totals=true&per_page=1&page=9").await, 200);
    assert_eq!(page, json!({"start": 9, "limit": 1, "total": 2, "roles": []}));
    assert_eq!(good(&admin.delete(&format!("/api/v2/roles/{id}")).await, 200), json!({}));
    for answer in [admin.get(&role).await, admin.patch(&role, json!({})).await, admin.delete(&role).await] {
        assert_eq!(said(&answer), "404 inexistent_role: The role does not exist");
    }
    assert_eq!(good(&admin.delete(&format!("/api/v2/roles/{other}")).await, 200), json!({}));
    drop(world.logs().await);
}

#[tokio::test]
async fn permissions_name_scopes_that_exist() {
    let world = World::new().await;
    let admin = admin(&world);
    let id = new_role(&admin, "Editor").await;
    let (role, user) = (format!("/api/v2/roles/{id}/permissions"), world.new_user(PHONE).await);
    let own = format!("/api/v2/users/{}/permissions", user.replace('|', "%7C"));
    let mut lines = String::new();
    for body in [
        json!({"permissions": []}),
        json!({"permissions": [{"permission_name": "read:messages"}]}),
        json!({"permissions": [{"resource_server_identifier": "urn:nowhere", "permission_name": "read:messages"}]}),
        permissions(&["read:messages", "read:nothing"]),
    ] {
        writeln!(lines, "{}", said(&admin.post(&role, body.clone()).await)).unwrap();
        writeln!(lines, "{}", said(&admin.post(&own, body).await)).unwrap();
    }
    expect![[r#"
        400 invalid_body: Payload validation error: 'Array is too short (0), minimum 1' on property permissions (Scopes of APIs).
        400 invalid_body: Payload validation error: 'Array is too short (0), minimum 1' on property permissions (Scopes of APIs).
        400 invalid_body: Payload validation error: 'Missing required property: resource_server_identifier' on property permissions[0].
        400 invalid_body: Payload validation error: 'Missing required property: resource_server_identifier' on property permissions[0].
        400 invalid_body: Payload validation error: 'The resource server does not exist: urn:nowhere' on property permissions[0].resource_server_identifier.
        400 invalid_body: Payload validation error: 'The resource server does not exist: urn:nowhere' on property permissions[0].resource_server_identifier.
        400 invalid_body: Payload validation error: 'The resource server has no such scope: read:nothing' on property permissions[1].permission_name.
        400 invalid_body: Payload validation error: 'The resource server has no such scope: read:nothing' on property permissions[1].permission_name.
    "#]].assert_eq(&lines);
    assert_eq!(good(&admin.get(&format!("/api/v2/roles/{id}/permissions")).await, 200), json!([]), "all or none");
    let both = permissions(&["write:messages", "read:messages"]);
    assert_eq!(good(&admin.post(&format!("/api/v2/roles/{id}/permissions"), both.clone()).await, 201), json!({}));
    assert_eq!(good(&admin.post(&role, both).await, 201), json!({}), "the same again");
    let listed = good(&admin.get(&format!("{role}?include_totals=true")).await, 200);
    assert_eq!(
        listed,
        json!({"start": 0, "limit": 50, "total": 2, "permissions": [
            {"permission_name": "read:messages", "description": "Read", "resource_server_name": "Example API",
                "resource_server_identifier": API},
            {"permission_name": "write:messages", "description": "Write", "resource_server_name": "Example API",
                "resource_server_identifier": API}]})
    );
    good(&admin.delete_with(&format!("/api/v2/roles/{id}/permissions"), permissions(&["write:messages"])).await, 204);
    assert_eq!(good(&admin.get(&role).await, 200).as_array().unwrap().len(), 1);
    // A user's own, and those of its roles, each once.
    good(&admin.post(&format!("/api/v2/users/{user}/roles"), json!({"roles": [id]})).await, 204);
    let body = permissions(&["read:messages", "write:messages"]);
    assert_eq!(good(&admin.post(&format!("/api/v2/users/{user}/permissions"), body).await, 201), json!({}));
    let listed = good(&admin.get(&format!("/api/v2/users/{user}/permissions")).await, 200);
    let direct = json!({"source_id": "", "source_name": "", "source_type": "DIRECT"});
    let through = json!({"source_id": id, "source_name": "Editor", "source_type": "ROLE"});
    assert_eq!(
        (&listed[0]["permission_name"], &listed[0]["sources"]),
        (&json!("read:messages"), &json!([direct, through]))
    );
    assert_eq!((&listed[1]["permission_name"], &listed[1]["sources"]), (&json!("write:messages"), &json!([direct])));
    let effective = good(&admin.get(&format!("/api/v2/users/{user}/effective-permissions")).await, 200);
    assert_eq!(effective, json!({"permissions": listed}));
    let gone = permissions(&["read:messages"]);
    good(&admin.delete_with(&format!("/api/v2/users/{user}/permissions"), gone).await, 204);
    let listed = good(&admin.get(&own).await, 200);
    assert_eq!(listed[0]["sources"], json!([through]), "what comes through a role stays");
    // A scope that its API loses is lost to everybody, for good.
    let api = good(&admin.get("/api/v2/resource-servers/https%3A%2F%2Fapi.example%2F").await, 200);
    let to_api = format!("/api/v2/resource-servers/{}", api["id"].as_str().unwrap());
    good(&admin.patch(&to_api, json!({"scopes": [{"value": "write:messages"}]})).await, 200);
    good(&admin.patch(&to_api, json!({"scopes": api["scopes"]})).await, 200);
    assert_eq!(good(&admin.get(&role).await, 200), json!([]));
    assert_eq!(good(&admin.get(&own).await, 200)[0]["permission_name"], "write:messages");
    good(&admin.delete(&to_api).await, 204);
    assert_eq!(good(&admin.get(&own).await, 200), json!([]));
    drop(world.logs().await);
}

#[tokio::test]
async fn roles_have_users_and_users_have_roles() {
    let world = World::new().await;
    let admin = admin(&world);
    let (one, two) = (new_role(&admin, "One").await, new_role(&admin, "Two").await);
    let mut users = Vec::new();
    for last in 0..5 {
        users.push(world.new_user(&format!("+491511234560{last}")).await);
    }
    users.sort();
    assert_eq!(good(&admin.post(&format!("/api/v2/roles/{one}/users"), json!({"users": users})).await, 200), json!({}));
    let to_role = format!("/api/v2/roles/{one}/users");
    let lost = admin.post(&to_role, json!({"users": [users[0], "sms|nobody"]})).await;
    assert_eq!(said(&lost), "404 inexistent_user: The user does not exist.");
    let page = good(&admin.get(&format!("/api/v2/roles/{one}/users?include_totals=true&per_page=2")).await, 200);
    assert_eq!((&page["total"], page["users"].as_array().unwrap().len()), (&json!(5), 2));
    assert_eq!(page["users"][0]["name"], "+4915112345600".replace("600", &users_name(&world, &users[0]).await));
    // Checkpoints reach every user once.
    let (mut seen, mut from) = (Vec::new(), String::new());
    loop {
        let page = good(&admin.get(&format!("{to_role}?take=2{from}")).await, 200);
        seen.extend(page["users"].as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap().to_owned()));
        match page.get("next") {
            Some(next) => from = format!("&from={}", next.as_str().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen, users);
    let of_user = format!("{}/roles", path(&users[0]));
    let lost = admin.post(&of_user, json!({"roles": [two, "rol_0000000000000000"]})).await;
    assert_eq!(said(&lost), "404 inexistent_role: The role does not exist");
    good(&admin.post(&of_user, json!({"roles": [two, one]})).await, 204);
    let listed = good(&admin.get(&format!("/api/v2/users/{}/roles?include_totals=true", users[0])).await, 200);
    assert_eq!((&listed["total"], listed["roles"].as_array().unwrap().len()), (&json!(2), 2));
    assert!(listed["roles"].as_array().unwrap().contains(&json!({"id": two, "name": "Two"})));
    let effective = good(&admin.get(&format!("/api/v2/users/{}/effective-roles", users[0])).await, 200);
    assert_eq!(effective["roles"].as_array().unwrap().len(), 2);
    good(&admin.delete_with(&format!("/api/v2/users/{}/roles", users[0]), json!({"roles": [two]})).await, 204);
    assert_eq!(good(&admin.get(&of_user).await, 200), json!([{"id": one, "name": "One"}]));
    // Who is deleted or linked away loses them, and does not find them again.
    good(&admin.delete(&path(&users[0])).await, 204);
    let again =
        json!({"connection": "sms", "phone_number": "+4915112345699", "user_id": users[0].split_once('|').unwrap().1});
    good(&admin.post("/api/v2/users", again).await, 201);
    assert_eq!(good(&admin.get(&of_user).await, 200), json!([]));
    let (provider, id) = users[1].split_once('|').unwrap();
    let linked = json!({"provider": provider, "user_id": id});
    good(&admin.post(&format!("{}/identities", path(&users[2])), linked).await, 201);
    let left = good(&admin.get(&format!("{to_role}?include_totals=true")).await, 200);
    assert_eq!(left["total"], 3);
    for (name, answer) in [
        ("organizations", admin.get(&format!("/api/v2/users/{}/organizations?take=5", users[2])).await),
        ("groups", admin.get(&format!("/api/v2/users/{}/groups", users[2])).await),
        ("connected_accounts", admin.get(&format!("/api/v2/users/{}/connected-accounts", users[2])).await),
    ] {
        assert_eq!(good(&answer, 200), json!({name: []}));
    }
    good(&admin.post(&format!("/api/v2/users/{}/risk-assessments/clear", users[2]), json!({})).await, 204);
    for tail in ["roles", "permissions", "organizations", "groups", "connected-accounts", "effective-roles"] {
        let answer = admin.get(&format!("/api/v2/users/sms%7Cnobody/{tail}")).await;
        assert_eq!(said(&answer), "404 inexistent_user: The user does not exist.", "{tail}");
    }
    drop(world.logs().await);
}

/// The last three digits of a user's number.
async fn users_name(world: &World, id: &str) -> String {
    let user = good(&admin(world).get(&format!("/api/v2/users/{id}")).await, 200);
    user["phone_number"].as_str().unwrap()[11..].to_owned()
}

#[tokio::test]
async fn an_api_that_enforces_policies_gives_what_the_user_has_permissions_for() {
    let world = World::new().await;
    let admin = admin(&world);
    world.change_api(json!({"enforce_policies": true, "token_dialect": "access_token_authz"})).await;
    let user = world.new_user(PHONE).await;
    let ask = json!({"audience": API, "scope": "write:messages openid offline_access read:messages admin:all"});
    let claims = |token: &str| {
        let claims = world.read_token(token, "")["claims"].clone();
        (claims["scope"].clone(), claims["permissions"].clone())
    };
    let nothing = world.anon().sign_in(PHONE, ask.clone()).await;
    assert_eq!(claims(&nothing.text("access_token")), (json!("openid offline_access"), json!([])));
    let role = new_role(&admin, "Editor").await;
    good(&admin.post(&format!("/api/v2/roles/{role}/permissions"), permissions(&["write:messages"])).await, 201);
    good(&admin.post(&format!("{}/roles", path(&user)), json!({"roles": [role]})).await, 204);
    drop(world.logs().await);
    let through = world.anon().sign_in(PHONE, ask.clone()).await;
    assert_eq!(through.text("scope"), "write:messages openid offline_access");
    assert_eq!(
        claims(&through.text("access_token")),
        (json!("write:messages openid offline_access"), json!(["write:messages"]))
    );
    // What was not asked for is no scope, but it is a permission.
    good(&admin.post(&format!("{}/permissions", path(&user)), permissions(&["read:messages"])).await, 201);
    drop(world.logs().await);
    let fewer = world.anon().sign_in(PHONE, json!({"audience": API, "scope": "read:messages"})).await;
    assert_eq!(
        claims(&fewer.text("access_token")),
        (json!("read:messages"), json!(["read:messages", "write:messages"]))
    );
    // The permissions of now decide at every refresh; a scope that comes back was granted once.
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": through.text("refresh_token")});
    let again = async || {
        let answer = world.anon().post("/oauth/token", refresh.clone()).await;
        assert_eq!(answer.status, 200, "{answer}");
        claims(&answer.text("access_token"))
    };
    let all = json!(["read:messages", "write:messages"]);
    assert_eq!(again().await, (json!("write:messages openid offline_access"), all));
    good(&admin.delete(&format!("/api/v2/roles/{role}")).await, 200);
    assert_eq!(again().await, (json!("openid offline_access"), json!(["read:messages"])));
    // Other dialects do not tell, and a machine's permissions are its scopes.
    world.change_api(json!({"token_dialect": "rfc9068_profile"})).await;
    assert_eq!(again().await, (json!("openid offline_access"), Value::Null));
    world.change_api(json!({"token_dialect": "rfc9068_profile_authz"})).await;
    let machine = json!({"grant_type": "client_credentials", "audience": API, "scope": "read:messages"});
    let machine = world.web().post("/oauth/token", machine).await;
    assert_eq!(claims(&machine.text("access_token")), (json!("read:messages"), json!(["read:messages"])));
    drop(world.logs().await);
}
