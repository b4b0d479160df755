//! Makes the tokens of a grant: opaque or JWT access token, ID token (`docs/COMPATIBILITY.md` C501-C508; RFC 9068).

use std::sync::Arc;

use ringpass_core::kit::clock::SECOND;
use ringpass_core::kit::hash;
use ringpass_core::kit::jwt::{self, Alg, RsaKey};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::model::user::User;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::grant::Granted;
use super::mfa::MULTI_FACTOR;
use crate::app::App;

/// Seconds that an opaque access token lives.
pub const OPAQUE_LIFETIME: i64 = 86_400;
/// The same for one that travelled through the browser.
pub const WEB_LIFETIME: i64 = 7_200;

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
    pub gty: Option<String>,
    /// An opaque access token that is already on record.
    pub opaque: Option<String>,
    /// A refresh token that is already on record.
    pub refresh_token: Option<String>,
    /// `sid` of the ID token; empty once the session has ended.
    pub session_id: String,
    /// `nonce` of the ID token.
    pub nonce: Option<String>,
    /// `auth_time` of the ID token, seconds.
    pub auth_time: Option<i64>,
    /// Whether a second factor was proven just now, on the pages: the ID token tells.
    pub amr: bool,
    /// Set when the tokens travel through the browser.
    pub front: Option<Front>,
}

/// What travels through the browser (OpenID Connect Core §3.2, §3.3).
#[derive(Debug, Clone)]
pub struct Front {
    /// Whether an access token does.
    pub access_token: bool,
    /// Whether an ID token does.
    pub id_token: bool,
    /// The code that goes along; the ID token vouches for it.
    pub code: Option<String>,
}

/// The answer of the token endpoint.
#[derive(Debug, Serialize)]
pub struct Tokens {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_code: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    expires_in: i64,
    token_type: &'static str,
}

impl Tokens {
    /// The same with the recovery code that takes the place of the one that was used.
    #[must_use]
    pub fn with_recovery_code(self, code: Option<&Secret>) -> Self {
        Self { recovery_code: code.map(|code| code.expose().to_owned()), ..self }
    }

    /// The tokens as parameters of an answer through the browser; no access token, no word about one.
    pub fn into_parameters(self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        if !self.access_token.is_empty() {
            parameters.push(("access_token", self.access_token));
            if !self.scope.is_empty() {
                parameters.push(("scope", self.scope));
            }
            parameters.push(("expires_in", self.expires_in.to_string()));
            parameters.push(("token_type", self.token_type.to_owned()));
        }
        parameters.extend(self.id_token.map(|token| ("id_token", token)));
        parameters
    }
}

/// Signs what has to be signed, on a blocking thread. `None` only if the cryptography fails.
pub async fn sign(app: &App, issue: Issue) -> Option<Tokens> {
    let key = app.snapshot().keys.current.clone();
    let (issuer, now) = (app.config.http.issuer(), app.clock.now() / SECOND);
    let jti = app.rng.base64url(16);
    app.compute(move || {
        let expires_in = lifetime(&issue);
        let access_token = match (&issue.granted.api, issue.opaque.clone()) {
            _ if issue.front.as_ref().is_some_and(|front| !front.access_token) => String::new(),
            (Some(api), _) => access_token(&key, &issue, api, &issuer, (now, expires_in), jti)?,
            (None, opaque) => opaque?,
        };
        let wants_id_token = issue.front.as_ref().map_or_else(|| issue.granted.has("openid"), |front| front.id_token);
        let id_token = match &issue.subject {
            Subject::User(user) if wants_id_token => Some(id_token(&key, &issue, user, &issuer, now, &access_token)?),
            _ => None,
        };
        Some(Tokens {
            access_token,
            id_token,
            refresh_token: issue.refresh_token.clone(),
            recovery_code: None,
            scope: issue.granted.scope_text(),
            expires_in,
            token_type: "Bearer",
        })
    })
    .await?
}

/// Seconds that the access token lives.
fn lifetime(issue: &Issue) -> i64 {
    match (&issue.granted.api, &issue.front) {
        (Some(api), None) => api.token_lifetime(),
        (Some(api), Some(_)) => api.token_lifetime_for_web(),
        (None, None) => OPAQUE_LIFETIME,
        (None, Some(_)) => WEB_LIFETIME,
    }
}

fn access_token(
    key: &RsaKey,
    issue: &Issue,
    api: &ResourceServer,
    issuer: &str,
    (now, lives): (i64, i64),
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
    set("exp", (now + lives).into());
    let scope = issue.granted.scope_text();
    if !scope.is_empty() {
        set("scope", scope.into());
    }
    if rfc9068 {
        set("client_id", issue.client.id.clone().into());
        set("jti", jti.into());
    } else {
        if let Some(gty) = &issue.gty {
            set("gty", gty.as_str().into());
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

fn id_token(key: &RsaKey, issue: &Issue, user: &User, issuer: &str, now: i64, access_token: &str) -> Option<String> {
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
    if let Some(nonce) = &issue.nonce {
        set("nonce", nonce.clone().into());
    }
    if let Some(auth_time) = issue.auth_time {
        set("auth_time", auth_time.into());
    }
    if issue.amr {
        set("amr", json!(["mfa"]));
        set("acr", MULTI_FACTOR.into());
    }
    if let Some(front) = &issue.front {
        if front.access_token {
            set("at_hash", half_hash(access_token).into());
        }
        if let Some(code) = &front.code {
            set("c_hash", half_hash(code).into());
        }
    }
    match client.id_token_alg() {
        // A public client has no secret to share a key with.
        Alg::Hs256 if !client.is_public() => jwt::sign_hs256(client.secret.expose().as_bytes(), "JWT", &claims),
        Alg::Hs256 => key.sign(Alg::Rs256, "JWT", &claims),
        alg => key.sign(alg, "JWT", &claims),
    }
}

/// The left half of the SHA-256: what an ID token says of the tokens beside it. Every algorithm here hashes with SHA-256.
fn half_hash(text: &str) -> String {
    hash::base64url(hash::sha256(text.as_bytes()).split_at(16).0)
}
