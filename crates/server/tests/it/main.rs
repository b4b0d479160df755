//! Behaviour, seen from outside: the tree mirrors the URLs.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::struct_excessive_bools,
    reason = "a test stops where something is not as it should be, and a snapshot is as long as it is"
)]

mod attack_protection;
mod co_authenticate;
mod config;
mod cors;
mod coverage;
pub(crate) mod dbconnections;
mod delivery;
mod dev;
mod email;
mod errors;
mod gateway_check;
mod limits;
mod management;
mod mfa;
mod oauth_revoke;
mod oauth_token;
mod outbox;
mod pages;
mod passwordless_start;
mod passwordless_verify;
mod phone_messages;
mod process;
mod request_id;
mod round_trips;
mod secrets;
mod serve;
mod tidy;
mod twilio;
mod userinfo;
mod well_known;
mod world;
