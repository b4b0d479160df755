//! Tells clients of sessions that have ended (OpenID Connect Back-Channel Logout 1.0; `docs/COMPATIBILITY.md` C1561-C1566).
//!
//! The notice is written in the transaction that ends the session, so none is lost. It is taken before it is sent: of
//! several nodes one sends it, and what was not taken down is sent again.

use std::time::Duration;

use ringpass_core::kit::clock::{MINUTE, SECOND};
use ringpass_core::kit::http::{Reach, Request};
use ringpass_core::kit::jwt::Alg;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::logout_notice::{LogoutNotice, addresses};
use ringpass_core::storage::{DbError, logout_notices};
use serde_json::json;

use super::caller::Caller;
use super::record;
use crate::app::App;

/// Sends one notice that is due to every client that it is for; `false` when none is.
pub async fn tell(app: &App) -> Result<bool, DbError> {
    let now = app.clock.now();
    if !app.db.read("logout.waiting", move |tx| logout_notices::is_waiting(tx, now)).await? {
        return Ok(false);
    }
    let claimed = app.db.write("logout.claim", move |tx| logout_notices::claim(tx, now, now + HELD)).await?;
    let Some(mut notice) = claimed else { return Ok(false) };
    let (mut left, mut events) = (Vec::new(), Vec::new());
    for id in std::mem::take(&mut notice.clients) {
        let Some(client) = app.find(|snapshot| snapshot.client(&id)).await? else { continue };
        let mut failed = None;
        for url in addresses(&client, &notice.initiator) {
            match send(app, &client, &notice, &url).await {
                Ok(()) => events.push(event(&client, &notice, &url, None)),
                Err(why) => failed = Some((url, why)),
            }
        }
        if let Some((url, why)) = failed {
            left.push((client, url, why));
        }
    }
    notice.clients = left.iter().map(|(client, ..)| client.id.clone()).collect();
    let again_at = notice.again_at(now).filter(|_| !left.is_empty());
    if again_at.is_none() {
        events.extend(left.iter().map(|(client, url, why)| event(client, &notice, url, Some(why))));
    }
    let journal = app.journal.clone();
    app.db
        .write("logout.told", move |tx| {
            match again_at {
                Some(at) => logout_notices::put(tx, &notice, at)?,
                None => logout_notices::delete(tx, &notice.session_id)?,
            }
            for event in events {
                journal.write(tx, event)?;
            }
            Ok(())
        })
        .await?;
    Ok(true)
}

/// One call; the reason when it was not taken.
async fn send(app: &App, client: &Client, notice: &LogoutNotice, url: &str) -> Result<(), String> {
    let key = app.snapshot().keys.current.clone();
    let (issuer, now) = (app.config.http.issuer(), app.clock.now() / SECOND);
    let claims = notice.claims(&issuer, &client.id, &app.rng.base64url(16), now);
    let signed = app.compute(move || key.sign(Alg::Rs256, "logout+jwt", &claims)).await.flatten();
    let token = signed.ok_or("the token could not be signed")?;
    let request = Request {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("user-agent", app.config.outbound.user_agent.clone()),
        ],
        authorization: None,
        body: Secret::new(form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish()),
        timeout: PATIENCE,
        reach: Reach::Guarded,
    };
    match app.outbound.send(request).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("status {}", answer.status)),
        Err(failure) => Err(failure.code().to_owned()),
    }
}

fn event(client: &Client, notice: &LogoutNotice, url: &str, why: Option<&String>) -> Event {
    let kind = if why.is_some() { "oidc_backchannel_logout_failed" } else { "oidc_backchannel_logout_succeeded" };
    let details =
        json!({"session_id": notice.session_id, "initiator": notice.initiator, "backchannel_logout_url": url});
    Event {
        description: why.cloned().unwrap_or_default(),
        client_id: client.id.clone(),
        client_name: client.name().to_owned(),
        user_id: notice.user_id.clone(),
        details: Details::of(&details),
        ..record::event(kind, &Caller::default())
    }
}

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a notice is held by who took it, milliseconds.
const HELD: i64 = 5 * MINUTE;
