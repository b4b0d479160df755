//! The tenant's settings, one document.

use crate::model::tenant::TenantSettings;

use super::db::{DbError, Tx};
use super::settings;

/// The settings; those of a fresh tenant when none were ever stored.
pub fn get(tx: &mut Tx<'_>) -> Result<TenantSettings, DbError> {
    Ok(settings::get(tx, "tenant")?.map_or_else(|| TenantSettings::fresh("My Tenant"), TenantSettings))
}

/// Stores the settings. The caller moves the configuration's version first, so that changes pass one after the other.
pub fn put(tx: &mut Tx<'_>, settings: &TenantSettings) -> Result<(), DbError> {
    settings::put(tx, "tenant", &settings.0)
}
