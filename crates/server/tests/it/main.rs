//! Behaviour, seen from outside: the tree mirrors the URLs.

mod config;
mod dev;
mod gateway_check;
mod passwordless_start;
mod serve;
mod world;
