//! The authorization endpoint: who asks, whether the session answers, what the answer carries (RFC 6749 §4, OpenID Connect
//! Core §3; `docs/COMPATIBILITY.md` C1300-C1344).

mod answer;
mod begin;
mod push;
mod redeem;
mod resume;

use std::sync::Arc;

use ringpass_core::model::authorization::{OauthError, Parameters, ResponseMode};
use ringpass_core::model::client::Client;
use ringpass_core::model::redirect::is_safe;
use ringpass_core::storage::DbError;

use crate::app::App;

pub use answer::{Answer, error};
pub use begin::{Begun, Visitor, begin};
pub use push::{PushRefused, Pushed, push, pushed};
pub use redeem::{Brought, redeem};
pub use resume::{Resumed, resume};

/// A client and where its answer goes: both proven, so that errors may go there too.
#[derive(Debug, Clone)]
pub struct Target {
    /// Who asks.
    pub client: Arc<Client>,
    /// One of its callbacks.
    pub redirect_uri: String,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// Echoed in the answer.
    pub state: Option<String>,
}

/// Why there is nowhere to send an answer to: the person sees a page.
#[derive(Debug, Clone)]
pub enum NoTarget {
    /// `client_id` is missing.
    NoClientId,
    /// No such client.
    UnknownClient(String),
    /// The redirect URI is none of the client's callbacks.
    BadRedirectUri(String),
    /// The client has no callback at all.
    NoCallback,
    /// A web message would go to an origin that the client does not list.
    BadOrigin(String),
    /// The connection is none of the client's passwordless ones.
    NoConnection,
    /// A pushed request that is unknown, used or too old.
    UnknownRequestUri,
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for NoTarget {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl NoTarget {
    /// What operators and callers read.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoClientId => "Missing required parameter: client_id".into(),
            Self::UnknownClient(id) => format!("Unknown client: {id}"),
            Self::BadRedirectUri(uri) => {
                format!("Callback URL mismatch. {uri} is not in the list of allowed callback URLs")
            }
            Self::NoCallback => "The client has no allowed callback URL".into(),
            Self::BadOrigin(origin) => format!("{origin} is not in the list of allowed web origins"),
            Self::NoConnection => "the connection was not found".into(),
            Self::UnknownRequestUri => "Unknown, used or expired request_uri".into(),
            Self::Database(_) => "server_error".into(),
        }
    }
}

/// Proves client and redirect URI: nothing is ever sent anywhere else.
pub async fn target(app: &App, parameters: &Parameters) -> Result<Target, NoTarget> {
    let id = parameters.get("client_id").ok_or(NoTarget::NoClientId)?;
    let client = app.find(|snapshot| snapshot.client(id)).await?;
    let client = client.ok_or_else(|| NoTarget::UnknownClient(id.to_owned()))?;
    let callbacks = client.callbacks();
    let redirect_uri = match parameters.get("redirect_uri") {
        Some(uri) if callbacks.iter().any(|callback| callback == uri) && is_safe(uri) => uri.to_owned(),
        Some(uri) => return Err(NoTarget::BadRedirectUri(uri.to_owned())),
        None => callbacks.into_iter().find(|uri| is_safe(uri)).ok_or(NoTarget::NoCallback)?,
    };
    let mode = parameters.response_mode();
    let target = Target { client, redirect_uri, mode, state: parameters.get("state").map(str::to_owned) };
    if mode == ResponseMode::WebMessage && !target.takes_web_messages() {
        return Err(NoTarget::BadOrigin(target.origin()));
    }
    Ok(target)
}

impl Target {
    /// The origin that a web message goes to.
    pub fn origin(&self) -> String {
        url::Url::parse(&self.redirect_uri).map(|uri| uri.origin().ascii_serialization()).unwrap_or_default()
    }

    fn takes_web_messages(&self) -> bool {
        let origin = self.origin();
        origin != "null" && crate::snapshot::lists(self.client.web_origins(), &origin)
    }
}

/// The error that a client may not ask for this.
fn not_allowed(what: &str) -> OauthError {
    OauthError::new("unauthorized_client", format!("{what} not allowed for the client"))
}
