//! Ways around the second factor, for somebody who knows the password: none of them leads anywhere.

use ringpass_core::kit::clock::{MINUTE, SECOND};
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp;
use ringpass_core::model::mfa::{OTP, RECOVERY_CODE};
use serde_json::{Value, json};

use crate::world::{Answer, ISSUER, World};

fn shown(world: &World, secret: &str) -> String {
    totp::now(&Secret::new(secret), world.clock.now()).unwrap()
}

async fn associate(world: &World, token: &str) -> Answer {
    world.anon().bearer(token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await
}

async fn grant(world: &World, grant: &str, token: &str, more: Value) -> Answer {
    let mut body = json!({"grant_type": grant, "mfa_token": token});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.anon().post("/oauth/token", body).await
}

/// The owner enrols an application; what the answer to the enrolment said.
async fn owner_enrols(world: &World) -> Answer {
    let token = world.anon().mfa_token().await;
    let answer = associate(world, &token).await;
    let proven = grant(world, OTP, &token, json!({"otp": shown(world, &answer.text("secret"))})).await;
    assert_eq!(proven.status, 200, "{proven}");
    world.clock.advance(30 * SECOND);
    answer
}

async fn token_for_the_mfa_api(world: &World) -> Answer {
    let audience = format!("{ISSUER}mfa/");
    world.anon().password(json!({"audience": audience, "scope": "enroll remove:authenticators"})).await
}

#[tokio::test]
async fn a_recovery_code_that_came_with_another_enrolment_is_void() {
    let world = World::with_factors(&["otp", "recovery-code"]).await;
    let token = world.anon().mfa_token().await;
    let theirs = associate(&world, &token).await.json()["recovery_codes"][0].clone();
    let own = owner_enrols(&world).await.json()["recovery_codes"][0].clone();
    let token = world.anon().mfa_token().await;
    let answer = grant(&world, RECOVERY_CODE, &token, json!({"recovery_code": theirs})).await;
    assert_eq!(answer.text("error_description"), "Invalid recovery_code.");
    assert_eq!(grant(&world, RECOVERY_CODE, &token, json!({"recovery_code": own})).await.status, 200);
    drop(world.logs().await);
}

#[tokio::test]
async fn an_access_token_from_before_the_enrolment_neither_adds_nor_removes() {
    let world = World::with_factors(&["otp"]).await;
    // Nothing is enrolled, so the password alone gives it.
    let token = token_for_the_mfa_api(&world).await.text("access_token");
    let planted = associate(&world, &token).await.text("secret");
    world.clock.advance(2 * SECOND);
    owner_enrols(&world).await;
    let refused = r#"403 {"error":"access_denied","error_description":"User is already enrolled."}"#;
    assert_eq!(associate(&world, &token).await.line(), refused);
    let answer = grant(&world, OTP, &token, json!({"otp": shown(&world, &planted)})).await;
    assert!(answer.status.is_client_error(), "{answer}");
    let listed = world.anon().bearer(&world.anon().mfa_token().await).get("/mfa/authenticators").await;
    let id = listed.json()[0]["id"].as_str().unwrap().replace('|', "%7C");
    let gone = world.nobody().bearer(&token).delete(&format!("/mfa/authenticators/{id}")).await;
    assert_eq!(gone.status, 401, "{gone}");
    drop(world.logs().await);
}

#[tokio::test]
async fn an_address_or_a_recovery_code_does_not_count_alone() {
    let world = World::with_factors(&["otp", "email", "recovery-code"]).await;
    let token = world.anon().mfa_token().await;
    let body = json!({"authenticator_types": ["oob"], "oob_channels": ["email"], "email": "mallory@example.org"});
    let answer = world.anon().bearer(&token).post("/mfa/associate", body).await;
    assert_eq!(answer.text("error_description"), "Unsupported authenticator type");
    let api = world.api("update:users delete:guardian_enrollments");
    let own = owner_enrols(&world).await.json()["recovery_codes"][0].clone();
    assert_eq!(api.delete("/api/v2/users/auth0%7Cann/multifactor/google-authenticator").await.status, 204);
    let token = world.anon().mfa_token().await;
    let answer = grant(&world, RECOVERY_CODE, &token, json!({"recovery_code": own})).await;
    assert_eq!(answer.text("error_description"), "User does not have a recovery-code.");
    drop(world.logs().await);
}

#[tokio::test]
async fn what_is_switched_off_proves_nothing_and_locks_nobody_out() {
    let world = World::with_factors(&["otp", "recovery-code"]).await;
    let own = owner_enrols(&world).await;
    world.factor("recovery-code", false).await;
    let token = world.anon().mfa_token().await;
    let code = own.json()["recovery_codes"][0].clone();
    let answer = grant(&world, RECOVERY_CODE, &token, json!({"recovery_code": code})).await;
    assert_eq!(answer.text("error_description"), "User does not have a recovery-code.");
    world.factor("sms", true).await;
    world.factor("otp", false).await;
    let answer = world.anon().password(json!({})).await;
    assert_eq!(answer.json()["mfa_requirements"], json!({"enroll": [{"type": "phone"}]}));
    let token = answer.text("mfa_token");
    let answer = grant(&world, OTP, &token, json!({"otp": shown(&world, &own.text("secret"))})).await;
    assert_eq!(answer.text("error"), "unsupported_challenge_type");
    let body = json!({"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+4915112345678"});
    assert_eq!(world.anon().bearer(&token).post("/mfa/associate", body).await.status, 200);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_new_password_and_a_block_end_what_waits() {
    let world = World::with_factors(&["otp"]).await;
    let own = owner_enrols(&world).await;
    let (token, other) = (world.anon().mfa_token().await, world.anon().mfa_token().await);
    world.clock.advance(30 * SECOND);
    let api = world.api("update:users");
    let user = "/api/v2/users/auth0%7Cann";
    assert_eq!(api.patch(user, json!({"blocked": true})).await.status, 200);
    let otp = json!({"otp": shown(&world, &own.text("secret"))});
    assert_eq!(
        grant(&world, OTP, &token, otp.clone()).await.line(),
        r#"401 {"error":"unauthorized","error_description":"user is blocked"}"#
    );
    let password = json!({"blocked": false});
    assert_eq!(api.patch(user, password).await.status, 200);
    let password = json!({"password": "Another long passphrase", "connection": crate::world::DATABASE});
    assert_eq!(api.patch(user, password).await.status, 200);
    assert_eq!(grant(&world, OTP, &other, otp).await.text("error_description"), "mfa_token is expired");
    drop(world.logs().await);
}

#[tokio::test]
async fn two_who_complete_one_sign_in_spend_one_proof() {
    let world = World::with_factors(&["otp", "recovery-code"]).await;
    let own = owner_enrols(&world).await;
    let token = world.anon().mfa_token().await;
    let code = own.json()["recovery_codes"][0].clone();
    let first = grant(&world, OTP, &token, json!({"otp": shown(&world, &own.text("secret"))})).await;
    let second = grant(&world, RECOVERY_CODE, &token, json!({"recovery_code": code})).await;
    assert_eq!((first.status.as_u16(), second.text("error_description").as_str()), (200, "mfa_token is expired"));
    world.clock.advance(MINUTE);
    let token = world.anon().mfa_token().await;
    assert_eq!(grant(&world, RECOVERY_CODE, &token, json!({"recovery_code": code})).await.status, 200);
    drop(world.logs().await);
}
