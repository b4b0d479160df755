//! Clients that prove themselves with a signed assertion (C1121-C1129).

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RsaEncoding};
use expect_test::expect;
use ringpass_core::kit::clock::{DAY, MINUTE, SECOND};
use ringpass_core::kit::hash::base64url;
use ringpass_core::kit::{certificate, jwt};
use serde_json::{Value, json};

use crate::management::{admin, good, refusal, said};
use crate::world::{API, ISSUER, Lines as _, NATIVE, OTP, PEER, PHONE, WEB, World};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const MACHINE: &str = "client_credentials";

/// Somebody's key pair.
enum Pair {
    Rsa(RsaPair),
    Ec(EcdsaKeyPair),
}

impl Pair {
    fn rsa() -> Self {
        Self::Rsa(RsaPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn ec(curve: &'static EcdsaSigningAlgorithm) -> Self {
        Self::Ec(EcdsaKeyPair::generate(curve).unwrap())
    }

    /// One that suits the algorithm.
    fn of(alg: &str) -> Self {
        match alg {
            "ES256" => Self::ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => Self::ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            _ => Self::rsa(),
        }
    }

    fn pem(&self) -> String {
        let der = match self {
            Self::Rsa(pair) => pair.public_key().as_der().unwrap(),
            Self::Ec(pair) => pair.public_key().as_der().unwrap(),
        };
        certificate::pem("PUBLIC KEY", der.as_ref())
    }

    fn sign(&self, alg: &str, header: &Value, claims: &Value) -> String {
        let input =
            format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
        let random = SystemRandom::new();
        let mark = match self {
            Self::Ec(pair) => pair.sign(&random, input.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match alg {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut mark = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, input.as_bytes(), &mut mark).unwrap();
                mark
            }
        };
        format!("{input}.{}", base64url(&mark))
    }
}

/// A client that proves itself with a key of its own.
struct Machine {
    id: String,
    credential: String,
    kid: String,
    pair: Pair,
    alg: &'static str,
}

impl Machine {
    async fn new(world: &World, alg: &'static str) -> Self {
        let pair = Pair::of(alg);
        let credential = json!({"credential_type": "public_key", "name": "key", "pem": pair.pem(), "alg": alg});
        let body = json!({"name": "Machine", "app_type": "non_interactive", "grant_types": [MACHINE, OTP],
            "client_authentication_methods": {"private_key_jwt": {"credentials": [credential]}}});
        let made = good(&admin(world).post("/api/v2/clients", body).await, 201);
        let id = made["client_id"].as_str().unwrap().to_owned();
        let keys = good(&admin(world).get(&format!("/api/v2/clients/{id}/credentials")).await, 200);
        let text = |name: &str| keys[0][name].as_str().unwrap().to_owned();
        world.new_grant(json!({"client_id": id, "audience": API, "scope": ["read:messages"]})).await;
        drop(world.logs().await);
        Self { credential: text("id"), kid: text("kid"), id, pair, alg }
    }

    fn header(&self) -> Value {
        json!({"alg": self.alg, "typ": "JWT", "kid": self.kid})
    }

    /// The claims of an honest assertion; `jti` makes it one of its own.
    fn claims(&self, world: &World, jti: &str) -> Value {
        let now = world.clock.now() / SECOND;
        json!({"iss": self.id, "sub": self.id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti})
    }

    fn assertion(&self, world: &World, jti: &str) -> String {
        self.pair.sign(self.alg, &self.header(), &self.claims(world, jti))
    }
}

/// What a token request with this assertion comes to.
async fn token(world: &World, assertion: &str, more: Value) -> String {
    let mut body = json!({"grant_type": MACHINE, "audience": API, "client_assertion_type": TYPE,
        "client_assertion": assertion});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = world.nobody().post("/oauth/token", body).await;
    drop(world.logs().await);
    if answer.status == 200 { "200".to_owned() } else { refusal(&answer) }
}

/// The same with changed claims; null takes one away.
async fn changed(world: &World, machine: &Machine, jti: &str, claims: Value) -> String {
    let mut all = machine.claims(world, jti);
    for (name, value) in claims.as_object().unwrap() {
        match value {
            Value::Null => drop(all.as_object_mut().unwrap().shift_remove(name)),
            value => all[name] = value.clone(),
        }
    }
    token(world, &machine.pair.sign(machine.alg, &machine.header(), &all), json!({})).await
}

#[tokio::test]
async fn every_algorithm_that_is_announced_works_and_only_the_registered_one() {
    let world = World::new().await;
    let discovery = good(&world.nobody().get("/.well-known/openid-configuration").await, 200);
    let announced: Vec<&str> = discovery["token_endpoint_auth_signing_alg_values_supported"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alg| alg.as_str().unwrap())
        .collect();
    let algs = ["RS256", "RS384", "PS256", "PS384", "ES256", "ES384"];
    assert_eq!(announced, algs);
    for alg in algs {
        let machine = Machine::new(&world, alg).await;
        assert_eq!(token(&world, &machine.assertion(&world, "a"), json!({})).await, "200", "{alg}");
        for other in algs.into_iter().filter(|other| *other != alg) {
            let header = json!({"alg": other});
            let signed = machine.pair.sign(other, &header, &machine.claims(&world, other));
            let refused = token(&world, &signed, json!({})).await;
            assert_eq!(
                refused, "401 invalid_client: No credential of the client has the 'alg' and 'kid' of client_assertion",
                "{alg} as {other}"
            );
            // The right name over another algorithm's signature.
            let signed = machine.pair.sign(other, &machine.header(), &machine.claims(&world, other));
            if matches!(machine.pair, Pair::Rsa(_)) && !other.starts_with("ES") {
                let refused = token(&world, &signed, json!({})).await;
                let wanted = "401 invalid_client: The signature of client_assertion is wrong";
                assert_eq!(refused, wanted, "{alg} signed as {other}");
            }
        }
    }
}

#[tokio::test]
async fn an_assertion_may_name_the_server_in_two_ways_and_the_client_once_or_twice() {
    let world = World::new().await;
    let machine = Machine::new(&world, "RS256").await;
    let endpoint = format!("{ISSUER}oauth/token");
    for (jti, claims) in [
        ("1", json!({})),
        ("2", json!({"aud": endpoint})),
        ("3", json!({"aud": ["https://elsewhere.example/", ISSUER]})),
        ("4", json!({"iat": null})),
        ("5", json!({"nbf": world.clock.now() / SECOND + 10})),
        ("6", json!({"iat": 12.5, "exp": (world.clock.now() / SECOND + 300)})),
        (&"j".repeat(64), json!({})),
    ] {
        assert_eq!(changed(&world, &machine, jti, claims.clone()).await, "200", "{claims}");
    }
    let without_kid = machine.pair.sign("RS256", &json!({"alg": "RS256"}), &machine.claims(&world, "7"));
    assert_eq!(token(&world, &without_kid, json!({"client_id": machine.id})).await, "200");
    let form = [
        ("grant_type", MACHINE),
        ("audience", API),
        ("client_assertion_type", TYPE),
        ("client_assertion", &machine.assertion(&world, "8")),
    ];
    assert_eq!(world.nobody().form("/oauth/token", &form).await.status, 200);
    assert_eq!(world.logs().await.kinds(), ["seccft"]);
    // An id is the client's own: another client may use the same.
    let other = Machine::new(&world, "ES256").await;
    assert_eq!(token(&world, &other.assertion(&world, "1"), json!({})).await, "200");
}

#[tokio::test]
async fn everything_else_is_invalid_client_with_its_reason() {
    let world = World::new().await;
    let machine = Machine::new(&world, "RS256").await;
    let now = world.clock.now() / SECOND;
    let mut said = String::new();
    for (what, claims) in [
        ("no exp", json!({"exp": null})),
        ("text exp", json!({"exp": "soon"})),
        ("huge exp", json!({"exp": 1e300})),
        ("stale exp", json!({"exp": now})),
        ("far exp", json!({"exp": now + 311})),
        ("early iat", json!({"iat": now + 11})),
        ("early nbf", json!({"nbf": now + 11})),
        ("no aud", json!({"aud": null})),
        ("wrong aud", json!({"aud": "https://elsewhere.example/"})),
        ("aud without slash", json!({"aud": "https://tenant.example"})),
        ("aud in an array of others", json!({"aud": ["https://elsewhere.example/", 7]})),
        ("no iss", json!({"iss": null})),
        ("other iss", json!({"iss": NATIVE})),
        ("no sub", json!({"sub": null})),
        ("unknown client", json!({"iss": "nobody", "sub": "nobody"})),
        ("public client", json!({"iss": NATIVE, "sub": NATIVE})),
        ("client of a secret", json!({"iss": WEB.0, "sub": WEB.0})),
        ("no jti", json!({"jti": null})),
        ("number jti", json!({"jti": 7})),
        ("empty jti", json!({"jti": ""})),
        ("long jti", json!({"jti": "j".repeat(65)})),
        ("long assertion", json!({"more": "x".repeat(4_000)})),
    ] {
        said.line(format!("{what}: {}", changed(&world, &machine, "j", claims).await));
    }
    let claims = machine.claims(&world, "j");
    let foreign = Pair::rsa();
    let sign = |header: Value| machine.pair.sign("RS256", &header, &claims);
    let honest = sign(machine.header());
    let (input, mark) = honest.rsplit_once('.').unwrap();
    let (header, _) = input.split_once('.').unwrap();
    let other = base64url(machine.claims(&world, "other").to_string().as_bytes());
    for (what, assertion, more) in [
        (
            "alg none",
            format!("{}.{}.", base64url(br#"{"alg":"none"}"#), base64url(claims.to_string().as_bytes())),
            json!({}),
        ),
        (
            "HS256 under the public key",
            jwt::sign_hs256(machine.pair.pem().as_bytes(), "JWT", &claims).unwrap(),
            json!({}),
        ),
        ("foreign key", foreign.sign("RS256", &machine.header(), &claims), json!({})),
        ("no signature", format!("{input}."), json!({})),
        ("changed claims", format!("{header}.{other}.{mark}"), json!({})),
        ("unknown kid", sign(json!({"alg": "RS256", "kid": "another-key"})), json!({})),
        ("number kid", sign(json!({"alg": "RS256", "kid": 7})), json!({})),
        ("critical header", sign(json!({"alg": "RS256", "crit": ["b64"], "b64": false})), json!({})),
        ("no token", "x".to_owned(), json!({})),
        ("other client_id", honest.clone(), json!({"client_id": NATIVE})),
        ("secret as well", honest.clone(), json!({"client_id": machine.id, "client_secret": "x"})),
        ("no type", honest.clone(), json!({"client_assertion_type": null})),
        (
            "other type",
            honest.clone(),
            json!({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}),
        ),
    ] {
        said.line(format!("{what}: {}", token(&world, &assertion, more).await));
    }
    expect![[r#"
        no exp: 401 invalid_client: 'exp' claim is missing or has the wrong type
        text exp: 401 invalid_client: 'exp' claim is missing or has the wrong type
        huge exp: 401 invalid_client: 'exp' claim is missing or has the wrong type
        stale exp: 401 invalid_client: 'exp' claim is in the past
        far exp: 401 invalid_client: 'exp' claim must specify a time that is no more than 5 minutes ahead
        early iat: 401 invalid_client: 'iat' claim is in the future
        early nbf: 401 invalid_client: 'nbf' claim is in the future
        no aud: 401 invalid_client: 'aud' claim must be https://tenant.example/ or https://tenant.example/oauth/token
        wrong aud: 401 invalid_client: 'aud' claim must be https://tenant.example/ or https://tenant.example/oauth/token
        aud without slash: 401 invalid_client: 'aud' claim must be https://tenant.example/ or https://tenant.example/oauth/token
        aud in an array of others: 401 invalid_client: 'aud' claim must be https://tenant.example/ or https://tenant.example/oauth/token
        no iss: 401 invalid_client: 'iss' and 'sub' claims must both be the client_id
        other iss: 401 invalid_client: 'iss' and 'sub' claims must both be the client_id
        no sub: 401 invalid_client: 'iss' and 'sub' claims must both be the client_id
        unknown client: 401 invalid_client: Client does not exist or does not use private_key_jwt
        public client: 401 invalid_client: Client does not exist or does not use private_key_jwt
        client of a secret: 401 invalid_client: Client does not exist or does not use private_key_jwt
        no jti: 401 invalid_client: 'jti' claim is missing or has the wrong type
        number jti: 401 invalid_client: 'jti' claim is missing or has the wrong type
        empty jti: 401 invalid_client: 'jti' claim must have 1 to 64 characters
        long jti: 401 invalid_client: 'jti' claim must have 1 to 64 characters
        long assertion: 401 invalid_client: client_assertion is longer than 4096 characters
        alg none: 401 invalid_client: No credential of the client has the 'alg' and 'kid' of client_assertion
        HS256 under the public key: 401 invalid_client: No credential of the client has the 'alg' and 'kid' of client_assertion
        foreign key: 401 invalid_client: The signature of client_assertion is wrong
        no signature: 401 invalid_client: The signature of client_assertion is wrong
        changed claims: 401 invalid_client: The signature of client_assertion is wrong
        unknown kid: 401 invalid_client: No credential of the client has the 'alg' and 'kid' of client_assertion
        number kid: 401 invalid_client: No credential of the client has the 'alg' and 'kid' of client_assertion
        critical header: 401 invalid_client: 'crit' header is not supported
        no token: 401 invalid_client: client_assertion is not a JSON Web Token
        other client_id: 401 invalid_client: 'sub' claim must be the client_id of the request
        secret as well: 401 invalid_client: Send client_assertion or client_secret, not both
        no type: 401 invalid_client: client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer
        other type: 401 invalid_client: client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer
    "#]].assert_eq(&said);
    // None of all that used the id up.
    assert_eq!(token(&world, &honest, json!({})).await, "200");
    let again = token(&world, &honest, json!({})).await;
    assert_eq!(again, "401 invalid_client: 'jti' claim has been used before");
}

#[tokio::test]
async fn a_secret_does_not_open_what_asks_for_an_assertion() {
    let world = World::new().await;
    let machine = Machine::new(&world, "RS256").await;
    let shown = good(&admin(&world).get(&format!("/api/v2/clients/{}", machine.id)).await, 200);
    let secret = shown["client_secret"].as_str().unwrap();
    let body = json!({"grant_type": MACHINE, "audience": API, "client_id": machine.id, "client_secret": secret});
    let refused = world.nobody().post("/oauth/token", body.clone()).await;
    assert_eq!(refusal(&refused), "401 access_denied: Unauthorized");
    let basic = world.nobody().basic(&machine.id, secret);
    let refused = basic.post("/oauth/token", json!({"grant_type": MACHINE, "audience": API})).await;
    assert_eq!(refusal(&refused), "401 access_denied: Unauthorized");
    let both = json!({"grant_type": MACHINE, "audience": API, "client_assertion_type": TYPE,
        "client_assertion": machine.assertion(&world, "a")});
    let refused = basic.post("/oauth/token", both).await;
    assert_eq!(refusal(&refused), "401 invalid_client: Send client_assertion or client_secret, not both");
    let bare = json!({"grant_type": MACHINE, "audience": API, "client_id": machine.id});
    assert_eq!(world.nobody().post("/oauth/token", bare).await.status, 401);
    // Switched back, it is the other way round.
    let back = json!({"client_authentication_methods": null, "token_endpoint_auth_method": "client_secret_post"});
    good(&admin(&world).patch(&format!("/api/v2/clients/{}", machine.id), back).await, 200);
    assert_eq!(world.nobody().post("/oauth/token", body).await.status, 200);
    assert_eq!(
        token(&world, &machine.assertion(&world, "b"), json!({})).await,
        "401 invalid_client: Client does not exist or does not use private_key_jwt"
    );
    drop(world.logs().await);
}

#[tokio::test]
async fn a_credential_works_while_it_is_attached_and_until_it_ends() {
    let world = World::new().await;
    let admin = admin(&world);
    let machine = Machine::new(&world, "RS256").await;
    let (path, own) = (format!("/api/v2/clients/{}", machine.id), format!("/credentials/{}", machine.credential));
    let ends = ringpass_core::kit::clock::rfc3339(world.clock.now() + MINUTE);
    good(&admin.patch(&format!("{path}{own}"), json!({"expires_at": ends})).await, 200);
    assert_eq!(token(&world, &machine.assertion(&world, "1"), json!({})).await, "200");
    world.clock.advance(MINUTE);
    let refused = token(&world, &machine.assertion(&world, "2"), json!({})).await;
    assert_eq!(refused, "401 invalid_client: The credential has expired");
    // Its successor is attached beside it, then in its place.
    let next = Pair::rsa();
    let body = json!({"credential_type": "public_key", "pem": next.pem()});
    let made = good(&admin.post(&format!("{path}/credentials"), body).await, 201);
    let sign = |jti: &str| next.sign("RS256", &json!({"alg": "RS256"}), &machine.claims(&world, jti));
    let unattached = token(&world, &sign("3"), json!({})).await;
    assert_eq!(unattached, "401 invalid_client: The credential has expired");
    let attach = |ids: &[&Value]| {
        let ids: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        json!({"client_authentication_methods": {"private_key_jwt": {"credentials": ids}}})
    };
    good(&admin.patch(&path, attach(&[&json!(machine.credential), &made["id"]])).await, 200);
    assert_eq!(token(&world, &sign("4"), json!({})).await, "200");
    good(&admin.patch(&format!("{path}{own}"), json!({"expires_at": null})).await, 200);
    assert_eq!(token(&world, &machine.assertion(&world, "5"), json!({})).await, "200");
    good(&admin.patch(&path, attach(&[&made["id"]])).await, 200);
    let detached = token(&world, &machine.assertion(&world, "6"), json!({})).await;
    assert_eq!(detached, "401 invalid_client: No credential of the client has the 'alg' and 'kid' of client_assertion");
    assert_eq!(token(&world, &sign("7"), json!({})).await, "200");
    drop(world.logs().await);
}

#[tokio::test]
async fn of_fifty_callers_with_one_assertion_on_two_nodes_one_passes() {
    let world = World::new().await;
    let machine = Machine::new(&world, "ES256").await;
    let twin = world.twin().await;
    let assertion = machine.assertion(&world, "once");
    let (one, two) = (&world, &twin);
    let body =
        json!({"grant_type": MACHINE, "audience": API, "client_assertion_type": TYPE, "client_assertion": assertion});
    let callers = (0..50).map(|number| {
        let caller = if number % 2 == 0 { one.nobody() } else { two.nobody() };
        let body = body.clone();
        async move { caller.post("/oauth/token", body).await }
    });
    let mut answers = Vec::new();
    for answer in futures_at_once(callers).await {
        answers.push(if answer.status == 200 { "200".to_owned() } else { refusal(&answer) });
    }
    answers.sort_unstable();
    assert_eq!((answers[0].as_str(), answers.len()), ("200", 50));
    assert!(
        answers[1..].iter().all(|said| said == "401 invalid_client: 'jti' claim has been used before"),
        "{answers:?}"
    );
    let events = world.logs().await;
    let (good, refused): (Vec<_>, Vec<_>) = events.0.iter().partition(|event| event["type"] == "seccft");
    assert!(good.len() == 1 && !refused.is_empty(), "{events}");
    for event in refused {
        assert_eq!((&event["type"], &event["client_id"]), (&json!("feccft"), &json!(machine.id)));
        assert_eq!(event["description"], "'jti' claim has been used before");
    }
    // It is remembered for as long as any node might take it, and no longer.
    world.clock.advance(MINUTE);
    ringpass::worker::prune(&world.app).await.unwrap();
    assert_eq!(used(&world).await, 1);
    world.clock.advance(DAY);
    ringpass::worker::prune(&world.app).await.unwrap();
    assert_eq!(used(&world).await, 0);
    let stale = token(&world, &assertion, json!({})).await;
    assert_eq!(stale, "401 invalid_client: 'exp' claim is in the past");
    drop(world.logs().await);
}

/// How many assertions are remembered.
async fn used(world: &World) -> i64 {
    let count = |tx: &mut ringpass_core::storage::Tx<'_>| {
        tx.query_one("SELECT COUNT(*) FROM used_assertions", &[])?.unwrap().int(0)
    };
    world.app.db.read("test.used", count).await.unwrap()
}

/// Runs all of them at once; their answers in order.
async fn futures_at_once<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, answer) in &mut running {
            if answer.is_none()
                && let std::task::Poll::Ready(done) = one.as_mut().poll(context)
            {
                *answer = Some(done);
            }
        }
        if running.iter().all(|(_, answer)| answer.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    running.into_iter().map(|(_, answer)| answer.unwrap()).collect()
}

#[tokio::test]
async fn a_start_and_an_exchange_of_a_code_take_assertions_too() {
    let world = World::new().await;
    let machine = Machine::new(&world, "PS256").await;
    world.client(&machine.id, json!({"is_token_endpoint_ip_header_trusted": true})).await;
    world.enable("sms", &[NATIVE, WEB.0, &machine.id]).await;
    let proof = |jti: &str| json!({"client_assertion_type": TYPE, "client_assertion": machine.assertion(&world, jti)});
    let with = |mut body: Value, proof: Value| {
        body.as_object_mut().unwrap().extend(proof.as_object().unwrap().clone());
        body
    };
    let start = json!({"connection": "sms", "phone_number": PHONE});
    let caller = world.nobody().header("auth0-forwarded-for", "198.51.100.9");
    let started = caller.post("/passwordless/start", with(start.clone(), proof("1"))).await;
    assert_eq!(started.status, 200, "{started}");
    let event = world.logs().await;
    assert_eq!((event.kinds(), &event.0[0]["ip"]), (vec!["cs".to_owned()], &json!("198.51.100.9")));
    let code = world.gateway.next().await.code().unwrap();
    let again = caller.post("/passwordless/start", with(start.clone(), proof("1"))).await;
    assert_eq!(refusal(&again), "401 invalid_client: 'jti' claim has been used before");
    let unproven = json!({"client_id": machine.id, "connection": "sms", "phone_number": PHONE});
    let refused = caller.post("/passwordless/start", unproven).await;
    assert_eq!(refusal(&refused), "401 unauthorized_client: Client authentication is required.");
    let secret = with(start, json!({"client_id": machine.id, "client_secret": "whatever-it-may-be"}));
    assert_eq!(refusal(&caller.post("/passwordless/start", secret).await), "401 access_denied: Unauthorized");
    let failures = world.logs().await;
    assert_eq!(failures.kinds(), ["f", "f", "f"]);
    // Nobody has proven anything there: the address is the peer's.
    assert!(failures.0.iter().all(|event| event["ip"] == PEER), "{failures}");
    assert!(!failures.to_string().contains(&machine.assertion(&world, "1")[..100]));
    let exchange = json!({"grant_type": OTP, "realm": "sms", "username": PHONE, "otp": code, "scope": "openid"});
    let answer = caller.post("/oauth/token", with(exchange, proof("2"))).await;
    assert_eq!(answer.status, 200, "{answer}");
    let events = world.logs().await;
    assert_eq!(events.kinds(), ["ss", "s"]);
    assert!(events.0.iter().all(|event| event["ip"] == "198.51.100.9"), "{events}");
    assert_eq!(
        said(&admin(&world).get("/api/v2/clients/none/credentials").await),
        "404 inexistent_client: The client does not exist"
    );
}
