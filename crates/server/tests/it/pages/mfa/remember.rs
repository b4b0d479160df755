//! Remembered browsers (C1801-C1812, C1834).

use ringpass_core::kit::clock::DAY;

use super::super::authorize;
use super::{SECRET, browser, first, give_application, place, shown, world};
use crate::world::{Browser, World};

const AGAIN: &[(&str, &str)] = &[("prompt", "login")];

/// Signs Ann in with her application, and has the browser remembered.
async fn remembered<'w>(world: &'w World, ip: &str) -> Browser<'w> {
    let one = browser(world, ip);
    let page = first(&one, &[]).await;
    let wrong = one.submit(&page, &[("code", "000000"), ("rememberDevice", "true")]).await;
    assert!(String::from_utf8_lossy(&wrong.body).contains("value=\"true\" checked"), "the wish is kept: {wrong}");
    let back = one.submit(&wrong, &[("code", &shown(world, SECRET)), ("rememberDevice", "true")]).await;
    assert!(back.sent("code").is_some(), "{back}");
    one
}

#[tokio::test]
async fn a_remembered_browser_is_not_asked_for_thirty_days() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let one = remembered(&world, "198.51.100.1").await;
    assert_eq!(one.cookie("auth0-mf").map(|value| value.len()), Some(32));
    for _ in 0..4 {
        world.clock.advance(6 * DAY);
        assert!(first(&one, AGAIN).await.sent("code").is_some());
    }
    // The application's own wish counts more, and the thirty days end.
    let acr = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
    let asked = first(&one, &[("prompt", "login"), ("acr_values", acr)]).await;
    assert_eq!(place(&asked), "/u/mfa-otp-challenge");
    world.clock.advance(6 * DAY + 1);
    assert_eq!(place(&first(&one, AGAIN).await), "/u/mfa-otp-challenge");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_browser_that_stays_away_or_is_another_is_asked() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let one = remembered(&world, "198.51.100.1").await;
    let other = browser(&world, "198.51.100.2");
    other.set_cookie("auth0-mf", Some("00000000000000000000000000000000"));
    assert_eq!(place(&first(&other, &[]).await), "/u/mfa-otp-challenge");
    world.clock.advance(7 * DAY + 1);
    assert_eq!(place(&first(&one, AGAIN).await), "/u/mfa-otp-challenge");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_silent_request_for_a_second_factor_is_told_so_and_opens_nothing() {
    let world = world(&["otp"]).await;
    give_application(&world).await;
    let one = remembered(&world, "198.51.100.1").await;
    assert!(one.get(&authorize(&[("prompt", "none")])).await.sent("code").is_some());
    drop(world.logs().await);
    let acr = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
    let back = one.get(&authorize(&[("prompt", "none"), ("acr_values", acr)])).await;
    assert_eq!(back.sent("error").as_deref(), Some("login_required"));
    assert_eq!(back.sent("error_description").as_deref(), Some("Multifactor authentication required"));
    assert_eq!(back.sent("code"), None);
    assert_eq!(world.logs().await.kinds(), ["fsa"]);
}
