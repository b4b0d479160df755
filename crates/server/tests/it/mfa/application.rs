//! Authenticator applications, and recovery codes beside them.

use expect_test::expect;
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp;
use ringpass_core::model::mfa::{OTP, RECOVERY_CODE};
use serde_json::json;

use crate::world::{API, Answer, World};

fn shown(world: &World, secret: &str) -> String {
    totp::now(&Secret::new(secret), world.clock.now()).unwrap()
}

async fn prove(world: &World, token: &str, code: &str) -> Answer {
    world.anon().post("/oauth/token", json!({"grant_type": OTP, "mfa_token": token, "otp": code})).await
}

/// Enrols an application for Ann; its secret.
async fn enroll(world: &World) -> String {
    let token = world.anon().mfa_token().await;
    let body = json!({"authenticator_types": ["otp"]});
    let answer = world.anon().bearer(&token).post("/mfa/associate", body).await;
    assert_eq!(answer.status, 200, "{answer}");
    let secret = answer.text("secret");
    let answer = prove(world, &token, &shown(world, &secret)).await;
    assert_eq!(answer.status, 200, "{answer}");
    world.clock.advance(30 * SECOND);
    secret
}

#[tokio::test]
async fn an_application_is_enrolled_and_proves_the_sign_ins_that_follow() {
    let world = World::with_factors(&["otp", "recovery-code"]).await;
    let answer = world.anon().password(json!({"audience": API, "scope": "openid offline_access"})).await;
    let token = answer.text("mfa_token");
    assert!(token.starts_with("Fe26.2*"));
    assert_eq!(answer.json()["mfa_requirements"], json!({"enroll": [{"type": "otp"}]}));
    let answer = world.anon().bearer(&token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    answer.is(expect![[r#"
        200 OK
        cache-control: no-store
        content-type: application/json; charset=utf-8

        {
          "authenticator_type": "otp",
          "secret": "YE5DLQZBYLY3AG6PO32VI5I3DCZCKIL4",
          "barcode_uri": "otpauth://totp/My%20Tenant:ann%40example.org?secret=YE5DLQZBYLY3AG6PO32VI5I3DCZCKIL4&issuer=My%20Tenant&algorithm=SHA1&digits=6&period=30",
          "recovery_codes": [
            "TP8R14FNREZL7NDDIEPDIH0L"
          ]
        }
    "#]]);
    let secret = answer.text("secret");
    let listed = world.anon().bearer(&token).get("/mfa/authenticators").await;
    listed.is(expect![[r#"
        200 OK
        cache-control: no-store
        content-type: application/json; charset=utf-8

        [
          {
            "id": "totp|dev_G14oN4JFgubLrIRG",
            "authenticator_type": "otp",
            "active": false,
            "type": "otp"
          },
          {
            "id": "recovery-code|dev_JrbBff9vxWDOfDDF",
            "authenticator_type": "recovery-code",
            "active": false,
            "type": "recovery-code"
          }
        ]
    "#]]);
    let answer = prove(&world, &token, &shown(&world, &secret)).await;
    let tokens = world.tokens(&answer, "");
    expect![[r#"
        200 OK
        {
          "access_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "iss": "https://tenant.example/",
              "sub": "auth0|ann",
              "aud": [
                "https://api.example/",
                "https://tenant.example/userinfo"
              ],
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "openid offline_access",
              "gty": "password",
              "azp": "cli_native"
            }
          },
          "id_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "iss": "https://tenant.example/",
              "sub": "auth0|ann",
              "aud": "cli_native",
              "iat": 1767323045,
              "exp": 1767359045,
              "sid": "Z70xFYRXjiWlhJF9sg8JDou3ndfdhv9c"
            }
          },
          "refresh_token": "v1.O0ZVWgrjlzTlKGzhX4QXMgfsqFt9W_B-3yzWQ1EtmFQQNs5ODGVL35ZcWLUrJUbTDh4XBjPMVDBkuVOOgb_NsC5Bj",
          "scope": "openid offline_access",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]].assert_eq(&tokens);
    world.logs().await.are(expect![[r#"
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "mfar",
          "description": "MFA required",
          "connection": "Username-Password-Authentication",
          "connection_id": "con_8m7ivJROZn09JgGj",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann",
          "strategy": "auth0",
          "strategy_type": "database",
          "audience": "https://api.example/",
          "scope": "openid offline_access",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "gd_start_enroll",
          "description": "MFA enrollment started",
          "connection": "Username-Password-Authentication",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "details": {
            "authenticator": {
              "id": "dev_G14oN4JFgubLrIRG",
              "type": "totp"
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "gd_enrollment_complete",
          "description": "MFA enrollment complete",
          "connection": "Username-Password-Authentication",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "details": {
            "authenticator": {
              "id": "dev_G14oN4JFgubLrIRG",
              "type": "totp"
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "gd_auth_succeed",
          "description": "MFA authentication succeeded",
          "connection": "Username-Password-Authentication",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "details": {
            "authenticator": {
              "id": "dev_G14oN4JFgubLrIRG",
              "type": "totp"
            }
          },
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
        {
          "date": "2026-01-02T03:04:05.678Z",
          "type": "seotpft",
          "description": "Successful exchange of Password and OTP Challenge for Access Token",
          "connection": "Username-Password-Authentication",
          "client_id": "cli_native",
          "client_name": "Native App",
          "ip": "203.0.113.7",
          "client_ip": "203.0.113.7",
          "user_agent": "Test/1.0",
          "hostname": "tenant.example",
          "user_id": "auth0|ann",
          "user_name": "ann@example.org",
          "audience": "https://api.example/",
          "scope": "openid offline_access",
          "isMobile": false,
          "tenant_name": "tenant",
          "environment_name": "self-hosted"
        }
    "#]]);

    // The same password, and the same sign-in, are good once.
    let again = prove(&world, &token, &shown(&world, &secret)).await;
    assert_eq!(again.line(), "403 {\"error\":\"expired_token\",\"error_description\":\"mfa_token is expired\"}");
    let answer = world.anon().password(json!({})).await;
    assert_eq!(answer.json()["mfa_requirements"], json!({"challenge": [{"type": "otp"}, {"type": "recovery-code"}]}));
    let token = answer.text("mfa_token");
    let again = prove(&world, &token, &shown(&world, &secret)).await;
    assert_eq!(again.line(), "403 {\"error\":\"invalid_grant\",\"error_description\":\"Invalid otp_code.\"}");
    let challenge = world.anon().post("/mfa/challenge", json!({"mfa_token": token, "challenge_type": "otp"})).await;
    assert_eq!(challenge.line(), r#"200 {"challenge_type":"otp"}"#);
    world.clock.advance(30 * SECOND);
    let answer = prove(&world, &token, &shown(&world, &secret)).await;
    assert_eq!(answer.status, 200, "{answer}");
    drop(world.logs().await);
}

#[tokio::test]
async fn a_recovery_code_is_good_once_and_gets_another() {
    let world = World::with_factors(&["otp", "recovery-code"]).await;
    let token = world.anon().mfa_token().await;
    let answer = world.anon().bearer(&token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    let first = answer.json()["recovery_codes"][0].as_str().unwrap().to_owned();
    // Not before the application is proven.
    let recover = async |token: &str, code: &str| {
        let body = json!({"grant_type": RECOVERY_CODE, "mfa_token": token, "recovery_code": code});
        world.anon().post("/oauth/token", body).await
    };
    let none = recover(&token, &first).await;
    assert_eq!(none.text("error_description"), "User does not have a recovery-code.");
    prove(&world, &token, &shown(&world, &answer.text("secret"))).await;
    let token = world.anon().mfa_token().await;
    let wrong = recover(&token, "ABCDEFGHIJKLMNOPQRSTUVWX").await;
    assert_eq!(wrong.text("error_description"), "Invalid recovery_code.");
    let grouped = format!("{}-{}", first[..12].to_lowercase(), &first[12..]);
    let answer = recover(&token, &grouped).await;
    assert_eq!(answer.status, 200, "{answer}");
    let second = answer.text("recovery_code");
    assert!(second.len() == 24 && second != first);
    let token = world.anon().mfa_token().await;
    assert_eq!(recover(&token, &first).await.text("error_description"), "Invalid recovery_code.");
    assert_eq!(recover(&token, &second).await.status, 200);
    let kinds = world.logs().await.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "gd_recovery_succeed").count(), 2);
    assert_eq!(kinds.iter().filter(|kind| *kind == "sercft").count(), 2);
}

#[tokio::test]
async fn an_application_of_another_sign_in_is_no_way_around_the_second_factor() {
    let world = World::with_factors(&["otp"]).await;
    // Somebody who knows the password enrols an application, and does not finish.
    let theirs = world.anon().mfa_token().await;
    let answer = world.anon().bearer(&theirs).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    let planted = answer.text("secret");
    let secret = enroll(&world).await;
    assert_ne!(planted, secret);
    // Later it proves nothing: neither in the sign-in that planted it, nor in another.
    for token in [theirs, world.anon().mfa_token().await] {
        let answer = prove(&world, &token, &shown(&world, &planted)).await;
        assert!(answer.status.is_client_error(), "{answer}");
    }
    let token = world.anon().mfa_token().await;
    let again = world.anon().bearer(&token).post("/mfa/associate", json!({"authenticator_types": ["otp"]})).await;
    assert_eq!(again.line(), r#"403 {"error":"access_denied","error_description":"User is already enrolled."}"#);
    drop(world.logs().await);
}
