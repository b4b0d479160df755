//! What every call of the Management API has in common: token, scope, the event of a refused write, headers
//! (`docs/COMPATIBILITY.md` C126, C605-C613, C637, C638).

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderName, Method, StatusCode, header};
use ringpass_core::model::schema::Invalid;

use super::{ApiError, Audit, Door, Request, Token};
use crate::app::App;
use crate::web::request_id::RequestId;
use crate::web::{Call, Reply, Route};

/// Serves a call of a row.
pub async fn serve(app: Arc<App>, route: &'static Route<Door>, call: Call) -> Reply {
    let origin = allowed_origin(&app, &call.headers);
    let reply = match Token::of(&app, &call).await {
        Ok(token) => run(&app, route, Request { call, token, wanted: route.scopes, title: route.handler.title }).await,
        Err(error) => error.reply(),
    };
    finish(&app, reply, origin.as_deref())
}

/// Answers a preflight, and 404 to everything else (C126, C613).
pub async fn fallback(State(app): State<Arc<App>>, request: axum::extract::Request) -> Reply {
    let id = RequestId::of(&app, request.headers(), request.extensions());
    id.sign(elsewhere(&app, &request))
}

fn elsewhere(app: &App, request: &axum::extract::Request) -> Reply {
    let origin = allowed_origin(app, request.headers());
    if request.method() == Method::OPTIONS {
        let reply = Reply::empty(StatusCode::NO_CONTENT);
        let reply = match origin {
            Some(_) => reply
                .with(header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,PUT,PATCH,DELETE")
                .with(header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization,Content-Type,Auth0-Client")
                .with(header::ACCESS_CONTROL_MAX_AGE, "600"),
            None => reply,
        };
        return finish(app, reply, origin.as_deref());
    }
    finish(app, ApiError::NotFound.reply(), origin.as_deref())
}

/// Runs a row whose token is good: scope, handler, and the log event of a refused write.
async fn run(app: &Arc<App>, route: &'static Route<Door>, request: Request) -> Reply {
    let audit = (!request.title.is_empty()).then(|| Audit::of(app, &request));
    let outcome = if !request.token.permits(route.scopes) {
        Err(ApiError::InsufficientScope(route.scopes))
    } else if request.call.query.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
        Err(Invalid::query("The character U+0000 is not allowed", "", "").into())
    } else {
        (route.handler.run)(Arc::clone(app), request).await
    };
    let error = match outcome {
        Ok(reply) => return reply,
        Err(error) => error,
    };
    let reply = error.reply();
    match (&error, audit) {
        (ApiError::Database(cause), _) => {
            tracing::error!(error = %cause, method = route.method, path = route.path, "a request failed on the database");
        }
        (_, Some(audit)) => audit.refusal(app, &error, &reply).await,
        (_, None) => {}
    }
    reply
}

fn allowed_origin(app: &App, headers: &http::HeaderMap) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    app.snapshot().lists_origin(origin).then(|| origin.to_owned())
}

/// Adds the headers of every answer (C126, C637, C638).
pub fn finish(app: &App, reply: Reply, origin: Option<&str>) -> Reply {
    let reset = app.clock.now().div_euclid(1_000) + 1;
    let reply = reply
        .with(HeaderName::from_static("x-ratelimit-limit"), "50")
        .with(HeaderName::from_static("x-ratelimit-remaining"), "49")
        .with(HeaderName::from_static("x-ratelimit-reset"), &reset.to_string())
        .with(header::CACHE_CONTROL, "private, no-store, no-cache, must-revalidate")
        .with(header::VARY, "origin");
    match origin {
        Some(origin) => reply
            .with(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            .with(header::ACCESS_CONTROL_EXPOSE_HEADERS, "X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset"),
        None => reply,
    }
}
