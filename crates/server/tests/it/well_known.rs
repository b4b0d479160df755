//! `/.well-known/*` (`docs/COMPATIBILITY.md` C541-C546), and the answers to what no row knows.

use expect_test::expect;
use http::Method;
use ringpass_core::kit::hash;
use serde_json::Value;

use crate::world::{Options, World};

#[tokio::test]
async fn discovery_names_what_this_server_has() {
    let world = World::bare(Options::default()).await;
    let answer = world.nobody().get("/.well-known/openid-configuration").await;
    answer.is(expect![[r#"
        200 OK
        access-control-allow-origin: *
        cache-control: public, max-age=15, stale-while-revalidate=15, stale-if-error=86400
        content-type: application/json; charset=utf-8

        {
          "issuer": "https://tenant.example/",
          "token_endpoint": "https://tenant.example/oauth/token",
          "userinfo_endpoint": "https://tenant.example/userinfo",
          "jwks_uri": "https://tenant.example/.well-known/jwks.json",
          "scopes_supported": [
            "openid",
            "profile",
            "offline_access",
            "name",
            "given_name",
            "family_name",
            "nickname",
            "email",
            "email_verified",
            "picture",
            "created_at",
            "identities",
            "phone",
            "address"
          ],
          "response_types_supported": [
            "code",
            "token",
            "id_token",
            "code token",
            "code id_token",
            "token id_token",
            "code token id_token"
          ],
          "code_challenge_methods_supported": [
            "S256",
            "plain"
          ],
          "response_modes_supported": [
            "query",
            "fragment",
            "form_post"
          ],
          "subject_types_supported": [
            "public"
          ],
          "id_token_signing_alg_values_supported": [
            "HS256",
            "RS256",
            "PS256"
          ],
          "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post"
          ],
          "claims_supported": [
            "aud",
            "auth_time",
            "created_at",
            "email",
            "email_verified",
            "exp",
            "family_name",
            "given_name",
            "iat",
            "identities",
            "iss",
            "name",
            "nickname",
            "phone_number",
            "picture",
            "sub"
          ],
          "request_uri_parameter_supported": false,
          "request_parameter_supported": false
        }
    "#]]);
    let alias = world.nobody().get("/.well-known/oauth-authorization-server").await;
    assert_eq!(alias.json(), answer.json());
}

#[tokio::test]
async fn the_key_set_has_the_current_and_the_next_key_with_their_certificates() {
    let world = World::bare(Options::default()).await;
    let answer = world.nobody().get("/.well-known/jwks.json").await;
    let mut body = answer.json();
    for key in body["keys"].as_array_mut().unwrap() {
        let certificate = hash::from_any_base64(key["x5c"][0].as_str().unwrap()).unwrap();
        assert_eq!(key["x5t"], hash::base64url(&hash::sha1(&certificate)));
        key["x5c"] = "checked".into();
        key["x5t"] = "checked".into();
        assert_eq!(key["n"].as_str().unwrap().len(), 342);
        key["n"] = Value::from(key["n"].as_str().unwrap()[..16].to_owned());
    }
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    expect![[r#"
        public, max-age=15, stale-while-revalidate=15, stale-if-error=86400
        {
          "keys": [
            {
              "kty": "RSA",
              "n": "0jyRX0BhGy--80E3",
              "e": "AQAB",
              "kid": "current-key-of-tests0",
              "use": "sig",
              "alg": "RS256",
              "x5t": "checked",
              "x5c": "checked"
            },
            {
              "kty": "RSA",
              "n": "5CWU2aF2_GHXkfkv",
              "e": "AQAB",
              "kid": "next-key-of-the-tests",
              "use": "sig",
              "alg": "RS256",
              "x5t": "checked",
              "x5c": "checked"
            }
          ]
        }
    "#]]
    .assert_eq(&format!("{}\n{body:#}\n", answer.header("cache-control")));
}

#[tokio::test]
async fn unknown_paths_and_methods_have_answers_of_their_own() {
    let world = World::bare(Options::default()).await;
    let mut shown = String::new();
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/authorize"),
        (Method::GET, "/oauth/token"),
        (Method::DELETE, "/userinfo"),
        (Method::POST, "/.well-known/jwks.json"),
        (Method::GET, "/passwordless/start/"),
    ] {
        let answer = world.nobody().send(method.clone(), path, "", Vec::new().into()).await;
        shown += &format!("{method} {path}: {}\n", answer.line());
    }
    expect![[r#"
        GET /: 404 {"error":"not_found","error_description":"Not Found"}
        GET /authorize: 404 {"error":"not_found","error_description":"Not Found"}
        GET /oauth/token: 405 {"error":"method_not_allowed","error_description":"Method Not Allowed"}
        DELETE /userinfo: 405 {"error":"method_not_allowed","error_description":"Method Not Allowed"}
        POST /.well-known/jwks.json: 405 {"error":"method_not_allowed","error_description":"Method Not Allowed"}
        GET /passwordless/start/: 404 {"error":"not_found","error_description":"Not Found"}
    "#]]
    .assert_eq(&shown);
}
