//! `login`: what a sign-in and a start alone cost the real server, beside the floor if asked. See `bench/README.md`.

use std::path::Path;

use clap::Parser;
use ringpass_bench::args::Place;
use ringpass_bench::load::{Codes, Figures, Target, Work};
use ringpass_bench::ringpass::Ringpass;
use ringpass_bench::{Result, floor, report};

/// What a sign-in and a start alone cost the server
#[derive(Debug, Parser)]
struct Args {
    /// Measured logins, or starts, in each round
    #[arg(long, default_value_t = 4_000)]
    logins: u32,
    /// Callers at the same time for logins, each on one kept connection; several numbers make several rows, 0 none
    #[arg(long, value_delimiter = ',', default_values_t = [8])]
    callers: Vec<u32>,
    /// Callers at the same time for starts alone
    #[arg(long, value_delimiter = ',')]
    starts: Vec<u32>,
    /// Rounds; default 3 with the floor beside, else 1
    #[arg(long)]
    rounds: Option<u32>,
    /// Runs the floor in turns with the server
    #[arg(long)]
    with_floor: bool,
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
    let mut server = ringpass.start(&codes.url()).await?;
    let mut floor = if args.with_floor { Some(floor::start(folder, &codes.url()).await?) } else { None };
    let idle = server.process.resident_kib()?;
    let logins = args.callers.iter().filter(|&&callers| callers > 0).map(|&callers| (Work::Login, callers));
    let starts = args.starts.iter().map(|&callers| (Work::Start, callers));
    let mut sections: Vec<Section> =
        logins.chain(starts).map(|(work, callers)| Section { work, callers, ..Section::default() }).collect();

    report::heading()?;
    let rounds = args.rounds.unwrap_or(if args.with_floor { 3 } else { 1 });
    for round in 1..=rounds {
        for section in &mut sections {
            // In turns, so that a slow minute of the machine meets both.
            if let Some(floor) = &mut floor {
                let figures = section.measure(floor, args.logins, round, &codes).await?;
                section.floor.push(figures);
            }
            let figures = section.measure(&mut server, args.logins, round, &codes).await?;
            section.server.push(figures);
        }
    }
    sections.iter().try_for_each(Section::tell)?;
    tell_shared_sync(&sections)?;

    report::memory(server.name, idle, server.process.resident_kib()?)?;
    server.process.stop().await?;
    let restart = ringpass.time_to_first_answer().await?;
    report::line(&format!(
        "start    {:.0} ms from spawn to the first answer on the folder of this run",
        report::milliseconds(restart)
    ))
}

/// One kind of work from a number of callers, and all its rounds.
#[derive(Debug, Default)]
struct Section {
    work: Work,
    callers: u32,
    floor: Vec<Figures>,
    server: Vec<Figures>,
}

impl Section {
    async fn measure(
        &self,
        target: &mut Target,
        count: u32,
        round: u32,
        codes: &std::sync::Arc<Codes>,
    ) -> Result<Figures> {
        let figures = target.round(codes, self.work, self.callers, count).await?;
        report::row(self.work.name(), self.callers, &round.to_string(), target.name, &figures)?;
        Ok(figures)
    }

    /// Prints the middle rounds, and the ratio of their CPU time when both servers ran.
    fn tell(&self) -> Result<()> {
        let medians = (report::median(&self.floor), report::median(&self.server));
        for (name, figures) in [("floor", medians.0), ("ringpass", medians.1)] {
            if let Some(figures) = figures {
                report::row(self.work.name(), self.callers, "med.", name, figures)?;
            }
        }
        let (Some(floor), Some(server)) = medians else { return Ok(()) };
        let ratio = server.cpu.total().as_secs_f64() / floor.cpu.total().as_secs_f64();
        let (work, callers) = (self.work.name(), self.callers);
        report::line(&format!("ratio    {work} at {callers} callers: {ratio:.2} times the floor's CPU time (medians)"))
    }
}

/// Starts from many callers share the syncs of the disk: the time of one start among many beside one alone.
fn tell_shared_sync(sections: &[Section]) -> Result<()> {
    let each = |callers: u32| {
        let section = sections.iter().find(|section| section.work == Work::Start && section.callers == callers)?;
        Some(1.0 / report::median(&section.server)?.per_second)
    };
    let Some(alone) = each(1) else { return Ok(()) };
    for section in sections.iter().filter(|section| section.work == Work::Start && section.callers > 1) {
        if let Some(among) = each(section.callers) {
            let (callers, ratio) = (section.callers, among / alone);
            report::line(&format!(
                "ratio    start at {callers} callers: {ratio:.2} of the time of a start at 1 caller"
            ))?;
        }
    }
    Ok(())
}
