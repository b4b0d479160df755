//! `POST /dev/post`: where mails and texts of `ringpass dev` go while nothing else carries them: the tenant has no e-mail
//! provider, or its texts are the built-in sender's. It puts them into the inbox.

use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use ringpass_core::kit::secret::Secret;
use serde::Deserialize;
use serde_json::json;

use super::{Channel, Content, Dev};
use crate::web::Reply;

#[derive(Deserialize)]
struct Posted {
    channel: Channel,
    recipient: String,
    sender: Option<String>,
    subject: Option<String>,
    body: String,
}

/// What a caller must send as its `Authorization`.
pub fn authorization(gateway_secret: &str) -> Secret {
    Secret::new(format!("Bearer {gateway_secret}"))
}

/// 200 and a message in the inbox; 401 to a stranger, 400 when the body is no message.
pub(super) async fn accept(State(dev): State<Arc<Dev>>, headers: HeaderMap, body: Bytes) -> Reply {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !authorization(dev.settings.gateway.secret.expose()).matches(sent) {
        return Reply::json(StatusCode::UNAUTHORIZED, &json!({"accepted": false}));
    }
    let Ok(Posted { channel, recipient, sender, subject, body }) = serde_json::from_slice(&body) else {
        return Reply::json(StatusCode::BAD_REQUEST, &json!({"accepted": false}));
    };
    let provider = "inbox".to_owned();
    dev.receive(Content { channel, recipient, sender, subject, body, provider, authorization: None });
    Reply::json(StatusCode::OK, &json!({"accepted": true}))
}
