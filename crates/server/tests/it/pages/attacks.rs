//! Whoever does not hold the browser that a sign-in belongs to, or the phone, gets nowhere (C1340-C1349, C1360-C1372).

use serde_json::json;

use super::{authorize, sign_in, world};
use crate::world::{API, Browser, NATIVE, PHONE};

/// The page that asks for the code, and the code.
async fn waiting(browser: &Browser<'_>, world: &crate::world::World) -> (crate::world::Answer, String) {
    let page = browser.open(&authorize(&[])).await;
    let page = browser.submit(&page, &[("country", "DE"), ("username", PHONE)]).await;
    assert_eq!(world.logs().await.kinds(), ["cs"]);
    let code = world.gateway.next().await.code().unwrap();
    (page, code)
}

#[tokio::test]
async fn a_sign_in_belongs_to_one_browser() {
    let world = world().await;
    let victim = world.browser();
    let (page, code) = waiting(&victim, &world).await;
    let state = page.hidden()[0].1.clone();
    let challenge = "/u/login/passwordless-sms-challenge";
    // Another browser, with a sign-in of its own or without: neither sees nor carries on this one.
    let other = world.browser().with(|caller| caller.at("198.51.100.1"));
    for known in [false, true] {
        if known {
            other.open(&authorize(&[])).await;
        }
        for answer in [
            other.get(&page.at).await,
            other.get(&format!("/authorize/resume?state={state}")).await,
            other.form(challenge, &[("state", &state), ("code", &code)]).await,
        ] {
            assert_eq!(answer.status, 400);
            assert!(answer.header("set-cookie").is_empty() && answer.header("location").is_empty(), "{answer}");
        }
    }
    // A form that another site posts.
    let victim = victim.with(|caller| caller.header("sec-fetch-site", "cross-site"));
    assert_eq!(victim.form(challenge, &[("state", &state), ("code", &code)]).await.status, 400);
    let victim = victim.with(|caller| caller.header("sec-fetch-site", "same-origin"));
    assert!(victim.submit(&page, &[("code", &code)]).await.sent("code").is_some());
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
}

#[tokio::test]
async fn an_unknown_or_old_sign_in_is_a_page() {
    let world = world().await;
    let browser = world.browser();
    let page = browser.open(&authorize(&[])).await;
    for path in ["/u/login/identifier", "/u/login/passwordless-sms-challenge", "/authorize/resume", "/u/consent"] {
        for state in ["", "?state=", "?state=00000000000000000000000000000000", "?state=%00"] {
            let browser = world.browser().with(|caller| caller.at(&format!("198.51.100.{}", state.len())));
            assert_eq!(browser.get(&format!("{path}{state}")).await.status, 400, "{path}{state}");
        }
    }
    for answer in [
        browser.get("/u/login/identifier").await,
        browser.get("/u/consent?state=x").await,
        browser.get("/u/login/passwordless-sms-challenge").await,
        browser.form("/u/login/passwordless-sms-challenge", &[("state", "x")]).await,
    ] {
        assert_eq!(answer.status, 400);
    }
    assert_eq!(browser.get("/u/login/passwordless-email-challenge?state=x").await.status, 400);
    assert_eq!(browser.form("/u/login/passwordless-email-challenge", &[("state", "x")]).await.status, 400);
    world.clock.advance(3_600_000);
    let late = browser.form("/u/login/identifier", &[("state", &page.hidden()[0].1), ("username", PHONE)]).await;
    assert_eq!(late.status, 400);
    assert!(String::from_utf8_lossy(&late.body).contains("You took too long to sign in"), "{late}");
}

#[tokio::test]
async fn going_back_after_the_end_leads_nowhere() {
    let world = world().await;
    world.client(NATIVE, json!({"initiate_login_uri": "https://app.example/login"})).await;
    let browser = world.browser();
    let (page, code) = waiting(&browser, &world).await;
    let back = browser.submit(&page, &[("code", &code)]).await;
    assert!(back.sent("code").is_some());
    for answer in [browser.get(&page.at).await, browser.submit(&page, &[("code", &code)]).await] {
        assert_eq!(answer.status, 400);
        assert!(String::from_utf8_lossy(&answer.body).contains("https://app.example/login"), "{answer}");
    }
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
}

#[tokio::test]
async fn wrong_codes_are_counted_and_what_is_no_code_is_not() {
    let world = world().await;
    let browser = world.browser();
    let (page, code) = waiting(&browser, &world).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut told = Vec::new();
    for typed in ["", "12", "abcdef", wrong] {
        told.push(browser.submit(&page, &[("code", typed)]).await.complaint());
    }
    let browser = browser.with(|caller| caller.at("198.51.100.9"));
    for typed in [wrong, wrong, &code] {
        told.push(browser.submit(&page, &[("code", typed)]).await.complaint());
    }
    assert_eq!(
        told,
        [
            "Enter the code",
            "The code has 6 digits",
            "The code has 6 digits",
            "That code is not right | Tries left: 2",
            "That code is not right | Tries left: 1",
            "Too many wrong codes. Ask for a new one",
            "Too many wrong codes. Ask for a new one",
        ]
    );
    assert_eq!(world.logs().await.kinds(), ["fepotpft"; 4]);
}

#[tokio::test]
async fn another_code_waits_and_kills_the_first() {
    let world = world().await;
    let browser = world.browser();
    let (page, first) = waiting(&browser, &world).await;
    let early = browser.submit(&page, &[("action", "resend-code")]).await;
    assert!(String::from_utf8_lossy(&early.body).contains("Send again in 30 s"), "{early}");
    world.clock.advance(30_000);
    let again = browser.submit(&page, &[("action", "resend-code")]).await;
    assert!(String::from_utf8_lossy(&again.body).contains("A new code is on its way"), "{again}");
    assert_eq!(world.logs().await.kinds(), ["cs"]);
    let second = world.gateway.next().await.code().unwrap();
    world.clock.advance(60_000);
    assert_ne!(browser.submit(&again, &[("code", &first)]).await.complaint(), "");
    let edit = browser.submit(&again, &[("action", "edit-identifier")]).await;
    assert!(String::from_utf8_lossy(&edit.body).contains(&format!("value=\"{PHONE}\"")), "{edit}");
    assert!(browser.submit(&again, &[("code", &second)]).await.sent("code").is_some());
    assert_eq!(world.logs().await.kinds(), ["fepotpft", "ss", "s"]);
}

#[tokio::test]
async fn numbers_are_refused_with_a_reason_and_nothing_is_sent() {
    let world = world().await;
    world.tenant(json!({"country_codes": {"list": ["DE"], "mode": "allow"}})).await;
    let browser = world.browser();
    let page = browser.open(&authorize(&[])).await;
    let mut told = Vec::new();
    for (country, typed) in [
        ("DE", ""),
        ("DE", "12"),
        ("DE", "+1 555 000 1111"),
        ("XX", "0151 12345678"),
        ("DE", "0151 12345678\r\nBcc: x"),
        ("DE", &"9".repeat(5_000)),
    ] {
        told.push(browser.submit(&page, &[("country", country), ("username", typed)]).await.complaint());
    }
    let odd = "That phone number does not look right";
    let country = "Numbers of this country or kind cannot be used here";
    assert_eq!(told, ["Enter your mobile number", odd, country, odd, odd, odd]);
    world.sms(json!({"disable_signup": true})).await;
    let led_on = browser.submit(&page, &[("country", "DE"), ("username", PHONE)]).await;
    assert_eq!(led_on.heading(), "Check your phone", "nobody learns who has an account");
    // The code is sent, or not, behind the answer.
    let mut kinds = Vec::new();
    while kinds.is_empty() {
        kinds = world.logs().await.kinds();
    }
    assert_eq!(kinds, ["f"]);
}

#[tokio::test]
async fn a_gateway_that_fails_is_told_and_loses_nothing() {
    let world = world().await;
    world.sms(json!({"gateway_url": "https://10.1.2.3/sms"})).await;
    let browser = world.browser();
    let page = browser.open(&authorize(&[])).await;
    let failed = browser.submit(&page, &[("country", "DE"), ("username", PHONE)]).await;
    assert_eq!(failed.complaint(), "We could not send the message. Try again later");
    world.sms(json!({"gateway_url": world.gateway.url()})).await;
    let sent = browser.submit(&failed, &[("country", "DE"), ("username", PHONE)]).await;
    assert_eq!(sent.heading(), "Check your phone");
    assert!(world.gateway.next().await.code().is_some());
    assert_eq!(world.logs().await.kinds(), ["f", "cs"]);
}

#[tokio::test]
async fn two_tabs_sign_in_side_by_side() {
    let world = world().await;
    let browser = world.browser();
    let one = browser.open(&authorize(&[("state", "one")])).await;
    let two = browser.open(&authorize(&[("state", "two")])).await;
    let (mut pages, mut codes) = (Vec::new(), Vec::new());
    for (page, phone) in [(&one, PHONE), (&two, "+4915112345679")] {
        pages.push(browser.submit(page, &[("country", "DE"), ("username", phone)]).await);
        codes.push(world.gateway.next().await.code().unwrap());
    }
    for (index, state) in [(1, "two"), (0, "one")] {
        let back = browser.submit(&pages[index], &[("code", &codes[index])]).await;
        assert_eq!(back.sent("state").as_deref(), Some(state));
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_planted_session_is_replaced_and_a_forged_one_is_none() {
    let world = world().await;
    let (attacker, victim) = (world.browser(), world.browser().with(|caller| caller.at("198.51.100.3")));
    sign_in(&attacker, &world, PHONE, &[]).await;
    let planted = attacker.cookie("auth0").unwrap();
    victim.set_cookie("auth0", Some(&planted));
    sign_in(&victim, &world, "+4915112345679", &[("prompt", "login")]).await;
    assert_ne!(victim.cookie("auth0").unwrap(), planted);
    let stale = attacker.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(stale.sent("error").as_deref(), Some("login_required"), "the planted session is over");
    let own = victim.cookie("auth0").unwrap();
    for forged in [own.split('.').next().unwrap(), "x.y", ".", &format!("{own}x"), &own.to_lowercase()] {
        attacker.set_cookie("auth0", Some(forged));
        let answer = attacker.get(&authorize(&[("prompt", "none")])).await;
        assert_eq!(answer.sent("error").as_deref(), Some("login_required"), "{forged}");
    }
    assert_eq!(world.logs().await.kinds(), ["fsa"; 6]);
}

#[tokio::test]
async fn pages_keep_their_rules_and_have_their_limits() {
    let world = world().await;
    let browser = world.browser();
    let page = browser.open(&authorize(&[])).await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.ends_with("form-action 'self' https://app.example"), "{policy}");
    assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-store", "DENY"));
    let cookie = world.browser().get(&authorize(&[])).await.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-ringpass-login=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure")
    );
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let style = text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(browser.get(style).await.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(browser.get("/u/assets/script.js").await.status, 200);
    assert_eq!(browser.get("/u/assets/..%2Fsecret").await.status, 404);
    assert_eq!(world.nobody().raw("/u/login/identifier", "text/plain", "x").await.status, 400);
    assert_eq!(world.nobody().raw("/u/login/identifier", "text/plain", "x".repeat(20_000)).await.status, 413);
    let mut last = 200;
    for _ in 0..25 {
        last = browser.get(&page.at).await.status.as_u16();
    }
    assert_eq!(last, 429);
    assert_eq!(world.logs().await.kinds(), ["api_limit"]);
}

#[tokio::test]
async fn third_parties_ask_for_consent_once() {
    let world = world().await;
    world.client(NATIVE, json!({"is_first_party": false})).await;
    let browser = world.browser();
    let (page, code) = waiting(&browser, &world).await;
    let consent = browser.submit(&page, &[("code", &code)]).await;
    assert_eq!(consent.heading(), "Allow access");
    let refused = browser.form("/u/consent", &[("state", &consent.hidden()[0].1), ("action", "deny")]).await;
    assert_eq!(refused.sent("error").as_deref(), Some("access_denied"));
    let silent = browser.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(silent.sent("error").as_deref(), Some("consent_required"));
    let consent = browser.open(&authorize(&[])).await;
    assert!(String::from_utf8_lossy(&consent.body).contains("Read your phone number"), "{consent}");
    assert!(browser.submit(&consent, &[("action", "accept")]).await.sent("code").is_some());
    assert!(browser.get(&authorize(&[("prompt", "none")])).await.sent("code").is_some());
    let more = browser.get(&authorize(&[("prompt", "none"), ("scope", "openid email")])).await;
    assert_eq!(more.sent("error").as_deref(), Some("consent_required"));
    drop(world.logs().await);
}

#[tokio::test]
async fn consent_names_what_the_person_has_permissions_for() {
    let world = world().await;
    sign_in(&world.browser(), &world, PHONE, &[]).await;
    let user = world.user(PHONE).await.unwrap().user_id.replace('|', "%7C");
    world.change_api(json!({"enforce_policies": true})).await;
    let permission = json!({"permissions": [{"resource_server_identifier": API, "permission_name": "read:messages"}]});
    let given = world.api("update:users").post(&format!("/api/v2/users/{user}/permissions"), permission).await;
    assert_eq!(given.status, 201);
    world.client(NATIVE, json!({"is_first_party": false})).await;
    let browser = world.browser();
    let page = browser.open(&authorize(&[("audience", API), ("scope", "openid read:messages write:messages")])).await;
    let page = browser.submit(&page, &[("country", "DE"), ("username", PHONE)]).await;
    let code = world.gateway.next().await.code().unwrap();
    let consent = browser.submit(&page, &[("code", &code)]).await;
    let text = String::from_utf8_lossy(&consent.body).into_owned();
    assert!(text.contains("<li>Read</li>") && !text.contains("<li>Write</li>"), "{text}");
    let back = browser.submit(&consent, &[("action", "accept")]).await;
    let tokens = super::exchange(&world, &back.sent("code").unwrap(), json!({})).await;
    assert_eq!(tokens.text("scope"), "openid read:messages");
    let silent = authorize(&[("audience", API), ("scope", "openid read:messages"), ("prompt", "none")]);
    assert!(browser.get(&silent).await.sent("code").is_some());
    drop(world.logs().await);
}

/// Types the code that a text message brings; whether it led on.
async fn types_the_code(world: &crate::world::World, browser: &Browser<'_>) -> bool {
    // For the limits of pages, which count addresses.
    world.clock.advance(60_000);
    let page = browser.open(&authorize(&[("prompt", "login")])).await;
    let page = browser.submit(&page, &[("country", "DE"), ("username", PHONE)]).await;
    let code = world.gateway.next().await.code().unwrap();
    let answer = browser.submit(&page, &[("code", &code)]).await;
    drop(world.logs().await);
    answer.header("location").starts_with("https://app.example/callback?code=")
}

#[tokio::test]
async fn strangers_who_guess_do_not_lock_out_the_owner_on_a_browser_that_is_known() {
    let world = world().await;
    world.sms(json!({"brute_force_protection": false})).await;
    let owner = world.browser();
    assert!(types_the_code(&world, &owner).await);
    // Strangers use up the wrong codes of the day.
    for at in 0..17 {
        let guesser = world.anon().at(&format!("198.51.100.{at}"));
        let code = guesser.code(PHONE).await;
        let guess = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
        for _ in 0..3 {
            guesser.redeem(PHONE, &guess, json!({})).await;
        }
        drop(world.logs().await);
    }
    assert!(!types_the_code(&world, &world.browser()).await, "an unknown browser may be a stranger's");
    assert!(types_the_code(&world, &owner).await);
    // Nor does the cookie of another person help.
    let other = world.browser();
    other.set_cookie("did", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert!(!types_the_code(&world, &other).await);
}
