//! `/.well-known/*`, and paths that do not exist (`docs/COMPATIBILITY.md` C111, C119, C541-C547).

use expect_test::expect;
use http::Method;

use crate::world::World;

#[tokio::test]
async fn discovery_tells_what_there_is() {
    let world = World::new().await;
    let answer = world.nobody().header("host", "evil.example").get("/.well-known/openid-configuration").await;
    let alias = world.nobody().get("/.well-known/oauth-authorization-server").await;
    assert_eq!(alias.to_string(), answer.to_string());
    answer.is(expect![[r#"
        200 OK
        access-control-allow-origin: *
        cache-control: public, max-age=15, stale-while-revalidate=15, stale-if-error=86400
        content-type: application/json; charset=utf-8

        {
          "issuer": "https://tenant.example/",
          "authorization_endpoint": "https://tenant.example/authorize",
          "token_endpoint": "https://tenant.example/oauth/token",
          "pushed_authorization_request_endpoint": "https://tenant.example/oauth/par",
          "revocation_endpoint": "https://tenant.example/oauth/revoke",
          "userinfo_endpoint": "https://tenant.example/userinfo",
          "mfa_challenge_endpoint": "https://tenant.example/mfa/challenge",
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
          "authorization_response_iss_parameter_supported": true,
          "backchannel_logout_supported": true,
          "backchannel_logout_session_supported": true,
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
            "client_secret_post",
            "private_key_jwt"
          ],
          "token_endpoint_auth_signing_alg_values_supported": [
            "RS256",
            "RS384",
            "PS256",
            "PS384",
            "ES256",
            "ES384"
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
          "request_parameter_supported": false,
          "end_session_endpoint": "https://tenant.example/oidc/logout"
        }
    "#]]);
}

#[tokio::test]
async fn every_endpoint_that_discovery_names_exists() {
    let world = World::new().await;
    let document = world.nobody().get("/.well-known/openid-configuration").await.json();
    for (name, value) in document.as_object().expect("an object") {
        let Some(url) = value.as_str().filter(|_| name.ends_with("_endpoint") || name == "jwks_uri") else { continue };
        let path = url.strip_prefix("https://tenant.example").expect("our own origin");
        assert_ne!(world.nobody().get(path).await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn the_key_set_holds_the_current_key_and_the_next() {
    let world = World::new().await;
    world.nobody().get("/.well-known/jwks.json").await.is(expect![[r#"
        200 OK
        access-control-allow-origin: *
        cache-control: public, max-age=15, stale-while-revalidate=15, stale-if-error=86400
        content-type: application/json; charset=utf-8

        {
          "keys": [
            {
              "kty": "RSA",
              "n": "0jyRX0BhGy--80E3bJbiCJwFGtr8buigYpeny2y--0yvfflN7-3Pbg9foo-261cfmnvebFl1ciDptpUJTBvrecsDwd102XX5pGtYwPsEPMSKfmsf3yLF4LrdjLEuoVxQn5gDhGrbfvVZeps7PhGp7D2wQtB3POnj3HmrufFOoSba-wVfMao3Sgcv9gWX9am6Q2osultUTZaHpst618PibDSsVGs9cUnwY_LnxGtzhZRaXaO5my1QXy48sFQ1jZ-t1Lgmw1Z2q8x5QzJ5s-K7-TDRLk58MQdprRBNZtLkYDb9EXhk2qDGjFQg82X5CH_cf-QScdC2r5Gp-MyZPfKCgQ",
              "e": "AQAB",
              "kid": "current-key-of-tests0",
              "use": "sig",
              "alg": "RS256",
              "x5t": "68baQkybGy6ldBjKO8VpB3vbolA",
              "x5c": [
                "MIICrjCCAZagAwIBAgIUCYaIGjdRmasCm6zcRopy39Q9CUgwDQYJKoZIhvcNAQELBQAwETEPMA0GA1UEAwwGdGVuYW50MB4XDTI1MDEwMTAwMDAwMFoXDTQ1MDEwMTAwMDAwMFowETEPMA0GA1UEAwwGdGVuYW50MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0jyRX0BhGy++80E3bJbiCJwFGtr8buigYpeny2y++0yvfflN7+3Pbg9foo+261cfmnvebFl1ciDptpUJTBvrecsDwd102XX5pGtYwPsEPMSKfmsf3yLF4LrdjLEuoVxQn5gDhGrbfvVZeps7PhGp7D2wQtB3POnj3HmrufFOoSba+wVfMao3Sgcv9gWX9am6Q2osultUTZaHpst618PibDSsVGs9cUnwY/LnxGtzhZRaXaO5my1QXy48sFQ1jZ+t1Lgmw1Z2q8x5QzJ5s+K7+TDRLk58MQdprRBNZtLkYDb9EXhk2qDGjFQg82X5CH/cf+QScdC2r5Gp+MyZPfKCgQIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQCiddZY/KiTRUPE54f9NIdZcsBjIi5AaYz4BRFj2YfgvC42Zab2boW9wMLn10rWsKLsp+1IszD9qyNXta59RiGw9owj7oWTF4YEU1bGTChsNHO77hIF4eVqdlSpERfmxIMOvbN8DmoP+cZi7fQkxFWvmbbg5QV+WUSlB4NvueQ7toqB5VfKpN9g9YnQrqmuOnHXpkvj0sbgD8qBHRcrhyLScaC+pJ2L2QM0FQK40KWA0AmVBOwwozwfYv/jnKJx7t/W+2BM093tpHOeuolAR2C/CojblUB8sgqqsUj6RR9g5upHPX97rbmVNrNGPexf32dGKj167sj7oYBLToqeXdUq"
              ]
            },
            {
              "kty": "RSA",
              "n": "5CWU2aF2_GHXkfkvcyBLuc_0ioSYWxrt_9W83jwMOinP63-l5saUBqp1kQ3gReYr5EC-4K6F-AMMp5o8j8n0SvN8uf5a4eLrzmCjSiJtS5-rRMKD8WbNFiVy2q6qZtqLDFgBrHxVhCLm1_XqVWqrBxhA96Ss1DQuYhUNem460v1Li46jXYOpSqR0snqmqriWMppF5E_wyI5k0hJ4yRwdMhMU24ikG-UTNehMjNZCh-XVBpCppYzz7NbGevJ2XPKmsXKsVFbiCdV5YiZZ6Ml16hJlsESjH_Je1efE2NY96rmOMHRtT5_DGtumhr7U3u8XZHM0hYQq5oJEgSZCJhKSrQ",
              "e": "AQAB",
              "kid": "next-key-of-the-tests",
              "use": "sig",
              "alg": "RS256",
              "x5t": "3HQjYt3CUE3l2-6xYEG_lXB4R6o",
              "x5c": [
                "MIICrjCCAZagAwIBAgIUQAO98iR2Mf8PuCbdLOLziH/nxEQwDQYJKoZIhvcNAQELBQAwETEPMA0GA1UEAwwGdGVuYW50MB4XDTI1MDEwMTAwMDAwMFoXDTQ1MDEwMTAwMDAwMFowETEPMA0GA1UEAwwGdGVuYW50MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA5CWU2aF2/GHXkfkvcyBLuc/0ioSYWxrt/9W83jwMOinP63+l5saUBqp1kQ3gReYr5EC+4K6F+AMMp5o8j8n0SvN8uf5a4eLrzmCjSiJtS5+rRMKD8WbNFiVy2q6qZtqLDFgBrHxVhCLm1/XqVWqrBxhA96Ss1DQuYhUNem460v1Li46jXYOpSqR0snqmqriWMppF5E/wyI5k0hJ4yRwdMhMU24ikG+UTNehMjNZCh+XVBpCppYzz7NbGevJ2XPKmsXKsVFbiCdV5YiZZ6Ml16hJlsESjH/Je1efE2NY96rmOMHRtT5/DGtumhr7U3u8XZHM0hYQq5oJEgSZCJhKSrQIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQDQpiODWwWPW+tc4t7RUeZcqBXifbSbpycvFasUe8L7AEMea3a+EXfD4IlNxvgNJVmFCxbvePQ0DRCFb7GUUgRARJUTo6sXEV26RgrsiEXJSuzA1+ZWi48u5SMPXm/QEQgXP3VH2+q92HUK8/H0QfuKZ7fBG3YESEMPPaD/DeJNCgMDJJ10+gQbUr5OEP5+CO5ki3008mWisSwDFlret9EHYaLIyNuusHqKn86H+CjxYzv4voNDIRTy6UrW6DqhiDYsCB+ktFX5nOhopilCgly5dIirf+g4mUiVcU+OPIQWF7DU32HBu5NJPnAGbTZ/HbsM/8G1l9uwqfQr2o0w1VqJ"
              ]
            }
          ]
        }
    "#]]);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let world = World::new().await;
    world.nobody().get("/nowhere").await.is(expect![[r#"
        404 Not Found
        content-type: application/json; charset=utf-8

        {
          "error": "not_found",
          "error_description": "Not Found"
        }
    "#]]);
    for path in [
        "/passwordless/start/",
        "/passwordless",
        "/oauth//token",
        "/OAuth/token",
        "/.well-known/",
        "/.well-known/jwks",
        "/%2e%2e/userinfo",
        "/dev/messages",
        "/dev/inbox",
        "/dev/twilio/2010-04-01/Accounts/AC1/Messages.json",
        "/metrics",
        "/readyz",
    ] {
        assert_eq!(world.nobody().get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn another_method_is_refused() {
    let world = World::new().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
        let answer = world.nobody().raw(path, "application/json", "{}").await;
        assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (405, "method_not_allowed"));
        assert_eq!(answer.header("allow"), "GET,HEAD");
        let head = world.nobody().send(Method::HEAD, path, "", "".into()).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    }
}
