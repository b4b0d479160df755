//! Messages of second factors: who carries them, what they say, and what the tenant log learns (`docs/COMPATIBILITY.md`
//! C1720-C1743).

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use ringpass::app::Inbox;
use ringpass::config::{Limits, TwilioTimes};
use ringpass::flows::caller::Caller;
use ringpass::flows::mfa::send::{self, Attempt, Outgoing};
use ringpass::flows::mfa::sent::{self, Place};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::guardian::MessageType;
use ringpass_core::model::mfa_message::Purpose;
use ringpass_core::model::phone::Phone;
use ringpass_core::storage::outbox;
use ringpass_simulator::{Reply, Twilio, fault};
use serde_json::{Value, json};

use crate::world::{Lines as _, NATIVE, Options, PEER, PHONE, World};

const SID: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "twilio-t0ken-of-the-tests";
const SMS: MessageType = MessageType::Sms;
const VOICE: MessageType = MessageType::Voice;

/// A world whose phone factor sends by `provider`, and nobody has looked at how it came about.
async fn world(provider: &str, options: Options) -> World {
    let world = World::with(options).await;
    put(&world, "selected-provider", json!({"provider": provider})).await;
    world
}

async fn put(world: &World, setting: &str, body: Value) {
    let path = format!("/api/v2/guardian/factors/phone/{setting}");
    let answer = world.api("update:guardian_factors").put(&path, body).await;
    assert_eq!(answer.status, 200, "{answer}");
    drop(world.logs().await);
}

/// The same with an account at Twilio and a number there.
async fn with_twilio() -> (World, Twilio) {
    let twilio = Twilio::start(SID, TOKEN).await.unwrap();
    let times = TwilioTimes { pause: Duration::from_millis(1), ..TwilioTimes::default() };
    let options =
        Options { twilio_base_url: twilio.base_url(), twilio: times, allow_networks: "", ..Options::default() };
    let world = world("twilio", options).await;
    put(&world, "providers/twilio", json!({"sid": SID, "auth_token": TOKEN, "from": "+15550009999"})).await;
    (world, twilio)
}

fn message(world: &World, message_type: MessageType, locale: &str) -> Outgoing {
    Outgoing {
        to: Phone::parse(PHONE).unwrap(),
        code: Secret::new("482913"),
        purpose: Purpose::Verification,
        message_type,
        locale: locale.to_owned(),
        request_language: String::new(),
        user: None,
        client: world.app.snapshot().client(NATIVE).unwrap(),
    }
}

/// Sends a message and writes its event, as the flows of second factors do.
async fn sent(world: &World, message: &Outgoing) -> Attempt {
    let caller = Caller { ip: PEER.to_owned(), peer: PEER.to_owned(), ..Caller::default() };
    let attempt = send::send(&world.app, message, &caller).await.unwrap();
    let mut phone = Authenticator::new(Kind::Phone, "auth0|1", &world.rng, 0);
    "dev_0123456789abcdef".clone_into(&mut phone.id);
    let place = Place { method: "POST", path: "/mfa/challenge" };
    let event = sent::event(&world.app, message, &attempt, &phone, (place, &caller));
    let journal = world.app.journal.clone();
    world.app.db.write("test.event", move |tx| journal.write(tx, event)).await.unwrap();
    attempt
}

/// What came of a message, in a line: the outcome, and what the log says.
async fn told(world: &World, message_type: MessageType) -> String {
    let attempt = sent(world, &message(world, message_type, "en")).await;
    let logs = world.logs().await;
    let details = &logs.0[0]["details"];
    let failure = |name: &str| details.get(name).map_or_else(String::new, |it| format!(" {it}"));
    let verdict = attempt.refused().map_or_else(String::new, |it| format!(" {:?} {}", it.verdict, it.is_surely_unsent));
    format!("{}{verdict}{}{}", logs.kinds()[0], failure("failure_details"), failure("provider_error"))
}

#[tokio::test]
async fn twilio_gets_a_text_from_the_messaging_service_or_the_number() {
    let (world, twilio) = with_twilio().await;
    sent(&world, &message(&world, SMS, "fr")).await;
    let mut out = String::new();
    let one = twilio.next().await;
    out.line(format!("{}\n{}", one.path, String::from_utf8_lossy(&one.body)));
    let settings = json!({"sid": SID, "auth_token": TOKEN, "from": "+15550009999", "messaging_service_sid": "MG77"});
    put(&world, "providers/twilio", settings).await;
    sent(&world, &Outgoing { purpose: Purpose::Enrollment, ..message(&world, SMS, "en") }).await;
    out.line(String::from_utf8_lossy(&twilio.next().await.body));
    expect![[r#"
        /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json
        To=%2B4915112345678&From=%2B15550009999&Body=482913+est+votre+code+de+connexion+My+Tenant.
        To=%2B4915112345678&MessagingServiceSid=MG77&Body=482913%3A+use+this+code+to+register+your+phone+with+My+Tenant.
    "#]]
    .assert_eq(&out);
    drop(world.logs().await);
}

#[tokio::test]
async fn twilio_calls_from_the_number_and_says_the_code_twice() {
    let (world, twilio) = with_twilio().await;
    let settings = json!({"sid": SID, "auth_token": TOKEN, "from": "+15550009999", "messaging_service_sid": "MG77"});
    put(&world, "providers/twilio", settings).await;
    let attempt = sent(&world, &message(&world, VOICE, "fr-CA")).await;
    assert!(attempt.refused().is_none());
    let call = twilio.next().await;
    assert_eq!(call.code().as_deref(), Some("482913"));
    expect![[r#"
        /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Calls.json
        Some("+4915112345678") Some("+15550009999") None
        <Response><Say language="fr-CA">Ici My Tenant. Votre code est</Say><Pause length="1"/><Say language="fr-CA">4. 8. 2. 9. 1. 3. Je répète</Say><Pause length="1"/><Say language="fr-CA">4. 8. 2. 9. 1. 3.</Say></Response>
    "#]].assert_eq(&format!(
        "{}\n{:?} {:?} {:?}\n{}\n",
        call.path,
        call.form("To"),
        call.form("From"),
        call.form("MessagingServiceSid"),
        call.form("Twiml").unwrap()
    ));
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "gd_send_voice",
          "description": "Guardian - Voice call made",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "",
          "hostname": "tenant.example",
          "user_id": "auth0|1",
          "details": {
            "request": {
              "ip": "203.0.113.7",
              "method": "POST",
              "path": "/mfa/challenge",
              "userAgent": null
            },
            "authenticator": {
              "id": "voice|dev_0123456789abcdef",
              "type": "voice",
              "phone_number": "XXXXXXXXXX5678"
            },
            "enrollment": {
              "_id": "dev_0123456789abcdef",
              "user_id": "auth0|1",
              "tenant": "tenant",
              "phone_number": "XXXXXXXXXX5678"
            },
            "provider": "twilio",
            "provider_message_id": "CA0123456789abcdef0123456789abcdef"
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    // A messaging service alone cannot call.
    put(&world, "providers/twilio", json!({"sid": SID, "auth_token": TOKEN, "messaging_service_sid": "MG77"})).await;
    expect![[r#"gd_send_voice_failure Configuration true {"errorCode":"error_sending_voice","message":"There was an error making the voice call"} {"errorCode":null,"message":"Twilio is not configured"}"#]].assert_eq(&told(&world, VOICE).await);
    assert_eq!((told(&world, SMS).await.as_str(), twilio.take().len()), ("gd_send_sms", 1));
}

#[tokio::test]
async fn every_refusal_of_twilio_is_told_from_the_others() {
    let (world, twilio) = with_twilio().await;
    let mut out = String::new();
    for code in [20003, 20429, 21211, 21214, 21217, 21408, 21608, 21610, 21611, 21612, 21614, 21617, 21703] {
        twilio.reply(fault(code));
        out.line(told(&world, SMS).await);
    }
    for code in [21215, 21216] {
        twilio.reply(fault(code));
        out.line(told(&world, VOICE).await);
    }
    assert_eq!(twilio.take().len(), 15);
    for script in [[fault(20500), fault(20500)], [Reply::Status(503), Reply::Status(502)]] {
        for reply in script {
            twilio.reply(reply);
        }
        out.line(told(&world, SMS).await);
    }
    twilio.reply(Reply::Reset);
    out.line(told(&world, VOICE).await);
    expect![[r#"
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":20003,"message":"Authenticate"}
        gd_send_sms_failure Transient true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":20429,"message":"Too Many Requests"}
        gd_send_sms_failure WrongNumber true {"errorCode":"invalid_phone_number","message":"Invalid phone number"} {"errorCode":21211,"message":"The 'To' number XXXXXXXXXX5678 is not a valid phone number."}
        gd_send_sms_failure WrongNumber true {"errorCode":"invalid_phone_number","message":"Invalid phone number"} {"errorCode":21214,"message":"'To' phone number cannot be reached"}
        gd_send_sms_failure WrongNumber true {"errorCode":"invalid_phone_number","message":"Invalid phone number"} {"errorCode":21217,"message":"Phone number does not appear to be valid"}
        gd_send_sms_failure Other true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":21408,"message":"Permission to send an SMS has not been enabled for the region indicated by the 'To' number: XXXXXXXXXX5678."}
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":21608,"message":"The number XXXXXXXXXX5678 is unverified. Trial accounts cannot send messages to unverified numbers."}
        gd_send_sms_failure Other true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":21610,"message":"Attempt to send to unsubscribed recipient"}
        gd_send_sms_failure Transient true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":21611,"message":"This 'From' number has exceeded the maximum number of queued messages"}
        gd_send_sms_failure WrongNumber true {"errorCode":"invalid_phone_number","message":"Invalid phone number"} {"errorCode":21612,"message":"The 'To' phone number: XXXXXXXXXX5678, is not currently reachable using the 'From' phone number: +15550009999 via SMS."}
        gd_send_sms_failure WrongNumber true {"errorCode":"invalid_phone_number","message":"Invalid phone number"} {"errorCode":21614,"message":"'To' number is not a valid mobile number"}
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":21617,"message":"The concatenated message body exceeds the 1600 character limit."}
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":21703,"message":"The Messaging Service does not have a phone number available to send a message"}
        gd_send_voice_failure Other true {"errorCode":"error_sending_voice","message":"There was an error making the voice call"} {"errorCode":21215,"message":"Account not authorized to call XXXXXXXXXX5678"}
        gd_send_voice_failure Other true {"errorCode":"error_sending_voice","message":"There was an error making the voice call"} {"errorCode":21216,"message":"Account not allowed to call XXXXXXXXXX5678"}
        gd_send_sms_failure Transient false {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":20500,"message":"Internal Server Error"}
        gd_send_sms_failure Transient false {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":null,"message":"Unexpected response while calling Twilio (Code: 502)"}
        gd_send_voice_failure Transient false {"errorCode":"error_sending_voice","message":"There was an error making the voice call"} {"errorCode":null,"message":"Unexpected response while calling Twilio (Code: ECONNRESET)"}
    "#]].assert_eq(&out);
    assert_eq!(twilio.take().len(), 5);
}

#[tokio::test]
async fn a_failure_is_a_whole_event_without_the_number_unless_the_operator_wants_it() {
    let (world, twilio) = with_twilio().await;
    twilio.reply(fault(21211));
    sent(&world, &message(&world, SMS, "en")).await;
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "gd_send_sms_failure",
          "description": "Guardian - There was an error sending the SMS",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "",
          "hostname": "tenant.example",
          "user_id": "auth0|1",
          "details": {
            "request": {
              "ip": "203.0.113.7",
              "method": "POST",
              "path": "/mfa/challenge",
              "userAgent": null
            },
            "authenticator": {
              "id": "sms|dev_0123456789abcdef",
              "type": "sms",
              "phone_number": "XXXXXXXXXX5678"
            },
            "enrollment": {
              "_id": "dev_0123456789abcdef",
              "user_id": "auth0|1",
              "tenant": "tenant",
              "phone_number": "XXXXXXXXXX5678"
            },
            "provider": "twilio",
            "failure_details": {
              "errorCode": "invalid_phone_number",
              "message": "Invalid phone number"
            },
            "provider_error": {
              "errorCode": 21211,
              "message": "The 'To' number XXXXXXXXXX5678 is not a valid phone number."
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let body = json!({"flags": {"disable_management_api_sms_obfuscation": true}});
    let answer = world.api("update:tenant_settings").patch("/api/v2/tenants/settings", body).await;
    assert_eq!(answer.status, 200, "{answer}");
    drop(world.logs().await);
    twilio.reply(fault(21211));
    sent(&world, &message(&world, SMS, "en")).await;
    let logs = world.logs().await;
    let details = &logs.0[0]["details"];
    assert_eq!(details["authenticator"]["phone_number"], PHONE);
    assert!(details["provider_error"]["message"].as_str().unwrap().contains(PHONE));
    assert_eq!(twilio.take().len(), 2);
}

#[tokio::test]
async fn what_may_have_arrived_is_not_sent_again() {
    let (world, twilio) = with_twilio().await;
    for (reply, calls) in [(Reply::Reset, 1), (Reply::Garbage, 1), (Reply::Close, 1), (Reply::Status(500), 2)] {
        twilio.reply(reply);
        let told = told(&world, VOICE).await;
        assert_eq!(told.starts_with("gd_send_voice_failure Transient false"), calls == 1, "{told}");
        assert_eq!(twilio.take().len(), calls, "{told}");
    }
}

#[tokio::test]
async fn a_hostile_name_changes_neither_form_nor_call() {
    let (world, twilio) = with_twilio().await;
    let name = "A&To=%2B1&MessagingServiceSid=MG1\r\nFrom: x</Say><Dial>+1900</Dial>{{code}}";
    let body = json!({"friendly_name": name});
    let answer = world.api("update:tenant_settings").patch("/api/v2/tenants/settings", body).await;
    assert_eq!(answer.status, 200, "{answer}");
    let texts =
        json!({"enrollment_message": "x", "verification_message": "{{ tenant.friendly_name }}{{ pause }}</Response>"});
    put(&world, "templates", texts).await;
    sent(&world, &message(&world, SMS, "en")).await;
    sent(&world, &message(&world, VOICE, "en\"><Dial>")).await;
    let (text, call) = (twilio.next().await, twilio.next().await);
    assert_eq!(text.form("To").as_deref(), Some(PHONE));
    assert_eq!(text.form("MessagingServiceSid"), None);
    assert_eq!(text.form("Body").unwrap(), format!("{name}</Response>"));
    expect![[r#"<Response><Say language="en-US">A&amp;To=%2B1&amp;MessagingServiceSid=MG1  From: x&lt;/Say&gt;&lt;Dial&gt;+1900&lt;/Dial&gt;{{code}}</Say><Pause length="1"/><Say language="en-US">&lt;/Response&gt;</Say></Response>"#]].assert_eq(&call.form("Twiml").unwrap());
    drop(world.logs().await);
}

#[tokio::test]
async fn the_built_in_sender_takes_texts_for_the_operator_and_no_calls() {
    let world = world("auth0", Options::default()).await;
    let attempt = sent(&world, &message(&world, SMS, "de")).await;
    let kept = world.app.db.read("test.outbox", |tx| outbox::list(tx, 10)).await.unwrap();
    assert_eq!(attempt.outcome, send::Outcome::Sent(Some(kept[0].id.clone())));
    assert_eq!((kept.len(), kept[0].recipient.expose()), (1, PHONE));
    assert_eq!(kept[0].text.expose(), "482913 ist Ihr Anmeldecode für My Tenant.");
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["gd_send_sms"]);
    assert_eq!(logs.0[0]["details"]["provider_message_id"], kept[0].id.as_str());
    expect![[r#"gd_send_voice_failure Configuration true {"errorCode":"error_sending_voice","message":"There was an error making the voice call"} {"errorCode":null,"message":"The built-in sender makes no calls"}"#]].assert_eq(&told(&world, VOICE).await);
}

#[tokio::test]
async fn the_inbox_of_dev_shows_what_the_built_in_sender_takes() {
    let world = world("auth0", Options::default()).await;
    let door = Inbox { url: world.gateway.url(), authorization: Secret::new("Bearer door") };
    assert!(world.app.inbox.set(door).is_ok());
    assert_eq!(told(&world, SMS).await, "gd_send_sms");
    let posted = world.gateway.next().await;
    assert_eq!(posted.bearer(), Some("door"));
    let body = json!({"channel": "sms", "recipient": PHONE, "body": "482913 is your My Tenant sign-in code."});
    assert_eq!(posted.json(), body);
    // An inbox that is gone loses nothing: the message is in the outbox.
    world.gateway.reply(Reply::Status(500));
    assert_eq!(told(&world, SMS).await, "gd_send_sms");
    assert_eq!(
        (world.gateway.take().len(), world.app.db.read("test.sent", outbox::sent_by_built_in).await.unwrap()),
        (1, 2)
    );
}

#[tokio::test]
async fn after_its_hundredth_message_the_built_in_sender_is_silent_and_the_log_says_so() {
    let world = Arc::new(world("auth0", Options::default()).await);
    let asked: Vec<_> = (0..105)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let message = message(&world, SMS, "en");
                send::send(&world.app, &message, &Caller::default()).await.unwrap().outcome == send::Outcome::Swallowed
            })
        })
        .collect();
    let mut swallowed = 0;
    for one in asked {
        swallowed += u32::from(one.await.unwrap());
    }
    assert_eq!(swallowed, 5);
    assert_eq!(world.app.db.read("test.sent", outbox::sent_by_built_in).await.unwrap(), 100);
    expect![[r#"gd_send_sms_failure {"errorCode":"too_many_sms_per_tenant","message":"The built-in sender has sent all it ever will"}"#]].assert_eq(&told(&world, SMS).await);
}

#[tokio::test]
async fn a_limit_of_zero_refuses_every_message() {
    let limits = Limits { built_in_messages: 0, ..Limits::default() };
    let world = world("auth0", Options { limits, ..Options::default() }).await;
    assert!(told(&world, SMS).await.contains("too_many_sms_per_tenant"));
}

#[tokio::test]
async fn settings_that_cannot_send_are_told_in_the_log() {
    let world = world("phone-message-hook", Options::default()).await;
    let mut out = String::new();
    for message_type in [SMS, VOICE] {
        out.line(told(&world, message_type).await);
    }
    put(&world, "selected-provider", json!({"provider": "twilio"})).await;
    for settings in [json!({}), json!({"sid": "AC1"}), json!({"sid": "../AC1", "auth_token": "t", "from": "+1"})] {
        put(&world, "providers/twilio", settings).await;
        out.line(told(&world, SMS).await);
    }
    expect![[r#"
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":null,"message":"No send-phone-message Action is bound"}
        gd_send_voice_failure Configuration true {"errorCode":"error_sending_voice","message":"There was an error making the voice call"} {"errorCode":null,"message":"No send-phone-message Action is bound"}
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":null,"message":"Twilio is not configured"}
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":null,"message":"Twilio is not configured"}
        gd_send_sms_failure Configuration true {"errorCode":"error_sending_sms","message":"There was an error sending the SMS"} {"errorCode":null,"message":"Twilio is not configured"}
    "#]].assert_eq(&out);
}

#[tokio::test]
async fn no_event_and_no_print_holds_the_code() {
    let (world, twilio) = with_twilio().await;
    let echo = json!({"code": 21211, "message": "482913 is your code, 4. 8. 2. 9. 1. 3, and no text"}).to_string();
    for reply in [Reply::Status(201), Reply::Body { status: 400, content_type: "application/json", body: echo.into() }]
    {
        twilio.reply(reply);
        let message = message(&world, SMS, "en");
        let attempt = sent(&world, &message).await;
        let printed = format!("{attempt:?} {message:?}");
        assert!(!printed.contains("482913") && !printed.contains(PHONE), "{printed}");
        let logs = world.logs().await.to_string();
        assert!(!logs.contains("482913") && !logs.contains("4. 8") && !logs.contains(TOKEN), "{logs}");
    }
    assert_eq!(twilio.take().len(), 2);
}
