//! The development doors: `/`, `/dev/inbox`, `/dev/messages`, `/dev/gateway`, `/dev/twilio`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template as _;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use expect_test::expect;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ringpass::web::Reply;
use ringpass::web::dev::pages::{CodePage, DonePage, InboxPage, StartPage};
use ringpass::web::dev::{Channel, Content, Dev, GatewayCheck, Settings, WebClient, router};
use ringpass_core::kit::clock::Clock;
use ringpass_core::kit::hash::base64url;
use ringpass_core::kit::jwt::sign_hs256;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;
use serde_json::{Value, json};

use crate::world;

/// 2026-01-02T03:04:05.678Z.
const NOW: i64 = 1_767_323_045_678;
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The development doors, with a stand-in for the sign-in endpoints behind them.
#[derive(Clone)]
struct World {
    at: SocketAddr,
    dev: Arc<Dev>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

impl World {
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let settings = Settings {
            public_url: "https://login.example.test:8443".to_owned(),
            http_url: format!("http://{at}"),
            extra_hosts: vec![],
            web: WebClient { client_id: "web-id".to_owned(), client_secret: Secret::new("web-secret") },
            spa_client_id: "spa-id".to_owned(),
            native_client_id: "native-id".to_owned(),
            api_audience: "https://api.example.test".to_owned(),
            gateway: GatewayCheck {
                secret: Secret::new("gateway-secret"),
                audience: "urn:ringpass-dev".to_owned(),
                subject: "urn:Auth0".to_owned(),
            },
        };
        let dev = Arc::new(Dev::new(settings, Clock::fixed(NOW), Rng::seeded(1)));
        let world = Self { at, dev: Arc::clone(&dev) };
        let app = router(dev).merge(sign_in(world.clone()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        world
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.at));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request.body(Full::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    async fn submit(&self, form: &str) -> Answer {
        self.call("POST", "/dev/try", &[FORM, ("sec-fetch-site", "same-origin"), ("user-agent", "browser/1")], form)
            .await
    }

    async fn deliver(&self, claims: &Value, body: &str) -> Answer {
        let token = sign_hs256(b"gateway-secret", "JWT", claims).unwrap();
        self.call("POST", "/dev/gateway", &[("authorization", &format!("Bearer {token}"))], body).await
    }
}

/// Claims that the gateway takes.
fn good() -> Value {
    json!({"iss": "https://login.example.test:8443/", "sub": "urn:Auth0", "aud": "urn:ringpass-dev", "exp": NOW / 1000 + 300})
}

/// Stands in for the server proper: one code, and tokens that say who asked.
fn sign_in(world: World) -> Router {
    Router::new()
        .route("/passwordless/start", post(start))
        .route("/oauth/token", post(token))
        .route("/userinfo", post(userinfo))
        .with_state(world)
}

async fn start(State(world): State<World>, body: Bytes) -> Reply {
    let body: Value = serde_json::from_slice(&body).unwrap();
    if body["phone_number"] == "+15550000000" {
        let error = "Unexpected response while calling the SMS gateway: ECONNREFUSED";
        return refused(StatusCode::BAD_REQUEST, "sms_provider_error", error);
    }
    let sms = json!({
        "recipient": body["phone_number"], "body": "Your verification code is: 482913", "sender": "+15550009999",
    });
    world.deliver(&good(), &sms.to_string()).await;
    let known = body["client_id"] == "web-id" && body["client_secret"] == "web-secret" && body["send"] == "code";
    assert!(known, "{body}");
    let id = "6492b5a75bedeae7449299fa";
    Reply::json(StatusCode::OK, &json!({"_id": id, "phone_number": body["phone_number"], "phone_verified": true}))
}

async fn token(headers: HeaderMap, body: Bytes) -> Reply {
    let body: Value = serde_json::from_slice(&body).unwrap();
    if body["otp"] == "000000" {
        let error = "You've reached the maximum number of attempts. Please try to login again.";
        return refused(StatusCode::FORBIDDEN, "invalid_grant", error);
    }
    if body["otp"] != "482913" || body["realm"] != "sms" {
        return refused(StatusCode::FORBIDDEN, "invalid_grant", "Wrong phone number or verification code.");
    }
    let agent = headers["user-agent"].to_str().unwrap();
    let header = base64url(br#"{"alg":"RS256","typ":"JWT","kid":"k1"}"#);
    let claims = json!({
        "phone_number": body["username"], "phone_number_verified": true, "agent": agent,
        "iss": "https://login.example.test:8443/", "sub": "sms|65f0c0ffee0123456789abcd",
        "aud": "web-id", "iat": 1_767_323_045, "exp": 1_767_359_045,
    });
    let id_token = format!("{header}.{}.{}", base64url(claims.to_string().as_bytes()), base64url(&[7; 256]));
    Reply::json(
        StatusCode::OK,
        &json!({
            "access_token": base64url(&[9; 32]), "id_token": id_token,
            "scope": body["scope"], "expires_in": 86400, "token_type": "Bearer",
        }),
    )
}

async fn userinfo(headers: HeaderMap) -> Reply {
    assert_eq!(headers["authorization"].to_str().unwrap(), format!("Bearer {}", base64url(&[9; 32])));
    let profile = json!({
        "sub": "sms|65f0c0ffee0123456789abcd", "name": "+15550001111", "nickname": "",
        "picture": "https://s.gravatar.com/avatar/0", "updated_at": "2026-01-02T03:04:05.678Z",
        "phone_number": "+15550001111", "phone_number_verified": true,
    });
    Reply::json(StatusCode::OK, &profile)
}

fn refused(status: StatusCode, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

#[tokio::test]
async fn a_delivered_message_is_listed() {
    let world = World::new().await;
    assert_eq!(world.get("/dev/messages").await.body, "[]");
    let sms = json!({"recipient": "+15550001111", "body": "482913", "sender": "+15550009999", "req": {"ip": "::1"}});
    assert_eq!(world.deliver(&good(), &sms.to_string()).await.status, StatusCode::OK);
    let sms = r#"{"recipient": "+15550002222", "body": "second"}"#;
    assert_eq!(world.deliver(&good(), sms).await.status, StatusCode::OK);
    let answer = world.get("/dev/messages").await;
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let list = answer.json();
    assert_eq!(list[0]["recipient"], "+15550002222");
    assert_eq!(list[0]["sender"], Value::Null);
    expect![[r#"
        {
          "id": "8852afe2a10884927e973032",
          "at": "2026-01-02T03:04:05.678Z",
          "channel": "sms",
          "recipient": "+15550001111",
          "sender": "+15550009999",
          "body": "482913",
          "provider": "sms_gateway",
          "authorization": "Bearer …"
        }"#]]
    .assert_eq(&{
        let mut first = list[1].clone();
        let token = first["authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
        assert_eq!(token, sign_hs256(b"gateway-secret", "JWT", &good()).unwrap());
        first["authorization"] = "Bearer …".into();
        serde_json::to_string_pretty(&first).unwrap()
    });
}

#[tokio::test]
async fn the_gateway_lets_in_good_tokens_only() {
    let world = World::new().await;
    let sms = r#"{"recipient": "+15550001111", "body": "482913"}"#;
    let mut bad = vec![];
    for (claim, value) in [
        ("aud", json!("urn:other")),
        ("aud", Value::Null),
        ("sub", json!("urn:other")),
        ("exp", json!(NOW / 1000)),
        ("exp", Value::Null),
    ] {
        let mut claims = good();
        claims[claim] = value;
        bad.push(format!("Bearer {}", sign_hs256(b"gateway-secret", "JWT", &claims).unwrap()));
    }
    let unsigned = base64url(br#"{"alg":"none","typ":"JWT"}"#);
    bad.push(format!("Bearer {unsigned}.{}.", base64url(good().to_string().as_bytes())));
    bad.push(format!("Bearer {}", sign_hs256(b"another-secret", "JWT", &good()).unwrap()));
    bad.push(format!("Basic {}", sign_hs256(b"gateway-secret", "JWT", &good()).unwrap()));
    bad.extend(["Bearer".to_owned(), "Bearer x".to_owned()]);
    for header in bad {
        let answer = world.call("POST", "/dev/gateway", &[("authorization", &header)], sms).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
    }
    assert_eq!(world.call("POST", "/dev/gateway", &[], sms).await.status, StatusCode::UNAUTHORIZED);
    for body in ["", "{", "[]", r#"{"recipient": 1, "body": "x"}"#, r#"{"recipient": "+1"}"#] {
        assert_eq!(world.deliver(&good(), body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(world.get("/dev/messages").await.body, "[]");
}

#[tokio::test]
async fn the_built_in_twilio_delivers_into_the_inbox() {
    let world = World::new().await;
    let twilio_base_url = format!("http://{}/dev/twilio", world.at);
    let server = world::World::with(world::Options { twilio_base_url, allow_networks: "", ..Default::default() }).await;
    server.sms(json!({"provider": "twilio", "twilio_sid": "AC1", "twilio_token": "t0ken"})).await;
    assert_eq!(server.anon().start("+15550001111").await.status, 200);
    server.sms(json!({"messaging_service_sid": "MG1"})).await;
    assert_eq!(server.anon().start("+15550002222").await.status, 200);
    assert_eq!(server.logs().await.kinds(), ["cs", "cs"]);
    let list = world.get("/dev/messages").await.json();
    let shown =
        |at: usize| ["channel", "recipient", "sender", "provider", "authorization"].map(|name| list[at][name].clone());
    assert_eq!(
        shown(1),
        ["sms", "+15550001111", "+15550009999", "twilio"]
            .map(Value::from)
            .into_iter()
            .chain([Value::Null])
            .collect::<Vec<_>>()[..]
    );
    assert_eq!((&list[0]["recipient"], &list[0]["sender"]), (&json!("+15550002222"), &json!("MG1")));
    assert!(world.get("/dev/inbox").await.has("<strong class=\"code\">"));

    // What Twilio would refuse.
    let basic = |pair: &str| format!("Basic {}", ringpass_core::kit::hash::base64(pair.as_bytes()));
    let good = "To=%2B1&From=%2B2&Body=x";
    for (authorization, form, status, code) in [
        (basic("AC1:t"), good, 201, Value::Null),
        (basic("AC2:t"), good, 401, json!(20003)),
        (basic("AC1:"), good, 401, json!(20003)),
        (basic("AC1"), good, 401, json!(20003)),
        ("Basic !".to_owned(), good, 401, json!(20003)),
        ("Bearer x".to_owned(), good, 401, json!(20003)),
        (basic("AC1:t"), "", 400, json!(21604)),
        (basic("AC1:t"), "To=%2B1&From=%2B2&Body=", 400, json!(21602)),
        (basic("AC1:t"), "To=%2B1&Body=x", 400, json!(21603)),
    ] {
        let path = "/dev/twilio/2010-04-01/Accounts/AC1/Messages.json";
        let answer = world.call("POST", path, &[FORM, ("authorization", &authorization)], form).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (status, &code), "{authorization} {form}");
    }
    assert_eq!(world.get("/dev/messages").await.json().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_built_in_twilio_says_in_the_inbox_what_a_call_would() {
    let world = World::new().await;
    let speech = ringpass_core::kit::hash::base64(b"AC1:t");
    let authorization = format!("Basic {speech}");
    let call = async |form: &str| {
        let path = "/dev/twilio/2010-04-01/Accounts/AC1/Calls.json";
        world.call("POST", path, &[FORM, ("authorization", &authorization)], form).await
    };
    let said = "Twiml=%3CResponse%3E%3CSay+language%3D%22fr-FR%22%3EA+%26lt%3Bb%26gt%3B%3C%2FSay%3E%3CPause+length%3D%221%22%2F%3E%3CSay%3E4.+8.%3C%2FSay%3E%3C%2FResponse%3E";
    let answer = call(&format!("To=%2B1&From=%2B2&{said}")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (201, &json!("queued")));
    let list = world.get("/dev/messages").await.json();
    let shown = ["channel", "recipient", "sender", "body", "provider"].map(|name| list[0][name].clone());
    assert_eq!(shown, ["voice", "+1", "+2", "A <b> … 4. 8.", "twilio"].map(Value::from));
    assert!(world.get("/dev/inbox").await.has("Voice call"));
    for (form, code) in
        [(format!("From=1&{said}"), 21201), (format!("To=1&{said}"), 21213), ("To=1&From=2".into(), 21205)]
    {
        assert_eq!(call(&form).await.json()["code"], code, "{form}");
    }
}

#[tokio::test]
async fn what_nothing_else_carries_is_posted_into_the_inbox() {
    let world = World::new().await;
    let post = async |authorization: &str, body: Value| {
        world.call("POST", "/dev/post", &[("authorization", authorization)], &body.to_string()).await.status.as_u16()
    };
    let mail = json!({"channel": "email", "recipient": "a@b.example", "sender": null, "subject": "S", "body": "B"});
    let text = json!({"channel": "sms", "recipient": "+15550001111", "body": "482913 is your code"});
    assert_eq!(post("Bearer gateway-secret", mail.clone()).await, 200);
    assert_eq!(post("Bearer gateway-secret", text).await, 200);
    assert_eq!(post("Bearer another", mail).await, 401);
    for none in [json!({}), json!({"channel": "pigeon", "recipient": "a", "body": "b"}), json!([])] {
        assert_eq!(post("Bearer gateway-secret", none).await, 400);
    }
    let list = world.get("/dev/messages").await.json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!((&list[0]["channel"], &list[0]["provider"]), (&json!("sms"), &json!("inbox")));
    assert_eq!((&list[1]["channel"], &list[1]["subject"]), (&json!("email"), &json!("S")));
}

#[tokio::test]
async fn the_newest_thousand_messages_are_kept() {
    let world = World::new().await;
    for number in 0..1_001 {
        world.dev.receive(Content {
            channel: Channel::Sms,
            recipient: "+15550001111".to_owned(),
            sender: None,
            subject: None,
            body: number.to_string(),
            provider: "sms_gateway".to_owned(),
            authorization: None,
        });
    }
    let list = world.get("/dev/messages").await.json();
    let list = list.as_array().unwrap();
    assert_eq!((list.len(), &list[0]["body"], &list[999]["body"]), (1_000, &json!("1000"), &json!("1")));
    assert!(world.get("/dev/inbox").await.has("The newest 200 of 1000"));
}

#[tokio::test]
async fn strange_host_names_are_misdirected() {
    let world = World::new().await;
    for path in
        ["/", "/dev/inbox", "/dev/messages", "/dev/gateway", "/dev/twilio/2010-04-01/Accounts/AC1/Messages.json"]
    {
        for host in ["evil.example", "localhost.evil.example:8080", "127.0.0.2", "", "a b"] {
            let answer = world.call("GET", path, &[("host", host)], "").await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host} {path}");
        }
    }
    for host in ["localhost", "LOCALHOST:8443", "127.0.0.1:1", "[::1]:8080", "login.example.test:8443"] {
        assert_eq!(world.call("GET", "/dev/messages", &[("host", host)], "").await.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let world = World::new().await;
    let own = format!("http://{}", world.at);
    let cases = [
        ("sec-fetch-site", "cross-site", false),
        ("sec-fetch-site", "same-site", false),
        ("sec-fetch-site", "same-origin", true),
        ("origin", "null", false),
        ("origin", "http://localhost:3000", false),
        ("origin", &own, true),
    ];
    for (name, value, welcome) in cases {
        let answer = world.call("POST", "/dev/try", &[FORM, (name, value)], "phone=%2B15550001111").await;
        let wanted = if welcome { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, wanted, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_visitor_signs_in_step_by_step() {
    let world = World::new().await;
    let page = world.get("/").await;
    assert_eq!(page.headers["content-security-policy"].to_str().unwrap().split(';').next(), Some("default-src 'none'"));
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert!(page.has("login.example.test:8443") && page.has("spa-id"));

    let page = world.submit("phone=%2B1+(555)+000-1111").await;
    assert!(page.has("Type the code") && page.has("482913") && page.has("+15550001111"), "{}", page.body);
    assert!(page.has("&#34;client_secret&#34;: &#34;***&#34;") && !page.has("web-secret"));

    let page = world.submit("phone=%2B15550001111&code=111111").await;
    assert!(page.has("That code is not right.") && page.has("Wrong phone number or verification code."));
    let page = world.submit("phone=%2B15550001111&code=000000").await;
    assert!(page.has("This code is no longer good.") && !page.has("name=\"code\""));

    let page = world.submit("phone=%2B15550001111&code=+482913+").await;
    assert!(page.has("You are signed in") && page.has("&#34;agent&#34;: &#34;browser/1&#34;"), "{}", page.body);
    assert!(page.has("s.gravatar.com") && page.has("<code>expires_in</code>") && !page.has("web-secret"));
}

#[tokio::test]
async fn numbers_in_local_form_are_explained_without_a_call() {
    let world = World::new().await;
    for (typed, words) in [
        ("0151+12345678", "without its leading zero"),
        ("0049+151", "instead of 00"),
        ("%2B49x", "Only digits"),
        ("%2B1234567890123456", "At most 15 digits"),
        ("", "Please type a phone number"),
    ] {
        let page = world.submit(&format!("phone={typed}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.has(words), "{typed}: {}", page.body);
    }
    assert_eq!(world.get("/dev/messages").await.body, "[]");
}

#[tokio::test]
async fn a_failed_start_shows_the_servers_words() {
    let world = World::new().await;
    let page = world.submit("phone=%2B15550000000").await;
    assert!(page.has("The message could not be sent.") && page.has("sms_provider_error") && page.has("ECONNREFUSED"));
}

#[tokio::test]
async fn the_inbox_groups_by_recipient_and_tells_when_nothing_changed() {
    let world = World::new().await;
    assert!(world.get("/dev/inbox").await.has("No messages yet"));
    for (recipient, body) in
        [("+15550001111", "Code 1234, call +15550009999"), ("<i>x</i>", "<script>alert(1)</script>")]
    {
        let sms = json!({"recipient": recipient, "body": body}).to_string();
        assert_eq!(world.deliver(&good(), &sms).await.status, StatusCode::OK);
    }
    let page = world.get("/dev/inbox").await;
    assert!(page.has("<strong class=\"code\">1234</strong>, call +15550009999"), "{}", page.body);
    assert!(!page.has("<i>") && !page.has("<script>alert"));
    assert_eq!(page.body.matches("<section class=\"card conversation\"").count(), 2);
    let version = page.headers["etag"].to_str().unwrap();
    let again = world.call("GET", "/dev/inbox", &[("if-none-match", version)], "").await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
}

#[test]
fn every_page_draws_its_sample() {
    let inbox = InboxPage::sample().render().unwrap();
    assert!(inbox.contains("1 earlier") && inbox.contains("&#60;b&#62;+15550002222"), "{inbox}");
    assert!(StartPage::sample().render().unwrap().contains("value=\"0151 &#34;12345678&#34;\""));
    assert!(CodePage::sample().render().unwrap().contains("That code is not right."));
    assert!(DonePage::sample().render().unwrap().contains("&#60;script&#62;"));
}

#[tokio::test]
async fn the_hosted_pages_lead_back_to_the_browser_that_left_only() {
    let world = World::new().await;
    let leave = world.get("/dev/hosted").await;
    assert_eq!(leave.status, StatusCode::SEE_OTHER);
    let location = leave.headers["location"].to_str().unwrap().to_owned();
    assert!(location.contains("/authorize?client_id=") && location.contains("response_type=code"), "{location}");
    let cookie = leave.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("ringpass-try=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let foreign = world.get("/?code=x&state=y").await;
    assert!(foreign.has("This answer belongs to no sign-in that this browser began here."));
    let refused = world.get("/?error=access_denied&error_description=%3Cb%3E").await;
    assert!(refused.has("access_denied") && refused.has("&#60;b&#62;"), "{}", refused.body);
}
