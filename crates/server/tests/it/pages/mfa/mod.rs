//! The second factor on the hosted pages (C1820-C1836).

mod application;
mod attacks;
mod email;
mod phone;
mod recovery;
mod remember;
mod sessions;
mod texts;
mod tickets;

use std::time::Duration;

use ringpass::config::TwilioTimes;
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp;
use ringpass_simulator::Twilio;
use serde_json::{Value, json};

use super::{CALLBACK, authorize};
use crate::world::mfa::PASSWORD;
use crate::world::{Answer, Browser, NATIVE, Options, World};

/// A world whose people sign in on the pages with a password, and prove a second factor that is one of these.
async fn world(factors: &[&str]) -> World {
    open(World::new().await, factors).await
}

async fn open(world: World, factors: &[&str]) -> World {
    world.prepare_factors(factors).await;
    world
        .client(NATIVE, json!({"grant_types": ["authorization_code", "refresh_token"], "callbacks": [CALLBACK]}))
        .await;
    world
}

const SID: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "twilio-t0ken-of-the-tests";

/// The same with phones: text messages and calls go to a Twilio of its own.
async fn phones(types: &[&str], factors: &[&str]) -> (World, Twilio) {
    let twilio = Twilio::start(SID, TOKEN).await.unwrap();
    let times = TwilioTimes { pause: Duration::from_millis(1), ..TwilioTimes::default() };
    let options =
        Options { twilio_base_url: twilio.base_url(), twilio: times, allow_networks: "", ..Options::default() };
    let world = open(World::with(options).await, &[factors, &["sms"]].concat()).await;
    for (setting, body) in [
        ("selected-provider", json!({"provider": "twilio"})),
        ("providers/twilio", json!({"sid": SID, "auth_token": TOKEN, "from": "+15550009999"})),
        ("message-types", json!({"message_types": types})),
    ] {
        let path = format!("/api/v2/guardian/factors/phone/{setting}");
        let answer = world.api("update:guardian_factors").put(&path, body).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    drop(world.logs().await);
    (world, twilio)
}

/// A browser with an address of its own.
fn browser<'w>(world: &'w World, ip: &str) -> Browser<'w> {
    world.browser().with(|caller| caller.at(ip))
}

/// Ann's name and password: the page behind them.
async fn first(browser: &Browser<'_>, more: &[(&str, &str)]) -> Answer {
    let page = browser.open(&authorize(more)).await;
    let page = browser.submit(&page, &[("username", "ann@example.org")]).await;
    browser.submit(&page, &[("password", PASSWORD)]).await
}

/// Gives Ann an authenticator of this kind that works.
async fn give(world: &World, body: Value) {
    let path = "/api/v2/users/auth0%7Cann/authentication-methods";
    let answer = world.api("create:authentication_methods").post(path, body).await;
    assert_eq!(answer.status, 201, "{answer}");
    drop(world.logs().await);
}

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Gives Ann an authenticator application with the secret [`SECRET`].
async fn give_application(world: &World) {
    give(world, json!({"type": "totp", "name": "app", "totp_secret": SECRET})).await;
}

/// What an application shows now. Afterwards it is half a minute later, so that the next one is another.
fn shown(world: &World, secret: &str) -> String {
    let code = totp::now(&Secret::new(secret), world.clock.now()).unwrap();
    world.clock.advance(30 * SECOND);
    code
}

/// The text of the element with this id.
fn text(page: &Answer, id: &str) -> String {
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let (_, rest) = html.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id} in {page}"));
    rest.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()
}

/// Path of the page's address.
fn place(page: &Answer) -> &str {
    page.at.split('?').next().unwrap()
}

/// The values of its buttons.
fn buttons(page: &Answer) -> Vec<String> {
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let values = html.split("name=\"action\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    values.filter(|value| value != "default").collect()
}

/// The name of the sign-in.
fn state(page: &Answer) -> String {
    page.at.split_once("state=").unwrap().1.chars().take(32).collect()
}
