//! Threads for work that only burns CPU: signatures, password hashes, keys.
//!
//! There is one for each core: when signatures are wanted faster than the machine can make them they wait here, and the
//! threads that answer requests go on.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A handle on the threads; they end when it is dropped.
pub struct Compute {
    jobs: Sender<Job>,
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compute").finish_non_exhaustive()
    }
}

impl Compute {
    /// Starts one thread for each core.
    pub fn start() -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..cores() {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name("compute".to_owned()).spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs })
    }

    /// Runs `work` when its turn comes. `None` when it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (tell, told) = oneshot::channel();
        // A caller that has gone wants no result.
        let job: Job = Box::new(move || drop(tell.send(work())));
        self.jobs.send(job).ok()?;
        told.await.ok()
    }
}

/// How many of these threads there are.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = waiting.lock().ok().and_then(|jobs| jobs.recv().ok());
        let Some(job) = job else { return };
        // The panic hook has logged it, and the caller sees its channel dropped.
        let _ = catch_unwind(AssertUnwindSafe(job));
        // Who waits for this core mostly wants it for microseconds, and would get it only at the end of a time slice.
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_gives_nothing_and_stops_nobody() {
        let compute = Compute::start().unwrap();
        for _ in 0..32 {
            assert_eq!(compute.run(|| -> u8 { panic!("a bug") }).await, None);
        }
        assert_eq!(compute.run(|| 7).await, Some(7));
    }
}
