//! Makes the tokens of a grant: opaque or JWT access token, ID token (`docs/COMPATIBILITY.md` C501-C508; RFC 9068).

use std::sync::Arc;

use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::jwt::{self, Alg, RsaKey};
use ringpass_core::model::client::Client;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::model::user::User;
use serde::Serialize;
use serde_json::{Map, Value};

use super::grant::Granted;
use crate::app::App;

/// Seconds that an opaque access token lives.
pub const OPAQUE_LIFETIME: i64 = 86_400;

/// Whom the tokens speak for.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A person.
    User(Box<User>),
    /// The client itself.
    Client,
}

/// Everything the tokens of one answer are made from.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Who gets them.
    pub client: Arc<Client>,
    /// API and scopes.
    pub granted: Granted,
    /// Whom they speak for.
    pub subject: Subject,
    /// `gty` of the access token.
    pub gty: Option<&'static str>,
    /// An opaque access token that is already on record.
    pub opaque: Option<String>,
    /// A refresh token that is already on record.
    pub refresh_token: Option<String>,
    /// `sid` of the ID token; empty once the session has ended.
    pub session_id: String,
}

/// The answer of the token endpoint.
#[derive(Debug, Serialize)]
pub struct Tokens {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    expires_in: i64,
    token_type: &'static str,
}

/// Signs what has to be signed, on a blocking thread. `None` only if the cryptography fails.
pub async fn sign(app: &App, issue: Issue) -> Option<Tokens> {
    let key = app.snapshot().keys.current.clone();
    let (issuer, now) = (app.config.http.issuer(), app.clock.now() / SECOND);
    let jti = app.rng.base64url(16);
    app.compute(move || {
        let expires_in = issue.granted.api.as_ref().map_or(OPAQUE_LIFETIME, |api| api.token_lifetime());
        let access_token = match (&issue.granted.api, issue.opaque.clone()) {
            (Some(api), _) => access_token(&key, &issue, api, &issuer, now, jti)?,
            (None, opaque) => opaque?,
        };
        let id_token = match &issue.subject {
            Subject::User(user) if issue.granted.has("openid") => Some(id_token(&key, &issue, user, &issuer, now)?),
            _ => None,
        };
        Some(Tokens {
            access_token,
            id_token,
            refresh_token: issue.refresh_token.clone(),
            scope: issue.granted.scope_text(),
            expires_in,
            token_type: "Bearer",
        })
    })
    .await?
}

fn access_token(
    key: &RsaKey,
    issue: &Issue,
    api: &ResourceServer,
    issuer: &str,
    now: i64,
    jti: String,
) -> Option<String> {
    let dialect = api.token_dialect();
    let rfc9068 = dialect.starts_with("rfc9068_profile");
    let alg = api.signing_alg();
    let mut claims = Map::new();
    let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    set("iss", issuer.into());
    set(
        "sub",
        match &issue.subject {
            Subject::User(user) => user.user_id.clone().into(),
            Subject::Client => format!("{}@clients", issue.client.id).into(),
        },
    );
    // /userinfo takes only RS256 tokens, so only those name it.
    let with_userinfo = alg == Alg::Rs256 && issue.granted.has("openid");
    set(
        "aud",
        if with_userinfo {
            vec![api.identifier().to_owned(), format!("{issuer}userinfo")].into()
        } else {
            api.identifier().into()
        },
    );
    set("iat", now.into());
    set("exp", (now + api.token_lifetime()).into());
    let scope = issue.granted.scope_text();
    if !scope.is_empty() {
        set("scope", scope.into());
    }
    if rfc9068 {
        set("client_id", issue.client.id.clone().into());
        set("jti", jti.into());
    } else {
        if let Some(gty) = issue.gty {
            set("gty", gty.into());
        }
        set("azp", issue.client.id.clone().into());
    }
    if api.enforce_policies() && dialect.ends_with("_authz") {
        set("permissions", issue.granted.permissions.clone().into());
    }
    let typ = if rfc9068 { "at+jwt" } else { "JWT" };
    match alg {
        Alg::Hs256 => jwt::sign_hs256(api.signing_secret.expose().as_bytes(), typ, &claims),
        alg => key.sign(alg, typ, &claims),
    }
}

fn id_token(key: &RsaKey, issue: &Issue, user: &User, issuer: &str, now: i64) -> Option<String> {
    let client = &issue.client;
    let scope: Vec<&str> = issue.granted.scope.iter().map(String::as_str).collect();
    let mut claims = user.claims(&scope);
    let mut set = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    set("iss", issuer.into());
    set("sub", user.user_id.clone().into());
    set("aud", client.id.clone().into());
    set("iat", now.into());
    set("exp", (now + client.id_token_lifetime()).into());
    if !issue.session_id.is_empty() {
        set("sid", issue.session_id.clone().into());
    }
    match client.id_token_alg() {
        // A public client has no secret to share a key with.
        Alg::Hs256 if !client.is_public() => jwt::sign_hs256(client.secret.expose().as_bytes(), "JWT", &claims),
        Alg::Hs256 => key.sign(Alg::Rs256, "JWT", &claims),
        alg => key.sign(alg, "JWT", &claims),
    }
}
