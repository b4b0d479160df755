//! The hosted pages and the OAuth endpoints that a browser visits (C1300-C1372).

mod attacks;
mod authorize;
mod back_channel;
mod link;
mod logout;
mod looks;
mod mfa;
mod passwords;
mod sign_in;

use ringpass_core::kit::hash;
use serde_json::{Value, json};

use crate::world::{Answer, Browser, NATIVE, OTP, World};

/// The callback of the web client.
pub(crate) const CALLBACK: &str = "https://app.example/callback";
/// A code verifier.
pub(crate) const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier-43";

/// A world whose native client signs in on the hosted pages.
pub(crate) async fn world() -> World {
    let world = World::new().await;
    world
        .client(
            NATIVE,
            json!({"grant_types": ["authorization_code", "implicit", "refresh_token", OTP], "callbacks": [CALLBACK],
                "web_origins": ["https://app.example"], "allowed_logout_urls": ["https://app.example/bye"]}),
        )
        .await;
    world
}

/// The address that the native client sends people to, with more parameters, or others.
pub(crate) fn authorize(more: &[(&str, &str)]) -> String {
    let challenge = hash::base64url(&hash::sha256(VERIFIER.as_bytes()));
    let mut parameters = vec![
        ("client_id", NATIVE),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile phone"),
        ("state", "st&te"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    parameters.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    parameters.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    format!("/authorize?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// Signs in on the pages: the answer that leads back to the application.
pub(crate) async fn sign_in(browser: &Browser<'_>, world: &World, phone: &str, more: &[(&str, &str)]) -> Answer {
    let page = browser.open(&authorize(more)).await;
    let page = browser.submit(&page, &[("country", "DE"), ("username", phone)]).await;
    assert_eq!(world.logs().await.kinds(), ["cs"], "{page}");
    let code = world.gateway.next().await.code().unwrap();
    let answer = browser.submit(&page, &[("code", &code)]).await;
    let kinds = world.logs().await.kinds();
    assert!(kinds == ["s"] || kinds == ["ss", "s"], "{kinds:?} {answer}");
    answer
}

/// Exchanges the code of an answer.
pub(crate) async fn exchange(world: &World, code: &str, more: Value) -> Answer {
    let mut body = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.anon().post("/oauth/token", body).await
}
