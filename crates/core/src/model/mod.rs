//! Floor 1: the nouns. Plain data, parsing and rules; no async, no IO, and `now` is a parameter.

pub mod attack_protection;
pub mod attack_protection_fields;
pub mod client;
pub mod client_fields;
pub mod client_grant;
pub mod connection;
pub mod connection_options;
pub mod event;
pub mod fields;
pub mod liquid;
pub mod log_search;
pub mod lucene;
pub mod phone;
pub mod resource_server;
pub mod role;
pub mod schema;
pub mod scope;
pub mod signing_key;
pub mod sorting;
pub mod template;
pub mod tenant;
pub mod tenant_fields;
pub mod user;
pub mod user_fields;
pub mod user_search;
