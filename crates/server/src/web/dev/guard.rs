//! Who may reach the development doors: requests under one of the server's own names (so that no web site can point its
//! name at them and read codes), and forms sent by the server's own pages.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, header};

use super::Dev;
use crate::web::Reply;

/// 421 to a request for a host that is not ours.
pub(super) async fn known_host(State(dev): State<Arc<Dev>>, request: Request, next: Next) -> Response {
    let host = authority(request.uri(), request.headers());
    if host.is_some_and(|host| dev.settings.answers_to(host.host())) {
        return next.run(request).await;
    }
    let why = "The development pages answer only on localhost, 127.0.0.1, [::1] and the host of the public URL.\n";
    Reply::bytes(StatusCode::MISDIRECTED_REQUEST, "text/plain; charset=utf-8", why).into_response()
}

/// Whether a form may have been sent by one of our own pages, or by no web page at all. Browsers say where a form comes
/// from in `Sec-Fetch-Site`, and older or plain-HTTP ones in `Origin`.
pub(super) fn is_own_form(uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let from = origin.split_once("://").and_then(|(_, rest)| rest.parse::<Authority>().ok());
    from.is_some() && from == authority(uri, headers)
}

/// Where the request was sent: `:authority` of HTTP/2 or an absolute target, else `Host`.
fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    uri.authority().cloned().or_else(|| headers.get(header::HOST)?.to_str().ok()?.parse().ok())
}
