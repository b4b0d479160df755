//! Whether a person has to say that an application may have what it asks, and what they said (C1350-C1352).

use std::sync::Arc;

use ringpass_core::kit::ids;
use ringpass_core::model::client::Client;
use ringpass_core::model::grant::Grant;
use ringpass_core::model::login::Step;
use ringpass_core::model::user::User;
use ringpass_core::storage::logins::{self, Stored};
use ringpass_core::storage::{DbError, Tx, grants, sessions};

use super::grant::Granted;
use crate::app::App;

/// Whether the person is to be asked: always when the application wants them to (`asks_again`), else for applications of
/// third parties that they have not granted all of this before.
pub fn is_needed(
    tx: &mut Tx<'_>,
    client: &Client,
    user: &User,
    granted: &Granted,
    asks_again: bool,
) -> Result<bool, DbError> {
    if asks_again {
        return Ok(true);
    }
    if client.is_first_party() {
        return Ok(false);
    }
    let granted = granted.clone().settle(tx, &user.user_id)?;
    let audience = granted.api.as_ref().map(|api| api.identifier().to_owned()).unwrap_or_default();
    let known = grants::find(tx, &user.user_id, &client.id, &audience)?;
    let has = |name: &String| known.as_ref().is_some_and(|it| it.scope.split(' ').any(|had| had == name));
    Ok(known.is_none() || !granted.scope.iter().all(has))
}

/// What the person of this sign-in is asked for: of an API that enforces policies, what they have permissions for.
pub async fn asked(app: &App, stored: &Stored, granted: Granted) -> Result<Granted, DbError> {
    let Step::Authenticated { session_id } = stored.login.step.clone() else { return Ok(granted) };
    let now = app.clock.now();
    app.db
        .read("consent.asked", move |tx| match sessions::get(tx, &session_id, now)? {
            Some(session) => granted.settle(tx, &session.user_id),
            None => Ok(granted),
        })
        .await
}

/// Notes what the person of this sign-in granted.
pub async fn give(app: &App, stored: &Stored, client: &Arc<Client>, granted: Granted) -> Result<(), DbError> {
    let (id, client_id, now, grant_id) = (stored.id.clone(), client.id.clone(), app.clock.now(), ids::object(&app.rng));
    app.db
        .write("consent.give", move |tx| {
            let Some(Stored { mut login, .. }) = logins::get_for_update(tx, &id, now)? else { return Ok(()) };
            let Step::Authenticated { session_id } = &login.step else { return Ok(()) };
            let Some(session) = sessions::get(tx, session_id, now)? else { return Ok(()) };
            let granted = granted.settle(tx, &session.user_id)?;
            let grant = Grant {
                id: grant_id,
                user_id: session.user_id,
                client_id,
                audience: granted.api.as_ref().map(|api| api.identifier().to_owned()).unwrap_or_default(),
                scope: granted.scope_text(),
                created_at: now,
            };
            grants::record(tx, &grant)?;
            login.has_consented = true;
            logins::put(tx, &id, &login)
        })
        .await
}

/// Ends a sign-in whose person said no.
pub async fn refuse(app: &App, stored: &Stored) -> Result<(), DbError> {
    let Stored { id, mut login, .. } = stored.clone();
    login.step = Step::Done;
    app.db.write("consent.refuse", move |tx| logins::put(tx, &id, &login)).await
}
