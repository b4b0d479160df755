//! `POST /dev/twilio/2010-04-01/Accounts/{sid}/Messages.json` and `Calls.json`: a Twilio that delivers into the inbox. The
//! server sends here when `RINGPASS_TWILIO_BASE_URL` says so; every account exists, with whatever token.

use std::sync::Arc;

use axum::extract::{Path, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use ringpass_core::kit::hash;
use ringpass_core::model::plain_text;
use serde_json::{Value, json};

use super::{Channel, Content, Dev};
use crate::web::Reply;

/// 201 and a text in the inbox; Twilio's own refusals without credentials for the account, or with a field missing.
pub(super) async fn message(
    State(dev): State<Arc<Dev>>,
    Path(sid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    if !is_account(&sid, &headers) {
        return stranger();
    }
    let (from, service) = (field(&body, "From"), field(&body, "MessagingServiceSid"));
    let Some(to) = field(&body, "To") else { return missing(21604, "A 'To' phone number is required.") };
    let Some(text) = field(&body, "Body") else { return missing(21602, "Message body is required.") };
    let Some(sender) = service.clone().or_else(|| from.clone()) else {
        return missing(21603, "A 'From' phone number is required.");
    };
    let answer = json!({
        "sid": format!("SM{}", dev.rng.hex(32)), "account_sid": sid, "status": if service.is_some() { "accepted" } else { "queued" },
        "to": to, "from": from, "messaging_service_sid": service, "body": text, "num_segments": "1",
        "error_code": Value::Null, "error_message": Value::Null,
    });
    receive(&dev, Channel::Sms, (to, sender), text);
    Reply::json(StatusCode::CREATED, &answer)
}

/// 201 and a call in the inbox: what it would say, with an ellipsis for every second of silence.
pub(super) async fn call(
    State(dev): State<Arc<Dev>>,
    Path(sid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    if !is_account(&sid, &headers) {
        return stranger();
    }
    let Some(to) = field(&body, "To") else { return missing(21201, "No 'To' number is specified") };
    let Some(from) = field(&body, "From") else { return missing(21213, "'From' phone number is required") };
    let Some(speech) = field(&body, "Twiml") else { return missing(21205, "Url or Twiml is not valid") };
    let answer = json!({
        "sid": format!("CA{}", dev.rng.hex(32)), "account_sid": sid, "status": "queued", "to": to, "from": from,
        "direction": "outbound-api",
    });
    let text = plain_text::of(&speech.replace("<Pause length=\"1\"/>", " … "));
    receive(&dev, Channel::Voice, (to, from), text);
    Reply::json(StatusCode::CREATED, &answer)
}

fn receive(dev: &Dev, channel: Channel, (recipient, sender): (String, String), body: String) {
    dev.receive(Content {
        channel,
        recipient,
        sender: Some(sender),
        subject: None,
        body,
        provider: "twilio".to_owned(),
        // Unlike a gateway's short-lived token, Twilio's may be the one of a real account.
        authorization: None,
    });
}

/// A field of a form that is not empty.
fn field(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(form);
    pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
}

fn stranger() -> Reply {
    refuse(StatusCode::UNAUTHORIZED, 20003, "Authenticate").with(header::WWW_AUTHENTICATE, "Basic")
}

/// Whether the call carries Basic credentials of this account.
fn is_account(sid: &str, headers: &HeaderMap) -> bool {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let pair = authorization.and_then(|value| value.strip_prefix("Basic ")).and_then(hash::from_any_base64);
    let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
    pair.as_deref().and_then(|pair| pair.split_once(':')).is_some_and(|(user, token)| user == sid && !token.is_empty())
}

fn missing(code: u32, message: &str) -> Reply {
    refuse(StatusCode::BAD_REQUEST, code, message)
}

fn refuse(status: StatusCode, code: u32, message: &str) -> Reply {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Reply::json(status, &json!({"code": code, "message": message, "more_info": more, "status": status.as_u16()}))
}
