//! Authenticator applications: set up, and asked for.

use expect_test::expect;
use serde_json::json;

use super::super::exchange;
use super::{SECRET, browser, first, give_application, place, shown, state, text, world};
use crate::world::NATIVE;

#[tokio::test]
async fn an_application_is_set_up_by_a_picture_or_by_text() {
    let world = world(&["otp"]).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    assert_eq!((place(&page), page.heading().as_str()), ("/u/mfa-otp-enrollment-qr", "Set up an authenticator app"));
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(html.contains("<svg class=\"qr\" viewBox=\"0 0 ") && html.contains("role=\"img\""), "{page}");
    assert!(!html.contains("style=\""), "the policy lets no style attribute through");
    let typed = one.get(&format!("/u/mfa-otp-enrollment-code?state={}", state(&page))).await;
    let secret = text(&typed, "key");
    assert_eq!(secret.len(), 32);
    let mut told = Vec::new();
    for code in ["", "12345", "abcdef", "000000"] {
        told.push(one.submit(&typed, &[("code", code)]).await.complaint());
    }
    assert_eq!(told, ["Enter the code", "The code has 6 digits", "The code has 6 digits", "That code is not right"]);
    // Reloading draws no other secret.
    assert_eq!(text(&one.get(&typed.at).await, "key"), secret);
    let code = shown(&world, &secret);
    let back = one.submit(&page, &[("code", &format!("{} {}", &code[..3], &code[3..]))]).await;
    let tokens = exchange(&world, &back.sent("code").unwrap(), json!({"client_id": NATIVE})).await;
    let claims = world.read_token(&tokens.text("id_token"), "");
    assert_eq!(claims["claims"]["amr"], json!(["mfa"]));
    let logs = world.logs().await;
    expect![[r#"
        [
            "mfar",
            "gd_start_enroll",
            "gd_auth_failed",
            "gd_enrollment_complete",
            "gd_auth_succeed",
            "s",
            "seacft",
        ]
    "#]]
    .assert_debug_eq(&logs.kinds());

    let other = browser(&world, "198.51.100.2");
    let page = first(&other, &[]).await;
    assert_eq!((place(&page), page.heading().as_str()), ("/u/mfa-otp-challenge", "Open your authenticator app"));
    assert_eq!(other.submit(&page, &[("code", &code)]).await.complaint(), "That code is not right");
    let back = other.submit(&page, &[("code", &shown(&world, &secret))]).await;
    assert!(back.sent("code").is_some(), "{back}");
    drop(world.logs().await);
}

#[tokio::test]
async fn wrong_codes_run_out() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let page = first(&browser(&world, "198.51.100.1"), &[]).await;
    let mut told = Vec::new();
    for at in 0..6 {
        let one = browser(&world, &format!("198.51.100.{at}"));
        let page = first(&one, &[]).await;
        told.push(one.submit(&page, &[("code", "000000")]).await.complaint());
    }
    assert_eq!(told[4..], ["That code is not right", "Too many wrong codes. Wait a few minutes"], "{page}");
    let one = browser(&world, "198.51.100.9");
    let page = first(&one, &[]).await;
    let right = one.submit(&page, &[("code", &shown(&world, SECRET))]).await;
    assert_eq!(right.complaint(), "Too many wrong codes. Wait a few minutes");
    assert!(world.logs().await.kinds().contains(&"gd_otp_rate_limit_exceed".to_owned()));
}
