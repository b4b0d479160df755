//! Who may call: every row of the table without a token, and with one that lacks its scopes; tokens that are not ours
//! (C605-C611).

use bytes::Bytes;
use expect_test::expect;
use http::Method;
use ringpass::web::Family as _;
use ringpass::web::management::Management;
use ringpass_core::kit::hash;
use ringpass_core::kit::jwt::{Alg, RsaKey, sign_hs256};
use serde_json::{Value, json};

use super::said;
use crate::world::{ISSUER, MANAGEMENT, World};

const CONNECTIONS: &str = "/api/v2/connections";

/// Every row: its method, and its path with something in the place of the parameters.
fn rows() -> impl Iterator<Item = (Method, String, &'static [&'static str])> {
    Management::ROUTES.iter().map(|route| {
        let path = route
            .path
            .replace("{id}", "con_0123456789abcdef")
            .replace("{kid}", "a-key")
            .replace("{credential_id}", "cred_x")
            .replace("{provider}", "sms")
            .replace("{user_id}", "x")
            .replace("{prompt}", "login")
            .replace("{language}", "en")
            .replace("{screen}", "login");
        (route.method.parse().unwrap(), format!("/api/v2{path}"), route.scopes)
    })
}

fn claims(world: &World) -> Value {
    let now = world.clock.now() / 1_000;
    json!({"iss": ISSUER, "sub": "x@clients", "aud": MANAGEMENT, "iat": now, "exp": now + 60,
        "scope": "read:connections", "azp": "x"})
}

#[tokio::test]
async fn no_row_answers_without_a_token() {
    let world = World::bare(crate::world::Options::default()).await;
    for (method, path, _) in rows() {
        let answer = world.nobody().send(method.clone(), &path, "application/json", Bytes::from("{}")).await;
        assert_eq!(said(&answer), "401 : Missing authentication", "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
    }
    assert!(world.logs().await.0.is_empty());
}

#[tokio::test]
async fn every_row_names_the_scopes_that_a_token_lacks() {
    let world = World::bare(crate::world::Options::default()).await;
    for (method, path, scopes) in rows() {
        assert!(!scopes.is_empty(), "{method} {path} is open to every token");
        for held in ["", "read:something_else", "openid profile"] {
            let answer = world.api(held).send(method.clone(), &path, "application/json", Bytes::from("{}")).await;
            let wanted = format!(
                r#"{{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: {}","errorCode":"insufficient_scope"}}"#,
                scopes.join(",")
            );
            assert_eq!(String::from_utf8_lossy(&answer.body), wanted, "{method} {path}");
        }
    }
    // A refused write is an event; a refused read is none.
    let logs = world.logs().await;
    let writes = rows().filter(|(method, ..)| *method != Method::GET).count();
    assert_eq!(logs.kinds(), vec!["fapi"; writes * 3]);
}

#[tokio::test]
async fn a_scope_is_a_whole_word() {
    let world = World::bare(crate::world::Options::default()).await;
    for held in ["read:connection", "read:connections_options", "xread:connections", "READ:CONNECTIONS", "*"] {
        assert_eq!(world.api(held).get(CONNECTIONS).await.status, 403, "{held}");
    }
    assert_eq!(world.api("a read:connections b").get(CONNECTIONS).await.status, 200);
}

#[tokio::test]
async fn a_header_that_is_no_bearer_token_is_a_bad_request() {
    let world = World::bare(crate::world::Options::default()).await;
    let whole = world.nobody().header("authorization", "Bearer").get(CONNECTIONS).await;
    whole.is(expect![[r#"
        400 Bad Request
        cache-control: private, no-store, no-cache, must-revalidate
        content-type: application/json; charset=utf-8
        vary: origin
        x-ratelimit-limit: 50
        x-ratelimit-remaining: 49
        x-ratelimit-reset: 1767323046

        {
          "statusCode": 400,
          "error": "Bad Request",
          "message": "Bad HTTP authentication header format",
          "errorCode": "Bearer"
        }
    "#]]);
    for header in ["Bearer", "Bearer ", "x", "Basic eDp5", "Bearer a b", "Token x"] {
        let answer = world.nobody().header("authorization", header).get(CONNECTIONS).await;
        assert_eq!(said(&answer), "400 Bearer: Bad HTTP authentication header format", "{header}");
    }
    let token = world.app.snapshot().keys.current.sign(Alg::Rs256, "JWT", &claims(&world)).unwrap();
    for header in [format!("bearer {token}"), format!("BEARER  {token}")] {
        assert_eq!(world.nobody().header("authorization", &header).get(CONNECTIONS).await.status, 200, "{header}");
    }
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused() {
    let world = World::bare(crate::world::Options::default()).await;
    let keys = world.app.snapshot().keys.current.clone();
    let good = claims(&world);
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed
    };
    let ours = |claims: &Value| keys.sign(Alg::Rs256, "JWT", claims).unwrap();
    let der = RsaKey::generate().unwrap();
    let (same_kid, other_kid) =
        (RsaKey::from_pkcs8(keys.kid(), &der).unwrap(), RsaKey::from_pkcs8("unknown", &der).unwrap());
    let part = |value: &Value| hash::base64url(value.to_string().as_bytes());
    let none = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg, "typ": "JWT", "kid": keys.kid()})), part(&good));
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": keys.kid()});
    let jwk = keys.jwk();
    let cert = world.app.snapshot().keys.certificate.0.clone();
    let confused = |secret: &[u8]| {
        // An HS256 mark made with what everybody knows of the key, under the key's own id.
        let token = sign_hs256(secret, "JWT", &good).unwrap();
        let mark = token.rsplit_once('.').unwrap().1.to_owned();
        format!("{}.{}.{mark}", part(&header), part(&good))
    };
    let whole = ours(&good);
    let (input, mark) = whole.rsplit_once('.').unwrap();
    let tampered =
        format!("{}.{}.{mark}", input.split_once('.').unwrap().0, part(&with("scope", json!("delete:users"))));
    let now = world.clock.now() / 1_000;
    let (invalid, signature) = ("Invalid token", "Invalid signature received for JSON Web Token validation");
    let expired = "Expired token received for JSON Web Token validation";
    for (token, message) in [
        ("x".to_owned(), invalid),
        ("a.b.c".to_owned(), invalid),
        (none("none"), invalid),
        (none("None"), invalid),
        (none("RS256"), signature),
        (confused(jwk["n"].as_str().unwrap().as_bytes()), invalid),
        (confused(cert.as_bytes()), invalid),
        (sign_hs256(crate::world::ADMIN.1.as_bytes(), "JWT", &good).unwrap(), invalid),
        (keys.sign(Alg::Ps256, "JWT", &good).unwrap(), invalid),
        (other_kid.sign(Alg::Rs256, "JWT", &good).unwrap(), invalid),
        (same_kid.sign(Alg::Rs256, "JWT", &good).unwrap(), signature),
        (tampered, signature),
        (ours(&with("exp", json!(now))), expired),
        (ours(&with("exp", json!(now - 3_600))), expired),
        (ours(&with("exp", json!("never"))), invalid),
        (ours(&with("aud", json!("https://api.example/"))), "Bad audience: https://api.example/"),
        (ours(&with("aud", json!(["a", "b"]))), "Bad audience: a,b"),
        (ours(&with("aud", json!("https://tenant.example/api/v2"))), "Bad audience: https://tenant.example/api/v2"),
        (ours(&with("aud", Value::Null)), "Bad audience: "),
        (ours(&with("iss", json!("https://other.example/"))), invalid),
        (ours(&with("iss", json!("https://tenant.example"))), invalid),
    ] {
        let answer = world.nobody().bearer(&token).get(CONNECTIONS).await;
        assert_eq!(said(&answer), format!("401 : {message}"), "{token}");
        let repeated = answer.json()["attributes"]["error"].as_str().map(str::to_owned);
        let wanted = (!message.starts_with("Bad audience")).then(|| message.to_owned());
        assert_eq!(repeated, wanted, "{token}");
    }
    for claims in
        [good.clone(), with("aud", json!(["https://tenant.example/userinfo", MANAGEMENT])), with("exp", json!(now + 1))]
    {
        assert_eq!(world.nobody().bearer(&ours(&claims)).get(CONNECTIONS).await.status, 200);
    }
}

#[tokio::test]
async fn the_token_of_the_administrator_comes_from_the_token_endpoint() {
    let world = World::bare(crate::world::Options::default()).await;
    let (id, secret) = crate::world::ADMIN;
    let body =
        json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret, "audience": MANAGEMENT});
    let answer = world.nobody().post("/oauth/token", body).await;
    assert_eq!(answer.status, 200, "{answer}");
    for route in Management::ROUTES {
        let held = answer.text("scope");
        assert!(route.scopes.iter().any(|scope| held.split(' ').any(|one| one == *scope)), "{held}");
    }
    assert_eq!(world.nobody().bearer(&answer.text("access_token")).get(CONNECTIONS).await.status, 200);
    drop(world.logs().await);
}
