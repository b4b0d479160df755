//! The call to the operator's SMS gateway, its outcome and the text it carries (`docs/COMPATIBILITY.md` C251-C258,
//! C301-C338).

use std::time::Duration;

use expect_test::expect;
use ringpass_core::kit::jwt::Parsed;
use ringpass_simulator::{Received, Reply};
use serde_json::{Value, json};

use crate::world::{GATEWAY_SECRET, Lines as _, Options, PHONE, World};

/// A start whose message arrives.
async fn message(world: &World) -> Received {
    let answer = world.anon().start(PHONE).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["cs"]);
    world.gateway.next().await
}

/// A start that the gateway's answer decides: what the caller is told, and that the log says the same.
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

#[tokio::test]
async fn the_gateway_gets_one_post_with_three_members_and_a_token() {
    let world = World::new().await;
    let sent = message(&world).await;
    let mut head = format!("{} {}\n", sent.method, sent.path);
    for (name, value) in sent.headers.iter().filter(|(name, _)| *name != "host" && *name != "authorization") {
        head.line(format!("{name}: {}", value.to_str().unwrap()));
    }
    expect![[r#"
        POST /send
        content-type: application/json
        accept: */*
        user-agent: Auth0
        content-length: 97

        {"recipient":"+4915112345678","body":"Your verification code is: 867762","sender":"+15550009999"}
    "#]]
    .assert_eq(&format!("{head}\n{}\n", String::from_utf8_lossy(&sent.body)));
    assert_eq!(sent.headers.get_all("authorization").iter().count(), 1);
    expect![[r#"
        {
          "header": {
            "alg": "HS256",
            "typ": "JWT"
          },
          "claims": {
            "iss": "https://tenant.example/",
            "sub": "urn:Auth0",
            "aud": "urn:MySmsGateway",
            "iat": 1767323045,
            "exp": 1767323345,
            "jti": "DCc1o1giIh6kAwPbK8CZCQ"
          }
        }
    "#]]
    .assert_eq(&format!("{:#}\n", world.read_token(sent.bearer().unwrap(), GATEWAY_SECRET)));
}

#[tokio::test]
async fn each_call_carries_a_token_of_its_own() {
    let world = World::new().await;
    let (first, second) = (message(&world).await, message(&world).await);
    let jti = |sent: &Received| world.read_token(sent.bearer().unwrap(), GATEWAY_SECRET)["claims"]["jti"].clone();
    assert_ne!(jti(&first), jti(&second));
}

#[tokio::test]
async fn the_secret_is_text_or_base64url_and_the_inner_flag_wins() {
    let world = World::new().await;
    let coded = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let bytes: Vec<u8> = (0..32).collect();
    let cases = [
        // flag inside, flag outside, key
        (json!(true), Value::Null, &bytes[..]),
        (json!("true"), Value::Null, &bytes),
        (Value::Null, json!(true), &bytes),
        (json!(true), json!(false), &bytes),
        (json!(false), json!(true), coded.as_bytes()),
        (json!(false), Value::Null, coded.as_bytes()),
        (Value::Null, json!("false"), coded.as_bytes()),
        (Value::Null, Value::Null, coded.as_bytes()),
    ];
    for (inside, outside, key) in cases {
        let mut authentication = json!({"method": "bearer", "audience": "urn:MySmsGateway", "secret": coded});
        if !inside.is_null() {
            authentication["secret_base64_encoded"] = inside.clone();
        }
        world.sms(json!({"gateway_authentication": authentication, "secret_base64_encoded": outside})).await;
        let sent = message(&world).await;
        let token = Parsed::new(sent.bearer().unwrap()).unwrap();
        assert!(token.verifies_hs256(key), "inside {inside}, outside {outside}");
        assert!(!token.claims().contains_key("sub"), "no subject is configured");
    }
    // Padding and the standard alphabet are tolerated.
    let authentication =
        json!({"method": "bearer", "audience": "a", "secret": "+/+/AA==", "secret_base64_encoded": true});
    world.sms(json!({"gateway_authentication": authentication, "secret_base64_encoded": null})).await;
    let sent = message(&world).await;
    assert!(Parsed::new(sent.bearer().unwrap()).unwrap().verifies_hs256(&[0xfb, 0xff, 0xbf, 0]));
}

#[tokio::test]
async fn without_authentication_there_is_no_token_and_without_from_no_sender() {
    let world = World::new().await;
    world.sms(json!({"gateway_authentication": null, "from": null})).await;
    let sent = message(&world).await;
    assert_eq!(sent.header("authorization"), None);
    expect![[r#"{"recipient":"+4915112345678","body":"Your verification code is: 867762"}"#]]
        .assert_eq(&String::from_utf8_lossy(&sent.body));
}

#[tokio::test]
async fn a_message_that_should_carry_a_token_is_never_sent_without_one() {
    let world = World::new().await;
    for authentication in [
        json!({"method": "bearer", "audience": "a"}),
        json!({"method": "bearer", "secret": "x"}),
        json!({"method": "bearer", "audience": "a", "secret": "!!", "secret_base64_encoded": true}),
    ] {
        world.sms(json!({"gateway_authentication": authentication})).await;
        assert_eq!(outcome(&world).await, "400 The SMS provider is not configured");
    }
    assert_eq!(world.gateway.count(), 0);
}

#[tokio::test]
async fn the_caller_is_told_to_the_gateway_only_when_the_flag_is_on() {
    let world = World::new().await;
    let mut out = String::new();
    for flag in [json!(true), json!("true"), json!(false), json!("false"), json!("1"), json!(1), Value::Null] {
        world.sms(json!({"forward_req_info": flag})).await;
        let sent = message(&world).await;
        out.line(format!("{flag} {}", sent.json()["req"]));
    }
    expect![[r#"
        true {"ip":"203.0.113.7","user-agent":"Test/1.0"}
        "true" {"ip":"203.0.113.7","user-agent":"Test/1.0"}
        false null
        "false" null
        "1" null
        1 null
        null null
    "#]]
    .assert_eq(&out);
    world.sms(json!({"forward_req_info": true})).await;
    let caller = world.anon().without("user-agent").at("2001:db8::7");
    assert_eq!(caller.start(PHONE).await.status, 200);
    let sent = world.gateway.next().await;
    expect![[r#"{"recipient":"+4915112345678","body":"Your verification code is: 481213","sender":"+15550009999","req":{"ip":"2001:db8::7"}}"#]].assert_eq(&String::from_utf8_lossy(&sent.body));
    assert_eq!(world.anon().at("::ffff:192.0.2.9").start(PHONE).await.status, 200);
    assert_eq!(world.gateway.next().await.json()["req"]["ip"], "192.0.2.9");
    assert_eq!(world.logs().await.kinds(), ["cs", "cs"]);
}

#[tokio::test]
async fn only_200_is_success() {
    let world = World::new().await;
    let mut out = String::new();
    for status in [200, 201, 202, 204, 301, 400, 401, 403, 404, 429, 500, 503] {
        world.gateway.reply(Reply::Status(status));
        out.line(format!("{status}: {}", outcome(&world).await));
    }
    expect![[r#"
        200: 200
        201: 400 Unexpected response while calling the SMS gateway: 201
        202: 400 Unexpected response while calling the SMS gateway: 202
        204: 400 Unexpected response while calling the SMS gateway: 204
        301: 400 Unexpected response while calling the SMS gateway: 301
        400: 400 Unexpected response while calling the SMS gateway: 400
        401: 400 Authentication failed while calling the SMS gateway: 401
        403: 400 Unexpected response while calling the SMS gateway: 403
        404: 400 Unexpected response while calling the SMS gateway: 404
        429: 400 Unexpected response while calling the SMS gateway: 429
        500: 400 Unexpected response while calling the SMS gateway: 500
        503: 400 Unexpected response while calling the SMS gateway: 503
    "#]]
    .assert_eq(&out);
    assert_eq!(world.gateway.take().len(), 12);
}

#[tokio::test]
async fn gateway_503_becomes_sms_provider_error() {
    let world = World::new().await;
    world.gateway.reply(Reply::Status(503));
    world.anon().start(PHONE).await.is(expect![[r#"
        400 Bad Request
        content-type: application/json; charset=utf-8
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323118

        {
          "error": "sms_provider_error",
          "error_description": "Unexpected response while calling the SMS gateway: 503"
        }
    "#]]);
    world.gateway.next().await;
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "f",
          "description": "Unexpected response while calling the SMS gateway: 503",
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
              "message": "Unexpected response while calling the SMS gateway: 503",
              "oauthError": "Unexpected response while calling the SMS gateway: 503",
              "type": "sms_provider_error",
              "uri": null
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new().await;
    world.gateway.reply(Reply::Redirect(world.gateway.url(), 302));
    assert_eq!(outcome(&world).await, "400 Unexpected response while calling the SMS gateway: 302");
    assert_eq!(world.gateway.take().len(), 1);
}

#[tokio::test]
async fn the_body_of_an_answer_means_nothing() {
    let world = World::new().await;
    let json = Reply::Body { status: 200, content_type: "application/json", body: "{\"error\":true}".into() };
    let html = Reply::Body { status: 500, content_type: "text/html", body: "200 OK".into() };
    for (reply, expected) in [
        (json, "200"),
        (html, "400 Unexpected response while calling the SMS gateway: 500"),
        (Reply::Huge(100_000_000), "200"),
    ] {
        world.gateway.reply(reply);
        assert_eq!(outcome(&world).await, expected);
    }
    assert_eq!(world.gateway.take().len(), 3);
}

#[tokio::test]
async fn broken_connections_have_their_own_word_and_nothing_is_sent_twice() {
    let world = World::new().await;
    let mut out = String::new();
    for (name, reply) in [("reset", Reply::Reset), ("close", Reply::Close), ("not HTTP", Reply::Garbage)] {
        world.gateway.reply(reply);
        out.line(format!("{name}: {}", outcome(&world).await));
    }
    assert_eq!(world.gateway.take().len(), 3);
    // A port that nobody listens on; TLS to a port that speaks plain HTTP; URLs that cannot be called.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = world.gateway.url().replace("http://", "https://");
    for url in [&format!("http://{free}/"), &plain, "ftp://gateway.example/", "http://", "no url"] {
        world.sms(json!({"gateway_url": url})).await;
        let name = if url.contains("127.0.0.1:") { url.split(':').next().unwrap() } else { url };
        out.line(format!("{name}: {}", outcome(&world).await));
    }
    expect![[r#"
        reset: 400 Unexpected response while calling the SMS gateway: ECONNRESET
        close: 400 Unexpected response while calling the SMS gateway: ECONNRESET
        not HTTP: 400 Unexpected response while calling the SMS gateway: ECONNRESET
        http: 400 Unexpected response while calling the SMS gateway: ECONNREFUSED
        https: 400 Unexpected response while calling the SMS gateway: CERT_INVALID
        ftp://gateway.example/: 400 Unexpected response while calling the SMS gateway: EINVAL
        http://: 400 Unexpected response while calling the SMS gateway: EINVAL
        no url: 400 Unexpected response while calling the SMS gateway: EINVAL
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn a_gateway_that_hangs_or_drips_is_given_up() {
    let world = World::with(Options { gateway_timeout: Duration::from_millis(150), ..Options::default() }).await;
    let drip = Duration::from_millis(20);
    for reply in [Reply::Hang, Reply::SlowHead(drip)] {
        world.gateway.reply(reply);
        assert_eq!(outcome(&world).await, "400 Timeout while calling the SMS gateway: ESOCKETTIMEDOUT");
    }
    assert_eq!(world.gateway.take().len(), 2);
}

#[tokio::test]
async fn private_addresses_need_the_operators_word() {
    let world = World::with(Options { allow_networks: "10.0.0.0/8", ..Options::default() }).await;
    let port = world.gateway.addr().port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "192.168.1.1",
        "2130706433",
        "0x7f.1",
    ] {
        world.sms(json!({"gateway_url": format!("http://{host}:{port}/")})).await;
        let told = outcome(&world).await;
        assert_eq!(told, "400 Unexpected response while calling the SMS gateway: EHOSTUNREACH", "{host}");
    }
    assert_eq!(world.gateway.count(), 0);
}

#[tokio::test]
async fn a_connection_without_a_provider_says_so() {
    let world = World::new().await;
    for options in [
        json!({"gateway_url": null}),
        json!({"gateway_url": ""}),
        json!({"gateway_url": world.gateway.url(), "provider": "twilio"}),
        json!({"provider": null}),
    ] {
        world.sms(options).await;
        assert_eq!(outcome(&world).await, "400 The SMS provider is not configured");
    }
    assert_eq!(world.gateway.count(), 0);
}

#[tokio::test]
async fn a_code_that_was_not_delivered_is_worth_nothing_and_the_older_one_stays_dead() {
    let world = World::new().await;
    let older = world.anon().code(PHONE).await;
    world.gateway.reply(Reply::Status(500));
    outcome(&world).await;
    let lost = world.gateway.next().await.code().unwrap();
    assert_ne!(older, lost);
    for code in [older, lost] {
        let answer = world.anon().redeem(PHONE, &code, json!({})).await;
        assert_eq!(answer.text("error_description"), "Wrong phone number or verification code.");
    }
    assert_eq!(world.logs().await.kinds(), ["fepotpft", "fepotpft"]);
}

#[tokio::test]
async fn a_failed_send_does_not_take_back_a_newer_code() {
    let world = World::new().await;
    world.gateway.reply(Reply::Delay(Duration::from_millis(500), Box::new(Reply::Status(500))));
    let anon = world.anon();
    let (slow, newer) = tokio::join!(anon.start(PHONE), async {
        world.gateway.next().await;
        anon.start(PHONE).await
    });
    assert_eq!((slow.status.as_u16(), newer.status.as_u16()), (400, 200));
    let mut kinds = world.logs().await.kinds();
    kinds.sort();
    assert_eq!(kinds, ["cs", "f"]);
    let code = world.gateway.next().await.code().unwrap();
    assert_eq!(anon.redeem(PHONE, &code, json!({})).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
}

#[tokio::test]
async fn templates_are_filled_once_and_stay_plain_text() {
    let world = World::new().await;
    let mut out = String::new();
    for template in [
        json!({"template": "@@password@@ and @@code@@ for @@phone_number@@"}),
        json!({"template": "*@@ application.name @@* says **@@code@@** [@@request_language@@]"}),
        json!({"template": "@@unknown@@@@code@@ @@code"}),
        json!({"template": ""}),
        json!({"template": null}),
        json!({"template": "{{ code }}", "syntax": "liquid"}),
        json!({"template": "{{ code }}", "syntax": null}),
        json!({"template": "{{ code }} @@code@@", "syntax": "md_with_macros"}),
        json!({"template": "Grüße \"@@code@@\"\n\\ 🔑"}),
    ] {
        world.sms(template).await;
        let answer = world.anon().header("x-request-language", "@@code@@").start(PHONE).await;
        assert_eq!(answer.status, 200, "{answer}");
        let sent = world.gateway.next().await;
        out.line(&sent.json()["body"]);
        assert_eq!(world.logs().await.kinds(), ["cs"]);
    }
    expect![[r#"
        "867762 and 867762 for +4915112345678"
        "*Native App* says **089467** [@@code@@]"
        "909860 @@code"
        "Your verification code is: 954350"
        "Your verification code is: 023266"
        "525456"
        "904255"
        "{{ code }} 481213"
        "Grüße \"143208\"\n\\ 🔑"
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn a_connection_chooses_length_and_life_of_its_codes() {
    let world = World::new().await;
    for (totp, length, seconds) in [
        (json!({"length": 4, "time_step": 1}), 4, 1),
        (json!({"length": 10}), 10, 180),
        (json!({"time_step": 86_400}), 6, 86_400),
        (Value::Null, 6, 180),
    ] {
        world.sms(json!({"totp": totp})).await;
        let anon = world.anon().at(&format!("192.0.2.{length}"));
        let code = anon.code(PHONE).await;
        assert_eq!(code.len(), length, "{code}");
        world.clock.advance(seconds * 1_000);
        let late = anon.redeem(PHONE, &code, json!({})).await;
        assert_eq!(late.text("error_description"), "The verification code has expired. Please try to login again.");
        let code = {
            assert_eq!(world.logs().await.kinds(), ["fepotpft"]);
            anon.code(PHONE).await
        };
        world.clock.advance(seconds * 1_000 - 1);
        assert_eq!(anon.redeem(PHONE, &code, json!({})).await.status, 200);
        world.logs().await;
    }
}
