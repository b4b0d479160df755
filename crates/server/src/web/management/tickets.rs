//! Tickets (<https://auth0.com/docs/api/management/v2/tickets>; `docs/COMPATIBILITY.md` C1530-C1536).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::clock::Millis;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::schema::Invalid;
use ringpass_core::model::ticket::{self, Asked, Purpose, Ticket, Whose};
use ringpass_core::model::user::User;
use ringpass_core::storage::{Tx, clients, connections, passwords, tickets};
use serde_json::json;

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::flows;
use crate::web::Reply;

/// `POST /tickets/password-change`.
pub async fn password_change(app: Arc<App>, request: Request) -> Outcome {
    create(app, request, Purpose::PasswordChange).await
}

/// `POST /tickets/email-verification`.
pub async fn email_verification(app: Arc<App>, request: Request) -> Outcome {
    create(app, request, Purpose::EmailVerification).await
}

async fn create(app: Arc<App>, request: Request, purpose: Purpose) -> Outcome {
    let asked = ticket::asked(purpose, &request.json()?)?;
    let (text, hash) = flows::tickets::draw(&app);
    let link = flows::tickets::link(&app, purpose, &text);
    let now = app.clock.now();
    let work = move |tx: &mut Tx<'_>| {
        let user = find(tx, &asked.whose)?;
        let ticket = made(tx, purpose, asked, &user, now)?;
        tickets::insert(tx, &hash, &ticket)?;
        Ok(Reply::json(StatusCode::CREATED, &json!({"ticket": link})))
    };
    request.change(&app, "tickets.create", work).await
}

/// The row that a ticket is for: a user, or an identity of one.
fn find(tx: &mut Tx<'_>, whose: &Whose) -> Result<User, ApiError> {
    let found = match whose {
        Whose::User(id) => passwords::of_user(tx, id)?.filter(|found| found.user.user_id == *id),
        Whose::Identity(id, identity) => passwords::of_user(tx, identity)?.filter(|found| found.user.user_id == *id),
        Whose::Address(connection_id, email) => {
            let connection = connections::get(tx, connection_id)?.ok_or(ApiError::NoConnection)?;
            let found = passwords::find(tx, &connection.name, email, None)?;
            found.filter(|found| found.identity.email.as_ref() == Some(email))
        }
    };
    Ok(found.ok_or(ApiError::NoUser)?.identity)
}

fn made(tx: &mut Tx<'_>, purpose: Purpose, asked: Asked, user: &User, now: Millis) -> Result<Ticket, ApiError> {
    if !asked.client_id.is_empty() && clients::get(tx, &asked.client_id)?.is_none() {
        return Err(ApiError::NoClient);
    }
    let connection = connections::list(tx)?.into_iter().find(|it| it.name == user.connection);
    let connection = connection.ok_or(ApiError::NoConnection)?;
    match purpose {
        Purpose::PasswordChange if connection.strategy != Strategy::Auth0 => {
            return Err(Invalid::body("The user has no password").into());
        }
        Purpose::EmailVerification if user.email.is_none() => {
            return Err(Invalid::body("The user has no e-mail address").into());
        }
        _ => {}
    }
    Ok(Ticket {
        purpose,
        user_id: user.user_id.clone(),
        connection_id: connection.id,
        client_id: asked.client_id,
        email: user.email.clone(),
        wishes: asked.wishes,
        created_at: now,
        expires_at: now + asked.lifetime,
        used_at: None,
    })
}
