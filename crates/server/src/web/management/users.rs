//! Users (<https://auth0.com/docs/api/management/v2/users>; `docs/COMPATIBILITY.md` C741-C753).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::schema::Invalid;
use ringpass_core::model::user::User;
use ringpass_core::storage::{Tx, users};

use super::paging::Fields;
use super::{ApiError, Outcome, Request, enrollments, identities};
use crate::app::App;
use crate::flows::new_password::{self, NewPassword};
use crate::snapshot::Channel;
use crate::web::Reply;

/// `GET /users-by-email`: an array, empty when nobody has the address.
pub async fn by_email(app: Arc<App>, request: Request) -> Outcome {
    let fields = Fields::of(&request.call)?;
    let Some(email) = request.call.query("email").filter(|email| !email.is_empty()) else {
        return Err(Invalid::query("Missing required property: email", "", "").into());
    };
    let email = email.to_lowercase();
    let read = move |tx: &mut Tx<'_>| {
        let found = users::find_by_email(tx, &email)?;
        enrollments::with_multifactor(tx, found.iter().map(User::view).collect())
    };
    let found = app.db.read("users.by_email", read).await?;
    Ok(Reply::json(StatusCode::OK, &found.iter().map(|user| fields.apply(user, &[])).collect::<Vec<_>>()))
}

/// `GET /users/{id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    permit(&request, &["read:users", "read:user_idp_tokens"], |token| token.has("read:current_user"))?;
    let fields = Fields::of(&request.call)?;
    let read = move |tx: &mut Tx<'_>| {
        let user = users::get(tx, &id)?;
        enrollments::with_multifactor(tx, user.iter().map(User::view).collect())
    };
    let found = app.db.read("users.show", read).await?;
    Ok(Reply::json(StatusCode::OK, &fields.apply(found.first().ok_or(ApiError::NoUser)?, &[])))
}

/// `POST /users`.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let body = request.json()?;
    let channel = channel(&app, User::wanted_connection(&body)?).await?;
    let (mut user, password) = User::create(&body, &channel.connection, &app.rng, app.clock.now())?;
    if let Some(password) = taken(&app, &channel.connection, &user, password).await? {
        user.password_hash = Some(password.hash);
    }
    request
        .change(&app, "users.create", move |tx| {
            if !users::insert(tx, &user)? {
                return Err(ApiError::UserConflict);
            }
            Ok(Reply::json(StatusCode::CREATED, &user.view()))
        })
        .await
}

/// `PATCH /users/{id}`. The patch is tried first without the lock, because a password takes long to hash.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let body = request.json()?;
    let only = |name: &str| body.as_object().is_some_and(|body| body.keys().all(|key| key == name));
    let own = only("user_metadata");
    permit(&request, &["update:users"], |token| own && token.has("update:current_user_metadata")).or_else(
        |refused| {
            if only("app_metadata") && request.token.has("update:users_app_metadata") { Ok(()) } else { Err(refused) }
        },
    )?;
    let known = id.clone();
    let user = app.db.read("users.known", move |tx| users::get(tx, &known)).await?;
    let mut user = user.ok_or(ApiError::NoUser)?;
    if let Some(identity) = identities::named(&user, &body) {
        return identities::update(app, request, user, identity, body).await;
    }
    let channel = channel(&app, &user.connection).await?;
    let now = app.clock.now();
    let password = user.apply(&body, &channel.connection, now)?;
    let password = taken(&app, &channel.connection, &user, password).await?;
    request
        .change(&app, "users.update", move |tx| {
            let mut user = users::get_for_update(tx, &id)?.ok_or(ApiError::NoUser)?;
            user.apply(&body, &channel.connection, now)?;
            let given = password.map(|password| password.give(&mut user, now));
            if !users::put(tx, &user)? {
                return Err(ApiError::UserConflict);
            }
            if let Some(given) = given {
                given.note(tx, &user)?;
            }
            let view = enrollments::with_multifactor(tx, vec![user.view()])?;
            Ok(Reply::json(StatusCode::OK, &view.first()))
        })
        .await
}

/// `DELETE /users/{id}`: also good for a user who is not there.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    permit(&request, &["delete:users"], |token| token.has("delete:current_user"))?;
    request
        .change(&app, "users.remove", move |tx| {
            users::delete(tx, &id)?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        })
        .await
}

/// Passes a token with one of the `whole` scopes, or a user's own token for this very user, when `own` says so.
pub(super) fn permit(
    request: &Request,
    whole: &'static [&'static str],
    own: impl FnOnce(&super::Token) -> bool,
) -> Result<(), ApiError> {
    let token = &request.token;
    if token.permits(whole) || (token.subject == request.call.param("id") && own(token)) {
        return Ok(());
    }
    Err(ApiError::InsufficientScope(whole))
}

/// The connection of exactly this name.
pub(super) async fn channel(app: &App, name: &str) -> Result<Arc<Channel>, ApiError> {
    let named =
        app.find(|snapshot| snapshot.channel(name, "").filter(|channel| channel.connection.name == name)).await?;
    named.ok_or(ApiError::NoConnectionForUser)
}

/// A password for `user`, if there is one to take.
pub(super) async fn taken(
    app: &App,
    connection: &Connection,
    user: &User,
    password: Option<Secret>,
) -> Result<Option<NewPassword>, ApiError> {
    match password {
        Some(password) => Ok(Some(new_password::take(app, connection, user, password).await?)),
        None => Ok(None),
    }
}
