//! Phones: enrolled and asked for by text message or call.

use expect_test::expect;
use ringpass_core::kit::clock::{HOUR, SECOND};
use ringpass_simulator::fault;
use serde_json::json;

use super::{browser, buttons, first, give, phones, place, shown, state, text};
use crate::world::{Answer, Browser, PHONE};

/// Gives Ann's phone through a form.
async fn number(one: &Browser<'_>, page: &Answer, way: &str) -> Answer {
    one.submit(page, &[("country", "DE"), ("phone", "01511 2345678"), ("type", way)]).await
}

/// Six digits that are not the code.
fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_phone_is_enrolled_by_text_message() {
    let (world, twilio) = phones(&["sms"], &[]).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    assert_eq!((place(&page), page.heading().as_str()), ("/u/mfa-sms-enrollment", "Protect your account"));
    let mut told = Vec::new();
    for typed in ["", "call me", "0151"] {
        told.push(one.submit(&page, &[("country", "DE"), ("phone", typed)]).await.complaint());
    }
    assert_eq!(told, ["Enter your mobile number", "Use digits only", "That phone number does not look right"]);
    let page = number(&one, &page, "").await;
    assert_eq!((place(&page), page.heading().as_str()), ("/u/mfa-sms-challenge", "Check your phone"));
    assert_eq!(buttons(&page), ["resend-code", "pick-sms"]);
    assert!(String::from_utf8_lossy(&page.body).contains("+49 1511 2345678"), "{page}");
    let sent = twilio.next().await;
    assert_eq!((sent.form("To").unwrap().as_str(), sent.path.ends_with("Messages.json")), (PHONE, true));
    let code = sent.code().unwrap();
    let refused = one.submit(&page, &[("code", &wrong(&code))]).await;
    assert_eq!(refused.complaint(), "That code is not right");
    let back = one.submit(&page, &[("code", &code), ("rememberDevice", "true")]).await;
    assert!(back.sent("code").is_some() && one.cookie("auth0-mf").is_some(), "{back}");
    expect![[r#"
        [
            "mfar",
            "gd_start_enroll",
            "gd_send_sms",
            "gd_auth_failed",
            "gd_enrollment_complete",
            "gd_auth_succeed",
            "s",
        ]
    "#]]
    .assert_debug_eq(&world.logs().await.kinds());

    // At the next sign-in the code goes there by itself, once, and only the last digits show.
    let two = browser(&world, "198.51.100.2");
    let page = first(&two, &[]).await;
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert_eq!(place(&page), "/u/mfa-sms-challenge");
    assert!(html.contains("XXXXXXXXXX5678") && !html.contains("2345678"), "{page}");
    let code = twilio.next().await.code().unwrap();
    for path in ["/u/mfa", "/u/mfa-sms-challenge"] {
        assert_eq!(place(&two.open(&format!("{path}?state={}", state(&page))).await), "/u/mfa-sms-challenge");
    }
    assert_eq!(twilio.count(), 2);
    assert!(two.submit(&page, &[("code", &code)]).await.sent("code").is_some());
    drop(world.logs().await);
}

#[tokio::test]
async fn a_phone_is_enrolled_by_call_and_the_way_can_be_switched() {
    let (world, twilio) = phones(&["sms", "voice"], &[]).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    assert_eq!(place(&page), "/u/mfa-phone-enrollment");
    let page = number(&one, &page, "voice").await;
    assert_eq!((place(&page), page.heading().as_str()), ("/u/mfa-voice-challenge", "Answer your phone"));
    assert_eq!(buttons(&page), ["resend-code", "switch-to-sms", "pick-phone"]);
    let call = twilio.next().await;
    let code = call.code().unwrap();
    assert!(call.path.ends_with("Calls.json"));
    let page = one.submit(&page, &[("action", "switch-to-sms")]).await;
    assert_eq!((place(&page), buttons(&page)[1].as_str()), ("/u/mfa-sms-challenge", "get-a-call"));
    let sent = twilio.next().await;
    assert!(sent.path.ends_with("Messages.json") && sent.code().as_deref() == Some(&*code), "the same code");
    let page = one.submit(&page, &[("action", "get-a-call")]).await;
    assert_eq!((place(&page), twilio.next().await.code().as_deref()), ("/u/mfa-voice-challenge", Some(&*code)));
    assert!(one.submit(&page, &[("code", &code)]).await.sent("code").is_some());
    drop(world.logs().await);

    // The way that was chosen first is the one that the owner prefers.
    let two = browser(&world, "198.51.100.2");
    let page = first(&two, &[]).await;
    assert_eq!(place(&page), "/u/mfa-voice-challenge");
    let code = twilio.next().await.code().unwrap();
    assert!(two.submit(&page, &[("code", &code)]).await.sent("code").is_some());
    drop(world.logs().await);
}

#[tokio::test]
async fn calls_alone_have_a_page_of_their_own() {
    let (world, twilio) = phones(&["voice"], &[]).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    assert_eq!(place(&page), "/u/mfa-voice-enrollment");
    let form = [("state", state(&page)), ("country", "DE".into()), ("phone", PHONE.into())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let sent = one.form("/u/mfa-voice-enrollment", &form).await;
    assert!(sent.header("location").starts_with("/u/mfa-voice-challenge"), "{sent}");
    let code = twilio.next().await.code().unwrap();
    let page = one.get(sent.header("location")).await;
    assert_eq!(buttons(&page), ["resend-code", "pick-phone"]);
    let back = one.form("/u/mfa-voice-challenge", &[("state", &state(&page)), ("code", &code)]).await;
    assert!(back.header("location").starts_with("/authorize/resume"), "{back}");
    for (path, answer) in [
        ("sms", one.get("/u/mfa-sms-enrollment?state=x").await),
        ("voice", one.get("/u/mfa-voice-enrollment?state=x").await),
        ("both", one.get("/u/mfa-phone-enrollment?state=x").await),
        ("sms code", one.get("/u/mfa-sms-challenge?state=x").await),
        ("voice code", one.get("/u/mfa-voice-challenge?state=x").await),
        ("sms", one.form("/u/mfa-sms-enrollment", &[]).await),
        ("both", one.form("/u/mfa-phone-enrollment", &[]).await),
        ("sms code", one.form("/u/mfa-sms-challenge", &[]).await),
    ] {
        assert_eq!(answer.status, 400, "{path}");
    }
    drop(world.logs().await);
}

#[tokio::test]
async fn a_number_can_be_changed_and_its_country_picked() {
    let (world, twilio) = phones(&["sms"], &[]).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let list = one.submit(&page, &[("action", "pick-country-code")]).await;
    assert_eq!(list.heading(), "Country");
    let path = format!("/u/mfa-country-codes?state={}", state(&page));
    assert!(buttons(&one.get(&path).await).contains(&"selection-action::US1".to_owned()));
    let page = one.submit(&list, &[("action", "selection-action::FR33")]).await;
    assert!(String::from_utf8_lossy(&page.body).contains("<option value=\"FR\" data-code=\"33\" data-main selected>"));
    for odd in ["selection-action::XX1", "selection-action::\"><script>", "back-action", ""] {
        let one = one.form("/u/mfa-country-codes", &[("state", &state(&page)), ("action", odd)]).await;
        assert!(one.header("location").ends_with(&format!("/u/mfa-sms-enrollment?state={}", state(&page))), "{one}");
    }
    let page = number(&one, &page, "").await;
    let first_code = twilio.next().await.code().unwrap();
    let page = one.submit(&page, &[("action", "pick-sms")]).await;
    assert_eq!(place(&page), "/u/mfa-sms-enrollment");
    assert!(String::from_utf8_lossy(&page.body).contains(&format!("value=\"{PHONE}\"")), "{page}");
    let page = one.submit(&page, &[("country", "DE"), ("phone", "+4915112345679")]).await;
    let sent = twilio.next().await;
    assert_eq!(sent.form("To").as_deref(), Some("+4915112345679"));
    // The code of the other number proves nothing about this one.
    let code = sent.code().unwrap();
    if first_code != code {
        assert_eq!(one.submit(&page, &[("code", &first_code)]).await.complaint(), "That code is not right");
    }
    assert!(one.submit(&page, &[("code", &code)]).await.sent("code").is_some());
    let listed = world.api("read:authentication_methods").get("/api/v2/users/auth0%7Cann/authentication-methods").await;
    assert_eq!(listed.json().as_array().unwrap().len(), 1, "{listed}");
    drop(world.logs().await);
}

#[tokio::test]
async fn numbers_that_may_not_be_used_are_refused() {
    let (world, twilio) = phones(&["sms"], &[]).await;
    let rule = json!({"country_codes": {"list": ["US"], "mode": "allow"}});
    assert_eq!(world.api("update:tenant_settings").patch("/api/v2/tenants/settings", rule).await.status, 200);
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(html.contains("value=\"US\"") && !html.contains("value=\"DE\""));
    let refused = number(&one, &page, "").await;
    assert_eq!(refused.complaint(), "That phone number does not look right");
    assert_eq!(twilio.count(), 0);
    drop(world.logs().await);
}

#[tokio::test]
async fn another_message_takes_half_a_minute_and_they_run_out() {
    let (world, twilio) = phones(&["sms", "voice"], &[]).await;
    give(&world, json!({"type": "phone", "phone_number": PHONE, "preferred_authentication_method": "sms"})).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let again = one.submit(&page, &[("action", "resend-code")]).await;
    assert!(String::from_utf8_lossy(&again.body).contains("data-wait=\"30\""), "{again}");
    assert_eq!(twilio.count(), 1);
    let mut told = Vec::new();
    for at in 0..10 {
        world.clock.advance(30 * SECOND);
        let one = at_address(&world, &one, at);
        told.push(one.submit(&page, &[("action", "resend-code")]).await.complaint());
    }
    assert_eq!((told[8].as_str(), told[9].as_str()), ("", "Too many messages. Wait a while and try again"));
    let two = at_address(&world, &one, 11);
    let voice = two.submit(&page, &[("action", "get-a-call")]).await;
    assert_eq!(voice.complaint(), "Too many messages. Wait a while and try again");
    assert_eq!(twilio.count(), 10);
    assert!(world.logs().await.kinds().contains(&"limit_phone".to_owned()));
    world.clock.advance(HOUR);
    let page = first(&browser(&world, "198.51.100.200"), &[]).await;
    assert_eq!((page.complaint().as_str(), twilio.count()), ("", 11));
    drop(world.logs().await);
}

/// The same browser at another address.
fn at_address<'w>(world: &'w crate::world::World, one: &Browser<'w>, at: usize) -> Browser<'w> {
    let other = browser(world, &format!("192.0.2.{at}"));
    for name in ["__Host-ringpass-login", "did"] {
        other.set_cookie(name, one.cookie(name).as_deref());
    }
    other
}

#[tokio::test]
async fn a_message_that_fails_is_told_and_another_way_is_open() {
    let (world, twilio) = phones(&["sms", "voice"], &["otp"]).await;
    give(&world, json!({"type": "phone", "phone_number": PHONE, "preferred_authentication_method": "sms"})).await;
    twilio.reply(fault(20_003));
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    assert_eq!(page.complaint(), "We could not send the text message");
    // The page stays; nothing is sent again by itself.
    let page = one.open(&format!("/u/mfa?state={}", state(&page))).await;
    assert_eq!((place(&page), page.complaint().as_str()), ("/u/mfa-sms-challenge", ""));
    assert_eq!(twilio.take().len(), 1);
    assert_eq!(
        one.submit(&page, &[("code", "123456")]).await.complaint(),
        "That code is not right",
        "the code that did not arrive is not told"
    );
    let page = one.submit(&page, &[("action", "get-a-call")]).await;
    assert_eq!(place(&page), "/u/mfa-voice-challenge");
    let code = twilio.next().await.code().unwrap();
    assert!(one.submit(&page, &[("code", &code)]).await.sent("code").is_some());
    let kinds = world.logs().await.kinds();
    assert!(kinds.contains(&"gd_send_sms_failure".into()) && kinds.contains(&"gd_send_voice".into()), "{kinds:?}");
}

#[tokio::test]
async fn who_has_no_preference_is_asked_and_who_has_several_phones_may_choose() {
    let (world, twilio) = phones(&["sms", "voice"], &["otp"]).await;
    give(&world, json!({"type": "phone", "phone_number": PHONE})).await;
    world.clock.advance(SECOND);
    give(&world, json!({"type": "phone", "phone_number": "+4915112345670"})).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    assert_eq!(place(&page), "/u/mfa-phone-challenge");
    assert_eq!((buttons(&page), twilio.count()), (vec!["pick-phone".to_owned()], 0));
    let list = one.submit(&page, &[("action", "pick-phone")]).await;
    assert_eq!((place(&list), buttons(&list).len()), ("/u/mfa-sms-list", 2));
    let seen = one.get(&format!("/u/mfa-sms-list?state={}", state(&page))).await;
    assert!(String::from_utf8_lossy(&seen.body).contains("XXXXXXXXXX5670"), "{seen}");
    let page = one.form("/u/mfa-sms-list", &[("state", &state(&page)), ("action", "selection-action::1")]).await;
    let page = one.get(page.header("location")).await;
    assert!(String::from_utf8_lossy(&page.body).contains("XXXXXXXXXX5670"), "{page}");
    let odd = one.form("/u/mfa-phone-challenge", &[("state", &state(&page)), ("type", "fax")]).await;
    assert_eq!((odd.status.as_u16(), twilio.count()), (200, 0));
    let page = one.submit(&page, &[("type", "voice")]).await;
    assert_eq!(place(&page), "/u/mfa-voice-challenge");
    let call = twilio.next().await;
    assert_eq!(call.form("To").as_deref(), Some("+4915112345670"));
    // In another tab the other phone is chosen: the page of the first one now speaks of that, and its code counts.
    let list = one.submit(&page, &[("action", "pick-phone")]).await;
    let other = one.submit(&list, &[("action", "selection-action::0")]).await;
    let other = one.submit(&other, &[("type", "sms")]).await;
    let (old, new) = (call.code().unwrap(), twilio.next().await.code().unwrap());
    if old != new {
        assert_eq!(one.submit(&page, &[("code", &old)]).await.complaint(), "That code is not right");
    }
    assert!(one.submit(&other, &[("code", &new)]).await.sent("code").is_some());
    let looked = one.get("/u/mfa-phone-challenge?state=x").await;
    assert_eq!(looked.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn what_to_enrol_can_be_chosen() {
    let (world, twilio) = phones(&["sms"], &["otp", "recovery-code"]).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    assert_eq!((place(&page), buttons(&page)), ("/u/mfa-otp-enrollment-qr", vec!["pick-authenticator".to_owned()]));
    let secret = text(&one.get(&format!("/u/mfa-otp-enrollment-code?state={}", state(&page))).await, "key");
    for (path, back) in [("/u/mfa-otp-enrollment-code", 302), ("/u/mfa-otp-enrollment-qr", 302)] {
        let fields = [("state", state(&page)), ("action", "pick-authenticator".to_owned())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(one.form(path, &fields).await.status.as_u16(), back);
    }
    let page = one.submit(&page, &[("action", "pick-authenticator")]).await;
    assert_eq!((place(&page), buttons(&page)), ("/u/mfa-begin-enroll-options", vec!["otp".into(), "sms".into()]));
    let looked = one.get(&format!("/u/mfa-begin-enroll-options?state={}", state(&page))).await;
    assert_eq!(looked.heading(), "Protect your account");
    let fields = [("state", state(&page)), ("action", "sms".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let led = one.form("/u/mfa-begin-enroll-options", &fields).await;
    let page = number(&one, &one.get(led.header("location")).await, "").await;
    let code = twilio.next().await.code().unwrap();
    // The application that was shown before is not enrolled by the way.
    let odd =
        one.form("/u/mfa-otp-enrollment-qr", &[("state", &state(&page)), ("code", &shown(&world, &secret))]).await;
    assert!(odd.header("location").starts_with("/u/mfa?"), "{odd}");
    let page = one.submit(&page, &[("code", &code)]).await;
    assert_eq!(place(&page), "/u/mfa-recovery-code-enrollment");
    assert!(one.submit(&page, &[("saved", "true")]).await.sent("code").is_some());
    // A tenant may show the list first.
    let flags = json!({"flags": {"mfa_show_factor_list_on_enrollment": true}});
    assert_eq!(world.api("update:tenant_settings").patch("/api/v2/tenants/settings", flags).await.status, 200);
    let gone = world.api("delete:guardian_enrollments").delete("/api/v2/users/auth0%7Cann/authenticators").await;
    assert_eq!(gone.status, 204);
    let page = first(&browser(&world, "198.51.100.2"), &[]).await;
    assert_eq!(place(&page), "/u/mfa-begin-enroll-options");
    let options = browser(&world, "198.51.100.3");
    assert_eq!(options.form("/u/mfa-login-options", &[("state", "x")]).await.status, 400);
    assert_eq!(options.get("/u/mfa-login-options?state=x").await.status, 400);
    drop(world.logs().await);
}
