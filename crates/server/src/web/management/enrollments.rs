//! What users have enrolled, by the older calls: `/guardian/enrollments`, `/users/{id}/enrollments`, `…/authenticators`,
//! `…/multifactor` and recovery codes (`docs/COMPATIBILITY.md` C1689-C1703).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::enrollment;
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::guardian::Factor;
use ringpass_core::model::schema::Invalid;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, authenticators, enrollments, known_origins, users};
use serde_json::{Map, Value, json};

use super::users::permit;
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::flows::mfa;
use crate::flows::record::{self, Journal};
use crate::web::{Reply, peer};

/// `GET /guardian/enrollments/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let (id, clear) = (request.call.param("id").to_owned(), shows_numbers(&app));
    let one = app.db.read("enrollments.show", move |tx| authenticators::get(tx, &id)).await?;
    let one = one.filter(enrollment::is_enrollment).ok_or(ApiError::NoEnrollment)?;
    Ok(Reply::json(StatusCode::OK, &enrollment::shown(&one, clear)))
}

/// `DELETE /guardian/enrollments/{id}`.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let (id, diary) = (request.call.param("id").to_owned(), Diary::of(&app, &request));
    let work = move |tx: &mut Tx<'_>| {
        let one = authenticators::get(tx, &id)?.filter(enrollment::is_enrollment).ok_or(ApiError::NoEnrollment)?;
        let user = users::get_for_update(tx, &one.user_id)?.ok_or(ApiError::NoEnrollment)?;
        unenroll(tx, &diary, &user, |it| it.id == one.id)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "enrollments.remove", work).await
}

/// `GET /users/{id}/enrollments`.
pub async fn of_user(app: Arc<App>, request: Request) -> Outcome {
    permit(&request, &["read:users"], |token| token.has("read:current_user"))?;
    let (user_id, clear) = (request.call.param("id").to_owned(), shows_numbers(&app));
    let all = list(&app, user_id).await?;
    let listed = all.iter().filter(|one| enrollment::is_enrollment(one)).map(|one| enrollment::listed(one, clear));
    Ok(Reply::json(StatusCode::OK, &listed.collect::<Vec<_>>()))
}

/// `DELETE /users/{id}/authenticators`, and of all authentication methods: nothing is left of the second factor.
pub async fn remove_of_user(app: Arc<App>, request: Request) -> Outcome {
    remove_those(app, request, |_| true).await
}

/// `DELETE /users/{id}/multifactor/{provider}`.
pub async fn remove_provider(app: Arc<App>, request: Request) -> Outcome {
    match request.call.param("provider") {
        "guardian" => remove_those(app, request, |_| true).await,
        "google-authenticator" => remove_those(app, request, |one| one.kind == Kind::Totp).await,
        "duo" => remove_those(app, request, |_| false).await,
        other => Err(Invalid::path(&format!("Invalid value \"{other}\""), "provider", "Multi-factor provider").into()),
    }
}

async fn remove_those(app: Arc<App>, request: Request, of: fn(&Authenticator) -> bool) -> Outcome {
    let (user_id, diary) = (request.call.param("id").to_owned(), Diary::of(&app, &request));
    let work = move |tx: &mut Tx<'_>| {
        let user = users::get_for_update(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        unenroll(tx, &diary, &user, of)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "enrollments.remove_of_user", work).await
}

/// `POST /users/{id}/recovery-code-regeneration`: the code before is void.
pub async fn regenerate_recovery_code(app: Arc<App>, request: Request) -> Outcome {
    if !app.snapshot().guardian.is_enabled(Factor::RecoveryCode) {
        return Err(ApiError::Untouchable("The factor recovery-code is not enabled"));
    }
    let user_id = request.call.param("id").to_owned();
    let (code, one) = mfa::recovery_authenticator(&app, &user_id, true);
    let work = move |tx: &mut Tx<'_>| {
        users::get_for_update(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        if enrollments::enrolled(tx, &[&user_id])?.is_empty() {
            return Err(ApiError::NoEnrollment);
        }
        authenticators::put(tx, &one)?;
        Ok(Reply::json(StatusCode::OK, &json!({"recovery_code": code.expose()})))
    };
    request.change(&app, "enrollments.recovery_code", work).await
}

/// `POST /users/{id}/multifactor/actions/invalidate-remember-browser`.
pub async fn forget_browsers(app: Arc<App>, request: Request) -> Outcome {
    let user_id = request.call.param("id").to_owned();
    let work = move |tx: &mut Tx<'_>| {
        users::get(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        known_origins::forget(tx, &user_id, Some(known_origins::Kind::Remembered))?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "enrollments.forget_browsers", work).await
}

/// Users as they are shown, and `multifactor` with those who have enrolled something that counts alone.
pub fn with_multifactor(
    tx: &mut Tx<'_>,
    mut users: Vec<Map<String, Value>>,
) -> Result<Vec<Map<String, Value>>, DbError> {
    let id = |user: &Map<String, Value>| user.get("user_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ids: Vec<String> = users.iter().map(id).collect();
    let enrolled = enrollments::enrolled(tx, &ids.iter().map(String::as_str).collect::<Vec<_>>())?;
    for user in users.iter_mut().filter(|user| enrolled.contains(&id(user))) {
        user.insert("multifactor".into(), json!(enrollment::OF_USER));
    }
    Ok(users)
}

/// The authenticators of a user, who must be there.
pub(super) async fn list(app: &App, user_id: String) -> Result<Vec<Authenticator>, ApiError> {
    let read = move |tx: &mut Tx<'_>| match users::get(tx, &user_id)? {
        None => Ok(None),
        Some(_) => authenticators::list_of_user(tx, &user_id).map(Some),
    };
    app.db.read("enrollments.list", read).await?.ok_or(ApiError::NoUser)
}

/// Removes those authenticators of a user that `of` picks.
pub(super) fn unenroll(
    tx: &mut Tx<'_>,
    diary: &Diary,
    user: &User,
    of: impl Fn(&Authenticator) -> bool,
) -> Result<bool, DbError> {
    mfa::unenroll(tx, &user.user_id, of, |tx, one| diary.write(tx, "gd_unenroll", user, one))
}

/// What an event about an authenticator says of the call. Moves into the transaction of the change.
pub(super) struct Diary {
    journal: Journal,
    event: Event,
}

impl Diary {
    pub(super) fn of(app: &App, request: &Request) -> Self {
        let mut event = record::event("", &peer::caller(&request.call, None));
        event.client_id.clone_from(&request.token.client_id);
        Self { journal: app.journal.clone(), event }
    }

    pub(super) fn write(
        &self,
        tx: &mut Tx<'_>,
        kind: &'static str,
        user: &User,
        one: &Authenticator,
    ) -> Result<(), DbError> {
        let event = Event {
            kind,
            user_id: user.user_id.clone(),
            user_name: user.identifier().unwrap_or_default().to_owned(),
            connection: user.connection.clone(),
            details: Details::of(&json!({"authenticator": mfa::about(one)})),
            ..self.event.clone()
        };
        self.journal.write(tx, event)
    }
}

fn shows_numbers(app: &App) -> bool {
    app.snapshot().settings.disable_management_api_sms_obfuscation()
}
