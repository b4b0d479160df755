//! Revokes a refresh token that its client hands back (RFC 7009; `docs/COMPATIBILITY.md` C1070-C1074).

use std::sync::Arc;

use ringpass_core::model::client::Client;
use ringpass_core::model::event::Event;
use ringpass_core::storage::{DbError, grants, refresh_tokens};

use super::caller::Caller;
use super::refresh::{Presented, on_client};
use crate::app::App;

/// Revokes the family of a refresh token, whichever of its texts is presented; with the tenant's flag
/// `revoke_refresh_token_grant` the user's grant goes too, and with it every other family of the same user, client and API.
/// A token that is unknown, ended or another client's changes nothing.
pub async fn revoke(app: &App, client: Arc<Client>, token: &str, caller: &Caller) -> Result<(), DbError> {
    let presented = Presented::new(&app.hash_key, token);
    let with_grant = app.snapshot().settings.revoke_refresh_token_grant();
    let (now, journal, caller) = (app.clock.now(), app.journal.clone(), caller.clone());
    app.db
        .write("revoke", move |tx| {
            let Some(token) = presented.take(tx, &client.id, now)? else { return Ok(()) };
            refresh_tokens::delete(tx, &token.id)?;
            if with_grant && !token.user_id.is_empty() {
                grants::delete(tx, &token.user_id, &client.id, token.audience.as_deref().unwrap_or_default())?;
            }
            let event = Event {
                user_id: token.user_id,
                audience: token.audience.unwrap_or_default(),
                scope: token.scope,
                ..on_client("srrt", &client, &caller)
            };
            journal.write(tx, event)
        })
        .await
}
