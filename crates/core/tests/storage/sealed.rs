//! A new master key takes over every sealed value, on both engines.

use std::collections::BTreeMap;

use ringpass_core::kit::hash;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::{MasterKeys, Secret};
use ringpass_core::kit::totp;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::job::{Job, Task};
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::model::signing_key::{SigningKey, State};
use ringpass_core::storage::sealed::{self, COLUMNS, Progress};
use ringpass_core::storage::{
    Db, DbError, Tx, authenticators, clients, connections, jobs, outbox, resource_servers, settings, signing_keys,
};
use serde_json::json;

use super::{Engine, engines, settings_of};

fn keys() -> (String, String) {
    (format!("old:{}", hash::base64(&[7; 32])), format!("new:{}", hash::base64(&[8; 32])))
}

/// One value in every column, sealed with the old key.
fn fill(tx: &mut Tx<'_>) -> Result<(), DbError> {
    let rng = Rng::seeded(1);
    for number in 0..7 {
        let client = Client::create(&json!({"name": format!("client {number}")}), &rng, number).unwrap();
        assert!(clients::insert(tx, &client)?);
    }
    let sms = json!({"name": "sms", "strategy": "sms", "options": {"from": "+1"}});
    assert!(connections::insert(tx, &Connection::create(&sms, &rng, 1).unwrap())?);
    let api = json!({"identifier": "https://api.example", "name": "An API"});
    assert!(resource_servers::insert(tx, &ResourceServer::create(&api, &rng, 1).unwrap())?);
    signing_keys::insert(tx, &SigningKey::generate(State::Current, "acme", &rng, 1).unwrap())?;
    let job = Job::new(Task::Import, serde_json::Map::new(), 0, &rng, 1);
    jobs::insert(tx, &job, Some(&Secret::new("[]")))?;
    let mut application = Authenticator::new(Kind::Totp, "sms|1", &rng, 1);
    application.secret = Some(totp::secret(&rng));
    authenticators::put(tx, &application)?;
    let message = outbox::Kept {
        id: "message".to_owned(),
        channel: "sms".to_owned(),
        recipient: Secret::new("+15550001111"),
        text: Secret::new("482913"),
        created_at: 1,
    };
    assert!(outbox::insert(tx, &message, 1)?);
    settings::hash_key(tx, &rng).map(drop)
}

/// Every value of every TEXT column of every table that begins as a sealed one does, with its column; found in the
/// database, not in a list.
fn sealed_texts(tx: &mut Tx<'_>, engine: &str) -> Result<BTreeMap<String, Vec<String>>, DbError> {
    let columns = match engine {
        "sqlite" => {
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND c.type = 'TEXT'"
        }
        _ => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = current_schema() AND data_type = 'text'"
        }
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in tx.query(columns, &[])? {
        let (table, column) = (row.text(0)?, row.text(1)?);
        let sql = format!("SELECT {column} FROM {table} WHERE {column} LIKE 's1.%'");
        for row in tx.query(sql.leak(), &[])? {
            found.entry(format!("{table}.{column}")).or_default().push(row.text(0)?);
        }
    }
    Ok(found)
}

async fn reseal_all(db: &Db) -> u64 {
    let mut resealed = 0;
    for column in COLUMNS {
        let mut progress = Progress::default();
        while !progress.done {
            let before = progress;
            progress = db.write("test", move |tx| sealed::reseal(tx, column, before, 2)).await.unwrap();
        }
        resealed += progress.resealed;
    }
    resealed
}

async fn with_keys(engine: &Engine, keys: &str) -> Db {
    Db::open_beside(settings_of(engine.url.clone(), MasterKeys::parse(keys).unwrap())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sealed_value_moves_to_the_first_key_and_opens_as_before() {
    for engine in engines().await {
        let ((old, new), name) = (keys(), engine.name);
        let before = with_keys(&engine, &old).await;
        before.write("test", fill).await.unwrap();
        let found = before.read("test", move |tx| sealed_texts(tx, name)).await.unwrap();
        let mut listed: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        listed.sort_unstable();
        assert_eq!(found.keys().collect::<Vec<_>>(), listed, "{name}: fill has a value for every sealed column");
        let read = |tx: &mut Tx<'_>| Ok((clients::list(tx)?, connections::list(tx)?, resource_servers::list(tx)?));
        let known = before.read("test", read).await.unwrap();

        let both = with_keys(&engine, &format!("{new},{old}")).await;
        let total: usize = found.values().map(Vec::len).sum();
        let left = both.read("test", sealed::old_keys).await.unwrap();
        assert_eq!(left, BTreeMap::from([("old".to_owned(), total as u64)]), "{name}");
        assert_eq!(reseal_all(&both).await, total as u64, "{name}");
        assert_eq!(reseal_all(&both).await, 0, "{name}: a second run has nothing to do");
        assert!(both.read("test", sealed::old_keys).await.unwrap().is_empty(), "{name}");

        let after = with_keys(&engine, &new).await;
        for (column, values) in after.read("test", move |tx| sealed_texts(tx, name)).await.unwrap() {
            assert_eq!(values.len(), found[&column].len());
            assert!(values.iter().all(|value| value.starts_with("s1.new.")), "{name}: {column} has {values:?}");
        }
        assert_eq!(after.read("test", read).await.unwrap(), known, "{name}");
        let rsa = |tx: &mut Tx<'_>| Ok(signing_keys::list(tx)?.iter().all(|key| key.rsa().is_some()));
        assert!(after.read("test", rsa).await.unwrap(), "{name}");
        after.write("test", |tx| settings::hash_key(tx, &Rng::seeded(9)).map(drop)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_meanwhile_and_what_no_key_opens_stays_as_it_is() {
    for engine in engines().await {
        let ((old, new), name) = (keys(), engine.name);
        let servers = with_keys(&engine, &old).await;
        servers.write("test", fill).await.unwrap();
        let lost = with_keys(&engine, &format!("lost:{}", hash::base64(&[9; 32]))).await;
        let client = Client::create(&json!({"name": "lost"}), &Rng::seeded(5), 1).unwrap();
        assert!(lost.write("test", move |tx| clients::insert(tx, &client)).await.unwrap());
        let both = with_keys(&engine, &format!("{new},{old}")).await;
        reseal_all(&both).await;
        // A server that still seals with the old key changes a client that was sealed anew, in front of the second run.
        let change = |tx: &mut Tx<'_>| {
            let row = tx.query_one("SELECT id FROM clients WHERE secret LIKE 's1.new.%' ORDER BY id LIMIT 1", &[])?;
            let id = row.unwrap().text(0)?;
            let mut client = clients::get(tx, &id)?.unwrap();
            client.apply(&json!({"client_secret": "written-meanwhile"})).unwrap();
            assert!(clients::put(tx, &client)?);
            Ok(id)
        };
        let servers = with_keys(&engine, &format!("{old},{new}")).await;
        let id = servers.write("test", change).await.unwrap();
        let left = both.read("test", sealed::old_keys).await.unwrap();
        assert_eq!(left, BTreeMap::from([("lost".to_owned(), 1), ("old".to_owned(), 1)]), "{name}");
        assert_eq!(reseal_all(&both).await, 1, "{name}");
        let after = with_keys(&engine, &new).await;
        let client = after.read("test", move |tx| clients::get(tx, &id)).await.unwrap().unwrap();
        assert_eq!(client.secret.expose(), "written-meanwhile", "{name}");
        let left = after.read("test", sealed::old_keys).await.unwrap();
        assert_eq!(left, BTreeMap::from([("lost".to_owned(), 1)]), "{name}");
    }
}
