//! Where rows live, and how many connections and waiting writes the server keeps.

use std::fmt;
use std::path::{Path, PathBuf};

use super::sources::{ConfigError, Values};

/// The database and its sizes.
#[derive(Debug, Clone)]
pub struct Database {
    /// Engine and place.
    pub url: DatabaseUrl,
    /// Writes that may wait before callers are told to come back.
    pub queue: usize,
    /// Connections to PostgreSQL.
    pub connections: usize,
    /// Read-only connections to SQLite.
    pub readers: usize,
}

/// Engine and place of the database. Prints without the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of the embedded engine.
    Sqlite(PathBuf),
    /// A connection URL, `postgres://…`.
    Postgres(String),
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Database {
    pub(super) fn read(values: &Values, data: &Path) -> Result<Self, ConfigError> {
        Ok(Self {
            url: url(values, data)?,
            queue: count(values, "database_queue", 16_384)?,
            connections: count(values, "database_connections", 8)?,
            readers: count(values, "database_readers", 4)?,
        })
    }
}

fn url(values: &Values, data: &Path) -> Result<DatabaseUrl, ConfigError> {
    let Some(value) = values.text("database_url") else {
        return Ok(DatabaseUrl::Sqlite(data.join("ringpass.db")));
    };
    let text = value.text().trim();
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.is_empty() {
            return Ok(DatabaseUrl::Sqlite(PathBuf::from(path)));
        }
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(DatabaseUrl::Postgres(text.to_owned()));
    }
    Err(value.wrong("write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"))
}

fn count(values: &Values, key: &str, default: usize) -> Result<usize, ConfigError> {
    let todo = "write a whole number of 1 or more";
    match (values.parse(key, default, todo)?, values.text(key)) {
        (0, Some(value)) => Err(value.wrong(todo)),
        (number, _) => Ok(number),
    }
}

/// The URL with `***` for the password, both before the `@` and among the parameters.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    // The last `@` ends the credentials: a password may hold one.
    let place = match rest.rsplit_once('@') {
        Some((credentials, place)) => {
            let user = credentials.split_once(':').map_or(credentials.to_owned(), |(user, _)| format!("{user}:***"));
            format!("{user}@{place}")
        }
        None => rest.to_owned(),
    };
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name.to_lowercase().contains("password") => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    let query = query.map_or_else(String::new, |query| {
        let pairs: Vec<String> = query.split('&').map(hide).collect();
        format!("?{}", pairs.join("&"))
    });
    format!("{scheme}://{place}{query}")
}
