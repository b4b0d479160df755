//! Floor 2: the database. SQL stands inside the function that uses it; [`db`] alone knows which engine runs it.
//!
//! One SQL text serves SQLite and PostgreSQL: ids and JSON are TEXT, instants BIGINT milliseconds, flags BIGINT 0/1,
//! parameters `?1..?n`, and nothing is used that only one engine has. A refusal is `Ok(outcome)`; only `Err` rolls back.

pub mod buckets;
pub mod codes;
pub mod db;
pub mod login_failures;
pub mod logs;
mod migrations;
mod postgres;
pub mod settings;
pub mod signing_keys;
mod sqlite;
pub mod tenant;
pub mod tokens;
pub mod users;

pub use db::{Db, DbError, Row, Settings, Tx, Url, Value};
