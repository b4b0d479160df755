//! Codes to a verified address, beside another factor.

use ringpass_core::model::email_provider::EmailProvider;
use ringpass_core::storage::email_provider;
use ringpass_simulator::MailServer;
use serde_json::json;

use super::{browser, buttons, first, give, give_application, place, state, world};

#[tokio::test]
async fn a_code_comes_by_mail_to_who_has_something_else_as_well() {
    let world = world(&["otp", "email"]).await;
    let server = MailServer::start().await.unwrap();
    let address = server.address();
    let body = json!({"name": "smtp", "default_from_address": "no-reply@tenant.example",
        "credentials": {"smtp_host": address.ip().to_string(), "smtp_port": address.port()}});
    let provider = EmailProvider::create(&body).unwrap();
    world.app.configure("test.mail", move |tx| email_provider::put(tx, &provider)).await.unwrap();
    // Alone it is no second factor.
    let page = first(&browser(&world, "198.51.100.1"), &[]).await;
    assert_eq!(place(&page), "/u/mfa-otp-enrollment-qr");
    give_application(&world).await;
    let one = browser(&world, "198.51.100.2");
    let page = first(&one, &[]).await;
    let page = one.submit(&page, &[("action", "pick-authenticator")]).await;
    assert_eq!(buttons(&page), ["otp", "email"]);
    let page = one.submit(&page, &[("action", "email")]).await;
    assert_eq!((place(&page), page.heading().as_str()), ("/u/mfa-email-challenge", "Check your e-mail"));
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(html.contains("***@exam*******") && !html.contains("ann@example.org"), "{page}");
    let code = server.next().await.unwrap().code().unwrap();
    let wrong = one.submit(&page, &[("code", if code == "000000" { "111111" } else { "000000" })]).await;
    assert_eq!(wrong.complaint(), "That code is not right");
    let again = one.submit(&page, &[("action", "resend-code")]).await;
    assert!(again.complaint().is_empty() && server.take().is_empty(), "half a minute must pass");
    world.clock.advance(30_000);
    let again = one.submit(&page, &[("action", "resend-code")]).await;
    assert!(String::from_utf8_lossy(&again.body).contains("role=\"status\""), "{again}");
    assert_eq!(server.next().await.unwrap().code().unwrap(), code, "the same code");
    let back = one.form("/u/mfa-email-challenge", &[("state", &state(&page)), ("code", &code)]).await;
    assert!(back.header("location").starts_with("/authorize/resume"), "{back}");
    assert_eq!(one.get("/u/mfa-email-challenge?state=x").await.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn there_may_be_several_addresses() {
    let world = world(&["otp", "email"]).await;
    give_application(&world).await;
    give(&world, json!({"type": "email", "name": "other", "email": "bea@other.example"})).await;
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let list = one.get(&format!("/u/mfa-email-list?state={}", state(&page))).await;
    assert_eq!(buttons(&list), ["selection-action::0", "selection-action::1"]);
    // Nobody carries mail here: the page says so, and what was chosen stays chosen.
    let page = one.submit(&list, &[("action", "selection-action::0")]).await;
    assert_eq!(page.complaint(), "We could not send the e-mail");
    assert!(buttons(&page).contains(&"pick-email".to_owned()), "{page}");
    let page = one.get(&format!("/u/mfa?state={}", state(&list))).await;
    assert!(page.header("location").starts_with("/u/mfa-email-challenge"), "{page}");
    let odd = one.form("/u/mfa-email-list", &[("state", &state(&list)), ("action", "selection-action::99")]).await;
    assert!(odd.header("location").starts_with("/u/mfa-email-challenge"), "{odd}");
    drop(world.logs().await);
}
