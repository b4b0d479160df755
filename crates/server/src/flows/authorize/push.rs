//! Requests for authorization that a client sends ahead (RFC 9126; `docs/COMPATIBILITY.md` C1316-C1318).

use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::ids;
use ringpass_core::model::authorization::{AuthorizationRequest, OauthError, Parameters};
use ringpass_core::storage::pushed_requests;

use super::{NoTarget, target};
use crate::app::App;
use crate::flows::issue::token_hash;

/// What a client gets for its request.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// What the browser brings in place of the parameters.
    pub request_uri: String,
    /// Seconds that it is good for.
    pub expires_in: i64,
}

/// Why a request was not taken.
#[derive(Debug, Clone)]
pub enum PushRefused {
    /// Client or redirect URI.
    Target(NoTarget),
    /// Anything else in it.
    Request(OauthError),
}

/// Checks a request of a client that has proven itself, and keeps it.
pub async fn push(app: &App, parameters: Parameters) -> Result<Pushed, PushRefused> {
    if parameters.get("request_uri").is_some() {
        return Err(PushRefused::Request(OauthError::new("invalid_request", "request_uri has no place here")));
    }
    let proven = target(app, &parameters).await.map_err(PushRefused::Target)?;
    let client = proven.client;
    AuthorizationRequest::read(&parameters, &client.id, &proven.redirect_uri, client.is_public())
        .map_err(PushRefused::Request)?;
    let secret = ids::token(&app.rng);
    let (hash, expires_at) = (token_hash(app, &secret), app.clock.now() + LIFETIME * SECOND);
    app.db
        .write("authorize.push", move |tx| pushed_requests::insert(tx, &hash, &client.id, &parameters, expires_at))
        .await
        .map_err(|error| PushRefused::Target(NoTarget::Database(error)))?;
    Ok(Pushed { request_uri: format!("{PREFIX}{secret}"), expires_in: LIFETIME })
}

/// The request that `parameters` stand for: the pushed one, which is good once, or they themselves.
pub async fn pushed(app: &App, parameters: Parameters) -> Result<Parameters, NoTarget> {
    let Some(uri) = parameters.get("request_uri") else { return Ok(parameters) };
    let secret = uri.strip_prefix(PREFIX).ok_or(NoTarget::UnknownRequestUri)?;
    let client_id = parameters.get("client_id").ok_or(NoTarget::NoClientId)?.to_owned();
    let (hash, now) = (token_hash(app, secret), app.clock.now());
    let found = app.db.write("authorize.pushed", move |tx| pushed_requests::take(tx, &hash, &client_id, now)).await?;
    found.ok_or(NoTarget::UnknownRequestUri)
}

const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
const LIFETIME: i64 = 30;
