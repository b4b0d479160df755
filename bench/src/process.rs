//! The server under test as a child process: started, watched through `/proc`, stopped.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::Result;
use crate::http::Caller;

/// A running child; it is killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    started: Instant,
}

/// CPU time a process has used, all its threads together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu {
    /// In the program.
    pub user: Duration,
    /// In the kernel on its behalf.
    pub system: Duration,
}

impl Process {
    /// Starts a command; what it prints goes to the file `log`.
    pub fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| {
            format!("cannot start {}: {error}; build it first", Path::new(command.get_program()).display())
        })?;
        Ok(Self { child, started })
    }

    /// Asks for `path` every millisecond until it answers 200, and returns the time since the start of the process.
    pub async fn answers(&mut self, addr: SocketAddr, path: &str) -> Result<Duration> {
        loop {
            if let Ok(mut caller) = Caller::connect(addr).await
                && let Ok((StatusCode::OK, _)) = caller.send(Method::GET, path, None, None).await
            {
                return Ok(self.started.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended before it was ready: {status}").into());
            }
            if self.started.elapsed() > READY_WITHIN {
                return Err(format!("http://{addr}{path} did not answer 200 within {READY_WITHIN:?}").into());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// CPU time used so far, in steps of 10 ms.
    pub fn cpu(&self) -> Result<Cpu> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is the name in brackets and may hold blanks; utime and stime are fields 14 and 15.
        let after_name = stat.rsplit_once(')').ok_or("unreadable /proc/PID/stat")?.1;
        let mut ticks = after_name.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
        let mut next = || ticks.next().ok_or("unreadable /proc/PID/stat");
        Ok(Cpu { user: TICK * next()??, system: TICK * next()?? })
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> Result<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Asks the process to end and waits for it.
    pub async fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
        kill_process(pid, Signal::TERM)?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > END_WITHIN {
                return Err(format!("the server did not end within {END_WITHIN:?} of SIGTERM").into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cpu {
    /// What was used between `earlier` and this reading.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { user: self.user.saturating_sub(earlier.user), system: self.system.saturating_sub(earlier.system) }
    }

    /// User and system time together.
    pub fn total(self) -> Duration {
        self.user + self.system
    }
}

/// Two different addresses on loopback that were free a moment ago.
pub fn free_addresses() -> Result<(SocketAddr, SocketAddr)> {
    let (one, two) = (TcpListener::bind(("127.0.0.1", 0))?, TcpListener::bind(("127.0.0.1", 0))?);
    Ok((one.local_addr()?, two.local_addr()?))
}

/// One clock tick of `/proc`: Linux reports 100 a second to programs whatever the kernel's own rate.
const TICK: Duration = Duration::from_millis(10);
const READY_WITHIN: Duration = Duration::from_secs(120);
const END_WITHIN: Duration = Duration::from_secs(40);
