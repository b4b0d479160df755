//! `/.well-known/*`: discovery (OpenID Connect Discovery 1.0, RFC 8414) and the key set (RFC 7517).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::kit::public_key::Alg;
use serde_json::json;

use super::error::AuthError;
use crate::app::App;
use crate::web::{Call, Reply};

/// What this server can do, and where. Endpoints that do not exist yet are left out.
pub(super) async fn discovery(app: Arc<App>, _call: Call) -> Result<Reply, AuthError> {
    let issuer = app.config.http.issuer();
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}authorize"),
        "token_endpoint": format!("{issuer}oauth/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}oauth/par"),
        "revocation_endpoint": format!("{issuer}oauth/revoke"),
        "userinfo_endpoint": format!("{issuer}userinfo"),
        "mfa_challenge_endpoint": format!("{issuer}mfa/challenge"),
        "jwks_uri": format!("{issuer}.well-known/jwks.json"),
        "scopes_supported": [
            "openid", "profile", "offline_access", "name", "given_name", "family_name", "nickname", "email",
            "email_verified", "picture", "created_at", "identities", "phone", "address"
        ],
        "response_types_supported": [
            "code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token"
        ],
        "code_challenge_methods_supported": ["S256", "plain"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["HS256", "RS256", "PS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": Alg::ALL.map(Alg::name),
        "claims_supported": [
            "aud", "auth_time", "created_at", "email", "email_verified", "exp", "family_name", "given_name", "iat",
            "identities", "iss", "name", "nickname", "phone_number", "picture", "sub"
        ],
        "request_uri_parameter_supported": false,
        "request_parameter_supported": false,
    });
    if let (true, Some(members)) = (app.snapshot().settings.names_end_session_endpoint(), document.as_object_mut()) {
        members.insert("end_session_endpoint".into(), format!("{issuer}oidc/logout").into());
    }
    Ok(cached(Reply::json(StatusCode::OK, &document)))
}

/// Current, next and not yet revoked previous keys.
pub(super) async fn jwks(app: Arc<App>, _call: Call) -> Result<Reply, AuthError> {
    let body = app.snapshot().keys.jwks.clone();
    Ok(cached(Reply::bytes(StatusCode::OK, "application/json; charset=utf-8", body)))
}

fn cached(reply: Reply) -> Reply {
    reply.with(header::CACHE_CONTROL, "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
}
