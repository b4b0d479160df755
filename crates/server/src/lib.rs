//! Ringpass: a phone sign-in server. The floors above the waterline: configuration and the bag of handles, the verbs, the
//! doors. `docs/ARCHITECTURE.md` has the map.

pub mod app;
pub mod commands;
pub mod compute;
pub mod config;
pub mod flows;
pub mod gateway_check;
pub mod logging;
pub mod number;
pub mod ops;
pub mod output;
pub mod reseal;
pub mod serve;
pub mod setup;
pub mod snapshot;
pub mod turns;
pub mod web;
pub mod worker;
