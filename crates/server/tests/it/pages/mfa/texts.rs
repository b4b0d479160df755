//! The pages speak the language of the browser, and in the tenant's own words (C1450-C1455, C1835).

use serde_json::json;

use super::{browser, first, phones};

#[tokio::test]
async fn a_tenant_says_it_in_its_own_words() {
    let (world, _twilio) = phones(&["sms", "voice"], &["otp"]).await;
    let api = world.api("update:prompts update:tenant_settings");
    let own = json!({
        "mfa-phone-enrollment": {"title": "Ring, ring", "continueButtonText": "Go", "invalid-phone-format": "0-9 only",
            "pageTitle": "Phone at ${clientName}", "smsButtonText": "Ping <me>"}});
    for (path, body) in [
        ("/api/v2/prompts/mfa-phone/custom-text/en", own),
        ("/api/v2/prompts/common/custom-text/en", json!({"common": {"no-phone": "Which one?", "title": "never"}})),
    ] {
        assert_eq!(api.put(path, body).await.status, 200, "{path}");
    }
    let locales = json!({"enabled_locales": ["en", "fr"]});
    assert_eq!(api.patch("/api/v2/tenants/settings", locales).await.status, 200);
    let one = browser(&world, "198.51.100.1");
    let page = first(&one, &[]).await;
    let page = one.submit(&page, &[("action", "pick-authenticator")]).await;
    assert!(String::from_utf8_lossy(&page.body).contains("Authenticator app"), "{page}");
    let page = one.submit(&page, &[("action", "phone")]).await;
    let html = String::from_utf8_lossy(&page.body).into_owned();
    for text in ["<h1>Ring, ring</h1>", ">Go</button>", "<title>Phone at Native App</title>", "Ping &#60;me&#62;"] {
        assert!(html.contains(text), "{text} {page}");
    }
    assert_eq!(one.submit(&page, &[("phone", "call me")]).await.complaint(), "0-9 only");
    assert_eq!(one.submit(&page, &[("phone", "")]).await.complaint(), "Which one?");
    // Elsewhere the words are ours, in the language that the browser asks for.
    let other = browser(&world, "198.51.100.2").with(|caller| caller.header("accept-language", "fr"));
    let page = first(&other, &[]).await;
    assert_eq!(page.heading(), "Configurez une application d’authentification");
    assert_eq!(other.submit(&page, &[("code", "12")]).await.complaint(), "Le code comporte 6 chiffres");
    drop(world.logs().await);
}
