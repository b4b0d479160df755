//! Client authentication: none, post, basic, `private_key_jwt` (`docs/COMPATIBILITY.md` C403-C405, C413, C1121-C1129).

use std::sync::Arc;

use http::header;
use ringpass_core::kit::hash;
use ringpass_core::model::assertion::{Assertion, Refused};
use ringpass_core::model::client::{AuthMethod, Client};
use ringpass_core::storage::DbError;

use crate::app::App;
use crate::flows::assertion::{self, AssertionRefused, Sent};
use crate::web::Call;

/// Credentials as they were sent.
#[derive(Debug, Default)]
pub struct Credentials {
    /// Client id, from the body or from HTTP Basic.
    pub client_id: Option<String>,
    /// Client secret, likewise.
    pub secret: Option<String>,
    /// Signed assertion.
    pub assertion: Option<Sent>,
}

/// What checking credentials came to.
#[derive(Debug)]
pub enum Checked {
    /// A confidential client that proved itself.
    Proven(Arc<Client>),
    /// A public client: nothing to prove.
    Public(Arc<Client>),
    /// A confidential client that sent no secret.
    Unproven(Arc<Client>),
    /// A wrong secret, or one where an assertion is asked for.
    Wrong(Arc<Client>),
    /// An assertion that proves nothing, and the client that it speaks of.
    Refused(Refused, Option<Arc<Client>>),
    /// No such client.
    Unknown,
}

impl Credentials {
    /// Takes what the body says, completed by HTTP Basic (both parts form-url-decoded, RFC 6749 §2.3.1). `text` reads an
    /// optional member of the body.
    pub fn read<'b, E>(call: &Call, text: impl Fn(&'static str) -> Result<Option<&'b str>, E>) -> Result<Self, E> {
        let own = |name| Ok(text(name)?.map(str::to_owned));
        let (basic_id, basic_secret) = basic(call).unzip();
        let kind = own("client_assertion_type")?;
        Ok(Self {
            client_id: own("client_id")?.or(basic_id),
            secret: own("client_secret")?.or(basic_secret),
            assertion: own("client_assertion")?.map(|assertion| Sent { kind, assertion }),
        })
    }

    /// Whether they say which client it is.
    pub fn name_a_client(&self) -> bool {
        self.client_id.is_some() || self.assertion.is_some()
    }

    /// The client they speak of, proven or not.
    pub fn named(&self) -> Option<String> {
        let of_assertion =
            || Some(Assertion::read(&self.assertion.as_ref()?.assertion, None).ok()?.client_id().to_owned());
        self.client_id.clone().or_else(of_assertion)
    }

    /// Compares them with the client on record.
    pub async fn check(&self, app: &App) -> Result<Checked, DbError> {
        if let Some(sent) = &self.assertion {
            let proven = match &self.secret {
                Some(_) => Err(AssertionRefused::Bad(Refused::TwoMethods)),
                None => assertion::prove(app, sent, self.client_id.as_deref()).await,
            };
            let named = || self.named().and_then(|id| app.snapshot().client(&id));
            return match proven {
                Ok(client) => Ok(Checked::Proven(client)),
                Err(AssertionRefused::Bad(why)) => Ok(Checked::Refused(why, named())),
                Err(AssertionRefused::Database(error)) => Err(error),
            };
        }
        let id = self.client_id.as_deref().unwrap_or_default();
        let Some(client) = app.find(|snapshot| snapshot.client(id)).await? else { return Ok(Checked::Unknown) };
        Ok(match &self.secret {
            _ if client.is_public() => Checked::Public(client),
            Some(_) if client.auth_method() == AuthMethod::PrivateKeyJwt => Checked::Wrong(client),
            Some(sent) if client.secret.matches(sent) => Checked::Proven(client),
            Some(_) => Checked::Wrong(client),
            None => Checked::Unproven(client),
        })
    }
}

fn basic(call: &Call) -> Option<(String, String)> {
    let value = call.header(header::AUTHORIZATION.as_str())?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(hash::from_any_base64(encoded)?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    let pair = format!("v={}", text.replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
