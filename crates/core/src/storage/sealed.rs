//! Every column that holds sealed values, in one table: nothing is sealed for a place that is not in it, and
//! `ringpass reseal` visits each, so that an old master key can be dropped.
//!
//! A value is bound to its place, `table.column.key`: copied elsewhere it does not open.

use std::collections::BTreeMap;

use super::db::{DbError, Tx};
use super::settings;

/// A column of sealed TEXT and the unique TEXT column that names its rows.
#[derive(Debug)]
pub struct Column {
    /// `table.column`.
    pub name: &'static str,
    /// Key and value of those not sealed by `?1` (`s1.KEYID.`), after key `?2`, in the order of their keys.
    scan: &'static str,
    /// Puts `?3` in the place of `?2` in row `?1`.
    replace: &'static str,
}

/// The columns as constants, and the list of all of them.
macro_rules! sealed_columns {
    ($($name:ident = $table:literal . $column:literal by $key:literal;)*) => {
        $(
            #[doc = concat!("`", $table, ".", $column, "`.")]
            pub(super) const $name: Column = Column {
                name: concat!($table, ".", $column),
                scan: concat!(
                    "SELECT ", $key, ", ", $column, " FROM ", $table, " WHERE ", $column, " LIKE 's1.%' AND substr(",
                    $column, ", 1, length(CAST(?1 AS TEXT))) <> ?1 AND ", $key, " > ?2 ORDER BY ", $key, " LIMIT ?3"
                ),
                replace: concat!(
                    "UPDATE ", $table, " SET ", $column, " = ?3 WHERE ", $key, " = ?1 AND ", $column, " = ?2"
                ),
            };
        )*
        /// Every column that holds sealed values.
        pub const COLUMNS: &[Column] = &[$($name),*];
    };
}

sealed_columns! {
    AUTHENTICATOR_SECRET = "authenticators"."secret" by "id";
    CLIENT_SECRET = "clients"."secret" by "id";
    CONNECTION_OPTIONS = "connections"."options" by "id";
    JOB_INPUT = "jobs"."input" by "id";
    OUTBOX_TEXT = "outbox"."text" by "id";
    SETTING = "settings"."body" by "name";
    SIGNING_KEY = "signing_keys"."private_key" by "kid";
    SIGNING_SECRET = "resource_servers"."signing_secret" by "id";
}

/// Where a sealed value lies. Only a [`Column`] of this file makes one.
#[derive(Debug)]
pub struct Place(String);

impl Place {
    /// `table.column.key`, as the seal knows it.
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

impl Column {
    /// The place of this column's value in the row with this key.
    pub(super) fn of(&self, key: &str) -> Place {
        Place(format!("{}.{key}", self.name))
    }
}

/// How far a walk over one column has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The last key that was looked at.
    pub after: String,
    /// Values sealed anew.
    pub resealed: u64,
    /// Whether the column's end was reached.
    pub done: bool,
}

/// Seals up to `limit` values of a column with the first master key, going on after `progress`. A value that changed
/// meanwhile is left as it is: whoever wrote it sealed it. Values that no master key opens are left too.
pub fn reseal(tx: &mut Tx<'_>, column: &Column, mut progress: Progress, limit: i64) -> Result<Progress, DbError> {
    settings::take_turn(tx)?;
    let rows = scan(tx, column, &progress.after, limit)?;
    progress.done = i64::try_from(rows.len()).is_ok_and(|found| found < limit);
    for (key, old) in rows {
        let place = column.of(&key);
        if let Ok(clear) = tx.open(&old, &place) {
            let new = tx.seal(&clear, &place)?;
            let params = [key.as_str().into(), old.into(), new.into()];
            progress.resealed += tx.execute(column.replace, &params)?;
        }
        progress.after = key;
    }
    Ok(progress)
}

/// How many values each master key but the first still seals, by key id.
pub fn old_keys(tx: &mut Tx<'_>) -> Result<BTreeMap<String, u64>, DbError> {
    const PAGE: i64 = 1_000;
    let mut counts = BTreeMap::new();
    for column in COLUMNS {
        let mut after = String::new();
        loop {
            let rows = scan(tx, column, &after, PAGE)?;
            let Some((last, _)) = rows.last() else { break };
            after.clone_from(last);
            for (_, sealed) in &rows {
                let id = sealed.strip_prefix("s1.").and_then(|rest| rest.rsplit_once('.')).map_or("?", |(id, _)| id);
                *counts.entry(id.to_owned()).or_insert(0) += 1;
            }
        }
    }
    Ok(counts)
}

fn scan(tx: &mut Tx<'_>, column: &Column, after: &str, limit: i64) -> Result<Vec<(String, String)>, DbError> {
    let first = tx.first_key_prefix();
    let rows = tx.query(column.scan, &[first.into(), after.into(), limit.into()])?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}
