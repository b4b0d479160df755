//! Process logs: to standard error, as JSON lines for machines or as lines for people.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts the process logs. Works once in a process; a later call changes nothing.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = TALKATIVE.iter().filter_map(|directive| directive.parse().ok()).fold(filter, EnvFilter::add_directive);
    // A line that cannot be written (the disk is full, the reader is gone) is lost: complaining of it on standard error,
    // which is the default, panics in whatever was being logged.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    // The error only says that logs were started already.
    let _ = match config.logs {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        LogFormat::Human => builder.with_ansi(stderr().is_terminal()).try_init(),
    };
    if config.logs == LogFormat::Json {
        // A panic's own message may quote data: the log tells its place only.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map_or_else(String::new, ToString::to_string);
            tracing::error!(place, "a task broke");
        }));
    }
}

/// Libraries that would print phone numbers, parameters or headers at their finer levels, whatever the operator asks for.
const TALKATIVE: &[&str] =
    &["rlibphonenumber=off", "tokio_postgres=info", "h2=info", "hyper=info", "hyper_util=info", "rustls=info"];
