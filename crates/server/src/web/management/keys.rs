//! `/keys/signing` (`docs/COMPATIBILITY.md` C771-C775).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::signing_key::{SigningKey, State};
use ringpass_core::storage::{Tx, signing_keys as storage};
use serde_json::{Map, Value, json};

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::flows::signing_keys;
use crate::web::Reply;

/// `GET /keys/signing`: always a bare array.
pub async fn list(app: Arc<App>, _request: Request) -> Outcome {
    let keys = app.db.read("keys.list", storage::list).await?;
    let shown: Vec<Map<String, Value>> = keys.iter().map(SigningKey::view).collect();
    Ok(Reply::json(StatusCode::OK, &shown))
}

/// `GET /keys/signing/{kid}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let keys = app.db.read("keys.show", storage::list).await?;
    let key = keys.iter().find(|key| key.kid == request.call.param("kid")).ok_or(ApiError::NoSigningKey)?;
    Ok(Reply::json(StatusCode::OK, &key.view()))
}

/// `POST /keys/signing/rotate`: current becomes previous, next becomes current, a new key becomes next. Two rotations at
/// once happen one after the other.
pub async fn rotate(app: Arc<App>, request: Request) -> Outcome {
    let fresh = signing_keys::fresh(&app).await.ok_or(ApiError::Server)?;
    let work = move |tx: &mut Tx<'_>| {
        let current = signing_keys::rotate(tx, &fresh)?;
        Ok(Reply::json(StatusCode::CREATED, &json!({"kid": current.kid, "cert": current.certificate_pem()})))
    };
    request.configure(&app, "keys.rotate", work).await
}

/// `PUT /keys/signing/{kid}/revoke`: only a key that no longer signs.
pub async fn revoke(app: Arc<App>, request: Request) -> Outcome {
    let (kid, now) = (request.call.param("kid").to_owned(), app.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        let keys = storage::list(tx)?;
        let key = keys.iter().find(|key| key.kid == kid).ok_or(ApiError::NoSigningKey)?;
        if key.state != State::Previous {
            return Err(ApiError::KeyInUse);
        }
        signing_keys::advance(tx, key, State::Revoked, now)?;
        Ok(Reply::json(StatusCode::OK, &json!({"kid": key.kid, "cert": key.certificate_pem()})))
    };
    request.configure(&app, "keys.revoke", work).await
}
