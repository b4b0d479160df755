//! `POST /guardian/enrollments/ticket` (`docs/COMPATIBILITY.md` C1840-C1842).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::enrollment_ticket::{self, EnrollmentTicket, LIFETIME};
use ringpass_core::storage::{Tx, enrollment_tickets, users};
use serde_json::json;

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::flows;
use crate::web::Reply;

/// `POST /guardian/enrollments/ticket`.
pub async fn create(app: Arc<App>, request: Request) -> Outcome {
    let asked = enrollment_ticket::asked(&request.json()?)?;
    let (text, hash) = flows::enrollment_tickets::draw(&app);
    let now = app.clock.now();
    let body = json!({"ticket_id": text.expose(), "ticket_url": flows::enrollment_tickets::link(&app, &text)});
    let (user_id, wishes) = (asked.user_id.clone(), asked.wishes.clone());
    let work = move |tx: &mut Tx<'_>| {
        users::get(tx, &user_id)?.ok_or(ApiError::NoUser)?;
        let ticket = EnrollmentTicket { user_id, wishes, created_at: now, expires_at: now + LIFETIME, used_at: None };
        enrollment_tickets::insert(tx, &hash, &ticket)?;
        Ok(Reply::json(StatusCode::OK, &body))
    };
    let reply = request.change(&app, "enrollment_tickets.create", work).await?;
    if asked.send_mail {
        let user = app.db.read("enrollment_tickets.user", move |tx| users::get(tx, &asked.user_id)).await?;
        let handle = Arc::clone(&app);
        app.tasks.spawn(async move {
            let (to, locale) = (asked.email.as_deref(), asked.locale.as_deref());
            let Some(user) = user else { return };
            let sent = flows::enrollment_tickets::deliver(&handle, &user, to, locale, &text).await;
            if let Err(error) = sent {
                tracing::error!(%error, "it could not be logged that a mail was not sent");
            }
        });
    }
    Ok(reply)
}
