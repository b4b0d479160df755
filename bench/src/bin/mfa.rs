//! `mfa`: what a second factor costs the server, beside a sign-in without one. See `bench/README.md`.

use std::path::Path;

use clap::Parser;
use ringpass_bench::args::Place;
use ringpass_bench::load::{Codes, Figures};
use ringpass_bench::report::{self, line, milliseconds};
use ringpass_bench::ringpass::Ringpass;
use ringpass_bench::second_factor::{Crowd, Step, Texts};
use ringpass_bench::{Result, floor};

/// What a second factor by text message costs the server, beside a sign-in without one
#[derive(Debug, Parser)]
struct Args {
    /// People with a phone enrolled; several numbers make several servers, measured in turns
    #[arg(long, value_delimiter = ',', default_values_t = [2_000])]
    users: Vec<u32>,
    /// Measured sign-ins of each kind in each round
    #[arg(long, default_value_t = 1_000)]
    logins: u32,
    /// Callers at the same time, each on one kept connection; several numbers make several rows
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8])]
    callers: Vec<u32>,
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
    args.check()?;
    args.place.work(async |folder| run(&args, folder).await)
}

impl Args {
    fn check(&self) -> Result<()> {
        if self.place.database.is_some() {
            return Err("mfa enrols people in an SQLite file; leave --database away".into());
        }
        let rows = u32::try_from(self.callers.len())?;
        // The warm-up is one more round at most.
        let wanted = self.logins.saturating_mul(self.rounds.saturating_mul(rows).saturating_add(1));
        match self.users.iter().find(|users| Crowd::most(**users) < wanted) {
            Some(users) => Err(format!(
                "{users} people may get {} messages in an hour, and {wanted} are wanted: more --users, or less of the rest",
                Crowd::most(*users)
            )
            .into()),
            None => Ok(()),
        }
    }
}

/// All rounds of one server from so many callers: plain, first, second.
struct Section {
    server: usize,
    callers: u32,
    rounds: [Vec<Figures>; 3],
}

const STEPS: [Step; 3] = [Step::Plain, Step::First, Step::Second];

async fn run(args: &Args, folder: &Path) -> Result<()> {
    let (codes, texts) = (Codes::start().await?, Texts::start().await?);
    let mut servers = Vec::new();
    for (at, users) in args.users.iter().enumerate() {
        let ringpass = Ringpass::new(&args.place, folder, &format!("{at}-{users}"))?;
        servers.push(Crowd::gather(ringpass, *users, &codes, &texts).await?);
    }
    report::heading()?;
    let mut sections = Vec::new();
    for callers in &args.callers {
        let all = (0..servers.len()).map(|server| Section { server, callers: *callers, rounds: Default::default() });
        sections.extend(all);
    }
    for round in 1..=args.rounds {
        for section in &mut sections {
            let Some(server) = servers.get_mut(section.server) else { continue };
            let figures = server.round(section.callers, args.logins).await?;
            for ((step, figures), kept) in STEPS.into_iter().zip(figures).zip(&mut section.rounds) {
                row(step, section.callers, &round.to_string(), server, &figures)?;
                kept.push(figures);
            }
        }
    }
    for section in &sections {
        let Some(server) = servers.get(section.server) else { continue };
        section.tell(server)?;
    }
    for server in servers {
        let (name, memory) = (name(&server), f64::from(server.target.process.resident_kib()?) / 1_024.0);
        server.target.process.stop().await?;
        line(&format!("memory   {name} people: {memory:.1} MiB after the load"))?;
    }
    Ok(())
}

impl Section {
    /// Prints the middle rounds, and what the second factor costs beside a plain sign-in.
    fn tell(&self, server: &Crowd) -> Result<()> {
        let mut cpu = [0.0; 3];
        for ((step, rounds), cpu) in STEPS.into_iter().zip(&self.rounds).zip(&mut cpu) {
            let Some(figures) = report::median(rounds) else { continue };
            row(step, self.callers, "med.", server, figures)?;
            *cpu = milliseconds(figures.cpu.total());
        }
        let [plain, first, second] = cpu;
        let (people, callers) = (name(server), self.callers);
        line(&format!(
            "ratio    {people} people, {callers} callers: challenge and verify {second:.3} ms, {:.2} times a plain sign-in \
             of {plain:.3} ms; a whole one {:.3} ms",
            second / plain,
            first + second
        ))
    }
}

fn row(step: Step, callers: u32, round: &str, server: &Crowd, figures: &Figures) -> Result<()> {
    report::row(step.name(), callers, round, &name(server), figures)
}

fn name(server: &Crowd) -> String {
    server.people.to_string()
}
