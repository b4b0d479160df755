//! Process logs: to standard error, as JSON lines for machines or as lines for people.

use std::fmt;
use std::io::{IsTerminal as _, stderr};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

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
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_current_span(true).with_span_list(false);
            builder.fmt_fields(SpanFields).try_init()
        }
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

/// Writes the fields of a span as a JSON object in one go. Every request has a span, and the library's own writer sorts
/// and copies its fields first. No span here gets more fields after it is made.
struct SpanFields;

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut object = Object(Vec::with_capacity(192));
        fields.record(&mut object);
        let members = String::from_utf8(object.0).map_err(|_| fmt::Error)?;
        write!(writer, "{{{members}}}")
    }
}

/// The members of a JSON object.
struct Object(Vec<u8>);

impl Object {
    fn member(&mut self, field: &Field, value: &impl Serialize) {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        // Nothing that is written here fails to serialize, and memory takes all of it.
        let _ = serde_json::to_writer(&mut self.0, field.name());
        self.0.push(b':');
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

impl Visit for Object {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, &format!("{value:?}"));
    }
}

/// Libraries that would print phone numbers, parameters or headers at their finer levels, whatever the operator asks for.
const TALKATIVE: &[&str] =
    &["rlibphonenumber=off", "tokio_postgres=info", "h2=info", "hyper=info", "hyper_util=info", "rustls=info"];
