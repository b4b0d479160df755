//! The bag of handles that every floor above it shares.

use crate::config::Config;

/// What a running server holds.
#[derive(Debug)]
pub struct App {
    /// Settings of the process.
    pub config: Config,
}
