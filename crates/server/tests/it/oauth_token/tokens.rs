//! The tokens of a sign-in (C420, C421, C439, C501-C524).

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{API, ISSUER, Lines as _, MANAGEMENT, NATIVE, PHONE, WEB, World};

#[tokio::test]
async fn without_an_audience_the_access_token_is_opaque() {
    let world = World::new().await;
    let scope = "openid profile email phone offline_access read:messages nonsense openid";
    let answer = world.anon().sign_in(PHONE, json!({"scope": scope})).await;
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control"), answer.header("pragma")),
        ("application/json", "no-store", "no-cache")
    );
    expect![[r#"
        200 OK
        {
          "access_token": "0k7SpC9CMWzV5fMIr5re0AuyKvRW7x-_",
          "id_token": {
            "header": {
              "alg": "RS256",
              "typ": "JWT",
              "kid": "current-key-of-tests0"
            },
            "claims": {
              "name": "+4915112345678",
              "nickname": "",
              "picture": "https://s.gravatar.com/avatar/0feb347577fe8f3d21b5921dd11a4f1d?s=480&r=pg&d=mp",
              "updated_at": "2026-01-02T03:04:05.678Z",
              "phone_number": "+4915112345678",
              "phone_number_verified": true,
              "iss": "https://tenant.example/",
              "sub": "sms|695735a5ad911966cc93767f",
              "aud": "cli_native",
              "iat": 1767323045,
              "exp": 1767359045,
              "sid": "bkTvDi6Jw1oqIKaXOpmyMtjngD40YGTO"
            }
          },
          "refresh_token": "v1.vNEuWJfVzDhhouZqWYlbUUIXdbmCLm4NTebxsi1dqEqBpiwgGW_izg3zXdnWlVmi85ofSThGFpM96h35p_epbQAVi",
          "scope": "openid profile email phone offline_access",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    let plain = world.anon().sign_in(PHONE, json!({})).await;
    expect![[r#"
        200 OK
        {
          "access_token": "Z70xFYRXjiWlhJF9sg8JDou3ndfdhv9c",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&plain, ""));
    let userinfo =
        world.anon().sign_in(PHONE, json!({"audience": format!("{ISSUER}userinfo"), "scope": "openid"})).await;
    assert!(!userinfo.text("access_token").contains('.'));
}

#[tokio::test]
async fn rs256_tokens_are_the_same_every_time() {
    let world = World::new().await;
    let answer = world.anon().sign_in(PHONE, json!({"scope": "openid", "audience": API})).await;
    expect!["eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImN1cnJlbnQta2V5LW9mLXRlc3RzMCJ9.eyJpc3MiOiJodHRwczovL3RlbmFudC5leGFtcGxlLyIsInN1YiI6InNtc3w2OTU3MzVhNWFkOTEzNWM2YWY5ZGJiZjUiLCJhdWQiOiJjbGlfbmF0aXZlIiwiaWF0IjoxNzY3MzIzMDQ1LCJleHAiOjE3NjczNTkwNDUsInNpZCI6ImJrVHZEaTZKdzFvcUlLYVhPcG15TXRqbmdENDBZR1RPIn0.ruiMyfY9u-ABe90SW1ScAVhSmbRUPLYqgBT7l1BBfR6SDD3LN5xUwHN-0RboOJdSL4sk_1FOH4xBLkFXJpVi4Ad3AMq655d5zMArE9a4frqWbP1jeUbeMTukL-yLWHziJSQCDdNox0rJO6CZNw6BfhubRQO4MdRViE6CRxG3cpo-g-Ej5zhds_TmUC6rCFBEJjD-9sq7vVNV1T4N_LRLjTKlBcx4pu7yyui_d2bMT56G18y7IAyAA6IpwvgA-1ybqa-3s2KelRO3iVC90_tsOiqF0lC8uCpUlAvXUUOxGJ8dzQp1uF1F0qowFtSla9J-i8s6ux0nyp8nUKX87zyCDA"].assert_eq(&answer.text("id_token"));
    expect!["eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImN1cnJlbnQta2V5LW9mLXRlc3RzMCJ9.eyJpc3MiOiJodHRwczovL3RlbmFudC5leGFtcGxlLyIsInN1YiI6InNtc3w2OTU3MzVhNWFkOTEzNWM2YWY5ZGJiZjUiLCJhdWQiOlsiaHR0cHM6Ly9hcGkuZXhhbXBsZS8iLCJodHRwczovL3RlbmFudC5leGFtcGxlL3VzZXJpbmZvIl0sImlhdCI6MTc2NzMyMzA0NSwiZXhwIjoxNzY3NDA5NDQ1LCJzY29wZSI6Im9wZW5pZCIsImF6cCI6ImNsaV9uYXRpdmUifQ.f46hiq7knJkrZsBtKPBdV_b9a7hiYVpnBP3CGQWq1HUh7HmuLLz5eWuMoKEsjpOazB6WbutGO1LnpiTjibbOaWOFgo8TO9T_iaZjga75etbfPsE1eo8MQy2MncNti-2e6bOGxOWpXT9KZ3Q5xzaTzTs7v2lklNGSd21Ga4yHf69A4gqq-rnKjt91WzCem43Cw2fiDDWRqFQiOdzDjUAsqkHeGOE1DZJ10DWhRJu5WMl1TJa8DWilqc4Oq9e9Nlyrh9wfAiTbMXqcKtzxKXL4c_T0vWy2Xp4j4LYThCIICnM1JHhCtGdbLyxnakwPiqDvO0GFUPEMRaGIxIwnqLNMFg"].assert_eq(&answer.text("access_token"));
}

#[tokio::test]
async fn with_an_audience_the_access_token_is_a_jwt_for_it() {
    let world = World::new().await;
    let scope = "openid read:messages delete:messages offline_access";
    let answer = world.anon().sign_in(PHONE, json!({"audience": API, "scope": scope})).await;
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
              "sub": "sms|695735a5ad91592eedd612dd",
              "aud": [
                "https://api.example/",
                "https://tenant.example/userinfo"
              ],
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "openid read:messages offline_access",
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
              "sub": "sms|695735a5ad91592eedd612dd",
              "aud": "cli_native",
              "iat": 1767323045,
              "exp": 1767359045,
              "sid": "bkTvDi6Jw1oqIKaXOpmyMtjngD40YGTO"
            }
          },
          "refresh_token": "v1.vNEuWJfVzDhhouZqWYlbUUIX0k7SpC9CMWzV5fMIr5re0AuyKvRW7x-_YPmFr1or6lwy_NXusc4s0YD_mOr-0c4qR",
          "scope": "openid read:messages offline_access",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    let narrow = world.anon().sign_in(PHONE, json!({"audience": API, "scope": "read:messages"})).await;
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
              "sub": "sms|695735a5ad91592eedd612dd",
              "aud": "https://api.example/",
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "read:messages",
              "azp": "cli_native"
            }
          },
          "scope": "read:messages",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&narrow, ""));
}

#[tokio::test]
async fn the_tenants_default_audience_stands_in() {
    let world = World::new().await;
    world.tenant(json!({"default_audience": API})).await;
    let answer = world.anon().sign_in(PHONE, json!({})).await;
    assert_eq!(world.read_token(&answer.text("access_token"), "")["claims"]["aud"], API);
    world.tenant(json!({"default_audience": ""})).await;
    assert!(!world.anon().sign_in(PHONE, json!({})).await.text("access_token").contains('.'));
}

#[tokio::test]
async fn an_api_chooses_dialect_algorithm_and_lifetime() {
    let world = World::new().await;
    let mut out = String::new();
    for change in [
        json!({"token_dialect": "rfc9068_profile", "token_lifetime": 60}),
        json!({"token_dialect": "access_token", "signing_alg": "HS256", "signing_secret": "api-signing-secret-of-the-tests"}),
        json!({"token_dialect": "rfc9068_profile", "signing_alg": "HS256"}),
        json!({"token_dialect": "access_token", "signing_alg": "PS256"}),
        json!({"signing_alg": "RS512"}),
    ] {
        world.change_api(change.clone()).await;
        let answer = world.anon().sign_in(PHONE, json!({"audience": API, "scope": "openid read:messages"})).await;
        let token = world.read_token(&answer.text("access_token"), "api-signing-secret-of-the-tests");
        out.line(format!("{change} expires_in {}\n{token:#}", answer.json()["expires_in"]));
        // The ID token is the client's affair.
        assert_eq!(world.read_token(&answer.text("id_token"), "")["header"]["alg"], "RS256");
    }
    expect![[r#"
        {"token_dialect":"rfc9068_profile","token_lifetime":60} expires_in 60
        {
          "header": {
            "alg": "RS256",
            "typ": "at+jwt",
            "kid": "current-key-of-tests0"
          },
          "claims": {
            "iss": "https://tenant.example/",
            "sub": "sms|695735a5ad9135c6af9dbbf5",
            "aud": [
              "https://api.example/",
              "https://tenant.example/userinfo"
            ],
            "iat": 1767323045,
            "exp": 1767323105,
            "scope": "openid read:messages",
            "client_id": "cli_native",
            "jti": "MZl2RlxMaSPnlkcfp7VKHQ"
          }
        }
        {"token_dialect":"access_token","signing_alg":"HS256","signing_secret":"api-signing-secret-of-the-tests"} expires_in 60
        {
          "header": {
            "alg": "HS256",
            "typ": "JWT"
          },
          "claims": {
            "iss": "https://tenant.example/",
            "sub": "sms|695735a5ad9135c6af9dbbf5",
            "aud": "https://api.example/",
            "iat": 1767323045,
            "exp": 1767323105,
            "scope": "openid read:messages",
            "azp": "cli_native"
          }
        }
        {"token_dialect":"rfc9068_profile","signing_alg":"HS256"} expires_in 60
        {
          "header": {
            "alg": "HS256",
            "typ": "at+jwt"
          },
          "claims": {
            "iss": "https://tenant.example/",
            "sub": "sms|695735a5ad9135c6af9dbbf5",
            "aud": "https://api.example/",
            "iat": 1767323045,
            "exp": 1767323105,
            "scope": "openid read:messages",
            "client_id": "cli_native",
            "jti": "EuFtk4_ANhJzN0VV9MtMxQ"
          }
        }
        {"token_dialect":"access_token","signing_alg":"PS256"} expires_in 60
        {
          "header": {
            "alg": "PS256",
            "typ": "JWT",
            "kid": "current-key-of-tests0"
          },
          "claims": {
            "iss": "https://tenant.example/",
            "sub": "sms|695735a5ad9135c6af9dbbf5",
            "aud": "https://api.example/",
            "iat": 1767323045,
            "exp": 1767323105,
            "scope": "openid read:messages",
            "azp": "cli_native"
          }
        }
        {"signing_alg":"RS512"} expires_in 60
        {
          "header": {
            "alg": "RS512",
            "typ": "JWT",
            "kid": "current-key-of-tests0"
          },
          "claims": {
            "iss": "https://tenant.example/",
            "sub": "sms|695735a5ad9135c6af9dbbf5",
            "aud": "https://api.example/",
            "iat": 1767323045,
            "exp": 1767323105,
            "scope": "openid read:messages",
            "azp": "cli_native"
          }
        }
    "#]].assert_eq(&out);
}

#[tokio::test]
async fn a_client_chooses_algorithm_and_lifetime_of_its_id_tokens() {
    let world = World::new().await;
    let mut out = String::new();
    for alg in ["HS256", "PS256", "RS512", "RS256"] {
        let change = json!({"jwt_configuration": {"alg": alg, "lifetime_in_seconds": 60}});
        for (client, caller) in [(WEB.0, world.web()), (NATIVE, world.anon())] {
            world.client(client, change.clone()).await;
            let answer = caller.sign_in(PHONE, json!({"scope": "openid"})).await;
            let token = world.read_token(&answer.text("id_token"), WEB.1);
            let life =
                token["claims"]["exp"].as_i64().zip(token["claims"]["iat"].as_i64()).map(|(end, start)| end - start);
            out.line(format!("{client} asks for {alg}: {} {life:?}", token["header"]));
        }
    }
    expect![[r#"
        cli_web asks for HS256: {"alg":"HS256","typ":"JWT"} Some(60)
        cli_native asks for HS256: {"alg":"RS256","typ":"JWT","kid":"current-key-of-tests0"} Some(60)
        cli_web asks for PS256: {"alg":"PS256","typ":"JWT","kid":"current-key-of-tests0"} Some(60)
        cli_native asks for PS256: {"alg":"PS256","typ":"JWT","kid":"current-key-of-tests0"} Some(60)
        cli_web asks for RS512: {"alg":"RS512","typ":"JWT","kid":"current-key-of-tests0"} Some(60)
        cli_native asks for RS512: {"alg":"RS512","typ":"JWT","kid":"current-key-of-tests0"} Some(60)
        cli_web asks for RS256: {"alg":"RS256","typ":"JWT","kid":"current-key-of-tests0"} Some(60)
        cli_native asks for RS256: {"alg":"RS256","typ":"JWT","kid":"current-key-of-tests0"} Some(60)
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn a_refresh_token_needs_scope_client_and_api() {
    let world = World::new().await;
    let offline = json!({"scope": "openid offline_access"});
    let for_api = json!({"scope": "offline_access", "audience": API});
    let has = |answer: &crate::world::Answer| answer.json().get("refresh_token").is_some();
    assert!(has(&world.anon().sign_in(PHONE, offline.clone()).await));
    assert!(has(&world.anon().sign_in(PHONE, for_api.clone()).await));
    world.change_api(json!({"allow_offline_access": false})).await;
    let refused = world.anon().sign_in(PHONE, for_api).await;
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
              "sub": "sms|695735a5ad911966cc93767f",
              "aud": "https://api.example/",
              "iat": 1767323045,
              "exp": 1767409445,
              "azp": "cli_native"
            }
          },
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&refused, ""));
    assert!(has(&world.anon().sign_in(PHONE, offline.clone()).await));
    world.client(NATIVE, json!({"grant_types": [crate::world::OTP]})).await;
    let refused = world.anon().sign_in(PHONE, offline).await;
    assert_eq!((has(&refused), refused.text("scope").as_str()), (false, "openid"));
}

#[tokio::test]
async fn users_get_no_scopes_of_the_management_api_that_reach_beyond_themselves() {
    let world = World::new().await;
    let scope = "openid read:users update:users create:clients delete:current_user";
    let answer = world.anon().sign_in(PHONE, json!({"audience": MANAGEMENT, "scope": scope})).await;
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
              "sub": "sms|695735a5ad9135c6af9dbbf5",
              "aud": [
                "https://tenant.example/api/v2/",
                "https://tenant.example/userinfo"
              ],
              "iat": 1767323045,
              "exp": 1767409445,
              "scope": "openid",
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
              "sub": "sms|695735a5ad9135c6af9dbbf5",
              "aud": "cli_native",
              "iat": 1767323045,
              "exp": 1767359045,
              "sid": "bkTvDi6Jw1oqIKaXOpmyMtjngD40YGTO"
            }
          },
          "scope": "openid",
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&answer, ""));
    let token = answer.text("access_token");
    let refused = world.nobody().bearer(&token).get("/api/v2/users").await;
    refused.is(expect![[r#"
        403 Forbidden
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "statusCode": 403,
          "error": "Forbidden",
          "message": "Insufficient scope, expected any of: read:users,read:user_idp_tokens",
          "errorCode": "insufficient_scope"
        }
    "#]]);
    world.logs().await;
}

#[tokio::test]
async fn rules_of_the_api_keep_its_scopes_from_users() {
    let world = World::new().await;
    let asked = json!({"audience": API, "scope": "read:messages"});
    world.change_api(json!({"enforce_policies": true, "token_dialect": "access_token_authz"})).await;
    let enforced = world.anon().sign_in(PHONE, asked.clone()).await;
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
              "sub": "sms|695735a5ad9135c6af9dbbf5",
              "aud": "https://api.example/",
              "iat": 1767323045,
              "exp": 1767409445,
              "azp": "cli_native",
              "permissions": []
            }
          },
          "expires_in": 86400,
          "token_type": "Bearer"
        }
    "#]]
    .assert_eq(&world.tokens(&enforced, ""));
}

#[tokio::test]
async fn claims_follow_the_users_profile() {
    let world = World::new().await;
    world.anon().sign_in(PHONE, json!({})).await;
    let id = world.user(PHONE).await.expect("a user").user_id;
    let change = json!({"given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace", "nickname": "ada",
        "picture": "https://pictures.example/ada.png", "user_metadata": {"secret": 1}});
    let changed = world.api("update:users").patch(&format!("/api/v2/users/{}", id.replace('|', "%7C")), change).await;
    assert_eq!(changed.status, 200, "{changed}");
    assert_eq!(world.logs().await.kinds(), ["sapi"]);
    let answer = world.anon().sign_in(PHONE, json!({"scope": "openid profile phone"})).await;
    let mut claims = world.read_token(&answer.text("id_token"), "")["claims"].take();
    claims["sub"] = Value::from(claims["sub"] == id.as_str());
    expect![[r#"
        {
          "name": "Ada Lovelace",
          "nickname": "ada",
          "picture": "https://pictures.example/ada.png",
          "given_name": "Ada",
          "family_name": "Lovelace",
          "updated_at": "2026-01-02T03:04:05.678Z",
          "phone_number": "+4915112345678",
          "phone_number_verified": true,
          "iss": "https://tenant.example/",
          "sub": true,
          "aud": "cli_native",
          "iat": 1767323045,
          "exp": 1767359045,
          "sid": "UTXfSaXjw7U72g3_lONLDQ8cI3xHEiQD"
        }
    "#]]
    .assert_eq(&format!("{claims:#}\n"));
}
