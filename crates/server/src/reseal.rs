//! `ringpass reseal`: seals every sealed value in the database anew with the first master key, beside running servers, so
//! that the other keys can be dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use ringpass_core::kit::secret::MasterKeys;
use ringpass_core::storage::sealed::{self, COLUMNS, Column, Progress};
use ringpass_core::storage::{Db, DbError};

use crate::commands::Failure;
use crate::config::Config;
use crate::{output, setup};

/// Values in one transaction, so that no sign-in waits long behind it.
const STEP: i64 = 50;
/// How often a step is tried again when the database is busy, and how long it waits before that.
const RETRIES: u32 = 20;
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Seals everything with the first key and tells which keys are needed still. Can be stopped and started again at any
/// time: what is sealed with the first key already is left alone.
pub async fn run(config: &Config) -> Result<(), Failure> {
    if config.secrets.master_keys.is_empty() {
        return Err(Failure {
            code: 2,
            sentence: "RINGPASS_MASTER_KEY is missing: give the new key first and the old ones behind it, as the servers have \
                       them"
            .into(),
        });
    }
    let keys = MasterKeys::parse(config.secrets.master_keys.expose()).map_err(Failure::failed)?;
    let db = setup::open_beside(config).await?;
    for column in COLUMNS {
        let resealed = whole(&db, column).await.map_err(Failure::failed)?;
        output::say(&format!("{}: {resealed} sealed anew", column.name));
    }
    let left = db.read("reseal.left", sealed::old_keys).await.map_err(Failure::failed)?;
    db.close().await;
    verdict(&keys, &left)
}

/// Walks one column to its end; how many values were sealed anew.
async fn whole(db: &Db, column: &'static Column) -> Result<u64, DbError> {
    let mut progress = Progress::default();
    while !progress.done {
        progress = step(db, column, progress).await?;
    }
    Ok(progress.resealed)
}

async fn step(db: &Db, column: &'static Column, progress: Progress) -> Result<Progress, DbError> {
    let mut tries = 0;
    loop {
        let before = progress.clone();
        match db.write("reseal.step", move |tx| sealed::reseal(tx, column, before, STEP)).await {
            Err(error) if error.is_temporary() && tries < RETRIES => {
                tries += 1;
                tokio::time::sleep(RETRY_AFTER).await;
            }
            done => return done,
        }
    }
}

/// The last line: whether the first key is enough.
fn verdict(keys: &MasterKeys, left: &BTreeMap<String, u64>) -> Result<(), Failure> {
    let first = keys.ids().next().unwrap_or_default();
    if left.is_empty() {
        output::say(&format!(
            "Everything is sealed with master key `{first}`. No other key is needed: take the rest out of RINGPASS_MASTER_KEY and \
             restart every node."
        ));
        return Ok(());
    }
    let known: Vec<&str> = keys.ids().collect();
    Err(Failure::failed(format!("not everything is sealed with master key `{first}`: {}", needs(&known, left))))
}

/// Which keys are needed still, as part of a sentence. `known` are the ids of the keys at hand.
pub fn needs(known: &[&str], left: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = left
        .iter()
        .map(|(id, values)| {
            let what = if *values == 1 { "value needs" } else { "values need" };
            if known.contains(&id.as_str()) {
                format!("{values} {what} `{id}` still, run `ringpass reseal`")
            } else {
                format!("{values} {what} `{id}`, which is not in RINGPASS_MASTER_KEY")
            }
        })
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_are_needed_are_named() {
        let left = BTreeMap::from([("2025".to_owned(), 1), ("2026".to_owned(), 12)]);
        assert_eq!(
            needs(&["2027", "2026"], &left),
            "1 value needs `2025`, which is not in RINGPASS_MASTER_KEY; 12 values need `2026` still, run `ringpass reseal`"
        );
    }
}
