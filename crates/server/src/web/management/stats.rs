//! Statistics of sign-ins (<https://auth0.com/docs/api/management/v2/stats>; `docs/COMPATIBILITY.md` C1236, C1237).

use std::sync::Arc;

use http::StatusCode;
use ringpass_core::kit::clock::{DAY, Millis, parse_day, rfc3339};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::stats;
use serde_json::{Value, json};

use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::{Call, Reply};

/// `GET /stats/daily`: the days that saw a sign-in or a sign-up, oldest first.
pub async fn daily(app: Arc<App>, request: Request) -> Outcome {
    let now = app.clock.now();
    let first = day(&request.call, "from")?.unwrap_or(now - 30 * DAY).div_euclid(DAY);
    let last = day(&request.call, "to")?.unwrap_or(now).div_euclid(DAY);
    let days = app.db.read("stats.daily", move |tx| stats::days(tx, (first, last), now)).await?;
    let days: Vec<Value> = days
        .into_iter()
        .map(|day| {
            json!({"date": rfc3339(day.day * DAY), "logins": day.logins, "signups": day.signups, "leaked_passwords": 0,
                "created_at": rfc3339(day.created_at), "updated_at": rfc3339(day.updated_at)})
        })
        .collect();
    Ok(Reply::json(StatusCode::OK, &days))
}

/// `GET /stats/active-users`: how many users signed in within the last thirty days.
pub async fn active_users(app: Arc<App>, _request: Request) -> Outcome {
    let since = app.clock.now() - 30 * DAY;
    let users = app.db.read("stats.active_users", move |tx| stats::active_users(tx, since)).await?;
    Ok(Reply::json(StatusCode::OK, &users))
}

fn day(call: &Call, name: &str) -> Result<Option<Millis>, ApiError> {
    let Some(text) = call.query(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let reason = || format!("Object didn't pass validation for format YYYYMMDD: {text}");
    Ok(Some(parse_day(text).ok_or_else(|| Invalid::query(&reason(), name, ""))?))
}
