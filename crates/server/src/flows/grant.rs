//! What a grant may hold: which API, which scopes (`docs/COMPATIBILITY.md` C414-C421, C439, C461).

use std::sync::Arc;

use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::event::Event;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::model::scope::OF_USERS;
use ringpass_core::storage::{DbError, Tx, permissions};

use super::caller::Caller;
use super::record;
use super::settle::Required;
use super::token::{self, Issue, Subject, Tokens};
use crate::app::App;
use crate::compute::NotDone;

/// Scopes of OpenID Connect that any client may ask for a user (besides `offline_access`, which has conditions).
const OIDC_SCOPES: &[&str] = &["openid", "profile", "email", "phone", "address"];

/// Why a grant was refused.
#[derive(Debug, Clone)]
pub enum Refused {
    /// No API of that identifier.
    UnknownService(String),
    /// The client has no grant for the API.
    NoClientGrant(String),
    /// Scopes beyond the client's grant.
    Scope(String),
    /// Wrong, unknown, used or superseded code of a connection of this strategy.
    WrongCode(Strategy),
    /// The code's tries are used up.
    MaxAttempts,
    /// The code's time is over.
    CodeExpired,
    /// Wrong password, or nobody of that name.
    WrongPassword,
    /// Blocked by an administrator.
    UserBlocked,
    /// Right code, unknown user, sign-up disabled.
    SignupDisabled,
    /// Brute-force protection.
    TooManyAttempts,
    /// Suspicious-IP throttling.
    SuspiciousAddress,
    /// Too many passwords wait to be hashed.
    Busy,
    /// The first factor is right, and a second one is asked for.
    SecondFactor(Required),
    /// A token could not be signed.
    Signing,
    /// The database failed.
    Database(DbError),
}

impl Refused {
    /// What the caller reads and the tenant log says.
    pub fn sentence(&self) -> String {
        match self {
            Self::UnknownService(audience) => format!("Service not found: {audience}"),
            Self::NoClientGrant(audience) => format!("Client is not authorized to access \"{audience}\"."),
            Self::Scope(scope) => format!("Client has not been granted scopes: {scope}"),
            Self::WrongCode(Strategy::Email) => "Wrong email or verification code.".into(),
            Self::WrongCode(_) => "Wrong phone number or verification code.".into(),
            Self::MaxAttempts => "You've reached the maximum number of attempts. Please try to login again.".into(),
            Self::CodeExpired => "The verification code has expired. Please try to login again.".into(),
            Self::WrongPassword => "Wrong email or password.".into(),
            Self::UserBlocked => "user is blocked".into(),
            Self::SignupDisabled => "Public signup is disabled".into(),
            Self::TooManyAttempts => "Your account has been blocked after multiple consecutive login attempts. We've sent you a notification via your preferred contact method with instructions on how to unblock it.".into(),
            Self::SuspiciousAddress => "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator.".into(),
            Self::SecondFactor(_) => "Multifactor authentication required".into(),
            Self::Busy | Self::Signing | Self::Database(_) => "server_error".into(),
        }
    }
}

impl From<NotDone> for Refused {
    fn from(not_done: NotDone) -> Self {
        match not_done {
            NotDone::Busy => Self::Busy,
            NotDone::Panicked => Self::Signing,
        }
    }
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// An API and the scopes granted on it.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The API; `None` asks for an opaque token.
    pub api: Option<Arc<ResourceServer>>,
    /// Scopes, in the order asked for.
    pub scope: Vec<String>,
    /// What the user may do on an API that enforces policies, or the machine was granted: `permissions` of the token.
    pub permissions: Vec<String>,
    /// Everything asked for that the user's permissions may yet allow ([`Granted::settle`]).
    wanted: Vec<String>,
}

impl Granted {
    /// Whether a scope was granted.
    pub fn has(&self, scope: &str) -> bool {
        self.scope.iter().any(|granted| granted == scope)
    }

    /// Completes a grant for this user: an API that enforces policies gives the scopes that the user has permissions for.
    /// Only then does it ask the database.
    pub fn settle(mut self, tx: &mut Tx<'_>, user_id: &str) -> Result<Self, DbError> {
        let Some(api) = self.api.as_ref().filter(|api| api.enforce_policies()) else { return Ok(self) };
        let held = permissions::on_api(tx, user_id, api.identifier())?;
        self.scope = std::mem::take(&mut self.wanted);
        Ok(self.limited(held))
    }

    /// The same grant with no more scopes of the API than `held`, if the API enforces policies.
    fn limited(mut self, mut held: Vec<String>) -> Self {
        let Some(api) = self.api.as_ref().filter(|api| api.enforce_policies()) else { return self };
        held.retain(|name| api.scopes().contains(&name.as_str()));
        self.scope.retain(|name| is_oidc(name) || name == "offline_access" || held.contains(name));
        self.permissions = held;
        self
    }

    /// What a refresh token grants: these scopes, as far as the user still has permissions for them.
    pub fn again(api: Option<Arc<ResourceServer>>, scope: Vec<String>, held: Vec<String>) -> Self {
        Self { api, scope, permissions: Vec::new(), wanted: Vec::new() }.limited(held)
    }

    /// The scopes, space separated.
    pub fn scope_text(&self) -> String {
        self.scope.join(" ")
    }
}

/// Resolves what a client asks for a user. Scopes that the API does not know are dropped without a word.
pub async fn for_user(app: &App, client: &Client, audience: Option<&str>, scope: &str) -> Result<Granted, Refused> {
    let api = match audience_or_default(app, audience) {
        Some(audience) if audience == app.config.http.userinfo_audience() => None,
        Some(audience) => Some(find_api(app, &audience).await?),
        None => None,
    };
    if let Some(api) = api.as_ref().filter(|api| api.user_policy() == "deny_all") {
        return Err(Refused::NoClientGrant(api.identifier().to_owned()));
    }
    let offline = client.allows_grant("refresh_token") && api.as_ref().is_none_or(|api| api.allow_offline_access());
    let on_api = |name: &str| {
        api.as_ref().is_some_and(|api| {
            // Of the Management API users get what reaches no further than themselves; the rest is for machines.
            let is_management = api.is_system && api.identifier() == app.config.http.management_audience();
            let known = if is_management { OF_USERS.contains(&name) } else { api.scopes().contains(&name) };
            known && api.user_policy() == "allow_all"
        })
    };
    let mut wanted: Vec<String> = Vec::new();
    for name in scope.split_ascii_whitespace() {
        let allowed = is_oidc(name) || (name == "offline_access" && offline) || on_api(name);
        if allowed && !wanted.iter().any(|known| known == name) {
            wanted.push(name.to_owned());
        }
    }
    let enforced = api.as_ref().is_some_and(|api| api.enforce_policies());
    let sure = |name: &&String| !enforced || is_oidc(name) || *name == "offline_access";
    let scope = wanted.iter().filter(sure).cloned().collect();
    Ok(Granted { api, scope, permissions: Vec::new(), wanted })
}

fn is_oidc(name: &str) -> bool {
    OIDC_SCOPES.contains(&name)
}

/// Grants a machine its scopes on an API (client credentials) and signs its token.
pub async fn client_credentials(
    app: &App,
    client: Arc<Client>,
    audience: &str,
    scope: Option<&str>,
    caller: &Caller,
) -> Result<Tokens, Refused> {
    let granted = for_client(app, &client, audience, scope).await;
    let (kind, description, scope) = match &granted {
        Ok(granted) => ("seccft", String::new(), granted.scope_text()),
        Err(refused) => ("feccft", refused.sentence(), scope.unwrap_or_default().to_owned()),
    };
    let event = Event {
        description,
        client_id: client.id.clone(),
        client_name: client.name().to_owned(),
        audience: audience.to_owned(),
        scope,
        ..record::event(kind, caller)
    };
    let journal = app.journal.clone();
    app.db.write_behind("grant.client_credentials", move |tx| journal.write(tx, event)).await?;
    let issue = Issue {
        client,
        granted: granted?,
        subject: Subject::Client,
        gty: Some("client-credentials".to_owned()),
        opaque: None,
        refresh_token: None,
        session_id: String::new(),
        nonce: None,
        auth_time: None,
        amr: false,
        front: None,
    };
    token::sign(app, issue).await.ok_or(Refused::Signing)
}

async fn for_client(app: &App, client: &Client, audience: &str, scope: Option<&str>) -> Result<Granted, Refused> {
    let api = find_api(app, audience).await?;
    let grant = app.find(|snapshot| snapshot.grant(&client.id, audience)).await?;
    let grant = grant
        .filter(|_| api.client_policy() != "deny_all")
        .ok_or_else(|| Refused::NoClientGrant(audience.to_owned()))?;
    let may: Vec<&str> = if grant.allow_all_scopes() { api.scopes() } else { grant.scope() };
    let scope: Vec<String> = match scope {
        None => may.iter().map(|&name| name.to_owned()).collect(),
        Some(asked) => {
            let asked: Vec<&str> = asked.split_ascii_whitespace().collect();
            let beyond: Vec<&str> = asked.iter().filter(|name| !may.contains(name)).copied().collect();
            if !beyond.is_empty() {
                return Err(Refused::Scope(beyond.join(" ")));
            }
            let mut once: Vec<String> = Vec::new();
            for name in asked {
                if !once.iter().any(|known| known == name) {
                    once.push(name.to_owned());
                }
            }
            once
        }
    };
    Ok(Granted { api: Some(api), permissions: scope.clone(), scope, wanted: Vec::new() })
}

/// An API by its identifier.
pub async fn find_api(app: &App, audience: &str) -> Result<Arc<ResourceServer>, Refused> {
    let found = app.find(|snapshot| snapshot.resource_server(audience)).await?;
    found.ok_or_else(|| Refused::UnknownService(audience.to_owned()))
}

fn audience_or_default(app: &App, audience: Option<&str>) -> Option<String> {
    audience.map(str::to_owned).or_else(|| app.snapshot().settings.default_audience().map(str::to_owned))
}
