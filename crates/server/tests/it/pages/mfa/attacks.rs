//! Whoever does not hold the browser, or is not at this step, gets nowhere.

use ringpass_core::kit::clock::SECOND;

use super::{SECRET, authorize, browser, first, give_application, place, shown, state, world};

/// Every page of the second factor.
const PAGES: &[&str] = &[
    "/u/mfa",
    "/u/mfa-begin-enroll-options",
    "/u/mfa-login-options",
    "/u/mfa-sms-list",
    "/u/mfa-email-list",
    "/u/mfa-country-codes",
    "/u/mfa-phone-enrollment",
    "/u/mfa-sms-enrollment",
    "/u/mfa-voice-enrollment",
    "/u/mfa-phone-challenge",
    "/u/mfa-sms-challenge",
    "/u/mfa-voice-challenge",
    "/u/mfa-email-challenge",
    "/u/mfa-otp-challenge",
    "/u/mfa-otp-enrollment-qr",
    "/u/mfa-otp-enrollment-code",
    "/u/mfa-recovery-code-challenge",
    "/u/mfa-recovery-code-enrollment",
    "/u/mfa-recovery-code-challenge-new-code",
];

#[tokio::test]
async fn a_second_factor_belongs_to_one_browser() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let victim = browser(&world, "198.51.100.1");
    let page = first(&victim, &[]).await;
    let state = state(&page);
    let other = browser(&world, "198.51.100.2");
    other.open(&authorize(&[])).await;
    for path in PAGES {
        let looked = other.get(&format!("{path}?state={state}")).await;
        assert_eq!((looked.status.as_u16(), looked.header("location")), (400, ""), "{path}");
        if *path != "/u/mfa" {
            let code = shown(&world, SECRET);
            let posted = other.form(path, &[("state", &state), ("code", &code), ("saved", "true")]).await;
            assert_eq!((posted.status.as_u16(), posted.header("set-cookie")), (400, ""), "{path}");
        }
    }
    let victim = victim.with(|caller| caller.header("sec-fetch-site", "cross-site"));
    let posted = victim.form("/u/mfa-otp-challenge", &[("state", &state), ("code", &shown(&world, SECRET))]).await;
    assert_eq!(posted.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn without_the_first_factor_there_is_no_second() {
    let world = world(&["otp", "recovery-code", "email"]).await;
    give_application(&world).await;
    let one = browser(&world, "198.51.100.1");
    let page = one.open(&authorize(&[])).await;
    let state = state(&page);
    for path in PAGES {
        let looked = one.get(&format!("{path}?state={state}")).await;
        assert!(looked.header("location").starts_with("/u/login/identifier"), "{path} {looked}");
        if *path != "/u/mfa" {
            let code = shown(&world, SECRET);
            let fields = [("state", state.as_str()), ("code", &code), ("saved", "true"), ("action", "email")];
            let posted = one.form(path, &fields).await;
            assert!(posted.header("location").starts_with("/u/login/identifier"), "{path} {posted}");
            assert_eq!(posted.header("set-cookie"), "");
        }
    }
    assert_eq!(one.get(&format!("/authorize/resume?state={state}")).await.header("location"), page.at);
    drop(world.logs().await);
}

#[tokio::test]
async fn pages_out_of_turn_lead_to_the_one_whose_turn_it_is() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let state = state(&page);
    // Who has enrolled enrols nothing more, and proves nothing by what they do not have.
    for path in PAGES.iter().filter(|path| !["/u/mfa-otp-challenge", "/u/mfa-login-options"].contains(path)) {
        let away = one.open(&format!("{path}?state={state}")).await;
        assert_eq!(place(&away), "/u/mfa-otp-challenge", "{path}");
        if *path != "/u/mfa" {
            for action in
                ["default", "otp", "sms", "resend-code", "get-a-call", "selection-action::0", "pick-sms", "odd"]
            {
                let fields =
                    [("state", state.as_str()), ("action", action), ("phone", "+4915112345678"), ("saved", "1")];
                let one = browser_of(&world, &one, action);
                let posted = one.form(path, &fields).await;
                assert!(posted.status == 302 && posted.header("set-cookie").is_empty(), "{path} {action} {posted}");
                assert!(posted.header("location").starts_with("/u/mfa"), "{path} {action} {posted}");
            }
        }
    }
    assert!(world.logs().await.kinds().iter().all(|kind| kind != "gd_start_enroll"));
}

/// The same browser at another address, so that it meets no limit.
fn browser_of<'w>(
    world: &'w crate::world::World,
    one: &crate::world::Browser<'w>,
    action: &str,
) -> crate::world::Browser<'w> {
    let other = browser(world, &format!("192.0.2.{}", action.len() * 7 + usize::from(action.as_bytes()[0]) % 7));
    for name in ["__Host-ringpass-login", "did"] {
        other.set_cookie(name, one.cookie(name).as_deref());
    }
    other
}

#[tokio::test]
async fn whoever_takes_too_long_begins_anew() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    world.clock.advance(299 * SECOND);
    assert_eq!(one.get(&page.at).await.status, 200);
    world.clock.advance(2 * SECOND);
    let late = one.submit(&page, &[("code", &shown(&world, SECRET))]).await;
    assert_eq!((place(&late), late.complaint().as_str()), ("/u/login/identifier", "You took too long. Start over"));
    assert_eq!(one.cookie("auth0"), None);
    // The old page is worth nothing, and the sign-in can be carried on from its beginning.
    let again = one.submit(&page, &[("code", &shown(&world, SECRET))]).await;
    assert_eq!(place(&again), "/u/login/identifier");
    let page = one.submit(&again, &[("username", "ann@example.org")]).await;
    let page = one.submit(&page, &[("password", crate::world::mfa::PASSWORD)]).await;
    let back = one.submit(&page, &[("code", &shown(&world, SECRET))]).await;
    assert!(back.sent("code").is_some(), "{back}");
    drop(world.logs().await);
}

#[tokio::test]
async fn the_same_form_sent_twice_and_going_back_lead_on() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let code = shown(&world, SECRET);
    let fields = [("state", state(&page)), ("code", code)];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for _ in 0..2 {
        let posted = one.form("/u/mfa-otp-challenge", &fields).await;
        assert!(posted.header("location").starts_with("/authorize/resume"), "{posted}");
    }
    assert!(one.open(&page.at).await.sent("code").is_some());
    assert_eq!(one.get(&page.at).await.status, 400, "it is over");
    drop(world.logs().await);
}

#[tokio::test]
async fn pages_can_be_looked_at_only_so_often() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let state = state(&page);
    for path in ["/u/mfa-sms-challenge", "/u/mfa-voice-challenge", "/u/mfa-phone-enrollment", "/u/mfa-phone-challenge"]
    {
        let path = format!("{path}?state={state}");
        for _ in 0..20 {
            assert_eq!(one.get(&path).await.status, 302);
        }
        let limited = one.get(&path).await;
        assert_eq!((limited.status.as_u16(), limited.header("retry-after")), (429, "6"), "{path}");
        for _ in 0..10 {
            assert_eq!(one.form(&path, &[("state", &state)]).await.status, 302);
        }
        let limited = one.form(&path, &[("state", &state)]).await;
        assert_eq!((limited.status.as_u16(), limited.header("retry-after")), (429, "12"), "{path}");
    }
    assert!(world.logs().await.kinds().contains(&"api_limit".to_owned()));
}

#[tokio::test]
async fn an_unknown_sign_in_is_a_page_of_its_own() {
    let world = world(&["otp"]).await;
    let one = browser(&world, "198.51.100.1");
    one.open(&authorize(&[])).await;
    for answer in [
        one.get("/u/mfa-country-codes?state=x").await,
        one.get("/u/mfa-otp-challenge").await,
        one.get("/u/mfa-otp-enrollment-qr?state=00000000000000000000000000000000").await,
        one.form("/u/mfa-otp-enrollment-code", &[("state", "\u{0}")]).await,
    ] {
        assert_eq!(answer.status, 400);
        assert!(String::from_utf8_lossy(&answer.body).contains("You took too long to sign in"), "{answer}");
    }
}
