//! What users let clients do while they are away (C1086, C1087).

use serde_json::{Value, json};

use super::refresh_tokens::{lives, sign_in, user_id};
use super::{admin, good, said};
use crate::world::{API, NATIVE, PHONE, WEB, World};

const GRANTS: &str = "/api/v2/grants";
const USERINFO: &str = "https://tenant.example/userinfo";

async fn list(world: &World, query: &str) -> Vec<Value> {
    let list = good(&admin(world).get(&format!("/api/v2/grants?{query}")).await, 200);
    list.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_grant_comes_with_a_refresh_token_and_gathers_what_was_granted() {
    let world = World::new().await;
    world.anon().sign_in(PHONE, json!({"scope": "openid", "audience": API})).await;
    assert!(list(&world, "").await.is_empty());
    sign_in(&world.anon(), PHONE, json!({"audience": API, "scope": "offline_access read:messages"})).await;
    sign_in(&world.anon(), PHONE, json!({"audience": API, "scope": "openid offline_access"})).await;
    sign_in(&world.web(), PHONE, json!({})).await;
    sign_in(&world.anon(), "+15550002222", json!({})).await;
    let (user, all) = (user_id(&world, PHONE).await, list(&world, "").await);
    assert_eq!(all.len(), 3);
    let mine = list(&world, &format!("user_id={user}")).await;
    assert_eq!(
        mine,
        [
            json!({"id": mine[0]["id"], "clientID": NATIVE, "user_id": user, "audience": API,
                "scope": ["offline_access", "read:messages", "openid"]}),
            json!({"id": mine[1]["id"], "clientID": WEB.0, "user_id": user, "audience": USERINFO,
                "scope": ["openid", "offline_access"]}),
        ]
    );
    assert_eq!(mine[0]["id"].as_str().unwrap().len(), 24);
    assert_eq!(list(&world, &format!("audience={USERINFO}")).await.len(), 2);
    assert_eq!(list(&world, &format!("audience={API}&client_id={NATIVE}")).await, [mine[0].clone()]);
    assert_eq!(list(&world, "audience=https://no.example/").await, Vec::<Value>::new());
    let totals = good(&admin(&world).get(&format!("{GRANTS}?per_page=2&page=1&include_totals=true")).await, 200);
    assert_eq!(totals, json!({"start": 2, "limit": 2, "total": 3, "grants": [all[2]]}));
}

#[tokio::test]
async fn a_deleted_grant_revokes_its_refresh_tokens() {
    let world = World::new().await;
    let admin = admin(&world);
    let one = sign_in(&world.anon(), PHONE, json!({"audience": API})).await;
    let plain = sign_in(&world.anon(), PHONE, json!({})).await;
    let web = sign_in(&world.web(), PHONE, json!({})).await;
    let other = sign_in(&world.anon(), "+15550002222", json!({})).await;
    let user = user_id(&world, PHONE).await;
    let id = list(&world, &format!("audience={API}")).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.delete(&format!("/api/v2/grants/{id}")).await.line(), "204 ");
    assert_eq!(world.logs().await.lines(), ["sapi: Delete a grant"]);
    assert!(!lives(&world.anon(), &one).await && lives(&world.anon(), &plain).await && lives(&world.web(), &web).await);
    let again = admin.delete(&format!("/api/v2/grants/{id}")).await;
    assert_eq!(said(&again), "404 inexistent_grant: The grant does not exist");
    assert_eq!(
        said(&admin.delete(GRANTS).await),
        "400 invalid_query_string: Query validation error: 'Missing required property: user_id'."
    );
    assert_eq!(admin.delete(&format!("{GRANTS}?user_id={user}")).await.line(), "204 ");
    assert!(!lives(&world.anon(), &plain).await && !lives(&world.web(), &web).await);
    assert!(lives(&world.anon(), &other).await);
    assert_eq!(list(&world, "").await.len(), 1);
    drop(world.logs().await);
}
