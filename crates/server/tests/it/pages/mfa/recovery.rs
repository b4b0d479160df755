//! Recovery codes: shown once, kept, used.

use ringpass_core::kit::clock::SECOND;

use super::{browser, buttons, first, place, shown, state, text, world};
use crate::world::{Answer, World};

/// Ann sets up an application and gets her first recovery code: its page.
async fn enrolled<'w>(world: &'w World, one: &crate::world::Browser<'w>) -> (Answer, String) {
    let page = first(one, &[]).await;
    let secret = text(&one.get(&format!("/u/mfa-otp-enrollment-code?state={}", state(&page))).await, "key");
    (one.submit(&page, &[("code", &shown(world, &secret))]).await, secret)
}

#[tokio::test]
async fn a_first_code_is_kept_before_the_sign_in_is_complete() {
    let world = world(&["otp", "recovery-code"]).await;
    let one = browser(&world, "198.51.100.1");
    let (page, _) = enrolled(&world, &one).await;
    assert_eq!((place(&page), page.heading().as_str()), ("/u/mfa-recovery-code-enrollment", "Keep this recovery code"));
    let code = text(&page, "recovery");
    assert!(code.len() == 24 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
    // Nothing else of the sign-in can be done, and nothing of it is complete.
    for path in ["/u/mfa", "/u/mfa-otp-challenge", "/u/mfa-login-options"] {
        let away = one.get(&format!("{path}?state={}", state(&page))).await;
        assert!(away.header("location").starts_with("/u/mfa-recovery-code-enrollment"), "{away}");
    }
    assert_eq!(one.cookie("auth0"), None);
    let unticked = one.submit(&page, &[]).await;
    assert_eq!(unticked.complaint(), "Confirm that you have kept the code");
    assert_eq!(text(&unticked, "recovery"), code, "the code that was copied is the one that counts");
    // Another look draws another one: the first is void, and must not be kept.
    let other = one.get(&page.at).await;
    assert_ne!(text(&other, "recovery"), code);
    let void = one.submit(&page, &[("saved", "true")]).await;
    assert_eq!(void.status, 200);
    let next = text(&void, "recovery");
    assert!(next != code && next != text(&other, "recovery"));
    let back = one.submit(&void, &[("saved", "true")]).await;
    assert!(back.sent("code").is_some(), "{back}");
    assert_eq!(one.form("/u/mfa-recovery-code-enrollment", &[("state", &state(&page))]).await.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_code_is_used_once_and_another_takes_its_place() {
    let world = world(&["otp", "recovery-code"]).await;
    let one = browser(&world, "198.51.100.1");
    let (page, _) = enrolled(&world, &one).await;
    let code = text(&page, "recovery");
    assert!(one.submit(&page, &[("saved", "true")]).await.sent("code").is_some());
    drop(world.logs().await);
    let two = browser(&world, "198.51.100.2");
    let page = first(&two, &[]).await;
    assert_eq!((place(&page), buttons(&page)), ("/u/mfa-otp-challenge", vec!["pick-authenticator".to_owned()]));
    let page = two.submit(&page, &[("action", "pick-authenticator")]).await;
    assert_eq!((place(&page), buttons(&page)), ("/u/mfa-login-options", vec!["otp".into(), "recovery-code".into()]));
    let page = two.submit(&page, &[("action", "recovery-code")]).await;
    assert_eq!(place(&page), "/u/mfa-recovery-code-challenge");
    let mut told = Vec::new();
    for typed in ["", "ABC", "ABCDEFGHIJKLMNOPQRSTUVWX"] {
        told.push(two.submit(&page, &[("code", typed)]).await.complaint());
    }
    assert_eq!(told, ["Enter the code", "A recovery code has 24 letters and digits", "That code is not right"]);
    let grouped = format!("{}-{} {}", &code[..8], &code[8..16].to_lowercase(), &code[16..]);
    let page = two.submit(&page, &[("code", &grouped)]).await;
    assert_eq!(place(&page), "/u/mfa-recovery-code-challenge-new-code");
    let next = text(&page, "recovery");
    assert_ne!(next, code);
    let back = two.submit(&page, &[("saved", "true")]).await;
    assert!(back.sent("code").is_some(), "{back}");
    let kinds = world.logs().await.kinds();
    assert!(kinds.contains(&"gd_recovery_failed".into()) && kinds.contains(&"gd_recovery_succeed".into()), "{kinds:?}");

    world.clock.advance(30 * SECOND);
    let three = browser(&world, "198.51.100.3");
    let page = first(&three, &[]).await;
    let ask = three.get(&format!("/u/mfa-recovery-code-challenge?state={}", state(&page))).await;
    assert_eq!(three.submit(&ask, &[("code", &code)]).await.complaint(), "That code is not right");
    let page = three.submit(&ask, &[("code", &next)]).await;
    assert_eq!(place(&page), "/u/mfa-recovery-code-challenge-new-code");
    // Too slow: the code on the page works, the sign-in begins anew.
    let newest = text(&page, "recovery");
    world.clock.advance(301 * SECOND);
    let late = three.submit(&page, &[("saved", "true")]).await;
    assert_eq!((place(&late), late.complaint().as_str()), ("/u/login/identifier", "You took too long. Start over"));
    let page = three.submit(&late, &[("username", "ann@example.org")]).await;
    let page = three.submit(&page, &[("password", crate::world::mfa::PASSWORD)]).await;
    let ask = three.get(&format!("/u/mfa-recovery-code-challenge?state={}", state(&page))).await;
    let page = three.submit(&ask, &[("code", &newest)]).await;
    let path = "/u/mfa-recovery-code-challenge-new-code";
    assert_eq!(place(&page), path);
    let fields = [("state", state(&page)), ("code", text(&page, "recovery")), ("saved", "on".into())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let last = three.form("/u/mfa-recovery-code-challenge-new-code", &fields).await;
    assert!(last.header("location").starts_with("/authorize/resume"), "{last}");
    assert_eq!(three.get("/u/mfa-recovery-code-challenge-new-code?state=x").await.status, 400);
    assert_eq!(three.get("/u/mfa-recovery-code-enrollment?state=x").await.status, 400);
    assert_eq!(three.form("/u/mfa-recovery-code-challenge", &[("state", "x")]).await.status, 400);
    drop(world.logs().await);
}
