//! A phone as the second factor, by text message and by call, at the token endpoint.

use expect_test::expect;
use ringpass_core::kit::clock::{DAY, HOUR, MINUTE, SECOND};
use ringpass_core::model::mfa::OOB;
use ringpass_simulator::Twilio;
use serde_json::{Value, json};

use crate::world::{Answer, Lines as _, OTP, PHONE, WEB, World, join_all};

/// Enrols Ann's phone by `channel`; the answer, and the code that went out.
async fn associate(world: &World, twilio: &Twilio, token: &str, channel: &str) -> (Answer, String) {
    let body = json!({"authenticator_types": ["oob"], "oob_channels": [channel], "phone_number": PHONE});
    let answer = world.anon().bearer(token).post("/mfa/associate", body).await;
    assert_eq!(answer.status, 200, "{answer}");
    let code = twilio.next().await.code().unwrap();
    (answer, code)
}

async fn prove(world: &World, token: &str, oob: &str, code: &str) -> Answer {
    let body = json!({"grant_type": OOB, "mfa_token": token, "oob_code": oob, "binding_code": code});
    world.anon().post("/oauth/token", body).await
}

/// Ann with her phone, enrolled by text message.
async fn enrolled(types: &[&str]) -> (World, Twilio) {
    let (world, twilio) = World::with_phone_factor(types).await;
    let token = world.anon().mfa_token().await;
    let (answer, code) = associate(&world, &twilio, &token, types[0]).await;
    let proven = prove(&world, &token, &answer.text("oob_code"), &code).await;
    assert_eq!(proven.status, 200, "{proven}");
    drop(world.logs().await);
    (world, twilio)
}

async fn challenge(world: &World, token: &str, more: Value) -> Answer {
    let mut body = json!({"mfa_token": token});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.anon().post("/mfa/challenge", body).await
}

/// A sign-in with a code on its way: its `mfa_token`, `oob_code` and the code.
async fn challenged(world: &World, twilio: &Twilio) -> (String, String, String) {
    let token = world.anon().mfa_token().await;
    let answer = challenge(world, &token, json!({})).await;
    assert_eq!(answer.status, 200, "{answer}");
    (token, answer.text("oob_code"), twilio.next().await.code().unwrap())
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_phone_is_enrolled_by_text_message_and_then_challenged() {
    let (world, twilio) = World::with_phone_factor(&["sms", "voice"]).await;
    let token = world.anon().mfa_token().await;
    let (answer, code) = associate(&world, &twilio, &token, "sms").await;
    let body = answer.json();
    assert_eq!(
        (&body["authenticator_type"], &body["binding_method"], &body["oob_channel"]),
        (&json!("oob"), &json!("prompt"), &json!("sms"))
    );
    let waiting = world.anon().bearer(&token).get("/mfa/authenticators").await;
    assert_eq!(waiting.json()[0]["active"], false);
    let wrong = prove(&world, &token, &answer.text("oob_code"), &another(&code)).await;
    assert_eq!(wrong.line(), r#"403 {"error":"invalid_grant","error_description":"Invalid binding_code."}"#);
    let missing = json!({"grant_type": OOB, "mfa_token": token, "oob_code": answer.text("oob_code")});
    let missing = world.anon().post("/oauth/token", missing).await;
    assert_eq!(
        missing.line(),
        r#"400 {"error":"invalid_request","error_description":"Missing required parameter: binding_code"}"#
    );
    let proven = prove(&world, &token, &answer.text("oob_code"), &code).await;
    assert_eq!(proven.status, 200, "{proven}");
    assert!(proven.json().get("id_token").is_some() && proven.json().get("amr").is_none());

    let answer = world.anon().password(json!({})).await;
    assert_eq!(answer.json()["mfa_requirements"], json!({"challenge": [{"type": "phone"}]}));
    let token = answer.text("mfa_token");
    let listed = world.anon().bearer(&token).get("/mfa/authenticators").await;
    listed.is(expect![[r#"
        200 OK
        cache-control: no-store
        content-type: application/json; charset=utf-8

        [
          {
            "id": "sms|dev_3RlHcKIv89ICi1Gc",
            "authenticator_type": "oob",
            "active": true,
            "oob_channel": "sms",
            "name": "XXXXXXXXXX5678",
            "type": "phone"
          },
          {
            "id": "voice|dev_3RlHcKIv89ICi1Gc",
            "authenticator_type": "oob",
            "active": true,
            "oob_channel": "voice",
            "name": "XXXXXXXXXX5678",
            "type": "phone"
          }
        ]
    "#]]);
    let first = challenge(&world, &token, json!({"challenge_type": "oob"})).await;
    let code = twilio.next().await.code().unwrap();
    // Asking again sends the same code, and either name of it is good.
    world.clock.advance(4 * MINUTE);
    let voice = listed.json()[1]["id"].clone();
    let second = challenge(&world, &token, json!({"authenticator_id": voice})).await;
    let call = twilio.next().await;
    assert!(call.path.ends_with("/Calls.json"), "{}", call.path);
    assert_eq!(call.code().unwrap(), code);
    assert_ne!(first.text("oob_code"), second.text("oob_code"));
    let proven = prove(&world, &token, &first.text("oob_code"), &code).await;
    assert_eq!(proven.status, 200, "{proven}");
    let again = prove(&world, &token, &second.text("oob_code"), &code).await;
    assert_eq!(again.text("error_description"), "mfa_token is expired");
    let mut lines = world.logs().await.lines();
    lines.retain(|line| !line.starts_with("mfar"));
    let mut out = String::new();
    for line in lines {
        out.line(line);
    }
    expect![[r#"
        gd_start_enroll: MFA enrollment started
        gd_send_sms: Guardian - SMS sent
        gd_auth_failed: Invalid binding_code.
        feoobft: Invalid binding_code.
        gd_enrollment_complete: MFA enrollment complete
        gd_auth_succeed: MFA authentication succeeded
        seoobft: Successful exchange of Password and OOB Challenge for Access Token
        gd_start_auth: MFA authentication started
        gd_send_sms: Guardian - SMS sent
        gd_start_auth: MFA authentication started
        gd_send_voice: Guardian - Voice call made
        gd_auth_succeed: MFA authentication succeeded
        seoobft: Successful exchange of Password and OOB Challenge for Access Token
        feoobft: mfa_token is expired
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn a_phone_is_enrolled_by_a_call_from_the_number() {
    let (world, twilio) = World::with_phone_factor(&["voice"]).await;
    world.tenant(json!({"enabled_locales": ["en", "fr"]})).await;
    let token = world.anon().mfa_token().await;
    let body = json!({"authenticator_types": ["oob"], "oob_channels": ["voice"], "phone_number": PHONE});
    let answer = world.anon().header("x-request-language", "fr").bearer(&token).post("/mfa/associate", body).await;
    assert_eq!(answer.text("oob_channel"), "voice");
    let call = twilio.next().await;
    let said = call.form("Twiml").unwrap();
    assert_eq!(said.matches("<Say language=\"fr-FR\">").count(), 3, "{said}");
    let proven = prove(&world, &token, &answer.text("oob_code"), &call.code().unwrap()).await;
    assert_eq!(proven.status, 200, "{proven}");
    let token = world.anon().mfa_token().await;
    let body = json!({"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": PHONE});
    let off = world.anon().bearer(&token).post("/mfa/associate", body).await;
    assert_eq!(off.text("error_description"), "Unsupported authenticator type");
    drop(world.logs().await);
}

#[tokio::test]
async fn what_is_foreign_stale_or_made_up_gets_its_error() {
    let (world, twilio) = enrolled(&["sms"]).await;
    world.client(WEB.0, json!({"grant_types": [OTP, OOB]})).await;
    let (token, oob, code) = challenged(&world, &twilio).await;
    let (other_token, other_oob, _) = challenged(&world, &twilio).await;
    let mut out = String::new();
    let mut say = |what: &str, answer: Answer| out.line(format!("{what}: {}", answer.line()));
    let body = json!({"grant_type": OOB, "mfa_token": token, "oob_code": oob, "binding_code": code});
    say("another client", world.web().post("/oauth/token", body).await);
    say("another client's challenge", world.web().post("/mfa/challenge", json!({"mfa_token": token})).await);
    let without =
        world.nobody().member("client_id", "cli_web").post("/mfa/challenge", json!({"mfa_token": token})).await;
    say("no secret", without);
    say("another sign-in's oob_code", prove(&world, &token, &other_oob, &code).await);
    say("another sign-in's code", prove(&world, &other_token, &other_oob, &code).await);
    say("no mfa_token of ours", prove(&world, "Fe26.2*x*1*y", &oob, &code).await);
    say("no oob_code of ours", prove(&world, &token, &format!("{oob}x"), &code).await);
    say("challenge with no mfa_token of ours", challenge(&world, "x", json!({})).await);
    say("an application", challenge(&world, &token, json!({"challenge_type": "otp"})).await);
    say("an unknown authenticator", challenge(&world, &token, json!({"authenticator_id": "sms|dev_x"})).await);
    say("an unknown way", challenge(&world, &token, json!({"oob_channel": "pigeon"})).await);
    say("a way that is off", challenge(&world, &token, json!({"oob_channel": "voice"})).await);
    world.clock.advance(5 * MINUTE + SECOND);
    say("an old oob_code", prove(&world, &token, &oob, &code).await);
    world.clock.advance(5 * MINUTE);
    say("an old mfa_token", prove(&world, &token, &oob, &code).await);
    say("challenge with an old mfa_token", challenge(&world, &token, json!({})).await);
    expect![[r#"
        another client: 400 {"error":"invalid_request","error_description":"mfa_token not issued to this client"}
        another client's challenge: 400 {"error":"invalid_request","error_description":"mfa_token not issued to this client"}
        no secret: 401 {"error":"access_denied","error_description":"Unauthorized"}
        another sign-in's oob_code: 400 {"error":"invalid_request","error_description":"The oob_code doesn't match the mfa_token"}
        another sign-in's code: 403 {"error":"invalid_grant","error_description":"Invalid binding_code."}
        no mfa_token of ours: 403 {"error":"invalid_grant","error_description":"Malformed mfa_token"}
        no oob_code of ours: 403 {"error":"invalid_grant","error_description":"Malformed oob_code"}
        challenge with no mfa_token of ours: 401 {"error":"invalid_grant","error_description":"The mfa_token provided is invalid. Try getting a new token."}
        an application: 401 {"error":"unsupported_challenge_type","error_description":"The user has none of the requested challenge types (otp), but: oob"}
        an unknown authenticator: 400 {"error":"invalid_request","error_description":"Invalid authenticator_id"}
        an unknown way: 400 {"error":"invalid_request","error_description":"Unsupported authenticator type"}
        a way that is off: 401 {"error":"unsupported_challenge_type","error_description":"The user has none of the requested challenge types (any), but: oob"}
        an old oob_code: 403 {"error":"expired_token","error_description":"oob_code is expired"}
        an old mfa_token: 403 {"error":"expired_token","error_description":"mfa_token is expired"}
        challenge with an old mfa_token: 401 {"error":"invalid_grant","error_description":"The mfa_token provided is invalid. Try getting a new token."}
    "#]].assert_eq(&out);
    // The authenticator is removed while its code is on its way.
    let (token, oob, code) = challenged(&world, &twilio).await;
    let gone = world.api("delete:guardian_enrollments").delete("/api/v2/users/auth0%7Cann/authenticators").await;
    assert_eq!(gone.status, 204, "{gone}");
    let late = prove(&world, &token, &oob, &code).await;
    assert_eq!(late.text("error_description"), "oob_code is expired", "{late}");
    assert!(twilio.take().is_empty());
    drop(world.logs().await);
}

#[tokio::test]
async fn numbers_that_may_not_be_used_are_refused_before_anything_is_sent() {
    let (world, twilio) = World::with_phone_factor(&["sms"]).await;
    world.tenant(json!({"country_codes": {"mode": "allow", "list": ["DE"]}})).await;
    let token = world.anon().mfa_token().await;
    let enroll = async |number: &str| {
        let body = json!({"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": number});
        world.anon().bearer(&token).post("/mfa/associate", body).await.line()
    };
    let refused = r#"400 {"error":"invalid_request","error_description":"Invalid phone number"}"#;
    for number in ["", "4915112345678", "+49151-12345678", "+14155550100", "+499001234567", "+870773111632", "+1"] {
        let expected = if number.is_empty() {
            "400 {\"error\":\"invalid_request\",\"error_description\":\"Missing required parameter: phone_number\"}"
        } else {
            refused
        };
        assert_eq!(enroll(number).await, expected, "{number}");
    }
    assert!(enroll(PHONE).await.starts_with("200"));
    let code = twilio.next().await.code().unwrap();
    assert_eq!(code.len(), 6);
    // The rules change: the number that is enrolled already gets no more messages.
    world.tenant(json!({"country_codes": {"mode": "deny", "list": ["DE"]}})).await;
    drop(world.logs().await);
    assert_eq!(enroll(PHONE).await, refused);
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["gd_start_enroll_failed: Invalid phone number"]);
    assert_eq!(logs.0[0]["details"]["failure_details"]["errorCode"], "country_not_allowed");
}

#[tokio::test]
async fn ten_messages_and_then_one_an_hour() {
    let (world, twilio) = enrolled(&["sms", "voice"]).await;
    let mut token = world.anon().mfa_token().await;
    // The enrolment was the first. A new sign-in, or the other way, changes nothing.
    for at in 0..9 {
        let channel = if at % 2 == 0 { "sms" } else { "voice" };
        let answer = challenge(&world, &token, json!({"oob_channel": channel})).await;
        assert_eq!(answer.status, 200, "{at}: {answer}");
        twilio.next().await;
        token = world.anon().mfa_token().await;
    }
    drop(world.logs().await);
    let refused = r#"429 {"error":"invalid_request","error_description":"Too many SMS sent by the user. Wait for some minutes before retrying."}"#;
    assert_eq!(challenge(&world, &token, json!({})).await.line(), refused);
    let logs = world.logs().await;
    assert_eq!(logs.lines(), ["limit_phone: Too many SMS sent by the user. Wait for some minutes before retrying."]);
    world.clock.advance(HOUR);
    let token = world.anon().mfa_token().await;
    assert_eq!(challenge(&world, &token, json!({})).await.status, 200);
    assert_eq!(challenge(&world, &token, json!({})).await.line(), refused);
    twilio.next().await;
    assert!(twilio.take().is_empty());
    drop(world.logs().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_wrong_codes_and_then_one_in_six_minutes_however_many_are_tried_at_once() {
    let (world, twilio) = enrolled(&["sms"]).await;
    let (token, oob, code) = challenged(&world, &twilio).await;
    drop(world.logs().await);
    let wrong = another(&code);
    let twin = world.twin().await;
    let mut guesses = Vec::new();
    for at in 0..24 {
        // More than twelve of one sign-in are refused at the door, so two nodes share them.
        let node = if at % 2 == 0 { &world } else { &twin };
        guesses.push(prove(node, &token, &oob, &wrong));
    }
    let mut counts = std::collections::BTreeMap::new();
    for answer in join_all(guesses.into_iter().map(Box::pin)).await {
        *counts.entry(answer.text("error_description")).or_insert(0) += 1;
    }
    assert_eq!(counts.get("Invalid binding_code."), Some(&10), "{counts:?}");
    let late = "Too many failed codes. Wait for some minutes before retrying.";
    assert_eq!(counts.get(late), Some(&14), "{counts:?}");
    let kinds = world.logs().await.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "gd_auth_failed").count(), 10);
    assert_eq!(kinds.iter().filter(|kind| *kind == "gd_otp_rate_limit_exceed").count(), 14);
    // Neither the right code nor a new sign-in helps; time does.
    let (token, oob, code) = challenged(&world, &twilio).await;
    assert_eq!(prove(&world, &token, &oob, &code).await.text("error_description"), late);
    let (token, _, _) = challenged(&world, &twilio).await;
    world.clock.advance(6 * MINUTE);
    let again = challenge(&world, &token, json!({})).await;
    let code = twilio.next().await.code().unwrap();
    let proven = prove(&world, &token, &again.text("oob_code"), &code).await;
    assert_eq!(proven.status, 200, "{proven}");
    drop(world.logs().await);
}

#[tokio::test]
async fn no_day_has_more_than_a_hundred_wrong_codes() {
    let (world, twilio) = enrolled(&["sms"]).await;
    let mut wrong = 0;
    let start = world.clock.now();
    // A new message every hour, guesses as fast as they may be made, from ever new addresses.
    while world.clock.now() < start + DAY {
        let guesser = world.anon().at(&format!("198.51.100.{}", wrong % 250));
        let answer = guesser.password(json!({})).await;
        let token = answer.text("mfa_token");
        let answer = guesser.post("/mfa/challenge", json!({"mfa_token": token})).await;
        assert_eq!(answer.status, 200, "{answer}");
        let guess = another(&twilio.next().await.code().unwrap());
        let body =
            json!({"grant_type": OOB, "mfa_token": token, "oob_code": answer.text("oob_code"), "binding_code": guess});
        for _ in 0..11 {
            let answer = guesser.post("/oauth/token", body.clone()).await;
            if answer.text("error_description") != "Invalid binding_code." {
                assert_eq!(answer.status, 429, "{answer}");
                break;
            }
            wrong += 1;
        }
        world.clock.advance(HOUR);
    }
    assert!((90..=100).contains(&wrong), "{wrong} wrong codes");
    drop(world.logs().await);
}

#[tokio::test]
async fn with_exponential_protection_each_message_waits_longer_until_a_code_is_right() {
    let (world, twilio) = enrolled(&["sms"]).await;
    let kind = json!({"type": "exponential"});
    let path = "/api/v2/attack-protection/phone-provider-protection";
    assert_eq!(world.api("update:attack_protection").patch(path, kind).await.status, 200);
    let mut sent = 0;
    let token = world.anon().mfa_token().await;
    for seconds in [0, 0, 0, 0, 67, 0, 133, 10] {
        world.clock.advance(seconds * SECOND);
        sent += u8::from(challenge(&world, &token, json!({})).await.status == 200);
    }
    assert_eq!(sent, 5, "three at once, one after a minute, one after two more");
    let (token, mut last) = (world.anon().mfa_token().await, String::new());
    world.clock.advance(5 * MINUTE);
    let answer = challenge(&world, &token, json!({})).await;
    for message in twilio.take() {
        last = message.code().unwrap();
    }
    assert_eq!(prove(&world, &token, &answer.text("oob_code"), &last).await.status, 200);
    let token = world.anon().mfa_token().await;
    for _ in 0..3 {
        assert_eq!(challenge(&world, &token, json!({})).await.status, 200);
    }
    assert_eq!(challenge(&world, &token, json!({})).await.status, 429);
    drop((twilio.take(), world.logs().await));
}

#[tokio::test]
async fn calls_need_the_hosted_pages() {
    let (world, twilio) = World::with_phone_factor(&["sms", "voice"]).await;
    let classic = json!({"universal_login_experience": "classic"});
    assert_eq!(world.api("update:prompts").patch("/api/v2/prompts", classic).await.status, 200);
    let token = world.anon().mfa_token().await;
    let body = json!({"authenticator_types": ["oob"], "oob_channels": ["voice"], "phone_number": PHONE});
    let answer = world.anon().bearer(&token).post("/mfa/associate", body).await;
    assert_eq!(
        answer.line(),
        r#"400 {"error":"invalid_request","error_description":"Unsupported authenticator type"}"#
    );
    let (answer, code) = associate(&world, &twilio, &token, "sms").await;
    assert_eq!(prove(&world, &token, &answer.text("oob_code"), &code).await.status, 200);
    let token = world.anon().mfa_token().await;
    assert_eq!(challenge(&world, &token, json!({"oob_channel": "voice"})).await.status, 400);
    assert_eq!(challenge(&world, &token, json!({})).await.status, 200);
    assert!(twilio.next().await.path.ends_with("/Messages.json"));
    drop(world.logs().await);
}
