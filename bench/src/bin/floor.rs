//! `floor`: what the least possible server costs for a sign-in. See `bench/README.md`.

use std::path::Path;

use clap::Parser;
use ringpass_bench::args::Place;
use ringpass_bench::load::{Codes, Work};
use ringpass_bench::{Result, floor, report};

/// What the least possible server costs for a sign-in
#[derive(Debug, Parser)]
struct Args {
    /// Measured logins in each round
    #[arg(long, default_value_t = 4_000)]
    logins: u32,
    /// Callers at the same time
    #[arg(long, default_value_t = 8)]
    callers: u32,
    /// Rounds
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    #[command(flatten)]
    place: Place,
}

fn main() -> Result<()> {
    if floor::serve_if_asked()? {
        return Ok(());
    }
    let args = Args::parse();
    args.place.work(async |folder| run(&args, folder).await)
}

async fn run(args: &Args, folder: &Path) -> Result<()> {
    let codes = Codes::start().await?;
    let mut target = floor::start(folder, &codes.url()).await?;
    let idle = target.process.resident_kib()?;
    report::heading()?;
    for round in 1..=args.rounds {
        let figures = target.round(&codes, Work::Login, args.callers, args.logins).await?;
        report::row(Work::Login.name(), args.callers, &round.to_string(), target.name, &figures)?;
    }
    report::memory(target.name, idle, target.process.resident_kib()?)?;
    target.process.stop().await
}
