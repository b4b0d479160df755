//! Threads for work that only burns CPU: signatures, password hashes, keys.
//!
//! There is one for each core: when signatures are wanted faster than the machine can make them they wait here, and the
//! threads that answer requests go on. Password hashes cost thirty times a signature, so they wait in a line of their own,
//! which has an end: whoever finds it full is told to come back.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use ringpass_core::kit::urgency;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A handle on the threads; they end when it is dropped.
pub struct Compute {
    line: Arc<Line>,
    hashes: AtomicU64,
    most_hashes: usize,
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDone {
    /// Too many password hashes wait already.
    Busy,
    /// The work panicked.
    Panicked,
}

/// What waits for a thread.
#[derive(Default)]
struct Line {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    hashes: VecDeque<Job>,
    /// Jobs taken since the last hash.
    since_hash: u32,
    is_over: bool,
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compute").finish_non_exhaustive()
    }
}

impl Compute {
    /// Starts one thread for each core.
    pub fn start() -> io::Result<Self> {
        Self::with(cores(), cores() * HASHES_PER_CORE)
    }

    /// How many hashes have been taken on so far.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    fn with(threads: usize, most_hashes: usize) -> io::Result<Self> {
        let compute = Self { line: Arc::default(), hashes: AtomicU64::new(0), most_hashes };
        for _ in 0..threads {
            let line = Arc::clone(&compute.line);
            thread::Builder::new().name("compute".to_owned()).spawn(move || line.work())?;
        }
        Ok(compute)
    }

    /// Runs `work` when its turn comes. `None` when it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (job, told) = told(work);
        self.line.lock().jobs.push_back(job);
        self.line.more.notify_one();
        told.await.ok()
    }

    /// Runs what hashes a password when its turn comes, unless too many wait already.
    pub async fn hash<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        let (job, told) = told(work);
        {
            let mut waiting = self.line.lock();
            if waiting.hashes.len() >= self.most_hashes {
                return Err(NotDone::Busy);
            }
            waiting.hashes.push_back(job);
        }
        self.hashes.fetch_add(1, Ordering::Relaxed);
        self.line.more.notify_one();
        told.await.map_err(|_| NotDone::Panicked)
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        self.line.lock().is_over = true;
        self.line.more.notify_all();
    }
}

/// How many of these threads there are.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(2, NonZero::get)
}

/// A job that tells its result; a caller that has gone wants none.
fn told<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> (Job, oneshot::Receiver<T>) {
    let (tell, told) = oneshot::channel();
    (Box::new(move || drop(tell.send(work()))), told)
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        urgency::stand_back();
        while let Some(job) = self.next() {
            // The panic hook has logged it, and the caller sees its channel dropped.
            let _ = catch_unwind(AssertUnwindSafe(job));
            // Who waits for this core mostly wants it for microseconds, and would get it only at the end of a time slice.
            thread::yield_now();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if let Some(job) = waiting.take() {
                return Some(job);
            }
            if waiting.is_over {
                return None;
            }
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Waiting {
    /// Hashes stand back for other work, but not for ever.
    fn take(&mut self) -> Option<Job> {
        let hash_first = self.since_hash >= JOBS_PER_HASH;
        let job = if hash_first { None } else { self.jobs.pop_front() };
        if let Some(job) = job {
            self.since_hash += 1;
            return Some(job);
        }
        self.since_hash = 0;
        self.hashes.pop_front().or_else(|| self.jobs.pop_front())
    }
}

/// Hashes that may wait for each core: about a second of work.
const HASHES_PER_CORE: usize = 64;
/// Other jobs between two hashes while both wait: then each kind has about half of the time.
const JOBS_PER_HASH: u32 = 32;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    #[tokio::test]
    async fn work_that_panics_gives_nothing_and_stops_nobody() {
        let compute = Compute::start().unwrap();
        for _ in 0..32 {
            assert_eq!(compute.run(|| -> u8 { panic!("a bug") }).await, None);
            assert_eq!(compute.hash(|| -> u8 { panic!("a bug") }).await, Err(NotDone::Panicked));
        }
        assert_eq!((compute.run(|| 7).await, compute.hash(|| 8).await), (Some(7), Ok(8)));
    }

    /// One thread, which is busy until the sender is dropped.
    async fn held(most_hashes: usize) -> (Arc<Compute>, Sender<()>) {
        let compute = Arc::new(Compute::with(1, most_hashes).unwrap());
        let (release, held): (Sender<()>, Receiver<()>) = channel();
        let (begin, has_begun) = oneshot::channel();
        let holder = Arc::clone(&compute);
        tokio::spawn(async move {
            let wait = move || {
                begin.send(()).unwrap();
                held.recv().unwrap_err();
            };
            holder.run(wait).await
        });
        has_begun.await.unwrap();
        (compute, release)
    }

    #[tokio::test]
    async fn the_line_of_hashes_has_an_end_and_other_work_goes_first() {
        let (compute, release) = held(2).await;
        let (tell, order) = channel();
        let job = |name: &'static str| {
            let tell = tell.clone();
            move || tell.send(name).unwrap()
        };
        let later = async {
            assert_eq!(compute.hash(job("third hash")).await, Err(NotDone::Busy));
            drop(release);
        };
        let (first, second, other, ()) =
            tokio::join!(compute.hash(job("hash 1")), compute.hash(job("hash 2")), compute.run(job("job")), later);
        assert_eq!((first, second, other), (Ok(()), Ok(()), Some(())));
        assert_eq!(order.try_iter().collect::<Vec<_>>(), ["job", "hash 1", "hash 2"]);
        assert_eq!(compute.hash(|| 1).await, Ok(1), "there is room again");
    }

    #[test]
    fn hashes_are_not_put_off_for_ever() {
        let (tell, order) = channel();
        let mut waiting = Waiting::default();
        for _ in 0..100 {
            let tell = tell.clone();
            waiting.jobs.push_back(Box::new(move || tell.send("job").unwrap()));
        }
        let tell = tell.clone();
        waiting.hashes.push_back(Box::new(move || tell.send("hash").unwrap()));
        while let Some(job) = waiting.take() {
            job();
        }
        assert_eq!(order.try_iter().position(|it| it == "hash"), Some(32));
    }
}
