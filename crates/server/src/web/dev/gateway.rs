//! `POST /dev/gateway`: the SMS gateway that the seeded `sms` connection points at. It checks its caller as an operator's
//! own gateway should, and puts the message into the inbox.

use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::jwt::Parsed;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Channel, Content, Dev};
use crate::web::Reply;

/// The call of a custom SMS gateway. `req` (the caller's address and user agent) may come along and is not looked at.
#[derive(Deserialize)]
struct Sms {
    recipient: String,
    body: String,
    sender: Option<String>,
}

/// 200 and a message in the inbox; 401 without a good token, 400 when the body is not the JSON of a message.
pub(super) async fn accept(State(dev): State<Arc<Dev>>, headers: HeaderMap, body: Bytes) -> Reply {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Err(why) = check(&dev, authorization) {
        return refuse(StatusCode::UNAUTHORIZED, why).with(header::WWW_AUTHENTICATE, "Bearer");
    }
    let Ok(sms) = serde_json::from_slice::<Sms>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "the body must be JSON with the strings `recipient` and `body`");
    };
    dev.receive(Content {
        channel: Channel::Sms,
        recipient: sms.recipient,
        sender: sms.sender,
        subject: None,
        body: sms.body,
        provider: "sms_gateway".to_owned(),
        authorization: authorization.map(ToOwned::to_owned),
    });
    Reply::json(StatusCode::OK, &json!({"accepted": true}))
}

/// The token's signature, then `aud`, `sub` and `exp`. The error says which one failed.
fn check(dev: &Dev, authorization: Option<&str>) -> Result<(), &'static str> {
    let wanted = &dev.settings.gateway;
    let (scheme, token) = authorization.and_then(|value| value.split_once(' ')).ok_or("a bearer token is missing")?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("the authorization scheme is not Bearer");
    }
    let token = Parsed::new(token.trim()).ok_or("the bearer token is no JWT")?;
    if !token.verifies_hs256(wanted.secret.expose().as_bytes()) {
        return Err("the token is not signed with HS256 and this gateway's secret");
    }
    let claim = |name: &str| token.claims().get(name);
    let for_us = match claim("aud") {
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(&wanted.audience)),
        one => one.and_then(Value::as_str) == Some(&wanted.audience),
    };
    if !for_us {
        return Err("the token's audience is another");
    }
    if claim("sub").and_then(Value::as_str) != Some(&wanted.subject) {
        return Err("the token's subject is another");
    }
    match claim("exp").and_then(Value::as_i64) {
        Some(until) if until > dev.clock.now() / SECOND => Ok(()),
        Some(_) => Err("the token has expired"),
        None => Err("the token has no expiry"),
    }
}

fn refuse(status: StatusCode, why: &str) -> Reply {
    Reply::json(status, &json!({"accepted": false, "reason": why}))
}
