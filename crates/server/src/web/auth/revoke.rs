//! `POST /oauth/revoke`: a client hands a refresh token back (RFC 7009; `docs/COMPATIBILITY.md` C1070-C1074).

use std::sync::Arc;

use http::StatusCode;

use super::body::{self, required};
use super::error::AuthError;
use super::token::authenticate;
use crate::app::App;
use crate::flows;
use crate::web::{Call, Reply};

/// Revokes a token. The answer is the same whether there was something to revoke or not.
pub(super) async fn revoke(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let (client, caller) = authenticate(&app, &call, &members).await.map_err(|error| match error {
        AuthError::Unauthorized => AuthError::InvalidClient,
        other => other,
    })?;
    flows::revoke::revoke(&app, client, required(&members, "token")?, &caller).await?;
    Ok(Reply::empty(StatusCode::OK))
}
