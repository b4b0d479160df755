//! `/passwordless/verify_redirect`: codes that pages of applications send here, and links in mails (C1590-C1597).

use expect_test::expect;
use ringpass_core::kit::clock::MINUTE;
use ringpass_core::storage::codes;
use serde_json::json;

use super::{CALLBACK, exchange, world as pages};
use crate::world::{Answer, Browser, Lines, NATIVE, PHONE, WEB, World};

const PATH: &str = "/passwordless/verify_redirect";
const MAIL: &str = "ann@mail.example";
/// The code of a link.
const LINKED: &str = "0123456789abcdefghijABCDEFGHIJxy";

async fn world() -> World {
    let world = pages().await;
    world.client(WEB.0, json!({"grant_types": ["authorization_code", "refresh_token"], "callbacks": [CALLBACK]})).await;
    world.new_connection(json!({"name": "email", "strategy": "email"})).await;
    world.enable("email", &[NATIVE, WEB.0]).await;
    world
}

/// The address with these parameters besides those of a text message.
fn address(code: &str, more: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("client_id", WEB.0),
        ("connection", "sms"),
        ("phone_number", PHONE),
        ("verification_code", code),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid phone offline_access"),
        ("state", "st&te"),
        ("nonce", "n-1"),
    ];
    parameters.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    parameters.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    format!("{PATH}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// Puts a code for the mail address on record, as a mail with a link does; the link.
async fn link(world: &World) -> String {
    let id = world.app.snapshot().channel("email", WEB.0).unwrap().connection.id.clone();
    let hash = world.app.hash_key.tag(&["code", &id, MAIL, LINKED]);
    let (now, key_id) = (world.clock.now(), id.clone());
    let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
        let key = codes::Key { connection_id: &key_id, identifier: MAIL };
        codes::put(tx, &key, "0123456789abcdef01234567", &hash, now, now + 3 * MINUTE)
    };
    world.app.db.write("test.link", work).await.unwrap();
    address(LINKED, &[("connection", "email"), ("phone_number", ""), ("email", MAIL)])
}

async fn code(world: &World) -> String {
    world.web().at("198.51.100.200").code(PHONE).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

async fn is_in(browser: &Browser<'_>) -> bool {
    let silent = super::authorize(&[("prompt", "none")]);
    browser.get(&silent).await.sent("code").is_some()
}

#[tokio::test]
async fn a_code_that_an_applications_page_sends_answers_like_authorize() {
    let world = world().await;
    let browser = world.browser();
    let back = browser.get(&address(&code(&world).await, &[])).await;
    assert_eq!(
        (back.sent("state").as_deref(), back.sent("iss").as_deref()),
        (Some("st&te"), Some("https://tenant.example/"))
    );
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
    let body =
        json!({"grant_type": "authorization_code", "code": back.sent("code").unwrap(), "redirect_uri": CALLBACK});
    let tokens = world.web().post("/oauth/token", body).await;
    assert_eq!(tokens.text("refresh_token"), "", "no refresh token comes of a link");
    let claims = world.read_token(&tokens.text("id_token"), "")["claims"].clone();
    assert_eq!((claims["phone_number"].as_str(), claims["nonce"].as_str()), (Some(PHONE), Some("n-1")));
    assert!(is_in(&browser).await, "a session began");
    drop(world.logs().await);
    // The spelling of the documentation, tokens through the browser, and what stands where nothing was asked.
    let code = code(&world).await;
    let path = address(&code, &[("client_id", NATIVE), ("response_type", ""), ("scope", "openid")]);
    let dashed = format!("/passwordless/verify-redirect?{}", path.split_once('?').unwrap().1);
    assert!(browser.get(&dashed).await.sent("access_token").is_some());
    assert_eq!(browser.get("/passwordless/verify-redirect").await.status, 400);
    assert_eq!(browser.get("/passwordless/verify_redirect?client_id=nobody").await.status, 400);
    assert_eq!(world.logs().await.kinds(), ["s"]);
}

#[tokio::test]
async fn what_is_wrong_goes_to_the_application_or_is_a_page() {
    let world = world().await;
    let right = code(&world).await;
    let mut told = String::new();
    for (index, more) in [
        [("redirect_uri", "https://evil.example/")],
        [("client_id", "nobody")],
        [("connection", "nothing")],
        [("connection", "Username-Password-Authentication")],
        [("verification_code", "999999")],
        [("verification_code", "")],
        [("phone_number", "")],
        [("phone_number", "+4915112345679")],
        [("response_type", "x")],
        [("audience", "https://no.example/")],
        [("client_id", NATIVE)],
    ]
    .iter()
    .enumerate()
    {
        let browser = world.browser().with(|caller| caller.at(&format!("198.51.100.{index}")));
        let answer = browser.get(&address(&right, more)).await;
        assert!(browser.cookie("auth0").is_none());
        match answer.header("location") {
            "" => told.line(format!("{} page", answer.status.as_u16())),
            location => told.line(location),
        }
    }
    expect![[r#"
        403 page
        400 page
        400 page
        400 page
        https://app.example/callback?error=unauthorized&error_description=Wrong+phone+number+or+verification+code.&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=unauthorized&error_description=Wrong+phone+number+or+verification+code.&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=unauthorized&error_description=Wrong+phone+number+or+verification+code.&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=unauthorized&error_description=Wrong+phone+number+or+verification+code.&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=unsupported_response_type&error_description=Unsupported+response+type%3A+x&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=access_denied&error_description=Service+not+found%3A+https%3A%2F%2Fno.example%2F&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=invalid_request&error_description=Missing+required+parameter%3A+code_challenge&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
    "#]].assert_eq(&told);
    drop(world.logs().await);
    let browser = world.browser();
    assert!(browser.get(&address(&right, &[])).await.sent("code").is_some(), "none of it spent the code");
    world.block(PHONE, true).await;
    drop(world.logs().await);
    let blocked = browser.get(&address(&right, &[])).await;
    assert_eq!(blocked.sent("error_description").as_deref(), Some("user is blocked"));
    assert_eq!(world.logs().await.lines(), ["f: user is blocked"]);
}

#[tokio::test]
async fn whatever_reads_mails_does_not_spend_a_link() {
    let world = world().await;
    let path = link(&world).await;
    let scanner = world.nobody().at("198.51.100.1");
    for _ in 0..3 {
        assert_eq!(scanner.get(&path).await.status, 200);
        assert_eq!(scanner.send(http::Method::HEAD, &path, "", "".into()).await.status, 200);
    }
    let browser = world.browser();
    let page = browser.get(&path).await;
    assert_eq!(
        (page.heading().as_str(), page.header("set-cookie"), page.header("referrer-policy")),
        ("Almost there", "", "no-referrer")
    );
    assert!(page.header("content-security-policy").ends_with("form-action 'self' https://app.example"));
    assert!(text(&page).contains("Sign in to Web App"), "{page}");
    // A form of another site spends nothing either.
    let hidden = page.hidden();
    let fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let foreign = world.browser().with(|caller| caller.header("sec-fetch-site", "cross-site").at("198.51.100.2"));
    assert_eq!(foreign.form("/passwordless/verify_redirect", &fields).await.status, 400);
    let back = browser.submit_to(&page, PATH, &[]).await;
    assert!(back.sent("code").is_some(), "{back}");
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
    let again = browser.submit_to(&page, PATH, &[]).await;
    assert_eq!(again.sent("error").as_deref(), Some("unauthorized"), "a link is good once");
    assert_eq!(world.logs().await.lines(), ["f: Wrong email or verification code."]);
}

#[tokio::test]
async fn a_browser_that_looks_ahead_spends_nothing() {
    let world = world().await;
    let right = code(&world).await;
    let browser = world.browser().with(|caller| caller.header("sec-purpose", "prefetch;prerender"));
    assert_eq!(browser.get(&address(&right, &[])).await.heading(), "Almost there");
    let head = world.nobody().send(http::Method::HEAD, &address(&right, &[]), "", "".into()).await;
    assert_eq!(head.status, 200);
    let browser = world.browser();
    assert!(browser.get(&address(&right, &[])).await.sent("code").is_some());
    drop(world.logs().await);
}

#[tokio::test]
async fn of_two_that_follow_a_link_at_once_one_is_in_and_an_old_one_leads_nowhere() {
    let world = world().await;
    let page = world.browser().get(&link(&world).await).await;
    let (one, two) = (world.browser(), world.browser().with(|caller| caller.at("198.51.100.3")));
    let (first, second) = tokio::join!(one.submit_to(&page, PATH, &[]), two.submit_to(&page, PATH, &[]));
    assert_eq!([&first, &second].iter().filter(|answer| answer.sent("code").is_some()).count(), 1, "{first} {second}");
    let late = world.browser().get(&link(&world).await).await;
    world.clock.advance(3 * MINUTE);
    let browser = world.browser();
    let answer = browser.submit_to(&late, PATH, &[]).await;
    assert_eq!(
        answer.sent("error_description").as_deref(),
        Some("The verification code has expired. Please try to login again.")
    );
    assert!(browser.cookie("auth0").is_none());
    drop(world.logs().await);
}

#[tokio::test]
async fn the_session_that_a_browser_had_is_replaced_and_third_parties_ask() {
    let world = world().await;
    let browser = world.browser();
    super::sign_in(&browser, &world, "+4915112345679", &[("connection", "sms")]).await;
    world.client(NATIVE, json!({"is_first_party": false})).await;
    let before = browser.cookie("auth0").unwrap();
    let code = code(&world).await;
    let challenge = ringpass_core::kit::hash::base64url(&ringpass_core::kit::hash::sha256(super::VERIFIER.as_bytes()));
    let more = [("client_id", NATIVE), ("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let page = browser.open(&address(&code, &more)).await;
    assert_eq!(page.heading(), "Allow access", "{page}");
    assert_ne!(browser.cookie("auth0").unwrap(), before);
    let back = browser.submit(&page, &[("action", "accept")]).await;
    assert_eq!(exchange(&world, &back.sent("code").unwrap(), json!({})).await.status, 200);
    drop(world.logs().await);
}
