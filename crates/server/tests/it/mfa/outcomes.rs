//! Everything that can become of a message: what the caller is told, what the log says, and what it costs.

use expect_test::expect;
use ringpass_core::kit::clock::HOUR;
use ringpass_simulator::{Reply, Twilio, fault};
use serde_json::{Value, json};

use crate::world::{Answer, Lines as _, PHONE, World};

async fn associate(world: &World, token: &str, channel: &str) -> Answer {
    let body = json!({"authenticator_types": ["oob"], "oob_channels": [channel], "phone_number": PHONE});
    world.anon().bearer(token).post("/mfa/associate", body).await
}

/// One message by `channel` that Twilio answers by this script, in a line.
async fn told(world: &World, twilio: &Twilio, channel: &str, script: Vec<Reply>) -> String {
    for reply in script {
        twilio.reply(reply);
    }
    let token = world.anon().mfa_token().await;
    let answer = associate(world, &token, channel).await;
    let calls = twilio.take().len();
    let logs = world.logs().await;
    let kind = logs.kinds().into_iter().find(|kind| kind.starts_with("gd_send")).unwrap_or_default();
    let event = logs.0.iter().find(|event| event["type"] == kind.as_str()).cloned();
    let event = event.map_or(Value::Null, Value::Object);
    let details = &event["details"];
    assert!(!event.to_string().contains(PHONE), "the log hides the number: {event}");
    // Hours later nothing of this counts against the next.
    world.clock.advance(24 * HOUR);
    let what = if answer.status == 200 { String::new() } else { format!(" {}", answer.text("error_description")) };
    let code = &details["failure_details"]["errorCode"];
    format!(
        "{}{what} | {calls} calls | {kind} {code} {}",
        answer.status.as_u16(),
        details["provider_error"]["errorCode"]
    )
}

#[tokio::test]
async fn every_answer_of_twilio_has_its_text_its_event_and_its_number_of_calls() {
    let (world, twilio) = World::with_phone_factor(&["sms", "voice"]).await;
    let mut out = String::new();
    for code in [
        20003, 20404, 20429, 20500, 21211, 21212, 21214, 21217, 21408, 21606, 21608, 21610, 21611, 21612, 21614, 21617,
        21703, 21705,
    ] {
        // Its own failure is asked once more.
        let script = vec![fault(code); if code == 20500 { 2 } else { 1 }];
        out.line(format!("{code}: {}", told(&world, &twilio, "sms", script).await));
    }
    for code in [21215, 21216] {
        out.line(format!("{code} (call): {}", told(&world, &twilio, "voice", vec![fault(code)]).await));
    }
    let nonsense = Reply::Body { status: 400, content_type: "text/html", body: "<h1>No</h1>".into() };
    out.line(format!("nonsense: {}", told(&world, &twilio, "sms", vec![nonsense]).await));
    out.line(format!("a reset: {}", told(&world, &twilio, "sms", vec![Reply::Reset]).await));
    out.line(format!("bytes: {}", told(&world, &twilio, "sms", vec![Reply::Garbage]).await));
    out.line(format!("late: {}", told(&world, &twilio, "sms", vec![Reply::Hang]).await));
    out.line(format!("taken: {}", told(&world, &twilio, "sms", vec![]).await));
    expect![[r#"
        20003: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 20003
        20404: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 20404
        20429: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 20429
        20500: 400 There was an error sending the SMS | 2 calls | gd_send_sms_failure "error_sending_sms" 20500
        21211: 400 Invalid phone number | 1 calls | gd_send_sms_failure "invalid_phone_number" 21211
        21212: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21212
        21214: 400 Invalid phone number | 1 calls | gd_send_sms_failure "invalid_phone_number" 21214
        21217: 400 Invalid phone number | 1 calls | gd_send_sms_failure "invalid_phone_number" 21217
        21408: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21408
        21606: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21606
        21608: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21608
        21610: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21610
        21611: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21611
        21612: 400 Invalid phone number | 1 calls | gd_send_sms_failure "invalid_phone_number" 21612
        21614: 400 Invalid phone number | 1 calls | gd_send_sms_failure "invalid_phone_number" 21614
        21617: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21617
        21703: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21703
        21705: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" 21705
        21215 (call): 400 There was an error making the voice call | 1 calls | gd_send_voice_failure "error_sending_voice" 21215
        21216 (call): 400 There was an error making the voice call | 1 calls | gd_send_voice_failure "error_sending_voice" 21216
        nonsense: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" null
        a reset: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" null
        bytes: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" null
        late: 400 There was an error sending the SMS | 1 calls | gd_send_sms_failure "error_sending_sms" null
        taken: 200 | 1 calls | gd_send_sms null null
    "#]].assert_eq(&out);
}

#[tokio::test]
async fn what_surely_did_not_go_out_costs_nothing_and_what_may_have_does() {
    let (world, twilio) = World::with_phone_factor(&["sms"]).await;
    let token = world.anon().mfa_token().await;
    // Nine definite refusals cost the user nothing; the number's own bucket they do.
    for _ in 0..9 {
        twilio.reply(fault(21610));
        assert_eq!(associate(&world, &token, "sms").await.status, 400);
    }
    assert_eq!(associate(&world, &token, "sms").await.status, 200, "the tenth is the first that counts");
    let kinds = world.logs().await.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "gd_send_sms_failure").count(), 9);
    world.clock.advance(HOUR);
    // An answer that is none: each of these counts.
    let token = world.anon().mfa_token().await;
    for _ in 0..10 {
        twilio.reply(Reply::Reset);
        assert_eq!(associate(&world, &token, "sms").await.status, 400);
    }
    assert_eq!(associate(&world, &token, "sms").await.status, 429);
    drop((twilio.take(), world.logs().await));
}

#[tokio::test]
async fn the_built_in_sender_goes_quiet_after_a_hundred_and_an_action_that_is_not_bound_is_told() {
    let world = World::with_factors(&["sms"]).await;
    let mut token = world.anon().mfa_token().await;
    for at in 0..101 {
        let answer = associate(&world, &token, "sms").await;
        assert_eq!(answer.status, 200, "{at}: {answer}");
        world.clock.advance(HOUR);
        token = world.anon().mfa_token().await;
    }
    let logs = world.logs().await;
    let kinds = logs.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "gd_send_sms").count(), 100);
    let last = logs.0.iter().rfind(|event| event["type"] == "gd_send_sms_failure").unwrap();
    assert_eq!(last["details"]["failure_details"]["errorCode"], "too_many_sms_per_tenant");
    let factors = world.api("read:guardian_factors").get("/api/v2/guardian/factors").await;
    assert_eq!(factors.json()[0], json!({"name": "sms", "enabled": true, "trial_expired": true}));
    let hook = json!({"provider": "phone-message-hook"});
    world.api("update:guardian_factors").put("/api/v2/guardian/factors/phone/selected-provider", hook).await;
    drop(world.logs().await);
    let answer = associate(&world, &token, "sms").await;
    assert_eq!(
        answer.line(),
        r#"400 {"error":"invalid_request","error_description":"There was an error sending the SMS"}"#
    );
    let logs = world.logs().await;
    let failed = logs.0.iter().find(|event| event["type"] == "gd_send_sms_failure").unwrap();
    assert_eq!(failed["details"]["provider_error"]["message"], "No send-phone-message Action is bound");
}
