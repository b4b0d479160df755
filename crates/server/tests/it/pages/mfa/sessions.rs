//! What a proven second factor is worth later: ID tokens, sessions, refresh tokens, tokens for the MFA API (C1805-C1809).

use serde_json::{Value, json};

use super::{browser, first, give_application, shown, world};
use crate::pages::{authorize, exchange};
use crate::world::{Answer, Browser, ISSUER, World};

const MULTI_FACTOR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

/// Ann with an application, signed in with both factors; the answer that leads back.
async fn signed_in(world: &World, browser: &Browser<'_>) -> Answer {
    give_application(world).await;
    let page = first(browser, &[("scope", "openid offline_access")]).await;
    let answer = browser.submit(&page, &[("code", &shown(world, super::SECRET))]).await;
    drop(world.logs().await);
    answer
}

async fn id_token(world: &World, answer: &Answer) -> Value {
    let tokens = exchange(world, &answer.sent("code").unwrap(), json!({})).await;
    assert_eq!(tokens.status, 200, "{tokens}");
    world.read_token(&tokens.text("id_token"), "")["claims"].clone()
}

#[tokio::test]
async fn id_tokens_tell_of_a_second_factor_that_was_proven_just_now() {
    let world = world(&["otp"]).await;
    let browser = browser(&world, "203.0.113.9");
    let answer = signed_in(&world, &browser).await;
    let tokens = exchange(&world, &answer.sent("code").unwrap(), json!({})).await;
    let claims = world.read_token(&tokens.text("id_token"), "")["claims"].clone();
    assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["mfa"]), &json!(MULTI_FACTOR)));
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    let again = world.anon().post("/oauth/token", refresh).await;
    assert_eq!(again.status, 200, "it met the policy: {again}");
    assert!(world.read_token(&again.text("id_token"), "")["claims"].get("amr").is_none());
    // The session answers at once, and says nothing of it.
    let answer = browser.get(&authorize(&[("prompt", "none")])).await;
    assert!(id_token(&world, &answer).await.get("amr").is_none());
    // Who asks for one gets one.
    let page = browser.open(&authorize(&[("acr_values", MULTI_FACTOR)])).await;
    assert_eq!(super::place(&page), "/u/mfa-otp-challenge");
    let answer = browser.submit(&page, &[("code", &shown(&world, super::SECRET))]).await;
    assert_eq!(id_token(&world, &answer).await["amr"], json!(["mfa"]));
    drop(world.logs().await);
}

#[tokio::test]
async fn a_session_is_no_proof_for_who_manages_authenticators() {
    let world = world(&["otp"]).await;
    let browser = browser(&world, "203.0.113.9");
    signed_in(&world, &browser).await;
    let audience = format!("{ISSUER}mfa/");
    let wanted = [("audience", audience.as_str()), ("scope", "openid enroll remove:authenticators")];
    let silent = browser.get(&authorize(&[wanted[0], wanted[1], ("prompt", "none")])).await;
    assert_eq!(silent.sent("error_description").as_deref(), Some("Multifactor authentication required"));
    let page = browser.open(&authorize(&wanted)).await;
    assert_eq!(super::place(&page), "/u/mfa-otp-challenge");
    let answer = browser.submit(&page, &[("code", &shown(&world, super::SECRET))]).await;
    let tokens = exchange(&world, &answer.sent("code").unwrap(), json!({})).await;
    let listed = world.nobody().bearer(&tokens.text("access_token")).get("/mfa/authenticators").await;
    assert_eq!(listed.status, 403, "no scope for it: {listed}");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_password_that_was_changed_ends_the_sign_in_it_began() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let browser = browser(&world, "203.0.113.9");
    let page = first(&browser, &[]).await;
    world.clock.advance(1_000);
    let password = json!({"password": "Another long passphrase", "connection": crate::world::DATABASE});
    assert_eq!(world.api("update:users").patch("/api/v2/users/auth0%7Cann", password).await.status, 200);
    let page = browser.submit(&page, &[("code", &shown(&world, super::SECRET))]).await;
    assert_eq!(super::place(&page), "/u/login/identifier", "{page}");
    drop(world.logs().await);
}
