//! `GET /mfa/authenticators` and `DELETE /mfa/authenticators/{id}` (`docs/COMPATIBILITY.md` C1797-C1798).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::model::authenticator::{Authenticator, split_id};
use ringpass_core::storage::{Tx, authenticators, users};
use serde_json::Value;

use super::bearer::Bearer;
use super::claimant;
use super::error::MfaError;
use crate::app::App;
use crate::flows::mfa;
use crate::web::auth::error::AuthError;
use crate::web::{Call, Reply, peer};

/// Everything that the user has, confirmed or not.
pub(in super::super) async fn list(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let bearer = Bearer::of(&app, &call).await?;
    bearer.needs("read:authenticators")?;
    let all = mfa::with_address(&app, &bearer.waiting.user, bearer.waiting.all);
    let views: Vec<Value> = all.iter().flat_map(Authenticator::views).collect();
    Ok(Reply::json(StatusCode::OK, &views).with(header::CACHE_CONTROL, "no-store"))
}

/// Removes one; of twins both go.
pub(in super::super) async fn remove(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let bearer = Bearer::of(&app, &call).await?;
    // Who has but proven the first factor must not remove the second.
    if !bearer.has("remove:authenticators") {
        return Err(MfaError::InsufficientScope("remove:authenticators").into());
    }
    let id = call.param("id").to_owned();
    let (_, own) = split_id(&id).ok_or(MfaError::NotFound)?;
    let user = &bearer.waiting.user;
    let implicit = Authenticator::implicit_email(user, &app.hash_key);
    if implicit.is_some_and(|one| one.id == own) {
        return Err(MfaError::Implicit.into());
    }
    let client_id = &bearer.waiting.transaction.client_id;
    let client = app.find(|snapshot| snapshot.client(client_id)).await?.ok_or(AuthError::InvalidToken)?;
    let claimant = claimant(&app, &call, "/mfa/authenticators", (client, peer::caller(&call, None)), &bearer.waiting);
    let mut claimant = claimant;
    (claimant.may_add, claimant.token_since) = (true, bearer.issued_at);
    let (own, journal, snapshot) = (own.to_owned(), app.journal.clone(), app.snapshot());
    let work = move |tx: &mut Tx<'_>| {
        let user_id = claimant.user.user_id.clone();
        users::get_for_update(tx, &user_id)?;
        // A token from before somebody had a second factor must not take it away.
        if !claimant.may_enroll(&authenticators::list_of_user(tx, &user_id)?, &snapshot) {
            return Ok(Err(AuthError::InvalidToken));
        }
        let note =
            |tx: &mut Tx<'_>, one: &Authenticator| journal.write(tx, mfa::event("gd_unenroll", &claimant, Some(one)));
        let found = mfa::unenroll(tx, &user_id, |one| one.id == own, note)?;
        Ok(if found { Ok(()) } else { Err(MfaError::NotFound.into()) })
    };
    app.db.write("mfa.remove", work).await??;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
