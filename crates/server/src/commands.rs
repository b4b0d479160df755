//! What the commands of the program do, each as one function that ends in an exit code.

use std::convert::Infallible;
use std::fmt;

use ringpass_core::kit::secret::Secret;

use crate::config::{Config, ConfigError, Environment, Flags, Mode, show};
use crate::output;
use crate::serve::ServeError;
use crate::serve::tls::Certificate;

/// Why a command failed: a sentence for whoever ran it, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// 1 for a failure, 2 for wrong usage or configuration.
    pub code: u8,
    /// What is wrong and what to do.
    pub sentence: String,
}

impl Failure {
    /// Something went wrong: exit code 1.
    pub fn failed(why: impl fmt::Display) -> Self {
        Self { code: 1, sentence: why.to_string() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { code: 2, sentence: error.to_string() }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::failed(error)
    }
}

/// Arguments of `ringpass gateway check`.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewayCheck {
    /// The gateway's address
    pub url: String,
    /// The secret that signs requests; without it a random one does
    #[arg(long, value_name = "SECRET", value_parser = |text: &str| Ok::<_, Infallible>(Secret::new(text)))]
    pub secret: Option<Secret>,
    /// `aud` of the signed token
    #[arg(long, value_name = "TEXT")]
    pub audience: Option<String>,
    /// `sub` of the signed token
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// The secret is written in base64
    #[arg(long)]
    pub secret_base64: bool,
}

/// `ringpass serve`.
pub async fn serve(config: Config) -> Result<(), Failure> {
    unfinished(&config).await
}

/// `ringpass dev`.
pub async fn dev(config: Config) -> Result<(), Failure> {
    unfinished(&config).await
}

/// `ringpass migrate`.
pub async fn migrate(config: Config) -> Result<(), Failure> {
    unfinished(&config).await
}

/// `ringpass gateway check`: 0 safe, 1 unsafe, 2 unreachable.
pub async fn gateway_check(check: GatewayCheck) -> Result<u8, Failure> {
    std::future::ready(Err(Failure::failed(format!("{} cannot be checked yet", check.url)))).await
}

/// `ringpass check-config`: prints the settings in force, secrets masked; warnings go to standard error.
pub fn check_config(mode: Mode, flags: &Flags, environment: &Environment) -> Result<(), Failure> {
    let config = Config::read(mode, flags, environment)?;
    // The certificate of `dev` is made at its start.
    if let Some(tls) = config.http.tls.as_ref().filter(|_| mode == Mode::Serve) {
        Certificate::read(tls).map_err(|error| Failure { code: 2, sentence: error.to_string() })?;
    }
    config.warnings().iter().for_each(|warning| output::complain(&format!("warning: {warning}")));
    output::say(show(&config).trim_end());
    Ok(())
}

/// `ringpass version`.
pub fn version() {
    let (os, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    output::say(&format!("ringpass {}\n{os} {machine}", env!("CARGO_PKG_VERSION")));
}

async fn unfinished(config: &Config) -> Result<(), Failure> {
    std::future::ready(Err(Failure::failed(format!("nothing is served yet at {}", config.http.public_url)))).await
}
