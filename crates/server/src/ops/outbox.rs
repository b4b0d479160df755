//! `GET /outbox`: what the built-in sender of second factors took, codes and all (`docs/COMPATIBILITY.md` C1735-C1738).

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::uri::Authority;
use http::{HeaderMap, StatusCode, header};
use ringpass_core::kit::clock::rfc3339;
use ringpass_core::storage::Tx;
use ringpass_core::storage::outbox::{self, Kept};
use serde_json::{Value, json};

use crate::app::App;
use crate::web::Reply;

/// The route; merge it into the operator's.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/outbox", get(show)).with_state(app)
}

/// How many messages there ever were and may be, and the newest of the last week.
async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Reply {
    if !is_inner(&headers) {
        let why = "The outbox answers under an address, localhost, or a name without dots.\n";
        return Reply::bytes(StatusCode::MISDIRECTED_REQUEST, "text/plain; charset=utf-8", why);
    }
    let read = |tx: &mut Tx<'_>| Ok((outbox::sent_by_built_in(tx)?, outbox::list(tx, SHOWN)?));
    match app.db.read("ops.outbox", read).await {
        Ok((sent, messages)) => {
            let messages: Vec<Value> = messages.iter().map(view).collect();
            let body = json!({ "sent": sent, "limit": app.config.limits.built_in_messages, "messages": messages });
            Reply::json(StatusCode::OK, &body).with(header::CACHE_CONTROL, "no-store")
        }
        Err(error) => {
            tracing::error!(%error, "the outbox could not be read");
            Reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "unavailable" }))
        }
    }
}

fn view(message: &Kept) -> Value {
    json!({
        "id": message.id, "created_at": rfc3339(message.created_at), "channel": message.channel,
        "recipient": message.recipient.expose(), "text": message.text.expose(),
    })
}

/// Whether the request names this listener as only someone inside would. A web site can point a name of its own at an
/// inner address and have a browser there read for it, but that name has a dot.
fn is_inner(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_ok() || !name.is_empty() && !name.contains('.')
}

const SHOWN: i64 = 100;
