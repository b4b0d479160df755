//! One isolated server per test: a database of its own, a clock that stands still, a seeded source of randomness, given
//! signing keys, and a scripted gateway on loopback. Requests go to the doors in this process, without a socket.
//!
//! A test looks at everything it causes: a [`World`] that is dropped with a message or a log event that nobody looked at
//! fails. With `RINGPASS_TEST_POSTGRES` set to a URL, every world has a schema of its own there.

mod answer;
mod browser;
mod caller;
pub(crate) mod mfa;
mod place;
mod seed;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use ringpass::app::App;
use ringpass::config::{
    Admin, Config, Database, DatabaseUrl, Http, Limits, LogFormat, OutboundSettings, Secrets, TwilioTimes,
};
use ringpass::setup;
use ringpass_core::kit::clock::Clock;
use ringpass_core::kit::jwt::{Alg, Parsed};
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::{MasterKeys, Secret};
use ringpass_core::model::signing_key::{SigningKey, State};
use ringpass_core::storage::{Db, DbError, Settings, Tx, Url, logs};
use ringpass_simulator::Gateway;
use serde_json::{Map, Value, json};

pub(crate) use answer::{Answer, Lines, Logs};
pub(crate) use browser::Browser;
pub(crate) use caller::Caller;
pub(crate) use mfa::{DATABASE, REALM};
use place::Place;

/// 2026-01-02T03:04:05.678Z.
pub(crate) const NOW: i64 = 1_767_323_045_678;
/// The public address of every world, as `iss` says it.
pub(crate) const ISSUER: &str = "https://tenant.example/";
/// Audience of the Management API.
pub(crate) const MANAGEMENT: &str = "https://tenant.example/api/v2/";
/// The API that every world has.
pub(crate) const API: &str = "https://api.example/";
/// Grant type of the passwordless exchange.
pub(crate) const OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
/// Id of the public client.
pub(crate) const NATIVE: &str = "cli_native";
/// Id and secret of the confidential client.
pub(crate) const WEB: (&str, &str) = ("cli_web", "web-secret-of-the-tests");
/// Id and secret of the administrator's client.
pub(crate) const ADMIN: (&str, &str) = ("cli_admin", "admin-secret-of-the-tests");
/// A number that most tests use.
pub(crate) const PHONE: &str = "+4915112345678";
/// The address that callers come from unless they say otherwise.
pub(crate) const PEER: &str = "203.0.113.7";
/// Secret of the gateway's tokens.
pub(crate) const GATEWAY_SECRET: &str = "gateway-secret-of-the-tests";

/// A server and everything around it.
pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) gateway: Arc<Gateway>,
    router: Router,
    seen: Arc<Mutex<HashSet<String>>>,
    place: Arc<Place>,
}

/// What a world may have of its own.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) gateway_timeout: Duration,
    pub(crate) twilio_base_url: String,
    pub(crate) twilio: TwilioTimes,
    pub(crate) allow_networks: &'static str,
    pub(crate) trusted_proxies: &'static str,
    pub(crate) redact_provider_secrets: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            gateway_timeout: Duration::from_secs(10),
            twilio_base_url: "https://twilio.example/".to_owned(),
            twilio: TwilioTimes::default(),
            allow_networks: "127.0.0.0/8",
            trusted_proxies: "",
            redact_provider_secrets: false,
        }
    }
}

impl World {
    /// A fresh tenant with a native client, a web client, an API, and an `sms` connection to the gateway.
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let world = Self::bare(options).await;
        seed::fill(&world).await;
        world
    }

    /// A fresh tenant and nothing else.
    pub(crate) async fn bare(options: Options) -> Self {
        let place = Place::new().await;
        let (clock, rng) = (Clock::fixed(NOW), Rng::seeded(1));
        let config = config(&place, &options);
        let db = Db::open(Settings {
            url: match &config.database.url {
                DatabaseUrl::Sqlite(path) => Url::Sqlite(path.clone()),
                DatabaseUrl::Postgres(url) => Url::Postgres(url.clone()),
            },
            queue: config.database.queue,
            connections: 2,
            durable: false,
            keys: Arc::new(MasterKeys::parse(config.secrets.master_keys.expose()).unwrap()),
        });
        let db = db.await.unwrap();
        let app = setup::app_with_keys(config, db, clock.clone(), rng.clone(), keys).await.unwrap();
        let gateway = Arc::new(Gateway::start().await.unwrap());
        let router = ringpass::web::public(Arc::clone(&app));
        Self { app, clock, rng, gateway, router, seen: Arc::default(), place: Arc::new(place) }
    }

    /// Another node: the same database, gateway and clock, a memory of its own.
    pub(crate) async fn twin(&self) -> Self {
        let (config, db) = (self.app.config.clone(), self.app.db.clone());
        let app = setup::app_with_keys(config, db, self.clock.clone(), self.rng.clone(), keys).await.unwrap();
        Self {
            router: ringpass::web::public(Arc::clone(&app)),
            app,
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            gateway: Arc::clone(&self.gateway),
            seen: Arc::clone(&self.seen),
            place: Arc::clone(&self.place),
        }
    }

    /// Someone without credentials.
    pub(crate) fn nobody(&self) -> Caller<'_> {
        Caller::new(self)
    }

    /// The public native client.
    pub(crate) fn anon(&self) -> Caller<'_> {
        self.nobody().member("client_id", NATIVE)
    }

    /// The confidential web client.
    pub(crate) fn web(&self) -> Caller<'_> {
        self.nobody().member("client_id", WEB.0).member("client_secret", WEB.1)
    }

    /// A caller of the Management API whose token has these scopes.
    pub(crate) fn api(&self, scope: &str) -> Caller<'_> {
        let now = self.clock.now() / 1_000;
        let claims = json!({
            "iss": ISSUER, "sub": format!("{}@clients", ADMIN.0), "aud": MANAGEMENT, "iat": now, "exp": now + 86_400,
            "scope": scope, "gty": "client-credentials", "azp": ADMIN.0
        });
        self.nobody().bearer(&self.app.snapshot().keys.current.sign(Alg::Rs256, "JWT", &claims).unwrap())
    }

    /// The tenant-log events that were written since the last look, in order.
    pub(crate) async fn logs(&self) -> Logs {
        let all = self.app.db.read("test.logs", every_event).await.unwrap();
        let mut seen = self.seen.lock().unwrap();
        Logs(all.into_iter().filter(|event| seen.insert(event["log_id"].as_str().unwrap().to_owned())).collect())
    }

    /// A token's header and claims, once its signature by the current key (or this secret, for HS256) is proven.
    pub(crate) fn read_token(&self, token: &str, secret: &str) -> Value {
        let parsed = Parsed::new(token).unwrap_or_else(|| panic!("no JWT: {token}"));
        let proven = match Alg::parse(parsed.alg()).expect("a known algorithm") {
            Alg::Hs256 => parsed.verifies_hs256(secret.as_bytes()),
            alg => self.app.snapshot().keys.current.verifies(alg, &parsed),
        };
        assert!(proven, "the signature of {token} is wrong");
        let header: Value = serde_json::from_slice(&base64url(token.split('.').next().unwrap())).unwrap();
        json!({"header": header, "claims": parsed.claims()})
    }

    /// The answer of the token endpoint with every JWT in it read, and the secret for those under HS256.
    pub(crate) fn tokens(&self, answer: &Answer, secret: &str) -> String {
        let mut body = answer.json();
        for name in ["access_token", "id_token"] {
            if let Some(token) = body.get(name).and_then(Value::as_str).filter(|token| token.contains('.')) {
                body[name] = self.read_token(token, secret);
            }
        }
        format!("{}\n{body:#}\n", answer.status)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let db = self.app.db.clone();
        let looked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(db.read("test.logs", every_event))
        });
        let events = looked.join();
        if std::thread::panicking() {
            return;
        }
        let messages = self.gateway.take();
        assert!(messages.is_empty(), "nobody looked at these messages: {messages:#?}");
        let seen = self.seen.lock().unwrap();
        let mut events = events.unwrap().unwrap();
        events.retain(|event| !seen.contains(event["log_id"].as_str().unwrap()));
        assert!(events.is_empty(), "nobody looked at these log events:\n{}", Logs(events));
    }
}

/// The tenant log from its beginning.
fn every_event(tx: &mut Tx<'_>) -> Result<Vec<Map<String, Value>>, DbError> {
    logs::oldest_first(tx, None, ("", ":"), 10_000)?.iter().map(logs::Found::event).collect()
}

fn config(place: &Place, options: &Options) -> Config {
    let networks = |list: &str| list.split(',').filter(|one| !one.is_empty()).map(|one| one.parse().unwrap()).collect();
    Config {
        http: Http {
            public_url: ISSUER.parse().unwrap(),
            plain: None,
            tls: None,
            ops: None,
            trusted_proxies: networks(options.trusted_proxies),
        },
        database: Database { url: place.url(), queue: 1_024, connections: 2, readers: 2 },
        secrets: Secrets {
            master_keys: Secret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
            admin: Some(Admin { client_id: ADMIN.0.to_owned(), client_secret: Secret::new(ADMIN.1) }),
            redact_provider: options.redact_provider_secrets,
        },
        limits: options.limits.clone(),
        outbound: OutboundSettings {
            allow_networks: networks(options.allow_networks),
            gateway_timeout: options.gateway_timeout,
            twilio_base_url: options.twilio_base_url.parse().unwrap(),
            twilio: options.twilio,
            user_agent: "Auth0".to_owned(),
        },
        logs: LogFormat::Human,
        log_filter: "off".to_owned(),
        dev: false,
        data: place.folder(),
    }
}

/// The signing keys of every world.
fn keys(tenant: &str, _: &Rng, now: i64) -> Option<[SigningKey; 2]> {
    let key = |der: &[u8], kid: &str, state| SigningKey::from_pkcs8(der, kid.to_owned(), state, tenant, now);
    Some([
        key(include_bytes!("fixtures/current.pk8"), "current-key-of-tests0", State::Current)?,
        key(include_bytes!("fixtures/next.pk8"), "next-key-of-the-tests", State::Next)?,
    ])
}

/// The address that a request comes from.
fn peer(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 40_000)
}

/// The bytes behind unpadded base64url text.
pub(crate) fn base64url(text: &str) -> Vec<u8> {
    ringpass_core::kit::hash::from_base64url(text).unwrap()
}

/// Polls all of them together.
pub(crate) async fn join_all<F: Future + Unpin>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<F> = futures.collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| match std::pin::Pin::new(future).poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
