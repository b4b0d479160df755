//! Settings of the process: one immutable [`Config`] made from flags, then environment variables, then one TOML file, then
//! defaults. The only reader of the environment.
//!
//! Product settings (connections, templates, clients) are not here: they live in the database.

mod database;
pub mod dev;
mod http;
mod limits;
mod outbound;
mod secrets;
mod show;
mod sources;

use std::path::PathBuf;

pub use database::{Database, DatabaseUrl};
pub use http::{Http, Tls};
pub use limits::Limits;
pub use outbound::{OutboundSettings, TwilioTimes};
pub use secrets::{Admin, Secrets};
pub use show::show;
pub use sources::{ConfigError, Environment, Flags, SETTINGS, Setting};

use sources::Values;

/// Everything that is decided before the server starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Listeners and the address clients use.
    pub http: Http,
    /// Where rows live.
    pub database: Database,
    /// Sealing keys and the first administrator.
    pub secrets: Secrets,
    /// Request limits.
    pub limits: Limits,
    /// What outbound calls may do.
    pub outbound: OutboundSettings,
    /// How process logs are written.
    pub logs: LogFormat,
    /// Which process logs are written, in the syntax of `tracing` filters (`info`, `ringpass=debug`).
    pub log_filter: String,
    /// Whether the development helpers run.
    pub dev: bool,
    /// Folder of the embedded database and of the development files.
    pub data: PathBuf,
}

/// The command that settings are read for; it decides defaults and what is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `ringpass serve`: nothing is assumed that could be unsafe.
    Serve,
    /// `ringpass dev`: everything has a default on the loopback interface.
    Dev,
    /// `ringpass migrate`: only the database matters.
    Migrate,
}

/// How process logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Lines for people.
    Human,
}

impl LogFormat {
    /// The word used in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Human => "human",
        }
    }
}

impl Config {
    /// Reads every source and checks the whole. Touches no file but the ones that settings name; [`dev::prepare`] makes the
    /// files of `ringpass dev`.
    pub fn read(mode: Mode, flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let values = Values::collect(flags, environment)?;
        let data = values.path("data").unwrap_or_else(|| PathBuf::from("./ringpass-data"));
        let logs = match values.text("log_format") {
            None if mode == Mode::Serve => LogFormat::Json,
            None => LogFormat::Human,
            Some(value) => match value.text() {
                "json" => LogFormat::Json,
                "human" => LogFormat::Human,
                _ => return Err(value.wrong("use `json` or `human`")),
            },
        };
        Ok(Self {
            http: Http::read(mode, &values, &data)?,
            database: Database::read(&values, &data)?,
            secrets: Secrets::read(mode, &values)?,
            limits: Limits::read(&values)?,
            outbound: OutboundSettings::read(mode, &values)?,
            logs,
            log_filter: log_filter(&values)?,
            dev: mode == Mode::Dev,
            data,
        })
    }

    /// Sentences about settings that work but that an operator should know of; logged once at start.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.limits.documented {
            out.push(
                "--limits off: request limits per address and suspicious-IP throttling are lifted; use this for load tests only"
                    .to_owned(),
            );
        }
        if self.http.public_url.scheme() == "http" && !self.http.is_loopback() {
            out.push(format!(
                "the public URL {} is plain HTTP: codes and tokens travel readable; give an https:// URL",
                self.http.public_url
            ));
        }
        out
    }
}

fn log_filter(values: &Values) -> Result<String, ConfigError> {
    let Some(value) = values.text("log") else { return Ok("info".to_owned()) };
    tracing_subscriber::EnvFilter::try_new(value.text())
        .map(|_| value.text().to_owned())
        .map_err(|_| value.wrong("write levels and targets, such as info or warn,ringpass=debug"))
}
