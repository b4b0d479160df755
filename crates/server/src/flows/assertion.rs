//! A client proves itself with a signed assertion (`docs/COMPATIBILITY.md` C1121-C1129).

use std::sync::Arc;

use ringpass_core::model::assertion::{Assertion, Proof, Refused, TYPE};
use ringpass_core::model::client::Client;
use ringpass_core::storage::{DbError, used_assertions};

use crate::app::App;

/// An assertion as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `client_assertion_type`.
    pub kind: Option<String>,
    /// `client_assertion`.
    pub assertion: String,
}

/// Why it proves nothing.
#[derive(Debug)]
pub enum AssertionRefused {
    /// It is not good.
    Bad(Refused),
    /// The database failed.
    Database(DbError),
}

impl From<Refused> for AssertionRefused {
    fn from(refused: Refused) -> Self {
        Self::Bad(refused)
    }
}

impl From<DbError> for AssertionRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// Checks an assertion and uses it up. `client_id` is what the request says besides, if it does.
pub async fn prove(app: &App, sent: &Sent, client_id: Option<&str>) -> Result<Arc<Client>, AssertionRefused> {
    if sent.kind.as_deref() != Some(TYPE) {
        return Err(Refused::Type.into());
    }
    let assertion = Assertion::read(&sent.assertion, client_id)?;
    let id = assertion.client_id();
    let (client, mut proof) = look(app, &assertion).await?;
    if let Err(Refused::NoCredential | Refused::Signature) = proof
        && app.refresh().await?
    {
        // Another node may have attached the key a moment ago.
        proof = look(app, &assertion).await?.1;
    }
    let proof = proof?;
    let hash = app.hash_key.tag(&["assertion", id, &proof.id]);
    let expires_at = proof.expires_at;
    let is_first = app.db.write("assertion.use", move |tx| used_assertions::insert(tx, &hash, expires_at)).await?;
    if is_first { Ok(client) } else { Err(Refused::Replayed.into()) }
}

async fn look(app: &App, assertion: &Assertion<'_>) -> Result<(Arc<Client>, Result<Proof, Refused>), AssertionRefused> {
    let issuer = app.config.http.issuer();
    let audiences = [issuer.clone(), format!("{issuer}oauth/token")];
    let found = app.find(|snapshot| snapshot.proving_keys(assertion.client_id())).await?;
    let (client, keys) = found.ok_or(Refused::UnknownClient)?;
    Ok((client, assertion.check(&keys, &audiences, app.clock.now())))
}
