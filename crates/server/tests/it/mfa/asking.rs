//! When a second factor is asked for (C1801-C1808), and what wrong codes cost at the first (C1794).

use ringpass_core::kit::clock::{DAY, HOUR, MINUTE};
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp;
use ringpass_core::model::email_provider::EmailProvider;
use ringpass_core::model::mfa::{OOB, OTP as MFA_OTP};
use ringpass_core::storage::email_provider;
use ringpass_simulator::MailServer;
use serde_json::json;

use crate::world::{PHONE, World};

/// Enrols an application for Ann; its secret.
async fn enroll(world: &World) -> Secret {
    let token = world.anon().mfa_token().await;
    let answer = world.anon().bearer(&token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    let secret = Secret::new(answer.text("secret"));
    assert_eq!(prove(world, &token, &secret, "").await, 200);
    secret
}

/// Proves it, from this address; the status.
async fn prove(world: &World, token: &str, secret: &Secret, ip: &str) -> u16 {
    world.clock.advance(30_000);
    let code = totp::now(secret, world.clock.now()).unwrap();
    let caller = if ip.is_empty() { world.anon() } else { world.anon().at(ip) };
    let answer = caller.post("/oauth/token", json!({"grant_type": MFA_OTP, "mfa_token": token, "otp": code})).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn the_policy_and_the_factors_decide() {
    let world = World::with_factors(&["email", "recovery-code"]).await;
    assert_eq!(world.anon().password(json!({})).await.status, 200, "nothing that counts alone is on");
    world.factor("otp", true).await;
    assert_eq!(world.anon().password(json!({})).await.text("error"), "mfa_required");
    world.policy(json!([])).await;
    assert_eq!(world.anon().password(json!({})).await.status, 200);
    world.policy(json!(["all-applications"])).await;
    world.factor("otp", false).await;
    assert_eq!(world.anon().password(json!({})).await.status, 200);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_code_from_a_text_message_may_be_the_first_factor() {
    let world = World::with_factors(&["otp"]).await;
    let code = world.anon().code(PHONE).await;
    let answer = world.anon().redeem(PHONE, &code, json!({"scope": "openid"})).await;
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "mfa_required"), "{answer}");
    let user = world.user(PHONE).await.expect("the first right code makes the user");
    assert_eq!((user.logins_count, user.last_login), (0, None), "who has not signed in yet");
    assert_eq!(world.logs().await.kinds(), ["ss", "mfar"]);
    let token = answer.text("mfa_token");
    let answer = world.anon().bearer(&token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    assert_eq!(prove(&world, &token, &Secret::new(answer.text("secret")), "").await, 200);
    assert_eq!(world.user(PHONE).await.unwrap().logins_count, 1);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_refresh_token_from_before_is_asked_and_one_that_met_the_policy_is_not() {
    let world = World::with_factors(&["otp"]).await;
    world.policy(json!([])).await;
    let before = world.anon().password(json!({"scope": "openid offline_access"})).await.text("refresh_token");
    world.policy(json!(["all-applications"])).await;
    let refresh = async |token: &str| {
        world.anon().post("/oauth/token", json!({"grant_type": "refresh_token", "refresh_token": token})).await
    };
    let answer = refresh(&before).await;
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "mfa_required"), "{answer}");
    let token = answer.text("mfa_token");
    let enrolled = world.anon().bearer(&token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    let secret = Secret::new(enrolled.text("secret"));
    let code = totp::now(&secret, world.clock.now()).unwrap();
    let body = json!({"grant_type": MFA_OTP, "mfa_token": token, "otp": code});
    let after = world.anon().post("/oauth/token", body).await;
    assert_eq!(after.status, 200, "{after}");
    let answer = refresh(&after.text("refresh_token")).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(refresh(&before).await.text("error"), "mfa_required", "the old one still is");
    drop(world.logs().await);
}

#[tokio::test]
async fn unusual_sign_ins_are_asked_and_usual_ones_are_not() {
    let world = World::with_factors(&["otp"]).await;
    let secret = enroll(&world).await;
    world.policy(json!(["confidence-score"])).await;
    let signs_in = async |ip: &str| world.anon().at(ip).password(json!({})).await;
    // A network that was not known before, until the second factor has been proven from there.
    let answer = signs_in("198.51.100.7").await;
    assert_eq!(answer.text("error"), "mfa_required", "{answer}");
    assert_eq!(prove(&world, &answer.text("mfa_token"), &secret, "198.51.100.7").await, 200);
    assert_eq!(signs_in("198.51.100.99").await.status, 200, "a neighbour");
    assert_eq!(signs_in("198.51.101.7").await.text("error"), "mfa_required");
    world.clock.advance(29 * DAY);
    assert_eq!(signs_in("198.51.100.7").await.status, 200);
    world.clock.advance(31 * DAY);
    assert_eq!(signs_in("198.51.100.7").await.text("error"), "mfa_required", "after a long absence");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_mail_is_a_second_factor_beside_another_and_five_go_out_in_five_minutes() {
    let world = World::with_factors(&["otp", "email"]).await;
    let server = MailServer::start().await.unwrap();
    let (host, port) = (server.address().ip().to_string(), server.address().port());
    let provider = json!({"name": "smtp", "default_from_address": "no-reply@tenant.example",
        "credentials": {"smtp_host": host, "smtp_port": port}});
    let provider = EmailProvider::create(&provider).unwrap();
    world.app.configure("test.mail", move |tx| email_provider::put(tx, &provider)).await.unwrap();
    enroll(&world).await;
    let token = world.anon().mfa_token().await;
    let listed = world.anon().bearer(&token).get("/mfa/authenticators").await;
    let email = listed.json().as_array().unwrap().iter().find(|one| one["type"] == "email").unwrap().clone();
    assert_eq!(email["name"], "***@exam*******");
    let body = json!({"mfa_token": token, "authenticator_id": email["id"]});
    let mut last = world.anon().post("/mfa/challenge", body.clone()).await;
    assert_eq!(last.status, 200, "{last}");
    let code = server.next().await.unwrap().code().unwrap();
    for _ in 0..4 {
        last = world.anon().post("/mfa/challenge", body.clone()).await;
        assert_eq!(server.next().await.unwrap().code().unwrap(), code, "the same code while it is good");
    }
    let sixth = world.anon().post("/mfa/challenge", body.clone()).await;
    assert_eq!(sixth.status, 429, "{sixth}");
    let proof = json!({"grant_type": OOB, "mfa_token": token, "oob_code": last.text("oob_code"), "binding_code": code});
    let answer = world.anon().post("/oauth/token", proof).await;
    assert_eq!(answer.status, 200, "{answer}");
    drop(world.logs().await);
}

#[tokio::test]
async fn no_number_has_more_than_a_hundred_wrong_codes_a_day_whatever_addresses_they_come_from() {
    let world = World::new().await;
    world.sms(json!({"brute_force_protection": false})).await;
    world.new_user(PHONE).await;
    let (start, mut wrong, mut address) = (world.clock.now(), 0, 0_u32);
    while world.clock.now() < start + DAY {
        address += 1;
        let guesser = world.anon().at(&format!("198.{}.{}.7", address / 200 % 200, address % 200));
        drop(world.logs().await);
        let code = guesser.code(PHONE).await;
        let guess = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
        for _ in 0..3 {
            let answer = guesser.redeem(PHONE, &guess, json!({})).await;
            if answer.status == 429 {
                break;
            }
            wrong += 1;
        }
        world.clock.advance(5 * MINUTE);
    }
    assert!((90..=100).contains(&wrong), "{wrong}");
    world.clock.advance(HOUR);
    drop(world.logs().await);
    assert_eq!(world.anon().sign_in(PHONE, json!({})).await.status, 200, "time helps");
    drop(world.logs().await);
}
