//! Mail templates, each a document among the settings.

use crate::model::email_template::{self, EmailTemplate};

use super::db::{DbError, Tx};
use super::settings;

/// All that were written.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<EmailTemplate>, DbError> {
    let rows = tx.query("SELECT body FROM settings WHERE name LIKE 'email-templates/%' ORDER BY name", &[])?;
    rows.iter().map(|row| Ok(EmailTemplate::stored(row.json(0)?))).collect()
}

/// One by its name.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<EmailTemplate>, DbError> {
    Ok(settings::get(tx, &email_template::path(name))?.map(EmailTemplate::stored))
}

/// Stores one in the place of its name.
pub fn put(tx: &mut Tx<'_>, template: &EmailTemplate) -> Result<(), DbError> {
    settings::put(tx, &email_template::path(template.name()), template.view())
}
