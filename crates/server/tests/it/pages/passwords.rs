//! Passwords on the hosted pages: sign-in, sign-up, reset (C1620-C1628).

use serde_json::{Value, json};

use super::{authorize, world as plain};
use crate::dbconnections::{ANN, DATABASE, RIGHT, ann};
use crate::world::{Browser, NATIVE, World};

const NEW: &str = "Another passphrase";

/// A world whose native client has a database besides its phone connection.
async fn world() -> World {
    let world = plain().await;
    world.client(NATIVE, json!({"initiate_login_uri": "https://app.example/login"})).await;
    world.enable(DATABASE, &[NATIVE]).await;
    world
}

/// The page that asks for the password.
async fn named(browser: &Browser<'_>, name: &str) -> crate::world::Answer {
    let page = browser.open(&authorize(&[])).await;
    browser.submit(&page, &[("username", name)]).await
}

#[tokio::test]
async fn a_name_and_a_password_sign_in() {
    let world = world().await;
    ann(&world).await;
    let browser = world.browser();
    let page = named(&browser, " Ann@Example.org ").await;
    assert!(page.at.starts_with("/u/login/password?state="), "{page}");
    let mut told = Vec::new();
    for password in ["", "wrong", &"x".repeat(5_000)] {
        told.push(browser.submit(&page, &[("password", password)]).await.complaint());
    }
    let wrong = "E-mail address or password is not right";
    assert_eq!(told, ["Enter your password", wrong, wrong]);
    let back = browser.submit(&page, &[("password", RIGHT)]).await;
    assert!(back.sent("code").is_some(), "{back}");
    let logs = world.logs().await;
    assert_eq!(logs.kinds(), ["fp", "fp", "s"]);
    assert!(logs.0[2]["details"]["session_id"].is_string(), "{logs}");
    let silent = browser.get(&authorize(&[("prompt", "none"), ("connection", DATABASE)])).await;
    assert!(silent.sent("code").is_some(), "{silent}");
    drop(world.logs().await);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let world = world().await;
    ann(&world).await;
    let mut told = Vec::new();
    for (ip, name) in [("198.51.100.1", ANN), ("198.51.100.2", "bob@example.org")] {
        let browser = world.browser().with(|caller| caller.at(ip));
        let page = named(&browser, name).await;
        let wrong = browser.submit(&page, &[("password", "wrong")]).await;
        let forgot = browser.get(&page.at.replace("/u/login/password", "/u/reset-password/request")).await;
        let sent = browser.submit(&forgot, &[("email", name)]).await;
        let text = |answer: &crate::world::Answer| {
            let text = String::from_utf8_lossy(&answer.body).replace(name, "NAME");
            let state = page.hidden()[0].1.clone();
            text.replace(&state, "STATE").split("</style>").nth(1).unwrap().to_owned()
        };
        told.push((wrong.status, text(&wrong), sent.status, text(&sent)));
    }
    assert_eq!(told[0], told[1]);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_blocked_user_learns_it_with_the_right_password_only() {
    let world = world().await;
    ann(&world).await;
    let blocked = world.api("update:users").patch("/api/v2/users/auth0%7Cann", json!({"blocked": true})).await;
    assert_eq!(blocked.status, 200);
    let browser = world.browser();
    let page = named(&browser, ANN).await;
    assert_eq!(browser.submit(&page, &[("password", "wrong")]).await.status, 400);
    let back = browser.submit(&page, &[("password", RIGHT)]).await;
    assert_eq!(back.sent("error_description").as_deref(), Some("user is blocked"));
    assert_eq!(browser.get(&page.at).await.status, 400, "it is over");
    drop(world.logs().await);
}

#[tokio::test]
async fn somebody_signs_up() {
    let world = world().await;
    let browser = world.browser();
    let page = browser.open(&authorize(&[("screen_hint", "signup"), ("login_hint", ANN)])).await;
    assert_eq!(page.heading(), "Sign up");
    assert!(String::from_utf8_lossy(&page.body).contains("At least 8 characters"), "{page}");
    let mut told = Vec::new();
    for (email, password) in [(ANN, ""), ("", RIGHT), ("ann", RIGHT), (ANN, "short")] {
        told.push(browser.submit(&page, &[("email", email), ("password", password)]).await.complaint());
    }
    assert_eq!(
        told,
        [
            "Choose a password",
            "Enter your e-mail address",
            "That e-mail address does not look right",
            "That password is too weak",
        ]
    );
    let browser = browser.with(|caller| caller.at("198.51.100.5"));
    let back = browser.submit(&page, &[("email", ANN), ("password", RIGHT)]).await;
    assert!(back.sent("code").is_some(), "{back}");
    drop(world.logs().await);
    let other = world.browser().with(|caller| caller.at("198.51.100.6"));
    let page = other.open(&authorize(&[("screen_hint", "signup")])).await;
    let taken = other.submit(&page, &[("email", ANN), ("password", NEW)]).await;
    assert_eq!(taken.complaint(), "This account cannot be made. Try to sign in");
    world.options(DATABASE, json!({"disable_signup": true})).await;
    let closed = other.form("/u/signup", &[("state", &page.hidden()[0].1), ("email", ANN), ("password", NEW)]).await;
    assert!(closed.header("location").starts_with("/u/login/identifier"), "{closed}");
    drop(world.logs().await);
}

/// The text of a new ticket.
async fn ticket(world: &World, path: &str, body: Value) -> String {
    let answer = world.api("create:user_tickets").post(path, body).await;
    assert_eq!(answer.status, 201, "{answer}");
    let link = answer.text("ticket");
    link.strip_prefix("https://tenant.example").unwrap().trim_end_matches('#').to_owned()
}

#[tokio::test]
async fn a_ticket_changes_the_password_once() {
    let world = world().await;
    ann(&world).await;
    let signed_in = world.browser();
    let page = named(&signed_in, ANN).await;
    assert!(signed_in.submit(&page, &[("password", RIGHT)]).await.sent("code").is_some());
    let link =
        ticket(&world, "/api/v2/tickets/password-change", json!({"user_id": "auth0|ann", "client_id": NATIVE})).await;
    let browser = world.browser().with(|caller| caller.at("198.51.100.7"));
    let page = browser.get(&link).await;
    assert_eq!(page.heading(), "Choose a new password");
    let mut told = Vec::new();
    for (one, two) in [("", ""), (NEW, "other"), ("short", "short"), (NEW, NEW)] {
        let answer = browser.submit(&page, &[("password", one), ("re-enter-password", two)]).await;
        told.push(if answer.status == 200 { answer.heading() } else { answer.complaint() });
    }
    assert_eq!(
        told,
        [
            "Choose a new password",
            "The two passwords are not the same",
            "That password is too weak",
            "Password changed"
        ]
    );
    let again = browser.submit(&page, &[("password", RIGHT), ("re-enter-password", RIGHT)]).await;
    assert_eq!((again.status.as_u16(), again.heading().as_str()), (400, "This link has been used already"));
    assert_eq!(browser.get("/u/reset-verify?ticket=no").await.heading(), "This link is not valid");
    assert_eq!(browser.form("/u/reset-verify", &[("ticket", "no")]).await.status, 400);
    let silent = signed_in.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(silent.sent("error").as_deref(), Some("login_required"), "the old session is over");
    drop(world.logs().await);
}

#[tokio::test]
async fn an_address_is_confirmed_by_a_press_and_not_by_looking() {
    let world = world().await;
    ann(&world).await;
    let body = json!({"user_id": "auth0|ann", "result_url": "https://app.example/done"});
    let link = ticket(&world, "/api/v2/tickets/email-verification", body).await;
    let browser = world.browser();
    for _ in 0..2 {
        let page = browser.get(&link).await;
        assert_eq!(page.heading(), "E-mail address");
    }
    let page = browser.get(&link).await;
    let wrong = browser.get(&link.replace("email-verification", "reset-verify")).await;
    assert_eq!(wrong.heading(), "This link is not valid");
    let done = browser.submit(&page, &[]).await;
    assert!(done.header("location").starts_with("https://app.example/done?"), "{done}");
    assert_eq!(browser.submit(&page, &[]).await.heading(), "This link is not valid");
    assert_eq!(browser.form("/u/email-verification", &[("ticket", "x")]).await.status, 400);
    assert_eq!(browser.get("/u/email-verification?ticket=x").await.status, 400);
    drop(world.logs().await);
}

#[tokio::test]
async fn pages_for_passwords_belong_to_a_sign_in() {
    let world = world().await;
    let browser = world.browser();
    for answer in [
        browser.get("/u/login/password?state=x").await,
        browser.form("/u/login/password", &[("state", "x")]).await,
        browser.get("/u/signup?state=x").await,
        browser.get("/u/reset-password/request?state=x").await,
        browser.form("/u/reset-password/request", &[("state", "x")]).await,
    ] {
        assert_eq!(answer.status, 400);
    }
    let page = browser.open(&authorize(&[])).await;
    let skipped = browser.get(&page.at.replace("/u/login/identifier", "/u/login/password")).await;
    assert!(skipped.header("location").starts_with("/u/login/identifier?state="), "{skipped}");
    let by_phone = browser.get(&format!("{}&via=sms", page.at)).await;
    assert!(String::from_utf8_lossy(&by_phone.body).contains("name=\"country\""), "{by_phone}");
}
