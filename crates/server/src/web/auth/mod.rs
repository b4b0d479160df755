//! The Authentication API: its routes, and what every answer of it carries (`docs/COMPATIBILITY.md` C105-C126).

use std::sync::Arc;

use axum::extract::Request;
use http::{HeaderName, Method, StatusCode, header};
use ringpass_core::kit::clock::SECOND;

use self::error::{AuthError, with_window};
use super::{Call, Family, Handler, Reply, Route, Unreadable};
use crate::app::App;
use crate::flows::limits::Window;

mod body;
pub mod client;
mod cross_origin;
mod dbconnections;
pub mod error;
pub mod mfa;
mod par;
mod passwordless;
mod refusal;
mod revoke;
mod token;
mod userinfo;
mod verify;
mod well_known;

/// The family of doors at the root of the host.
#[derive(Debug, Clone, Copy)]
pub struct Auth;

macro_rules! route {
    ($method:literal, $path:literal, $handler:path) => {
        Route { method: $method, path: $path, scopes: &[], handler: |app, call| Box::pin($handler(app, call)) }
    };
}

impl Family for Auth {
    type Handler = Handler<AuthError>;

    const NAME: &'static str = "auth";
    const PREFIX: &'static str = "";
    const BODY_LIMIT: usize = 64 * 1024;
    const ROUTES: &'static [Route<Handler<AuthError>>] = &[
        route!("POST", "/passwordless/start", passwordless::start),
        route!("OPTIONS", "/passwordless/start", preflight),
        route!("POST", "/passwordless/verify", verify::verify),
        route!("OPTIONS", "/passwordless/verify", preflight),
        route!("POST", "/oauth/token", token::exchange),
        route!("OPTIONS", "/oauth/token", preflight),
        route!("POST", "/oauth/revoke", revoke::revoke),
        route!("OPTIONS", "/oauth/revoke", preflight),
        route!("POST", "/oauth/par", par::push),
        route!("POST", "/dbconnections/signup", dbconnections::sign_up),
        route!("OPTIONS", "/dbconnections/signup", preflight),
        route!("POST", "/dbconnections/change_password", dbconnections::change_password),
        route!("OPTIONS", "/dbconnections/change_password", preflight),
        route!("POST", "/co/authenticate", cross_origin::authenticate),
        route!("OPTIONS", "/co/authenticate", preflight),
        route!("POST", "/mfa/associate", mfa::associate::associate),
        route!("OPTIONS", "/mfa/associate", preflight),
        route!("POST", "/mfa/challenge", mfa::challenge::challenge),
        route!("OPTIONS", "/mfa/challenge", preflight),
        route!("GET", "/mfa/authenticators", mfa::authenticators::list),
        route!("OPTIONS", "/mfa/authenticators", preflight),
        route!("DELETE", "/mfa/authenticators/{id}", mfa::authenticators::remove),
        route!("OPTIONS", "/mfa/authenticators/{id}", preflight),
        route!("GET", "/userinfo", userinfo::show),
        route!("POST", "/userinfo", userinfo::show),
        route!("OPTIONS", "/userinfo", preflight),
        route!("GET", "/.well-known/openid-configuration", well_known::discovery),
        route!("GET", "/.well-known/oauth-authorization-server", well_known::discovery),
        route!("GET", "/.well-known/jwks.json", well_known::jwks),
    ];

    async fn serve(app: Arc<App>, route: &'static Route<Handler<AuthError>>, call: Call) -> Reply {
        let origin = call.header(header::ORIGIN.as_str()).map(str::to_owned);
        let reply = (route.handler)(Arc::clone(&app), call).await.unwrap_or_else(|error| error.reply());
        finish(&app, route, origin.as_deref(), reply)
    }

    fn unreadable(
        app: &App,
        route: &'static Route<Handler<AuthError>>,
        origin: Option<&str>,
        why: Unreadable,
    ) -> Reply {
        let error = match why {
            Unreadable::TooLong(_) => AuthError::TooLong,
            Unreadable::Broken if route.path == "/passwordless/start" => AuthError::BadBody,
            Unreadable::Broken => AuthError::BadOauthBody,
            Unreadable::Path => AuthError::NotFound,
            Unreadable::Panicked => AuthError::Server,
        };
        finish(app, route, origin, error.reply())
    }
}

/// The answer to a known path asked with another method.
pub fn method_not_allowed(app: &App, request: &Request) -> Reply {
    unrouted(app, request, &AuthError::MethodNotAllowed)
}

/// The answer to a path that no family knows.
pub fn not_found(app: &App, request: &Request) -> Reply {
    unrouted(app, request, &AuthError::NotFound)
}

/// A page must be able to read this answer as well.
fn unrouted(app: &App, request: &Request, error: &AuthError) -> Reply {
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    with_origin(app, request.uri().path(), origin, with_default_window(app, error.reply()))
}

/// Headers that every answer carries: rate limits, CORS, and at the token endpoint the plain content type.
fn finish(app: &App, route: &Route<Handler<AuthError>>, origin: Option<&str>, reply: Reply) -> Reply {
    let mut reply = with_default_window(app, reply);
    if route.path == "/oauth/token" && route.method == "POST" {
        reply = reply
            .with(header::CONTENT_TYPE, "application/json")
            .with(header::CACHE_CONTROL, "no-store")
            .with(header::PRAGMA, "no-cache");
    }
    with_origin(app, route.path, origin, reply)
}

/// Whose pages may read the answer (C121, C124, C125).
fn with_origin(app: &App, path: &str, origin: Option<&str>, reply: Reply) -> Reply {
    if path.starts_with("/.well-known/") {
        return reply.with(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    let reply = reply.with(header::VARY, "Origin");
    let (snapshot, with_cookies) = (app.snapshot(), path == "/co/authenticate");
    let allows =
        |origin: &&str| if with_cookies { snapshot.allows_web_origin(origin) } else { snapshot.allows_origin(origin) };
    let reply = match origin.filter(allows) {
        Some(_) if with_cookies => reply.with(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        _ => reply,
    };
    match origin.filter(allows) {
        Some(origin) => reply.with(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin).with(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After",
        ),
        None => reply,
    }
}

/// Where no bucket is enforced the headers show one that is never empty (C117).
fn with_default_window(app: &App, reply: Reply) -> Reply {
    if reply.headers.contains_key("x-ratelimit-limit") {
        return reply;
    }
    with_window(reply, Window { limit: 100, remaining: 99, reset_at: app.clock.now() + SECOND })
}

/// A browser asks before it calls. The origin header is added to the answer only when some client lists it.
async fn preflight(_app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    if call.method != Method::OPTIONS {
        return Err(AuthError::MethodNotAllowed);
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT)
        .with(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE")
        .with(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, Authorization, Auth0-Client, X-Request-Language, DPoP",
        )
        .with(HeaderName::from_static("access-control-max-age"), "600"))
}
