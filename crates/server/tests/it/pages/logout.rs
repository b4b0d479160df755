//! Log-outs: who may end a session, and where the browser goes afterwards (C1550-C1560).

use expect_test::expect;
use ringpass_core::kit::jwt::{Alg, sign_hs256};
use serde_json::{Value, json};

use super::{authorize, exchange, sign_in, world};
use crate::world::{Browser, ISSUER, Lines, NATIVE, PHONE, WEB, World};

const BYE: &str = "https://app.example/bye";

/// The address with these parameters.
fn at(path: &str, parameters: &[(&str, &str)]) -> String {
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// Signs in; the ID token.
async fn signed_in(browser: &Browser<'_>, world: &World, phone: &str) -> String {
    let back = sign_in(browser, world, phone, &[("prompt", "login")]).await;
    let tokens = exchange(world, &back.sent("code").unwrap(), json!({})).await;
    assert_eq!(world.logs().await.kinds(), ["seacft"]);
    tokens.text("id_token")
}

/// Whether the browser's session still answers; the log event is looked at.
async fn is_in(browser: &Browser<'_>, world: &World) -> bool {
    let answer = browser.get(&authorize(&[("prompt", "none")])).await;
    drop(world.logs().await);
    answer.sent("code").is_some()
}

#[tokio::test]
async fn a_log_out_ends_the_session_and_leads_to_a_listed_address() {
    let world = world().await;
    let browser = world.browser();
    signed_in(&browser, &world, PHONE).await;
    let cookie = browser.cookie("auth0").unwrap();
    let path =
        at("/v2/logout", &[("client_id", NATIVE), ("returnTo", "https://app.example/bye?to=ü x"), ("federated", "")]);
    browser.get(&path).await.is(expect![[r#"
        302 Found
        cache-control: no-store
        location: https://app.example/bye?to=%C3%BC%20x
        referrer-policy: no-referrer
        set-cookie: auth0=; Path=/; HttpOnly; SameSite=None; Secure; Max-Age=0
        x-content-type-options: nosniff
    "#]]);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "slo",
          "description": "Success Logout",
          "connection": "sms",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "sms|695735a5ad91192b8862130e",
          "user_name": "+4915112345678",
          "details": {
            "return_to": "https://app.example/bye?to=ü x",
            "allowed_logout_url": [
              "https://app.example/bye"
            ],
            "session_id": "Bg-8uaxZ5TWTueFXJgLMQPNnDefFDpbf"
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
    assert!(!is_in(&browser, &world).await);
    browser.set_cookie("auth0", Some(&cookie));
    assert!(!is_in(&browser, &world).await, "the session has ended, not just the cookie");
    // Nothing more to end: the same answer, and nothing in the log.
    assert_eq!(browser.get("/v2/logout?client_id=cli_native").await.header("location"), BYE);
    world.browser().get("/v2/logout").await.is(expect![[r#"
        200 OK
        cache-control: no-store
        content-type: text/plain; charset=utf-8
        referrer-policy: no-referrer
        set-cookie: auth0=; Path=/; HttpOnly; SameSite=None; Secure; Max-Age=0
        x-content-type-options: nosniff

        OK
    "#]]);
}

#[tokio::test]
async fn a_log_out_leads_nowhere_else_and_then_ends_nothing() {
    let world = world().await;
    world.tenant(json!({"allowed_logout_urls": ["https://tenant.example/out"]})).await;
    world.client(WEB.0, json!({"allowed_logout_urls": ["https://*.web.example/out", "javascript:alert(1)"]})).await;
    let browser = world.browser();
    signed_in(&browser, &world, PHONE).await;
    for path in [
        at("/v2/logout", &[("client_id", NATIVE), ("returnTo", "https://evil.example/<b>")]),
        at("/v2/logout", &[("client_id", NATIVE), ("returnTo", "https://tenant.example/out")]),
        at("/v2/logout", &[("client_id", NATIVE), ("returnTo", "https://app.example/bye/../x")]),
        at("/v2/logout", &[("client_id", NATIVE), ("returnTo", "https://app.example/bye\r\nset-cookie: a=b")]),
        at("/v2/logout", &[("client_id", WEB.0), ("returnTo", "javascript:alert(1)")]),
        at("/v2/logout", &[("client_id", WEB.0), ("returnTo", "https://evil.example/.web.example/out")]),
        at("/v2/logout", &[("returnTo", BYE)]),
        at("/v2/logout", &[("client_id", "nobody")]),
        at("/oidc/logout", &[("client_id", NATIVE), ("post_logout_redirect_uri", "https://evil.example/")]),
    ] {
        let page = browser.get(&path).await;
        assert_eq!((page.status.as_u16(), page.header("location"), page.header("set-cookie")), (400, "", ""), "{path}");
        assert!(!String::from_utf8_lossy(&page.body).contains("<b>"), "{page}");
    }
    let mut told = String::new();
    world.logs().await.lines().iter().for_each(|line| told.line(line.escape_debug()));
    expect![[r#"
        flo: The \"returnTo\" querystring parameter \"https://evil.example/<b>\" is not defined as a valid URL in \"Allowed Logout URLs\"
        flo: The \"returnTo\" querystring parameter \"https://tenant.example/out\" is not defined as a valid URL in \"Allowed Logout URLs\"
        flo: The \"returnTo\" querystring parameter \"https://app.example/bye/../x\" is not defined as a valid URL in \"Allowed Logout URLs\"
        flo: The \"returnTo\" querystring parameter \"https://app.example/bye\r\nset-cookie: a=b\" is not defined as a valid URL in \"Allowed Logout URLs\"
        flo: The \"returnTo\" querystring parameter \"javascript:alert(1)\" is not defined as a valid URL in \"Allowed Logout URLs\"
        flo: The \"returnTo\" querystring parameter \"https://evil.example/.web.example/out\" is not defined as a valid URL in \"Allowed Logout URLs\"
        flo: The \"returnTo\" querystring parameter \"https://app.example/bye\" is not defined as a valid URL in \"Allowed Logout URLs\"
        flo: Unknown client: nobody
        flo: The \"post_logout_redirect_uri\" querystring parameter \"https://evil.example/\" is not defined as a valid URL in \"Allowed Logout URLs\"
    "#]].assert_eq(&told);
    for _ in 0..12 {
        browser.get("/v2/logout?returnTo=x").await;
    }
    assert_eq!(world.logs().await.kinds().len(), 1, "anyone can ask: the log has room for so many");
    assert!(is_in(&browser, &world).await);
    let to = at("/v2/logout", &[("client_id", WEB.0), ("returnTo", "https://a.web.example/out")]);
    assert_eq!(browser.get(&to).await.header("location"), "https://a.web.example/out");
    let to = at("/v2/logout", &[("returnTo", "https://tenant.example/out")]);
    assert_eq!(browser.get(&to).await.header("location"), "https://tenant.example/out");
    assert_eq!(browser.get("/v2/logout?client_id=cli_web").await.line(), "200 OK");
    assert_eq!(world.logs().await.kinds(), ["slo"]);
}

#[tokio::test]
async fn an_id_token_of_the_person_ends_the_session_without_a_question() {
    let world = world().await;
    let browser = world.browser();
    let token = signed_in(&browser, &world, PHONE).await;
    // Ten hours later it has ended, and still tells who it is that leaves.
    world.clock.advance(11 * 3_600_000);
    let path = at("/oidc/logout", &[("id_token_hint", &token), ("post_logout_redirect_uri", BYE), ("state", "a&b")]);
    let answer = browser.get(&path).await;
    assert_eq!(answer.header("location"), "https://app.example/bye?state=a%26b");
    assert!(answer.header("set-cookie").starts_with("auth0=;"));
    assert_eq!(world.logs().await.kinds(), ["slo"]);
    assert!(!is_in(&browser, &world).await);
    // A form, a session that was begun anew, and the session's id alone.
    for by_sid in [false, true] {
        let newer = signed_in(&browser, &world, PHONE).await;
        let sid = world.read_token(&newer, "")["claims"]["sid"].as_str().unwrap().to_owned();
        let hint = if by_sid { ("logout_hint", sid.as_str()) } else { ("id_token_hint", token.as_str()) };
        let answer = browser.form("/oidc/logout", &[hint, ("client_id", NATIVE)]).await;
        assert_eq!(answer.header("location"), BYE, "{answer}");
        assert_eq!(world.logs().await.kinds(), ["slo"]);
    }
    world.clock.advance(168 * 3_600_000);
    assert_eq!(browser.get(&path).await.status, 400, "too old");
    assert_eq!(world.logs().await.kinds(), ["flo"]);
}

#[tokio::test]
async fn hints_that_prove_nothing_or_disagree_are_refused() {
    let world = world().await;
    let browser = world.browser();
    let token = signed_in(&browser, &world, PHONE).await;
    let claims = world.read_token(&token, "")["claims"].clone();
    let key = world.app.snapshot().keys.current.clone();
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let none = format!("{}.{}.", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", token.split('.').nth(1).unwrap());
    let sign = |claims: &Value| key.sign(Alg::Rs256, "JWT", claims).unwrap();
    let jwks = world.nobody().get("/.well-known/jwks.json").await;
    let tokens = [
        none,
        "x".to_owned(),
        format!("{}x", &token[..token.len() - 4]),
        sign(&changed("iss", "https://other.example/".into())),
        sign(&changed("aud", "nobody".into())),
        sign(&changed("aud", json!([NATIVE]))),
        sign(&changed("exp", Value::Null)),
        sign(&changed("events", json!({}))),
        key.sign(Alg::Rs256, "at+jwt", &claims).unwrap(),
        sign_hs256(&jwks.body, "JWT", &claims).unwrap(),
        sign_hs256(b"native-secret-of-the-tests", "JWT", &claims).unwrap(),
    ];
    let foreign = world.browser().with(|caller| caller.at("198.51.100.7"));
    for token in &tokens {
        let page =
            foreign.get(&at("/oidc/logout", &[("id_token_hint", token), ("post_logout_redirect_uri", BYE)])).await;
        assert_eq!((page.status.as_u16(), page.header("location")), (400, ""), "{token}");
    }
    for more in [[("client_id", WEB.0)], [("logout_hint", "other")]] {
        let page = browser.get(&at("/oidc/logout", &[[("id_token_hint", token.as_str())], more].concat())).await;
        assert_eq!(page.status, 400, "{more:?}");
    }
    let mut lines = world.logs().await.lines();
    lines.dedup();
    assert_eq!(
        lines,
        [
            "flo: Invalid id_token_hint",
            "flo: client_id does not match the audience of id_token_hint",
            "flo: logout_hint does not match the sid of id_token_hint"
        ]
    );
    assert!(is_in(&browser, &world).await);
    assert_eq!(ISSUER, claims["iss"]);
}

#[tokio::test]
async fn without_proof_the_person_is_asked() {
    let world = world().await;
    world.tenant(json!({"enabled_locales": ["en", "de"]})).await;
    let (browser, other) = (world.browser(), world.browser().with(|caller| caller.at("198.51.100.8")));
    signed_in(&browser, &world, PHONE).await;
    let foreign = signed_in(&other, &world, "+4915112345679").await;
    for hint in [("client_id", NATIVE), ("id_token_hint", foreign.as_str()), ("logout_hint", "another")] {
        let page = browser.get(&at("/oidc/logout", &[hint])).await;
        assert_eq!(page.heading(), "Sign out", "{page}");
        let stay = browser.submit_to(&page, "/u/logout", &[("action", "cancel")]).await;
        assert_eq!(stay.heading(), "You are still signed in");
        assert!(is_in(&browser, &world).await);
    }
    let path = at(
        "/oidc/logout",
        &[("client_id", NATIVE), ("post_logout_redirect_uri", BYE), ("state", "s"), ("ui_locales", "de")],
    );
    let page = browser.get(&path).await;
    assert_eq!((page.heading().as_str(), page.header("content-language")), ("Abmelden", "de"));
    assert!(page.header("content-security-policy").ends_with("form-action 'self' https://app.example"), "{page}");
    // What the form stands for cannot be changed, and it is good in this browser alone.
    for (name, value) in
        [("target", "https://evil.example/"), ("client_id", WEB.0), ("session", "other"), ("proof", "")]
    {
        let forged: Vec<(String, String)> = page.hidden();
        let mut forged: Vec<(&str, &str)> =
            forged.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        forged.retain(|(known, _)| *known != name);
        forged.extend([(name, value), ("action", "accept")]);
        let answer = browser.form("/u/logout", &forged).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{name}");
    }
    let planted = other.submit_to(&page, "/u/logout", &[("action", "accept")]).await;
    assert_eq!(planted.status, 400);
    let browser = browser.with(|caller| caller.header("sec-fetch-site", "cross-site"));
    assert_eq!(browser.submit_to(&page, "/u/logout", &[("action", "accept")]).await.status, 400);
    let browser = browser.with(|caller| caller.without("sec-fetch-site").at("198.51.100.9"));
    assert!(is_in(&browser, &world).await && is_in(&other, &world).await);
    // Sent twice, it leads to the same place.
    for _ in 0..2 {
        let left = browser.submit_to(&page, "/u/logout", &[("action", "accept")]).await;
        assert_eq!(left.header("location"), "https://app.example/bye?state=s", "{left}");
    }
    assert_eq!(world.logs().await.kinds(), ["slo"]);
    let end = browser.get("/oidc/logout").await;
    assert_eq!(end.heading(), "You are signed out");
}

#[tokio::test]
async fn looking_at_the_head_ends_nothing() {
    let world = world().await;
    let browser = world.browser();
    let token = signed_in(&browser, &world, PHONE).await;
    let cookie = format!("auth0={}", browser.cookie("auth0").unwrap());
    for path in ["/v2/logout".to_owned(), at("/oidc/logout", &[("id_token_hint", &token)])] {
        let answer = world.nobody().header("cookie", &cookie).send(http::Method::HEAD, &path, "", "".into()).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (200, ""));
    }
    assert!(is_in(&browser, &world).await);
}

#[tokio::test]
async fn discovery_names_the_endpoint_unless_the_tenant_does_not_want_it() {
    let world = world().await;
    let named = async |world: &World| {
        world.nobody().get("/.well-known/openid-configuration").await.text("end_session_endpoint")
    };
    assert_eq!(named(&world).await, "https://tenant.example/oidc/logout");
    world.tenant(json!({"oidc_logout": {"rp_logout_end_session_endpoint_discovery": false}})).await;
    assert_eq!(named(&world).await, "");
}
