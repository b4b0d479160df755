//! The signing keys, parsed once, and what of them is published.

use bytes::Bytes;
use ringpass_core::kit::jwt::RsaKey;
use ringpass_core::model::signing_key::{SigningKey, Standing, State};
use ringpass_core::storage::DbError;
use serde_json::json;

/// Signing keys, parsed and published.
#[derive(Debug)]
pub struct Keys {
    /// The key that signs.
    pub current: RsaKey,
    /// Every key whose tokens still verify.
    pub verifying: Vec<RsaKey>,
    /// The body of `/.well-known/jwks.json`.
    pub jwks: Bytes,
    /// How the keys stand, to know when one is to move on.
    pub schedule: Vec<Standing>,
    /// Certificate of the current key (PEM) and its PKCS #7 form (PEM).
    pub certificate: (String, String),
}

impl Keys {
    /// Parses the keys; an error when none is current.
    pub(super) fn prepare(keys: &[SigningKey]) -> Result<Self, DbError> {
        let missing = || DbError::Failed("there is no current signing key".into());
        let current = keys.iter().find(|key| key.state == State::Current).ok_or_else(missing)?;
        let published: Vec<&SigningKey> = [State::Current, State::Next, State::Previous]
            .into_iter()
            .flat_map(|state| keys.iter().filter(move |key| key.state == state))
            .collect();
        let jwks = json!({"keys": published.iter().filter_map(|key| key.jwk()).collect::<Vec<_>>()});
        Ok(Self {
            current: current.rsa().ok_or_else(missing)?,
            verifying: published.iter().filter_map(|key| key.rsa()).collect(),
            schedule: keys.iter().map(SigningKey::standing).collect(),
            jwks: serde_json::to_vec(&jwks).unwrap_or_default().into(),
            certificate: (current.certificate_pem(), current.pkcs7_pem()),
        })
    }
}
