//! Single documents by name, the configuration's version, and the key that hashes codes and tokens.

use serde_json::{Map, Value as Json};

use crate::kit::clock::Millis;
use crate::kit::hash::{self, MacKey};
use crate::kit::rng::Rng;
use crate::kit::secret::Secret;

use super::db::{DbError, Tx};
use super::{json, sealed};

/// What a name stands for.
pub type Document = Map<String, Json>;

/// The configuration's version: it moves with every change, so that other nodes notice.
pub fn version(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.query_one("SELECT version FROM configuration WHERE id = 1", &[])?.map_or(Ok(0), |row| row.int(0))
}

/// Moves the version, in the transaction of the change. Writers of configuration pass one after the other here.
pub fn bump_version(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.later("UPDATE configuration SET version = version + 1 WHERE id = 1", &[])
}

/// Waits for its turn among the writers of configuration without moving the version.
pub(super) fn take_turn(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute("UPDATE configuration SET version = version WHERE id = 1", &[]).map(drop)
}

/// A document.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<Map<String, Json>>, DbError> {
    tx.query_one("SELECT body FROM settings WHERE name = ?1", &[name.into()])?.map(|row| row.json(0)).transpose()
}

/// The documents whose names begin with `prefix`, without it, in the order of their names. A prefix ends in `/`.
pub fn list(tx: &mut Tx<'_>, prefix: &str) -> Result<Vec<(String, Document)>, DbError> {
    // The letter after `/`.
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let rows = tx.query(
        "SELECT name, body FROM settings WHERE name >= ?1 AND name < ?2 ORDER BY name",
        &[prefix.into(), end.into()],
    )?;
    let named = |name: String| name.strip_prefix(prefix).map_or(name.clone(), str::to_owned);
    rows.iter().map(|row| Ok((named(row.text(0)?), row.json(1)?))).collect()
}

/// Characters of the documents whose names begin with `prefix` (which ends in `/`), without the one named `except`.
pub fn length(tx: &mut Tx<'_>, prefix: &str, except: &str) -> Result<i64, DbError> {
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let row = tx.query_one(
        "SELECT COALESCE(SUM(LENGTH(body)), 0) FROM settings WHERE name >= ?1 AND name < ?2 AND name <> ?3",
        &[prefix.into(), end.into(), except.into()],
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Stores a document.
pub fn put(tx: &mut Tx<'_>, name: &str, body: &Map<String, Json>) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO settings (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = ?2",
        &[name.into(), json(body).into()],
    )
}

/// A document that lies sealed.
pub(super) fn get_sealed(tx: &mut Tx<'_>, name: &str) -> Result<Option<Document>, DbError> {
    let row = tx.query_one("SELECT body FROM settings WHERE name = ?1", &[name.into()])?;
    let Some(row) = row else { return Ok(None) };
    let clear = tx.open(&row.text(0)?, &sealed::SETTING.of(name))?;
    serde_json::from_str(clear.expose()).map(Some).map_err(|_| DbError::Shape(0))
}

/// Seals a document and stores it.
pub(super) fn put_sealed(tx: &mut Tx<'_>, name: &str, body: &Document) -> Result<(), DbError> {
    let sealed = tx.seal(&Secret::new(json(body)), &sealed::SETTING.of(name))?;
    tx.later(
        "INSERT INTO settings (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = ?2",
        &[name.into(), sealed.into()],
    )
}

/// Deletes a document; whether there was one.
pub fn delete(tx: &mut Tx<'_>, name: &str) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM settings WHERE name = ?1", &[name.into()])? > 0)
}

/// The key under which codes and tokens are hashed, made at first use. It is sealed in a row of its own, so that a new
/// master key keeps live codes valid.
pub fn hash_key(tx: &mut Tx<'_>, rng: &Rng) -> Result<MacKey, DbError> {
    let place = sealed::SETTING.of("hash-key");
    let fresh = tx.seal(&Secret::new(hash::base64url(&rng.bytes::<32>())), &place)?;
    let row = tx.query_one(
        "INSERT INTO settings (name, body) VALUES ('hash-key', ?1) \
         ON CONFLICT (name) DO UPDATE SET name = settings.name RETURNING body",
        &[fresh.into()],
    )?;
    let sealed = row.ok_or(DbError::Shape(0))?.text(0)?;
    let key = tx.open(&sealed, &place)?;
    Ok(MacKey::new(&hash::from_base64url(key.expose()).ok_or(DbError::Shape(0))?))
}

/// A real write of one row, to learn whether the database takes any.
pub fn probe(tx: &mut Tx<'_>, now: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO probe (id, checked_at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET checked_at = ?1",
        &[now.into()],
    )
}

/// Before the names of the tenant's own texts, `custom-text/PROMPT/LOCALE`; each body is `{"screen": {"key": "text"}}`.
pub const CUSTOM_TEXTS: &str = "custom-text/";
/// Name of the settings of the hosted pages.
pub const BRANDING: &str = "branding";
/// Name of the one theme.
pub const THEME: &str = "branding/themes/default";
/// Name of the page template, `{"body": "HTML"}`.
pub const PAGE_TEMPLATE: &str = "branding/templates/universal-login";
/// Name of the settings of all prompts.
pub const PROMPTS: &str = "prompts";
/// Before the names of partials, `partials/PROMPT`.
pub const PARTIALS: &str = "partials/";
/// Before the names of renderings, `rendering/PROMPT/SCREEN`.
pub const RENDERINGS: &str = "rendering/";
