//! `/users/{id}/authentication-methods` (`docs/COMPATIBILITY.md` C1680-C1689).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::authentication_method::{self as method, Maker};
use ringpass_core::model::authenticator::Authenticator;
use ringpass_core::storage::{DbError, Tx, authenticators, users};
use serde_json::Value;

use super::enrollments::{self, Diary, unenroll};
use super::paging::Page;
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::Reply;

/// `GET /users/{id}/authentication-methods`.
pub async fn list(app: Arc<App>, request: Request) -> Outcome {
    let page = Page::offset(&request.call)?;
    let all = enrollments::list(&app, request.call.param("id").to_owned()).await?;
    let cut = page.cut(all, |one| one.id.clone());
    Ok(page.reply("authenticators", cut.map(|one| method::view(&one))))
}

/// `GET /users/{id}/authentication-methods/{authentication_method_id}`.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let all = enrollments::list(&app, request.call.param("id").to_owned()).await?;
    let one = named(all, request.call.param("authentication_method_id"))?;
    Ok(Reply::json(StatusCode::OK, &method::view(&one)))
}

/// `POST /users/{id}/authentication-methods`: it counts as proven.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let (user_id, body) = (request.call.param("id").to_owned(), request.json()?);
    let one = maker(&app, &user_id, |maker| maker.create(&body))?;
    let work = move |tx: &mut Tx<'_>| {
        users::get_for_update(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        let all = authenticators::list_of_user(tx, &user_id)?;
        add(tx, all, std::slice::from_ref(&one))?;
        Ok(Reply::json(StatusCode::CREATED, &method::view(&one)))
    };
    request.change(&app, "authentication_methods.create", work).await
}

/// `PUT /users/{id}/authentication-methods`: what the user had is replaced whole.
pub async fn replace(app: Arc<App>, request: Request) -> Outcome {
    let (user_id, body) = (request.call.param("id").to_owned(), request.json()?);
    let (made, diary) = (maker(&app, &user_id, |maker| maker.create_all(&body))?, Diary::of(&app, &request));
    let work = move |tx: &mut Tx<'_>| {
        let user = users::get_for_update(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        distinct(&made)?;
        unenroll(tx, &diary, &user, |_| true)?;
        add(tx, Vec::new(), &made)?;
        Ok(Reply::json(StatusCode::OK, &made.iter().map(method::view).collect::<Vec<Value>>()))
    };
    request.change(&app, "authentication_methods.replace", work).await
}

/// `PATCH /users/{id}/authentication-methods/{authentication_method_id}`.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let (user_id, patch) = (request.call.param("id").to_owned(), request.json()?);
    method::check_patch(&patch)?;
    let (id, diary) = (request.call.param("authentication_method_id").to_owned(), Diary::of(&app, &request));
    let work = move |tx: &mut Tx<'_>| {
        let user = users::get_for_update(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        let mut one = named(authenticators::list_of_user(tx, &user_id)?, &id)?;
        method::apply(&mut one, &patch)?;
        authenticators::put_about(tx, &one)?;
        diary.write(tx, "gd_update_device_account", &user, &one)?;
        Ok(Reply::json(StatusCode::OK, &method::view(&one)))
    };
    request.change(&app, "authentication_methods.update", work).await
}

/// `DELETE /users/{id}/authentication-methods/{authentication_method_id}`: both ways of a phone go.
pub async fn remove(app: Arc<App>, request: Request) -> Outcome {
    let user_id = request.call.param("id").to_owned();
    let (id, diary) = (request.call.param("authentication_method_id").to_owned(), Diary::of(&app, &request));
    let work = move |tx: &mut Tx<'_>| {
        let user = users::get_for_update(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        let one = named(authenticators::list_of_user(tx, &user_id)?, &id)?;
        unenroll(tx, &diary, &user, |it| it.id == one.id)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "authentication_methods.remove", work).await
}

fn maker<T>(app: &App, user_id: &str, make: impl FnOnce(&Maker<'_>) -> T) -> T {
    let snapshot = app.snapshot();
    make(&Maker { user_id, ways: snapshot.guardian.message_types(), rng: &app.rng, now: app.clock.now() })
}

fn named(all: Vec<Authenticator>, id: &str) -> Result<Authenticator, ApiError> {
    all.into_iter().find(|one| method::is_named(one, id)).ok_or(ApiError::NoAuthenticationMethod)
}

/// Nothing stands twice in a list.
fn distinct(made: &[Authenticator]) -> Result<(), ApiError> {
    let mut rest = made.iter();
    while let Some(one) = rest.next() {
        if rest.as_slice().iter().any(|other| method::is_same(one, other)) {
            return Err(ApiError::AuthenticationMethodConflict);
        }
    }
    Ok(())
}

/// Puts new authenticators beside those that a user has. One that was begun and never proven makes room for its like.
fn add(tx: &mut Tx<'_>, all: Vec<Authenticator>, made: &[Authenticator]) -> Result<(), ApiError> {
    let (same, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| made.iter().any(|new| method::is_same(one, new)));
    if same.iter().any(|one| one.confirmed) {
        return Err(ApiError::AuthenticationMethodConflict);
    }
    if others.len() + made.len() > authenticators::MOST {
        return Err(ApiError::Untouchable("The user has as many authentication methods as there can be"));
    }
    for one in &same {
        authenticators::delete(tx, &one.id)?;
    }
    made.iter().try_for_each(|one| authenticators::put(tx, one)).map_err(|error: DbError| error.into())
}
