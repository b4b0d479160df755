//! `fill`: whether a server with very many users and log events costs more than one with few. See `bench/README.md`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use ringpass_bench::args::Place;
use ringpass_bench::load::{Codes, Figures, Target, Work};
use ringpass_bench::report::{self, line, milliseconds};
use ringpass_bench::ringpass::Ringpass;
use ringpass_bench::{Result, floor};
use ringpass_core::kit::clock::{Clock, Millis};
use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::event::Event;
use ringpass_core::model::user::User;
use ringpass_core::storage::{logs, users};

/// Whether a server with very many users and log events costs more than one with few
#[derive(Debug, Parser)]
struct Args {
    /// Users of the full server, and as many log events
    #[arg(long, default_value_t = 10_000_000)]
    users: u32,
    /// Users of the other server, and as many log events
    #[arg(long, default_value_t = 1_000)]
    few: u32,
    /// Measured logins in each round
    #[arg(long, default_value_t = 4_000)]
    logins: u32,
    /// Callers at the same time
    #[arg(long, default_value_t = 8)]
    callers: u32,
    /// Rounds
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    #[command(flatten)]
    place: Place,
}

fn main() -> Result<()> {
    if floor::serve_if_asked()? {
        return Ok(());
    }
    let args = Args::parse();
    if args.place.database.is_some() {
        return Err("fill compares two SQLite files; leave --database away".into());
    }
    args.place.work(async |folder| run(&args, folder).await)
}

async fn run(args: &Args, folder: &Path) -> Result<()> {
    let codes = Codes::start().await?;
    let mut floor = floor::start(folder, &codes.url()).await?;
    let (few_again, mut few) = filled(args, folder, "few", args.few, &codes).await?;
    let (full_again, mut full) = filled(args, folder, "full", args.users, &codes).await?;
    report::heading()?;
    let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
    for round in 1..=args.rounds {
        for (target, kept) in [&mut floor, &mut few, &mut full].into_iter().zip(&mut rounds) {
            kept.push(measure(target, args, round, &codes).await?);
        }
    }
    let [floor_cpu, few_cpu, full_cpu] =
        rounds.map(|rounds| report::median(&rounds).map_or(0.0, |figures| figures.cpu.total().as_secs_f64()));
    line(&format!(
        "ratio    full: {:.2} times the CPU time of few, {:.2} times the floor's (medians)",
        full_cpu / few_cpu,
        full_cpu / floor_cpu
    ))?;
    for (target, again) in [(few, few_again), (full, full_again)] {
        let (name, memory) = (target.name, f64::from(target.process.resident_kib()?) / 1_024.0);
        target.process.stop().await?;
        let restart = milliseconds(again.time_to_first_answer().await?);
        line(&format!("start    {name}: {restart:.0} ms to the first answer, {memory:.1} MiB after the load"))?;
    }
    floor.process.stop().await
}

async fn measure(target: &mut Target, args: &Args, round: u32, codes: &Arc<Codes>) -> Result<Figures> {
    let figures = target.round(codes, Work::Login, args.callers, args.logins).await?;
    report::row(Work::Login.name(), args.callers, &round.to_string(), target.name, &figures)?;
    Ok(figures)
}

/// A server with this many users and log events, ready for sign-ins.
async fn filled(
    args: &Args,
    folder: &Path,
    name: &'static str,
    count: u32,
    codes: &Codes,
) -> Result<(Ringpass, Target)> {
    let ringpass = Ringpass::new(&args.place, folder, name)?;
    let empty = ringpass.start(&codes.url()).await?;
    let caller = empty.caller.clone();
    empty.process.stop().await?;
    fill(&ringpass, name, count).await?;
    let target = ringpass.start_again(&caller, 0).await?;
    Ok((ringpass, Target { name, ..target }))
}

/// Adds users and log events through the storage functions, 10,000 of each in a transaction.
async fn fill(ringpass: &Ringpass, name: &str, count: u32) -> Result<()> {
    let db = ringpass.open().await?;
    let (clock, rng, began) = (Clock::system(), Rng::system(), Instant::now());
    for first in (0..count).step_by(STEP as usize) {
        let (rng, now) = (rng.clone(), clock.now());
        let last = (first + STEP).min(count);
        db.write("bench.fill", move |tx| {
            for index in first..last {
                // A history of a month, at an even pace.
                let at = now - MONTH + MONTH / i64::from(count) * i64::from(index);
                // The factor scatters the numbers, as in life; it has no divisor in common with 10^8.
                let number = format!("+49160{:08}", u64::from(index) * 61_803_399 % 100_000_000);
                let mut user = User::of_phone("sms", &number, &rng, at);
                user.signed_in("192.0.2.1", at);
                users::insert(tx, &user)?;
                logs::insert(tx, &entry(&user, &rng, at))?;
            }
            Ok(())
        })
        .await?;
        if last.is_multiple_of(STEP * 50) || last == count {
            let each = f64::from(last) / began.elapsed().as_secs_f64();
            line(&format!("fill     {name}: {last} of {count} users and log events, {each:.0} a second"))?;
        }
    }
    db.close().await;
    Ok(())
}

fn entry(user: &User, rng: &Rng, at: Millis) -> logs::Entry {
    let event = Event {
        kind: "s",
        description: "Success Login".to_owned(),
        connection: "sms".to_owned(),
        strategy: "sms".to_owned(),
        strategy_type: "passwordless".to_owned(),
        ip: "192.0.2.1".to_owned(),
        client_ip: "192.0.2.1".to_owned(),
        user_agent: "bench".to_owned(),
        user_id: user.user_id.clone(),
        user_name: user.phone_number.clone().unwrap_or_default(),
        ..Event::default()
    };
    let log_id = ids::log(rng, at);
    let body = event.body(&log_id, at, "bench");
    logs::Entry { log_id, date: at, kind: event.kind, user_id: Some(event.user_id), body }
}

/// Rows in a transaction.
const STEP: u32 = 10_000;
/// Milliseconds: less than the days that the log is kept, so that nothing is pruned while the load runs.
const MONTH: Millis = 29 * 86_400_000;
