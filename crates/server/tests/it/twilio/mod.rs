//! Messages through Twilio: the call, its outcome, and when it is made once more (`docs/COMPATIBILITY.md` C1001-C1020).

mod repeats;

use std::time::Duration;

use expect_test::expect;
use ringpass::config::TwilioTimes;
use ringpass_core::kit::hash;
use ringpass_simulator::{FAULTS, Reply, Twilio, fault};
use serde_json::json;

use crate::world::{Lines as _, NATIVE, Options, PHONE, World};

const SID: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "twilio-t0ken-of-the-tests";

/// No test waits out a pause.
fn times() -> TwilioTimes {
    TwilioTimes { pause: Duration::from_millis(1), ..TwilioTimes::default() }
}

/// A world whose `sms` connection sends through the Twilio at `base_url`, and that reaches no private address otherwise.
async fn world_on(base_url: &str, twilio: TwilioTimes) -> World {
    let twilio_base_url = base_url.to_owned();
    let world = World::with(Options { twilio_base_url, twilio, allow_networks: "", ..Options::default() }).await;
    world
        .sms(json!({"provider": null, "gateway_url": null, "gateway_authentication": null,
            "twilio_sid": SID, "twilio_token": TOKEN}))
        .await;
    world
}

async fn new() -> (World, Twilio) {
    with(times()).await
}

async fn with(times: TwilioTimes) -> (World, Twilio) {
    let twilio = Twilio::start(SID, TOKEN).await.unwrap();
    (world_on(&twilio.base_url(), times).await, twilio)
}

/// A start that Twilio's answer decides: what the caller is told, and that the log says the same.
async fn outcome(world: &World) -> String {
    let answer = world.anon().start(PHONE).await;
    let logs = world.logs().await;
    let told = answer.text("error_description");
    if answer.status == 200 {
        assert_eq!(logs.lines(), ["cs: Code Sent"]);
    } else {
        assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (400, "sms_provider_error"));
        assert_eq!(logs.lines(), [format!("f: {told}")]);
        assert_eq!(logs.0[0]["details"]["error"]["type"], "sms_provider_error");
    }
    format!("{} {told}", answer.status.as_u16()).trim_end().to_owned()
}

/// The same with a script: the outcome, and how many requests it took.
async fn played<const N: usize>(world: &World, twilio: &Twilio, script: [Reply; N]) -> String {
    for reply in script {
        twilio.reply(reply);
    }
    let outcome = outcome(world).await;
    format!("{} {outcome}", twilio.take().len())
}

fn said(status: u16, body: impl Into<String>) -> Reply {
    Reply::Body { status, content_type: "application/json", body: body.into().into() }
}

#[tokio::test]
async fn twilio_gets_one_form_with_basic_credentials_and_its_code_signs_in() {
    let (world, twilio) = new().await;
    assert_eq!(outcome(&world).await, "200");
    let sent = twilio.next().await;
    let mut head = format!("{} {}\n", sent.method, sent.path);
    for (name, value) in sent.headers.iter().filter(|(name, _)| *name != "host" && *name != "authorization") {
        head.line(format!("{name}: {}", value.to_str().unwrap()));
    }
    expect![[r#"
        POST /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json
        content-type: application/x-www-form-urlencoded
        accept: application/json
        user-agent: Auth0
        content-length: 80

        To=%2B4915112345678&From=%2B15550009999&Body=Your+verification+code+is%3A+867762
    "#]]
    .assert_eq(&format!("{head}\n{}\n", String::from_utf8_lossy(&sent.body)));
    let pair = hash::base64(format!("{SID}:{TOKEN}").as_bytes());
    assert_eq!(sent.header("authorization"), Some(format!("Basic {pair}").as_str()));
    assert_eq!(world.anon().redeem(PHONE, &sent.code().unwrap(), json!({})).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
    assert_eq!((twilio.count(), world.gateway.count()), (1, 0));
}

#[tokio::test]
async fn a_messaging_service_takes_the_place_of_the_number() {
    let (world, twilio) = new().await;
    let mut out = String::new();
    for options in [
        json!({"from": "+1 (555) 000-9999", "provider": "twilio"}),
        json!({"from": "+15550009999", "messaging_service_sid": "MG77"}),
        json!({"from": null}),
        json!({"from": "Acme & Söhne", "messaging_service_sid": null}),
    ] {
        world.sms(options).await;
        assert_eq!(outcome(&world).await, "200");
        let sent = twilio.next().await;
        out.line(json!({"From": sent.form("From"), "MessagingServiceSid": sent.form("MessagingServiceSid")}));
    }
    expect![[r#"
        {"From":"+1 (555) 000-9999","MessagingServiceSid":null}
        {"From":null,"MessagingServiceSid":"MG77"}
        {"From":null,"MessagingServiceSid":"MG77"}
        {"From":"Acme & Söhne","MessagingServiceSid":null}
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn every_documented_refusal_reaches_the_caller_in_twilios_words() {
    let (world, twilio) = new().await;
    let mut out = String::new();
    for (code, ..) in FAULTS {
        out.line(played(&world, &twilio, [fault(*code)]).await);
        if *code == 20500 {
            // The failure was Twilio's own, so there was a second call, and the script had nothing for it.
            assert!(out.ends_with("2 200\n"), "{out}");
            out.line(played(&world, &twilio, [fault(20500), fault(20500)]).await);
        }
    }
    expect![[r#"
        1 400 Authenticate (Code: 20003)
        1 400 The requested resource was not found (Code: 20404)
        1 400 Too Many Requests (Code: 20429)
        2 200
        2 400 Internal Server Error (Code: 20500)
        1 400 No 'To' number is specified (Code: 21201)
        1 400 Url or Twiml is not valid (Code: 21205)
        1 400 The 'To' number +4915112345678 is not a valid phone number. (Code: 21211)
        1 400 The 'From' number 123 is not a valid phone number, shortcode, or alphanumeric sender ID. (Code: 21212)
        1 400 'From' phone number is required (Code: 21213)
        1 400 'To' phone number cannot be reached (Code: 21214)
        1 400 Account not authorized to call +4915112345678 (Code: 21215)
        1 400 Account not allowed to call +4915112345678 (Code: 21216)
        1 400 Phone number does not appear to be valid (Code: 21217)
        1 400 Permission to send an SMS has not been enabled for the region indicated by the 'To' number: +4915112345678. (Code: 21408)
        1 400 Message body is required. (Code: 21602)
        1 400 A 'From' phone number is required. (Code: 21603)
        1 400 A 'To' phone number is required. (Code: 21604)
        1 400 The From phone number +15550009999 is not a valid, SMS-capable inbound phone number or short code for your account. (Code: 21606)
        1 400 The number +4915112345678 is unverified. Trial accounts cannot send messages to unverified numbers. (Code: 21608)
        1 400 Attempt to send to unsubscribed recipient (Code: 21610)
        1 400 This 'From' number has exceeded the maximum number of queued messages (Code: 21611)
        1 400 The 'To' phone number: +4915112345678, is not currently reachable using the 'From' phone number: +15550009999 via SMS. (Code: 21612)
        1 400 'To' number is not a valid mobile number (Code: 21614)
        1 400 The concatenated message body exceeds the 1600 character limit. (Code: 21617)
        1 400 The Messaging Service does not have a phone number available to send a message (Code: 21703)
        1 400 The Messaging Service Sid MG77 is invalid. (Code: 21705)
    "#]].assert_eq(&out);
}

#[tokio::test]
async fn an_invalid_number_is_a_whole_sms_provider_error_and_its_code_is_dead() {
    let (world, twilio) = new().await;
    twilio.reply(fault(21211));
    world.anon().start(PHONE).await.is(expect![[r#"
        400 Bad Request
        content-type: application/json; charset=utf-8
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323118

        {
          "error": "sms_provider_error",
          "error_description": "The 'To' number +4915112345678 is not a valid phone number. (Code: 21211)"
        }
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "f",
          "description": "The 'To' number +4915112345678 is not a valid phone number. (Code: 21211)",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_name": "+4915112345678",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "details": {
            "body": {
              "authParams": {},
              "client_id": "cli_native",
              "connection": "sms",
              "ip": "203.0.113.7",
              "phone_number": "+4915112345678",
              "request_language": "",
              "send": "",
              "tenant": "tenant",
              "user-agent": "Test/1.0",
              "username": "+4915112345678"
            },
            "qs": {},
            "error": {
              "message": "The 'To' number +4915112345678 is not a valid phone number. (Code: 21211)",
              "oauthError": "The 'To' number +4915112345678 is not a valid phone number. (Code: 21211)",
              "type": "sms_provider_error",
              "uri": null
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let code = twilio.next().await.code().unwrap();
    let answer = world.anon().redeem(PHONE, &code, json!({})).await;
    assert_eq!(answer.text("error_description"), "Wrong phone number or verification code.");
    assert_eq!(world.logs().await.kinds(), ["fepotpft"]);
}

#[tokio::test]
async fn any_2xx_is_success_whatever_comes_with_it() {
    let (world, twilio) = new().await;
    for reply in [
        Reply::Status(200),
        Reply::Status(204),
        said(202, "{\"code\": 21211, \"message\": \"no\"}"),
        said(201, "not json"),
        said(201, "{\"status\":\"failed\",\"error_code\":30007,\"error_message\":\"Filtered\"}"),
        Reply::Huge(100_000_000),
        Reply::HalfAnswer,
    ] {
        assert_eq!(played(&world, &twilio, [reply]).await, "1 200");
    }
}

#[tokio::test]
async fn answers_that_say_nothing_are_told_by_their_status() {
    let (world, twilio) = new().await;
    let mut out = String::new();
    for reply in [
        Reply::Status(400),
        said(401, "<html>"),
        said(403, "{\"code\":null,\"message\":\"no\"}"),
        said(404, "[21211]"),
        said(400, format!("{{\"code\":1,\"message\":\"{}\"}}", "x".repeat(9_000))),
        said(400, "{\"a\":".repeat(1_000)),
        Reply::Redirect(world.gateway.url(), 307),
    ] {
        out.line(played(&world, &twilio, [reply]).await);
    }
    expect![[r#"
        1 400 Unexpected response while calling Twilio (Code: 400)
        1 400 Unexpected response while calling Twilio (Code: 401)
        1 400 Unexpected response while calling Twilio (Code: 403)
        1 400 Unexpected response while calling Twilio (Code: 404)
        1 400 Unexpected response while calling Twilio (Code: 400)
        1 400 Unexpected response while calling Twilio (Code: 400)
        1 400 Unexpected response while calling Twilio (Code: 307)
    "#]]
    .assert_eq(&out);
    assert_eq!(world.gateway.count(), 0);
}

#[tokio::test]
async fn a_foreign_message_is_one_short_line_and_never_the_token() {
    let (world, twilio) = new().await;
    let basic = hash::base64(format!("{SID}:{TOKEN}").as_bytes());
    let message = format!("{TOKEN}\r\nset-cookie: a=b\u{0}\u{1b}[2J\u{2028}\u{202e}{basic}{}", "!".repeat(1_000));
    let told = played(&world, &twilio, [said(400, json!({"code": 7, "message": message}).to_string())]).await;
    assert_eq!(told, format!("1 400 ***  set-cookie: a=b  [2J  ***{} (Code: 7)", "!".repeat(270)));
}

#[tokio::test]
async fn the_base_url_may_have_a_path_of_its_own() {
    for slash in ["", "/"] {
        let twilio = Twilio::start(SID, TOKEN).await.unwrap();
        let world = world_on(&format!("{}/edge/1{slash}", twilio.base_url()), times()).await;
        // The simulator knows no such account.
        assert_eq!(outcome(&world).await, "400 The requested resource was not found (Code: 20404)");
        let path = twilio.next().await.path;
        assert_eq!(path, format!("/edge/1/2010-04-01/Accounts/{SID}/Messages.json"));
    }
}

#[tokio::test]
async fn no_connection_reaches_inside_by_way_of_the_exemption() {
    let (world, twilio) = new().await;
    // A kept connection to the private address is there: it must not serve the guarded call either.
    assert_eq!(outcome(&world).await, "200");
    assert_eq!(twilio.take().len(), 1);
    let inside = format!("{}/2010-04-01/Accounts/{SID}/Messages.json", twilio.base_url());
    world.sms(json!({"provider": "sms_gateway", "gateway_url": inside})).await;
    assert_eq!(outcome(&world).await, "400 Unexpected response while calling the SMS gateway: EHOSTUNREACH");
    // Twilio's settings name no host, and an account stays in its segment of the path.
    world.sms(json!({"provider": "twilio"})).await;
    let port = world.gateway.addr().port();
    for sid in [
        "..".to_owned(),
        "../../../send".to_owned(),
        format!("{SID}/Calls.json?"),
        format!("{SID}#"),
        format!("{SID}?a="),
        format!("{SID}%2f..%2f.."),
        format!("{SID}\r\nhost: 127.0.0.1:{port}\r\n\r\n"),
        format!("@127.0.0.1:{port}"),
        format!("//127.0.0.1:{port}"),
        format!("\\\\127.0.0.1:{port}"),
    ] {
        world.sms(json!({"twilio_sid": sid})).await;
        assert_eq!(outcome(&world).await, "400 The SMS provider is not configured", "{sid:?}");
    }
    // What else the settings hold stays in the form and in the credentials.
    let odd = json!({"twilio_sid": SID, "from": "1&To=+15550000000\r\nx: y", "twilio_token": "a:b\r\nx: y"});
    world.sms(odd).await;
    assert_eq!(outcome(&world).await, "400 Authenticate (Code: 20003)");
    let sent = twilio.next().await;
    assert_eq!(
        (sent.form("To").as_deref(), sent.form("From").as_deref()),
        (Some(PHONE), Some("1&To=+15550000000\r\nx: y"))
    );
    assert_eq!((sent.header("x"), world.gateway.count(), twilio.take().len()), (None, 0, 0));
}

#[tokio::test]
async fn the_operator_is_told_why_a_connection_cannot_send() {
    let (world, _twilio) = new().await;
    let warnings = || world.app.snapshot().warnings().join("\n");
    assert_eq!(warnings(), "");
    let mut out = String::new();
    for options in [
        json!({"twilio_sid": "../x"}),
        json!({"twilio_sid": SID, "twilio_token": null}),
        json!({"twilio_token": TOKEN, "from": null}),
        json!({"twilio_token": null, "twilio_sid": null}),
        json!({"provider": "twilio"}),
        json!({"provider": "sms_gateway"}),
    ] {
        world.sms(options).await;
        out.line(warnings());
        assert_eq!(outcome(&world).await, "400 The SMS provider is not configured");
    }
    expect![[r#"
        connection `sms` cannot send: twilio_sid holds more than letters and digits
        connection `sms` cannot send: twilio_token is not set
        connection `sms` cannot send: neither from nor messaging_service_sid is set
        connection `sms` cannot send: it has neither a gateway_url with the provider `sms_gateway` nor Twilio's settings
        connection `sms` cannot send: twilio_sid is not set
        connection `sms` cannot send: gateway_url is not set, or gateway_authentication cannot sign
    "#]]
    .assert_eq(&out);
    assert!(!out.contains(TOKEN));
    // A connection that nobody uses is nobody's problem.
    world.enable("sms", &[]).await;
    assert_eq!(warnings(), "");
    world.enable("sms", &[NATIVE]).await;
}

#[tokio::test]
async fn options_come_back_as_sent_and_the_token_stands_in_no_log() {
    let (world, twilio) = new().await;
    let api = world.api("read:connections update:connections");
    let id = world.app.snapshot().channel("sms", NATIVE).unwrap().connection.id.clone();
    let path = format!("/api/v2/connections/{id}");
    let options = json!({"strategy": "sms", "name": "sms", "twilio_sid": SID, "twilio_token": TOKEN, "from": "+1 555",
        "messaging_service_sid": null, "template": "@@code@@"});
    let answer = api.patch(&path, json!({"options": options})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["options"]), (200, &options));
    assert_eq!(api.get(&path).await.json()["options"], options);
    assert_eq!(outcome_beside_sapi(&world).await, "200");
    assert_eq!(twilio.next().await.form("From").as_deref(), Some("+1 555"));
    for wrong in [json!({"twilio_token": [TOKEN]}), json!({"twilio_sid": 7}), json!({"provider": TOKEN.len()})] {
        let answer = api.patch(&path, json!({"options": wrong})).await;
        assert_eq!((answer.status.as_u16(), answer.text("errorCode").as_str()), (400, "invalid_body"), "{answer}");
        assert!(!answer.to_string().contains(TOKEN), "{answer}");
    }
    assert!(!world.logs().await.to_string().contains(TOKEN));
}

/// A start after changes by the Management API, whose events hold no token.
async fn outcome_beside_sapi(world: &World) -> String {
    let changes = world.logs().await;
    assert!(changes.kinds().iter().all(|kind| kind == "sapi"), "{changes}");
    let text = changes.to_string();
    assert!(!text.contains(TOKEN) && text.contains("\"twilio_token\": \"*****\""), "{text}");
    outcome(world).await
}
