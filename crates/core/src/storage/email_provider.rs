//! The tenant's e-mail provider: one sealed document among the settings.

use crate::model::email_provider::EmailProvider;

use super::db::{DbError, Tx};
use super::settings;

/// The provider, if there is one.
pub fn get(tx: &mut Tx<'_>) -> Result<Option<EmailProvider>, DbError> {
    Ok(settings::get_sealed(tx, NAME)?.map(EmailProvider::stored))
}

/// Stores the provider.
pub fn put(tx: &mut Tx<'_>, provider: &EmailProvider) -> Result<(), DbError> {
    settings::put_sealed(tx, NAME, provider.document())
}

/// Removes the provider, if there is one.
pub fn delete(tx: &mut Tx<'_>) -> Result<(), DbError> {
    settings::delete(tx, NAME).map(drop)
}

const NAME: &str = "email-provider";
