//! The development doors: a try-it page, an inbox, and an SMS gateway, a Twilio and a mail server before it. Only `ringpass dev` mounts them; they
//! hand out codes to whoever can reach them.

mod calls;
mod gateway;
mod guard;
mod inbox;
mod messages;
pub mod pages;
mod phone;
pub mod post;
mod samples;
mod try_it;
mod twilio;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use ringpass_core::kit::clock::Clock;
use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;
use url::Url;

use self::calls::Calls;
pub use self::messages::{Channel, Content, Message, Messages};

/// What the development doors share.
#[derive(Debug)]
pub struct Dev {
    /// Everything that was sent, newest 1,000.
    pub messages: Messages,
    /// Who the server is and what was seeded.
    pub settings: Settings,
    clock: Clock,
    rng: Rng,
    calls: Calls,
}

/// Who the server is and what was seeded into it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Origin that clients use, without a slash at the end.
    pub public_url: String,
    /// Origin of the plain HTTP listener, without a slash at the end; the try-it page calls the server here.
    pub http_url: String,
    /// Names that the doors answer to besides the loopback ones and the host of `public_url`.
    pub extra_hosts: Vec<String>,
    /// The client that the try-it page signs in with.
    pub web: WebClient,
    /// `client_id` of the seeded single-page application.
    pub spa_client_id: String,
    /// `client_id` of the seeded native application.
    pub native_client_id: String,
    /// Identifier of the seeded API.
    pub api_audience: String,
    /// What the built-in gateway demands of its callers.
    pub gateway: GatewayCheck,
}

/// Credentials of the seeded regular web application.
#[derive(Debug, Clone)]
pub struct WebClient {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`, sent in the body (`client_secret_post`).
    pub client_secret: Secret,
}

/// What a token must carry to be let in by the built-in gateway; the seeded connection's `gateway_authentication`.
#[derive(Debug, Clone)]
pub struct GatewayCheck {
    /// HMAC key, used as the bytes of its text.
    pub secret: Secret,
    /// Expected `aud`.
    pub audience: String,
    /// Expected `sub`.
    pub subject: String,
}

impl Dev {
    /// Development doors with an empty inbox.
    pub fn new(settings: Settings, clock: Clock, rng: Rng) -> Self {
        let calls = Calls::new(&settings.http_url);
        Self { messages: Messages::default(), settings, clock, rng, calls }
    }

    /// Puts a message into the inbox, as every sender of `ringpass dev` does.
    pub fn receive(&self, content: Content) {
        self.messages.add(Message { id: ids::object(&self.rng), at: self.clock.now(), content });
    }
}

impl Settings {
    /// The issuer: the public origin and a slash.
    pub fn issuer(&self) -> String {
        format!("{}/", self.public_url)
    }

    /// The public origin's host and port, as SDKs want their `domain`.
    pub fn domain(&self) -> &str {
        self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, rest)| rest)
    }

    /// Whether the doors answer to this host name (no port). Anything else is a stranger's name that was pointed at us.
    pub fn answers_to(&self, host: &str) -> bool {
        let public = Url::parse(&self.public_url).ok();
        let public = public.as_ref().and_then(Url::host_str);
        let extra = self.extra_hosts.iter().map(String::as_str);
        LOOPBACK.into_iter().chain(public).chain(extra).any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// The development doors as a router that needs nothing else; merge it into the server's.
pub fn router(dev: Arc<Dev>) -> Router {
    Router::new()
        .route("/", get(try_it::show))
        .route("/dev/try", get(try_it::restart).post(try_it::act))
        .route("/dev/hosted", get(try_it::leave))
        .route("/dev/inbox", get(inbox::show))
        .route("/dev/messages", get(messages::list))
        .route("/dev/gateway", post(gateway::accept))
        .route("/dev/post", post(post::accept).layer(DefaultBodyLimit::max(MAIL_LIMIT)))
        .route("/dev/twilio/2010-04-01/Accounts/{sid}/Messages.json", post(twilio::message))
        .route("/dev/twilio/2010-04-01/Accounts/{sid}/Calls.json", post(twilio::call))
        .route("/dev/style.css", get(pages::style))
        .route("/dev/script.js", get(pages::script))
        .route("/dev/icon.svg", get(pages::icon))
        .route_layer(from_fn_with_state(Arc::clone(&dev), guard::known_host))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(dev)
}

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const BODY_LIMIT: usize = 64 * 1024;
const MAIL_LIMIT: usize = 1024 * 1024;
