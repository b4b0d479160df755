//! `/keys/signing` (`docs/COMPATIBILITY.md` C771-C775).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::signing_key::{SigningKey, State};
use ringpass_core::storage::{DbError, Tx, signing_keys};
use serde_json::{Map, Value, json};

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /keys/signing`: always a bare array.
pub async fn list(app: Arc<App>, _request: Request) -> Outcome {
    let keys = app.db.read("keys.list", signing_keys::list).await?;
    let shown: Vec<Map<String, Value>> = keys.iter().map(SigningKey::view).collect();
    Ok(Reply::json(StatusCode::OK, &shown))
}

/// `GET /keys/signing/{kid}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let keys = app.db.read("keys.show", signing_keys::list).await?;
    let key = keys.iter().find(|key| key.kid == request.call.param("kid")).ok_or(ApiError::NoSigningKey)?;
    Ok(Reply::json(StatusCode::OK, &key.view()))
}

/// `POST /keys/signing/rotate`: current becomes previous, next becomes current, a new key becomes next. Two rotations at
/// once happen one after the other.
pub async fn rotate(app: Arc<App>, request: Request) -> Outcome {
    let (tenant, rng, now) = (app.config.http.tenant(), app.rng.clone(), app.clock.now());
    let fresh = app.compute(move || SigningKey::generate(State::Next, &tenant, &rng, now)).await.flatten();
    let fresh = fresh.ok_or(ApiError::Server)?;
    let work = move |tx: &mut Tx<'_>| {
        let keys = signing_keys::list(tx)?;
        let of = |state| keys.iter().find(|key| key.state == state).ok_or_else(|| missing(state));
        let (current, next) = (of(State::Current)?, of(State::Next)?);
        advance(tx, current, State::Previous, now)?;
        advance(tx, next, State::Current, now)?;
        signing_keys::insert(tx, &fresh)?;
        Ok(Reply::json(StatusCode::CREATED, &json!({"kid": next.kid, "cert": next.certificate_pem()})))
    };
    request.configure(&app, "keys.rotate", work).await
}

/// `PUT /keys/signing/{kid}/revoke`: only a key that no longer signs.
pub async fn revoke(app: Arc<App>, request: Request) -> Outcome {
    let (kid, now) = (request.call.param("kid").to_owned(), app.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        let keys = signing_keys::list(tx)?;
        let key = keys.iter().find(|key| key.kid == kid).ok_or(ApiError::NoSigningKey)?;
        if key.state != State::Previous {
            return Err(ApiError::KeyInUse);
        }
        advance(tx, key, State::Revoked, now)?;
        Ok(Reply::json(StatusCode::OK, &json!({"kid": key.kid, "cert": key.certificate_pem()})))
    };
    request.configure(&app, "keys.revoke", work).await
}

/// Moves a key on; an error, so that nothing is kept, when someone else moved it first.
fn advance(tx: &mut Tx<'_>, key: &SigningKey, to: State, now: i64) -> Result<(), DbError> {
    if signing_keys::advance(tx, &key.kid, key.state, to, now)? {
        return Ok(());
    }
    Err(DbError::Unavailable("another rotation of the signing keys was in the way".into()))
}

fn missing(state: State) -> DbError {
    DbError::Failed(format!("there is no {} signing key", state.name()))
}
