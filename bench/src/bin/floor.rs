//! `floor`: what the least possible server costs for a sign-in. See `bench/README.md`.

use std::fs;
use std::sync::Arc;

use ringpass_bench::args::Args;
use ringpass_bench::load::Codes;
use ringpass_bench::{Result, floor, report};

fn main() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if floor::serve_if_asked(&words)? {
        return Ok(());
    }
    let args = Args::parse(words.into_iter())?;
    // One thread for callers and gateway leaves the other cores to the server.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(&args))
}

async fn run(args: &Args) -> Result<()> {
    let folder = args.folder.join(format!("bench-data-{}", std::process::id()));
    let codes = Arc::new(Codes::start().await?);
    let mut target = floor::start(&folder, &codes.url()).await?;
    let idle = target.process.resident_kib()?;
    report::heading()?;
    for round in 1..=args.rounds {
        let figures = target.round(&codes, args.callers, args.logins).await?;
        report::row(&round.to_string(), target.name, &figures)?;
    }
    report::memory(target.name, idle, target.process.resident_kib()?)?;
    target.process.stop().await?;
    Ok(fs::remove_dir_all(&folder)?)
}
