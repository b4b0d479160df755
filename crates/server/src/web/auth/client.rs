//! Client authentication: none, post, basic (`docs/COMPATIBILITY.md` C403-C405, C413).

use std::sync::Arc;

use http::header;
use ringpass_core::kit::hash;
use ringpass_core::model::client::Client;
use ringpass_core::storage::DbError;

use crate::app::App;
use crate::web::Call;

/// Credentials as they were sent.
#[derive(Debug, Default)]
pub struct Credentials {
    /// Client id, from the body or from HTTP Basic.
    pub client_id: Option<String>,
    /// Client secret, likewise.
    pub secret: Option<String>,
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
    /// A wrong secret.
    Wrong(Arc<Client>),
    /// No such client.
    Unknown,
}

impl Credentials {
    /// Takes what the body says, completed by HTTP Basic (both parts form-url-decoded, RFC 6749 §2.3.1).
    pub fn read(call: &Call, client_id: Option<&str>, secret: Option<&str>) -> Self {
        let (basic_id, basic_secret) = basic(call).unzip();
        Self {
            client_id: client_id.map(str::to_owned).or(basic_id),
            secret: secret.map(str::to_owned).or(basic_secret),
        }
    }

    /// Compares them with the client on record.
    pub async fn check(&self, app: &App) -> Result<Checked, DbError> {
        let id = self.client_id.as_deref().unwrap_or_default();
        let Some(client) = app.find(|snapshot| snapshot.client(id)).await? else { return Ok(Checked::Unknown) };
        Ok(match &self.secret {
            _ if client.is_public() => Checked::Public(client),
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
