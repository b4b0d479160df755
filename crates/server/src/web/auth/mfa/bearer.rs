//! Who calls the MFA API: an `mfa_token`, or an access token for it (`docs/COMPATIBILITY.md` C1789).

use http::header;
use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::hash;
use ringpass_core::kit::jwt::{Alg, Parsed};
use ringpass_core::model::mfa::{MfaTransaction, Wanted};
use ringpass_core::storage::{Tx, authenticators, users};
use serde_json::Value;

use super::error::MfaError;
use super::{Waiting, waiting};
use crate::app::App;
use crate::web::Call;
use crate::web::auth::error::AuthError;

/// Whoever calls, and what they may do.
pub(super) struct Bearer {
    /// The sign-in that waits, or one that stands for the access token.
    pub waiting: Waiting,
    /// Scopes of an access token; nothing for an `mfa_token`.
    pub scopes: Option<Vec<String>>,
    /// When an access token was issued.
    pub issued_at: Option<Millis>,
}

impl Bearer {
    /// Reads the `Authorization` header.
    pub(super) async fn of(app: &App, call: &Call) -> Result<Self, AuthError> {
        let sent = call.header(header::AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '));
        let token = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        Self::read(app, token.ok_or(AuthError::InvalidToken)?).await
    }

    /// Reads a token of either kind.
    pub(super) async fn read(app: &App, token: &str) -> Result<Self, AuthError> {
        if let Some(parsed) = Parsed::new(token) {
            return from_jwt(app, token, &parsed).await?.ok_or(AuthError::InvalidToken);
        }
        match waiting(app, token, true).await {
            Ok(waiting) => Ok(Self { waiting, scopes: None, issued_at: None }),
            Err(MfaError::TokenMalformed | MfaError::TokenExpired) => Err(AuthError::InvalidToken),
            Err(other) => Err(other.into()),
        }
    }

    /// Whether an access token with this scope calls.
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_some_and(|scopes| scopes.iter().any(|held| held == scope))
    }

    /// Refuses an access token without this scope; an `mfa_token` passes.
    pub(super) fn needs(&self, scope: &'static str) -> Result<(), MfaError> {
        if self.scopes.is_none() || self.has(scope) { Ok(()) } else { Err(MfaError::InsufficientScope(scope)) }
    }
}

/// An access token of a user for the MFA API that one of our keys signed and that has not ended.
async fn from_jwt(app: &App, text: &str, token: &Parsed<'_>) -> Result<Option<Bearer>, AuthError> {
    let key = app.find(|snapshot| snapshot.keys.verifying.iter().find(|key| key.kid() == token.kid()).cloned()).await?;
    if token.alg() != Alg::Rs256.name() || !key.is_some_and(|key| key.verifies(Alg::Rs256, token)) {
        return Ok(None);
    }
    let claims = token.claims();
    let said = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let audience = app.config.http.mfa_audience();
    let for_us = match claims.get("aud") {
        Some(Value::String(one)) => *one == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(&audience)),
        _ => false,
    };
    let expires_at = claims.get("exp").and_then(Value::as_i64).unwrap_or_default().saturating_mul(SECOND);
    if !for_us || said("iss") != app.config.http.issuer() || expires_at <= app.clock.now() {
        return Ok(None);
    }
    let id = said("sub").to_owned();
    let read = move |tx: &mut Tx<'_>| Ok((users::get(tx, &id)?, authenticators::list_of_user(tx, &id)?));
    let (user, all) = app.db.read("mfa.user", read).await?;
    let Some(user) = user.filter(|user| !user.is_blocked()) else { return Ok(None) };
    let scope = said("scope").to_owned();
    let transaction = MfaTransaction {
        // What is begun with a token is confirmed with it.
        id: hash::base64url(&hash::sha256(text.as_bytes())),
        user_id: user.user_id.clone(),
        client_id: said("azp").to_owned(),
        wanted: Wanted { audience: Some(audience), scope: scope.clone(), gty: None },
    };
    let scopes = Some(scope.split_ascii_whitespace().map(str::to_owned).collect());
    let issued_at = claims.get("iat").and_then(Value::as_i64).map(|iat| iat.saturating_mul(SECOND));
    Ok(Some(Bearer { waiting: Waiting { transaction, user, all }, scopes, issued_at }))
}
