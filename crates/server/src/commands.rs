//! What the commands of the program do, each as one function that ends in an exit code.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ringpass_core::kit::clock::Clock;
use ringpass_core::kit::hash;
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;

use crate::app::App;
use crate::config::{self, Config, ConfigError, Environment, Flags, Mode, show};
use crate::ops::{self, Readiness};
use crate::serve::tls::Certificate;
use crate::serve::{Listeners, STOP_WITHIN, ServeError, signalled};
use crate::setup::dev::Addresses;
use crate::web::dev::Dev;
use crate::{gateway_check, number, output, reseal, setup, web, worker};

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

/// `ringpass serve`: runs until it is asked to stop.
pub async fn serve(config: Config) -> Result<(), Failure> {
    let listeners = Listeners::bind(&config.http)?;
    let readiness = Readiness::new();
    let ops = ops::router(Arc::clone(&readiness), ops::install_metrics().map_err(Failure::failed)?);
    let app = open(config).await?;
    let ops = ops.merge(ops::outbox::router(Arc::clone(&app)));
    warn(&app);
    tracing::info!(public_url = %app.config.http.public_url, "ready");
    readiness.start();
    let doors = web::public(Arc::clone(&app));
    attend(app, listeners, doors, ops, readiness).await
}

/// `ringpass dev`: the same server with everything made up, and doors to look inside.
pub async fn dev(mut config: Config) -> Result<(), Failure> {
    config::dev::prepare(&mut config, &Rng::system())?;
    let listeners = Listeners::bind(&config.http)?;
    let readiness = Readiness::new();
    let ops = ops::router(Arc::clone(&readiness), ops::install_metrics().map_err(Failure::failed)?);
    let addresses = Addresses::of(listeners.plain_addr(), listeners.tls_addr());
    let app = open(config).await?;
    let ops = ops.merge(ops::outbox::router(Arc::clone(&app)));
    let settings = setup::dev::prepare(&app, &addresses).await?;
    warn(&app);
    output::say(setup::dev::greeting(&app, &addresses, &settings).trim_end());
    let pages = web::dev::router(Arc::new(Dev::new(settings, app.clock.clone(), app.rng.clone())));
    let mut doors = web::public(Arc::clone(&app)).merge(pages);
    if listeners.ops_addr().is_none() {
        doors = doors.merge(ops::health(Arc::clone(&readiness)));
    }
    readiness.start();
    attend(app, listeners, doors, ops, readiness).await
}

/// Tells the operator of stored settings that will not do what one may expect.
fn warn(app: &App) {
    app.snapshot().warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
}

async fn open(config: Config) -> Result<Arc<App>, Failure> {
    let db = setup::open(&config).await?;
    db.watch(ops::transaction);
    setup::app(config, db, Clock::system(), Rng::system()).await
}

/// How long the database may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Serves until the signal, then waits for what is under way and closes the database.
async fn attend(
    app: Arc<App>,
    listeners: Listeners,
    doors: Router,
    ops: Router,
    readiness: Arc<Readiness>,
) -> Result<(), Failure> {
    let worker = tokio::spawn(worker::run(Arc::clone(&app), Arc::clone(&readiness)));
    let served = listeners.run(doors, ops, &readiness, signalled()).await;
    app.tasks.close();
    // A caller that hung up does not count as a connection, but what it asked for may still be under way.
    let _ = tokio::time::timeout(STOP_WITHIN, app.tasks.wait()).await;
    worker.abort();
    let _ = worker.await;
    // The database threads end with the last handle on them, and `app` has one. Should another be forgotten somewhere, the
    // process still ends: everything that was answered is committed.
    let db = app.db.clone();
    drop(app);
    if tokio::time::timeout(CLOSE_WITHIN, db.close()).await.is_err() {
        tracing::warn!("the database was still in use when the process ended");
    }
    Ok(served?)
}

/// `ringpass migrate`: brings the schema up to date and ends.
pub async fn migrate(config: Config) -> Result<(), Failure> {
    setup::open(&with_any_key(config)).await?.close().await;
    output::say("The database has this version's schema.");
    Ok(())
}

/// Where nothing sealed is touched, any master key serves to open the database.
fn with_any_key(mut config: Config) -> Config {
    if config.secrets.master_keys.is_empty() {
        config.secrets.master_keys = Secret::new(hash::base64(&Rng::system().bytes::<32>()));
    }
    config
}

/// `ringpass number`: 0 when a start for the number is let through, 1 when it is refused.
pub async fn number(config: Config, number: &str) -> Result<u8, Failure> {
    number::run(&with_any_key(config), number).await
}

/// `ringpass reseal`: seals everything with the first master key.
pub async fn reseal(config: Config) -> Result<(), Failure> {
    reseal::run(&config).await
}

/// `ringpass gateway check`: 0 safe, 1 unsafe, 2 unreachable.
pub async fn gateway_check(args: gateway_check::Args) -> u8 {
    gateway_check::run(args, &Clock::system(), &Rng::system(), &mut std::io::stdout()).await
}

/// `ringpass check-config`: prints the settings in force, secrets masked; warnings, also about what is stored, go to
/// standard error.
pub async fn check_config(mode: Mode, flags: &Flags, environment: &Environment) -> Result<(), Failure> {
    let config = Config::read(mode, flags, environment)?;
    // The certificate of `dev` is made at its start.
    if let Some(tls) = config.http.tls.as_ref().filter(|_| mode == Mode::Serve) {
        Certificate::read(tls).map_err(|error| Failure { code: 2, sentence: error.to_string() })?;
    }
    let stored = if config.secrets.master_keys.is_empty() { Vec::new() } else { setup::warnings(&config).await };
    config.warnings().iter().chain(&stored).for_each(|warning| output::complain(&format!("warning: {warning}")));
    output::say(show(&config).trim_end());
    Ok(())
}

/// `ringpass version`.
pub fn version() {
    let (os, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    output::say(&format!("ringpass {}\n{os} {machine}", env!("CARGO_PKG_VERSION")));
}
