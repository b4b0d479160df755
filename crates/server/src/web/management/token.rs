//! The access token of a management call: read from the header, checked, and reduced to what doors ask of it
//! (`docs/COMPATIBILITY.md` C605-C611, C1183).

use http::header;
use ringpass_core::kit::jwt::{Alg, Parsed};
use ringpass_core::storage::users;
use serde_json::{Map, Value};

use super::error::ApiError;
use crate::app::App;
use crate::web::Call;

/// A checked access token.
#[derive(Debug, Clone, Default)]
pub struct Token {
    /// The client it was issued to.
    pub client_id: String,
    /// Its subject: `{client id}@clients`, or a user id.
    pub subject: String,
    /// Its own id.
    pub id: String,
    /// What it permits.
    pub scopes: Vec<String>,
}

impl Token {
    /// Reads and checks the token of a call.
    pub async fn of(app: &App, call: &Call) -> Result<Self, ApiError> {
        let header = call.headers.get(header::AUTHORIZATION).ok_or(ApiError::MissingAuthentication)?;
        let text = header.to_str().map_err(|_| ApiError::BadAuthenticationHeader)?;
        let mut parts = text.split(' ').filter(|part| !part.is_empty());
        let (Some(scheme), Some(token), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ApiError::BadAuthenticationHeader);
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::BadAuthenticationHeader);
        }
        let parsed = Parsed::new(token).ok_or(ApiError::InvalidToken)?;
        if parsed.alg() != Alg::Rs256.name() {
            return Err(ApiError::InvalidToken);
        }
        let by_kid = |key: &&ringpass_core::kit::jwt::RsaKey| key.kid() == parsed.kid();
        let key = app.find(|snapshot| snapshot.keys.verifying.iter().find(by_kid).cloned()).await?;
        if !key.ok_or(ApiError::InvalidToken)?.verifies(Alg::Rs256, &parsed) {
            return Err(ApiError::InvalidSignature);
        }
        let (issuer, audience) = (app.config.http.issuer(), app.config.http.management_audience());
        let token = Self::from_claims(parsed.claims(), &issuer, &audience, app.clock.now())?;
        token.check_user(app).await?;
        Ok(token)
    }

    /// A user's own token is good for as long as there is such a user, who is not blocked (C1183).
    async fn check_user(&self, app: &App) -> Result<(), ApiError> {
        // The ids of users have a bar in them, those of clients do not.
        if !self.subject.contains('|') {
            return Ok(());
        }
        let id = self.subject.clone();
        let user = app.db.read("token.user", move |tx| users::get(tx, &id)).await?;
        if user.is_some_and(|user| !user.is_blocked()) { Ok(()) } else { Err(ApiError::InvalidToken) }
    }

    /// Whether it permits one of `scopes`; an empty list asks for nothing.
    pub fn permits(&self, scopes: &[&str]) -> bool {
        scopes.is_empty() || scopes.iter().any(|scope| self.has(scope))
    }

    /// Whether it holds this scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    fn from_claims(claims: &Map<String, Value>, issuer: &str, audience: &str, now: i64) -> Result<Self, ApiError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let expiry = claims.get("exp").and_then(Value::as_i64).ok_or(ApiError::InvalidToken)?;
        if expiry.saturating_mul(1_000) <= now {
            return Err(ApiError::ExpiredToken);
        }
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !audiences.contains(&audience) {
            return Err(ApiError::BadAudience(audiences.join(",")));
        }
        if text("iss") != issuer {
            return Err(ApiError::InvalidToken);
        }
        let client = if text("azp").is_empty() { text("client_id") } else { text("azp") };
        Ok(Self {
            client_id: client.to_owned(),
            subject: text("sub").to_owned(),
            id: text("jti").to_owned(),
            scopes: text("scope").split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(change: &Value) -> Result<Token, ApiError> {
        let mut claims = json!({"iss": "https://a/", "aud": ["x", "https://a/api/v2/"], "exp": 100, "azp": "c",
            "sub": "c@clients", "scope": "read:users read:logs"});
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Token::from_claims(claims.as_object().unwrap(), "https://a/", "https://a/api/v2/", 99_999)
    }

    #[test]
    fn claims_are_checked_in_order() {
        let token = check(&json!({})).unwrap();
        assert_eq!((token.client_id.as_str(), token.has("read:logs"), token.has("read:log")), ("c", true, false));
        assert!(token.permits(&[]) && token.permits(&["nope", "read:users"]) && !token.permits(&["nope"]));
        for (change, sentence) in [
            (json!({"exp": 99}), "Expired token received for JSON Web Token validation"),
            (json!({"exp": null}), "Invalid token"),
            (json!({"aud": "https://b/"}), "Bad audience: https://b/"),
            (json!({"iss": "https://b/"}), "Invalid token"),
        ] {
            assert_eq!(check(&change).unwrap_err().message(), sentence);
        }
    }
}
