//! Log-ins that applications' own pages make: `/co/authenticate` and the tickets it gives (C1570-C1578).

use expect_test::expect;
use http::Method;
use serde_json::{Value, json};

use crate::pages::{authorize, exchange, world as pages};
use crate::world::{Answer, Browser, Lines, NATIVE, OTP, PHONE, WEB, World};

const PATH: &str = "/co/authenticate";
const ORIGIN: &str = "https://app.example";
const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

async fn world() -> World {
    let world = pages().await;
    world.client(NATIVE, json!({"cross_origin_authentication": true})).await;
    world
}

/// A browser that shows a page of the application.
fn browser(world: &World) -> Browser<'_> {
    world.browser().with(|caller| caller.header("origin", ORIGIN))
}

fn with_code(code: &str) -> Value {
    json!({"client_id": NATIVE, "credential_type": OTP, "realm": "sms", "username": PHONE, "otp": code})
}

/// A code for the number.
async fn code(world: &World) -> String {
    world.anon().at("198.51.100.200").code(PHONE).await
}

/// A ticket for a code.
async fn ticket(world: &World, browser: &Browser<'_>) -> String {
    let answer = browser.post(PATH, with_code(&code(world).await)).await;
    assert_eq!(answer.status, 200, "{answer}");
    let kinds = world.logs().await.kinds();
    assert!(kinds == ["scoa"] || kinds == ["ss", "scoa"], "{kinds:?}");
    answer.text("login_ticket")
}

/// Brings a ticket to the authorization endpoint.
async fn bring(browser: &Browser<'_>, ticket: &str, more: &[(&str, &str)]) -> Answer {
    browser.get(&authorize(&[&[("login_ticket", ticket), ("realm", "sms")], more].concat())).await
}

fn error(answer: &Answer) -> String {
    answer.sent("error").unwrap_or_default()
}

#[tokio::test]
async fn a_page_of_the_application_logs_somebody_in() {
    let world = world().await;
    let browser = browser(&world);
    browser.post(PATH, with_code(&code(&world).await)).await.is(expect![[r#"
        200 OK
        access-control-allow-credentials: true
        access-control-allow-origin: https://app.example
        access-control-expose-headers: X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After
        cache-control: no-store
        content-type: application/json; charset=utf-8
        set-cookie: __Host-ringpass-ticket=bkTvDi6Jw1oqIKaXOpmyMtjngD40YGTO; Path=/; HttpOnly; SameSite=None; Secure; Max-Age=900

        {
          "login_ticket": "81VMdtqPKV17S__l5TI4I7AgIv0voR5cjp29KZFGgQk",
          "co_verifier": "lvMIu8kIvmOkhVjxpmMaK9uc-einr82p",
          "co_id": "3a302a1d89b946473b8a813e"
        }
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "ss",
          "description": "Success Signup",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad910b33902a66fc",
          "user_name": "+4915112345678",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "details": {
            "body": {
              "connection": "sms",
              "phone_number": "+4915112345678",
              "tenant": "tenant",
              "user_metadata": {}
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "scoa",
          "description": "Success cross-origin authentication",
          "connection": "sms",
          "connection_id": "con_XzcjiBgqM0zcm3Iy",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad910b33902a66fc",
          "user_name": "+4915112345678",
          "strategy": "sms",
          "strategy_type": "passwordless",
          "details": {
            "prompts": [],
            "stats": {
              "loginsCount": 0
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    let ticket = ticket(&world, &browser).await;
    let back = bring(&browser, &ticket, &[("nonce", "n")]).await;
    assert!(browser.cookie("auth0").is_some(), "{back}");
    assert_eq!(world.logs().await.kinds(), ["s"]);
    let tokens = exchange(&world, &back.sent("code").unwrap(), json!({})).await;
    let claims = world.read_token(&tokens.text("id_token"), "")["claims"].clone();
    assert_eq!((claims["phone_number"].as_str(), claims["nonce"].as_str()), (Some(PHONE), Some("n")));
    assert!(browser.get(&authorize(&[("prompt", "none")])).await.sent("code").is_some());
    assert_eq!(world.logs().await.kinds(), ["seacft", "ssa"]);
    assert_eq!(error(&bring(&browser, &ticket, &[]).await), "login_required", "a ticket is good once");
    assert_eq!(world.logs().await.kinds(), ["f"]);
}

#[tokio::test]
async fn a_password_does_it_too() {
    let world = world().await;
    world.enable(DATABASE, &[NATIVE]).await;
    world.tenant(json!({"default_directory": DATABASE})).await;
    let body = json!({"connection": DATABASE, "email": "ann@example.org", "username": "ann", "password": "a Long passphrase 1", "user_id": "ann"});
    assert_eq!(world.api("create:users").post("/api/v2/users", body).await.status, 201);
    drop(world.logs().await);
    let browser = browser(&world);
    let mut told = String::new();
    for (kind, realm, password) in [
        (REALM, Some(DATABASE), "a Long passphrase 1"),
        ("password", None, "a Long passphrase 1"),
        ("password", None, "wrong"),
    ] {
        let mut body = json!({"client_id": NATIVE, "credential_type": kind, "username": "ann", "password": password});
        if let Some(realm) = realm {
            body["realm"] = realm.into();
        }
        let answer = browser.post(PATH, body).await;
        if answer.status == 200 {
            let back = browser.get(&authorize(&[("login_ticket", &answer.text("login_ticket"))])).await;
            assert!(back.sent("code").is_some(), "{back}");
        } else {
            told.line(answer.line());
        }
    }
    expect![[r#"
        403 {"error":"access_denied","error_description":"Wrong email or password."}
    "#]]
    .assert_eq(&told);
    assert_eq!(world.logs().await.kinds(), ["scoa", "s", "scoa", "s", "fcoa"]);
}

#[tokio::test]
async fn every_refusal_has_its_text() {
    let world = world().await;
    let browser = browser(&world);
    let mut told = String::new();
    let right = with_code("123456");
    let changed = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        body
    };
    for body in [
        json!({}),
        changed("otp", "".into()),
        changed("otp", 123_456.into()),
        changed("realm", Value::Null),
        changed("extra", "x".into()),
        changed("password", "x".into()),
        json!({"client_id": NATIVE, "credential_type": REALM, "username": "a", "password": "b"}),
        json!({"client_id": NATIVE, "credential_type": "password", "username": "a", "password": "b", "realm": "c"}),
        json!({"client_id": NATIVE, "credential_type": "password", "username": "a", "password": "b"}),
        changed("credential_type", "x".into()),
        changed("realm", "non-existent-connection".into()),
        changed("realm", DATABASE.into()),
        changed("client_id", "nobody".into()),
        changed("client_id", WEB.0.into()),
        right.clone(),
    ] {
        told.line(browser.post(PATH, body).await.line());
        world.clock.advance(60_000);
    }
    told.line(browser.post(PATH, json!([])).await.line());
    expect![[r#"
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, otp, realm are required."}
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, otp, realm are required."}
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, otp, realm are required."}
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, otp, realm are required."}
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, otp, realm are required."}
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, otp, realm are required."}
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, password, realm are required."}
        400 {"error":"invalid_request","error_description":"Invalid request body. All and only of client_id, credential_type, username, password are required."}
        500 {"error":"server_error","error_description":"Authorization server not configured with default connection."}
        400 {"error":"unsupported_credential_type","error_description":"Unknown credential type parameter."}
        400 {"error":"invalid_request","error_description":"Unknown realm non-existent-connection."}
        400 {"error":"invalid_request","error_description":"Unknown realm Username-Password-Authentication."}
        401 {"error":"unauthorized_client","error_description":"Cross origin login not allowed."}
        401 {"error":"unauthorized_client","error_description":"Cross origin login not allowed."}
        403 {"error":"access_denied","error_description":"Wrong phone number or verification code."}
        400 {"error":"invalid_request","error_description":"Invalid request body"}
    "#]].assert_eq(&told);
    let kinds = world.logs().await.kinds();
    assert!(kinds.iter().all(|kind| kind == "fcoa") && kinds.len() == 15, "{kinds:?}");
}

#[tokio::test]
async fn a_blocked_user_and_a_blocked_number_learn_so() {
    let world = world().await;
    world.new_user(PHONE).await;
    let browser = browser(&world);
    let right = code(&world).await;
    world.block(PHONE, true).await;
    assert_eq!(
        browser.post(PATH, with_code(&right)).await.line(),
        r#"403 {"error":"blocked_user","error_description":"Blocked user"}"#
    );
    world.block(PHONE, false).await;
    let mut lines = Vec::new();
    for _ in 0..11 {
        lines.push(browser.post(PATH, with_code("no")).await.status.as_u16());
        world.clock.advance(1_000);
    }
    assert_eq!(lines, [403, 403, 403, 403, 403, 403, 403, 403, 403, 403, 429]);
    let kinds = world.logs().await.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "limit_wc").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn pages_of_other_origins_log_nobody_in() {
    let world = world().await;
    world
        .client(
            NATIVE,
            json!({"allowed_origins": ["https://cors.example"], "web_origins": [ORIGIN, "https://*.app.example"]}),
        )
        .await;
    let right = code(&world).await;
    let mut told = String::new();
    for origin in [
        "https://evil.example",
        "null",
        "https://cors.example",
        "http://app.example",
        "https://app.example.evil.example",
        "",
    ] {
        let browser = match origin {
            "" => world.browser(),
            origin => world.browser().with(|caller| caller.header("origin", origin)),
        };
        let answer = browser.post(PATH, with_code(&right)).await;
        assert!(answer.header("access-control-allow-origin").is_empty() && answer.header("set-cookie").is_empty());
        told.line(answer.line());
        world.clock.advance(1_000);
    }
    expect![[r#"
        403 Origin https://evil.example is not allowed.
        403 Origin null is not allowed.
        403 Origin https://cors.example is not allowed.
        403 Origin http://app.example is not allowed.
        403 Origin https://app.example.evil.example is not allowed.
        403 Origin null is not allowed.
    "#]]
    .assert_eq(&told);
    assert_eq!(world.logs().await.kinds(), ["fco"; 6]);
    let preflight = async |origin: &str| {
        let caller = world.nobody().header("origin", origin).header("access-control-request-method", "POST");
        caller.send(Method::OPTIONS, "/co/authenticate", "", "".into()).await
    };
    preflight("https://a.app.example").await.is(expect![[r#"
        204 No Content
        access-control-allow-credentials: true
        access-control-allow-headers: Content-Type, Authorization, Auth0-Client, X-Request-Language, DPoP
        access-control-allow-methods: GET, POST, DELETE
        access-control-allow-origin: https://a.app.example
        access-control-expose-headers: X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After
        access-control-max-age: 600
    "#]]);
    assert!(preflight("https://cors.example").await.header("access-control-allow-origin").is_empty());
    let browser = world.browser().with(|caller| caller.header("origin", "https://a.app.example"));
    assert_eq!(browser.post(PATH, with_code(&right)).await.status, 200);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_ticket_is_good_in_one_browser_from_one_origin_for_one_client_and_a_quarter_of_an_hour() {
    let world = world().await;
    world.client(NATIVE, json!({"web_origins": [ORIGIN, "https://other.example"]})).await;
    world.client(WEB.0, json!({"grant_types": ["authorization_code"], "callbacks": [crate::pages::CALLBACK], "cross_origin_authentication": true, "web_origins": [ORIGIN]})).await;
    world.enable(DATABASE, &[NATIVE]).await;
    for case in ["browser", "cookie", "origin", "referer", "client", "realm", "late", "unlisted", "off", "unknown"] {
        let mut browser = browser(&world);
        let ticket = ticket(&world, &browser).await;
        let mut more = vec![];
        match case {
            "browser" => {
                let other = self::browser(&world);
                self::ticket(&world, &other).await;
                browser = other;
            }
            "cookie" => browser.set_cookie("__Host-ringpass-ticket", None),
            "origin" => browser = browser.with(|caller| caller.header("origin", "https://other.example")),
            "referer" => {
                browser = browser.with(|caller| caller.without("origin").header("referer", "https://other.example/x"));
            }
            "client" => more = vec![("client_id", WEB.0)],
            "realm" => more = vec![("realm", DATABASE)],
            "late" => world.clock.advance(15 * 60_000),
            "unlisted" => world.client(NATIVE, json!({"web_origins": ["https://other.example"]})).await,
            "off" => world.client(NATIVE, json!({"cross_origin_authentication": false})).await,
            _ => more = vec![("login_ticket", "x")],
        }
        let more = [&[("login_ticket", ticket.as_str()), ("realm", "sms")], &more[..]].concat();
        let mut once: Vec<(&str, &str)> = Vec::new();
        for pair in more.iter().rev().filter(|(name, _)| !name.is_empty()) {
            if !once.iter().any(|(name, _)| *name == pair.0) {
                once.push(*pair);
            }
        }
        let answer = browser.get(&authorize(&once)).await;
        assert_eq!((error(&answer).as_str(), browser.cookie("auth0")), ("login_required", None), "{case} {answer}");
        assert_eq!(world.logs().await.kinds(), ["f"], "{case}");
        world
            .client(
                NATIVE,
                json!({"web_origins": [ORIGIN, "https://other.example"], "cross_origin_authentication": true}),
            )
            .await;
        world.clock.advance(60_000);
    }
    // From where the browser says nothing of origins the ticket is good.
    let browser = browser(&world);
    let ticket = ticket(&world, &browser).await;
    let browser = browser.with(|caller| caller.without("origin"));
    assert!(bring(&browser, &ticket, &[]).await.sent("code").is_some());
    drop(world.logs().await);
}

#[tokio::test]
async fn of_two_that_bring_a_ticket_at_once_one_is_in() {
    let world = world().await;
    let browser = browser(&world);
    let ticket = ticket(&world, &browser).await;
    let (one, two) = tokio::join!(bring(&browser, &ticket, &[]), bring(&browser, &ticket, &[]));
    let codes = [&one, &two].iter().filter(|answer| answer.sent("code").is_some()).count();
    assert_eq!(codes, 1, "{one} {two}");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_block_and_consent_count_after_the_ticket_as_well() {
    let world = world().await;
    let browser = browser(&world);
    let first = ticket(&world, &browser).await;
    world.block(PHONE, true).await;
    let answer = bring(&browser, &first, &[]).await;
    assert_eq!((answer.sent("error_description").as_deref(), browser.cookie("auth0")), (Some("user is blocked"), None));
    assert_eq!(world.logs().await.kinds(), ["f"]);
    world.block(PHONE, false).await;
    world.client(NATIVE, json!({"is_first_party": false})).await;
    let second = ticket(&world, &browser).await;
    let page = browser.open(&authorize(&[("login_ticket", &second), ("realm", "sms")])).await;
    assert_eq!(page.heading(), "Allow access", "{page}");
    assert!(browser.submit(&page, &[("action", "accept")]).await.sent("code").is_some());
}

#[tokio::test]
async fn one_address_logs_in_so_often() {
    let world = world().await;
    let browser = browser(&world);
    let mut last = browser.post(PATH, json!({})).await;
    for _ in 0..5 {
        last = browser.post(PATH, json!({})).await;
    }
    assert_eq!((last.status.as_u16(), last.header("retry-after"), last.header("x-ratelimit-limit")), (429, "1", "5"));
    assert_eq!(world.logs().await.kinds(), ["fcoa", "fcoa", "fcoa", "fcoa", "fcoa", "api_limit"]);
}
