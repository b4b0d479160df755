//! What a call to `/mfa/associate` may leave out (C1785).

use serde_json::{Value, json};

use crate::world::{DATABASE, REALM, WEB, World};

fn application() -> Value {
    json!({"authenticator_types": ["otp"]})
}

/// The `mfa_token` that Ann's password gets the confidential client.
async fn token_of_web(world: &World) -> String {
    let grants: Vec<&str> = ringpass_core::model::mfa::GRANTS.into_iter().chain([REALM]).collect();
    world.client(WEB.0, json!({"grant_types": grants})).await;
    world.enable(DATABASE, &[WEB.0]).await;
    let token = world.web().mfa_token().await;
    drop(world.logs().await);
    token
}

#[tokio::test]
async fn the_mfa_token_of_a_confidential_client_enrols_without_its_secret_but_never_with_a_wrong_one() {
    let world = World::with_factors(&["otp"]).await;
    let token = token_of_web(&world).await;
    let unauthorized = r#"401 {"error":"access_denied","error_description":"Unauthorized"}"#;
    let bearer = world.nobody().bearer(&token);
    for (id, secret) in [(WEB.0, Some("wrong")), (WEB.0, None), ("unknown", None)] {
        let caller = bearer.clone().member("client_id", id);
        let caller = secret.map_or(caller.clone(), |secret| caller.member("client_secret", secret));
        assert_eq!(caller.post("/mfa/associate", application()).await.line(), unauthorized, "{id} {secret:?}");
    }
    let alone = bearer.clone().member("client_secret", "wrong").post("/mfa/associate", application()).await;
    assert_eq!(alone.line(), unauthorized);
    let foreign = world.anon().bearer(&token).post("/mfa/associate", application()).await;
    let not_theirs = r#"400 {"error":"invalid_request","error_description":"mfa_token not issued to this client"}"#;
    assert_eq!(foreign.line(), not_theirs);

    assert_eq!(bearer.post("/mfa/associate", application()).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["gd_start_enroll"]);
}

#[tokio::test]
async fn an_address_that_is_left_out_is_the_users_own() {
    let world = World::with_factors(&["otp", "email"]).await;
    let token = world.anon().mfa_token().await;
    let body = json!({"authenticator_types": ["oob"], "oob_channels": ["email"]});
    let answer = world.nobody().bearer(&token).post("/mfa/associate", body).await;
    // It is verified, which is as good as enrolled (C1774).
    assert_eq!(answer.line(), r#"403 {"error":"access_denied","error_description":"User is already enrolled."}"#);
    drop(world.logs().await);
}

#[tokio::test]
async fn what_may_be_proven_is_told_once_and_in_the_same_order_whatever_the_ids_are() {
    let world = World::with_factors(&["otp", "email", "recovery-code"]).await;
    let token = world.anon().mfa_token().await;
    let made = world.anon().bearer(&token).post("/mfa/associate", application()).await;
    let api = world.api("update:users create:authentication_methods read:authentication_methods");
    let path = "/api/v2/users/auth0%7Cann/authentication-methods";
    for secret in ["JBSWY3DPEHPK3PXPJBSWY3DP", "GEZDGNBVGY3TQOJQGEZDGNBV"] {
        let method = json!({"type": "totp", "totp_secret": secret, "name": secret});
        assert_eq!(api.post(path, method).await.status, 201);
    }
    assert_eq!(made.status, 200, "{made}");
    let listed = world.anon().bearer(&token).get("/mfa/authenticators").await.json();
    let kinds: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["otp", "otp", "otp", "recovery-code", "email"]);
    let wanted = world.anon().password(json!({})).await.json();
    assert_eq!(wanted["mfa_requirements"], json!({"challenge": [{"type": "otp"}, {"type": "email"}]}));
    drop(world.logs().await);
}
