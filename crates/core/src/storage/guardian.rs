//! The settings of the tenant's factors: a document, and sealed ones of Twilio and of factors never offered. Callers that change them move the
//! configuration's version first, so that changes pass one after the other.

use crate::model::guardian::{Guardian, TwilioSettings};

use super::db::{DbError, Tx};
use super::settings::{self, Document};

/// All settings; those of a fresh tenant where nothing was stored.
pub fn get(tx: &mut Tx<'_>) -> Result<Guardian, DbError> {
    let document = settings::get(tx, NAME)?.unwrap_or_default();
    let twilio = settings::get_sealed(tx, TWILIO)?;
    Ok(Guardian::stored(&document, twilio.as_ref().map(TwilioSettings::stored)))
}

/// Stores everything but Twilio's settings.
pub fn put(tx: &mut Tx<'_>, guardian: &Guardian) -> Result<(), DbError> {
    settings::put(tx, NAME, &guardian.document())
}

/// Stores Twilio's settings.
pub fn put_twilio(tx: &mut Tx<'_>, twilio: &TwilioSettings) -> Result<(), DbError> {
    settings::put_sealed(tx, TWILIO, &twilio.document())
}

/// The settings at `path` of a factor that is never offered, if any were stored.
pub fn other(tx: &mut Tx<'_>, path: &str) -> Result<Option<Document>, DbError> {
    settings::get_sealed(tx, &format!("{NAME}/{path}"))
}

/// Stores the settings at `path` of a factor that is never offered.
pub fn put_other(tx: &mut Tx<'_>, path: &str, body: &Document) -> Result<(), DbError> {
    settings::put_sealed(tx, &format!("{NAME}/{path}"), body)
}

const NAME: &str = "guardian";
const TWILIO: &str = "guardian/twilio";
