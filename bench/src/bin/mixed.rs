//! `mixed`: what a caller of cheap endpoints feels while others exchange codes, which is where the signatures are made.
//! See `bench/README.md`.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use http::{Method, StatusCode};
use ringpass_bench::args::Place;
use ringpass_bench::http::Caller;
use ringpass_bench::load::{Codes, Login, Target};
use ringpass_bench::report::{line, milliseconds, percentile};
use ringpass_bench::ringpass::Ringpass;
use ringpass_bench::{Result, floor};
use tokio::task::JoinSet;

/// What one caller of the JWKS and one of `/passwordless/start` feel while many exchange codes
#[derive(Debug, Parser)]
struct Args {
    /// Callers that exchange codes
    #[arg(long, default_value_t = 64)]
    callers: u32,
    /// Codes to exchange; the quiet phase before it lasts about as long
    #[arg(long, default_value_t = 10_000)]
    exchanges: u32,
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
    let ringpass = Ringpass::new(&args.place, folder, "ringpass")?;
    let targets = [floor::start(folder, &codes.url()).await?, ringpass.start(&codes.url()).await?];
    line("                                           JWKS ms         start ms")?;
    line("server    phase                          p50     p99      p50     p99")?;
    for mut target in targets {
        let quiet = feel(&mut target, &codes, QUIET).await?;
        quiet.tell(target.name, "alone")?;
        let (busy, elapsed) = under_exchanges(&mut target, &codes, args).await?;
        busy.tell(target.name, &format!("{} callers exchange", args.callers))?;
        line(&format!(
            "ratio     {}: start p99 {:.2} times its value alone, at {:.0} exchanges/s",
            target.name,
            percentile(&busy.start, 99).as_secs_f64() / percentile(&quiet.start, 99).as_secs_f64(),
            f64::from(args.exchanges) / elapsed.as_secs_f64(),
        ))?;
        target.process.stop().await?;
    }
    Ok(())
}

/// Times of the two probes, fastest first.
struct Felt {
    jwks: Vec<Duration>,
    start: Vec<Duration>,
}

impl Felt {
    fn tell(&self, server: &str, phase: &str) -> Result<()> {
        let [jwks_50, jwks_99] = [50, 99].map(|part| milliseconds(percentile(&self.jwks, part)));
        let [start_50, start_99] = [50, 99].map(|part| milliseconds(percentile(&self.start, part)));
        line(&format!("{server:<9} {phase:<26} {jwks_50:>7.2} {jwks_99:>7.2}  {start_50:>7.2} {start_99:>7.2}"))
    }
}

/// Probes for a while with nobody else calling.
async fn feel(target: &mut Target, codes: &Arc<Codes>, time: Duration) -> Result<Felt> {
    target.prepare(codes, 200).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let probes = probe(target, &stop);
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    probes.await?
}

/// Probes while all the codes are exchanged; also how long that took.
async fn under_exchanges(target: &mut Target, codes: &Arc<Codes>, args: &Args) -> Result<(Felt, Duration)> {
    let kept = target.prepare(codes, args.exchanges).await?;
    let waiting = Arc::new(Mutex::new(VecDeque::from(kept)));
    let stop = Arc::new(AtomicBool::new(false));
    let probes = probe(target, &stop);
    let began = Instant::now();
    let mut crowd = JoinSet::new();
    for _ in 0..args.callers {
        let (login, waiting) = (target.caller.clone(), Arc::clone(&waiting));
        crowd.spawn(async move {
            let mut caller = login.connect().await?;
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some((number, code)) = next() {
                login.exchange(&mut caller, &number, &code).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(done) = crowd.join_next().await {
        done??;
    }
    let elapsed = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    Ok((probes.await??, elapsed))
}

/// Two callers in the background, one of the JWKS and one of starts, until `stop`.
fn probe(target: &mut Target, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<Result<Felt>> {
    let login = target.caller.clone();
    let numbers = target.numbers(MOST_PROBES);
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        let (jwks, start) = tokio::join!(ask_for_jwks(&login, &stop), ask_for_codes(&login, &numbers, &stop));
        let (mut jwks, mut start) = (jwks?, start?);
        jwks.sort_unstable();
        start.sort_unstable();
        Ok(Felt { jwks, start })
    })
}

async fn ask_for_jwks(login: &Login, stop: &AtomicBool) -> Result<Vec<Duration>> {
    let mut caller: Caller = login.connect().await?;
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let (status, _) = caller.send(Method::GET, "/.well-known/jwks.json", None, None).await?;
        if status != StatusCode::OK {
            return Err(format!("the JWKS answered {status}").into());
        }
        times.push(asked.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    Ok(times)
}

async fn ask_for_codes(login: &Login, numbers: &[String], stop: &AtomicBool) -> Result<Vec<Duration>> {
    let mut caller = login.connect().await?;
    let mut times = Vec::new();
    for number in numbers {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        times.push(login.start(&mut caller, number).await?);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(times)
}

const QUIET: Duration = Duration::from_secs(4);
/// Between two probes, so that they measure the load and are none themselves.
const PAUSE: Duration = Duration::from_millis(2);
const MOST_PROBES: u32 = 20_000;
