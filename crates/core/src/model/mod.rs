//! Floor 1: the nouns, as plain data with their rules. No async, no IO, and `now` is a parameter.

pub mod client;
pub mod client_fields;
pub mod connection;
pub mod connection_options;
pub mod schema;
