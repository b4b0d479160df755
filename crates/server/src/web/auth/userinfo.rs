//! `GET|POST /userinfo`: the claims of whoever an access token speaks for (OpenID Connect Core §5.3).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::jwt::{Alg, Parsed};
use ringpass_core::storage::{tokens, users};
use serde_json::{Map, Value};

use super::error::AuthError;
use crate::app::App;
use crate::flows::refresh;
use crate::web::{Call, Reply};

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
    let user = app.db.read("userinfo", move |tx| users::get(tx, &user_id)).await?;
    let user = user.filter(|user| !user.is_blocked()).ok_or(AuthError::InvalidToken)?;
    let mut claims = Map::new();
    claims.insert("sub".into(), user.user_id.clone().into());
    claims.extend(user.claims(&scope));
    Ok(Reply::json(StatusCode::OK, &claims).with(header::CACHE_CONTROL, "no-store"))
}

fn bearer(call: &Call) -> Option<&str> {
    let (scheme, token) = call.header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn from_opaque(app: &App, token: &str) -> Result<Option<(String, String)>, AuthError> {
    let (hash, now) = (refresh::token_hash(app, token), app.clock.now());
    let found = app.db.read("userinfo.token", move |tx| tokens::access(tx, &hash, now)).await?;
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
    let audience = format!("{issuer}userinfo");
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
