//! `ringpass gateway check` against gateways that verify everything, something or nothing.

use expect_test::{Expect, expect};
use ringpass::gateway_check::{Args, run};
use ringpass_core::kit::clock::Clock;
use ringpass_core::kit::jwt::Parsed;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const NOW: i64 = 1_700_000_000_000;
const SECRET: &str = "gateway-secret-for-tests";

/// What a gateway forgets to look at.
#[derive(Clone, Copy, Default)]
struct Forgets {
    everything: bool,
    signature: bool,
    audience: bool,
    expiry: bool,
    subject: bool,
}

fn status(forgets: Forgets, authorization: Option<&str>) -> u16 {
    if forgets.everything {
        return 200;
    }
    let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")).and_then(Parsed::new) else {
        return 401;
    };
    let claim = |name| token.claims().get(name).cloned().unwrap_or_default();
    let good = (forgets.signature || token.verifies_hs256(SECRET.as_bytes()))
        && (forgets.audience || claim("aud") == "urn:MySmsGateway")
        && (forgets.expiry || claim("exp").as_i64() > Some(NOW / 1_000))
        && (forgets.subject || claim("sub") == "urn:Auth0");
    if good { 200 } else { 401 }
}

async fn gateway(answer: impl Fn(Option<&str>, &Value) -> u16 + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sms", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, body) = read(&mut stream).await;
            let authorization = head.lines().find_map(|line| line.strip_prefix("authorization: "));
            let status = answer(authorization, &body);
            let text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    url
}

async fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut seen = Vec::new();
    loop {
        let read = stream.read_buf(&mut seen).await.unwrap();
        let text = String::from_utf8_lossy(&seen);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return (head.to_owned(), body);
        }
        assert!(read > 0, "{text}");
    }
}

async fn check(url: String, secret: Option<&str>, exit: u8, expected: &Expect) {
    let args = Args {
        url,
        secret: secret.map(Secret::new),
        audience: "urn:MySmsGateway".to_owned(),
        subject: "urn:Auth0".to_owned(),
        secret_base64: false,
    };
    let mut out = Vec::new();
    let seen = run(args, &Clock::fixed(NOW), &Rng::seeded(1), &mut out).await;
    expected.assert_eq(std::str::from_utf8(&out).unwrap());
    assert_eq!(seen, exit);
}

#[tokio::test]
async fn a_gateway_that_verifies_everything_is_safe() {
    let url = gateway(|authorization, body| {
        assert_eq!(body["recipient"], "+12025550100");
        status(Forgets::default(), authorization)
    })
    .await;
    check(
        url,
        Some(SECRET),
        0,
        &expect![[r#"
        ✓ a signed request is accepted
        ✓ a signed request with `req` (caller's ip and user-agent) is accepted
        ✓ a request without a token is refused
        ✓ a token signed with another secret is refused
        ✓ a token for another audience is refused
        ✓ an expired token is refused
        ✓ an unsigned token (alg: none) is refused
        ✓ a token with another subject is refused
        The gateway is safe.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_gateway_that_accepts_everything_is_unsafe_with_or_without_the_secret() {
    let forgets = Forgets { everything: true, ..Forgets::default() };
    let url = gateway(move |authorization, _| status(forgets, authorization)).await;
    check(
        url.clone(),
        Some(SECRET),
        1,
        &expect![[r#"
        ✓ a signed request is accepted
        ✓ a signed request with `req` (caller's ip and user-agent) is accepted
        ✗ a request without a token is accepted (200).
            To do: answer 401 when the Authorization header is missing: anyone can send messages at your expense
        ✗ a token signed with another secret is accepted (200).
            To do: verify the HS256 signature with your secret before anything else
        ✗ a token for another audience is accepted (200).
            To do: compare the claim `aud` with your audience
        ✗ an expired token is accepted (200).
            To do: compare the claim `exp` with the time, so that a token seen once is of no use later
        ✗ an unsigned token (alg: none) is accepted (200).
            To do: verify with HS256 alone, whatever the token's header says
        ! a token with another subject is accepted (200). That is no hole by itself.
            To do: compare the claim `sub` as well if other services share the secret
        The gateway is not safe yet.
    "#]],
    )
    .await;
    check(
        url,
        None,
        1,
        &expect![[r#"
        ✗ a signed request is accepted (200) although its secret is made up.
            To do: verify the signature
        ✗ a signed request with `req` (caller's ip and user-agent) is accepted (200) although its secret is made up.
            To do: verify the signature
        ✗ a request without a token is accepted (200).
            To do: answer 401 when the Authorization header is missing: anyone can send messages at your expense
        ✗ a token signed with another secret is accepted (200).
            To do: verify the HS256 signature with your secret before anything else
        ✗ a token for another audience is accepted (200).
            To do: compare the claim `aud` with your audience
        ✗ an expired token is accepted (200).
            To do: compare the claim `exp` with the time, so that a token seen once is of no use later
        ✗ an unsigned token (alg: none) is accepted (200).
            To do: verify with HS256 alone, whatever the token's header says
        ! a token with another subject is accepted (200). That is no hole by itself.
            To do: compare the claim `sub` as well if other services share the secret
        The gateway is not safe yet.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn each_forgotten_check_is_named() {
    let signature = Forgets { signature: true, ..Forgets::default() };
    let url = gateway(move |authorization, _| status(signature, authorization)).await;
    check(
        url,
        Some(SECRET),
        1,
        &expect![[r#"
        ✓ a signed request is accepted
        ✓ a signed request with `req` (caller's ip and user-agent) is accepted
        ✓ a request without a token is refused
        ✗ a token signed with another secret is accepted (200).
            To do: verify the HS256 signature with your secret before anything else
        ✓ a token for another audience is refused
        ✓ an expired token is refused
        ✗ an unsigned token (alg: none) is accepted (200).
            To do: verify with HS256 alone, whatever the token's header says
        ✓ a token with another subject is refused
        The gateway is not safe yet.
    "#]],
    )
    .await;
    let claims = Forgets { audience: true, expiry: true, subject: true, ..Forgets::default() };
    let url = gateway(move |authorization, _| status(claims, authorization)).await;
    check(
        url,
        Some(SECRET),
        1,
        &expect![[r#"
        ✓ a signed request is accepted
        ✓ a signed request with `req` (caller's ip and user-agent) is accepted
        ✓ a request without a token is refused
        ✓ a token signed with another secret is refused
        ✗ a token for another audience is accepted (200).
            To do: compare the claim `aud` with your audience
        ✗ an expired token is accepted (200).
            To do: compare the claim `exp` with the time, so that a token seen once is of no use later
        ✓ an unsigned token (alg: none) is refused
        ! a token with another subject is accepted (200). That is no hole by itself.
            To do: compare the claim `sub` as well if other services share the secret
        The gateway is not safe yet.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_subject_that_is_not_compared_is_only_a_note() {
    let forgets = Forgets { subject: true, ..Forgets::default() };
    let url = gateway(move |authorization, _| status(forgets, authorization)).await;
    check(
        url,
        Some(SECRET),
        0,
        &expect![[r#"
        ✓ a signed request is accepted
        ✓ a signed request with `req` (caller's ip and user-agent) is accepted
        ✓ a request without a token is refused
        ✓ a token signed with another secret is refused
        ✓ a token for another audience is refused
        ✓ an expired token is refused
        ✓ an unsigned token (alg: none) is refused
        ! a token with another subject is accepted (200). That is no hole by itself.
            To do: compare the claim `sub` as well if other services share the secret
        The gateway is safe.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn nothing_is_called_safe_without_the_secret() {
    let url = gateway(|authorization, _| status(Forgets::default(), authorization)).await;
    check(url, None, 1, &expect![[r#"
        ? a signed request is refused (401), as it should be: its secret is made up
        ? a signed request with `req` (caller's ip and user-agent) is refused (401), as it should be: its secret is made up
        ✓ a request without a token is refused
        ✓ a token signed with another secret is refused
        ✓ a token for another audience is refused
        ✓ an expired token is refused
        ✓ an unsigned token (alg: none) is refused
        ✓ a token with another subject is refused
        The gateway is not shown to be safe. Give --secret and --audience to see whether it accepts yours.
    "#]]).await;
}

#[tokio::test]
async fn another_secret_is_a_matter_of_settings() {
    let url = gateway(|authorization, _| status(Forgets::default(), authorization)).await;
    check(
        url,
        Some("another secret than the gateway has"),
        1,
        &expect![[r#"
        ✗ a signed request is not accepted (401).
            To do: compare --secret, --secret-base64, --audience and --subject with the gateway's settings, and its clock
        ✗ a signed request with `req` (caller's ip and user-agent) is not accepted (401).
            To do: compare --secret, --secret-base64, --audience and --subject with the gateway's settings, and its clock
        ✓ a request without a token is refused
        ✓ a token signed with another secret is refused
        ✓ a token for another audience is refused
        ✓ an expired token is refused
        ✓ an unsigned token (alg: none) is refused
        ✓ a token with another subject is refused
        The gateway is not safe yet.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn other_statuses_are_explained() {
    let url = gateway(|authorization, body| match status(Forgets::default(), authorization) {
        200 if body.get("req").is_some() => 400,
        200 => 202,
        _ => 500,
    })
    .await;
    check(
        url,
        Some(SECRET),
        1,
        &expect![[r#"
        ✗ a signed request is answered with 202, which counts as a failure.
            To do: answer exactly 200
        ✗ a signed request with `req` (caller's ip and user-agent) is not accepted (400).
            To do: ignore members of the body that you do not use
        ✓ a request without a token is refused (500); 401 would tell callers that it is the authentication
        ✓ a token signed with another secret is refused (500); 401 would tell callers that it is the authentication
        ✓ a token for another audience is refused (500); 401 would tell callers that it is the authentication
        ✓ an expired token is refused (500); 401 would tell callers that it is the authentication
        ✓ an unsigned token (alg: none) is refused (500); 401 would tell callers that it is the authentication
        ✓ a token with another subject is refused (500); 401 would tell callers that it is the authentication
        The gateway is not safe yet.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn silence_is_neither_safe_nor_unsafe() {
    let url = "http://name.invalid/sms".to_owned();
    check(
        url,
        Some(SECRET),
        2,
        &expect![[r#"
        ✗ a signed request got no answer: the name does not resolve (ENOTFOUND)
        The gateway did not answer everything.
    "#]],
    )
    .await;
    check(
        "gateway.example.org".to_owned(),
        Some(SECRET),
        2,
        &expect![[r#"
        ✗ a signed request got no answer: the URL must be an absolute http or https address without a user name (EINVAL)
        The gateway did not answer everything.
    "#]],
    )
    .await;
    check(
        String::new(),
        Some(SECRET),
        2,
        &expect![[r#"
        ✗ The address, the audience or the secret is empty.
    "#]],
    )
    .await;
}
