//! The tables that the programs print.

use std::io::{Write as _, stdout};
use std::time::Duration;

use crate::Result;
use crate::load::Figures;

/// Prints the heading of the table of rounds.
pub fn heading() -> Result<()> {
    line("                                     start ms         token ms       server CPU ms each")?;
    line("work   callers  round  server   each/s    p50     p99      p50     p99    total    user  system")
}

/// Prints one row of this kind of work; `round` is a number or `med.`.
pub fn row(work: &str, callers: u32, round: &str, server: &str, figures: &Figures) -> Result<()> {
    let times = |sorted: &[Duration]| match sorted {
        [] => ["-".to_owned(), "-".to_owned()],
        sorted => [50, 99].map(|part| format!("{:.2}", milliseconds(percentile(sorted, part)))),
    };
    let ([start_50, start_99], [token_50, token_99]) = (times(&figures.start), times(&figures.token));
    let [total, user, system] = [figures.cpu.total(), figures.cpu.user, figures.cpu.system].map(milliseconds);
    line(&format!(
        "{:<6} {callers:>7}  {round:<5}  {server:<8} {:>6.0} {start_50:>6}  {start_99:>6}   {token_50:>6}  {token_99:>6}   \
         {total:>6.3}  {user:>6.3}  {system:>6.3}",
        work, figures.per_second
    ))
}

/// The round in the middle by total CPU time (the cheaper of two).
pub fn median(rounds: &[Figures]) -> Option<&Figures> {
    let mut by_cpu: Vec<_> = rounds.iter().collect();
    by_cpu.sort_by_key(|figures| figures.cpu.total());
    by_cpu.get(by_cpu.len().saturating_sub(1) / 2).copied()
}

/// Prints resident memory before and after the load, both in KiB.
pub fn memory(server: &str, idle: u32, after: u32) -> Result<()> {
    let [idle, after] = [idle, after].map(|kib| f64::from(kib) / 1_024.0);
    line(&format!("memory   {server}: {idle:.1} MiB idle, {after:.1} MiB after the load"))
}

/// Prints one line.
pub fn line(text: &str) -> Result<()> {
    Ok(writeln!(stdout(), "{text}")?)
}

/// A time in milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value below which `part` per cent of sorted times lie.
pub fn percentile(sorted: &[Duration], part: usize) -> Duration {
    sorted.get((sorted.len().saturating_sub(1)) * part / 100).copied().unwrap_or_default()
}
