//! The tenant's e-mail provider: one sealed document among the settings.

use crate::kit::secret::Secret;
use crate::model::email_provider::EmailProvider;

use super::db::{DbError, Tx};
use super::{json, sealed};

/// The provider, if there is one.
pub fn get(tx: &mut Tx<'_>) -> Result<Option<EmailProvider>, DbError> {
    let row = tx.query_one("SELECT body FROM settings WHERE name = ?1", &[NAME.into()])?;
    let Some(row) = row else { return Ok(None) };
    let clear = tx.open(&row.text(0)?, &sealed::SETTING.of(NAME))?;
    let document = serde_json::from_str(clear.expose()).map_err(|_| DbError::Shape(0))?;
    Ok(Some(EmailProvider::stored(document)))
}

/// Stores the provider.
pub fn put(tx: &mut Tx<'_>, provider: &EmailProvider) -> Result<(), DbError> {
    let sealed = tx.seal(&Secret::new(json(provider.document())), &sealed::SETTING.of(NAME))?;
    tx.later(
        "INSERT INTO settings (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = ?2",
        &[NAME.into(), sealed.into()],
    )
}

/// Removes the provider, if there is one.
pub fn delete(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.later("DELETE FROM settings WHERE name = ?1", &[NAME.into()])
}

const NAME: &str = "email-provider";
