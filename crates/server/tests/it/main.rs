//! Behaviour, seen from outside: the tree mirrors the URLs.

mod config;
mod delivery;
mod dev;
mod gateway_check;
mod oauth_token;
mod passwordless_start;
mod process;
mod serve;
mod tidy;
mod world;
