//! `GET|POST /userinfo`: the claims of whoever an access token speaks for (OpenID Connect Core §5.3;
//! `docs/COMPATIBILITY.md` C531-C534, C1262).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::jwt::{Alg, Parsed};
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::{Tx, access_tokens, users};
use serde_json::{Map, Value};

use super::error::{AuthError, with_window};
use crate::app::App;
use crate::flows::issue;
use crate::flows::limits::{self, Window};
use crate::web::{Call, Reply, peer};

/// Calls for one user: ten at once, then five a minute.
const OF_USER: Shape = Shape { burst: 10, interval: 12 * SECOND };
/// Its second half, which all nodes share.
const SHARED: Shape = Shape { burst: 5, interval: OF_USER.interval };

/// The claims that the token's scope allows.
pub(super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let token = bearer(&call).ok_or(AuthError::InvalidToken)?;
    let (user_id, scope) = match Parsed::new(token) {
        Some(parsed) => from_jwt(&app, &parsed).await?.ok_or(AuthError::InvalidToken)?,
        None => from_opaque(&app, token).await?.ok_or(AuthError::InvalidToken)?,
    };
    let scope: Vec<&str> = scope.split_ascii_whitespace().collect();
    if !scope.contains(&"openid") {
        return Err(AuthError::InvalidToken);
    }
    let window = charge(&app, &call, &user_id).await?;
    let user = app.db.read("userinfo", move |tx| users::get(tx, &user_id)).await?;
    let user = user.filter(|user| !user.is_blocked()).ok_or(AuthError::InvalidToken)?;
    let connection = app.find(|snapshot| snapshot.has_connection(&user.connection).then_some(())).await?;
    connection.ok_or(AuthError::InvalidToken)?;
    let mut claims = Map::new();
    claims.insert("sub".into(), user.user_id.clone().into());
    claims.extend(user.claims(&scope));
    let reply = Reply::json(StatusCode::OK, &claims).with(header::CACHE_CONTROL, "no-store");
    Ok(match window {
        Some(window) => with_window(reply, window),
        None => reply,
    })
}

/// Takes a token from the user's bucket; its window, or nothing where limits are off. The first half of a bucket is spent
/// in memory, so that a user who signs in and asks once writes nothing; the second is in the database, for all nodes.
async fn charge(app: &App, call: &Call, user_id: &str) -> Result<Option<Window>, AuthError> {
    if !app.config.limits.documented {
        return Ok(None);
    }
    let (key, now) = (format!("userinfo|{user_id}"), app.clock.now());
    let left = OF_USER.left(app.buckets.full_at(&key), now);
    let mut taken = left > 0;
    if taken && left <= SHARED.burst {
        let stored = key.clone();
        let work = move |tx: &mut Tx<'_>| match buckets::take(tx, &stored, SHARED, now)? {
            Some(full_at) => Ok((true, full_at)),
            None => Ok((false, buckets::get(tx, &stored)?.unwrap_or(now))),
        };
        let full_at;
        (taken, full_at) = app.db.write("userinfo.charge", work).await?;
        // As seen from here the first half is gone, and this call is charged below.
        let charged = if taken { OF_USER.interval } else { 0 };
        app.buckets.remember(&key, full_at + (OF_USER.burst - SHARED.burst) * OF_USER.interval - charged, now);
    }
    if taken {
        app.buckets.charge(&key, OF_USER, now);
    }
    let full_at = app.buckets.full_at(&key);
    if !taken {
        limits::note(app, &peer::caller(call, None), &key, "/userinfo", OF_USER.burst).await?;
        return Err(AuthError::TooManyRequests(Window::of(OF_USER, full_at, now), limits::wait(OF_USER, full_at, now)));
    }
    Ok(Some(Window::of(OF_USER, full_at, now)))
}

fn bearer(call: &Call) -> Option<&str> {
    let (scheme, token) = call.header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn from_opaque(app: &App, token: &str) -> Result<Option<(String, String)>, AuthError> {
    let (hash, now) = (issue::token_hash(app, token), app.clock.now());
    let found = app.db.read("userinfo.token", move |tx| access_tokens::get(tx, &hash, now)).await?;
    Ok(found.map(|token| (token.user_id, token.scope)))
}

/// Subject and scope of a JWT that one of our keys signed with RS256, for this endpoint, and that has not ended.
async fn from_jwt(app: &App, token: &Parsed<'_>) -> Result<Option<(String, String)>, AuthError> {
    let key = app.find(|snapshot| snapshot.keys.verifying.iter().find(|key| key.kid() == token.kid()).cloned()).await?;
    if !key.is_some_and(|key| key.verifies(Alg::Rs256, token)) {
        return Ok(None);
    }
    Ok(subject(app, token.claims()))
}

/// Subject and scope of claims that are for this endpoint and have not ended.
fn subject(app: &App, claims: &Map<String, Value>) -> Option<(String, String)> {
    let issuer = app.config.http.issuer();
    let audience = app.config.http.userinfo_audience();
    let for_us = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|one| one == &Value::from(audience.as_str())),
        Some(Value::String(one)) => *one == audience,
        _ => false,
    };
    let live =
        claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp.saturating_mul(SECOND) > app.clock.now());
    let ours = claims.get("iss").and_then(Value::as_str) == Some(issuer.as_str());
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    if for_us && live && ours { Some((text("sub")?, text("scope").unwrap_or_default())) } else { None }
}
