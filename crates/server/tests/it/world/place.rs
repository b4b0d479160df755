//! Where a world keeps its rows: a temporary folder, or a PostgreSQL schema, gone at the end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use ringpass::config::DatabaseUrl;

/// A database that nobody else uses.
pub(super) struct Place {
    folder: PathBuf,
    postgres: Option<(String, String)>,
}

impl Place {
    pub(super) async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("world_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("ringpass-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let postgres = postgres_url().map(|url| (url, name));
        if let Some((url, name)) = &postgres {
            execute(url, &format!("CREATE SCHEMA {name}")).await;
        }
        Self { folder, postgres }
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    pub(super) fn url(&self) -> DatabaseUrl {
        match &self.postgres {
            None => DatabaseUrl::Sqlite(self.folder.join("ringpass.db")),
            Some((url, name)) => DatabaseUrl::Postgres(format!("{url}?options=-csearch_path%3D{name}")),
        }
    }
}

/// Removes the rows; a failure to do so is no test's fault.
impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some((url, name)) = self.postgres.clone() {
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(execute(&url, &format!("DROP SCHEMA {name} CASCADE")));
            });
            let _ = dropped.join();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one setting of the tests themselves")]
fn postgres_url() -> Option<String> {
    std::env::var("RINGPASS_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("SET client_min_messages = warning; {sql}")).await.unwrap();
}
