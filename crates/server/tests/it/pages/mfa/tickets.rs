//! Enrolling with a ticket (C1843-C1847).

use expect_test::expect;
use ringpass_core::kit::clock::{DAY, HOUR, SECOND};
use ringpass_core::model::email_provider::EmailProvider;
use ringpass_core::storage::email_provider;
use ringpass_simulator::MailServer;
use serde_json::{Value, json};

use super::{browser, buttons, give_application, phones, place, shown, state, text, world};
use crate::world::{Answer, World};

/// The path of a new ticket for Ann.
async fn ticket(world: &World, more: Value) -> String {
    let mut body = json!({"user_id": "auth0|ann"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer =
        world.api("create:guardian_enrollment_tickets").post("/api/v2/guardian/enrollments/ticket", body).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
    answer.text("ticket_url").strip_prefix("https://tenant.example").unwrap().to_owned()
}

/// The sentence below the heading.
fn lead(page: &Answer) -> String {
    let html = String::from_utf8_lossy(&page.body).into_owned();
    html.split_once("<p class=\"lead\">").unwrap().1.split("</p>").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_enrols_once_and_signs_nobody_in() {
    let world = world(&["otp", "recovery-code"]).await;
    let link = ticket(&world, json!({})).await;
    let one = browser(&world, "198.51.100.1");
    // Looking uses nothing up.
    for _ in 0..2 {
        assert!(one.get(&link).await.header("location").starts_with("/u/mfa?state="));
    }
    let other = browser(&world, "198.51.100.2");
    let (page, late) = (one.open(&link).await, other.open(&link).await);
    assert_eq!(place(&page), "/u/mfa-otp-enrollment-qr");
    assert!(!String::from_utf8_lossy(&page.body).contains("rememberDevice"), "nobody signs in");
    assert!(String::from_utf8_lossy(&page.body).contains("<title>Set up an authenticator app - My Tenant</title>"));
    let (mine, theirs) = (state(&page), state(&late));
    let secret = |page: &Answer| format!("/u/mfa-otp-enrollment-code?state={}", state(page));
    let key = text(&other.get(&secret(&late)).await, "key");
    // The one that was begun last counts; the other browser begins again.
    assert_eq!(one.get(&secret(&page)).await.status, 302);
    let page = one.open(&format!("/u/mfa?state={mine}")).await;
    let own = text(&one.get(&secret(&page)).await, "key");
    assert_ne!(own, key);
    let page = one.submit(&page, &[("code", &shown(&world, &own))]).await;
    assert_eq!(place(&page), "/u/mfa-recovery-code-enrollment");
    let done = one.submit(&page, &[("saved", "true"), ("rememberDevice", "true")]).await;
    assert_eq!((place(&done), done.heading().as_str()), ("/u/mfa-enroll-result", "All set"));
    assert_eq!((one.cookie("auth0"), one.cookie("auth0-mf")), (None, None));
    let kinds = world.logs().await.kinds();
    expect![[r#"
        [
            "gd_start_enroll",
            "gd_start_enroll",
            "gd_start_enroll",
            "gd_enrollment_complete",
            "gd_auth_succeed",
        ]
    "#]]
    .assert_debug_eq(&kinds);
    assert!(!kinds.contains(&"s".to_owned()));

    // It is used, in every browser.
    let again = one.get(&format!("/u/mfa?state={mine}")).await;
    assert!(again.header("location").starts_with("/u/mfa-enroll-result"), "{again}");
    let resumed = one.get(&format!("/authorize/resume?state={mine}")).await;
    assert_eq!((resumed.status.as_u16(), resumed.header("set-cookie")), (400, ""), "{resumed}");
    let used = browser(&world, "198.51.100.3").open(&link).await;
    assert_eq!((used.status.as_u16(), used.heading().as_str()), (400, "This link has been used already"));
    let beaten = other.form("/u/mfa-otp-enrollment-qr", &[("state", &theirs), ("code", &shown(&world, &key))]).await;
    assert_eq!(beaten.heading(), "Your account is protected already");
    drop(world.logs().await);
}

#[tokio::test]
async fn bad_tickets_say_what_is_wrong() {
    let world = world(&["otp"]).await;
    let one = browser(&world, "198.51.100.1");
    let heading = async |link: &str| {
        let page = browser(&world, "198.51.100.9").open(link).await;
        format!("{} {} | {}", page.status.as_u16(), page.heading(), lead(&page))
    };
    let wrong = "400 This link is not valid | Ask whoever sent it for a new one";
    for odd in ["", "?ticket=", "?ticket=x", "?ticket_id=%00", "?ticket=gten_0123456789abcdef01234567"] {
        assert_eq!(heading(&format!("/guardian/enroll{odd}")).await, wrong);
    }
    assert_eq!(one.get("/guardian/enroll?ticket=x").await.status, 400);
    assert_eq!(one.get("/u/mfa-enroll-result?state=x").await.status, 400);
    let link = ticket(&world, json!({})).await;
    // A ticket for something else is none here, and this one is none there.
    let elsewhere = link.replace("/guardian/enroll", "/u/reset-verify");
    assert_eq!(browser(&world, "198.51.100.8").open(&elsewhere).await.status, 400);
    world.clock.advance(5 * DAY);
    assert_eq!(heading(&link).await, "400 This link is no longer valid | Ask whoever sent it for a new one");
    let link = ticket(&world, json!({})).await;
    give_application(&world).await;
    assert_eq!(heading(&link).await, "200 Your account is protected already | You can close this window");
    let blocked = ticket(&world, json!({"allow_multiple_enrollments": true})).await;
    let body = json!({"blocked": true});
    assert_eq!(world.api("update:users").patch("/api/v2/users/auth0%7Cann", body).await.status, 200);
    assert_eq!(heading(&blocked).await, wrong);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_ticket_may_permit_another_factor_and_only_that() {
    let (world, twilio) = phones(&["sms"], &["otp", "recovery-code"]).await;
    give_application(&world).await;
    let link = ticket(&world, json!({"allow_multiple_enrollments": true, "factor": "phone"})).await;
    let one = browser(&world, "198.51.100.1");
    let page = one.open(&link.replace("ticket=", "ticket_id=")).await;
    assert_eq!((place(&page), buttons(&page)), ("/u/mfa-sms-enrollment", Vec::new()));
    // What Ann has opens nothing here.
    for path in
        ["/u/mfa-otp-challenge", "/u/mfa-login-options", "/u/mfa-otp-enrollment-qr", "/u/mfa-recovery-code-challenge"]
    {
        let away = one.open(&format!("{path}?state={}", state(&page))).await;
        assert_eq!(place(&away), "/u/mfa-sms-enrollment", "{path}");
    }
    let code = shown(&world, super::SECRET);
    let odd = one.form("/u/mfa-otp-challenge", &[("state", &state(&page)), ("code", &code)]).await;
    assert!(odd.header("location").starts_with("/u/mfa?"), "{odd}");
    let page = one.submit(&page, &[("country", "DE"), ("phone", crate::world::PHONE)]).await;
    let code = twilio.next().await.code().unwrap();
    let page = one.submit(&page, &[("code", &code)]).await;
    assert_eq!(place(&page), "/u/mfa-recovery-code-enrollment", "{page}");
    assert_eq!(place(&one.submit(&page, &[("saved", "true")]).await), "/u/mfa-enroll-result");
    drop(world.logs().await);
    // A factor that is off, or that this server does not have.
    for factor in ["email", "webauthn-roaming"] {
        let link = ticket(&world, json!({"allow_multiple_enrollments": true, "factor": factor})).await;
        let page = browser(&world, "198.51.100.2").open(&link).await;
        assert_eq!((page.status.as_u16(), lead(&page).as_str()), (400, "That did not work. Try again later"));
    }
}

#[tokio::test]
async fn a_ticket_that_lies_around_can_be_opened_again() {
    let world = world(&["otp"]).await;
    let link = ticket(&world, json!({})).await;
    let one = browser(&world, "198.51.100.1");
    let page = one.open(&link).await;
    world.clock.advance(301 * SECOND);
    let late = one.submit(&page, &[("code", "123456")]).await;
    assert_eq!((place(&late), lead(&late).as_str()), ("/u/mfa-enroll-result", "You took too long. Start over"));
    // It does not become a sign-in.
    for path in ["/u/mfa", "/u/login/identifier", "/authorize/resume"] {
        let away = one.open(&format!("{path}?state={}", state(&page))).await;
        assert!(place(&away) == "/u/mfa-enroll-result" || away.status == 400, "{path} {away}");
    }
    let page = one.open(&link).await;
    let key = text(&one.get(&format!("/u/mfa-otp-enrollment-code?state={}", state(&page))).await, "key");
    let thief = browser(&world, "198.51.100.2");
    thief.open("/guardian/enroll?ticket=x").await;
    let stolen = thief.form(&page.at, &[("state", &state(&page)), ("code", &shown(&world, &key))]).await;
    assert_eq!(stolen.status, 400);
    assert_eq!(one.submit(&page, &[("code", &shown(&world, &key))]).await.heading(), "All set");
    world.clock.advance(HOUR);
    assert_eq!(one.get(&format!("/u/mfa-enroll-result?state={}", state(&page))).await.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_ticket_is_mailed() {
    let world = world(&["otp"]).await;
    let server = MailServer::start().await.unwrap();
    let address = server.address();
    let body = json!({"name": "smtp", "default_from_address": "no-reply@tenant.example",
        "credentials": {"smtp_host": address.ip().to_string(), "smtp_port": address.port()}});
    let provider = EmailProvider::create(&body).unwrap();
    world.app.configure("test.mail", move |tx| email_provider::put(tx, &provider)).await.unwrap();
    let mut told = Vec::new();
    for more in [json!({"send_mail": true}), json!({"send_mail": true, "email": "other@mail.example"})] {
        let link = ticket(&world, more).await;
        let letter = server.next().await.unwrap();
        assert!(letter.text().contains(&format!("https://tenant.example{link}")), "{}", letter.text());
        told.push(format!("{} {}", letter.header("To").unwrap(), letter.header("Subject").unwrap()));
    }
    assert_eq!(told, ["ann@example.org Add a second factor", "other@mail.example Add a second factor"]);
}
