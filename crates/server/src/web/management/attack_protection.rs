//! Settings of attack protection and of risk assessments, and the blocks that the former set up
//! (<https://auth0.com/docs/api/management/v2/attack-protection>; `docs/COMPATIBILITY.md` C1240-C1258).

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use ringpass_core::model::attack_protection::Settings;
use ringpass_core::model::event::Event;
use ringpass_core::model::schema::Invalid;
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, login_failures, settings, users};
use serde_json::{Value, json};

use super::paging::flag;
use super::{ApiError, Management, Outcome, Request};
use crate::app::App;
use crate::flows::password::Login;
use crate::flows::{guard, record};
use crate::web::{Call, Family as _, Reply, peer};

/// `GET` of a document of settings.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let path = document(&request.call);
    let settings = app.db.read("attack_protection.show", move |tx| read(tx, &path)).await?;
    Ok(Reply::json(StatusCode::OK, settings.ok_or(ApiError::NotFound)?.view()))
}

/// `PATCH` of a document of settings.
pub async fn update(app: Arc<App>, request: Request) -> Outcome {
    let path = document(&request.call);
    if Settings::fresh(&path).is_none() {
        return Err(ApiError::NotFound);
    }
    let body = request.json()?;
    request
        .configure(&app, "attack_protection.update", move |tx| {
            let mut settings = read(tx, &path)?.ok_or(ApiError::NotFound)?;
            settings.apply(&body)?;
            settings::put(tx, &path, settings.view())?;
            Ok(Reply::json(StatusCode::OK, settings.view()))
        })
        .await
}

/// The path below `/api/v2/`, which names the document.
fn document(call: &Call) -> String {
    call.path.trim_start_matches(Management::PREFIX).trim_start_matches('/').to_owned()
}

fn read(tx: &mut Tx<'_>, path: &str) -> Result<Option<Settings>, DbError> {
    let Some(fresh) = Settings::fresh(path) else { return Ok(None) };
    Ok(Some(fresh.with(settings::get(tx, path)?)))
}

/// Where somebody may be blocked: connection and identifier.
type Places = Vec<(String, String)>;

/// `GET /user-blocks?identifier=`.
pub async fn blocks_of_identifier(app: Arc<App>, request: Request) -> Outcome {
    let places = places_of_identifier(&app, &request.call)?;
    show_blocks(&app, &request, places).await
}

/// `GET /user-blocks/{id}`.
pub async fn blocks_of_user(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let user = app.db.read("user_blocks.user", move |tx| users::get(tx, &id)).await?;
    show_blocks(&app, &request, places_of_user(&user.ok_or(ApiError::NoUser)?)).await
}

/// `DELETE /user-blocks?identifier=`.
pub async fn unblock_identifier(app: Arc<App>, request: Request) -> Outcome {
    let places = places_of_identifier(&app, &request.call)?;
    let released = released(&app, &request);
    request.change(&app, "user_blocks.remove", move |tx| released(tx, &places, None)).await
}

/// `DELETE /user-blocks/{id}`.
pub async fn unblock_user(app: Arc<App>, request: Request) -> Outcome {
    let id = request.call.param("id").to_owned();
    let released = released(&app, &request);
    let work = move |tx: &mut Tx<'_>| {
        let user = users::get(tx, &id)?.ok_or(ApiError::NoUser)?;
        released(tx, &places_of_user(&user), Some(&user.user_id))
    };
    request.change(&app, "user_blocks.remove", work).await
}

/// An identifier, spelled as sign-ins count it, may be known to any connection.
fn places_of_identifier(app: &App, call: &Call) -> Result<Places, ApiError> {
    let identifier = call.query("identifier").map(Login::name).filter(|text| !text.is_empty());
    let identifier = identifier.ok_or_else(|| Invalid::query("Missing required property: identifier", "", ""))?;
    Ok(app.snapshot().connection_names().map(|name| (name.to_owned(), identifier.clone())).collect())
}

/// Wherever a user may sign in, linked identities included.
fn places_of_user(user: &User) -> Places {
    let own = Value::from(user.as_linked());
    let mut places = Places::new();
    for identity in std::iter::once(&own).chain(&user.linked) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let profile = identity.get("profileData");
        for name in ["phone_number", "email", "username"] {
            let identifier = text(profile.and_then(|profile| profile.get(name)));
            places.extend(text(identity.get("connection")).zip(identifier));
        }
    }
    places
}

async fn show_blocks(app: &App, request: &Request, places: Places) -> Outcome {
    let snapshot = app.snapshot();
    let heeds_switch = flag(&request.call, "consider_brute_force_enablement")?.unwrap_or(false);
    let max = snapshot.brute_force.as_ref().map(|rule| rule.max_attempts);
    let max = match max {
        None if heeds_switch => return Ok(Reply::json(StatusCode::OK, &json!({"blocked_for": []}))),
        max => max.unwrap_or(DEFAULT_MAX),
    };
    let now = app.clock.now();
    let read = move |tx: &mut Tx<'_>| {
        let mut blocks: Vec<Value> = Vec::new();
        for (connection, identifier) in places {
            for ip in login_failures::blocked(tx, (&connection, &identifier), max, now)? {
                blocks.push(if ip.is_empty() {
                    json!({"identifier": identifier, "connection": connection})
                } else {
                    json!({"identifier": identifier, "ip": ip, "connection": connection})
                });
            }
        }
        Ok(blocks)
    };
    let blocks = app.db.read("user_blocks.show", read).await?;
    Ok(Reply::json(StatusCode::OK, &json!({"blocked_for": blocks})))
}

/// Lifts every block at these places, and tells the log of it if there was one.
fn released(
    app: &App,
    request: &Request,
) -> impl FnOnce(&mut Tx<'_>, &[(String, String)], Option<&str>) -> Outcome + Send + 'static {
    let (journal, caller) = (app.journal.clone(), peer::caller(&request.call, None));
    let client_id = request.token.client_id.clone();
    move |tx, places, user_id| {
        for (connection, identifier) in places {
            if login_failures::forgive(tx, connection, identifier)? > 0 {
                let event = Event {
                    client_id: client_id.clone(),
                    connection: connection.clone(),
                    user_id: user_id.unwrap_or_default().to_owned(),
                    user_name: identifier.clone(),
                    ..record::event("ublkdu", &caller)
                };
                journal.write(tx, event)?;
            }
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

/// `GET /anomaly/blocks/ips/{id}`: empty when the address is blocked.
pub async fn show_address(app: Arc<App>, request: Request) -> Outcome {
    if guard::is_throttled(&app, &address(&request.call)?).await? {
        return Ok(Reply::empty(StatusCode::OK));
    }
    Err(ApiError::AddressNotBlocked)
}

/// `DELETE /anomaly/blocks/ips/{id}`.
pub async fn release_address(app: Arc<App>, request: Request) -> Outcome {
    let ip = address(&request.call)?;
    let work = move |tx: &mut Tx<'_>| {
        guard::release(tx, &ip)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    };
    request.change(&app, "anomaly.release", work).await
}

/// The address in the path, spelled as it is counted.
fn address(call: &Call) -> Result<String, ApiError> {
    let text = call.param("id");
    let reason = || format!("Object didn't pass validation for format ip-address: {text}");
    let ip = text.parse::<IpAddr>().map_err(|_| Invalid::path(&reason(), "id", "IP address to check"))?;
    Ok(ip.to_canonical().to_string())
}

/// What counts as blocked while brute-force protection is off.
const DEFAULT_MAX: i64 = 10;
