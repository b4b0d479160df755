//! The table that both programs print.

use std::io::{Write as _, stdout};
use std::time::Duration;

use crate::Result;
use crate::load::Figures;

/// Prints the heading of the table.
pub fn heading() -> Result<()> {
    line("                         start ms          token ms       server CPU ms per login")?;
    line("round  server   logins/s    p50     p99      p50     p99    total    user  system")
}

/// Prints one row; `round` is a number or `med.`.
pub fn row(round: &str, server: &str, figures: &Figures) -> Result<()> {
    let [start_50, start_99] = [50, 99].map(|part| milliseconds(percentile(&figures.start, part)));
    let [token_50, token_99] = [50, 99].map(|part| milliseconds(percentile(&figures.token, part)));
    let cpu = figures.cpu;
    let [total, user, system] = [cpu.total(), cpu.user, cpu.system].map(milliseconds);
    line(&format!(
        "{round:<5}  {server:<8} {:>8.0} {start_50:>6.2}  {start_99:>6.2}   {token_50:>6.2}  {token_99:>6.2}   \
         {total:>6.3}  {user:>6.3}  {system:>6.3}",
        figures.logins_per_second
    ))
}

/// Prints the middle round of each server, and the ratio of their CPU time when both ran.
pub fn medians(floor: &[Figures], server: &[Figures]) -> Result<()> {
    let (floor, server) = (median(floor), median(server));
    for (name, figures) in [("floor", floor), ("ringpass", server)] {
        if let Some(figures) = figures {
            row("med.", name, figures)?;
        }
    }
    if let (Some(floor), Some(server)) = (floor, server) {
        let ratio = server.cpu.total().as_secs_f64() / floor.cpu.total().as_secs_f64();
        line(&format!("ratio    {ratio:.2} times the floor's CPU time per login (medians)"))?;
    }
    Ok(())
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

/// The round in the middle by total CPU time (the cheaper of two).
fn median(rounds: &[Figures]) -> Option<&Figures> {
    let mut by_cpu: Vec<_> = rounds.iter().collect();
    by_cpu.sort_by_key(|figures| figures.cpu.total());
    by_cpu.get(by_cpu.len().saturating_sub(1) / 2).copied()
}

/// A time in milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value below which `part` per cent of sorted times lie.
fn percentile(sorted: &[Duration], part: usize) -> Duration {
    sorted.get((sorted.len().saturating_sub(1)) * part / 100).copied().unwrap_or_default()
}
