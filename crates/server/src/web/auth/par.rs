//! `POST /oauth/par`: a client sends its request for authorization ahead (RFC 9126; `docs/COMPATIBILITY.md` C1316-C1318).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::model::authorization::Parameters;
use serde_json::{Value, json};

use super::body;
use super::error::AuthError;
use super::token::authenticate;
use crate::app::App;
use crate::flows::authorize::{self, PushRefused};
use crate::web::{Call, Reply};

/// Members that prove the client and are no part of the request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// Keeps a request for half a minute.
pub(super) async fn push(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let members = body::read(&call, &AuthError::BadOauthBody)?;
    let (client, _) = authenticate(&app, &call, &members).await.map_err(|error| match error {
        AuthError::Unauthorized => AuthError::InvalidClient,
        other => other,
    })?;
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, value) in &members {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(AuthError::BadAuthorization(
                    "invalid_request",
                    format!("Parameter must be a string: {name}"),
                ));
            }
        };
        if !CREDENTIALS.contains(&name.as_str()) && name != "client_id" {
            parameters.push((name.clone(), text));
        }
    }
    parameters.push(("client_id".into(), client.id.clone()));
    let pushed = authorize::push(&app, Parameters(parameters)).await.map_err(|refused| match refused {
        PushRefused::Target(why) => why.into(),
        PushRefused::Request(error) => AuthError::from(error),
    })?;
    let body = json!({"request_uri": pushed.request_uri, "expires_in": pushed.expires_in});
    Ok(Reply::json(StatusCode::CREATED, &body).with(header::CACHE_CONTROL, "no-store"))
}
