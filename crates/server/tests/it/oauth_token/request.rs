//! How a request is read, and who may ask (C401-C424).

use expect_test::expect;
use http::Method;
use serde_json::{Value, json};

use crate::world::{API, Lines as _, NATIVE, OTP, PHONE, WEB, World};

const TOKEN: &str = "/oauth/token";

#[tokio::test]
async fn every_error_of_a_request_has_its_words() {
    let world = World::new().await;
    world.new_client("cli_plain", "plain-secret", json!({"name": "Plain", "app_type": "regular_web"})).await;
    world.new_connection(json!({"name": "mails", "strategy": "email", "enabled_clients": [NATIVE]})).await;
    world.new_connection(json!({"name": "other", "strategy": "sms"})).await;
    let otp = |change: Value| {
        let mut body = json!({"client_id": NATIVE, "grant_type": OTP, "realm": "sms", "username": PHONE, "otp": "1"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    let mut out = String::new();
    for body in [
        json!({}),
        json!({"grant_type": ""}),
        json!({"grant_type": null}),
        json!({"grant_type": 1}),
        json!({"grant_type": "foo"}),
        json!({"grant_type": "authorization_code", "client_id": NATIVE, "code": "x"}),
        json!({"grant_type": OTP}),
        otp(json!({"client_id": ""})),
        otp(json!({"client_id": 7})),
        otp(json!({"client_id": "nobody"})),
        otp(json!({"client_id": WEB.0})),
        otp(json!({"client_id": WEB.0, "client_secret": ""})),
        otp(json!({"client_id": WEB.0, "client_secret": "wrong"})),
        otp(json!({"client_id": WEB.0, "client_secret": [WEB.1]})),
        otp(json!({"client_id": WEB.0, "client_assertion": "a.b.c",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})),
        otp(json!({"client_id": "cli_plain", "client_secret": "plain-secret"})),
        otp(json!({"username": null})),
        otp(json!({"username": {}})),
        otp(json!({"otp": ""})),
        otp(json!({"otp": 123_456})),
        otp(json!({"realm": null})),
        otp(json!({"realm": "foo"})),
        otp(json!({"realm": "other"})),
        otp(json!({"realm": "mails"})),
        otp(json!({"realm": "Username-Password-Authentication"})),
        otp(json!({"audience": "https://nowhere.example/"})),
        otp(json!({"audience": [API]})),
        otp(json!({"scope": ["openid"]})),
        json!({"grant_type": "refresh_token", "client_id": NATIVE}),
        json!({"grant_type": "client_credentials", "client_id": WEB.0, "client_secret": WEB.1}),
        json!({"grant_type": "client_credentials", "client_id": NATIVE, "audience": API}),
    ] {
        out.line(world.nobody().post(TOKEN, body).await.line());
    }
    expect![[r#"
        400 {"error":"invalid_request","error_description":"Missing required parameter: grant_type"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: grant_type"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: grant_type"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: grant_type"}
        400 {"error":"unsupported_grant_type","error_description":"Unsupported grant type: foo"}
        403 {"error":"unauthorized_client","error_description":"Grant type 'authorization_code' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: client_id"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: client_id"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: client_id"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: client_secret"}
        401 {"error":"invalid_client","error_description":"client_assertion is not a JSON Web Token"}
        403 {"error":"unauthorized_client","error_description":"Grant type 'http://auth0.com/oauth/grant-type/passwordless/otp' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: username"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: username"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: otp"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: otp"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: realm"}
        400 {"error":"invalid_request","error_description":"Unknown realm foo."}
        400 {"error":"invalid_request","error_description":"Unknown realm other."}
        403 {"error":"invalid_grant","error_description":"Wrong email or verification code."}
        400 {"error":"invalid_request","error_description":"Unknown realm Username-Password-Authentication."}
        403 {"error":"access_denied","error_description":"Service not found: https://nowhere.example/"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: audience"}
        400 {"error":"invalid_request","error_description":"Parameter must be a string: scope"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: refresh_token"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: audience"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
    "#]].assert_eq(&out);
    world.logs().await;
}

#[tokio::test]
async fn of_two_faults_the_earlier_is_told() {
    let world = World::new().await;
    world.new_client("cli_plain", "plain-secret", json!({"name": "Plain", "app_type": "regular_web"})).await;
    let mut out = String::new();
    for body in [
        // grant type, then client, then the client's grant types, then parameters, then realm, then audience
        json!({"grant_type": "foo", "client_id": "nobody"}),
        json!({"grant_type": OTP, "client_id": "nobody"}),
        json!({"grant_type": OTP, "client_id": "cli_plain", "client_secret": "plain-secret"}),
        json!({"grant_type": OTP, "client_id": NATIVE, "username": PHONE, "realm": "foo"}),
        json!({"grant_type": OTP, "client_id": NATIVE, "username": PHONE, "realm": "foo", "otp": "1",
            "audience": "https://nowhere.example/"}),
    ] {
        out.line(world.nobody().post(TOKEN, body).await.line());
    }
    expect![[r#"
        400 {"error":"unsupported_grant_type","error_description":"Unsupported grant type: foo"}
        401 {"error":"access_denied","error_description":"Unauthorized"}
        403 {"error":"unauthorized_client","error_description":"Grant type 'http://auth0.com/oauth/grant-type/passwordless/otp' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: otp"}
        400 {"error":"invalid_request","error_description":"Unknown realm foo."}
    "#]].assert_eq(&out);
    assert_eq!(world.logs().await.kinds(), ["fepotpft"; 3]);
}

#[tokio::test]
async fn a_refusal_is_never_cached_and_names_no_charset() {
    let world = World::new().await;
    let body = json!({"grant_type": OTP, "client_id": WEB.0, "client_secret": "wrong"});
    world.nobody().post(TOKEN, body).await.is(expect![[r#"
        401 Unauthorized
        cache-control: no-store
        content-type: application/json
        pragma: no-cache

        {
          "error": "access_denied",
          "error_description": "Unauthorized"
        }
    "#]]);
    world.anon().get(TOKEN).await.is(expect![[r#"
        405 Method Not Allowed
        allow: POST,OPTIONS
        content-type: application/json; charset=utf-8

        {
          "error": "method_not_allowed",
          "error_description": "Method Not Allowed"
        }
    "#]]);
    assert_eq!(world.anon().send(Method::DELETE, TOKEN, "", "".into()).await.status, 405);
    assert_eq!(world.logs().await.kinds(), ["fepotpft"]);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_an_invalid_request() {
    let world = World::new().await;
    let json = "application/json";
    let mut out = String::new();
    for (kind, bytes) in [
        (json, &b"{\"grant_type\":\"\xff\"}"[..]),
        (json, b"grant_type=client_credentials"),
        (json, b"[]"),
        (json, b""),
        ("application/x-www-form-urlencoded", b"grant_type=\xff"),
        ("application/x-www-form-urlencoded", b""),
        ("text/plain", b"{}"),
        ("", b"grant_type=foo"),
    ] {
        out.line(world.nobody().raw(TOKEN, kind, bytes).await.line());
    }
    let long = format!("{{\"grant_type\":\"{}\"}}", "x".repeat(65_537));
    out.line(world.nobody().raw(TOKEN, json, long).await.line());
    expect![[r#"
        400 {"error":"invalid_request","error_description":"Invalid request body"}
        400 {"error":"invalid_request","error_description":"Invalid request body"}
        400 {"error":"invalid_request","error_description":"Invalid request body"}
        400 {"error":"invalid_request","error_description":"Invalid request body"}
        400 {"error":"invalid_request","error_description":"Invalid request body"}
        400 {"error":"invalid_request","error_description":"Missing required parameter: grant_type"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
        400 {"error":"invalid_request","error_description":"Unsupported content type"}
        413 {"error":"invalid_request","error_description":"Request body is larger than 65536 bytes"}
    "#]]
    .assert_eq(&out);
}

#[tokio::test]
async fn credentials_travel_in_the_body_or_in_the_header() {
    let world = World::new().await;
    let (id, secret) = WEB;
    let grant = json!({"grant_type": "client_credentials", "audience": API});
    let form = [("grant_type", "client_credentials"), ("audience", API)];
    let nobody = world.nobody();
    for answer in [
        world.web().post(TOKEN, grant.clone()).await,
        world.web().form(TOKEN, &form).await,
        nobody.clone().basic(id, secret).post(TOKEN, grant.clone()).await,
        nobody.clone().basic(id, secret).form(TOKEN, &form).await,
        nobody.clone().basic(id, secret).member("client_id", id).post(TOKEN, grant.clone()).await,
        // An unknown extra parameter is ignored.
        world.web().member("organization", "x").member("foo", "bar").form(TOKEN, &form).await,
    ] {
        assert_eq!(answer.status, 200, "{answer}");
    }
    for answer in [
        nobody.clone().basic(id, "wrong").post(TOKEN, grant.clone()).await,
        nobody.clone().basic("nobody", secret).post(TOKEN, grant.clone()).await,
        nobody.clone().basic(id, secret).member("client_id", NATIVE).post(TOKEN, grant.clone()).await,
        nobody.clone().basic(id, secret).member("client_secret", "wrong").post(TOKEN, grant.clone()).await,
        nobody.clone().header("authorization", "Basic !!!").member("client_id", id).post(TOKEN, grant.clone()).await,
    ] {
        assert_eq!(answer.line(), r#"401 {"error":"access_denied","error_description":"Unauthorized"}"#);
    }
    assert_eq!(world.logs().await.kinds(), [["seccft"; 6].as_slice(), &["feccft"; 5]].concat());
}

#[tokio::test]
async fn both_parts_of_basic_are_form_url_decoded() {
    let world = World::new().await;
    let (id, secret) = ("id with:colon", "ü+%&= secret");
    let body = json!({"name": "Odd", "app_type": "non_interactive", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic"});
    world.new_client(id, secret, body).await;
    world.new_grant(json!({"client_id": id, "audience": API, "scope": []})).await;
    let coded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let grant = json!({"grant_type": "client_credentials", "audience": API});
    let answer = world.nobody().basic(&coded(id), &coded(secret)).post(TOKEN, grant).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["seccft"]);
}

#[tokio::test]
async fn a_public_client_has_no_secret_to_get_wrong() {
    let world = World::new().await;
    let code = world.anon().code(PHONE).await;
    let answer = world.anon().redeem(PHONE, &code, json!({"client_secret": "whatever"})).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(world.logs().await.kinds(), ["ss", "s"]);
}
