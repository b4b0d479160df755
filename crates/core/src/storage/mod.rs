//! Floor 2: the database. SQL stands inside the function that uses it; [`db`] alone knows which engine runs it.
//!
//! One SQL text serves SQLite and PostgreSQL: ids and JSON are TEXT, instants BIGINT milliseconds, flags BIGINT 0/1,
//! parameters `?1..?n`, and nothing is used that only one engine has. A refusal is `Ok(outcome)`; only `Err` rolls back.
//!
//! A transaction that changes configuration begins with [`settings::bump_version`]. That locks one row, so such
//! transactions pass one after the other, on one server or many, and get → apply → put loses no change.

pub mod access_tokens;
pub mod authenticators;
pub mod authorization_codes;
pub mod buckets;
pub mod client_credentials;
pub mod client_grants;
pub mod clients;
pub mod codes;
pub mod connection_removals;
pub mod connections;
pub mod db;
pub mod email_provider;
pub mod email_templates;
pub mod enrollment_tickets;
pub mod enrollments;
pub mod grants;
pub mod guardian;
pub mod identities;
pub mod jobs;
pub mod known_origins;
pub mod login_failures;
pub mod login_tickets;
pub mod logins;
pub mod logout_notices;
pub mod logs;
pub mod mfa_codes;
pub mod mfa_transactions;
mod migrations;
pub mod outbox;
pub mod passwords;
pub mod permissions;
pub mod phone_backoffs;
mod postgres;
mod postgres_wire;
pub mod pushed_requests;
mod queue;
pub mod refresh_tokens;
pub mod resource_servers;
pub mod roles;
pub mod sealed;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
mod sqlite;
mod sqlite_log;
pub mod stats;
pub mod tenant;
pub mod tickets;
pub mod used_assertions;
pub mod users;

pub use db::{Asked, Db, DbError, Row, Settings, Tx, Url, Value};
pub use queue::{Ended, Watch};

/// A document as the text of a JSON column.
fn json(doc: &impl serde::Serialize) -> String {
    serde_json::to_string(doc).unwrap_or_default()
}
