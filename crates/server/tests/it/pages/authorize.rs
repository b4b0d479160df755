//! `/authorize`: what it answers, and what it never sends anywhere (C1300-C1326).

use expect_test::expect;
use serde_json::json;

use super::{CALLBACK, VERIFIER, authorize, exchange, sign_in, world};
use crate::world::{API, Lines, NATIVE, PHONE, WEB};

#[tokio::test]
async fn what_cannot_be_trusted_is_a_page() {
    let world = world().await;
    world.client(NATIVE, json!({"callbacks": [CALLBACK, "javascript:alert(1)"], "web_origins": []})).await;
    let mut told = String::new();
    for more in [
        [("client_id", "")],
        [("client_id", "<script>")],
        [("redirect_uri", "https://app.example/callback/")],
        [("redirect_uri", "https://evil.example/<b>")],
        [("redirect_uri", "javascript:alert(1)")],
        [("request_uri", "urn:ietf:params:oauth:request_uri:no")],
        [("response_mode", "web_message")],
    ] {
        let page = world.browser().get(&authorize(&more)).await;
        assert!(page.header("location").is_empty() && page.header("set-cookie").is_empty());
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let detail = text.split_once("<p class=\"detail\">").map_or("", |(_, rest)| rest.split("</p>").next().unwrap());
        told.line(format!("{} {detail}", page.status.as_u16()));
    }
    expect![[r#"
        400 <code>invalid_request</code> Missing required parameter: client_id
        400 <code>invalid_request</code> Unknown client: &#60;script&#62;
        403 <code>invalid_request</code> Callback URL mismatch. https://app.example/callback/ is not in the list of allowed callback URLs
        403 <code>invalid_request</code> Callback URL mismatch. https://evil.example/&#60;b&#62; is not in the list of allowed callback URLs
        403 <code>invalid_request</code> Callback URL mismatch. javascript:alert(1) is not in the list of allowed callback URLs
        400 <code>invalid_request</code> Unknown, used or expired request_uri
        403 <code>invalid_request</code> https://app.example is not in the list of allowed web origins
    "#]].assert_eq(&told);
    assert_eq!(world.browser().get("/authorize").await.status, 400);
    let page = world.browser().get(&authorize(&[("x", &"x".repeat(9_000))])).await;
    assert_eq!(page.status, 413);
}

#[tokio::test]
async fn other_errors_go_to_the_application_in_the_mode_it_asked_for() {
    let world = world().await;
    world.client(NATIVE, json!({"grant_types": ["authorization_code"]})).await;
    let mut told = String::new();
    for more in [
        &[("response_type", "")][..],
        &[("response_type", "code x")],
        &[("response_type", "token")],
        &[("response_type", "id_token"), ("response_mode", "query"), ("nonce", "n")],
        &[("response_type", "id_token"), ("nonce", "")],
        &[("code_challenge", ""), ("code_challenge_method", "")],
        &[("prompt", "none")],
        &[("prompt", "none login")],
        &[("connection", "no")],
        &[("audience", "https://no.example/")],
        &[("max_age", "soon")],
    ] {
        let answer = world.browser().get(&authorize(more)).await;
        told.line(answer.header("location"));
    }
    expect![[r#"
        https://app.example/callback?error=invalid_request&error_description=Missing+required+parameter%3A+response_type&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=unsupported_response_type&error_description=Unsupported+response+type%3A+code+x&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback#error=unauthorized_client&error_description=Grant+type+%27implicit%27+not+allowed+for+the+client&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=invalid_request&error_description=Response+mode+%27query%27+is+not+allowed+for+this+response+type&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback#error=invalid_request&error_description=Missing+required+parameter%3A+nonce&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=invalid_request&error_description=Missing+required+parameter%3A+code_challenge&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=login_required&error_description=Login+required&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=invalid_request&error_description=Prompt+%27none%27+stands+alone&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=invalid_request&error_description=the+connection+was+not+found%3A+no&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=access_denied&error_description=Service+not+found%3A+https%3A%2F%2Fno.example%2F&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
        https://app.example/callback?error=invalid_request&error_description=max_age+must+be+a+number+of+seconds&state=st%26te&iss=https%3A%2F%2Ftenant.example%2F
    "#]].assert_eq(&told);
    let twice = format!("{}&scope=openid", authorize(&[]));
    let answer = world.browser().get(&twice).await;
    assert_eq!(answer.sent("error_description").as_deref(), Some("Parameter sent more than once: scope"));
    world.logs().await.lines().iter().for_each(|line| assert!(line.starts_with('f'), "{line}"));
    let posted = world.browser().form("/authorize", &[("client_id", NATIVE), ("response_type", "code")]).await;
    assert!(posted.header("location").starts_with(&format!("{CALLBACK}?error=invalid_request")), "{posted}");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_form_posts_the_answer_and_a_message_tells_it() {
    let world = world().await;
    let browser = world.browser();
    sign_in(&browser, &world, PHONE, &[]).await;
    let form = browser.get(&authorize(&[("response_mode", "form_post"), ("state", "\"><script>")])).await;
    let text = String::from_utf8_lossy(&form.body).into_owned();
    assert!(text.contains("action=\"https://app.example/callback\"") && !text.contains("\"><script>"), "{text}");
    let nonce = form.header("content-security-policy").split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(text.contains(&format!("<script nonce=\"{nonce}\">")));
    let path = authorize(&[("response_mode", "web_message"), ("prompt", "none"), ("state", "</script><b>")]);
    let message = browser.get(&path).await;
    let text = String::from_utf8_lossy(&message.body).into_owned();
    assert!(message.header("content-security-policy").contains("frame-ancestors https://app.example;"), "{message}");
    assert!(message.header("x-frame-options").is_empty());
    assert_eq!(text.matches("</script>").count(), 1, "{text}");
    assert!(
        text.contains("\"type\":\"authorization_response\"") && text.contains(", \"https://app.example\")"),
        "{text}"
    );
    assert_eq!(world.logs().await.kinds(), ["s", "ssa"]);
}

#[tokio::test]
async fn tokens_through_the_browser_vouch_for_each_other() {
    let world = world().await;
    let browser = world.browser();
    let more = [("response_type", "code token id_token"), ("nonce", "n-2"), ("audience", API), ("prompt", "login")];
    let back = sign_in(&browser, &world, PHONE, &more).await;
    let half = |text: &str| {
        let digest = ringpass_core::kit::hash::sha256(text.as_bytes());
        ringpass_core::kit::hash::base64url(&digest[..16])
    };
    let id_token = world.read_token(&back.sent("id_token").unwrap(), "");
    let access_token = back.sent("access_token").unwrap();
    assert_eq!(id_token["claims"]["at_hash"], half(&access_token));
    assert_eq!(id_token["claims"]["c_hash"], half(&back.sent("code").unwrap()));
    assert_eq!(id_token["claims"]["auth_time"], 1_767_323_045);
    let access = world.read_token(&access_token, "");
    assert_eq!(access["claims"]["exp"].as_i64().unwrap() - access["claims"]["iat"].as_i64().unwrap(), 7_200);
    assert_eq!(back.sent("expires_in").as_deref(), Some("7200"));
    let opaque = browser.open(&authorize(&[("response_type", "token"), ("response_mode", "fragment")])).await;
    let answer = world.nobody().bearer(&opaque.sent("access_token").unwrap()).get("/userinfo").await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.logs().await.kinds(), ["s"]);
}

#[tokio::test]
async fn a_code_is_good_once_and_a_second_use_takes_back_the_first() {
    let world = world().await;
    let back = sign_in(&world.browser(), &world, PHONE, &[("scope", "openid offline_access")]).await;
    let code = back.sent("code").unwrap();
    let foreign = world.web().post("/oauth/token", json!({"grant_type": "authorization_code", "code": code})).await;
    assert_eq!(foreign.status, 403);
    let tokens = exchange(&world, &code, json!({})).await;
    assert_eq!(tokens.status, 200);
    let again = exchange(&world, &code, json!({})).await;
    assert_eq!(again.line(), r#"403 {"error":"invalid_grant","error_description":"Invalid authorization code"}"#);
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")});
    assert_eq!(world.anon().post("/oauth/token", refresh).await.status, 403);
    let bearer = world.nobody().bearer(&tokens.text("access_token"));
    assert_eq!(bearer.get("/userinfo").await.status, 401);
    drop(world.logs().await);
}

#[tokio::test]
async fn a_code_belongs_to_its_proof_key_its_address_and_its_time() {
    let world = world().await;
    let mut told = String::new();
    for more in [
        json!({"code_verifier": "another-verifier-another-verifier-another-43"}),
        json!({"code_verifier": null}),
        json!({"redirect_uri": "https://app.example/other"}),
        json!({"redirect_uri": null}),
    ] {
        let browser = world.browser().with(|caller| caller.at(&format!("198.51.100.{}", told.lines().count())));
        let back = sign_in(&browser, &world, PHONE, &[]).await;
        let code = back.sent("code").unwrap();
        told.line(exchange(&world, &code, more).await.text("error_description"));
        assert_eq!(exchange(&world, &code, json!({})).await.status, 403, "it is spent");
        assert_eq!(world.logs().await.kinds(), ["feacft"; 2]);
    }
    let back = sign_in(&world.browser(), &world, PHONE, &[]).await;
    world.clock.advance(600_000);
    told.line(exchange(&world, &back.sent("code").unwrap(), json!({})).await.text("error_description"));
    expect![[r#"
        Failed to verify code verifier
        Failed to verify code verifier
        The redirect URI is wrong. You sent https://app.example/other, and we expected https://app.example/callback
        The redirect URI is wrong. You sent , and we expected https://app.example/callback
        Invalid authorization code
    "#]]
    .assert_eq(&told);
    drop(world.logs().await);
}

#[tokio::test]
async fn of_many_exchanges_at_once_one_gets_tokens() {
    let world = world().await;
    let back = sign_in(&world.browser(), &world, PHONE, &[]).await;
    let code = back.sent("code").unwrap();
    let all = (0..8).map(|_| exchange(&world, &code, json!({})));
    let answers = futures_join(all).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    drop(world.logs().await);
}

async fn futures_join(all: impl Iterator<Item = impl Future<Output = crate::world::Answer>>) -> Vec<u16> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut statuses = Vec::new();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                statuses.push(answer.status.as_u16());
                false
            }
            std::task::Poll::Pending => true,
        });
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    statuses
}

#[tokio::test]
async fn a_request_may_be_sent_ahead() {
    let world = world().await;
    world.client(WEB.0, json!({"grant_types": ["authorization_code"], "callbacks": [CALLBACK]})).await;
    let body = json!({"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "pushed"});
    let pushed = world.web().post("/oauth/par", body.clone()).await;
    assert_eq!((pushed.status.as_u16(), pushed.json()["expires_in"].as_i64()), (201, Some(30)));
    let path = authorize(&[("client_id", WEB.0), ("request_uri", &pushed.text("request_uri")), ("prompt", "none")]);
    let answer = world.browser().get(&path).await;
    assert!(answer.header("location").starts_with("/u/login/identifier?state="), "{answer}");
    assert_eq!(world.browser().get(&path).await.status, 400, "it is good once");
    let mut told = String::new();
    for (name, value) in [
        ("redirect_uri", "https://evil.example/"),
        ("response_type", "x"),
        ("request_uri", "urn:x"),
        ("client_secret", "no"),
    ] {
        let mut body = body.clone();
        body[name] = value.into();
        told.line(world.web().post("/oauth/par", body).await.line());
    }
    expect![[r#"
        400 {"error":"invalid_request","error_description":"Callback URL mismatch. https://evil.example/ is not in the list of allowed callback URLs"}
        400 {"error":"unsupported_response_type","error_description":"Unsupported response type: x"}
        400 {"error":"invalid_request","error_description":"request_uri has no place here"}
        401 {"error":"invalid_client","error_description":"Client authentication failed"}
    "#]].assert_eq(&told);
    let late = world.web().form("/oauth/par", &[("response_type", "code")]).await.text("request_uri");
    world.clock.advance(30_000);
    assert_eq!(world.browser().get(&authorize(&[("client_id", WEB.0), ("request_uri", &late)])).await.status, 400);
    assert_eq!(VERIFIER.len(), 47);
}

#[tokio::test]
async fn old_proof_is_asked_for_again() {
    let world = world().await;
    let browser = world.browser();
    sign_in(&browser, &world, PHONE, &[]).await;
    world.clock.advance(100_000);
    let silent = browser.get(&authorize(&[("prompt", "none"), ("max_age", "60")])).await;
    assert_eq!(silent.sent("error").as_deref(), Some("login_required"));
    let silent = browser.get(&authorize(&[("prompt", "none"), ("max_age", "600"), ("connection", "sms")])).await;
    let tokens = exchange(&world, &silent.sent("code").unwrap(), json!({})).await;
    assert_eq!(world.read_token(&tokens.text("id_token"), "")["claims"]["auth_time"], 1_767_323_045);
    for more in [("prompt", "login"), ("max_age", "60"), ("connection", "sms"), ("prompt", "select_account")] {
        let page = browser.get(&authorize(&[more])).await;
        assert!(page.header("location").starts_with("/u/login/identifier"), "{more:?} {page}");
    }
    world.block(PHONE, true).await;
    let blocked = browser.get(&authorize(&[])).await;
    assert_eq!(blocked.sent("error_description").as_deref(), Some("user is blocked"));
    world.clock.advance(72 * 3_600_000);
    let idle = browser.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(idle.sent("error").as_deref(), Some("login_required"));
    assert_eq!(world.logs().await.kinds(), ["fsa", "ssa", "seacft", "f", "fsa"]);
}
