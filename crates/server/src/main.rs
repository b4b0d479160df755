//! The program `ringpass`: reads the command line, runs one command, ends with its exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringpass::commands::{self, Failure};
use ringpass::config::{Config, Environment, Flags, Mode};
use ringpass::{compute, gateway_check, logging, output};

/// A self-hosted phone sign-in server that speaks Auth0's wire contract.
#[derive(Debug, Parser)]
#[command(
    name = "ringpass",
    version,
    after_help = "Start with `ringpass dev`: it needs nothing, and prints two commands to try a sign-in.\nSettings come from \
                  flags, then RINGPASS_ variables, then a TOML file, then defaults.\nExit codes: 0 done, 1 failed, 2 wrong \
                  usage or configuration."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve sign-ins; needs a public URL, a listener and a master key
    Serve(#[command(flatten)] Box<Flags>),
    /// Serve on this machine with everything made up: certificate, tenant, gateway, inbox
    Dev(#[command(flatten)] Box<Flags>),
    /// Bring the database to this version's schema, then end
    Migrate(#[command(flatten)] Box<Flags>),
    /// Seal every secret in the database with the first master key, beside running servers, then end
    Reseal(#[command(flatten)] Box<Flags>),
    /// Tell what is known of a phone number, and whether a start for it is let through; exit 0 yes, 1 no
    Number {
        /// The number: + and up to 15 digits
        number: String,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Print the settings in force as TOML, secrets masked
    CheckConfig {
        /// Check what `dev` would use instead of `serve`
        #[arg(long)]
        dev: bool,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Print the version
    Version,
    /// Try your own SMS gateway
    #[command(subcommand)]
    Gateway(Gateway),
}

#[derive(Debug, Subcommand)]
enum Gateway {
    /// Check that a gateway accepts signed requests and refuses all others; exit 0 safe, 1 unsafe, 2 unreachable
    Check(gateway_check::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::complain(&failure.sentence);
            ExitCode::from(failure.code)
        }
    }
}

fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Serve(flags) => drive(commands::serve(start(Mode::Serve, &flags)?))?.map(|()| 0),
        Command::Dev(flags) => drive(commands::dev(start(Mode::Dev, &flags)?))?.map(|()| 0),
        Command::Migrate(flags) => drive(commands::migrate(start(Mode::Migrate, &flags)?))?.map(|()| 0),
        Command::Reseal(flags) => drive(commands::reseal(start(Mode::Migrate, &flags)?))?.map(|()| 0),
        Command::Number { number, flags } => {
            let config = Config::read(Mode::Migrate, &flags, &Environment::process()?)?;
            drive(commands::number(config, &number))?
        }
        Command::CheckConfig { dev, flags } => {
            let mode = if dev { Mode::Dev } else { Mode::Serve };
            drive(commands::check_config(mode, &flags, &Environment::process()?))?.map(|()| 0)
        }
        Command::Version => {
            commands::version();
            Ok(0)
        }
        Command::Gateway(Gateway::Check(check)) => drive(commands::gateway_check(check)),
    }
}

/// Reads the settings and starts the process logs with them.
fn start(mode: Mode, flags: &Flags) -> Result<Config, Failure> {
    let config = Config::read(mode, flags, &Environment::process()?)?;
    logging::start(&config);
    config.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(config)
}

/// Runs a command's future to its end, on half of the cores: the database and the signatures have threads of their own,
/// and with more threads here every word from one of those would wake two.
fn drive<T>(command: impl Future<Output = T>) -> Result<T, Failure> {
    let threads = (compute::cores() / 2).max(1);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    Ok(runtime.worker_threads(threads).enable_all().build().map_err(Failure::failed)?.block_on(command))
}
