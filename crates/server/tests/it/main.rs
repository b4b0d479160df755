//! Behaviour, seen from outside: the tree mirrors the URLs.

mod config;
mod coverage;
mod dev;
mod gateway_check;
mod management;
mod passwordless_start;
mod process;
mod serve;
mod tidy;
mod world;
