//! What the hosted pages look up: texts, looks, and the tenant's own page around the form.

use ringpass_core::model::branding::{Branding, PageTemplate};
use ringpass_core::model::tenant::TenantSettings;
use ringpass_core::model::texts::Texts;
use ringpass_core::storage::{DbError, Tx, settings};
use serde_json::Value;

/// The texts that the tenant wrote itself, over those compiled in.
pub(super) fn texts(tx: &mut Tx<'_>, tenant: &TenantSettings) -> Result<Texts, DbError> {
    let own = settings::list(tx, settings::CUSTOM_TEXTS)?;
    let own = own.iter().filter_map(|(name, body)| {
        let (prompt, locale) = name.split_once('/')?;
        Some((prompt, locale, body))
    });
    Ok(Texts::new(tenant.enabled_locales(), own))
}

/// The looks: settings and theme.
pub(super) fn branding(tx: &mut Tx<'_>) -> Result<Branding, DbError> {
    let stored = settings::get(tx, settings::BRANDING)?.unwrap_or_default();
    Ok(Branding::of(&stored, settings::get(tx, settings::THEME)?.as_ref()))
}

/// Whether the tenant keeps to the classic pages of its own.
pub(super) fn is_classic(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    let stored = settings::get(tx, settings::PROMPTS)?;
    Ok(stored.is_some_and(|stored| stored.get("universal_login_experience").is_some_and(|it| it == "classic")))
}

/// The page template. It was parsed before it was stored; one that cannot be read any more is none.
pub(super) fn template(tx: &mut Tx<'_>) -> Result<Option<PageTemplate>, DbError> {
    let stored = settings::get(tx, settings::PAGE_TEMPLATE)?;
    let body = stored.as_ref().and_then(|stored| stored.get("body")).and_then(Value::as_str);
    Ok(body.and_then(|body| PageTemplate::parse(body).ok()))
}
