//! The queue between those who ask and the database threads: what travels through it, and what is told of it.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::db::{DbError, Tx};

/// Told of every transaction once it has ended.
pub type Watch = fn(&Ended<'_>);

/// How a transaction went.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The name it was given.
    pub name: &'static str,
    /// How long it waited for a thread; zero when it never came so far.
    pub waited: Duration,
    /// From the call to the answer: waiting, running, and the commit.
    pub took: Duration,
    /// Why it failed, if it did.
    pub error: Option<&'a DbError>,
}

/// What runs on a database thread: does its work, then says whether to keep it and whom to tell after the commit.
pub(super) type Job = Box<dyn FnOnce(&mut Tx<'_>) -> Done + Send>;

/// What a database thread is sent.
pub(super) enum Message {
    /// Work to do.
    Job(Job),
    /// Take no more work, and end when what waits is done.
    Close,
}

/// The jobs that wait for a thread.
pub(super) struct Jobs(pub(super) mpsc::Receiver<Message>);

impl Jobs {
    /// Waits for the next job; `None` when there will be no more.
    pub(super) fn next(&mut self) -> Option<Job> {
        loop {
            match self.0.blocking_recv()? {
                Message::Job(job) => return Some(job),
                Message::Close => self.0.close(),
            }
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next job, if one waits already.
    pub(super) fn waiting(&mut self) -> Option<Job> {
        loop {
            match self.0.try_recv().ok()? {
                Message::Job(job) => return Some(job),
                Message::Close => self.0.close(),
            }
        }
    }
}

/// The outcome of a [`Job`] before its commit.
pub(super) struct Done {
    /// Whether the work is to be committed.
    pub(super) keep: bool,
    /// Whether the answer waits until the work is on the disk.
    pub(super) flush: bool,
    /// Answers the caller, given how the commit went.
    pub(super) answer: Box<dyn FnOnce(Result<(), DbError>) + Send>,
}

/// What comes back from a database thread: how long the closure waited, and what it made.
pub(super) type Told<T> = oneshot::Receiver<(Duration, Result<T, DbError>)>;

/// Puts a closure into the queue.
pub(super) fn enqueue<T, F>(
    queue: &mpsc::Sender<Message>,
    asked: Instant,
    write: bool,
    work: F,
) -> Result<Told<T>, DbError>
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    // What is logged on the thread belongs to whoever asked.
    let span = tracing::Span::current();
    let job: Job = Box::new(move |tx| {
        let waited = asked.elapsed();
        if waited > QUEUE_PATIENCE {
            let late = Err(DbError::Unavailable("it waited too long for its turn".into()));
            return Done { keep: false, flush: false, answer: Box::new(move |_| drop(tell.send((waited, late)))) };
        }
        tx.write = write;
        tx.flush = write;
        let result = span.in_scope(|| work(tx));
        let keep = result.is_ok();
        let answer = move |commit: Result<(), DbError>| {
            let result = match commit {
                Ok(()) => result,
                Err(error) => result.and(Err(error)),
            };
            let _ = tell.send((waited, result));
        };
        Done { keep, flush: keep && tx.flush, answer: Box::new(answer) }
    });
    queue.try_send(Message::Job(job)).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => DbError::Full,
        mpsc::error::TrySendError::Closed(_) => DbError::Unavailable("the database is closed".into()),
    })?;
    Ok(told)
}

/// How long a transaction may wait for its turn: whoever asked had better be told than kept.
const QUEUE_PATIENCE: Duration = Duration::from_secs(4);
