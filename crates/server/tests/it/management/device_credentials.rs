//! Refresh tokens as credentials of devices (C1088).

use ringpass_core::kit::jwt::Alg;
use serde_json::{Value, json};

use super::refresh_tokens::{ids, lives, of, sign_in, user_id};
use super::{admin, good, said};
use crate::world::{ADMIN, ISSUER, MANAGEMENT, NATIVE, PHONE, WEB, World};

#[tokio::test]
async fn devices_are_listed_filtered_and_deleted() {
    let world = World::new().await;
    let admin = admin(&world);
    let policy = json!({"rotation_type": "rotating", "expiration_type": "expiring"});
    world.client(WEB.0, json!({"refresh_token": policy})).await;
    let native = sign_in(&world.anon().header("user-agent", "Phone/1"), PHONE, json!({})).await;
    sign_in(&world.web(), PHONE, json!({})).await;
    sign_in(&world.anon(), "+15550002222", json!({})).await;
    let user = user_id(&world, PHONE).await;
    let list = |query: String| {
        let admin = admin.clone();
        async move { good(&admin.get(&format!("/api/v2/device-credentials?{query}")).await, 200) }
    };
    let mine = list(format!("user_id={user}&client_id={NATIVE}")).await;
    let shown = json!({"id": mine[0]["id"], "device_name": "Phone/1", "type": "refresh_token", "user_id": user,
        "client_id": NATIVE});
    assert_eq!(mine, json!([shown]));
    for (query, count) in [
        ("", 3),
        ("type=refresh_token", 2),
        ("type=rotating_refresh_token", 1),
        ("type=public_key", 0),
        ("per_page=2&page=1", 1),
        ("user_id=nobody", 0),
    ] {
        assert_eq!(ids(&list(query.to_owned()).await).len(), count, "{query}");
    }
    let totals = list("include_totals=true&per_page=1&fields=type&type=rotating_refresh_token".into()).await;
    let rotating = json!([{"type": "rotating_refresh_token"}]);
    assert_eq!(totals, json!({"start": 0, "limit": 1, "total": 1, "device_credentials": rotating}));
    assert_eq!(
        said(&admin.get("/api/v2/device-credentials?type=x").await),
        "400 invalid_query_string: Query validation error: 'No enum match for: x' on property type (Type of credential)."
    );
    let id = mine[0]["id"].as_str().unwrap();
    assert_eq!(admin.delete(&format!("/api/v2/device-credentials/{id}")).await.line(), "204 ");
    assert_eq!(world.logs().await.lines(), ["sapi: Delete a device credential"]);
    assert!(!lives(&world.anon(), &native).await);
    let again = admin.delete(&format!("/api/v2/device-credentials/{id}")).await;
    assert_eq!(said(&again), "404 inexistent_device_credential: The device credential does not exist");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_users_own_scope_reaches_that_users_devices_only() {
    let world = World::new().await;
    let (mine, theirs) =
        (sign_in(&world.anon(), PHONE, json!({})).await, sign_in(&world.anon(), "+15550002222", json!({})).await);
    let now = world.clock.now() / 1_000;
    let claims = json!({"iss": ISSUER, "sub": user_id(&world, PHONE).await, "aud": MANAGEMENT, "iat": now,
        "exp": now + 60, "scope": "delete:current_user_device_credentials", "azp": ADMIN.0});
    let token = world.app.snapshot().keys.current.sign(Alg::Rs256, "JWT", &claims).unwrap();
    let caller = world.nobody().bearer(&token);
    let id = |list: Vec<Value>| list[0]["id"].as_str().unwrap().to_owned();
    let (own, other) = (id(of(&world, PHONE).await), id(of(&world, "+15550002222").await));
    assert_eq!(caller.delete(&format!("/api/v2/device-credentials/{other}")).await.status, 404);
    assert_eq!(caller.delete(&format!("/api/v2/device-credentials/{own}")).await.line(), "204 ");
    assert!(!lives(&world.anon(), &mine).await && lives(&world.anon(), &theirs).await);
    drop(world.logs().await);
}
