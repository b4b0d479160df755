//! Signing keys move on: by hand, or with time (`docs/COMPATIBILITY.md` C771-C775, C1131-C1134).

use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::signing_key::{SigningKey, State};
use ringpass_core::storage::{DbError, Tx, signing_keys};
use serde_json::json;

use super::caller::Caller;
use super::record;
use crate::app::App;

/// A new key to stand next; made on a blocking thread. `None` only if the cryptography fails.
pub async fn fresh(app: &App) -> Option<SigningKey> {
    let (tenant, rng, now) = (app.config.http.tenant(), app.rng.clone(), app.clock.now());
    app.compute(move || SigningKey::generate(State::Next, &tenant, &rng, now)).await.flatten()
}

/// Current becomes previous, next becomes current, `fresh` becomes next; the key that is current now. The caller has moved
/// the configuration's version: of two rotations at once one waits for the other.
pub fn rotate(tx: &mut Tx<'_>, fresh: &SigningKey) -> Result<SigningKey, DbError> {
    let (keys, now) = (signing_keys::list(tx)?, fresh.created_at);
    let of = |state| keys.iter().find(|key| key.state == state).ok_or_else(|| missing(state));
    let (current, next) = (of(State::Current)?, of(State::Next)?);
    advance(tx, current, State::Previous, now)?;
    advance(tx, next, State::Current, now)?;
    signing_keys::insert(tx, fresh)?;
    Ok(next.clone())
}

/// Moves a key on; an error, so that nothing is kept, when someone else moved it first.
pub fn advance(tx: &mut Tx<'_>, key: &SigningKey, to: State, now: i64) -> Result<(), DbError> {
    if signing_keys::advance(tx, &key.kid, key.state, to, now)? {
        return Ok(());
    }
    Err(DbError::Unavailable("another rotation of the signing keys was in the way".into()))
}

/// Does what time asks for, where the operator set an age: rotates when the current key has reached it, and revokes the
/// previous keys whose tokens have all ended. Of several nodes one does it.
pub async fn keep(app: &App) -> Result<(), DbError> {
    let Some(age) = app.config.limits.signing_key_age() else { return Ok(()) };
    let now = app.clock.now();
    if app.snapshot().keys.schedule.iter().any(|key| key.is_due(age, now))
        && let Some(fresh) = fresh(app).await
    {
        let journal = app.journal.clone();
        let work = move |tx: &mut Tx<'_>| {
            // Another node may have been faster.
            if !signing_keys::list(tx)?.iter().any(|key| key.standing().is_due(age, now)) {
                return Ok(());
            }
            let current = rotate(tx, &fresh)?;
            tracing::info!(kid = current.kid, "the signing key was rotated: it had reached its age");
            journal.write(tx, event("Rotate the signing key", &current))
        };
        app.configure("keys.rotate_by_age", work).await?;
    }
    if app.snapshot().keys.schedule.iter().any(|key| key.is_spent(now)) {
        let journal = app.journal.clone();
        let work = move |tx: &mut Tx<'_>| {
            for key in signing_keys::list(tx)?.iter().filter(|key| key.standing().is_spent(now)) {
                advance(tx, key, State::Revoked, now)?;
                tracing::info!(kid = key.kid, "a previous signing key was revoked: its tokens have all ended");
                journal.write(tx, event("Revoke a signing key", key))?;
            }
            Ok(())
        };
        app.configure("keys.revoke_spent", work).await?;
    }
    Ok(())
}

fn event(description: &str, key: &SigningKey) -> Event {
    Event {
        description: description.to_owned(),
        details: Details::of(&json!({"automatic": true, "kid": key.kid})),
        ..record::event("sapi", &Caller::default())
    }
}

fn missing(state: State) -> DbError {
    DbError::Failed(format!("there is no {} signing key", state.name()))
}
