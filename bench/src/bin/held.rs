//! `held`: what starts cost that wait for a slow gateway, and what everybody else feels meanwhile. See
//! `bench/README.md`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use ringpass_bench::args::Place;
use ringpass_bench::load::{Codes, Figures, Login, Target, Work};
use ringpass_bench::report::{self, line, milliseconds, percentile};
use ringpass_bench::ringpass::Ringpass;
use ringpass_bench::{Result, floor};
use ringpass_simulator::{Gateway, Reply};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;

/// What starts cost that wait for a slow gateway, and what everybody else feels meanwhile
#[derive(Debug, Parser)]
struct Args {
    /// Starts that wait at the same time
    #[arg(long, default_value_t = 5_000)]
    held: u32,
    /// Seconds after which the slow gateway answers
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Logins by eight other callers, before and while the others wait
    #[arg(long, default_value_t = 2_000)]
    logins: u32,
    #[command(flatten)]
    place: Place,
}

fn main() -> Result<()> {
    if floor::serve_if_asked()? {
        return Ok(());
    }
    let args = Args::parse();
    // Two files for each that waits here: the caller's connection and the gateway's.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    args.place.work(async |folder| run(&args, folder).await)
}

async fn run(args: &Args, folder: &Path) -> Result<()> {
    let codes = Codes::start().await?;
    let slow = Gateway::start().await?;
    slow.always(Reply::Delay(Duration::from_secs(args.seconds), Box::new(Reply::Status(200))));
    slow.hand_to(drop);

    let floor = hold(args, floor::start(folder, &slow.url()).await?, &slow, None).await?;
    let ringpass = Ringpass::new(&args.place, folder, "ringpass")?;
    let mut server = ringpass.start(&codes.url()).await?;
    ringpass.add_connection(SLOW, &server.caller.client_id, &slow.url()).await?;
    report::heading()?;
    let quiet = server.round(&codes, Work::Login, OTHERS, args.logins).await?;
    report::row(Work::Login.name(), OTHERS, "alone", server.name, &quiet)?;
    let held = hold(args, server, &slow, Some(&codes)).await?;
    let busy = held.others.as_ref().ok_or("nobody else called")?;
    report::row(Work::Login.name(), OTHERS, "held", "ringpass", busy)?;
    for (what, quiet, busy) in [("start", &quiet.start, &busy.start), ("token", &quiet.token, &busy.token)] {
        let ratio = percentile(busy, 99).as_secs_f64() / percentile(quiet, 99).as_secs_f64();
        line(&format!("ratio    {what} p99 of the others: {ratio:.2} times its value alone"))?;
    }
    line("held     server    waiting  failed   KiB each   CPU ms each   slowest s")?;
    floor.tell("floor", args.held)?;
    held.tell("ringpass", args.held)
}

/// What holding came to.
struct Held {
    failed: u32,
    kib_each: f64,
    cpu_each: Duration,
    slowest: Duration,
    others: Option<Figures>,
}

impl Held {
    fn tell(&self, server: &str, count: u32) -> Result<()> {
        line(&format!(
            "         {server:<8}  {count:>7}  {:>6}   {:>8.1}   {:>11.3}   {:>9.2}",
            self.failed,
            self.kib_each,
            milliseconds(self.cpu_each),
            self.slowest.as_secs_f64(),
        ))
    }
}

/// Starts that wait at the slow gateway, all at once; while all of them wait, memory is read and others sign in.
async fn hold(args: &Args, mut target: Target, slow: &Gateway, codes: Option<&Arc<Codes>>) -> Result<Held> {
    let login = Login { connection: SLOW, ..target.caller.clone() };
    let before = (target.process.resident_kib()?, target.process.cpu()?, slow.count());
    let mut crowd = JoinSet::new();
    for number in target.numbers(args.held) {
        let login = login.clone();
        let mut caller = login.connect().await?;
        crowd.spawn(async move {
            let asked = Instant::now();
            (login.start(&mut caller, &number).await, asked.elapsed())
        });
    }
    let began = Instant::now();
    while slow.count() - before.2 < u64::from(args.held) && began.elapsed() < Duration::from_secs(args.seconds) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let cpu_each = target.process.cpu()?.since(before.1).total() / args.held;
    let kib_each = f64::from(target.process.resident_kib()?.saturating_sub(before.0)) / f64::from(args.held);
    let others = match codes {
        Some(codes) => Some(target.round(codes, Work::Login, OTHERS, args.logins).await?),
        None => None,
    };
    let (mut failed, mut slowest, mut why) = (0, Duration::ZERO, None);
    while let Some(done) = crowd.join_next().await {
        let (outcome, time) = done?;
        slowest = slowest.max(time);
        if let Err(error) = outcome {
            failed += 1;
            why.get_or_insert(error);
        }
    }
    if let Some(why) = why {
        line(&format!("         first failure: {why}"))?;
    }
    target.process.stop().await?;
    Ok(Held { failed, kib_each, cpu_each, slowest, others })
}

/// The connection whose gateway is slow.
const SLOW: &str = "slow-sms";
/// Callers that sign in through the quick gateway.
const OTHERS: u32 = 8;
