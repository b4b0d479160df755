//! Storage on both engines: SQLite always, PostgreSQL when `RINGPASS_TEST_POSTGRES` names one
//! (`scripts/postgres run cargo test -p ringpass-core --test storage`).
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of a test binary")]

mod configuration;
mod counters;
mod logs;
mod outbox;
mod refresh_tokens;
mod sealed;
mod second_factors;
mod statements;
mod transactions;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringpass_core::kit::hash;
use ringpass_core::kit::secret::MasterKeys;
use ringpass_core::storage::{Db, DbError, Settings, Tx, Url};

/// A fresh database on one engine; its folder goes when this is dropped.
struct Engine {
    name: &'static str,
    db: Db,
    url: Url,
    folder: Option<PathBuf>,
}

impl Engine {
    async fn write<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.db.write("test", work).await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    async fn read<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.db.read("test", work).await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// One fresh database on each engine at hand.
async fn engines() -> Vec<Engine> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("ringpass_storage_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    let folder = std::env::temp_dir().join(&name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let url = Url::Sqlite(folder.join("ringpass.db"));
    let db = open(url.clone(), keys()).await.unwrap();
    let mut engines = vec![Engine { name: "sqlite", db, url, folder: Some(folder) }];
    #[expect(clippy::disallowed_methods, reason = "a test binary has no configuration of its own")]
    if let Ok(url) = std::env::var("RINGPASS_TEST_POSTGRES") {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
        let url = Url::Postgres(format!("{url}?options=-csearch_path%3D{name}"));
        let db = open(url.clone(), keys()).await.unwrap();
        engines.push(Engine { name: "postgres", db, url, folder: None });
    }
    engines
}

fn keys() -> MasterKeys {
    MasterKeys::parse(&hash::base64(&[7; 32])).unwrap()
}

async fn open(url: Url, keys: MasterKeys) -> Result<Db, DbError> {
    Db::open(settings_of(url, keys)).await
}

fn settings_of(url: Url, keys: MasterKeys) -> Settings {
    Settings { url, queue: 1_000, connections: 4, durable: false, keys: Arc::new(keys) }
}
