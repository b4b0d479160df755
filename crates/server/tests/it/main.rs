//! Behaviour of the server, one tree that mirrors what it tests.
#![expect(clippy::unwrap_used, reason = "tests stop where something is not as it should be")]

mod config;
