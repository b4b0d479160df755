//! `login`: what a sign-in costs the real server, beside the floor if asked. See `bench/README.md`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ringpass_bench::args::Args;
use ringpass_bench::load::Codes;
use ringpass_bench::ringpass::Ringpass;
use ringpass_bench::{Result, floor, report};

fn main() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if floor::serve_if_asked(&words)? {
        return Ok(());
    }
    let args = Args::parse(words.into_iter())?;
    // One thread for callers and gateway leaves the other cores to the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = args.folder.join(format!("bench-data-{}", std::process::id()));
    match runtime.block_on(run(&args, &folder)) {
        Ok(()) => Ok(fs::remove_dir_all(&folder)?),
        Err(error) if folder.exists() => Err(format!("{error} (the logs are in {})", folder.display()).into()),
        Err(error) => Err(error),
    }
}

async fn run(args: &Args, folder: &Path) -> Result<()> {
    let codes = Arc::new(Codes::start().await?);
    let ringpass = Ringpass::new(&args.binary, folder)?;
    let mut server = ringpass.start(&codes.url()).await?;
    let mut floor = if args.with_floor { Some(floor::start(folder, &codes.url()).await?) } else { None };
    let idle = server.process.resident_kib()?;

    report::heading()?;
    let (mut server_rounds, mut floor_rounds) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        // In turns, so that a slow minute of the machine meets both.
        if let Some(floor) = &mut floor {
            let figures = floor.round(&codes, args.callers, args.logins).await?;
            report::row(&round.to_string(), floor.name, &figures)?;
            floor_rounds.push(figures);
        }
        let figures = server.round(&codes, args.callers, args.logins).await?;
        report::row(&round.to_string(), server.name, &figures)?;
        server_rounds.push(figures);
    }
    report::medians(&floor_rounds, &server_rounds)?;

    report::memory(server.name, idle, server.process.resident_kib()?)?;
    server.process.stop().await?;
    let restart = ringpass.time_to_first_answer().await?;
    report::line(&format!(
        "start    {:.0} ms from spawn to the first answer on the folder of this run",
        report::milliseconds(restart)
    ))
}
