//! What a start by e-mail answers, mails and writes to the log.

use expect_test::expect;
use serde_json::json;

use super::{ADA, START, code, options, redeem, start, world};
use crate::world::{Lines as _, NATIVE};

#[tokio::test]
async fn a_start_mails_a_code_and_says_nothing_about_the_user() {
    let (world, server) = world().await;
    start(&world.anon(), json!({"email": " Ada@Mail.Example "})).await.is(expect![[r#"
        200 OK
        content-type: application/json; charset=utf-8
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323118

        {
          "_id": "e4fee93aa067a922870e404e",
          "email": "ada@mail.example",
          "email_verified": true
        }
    "#]]);
    let letter = server.next().await.unwrap();
    let head = letter.data.split_once("\n\n").unwrap().0;
    expect![[r#"
        From: Tenant <no-reply@tenant.example>
        To: ada@mail.example
        Subject: 703925 is your code for Native App
        Date: Fri, 02 Jan 2026 03:04:05 +0000
        Message-ID: <6yhtIS2_uYmoNM7zYF9AIA@tenant.example>
        Auto-Submitted: auto-generated
        MIME-Version: 1.0
        Content-Type: multipart/alternative; boundary="=_6yhtIS2_uYmoNM7zYF9AIA""#]]
    .assert_eq(head);
    assert_eq!((letter.from.as_str(), letter.to.as_slice()), ("no-reply@tenant.example", [ADA.to_owned()].as_slice()));
    expect![[r#"
        Your code for Native App

        Your verification code is:

        703925

        It works once, and only for a short time. Nobody from Native App will ask you for it.

        You did not want to sign in? Then you need not do anything."#]]
    .assert_eq(&letter.text());
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "cls",
          "description": "Code/Link Sent",
          "connection": "email",
          "connection_id": "con_M25puGqwehlj1I6i",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_name": "ada@mail.example",
          "strategy": "email",
          "strategy_type": "passwordless",
          "details": {
            "body": {
              "authParams": {},
              "client_id": "cli_native",
              "connection": "email",
              "email": "ada@mail.example",
              "ip": "203.0.113.7",
              "request_language": "",
              "send": "code",
              "tenant": "tenant",
              "user-agent": "Test/1.0",
              "username": "ada@mail.example"
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);
}

#[tokio::test]
async fn the_operators_own_mail_is_filled_in() {
    let (world, server) = world().await;
    for (syntax, mark) in [("liquid", ["{{ ", " }}"]), ("md_with_macros", ["@@", "@@"])] {
        let name = |name: &str| format!("{}{name}{}", mark[0], mark[1]);
        let body = format!("<p>{} to {} in {}</p>", name("code"), name("email"), name("request_language"));
        let email = json!({"syntax": syntax, "from": format!("{} <hello@app.example>", name("application.name")),
            "subject": format!("{}: {}", name("application.name"), name("code")), "body": body});
        options(&world, json!({"email": email, "totp": {"length": 4, "time_step": 60}})).await;
        let caller = world.anon().header("x-request-language", "<script>'fr'</script>");
        assert_eq!(start(&caller, json!({})).await.status, 200);
        assert_eq!(world.logs().await.kinds(), ["cls"]);
        let letter = server.next().await.unwrap();
        let code = letter.code().unwrap();
        assert_eq!(code.len(), 4);
        assert_eq!(letter.header("subject").unwrap(), format!("Native App: {code}"));
        assert_eq!(letter.header("from").unwrap(), "\"Native App\" <hello@app.example>");
        assert_eq!(letter.from, "hello@app.example");
        let shown = "&lt;script&gt;&#39;fr&#39;&lt;/script&gt;";
        assert_eq!(letter.html(), format!("<p>{code} to {ADA} in {shown}</p>"));
        assert_eq!(letter.text(), format!("{code} to {ADA} in <script>'fr'</script>"));
        assert_eq!(redeem(&world.anon(), ADA, &code).await.status, 200);
        world.logs().await;
    }
}

#[tokio::test]
async fn members_are_checked_as_the_strategy_wants_them() {
    let (world, _server) = world().await;
    let mut out = String::new();
    for more in [
        json!({"connection": "email"}),
        json!({"connection": "email", "phone_number": "+4915112345678"}),
        json!({"connection": "email", "email": "food"}),
        json!({"connection": "email", "email": "a@b.example\r\nBcc: c@d.example"}),
        json!({"connection": "email", "email": "a@b.example,c@d.example"}),
        json!({"connection": "email", "email": 7}),
        json!({"connection": "email", "email": ADA, "send": "pigeon"}),
        json!({"connection": "email", "email": ADA, "authParams": "x"}),
    ] {
        let answer = world.anon().post(START, more).await;
        out.line(answer.line());
    }
    expect![[r#"
        400 {"error":"bad.email","error_description":"Missing required property: email"}
        400 {"error":"bad.email","error_description":"Missing required property: email"}
        400 {"error":"bad.email","error_description":"error in email - email format validation failed: food"}
        400 {"error":"bad.email","error_description":"error in email - email format validation failed: a@b.example\r\nBcc: c@d.example"}
        400 {"error":"bad.email","error_description":"error in email - email format validation failed: a@b.example,c@d.example"}
        400 {"error":"bad.email","error_description":"error in email - invalid type: number (expected string)"}
        400 {"error":"bad.send","error_description":"error in send - invalid value"}
        400 {"error":"bad.authParams","error_description":"error in authParams - invalid type: string (expected object)"}
    "#]].assert_eq(&out);
    assert_eq!(world.logs().await.kinds(), ["f"; 8]);
}

#[tokio::test]
async fn blocked_users_and_strangers_without_sign_up_get_no_mail() {
    let (world, server) = world().await;
    let code = code(&world, &server).await;
    assert_eq!(redeem(&world.anon(), ADA, &code).await.status, 200);
    let user_id = world.logs().await.0[0]["user_id"].as_str().unwrap().to_owned();
    let patch = json!({"blocked": true});
    assert_eq!(world.api("update:users").patch(&format!("/api/v2/users/{user_id}"), patch).await.status, 200);
    assert_eq!(start(&world.anon(), json!({})).await.status, 200);
    assert_eq!(world.logs().await.lines(), ["sapi: Update a user", "f: user is blocked"]);
    options(&world, json!({"disable_signup": true})).await;
    let answer = start(&world.anon(), json!({"email": "new@mail.example"})).await;
    assert_eq!(answer.text("error_description"), "Public signup is disabled");
    world.logs().await;
    assert!(server.take().is_empty());
}

#[tokio::test]
async fn without_a_provider_a_start_says_so() {
    let (world, _server) = world().await;
    let remove = |tx: &mut ringpass_core::storage::Tx<'_>| ringpass_core::storage::email_provider::delete(tx);
    world.app.configure("test.mail", remove).await.unwrap();
    let answer = start(&world.anon(), json!({})).await;
    assert_eq!(
        answer.line(),
        r#"400 {"error":"email_provider_error","error_description":"The email provider is not configured"}"#
    );
    assert_eq!(world.logs().await.lines(), ["f: The email provider is not configured"]);
    assert!(world.app.snapshot().channel("email", NATIVE).is_some());
}
