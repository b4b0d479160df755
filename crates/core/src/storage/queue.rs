//! The queue between those who ask and the database threads: what travels through it, in which order it is taken out, and
//! what is told of it.

use std::collections::VecDeque;
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
    Job(Job, Line),
    /// Take no more work, and end when what waits is done.
    Close,
}

/// Where a job stands among those that wait for one writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// In the order in which they came.
    Ahead,
    /// Behind all of those: one of a crowd.
    Behind,
}

/// The jobs that wait for a thread, in the order in which they came.
pub(super) struct Jobs(pub(super) mpsc::Receiver<Message>);

impl Jobs {
    /// Waits for the next job; `None` when there will be no more.
    pub(super) fn next(&mut self) -> Option<Job> {
        loop {
            match self.0.blocking_recv()? {
                Message::Job(job, _) => return Some(job),
                Message::Close => self.0.close(),
            }
        }
    }
}

/// The jobs that wait for the one writer of a SQLite file, and go through it in batches.
///
/// A crowd that writes fills batch after batch, and whoever comes alone would wait for one that is under way and then be part
/// of the next. So those of a crowd stand behind the others, and while others are in a batch only a few of them join it.
pub(super) struct Lines {
    jobs: mpsc::Receiver<Message>,
    ahead: VecDeque<Job>,
    behind: VecDeque<Job>,
    /// How many of either line are in the batch.
    taken: (usize, usize),
}

impl Lines {
    /// Puts jobs in line.
    pub(super) fn of(jobs: Jobs) -> Self {
        Self { jobs: jobs.0, ahead: VecDeque::new(), behind: VecDeque::new(), taken: (0, 0) }
    }

    /// Waits for the first job of a batch; `None` when there will be no more.
    pub(super) fn first(&mut self) -> Option<Job> {
        self.taken = (0, 0);
        loop {
            if let Some(job) = self.join() {
                return Some(job);
            }
            let message = self.jobs.blocking_recv()?;
            self.stand(message);
        }
    }

    /// The next job that joins the batch, if one waits already.
    pub(super) fn join(&mut self) -> Option<Job> {
        self.line_up();
        let (ahead, behind) = &mut self.taken;
        let most_behind = if *ahead == 0 { BATCH } else { FEW };
        let (taken, line) = if *ahead < BATCH - FEW && !self.ahead.is_empty() {
            (ahead, &mut self.ahead)
        } else if *behind < most_behind {
            (behind, &mut self.behind)
        } else {
            return None;
        };
        let job = line.pop_front()?;
        *taken += 1;
        Some(job)
    }

    /// All that wait now.
    pub(super) fn all(&mut self) -> Vec<Job> {
        self.line_up();
        self.ahead.drain(..).chain(self.behind.drain(..)).collect()
    }

    /// Takes no more out of the queue than a batch, so that the queue has its end.
    fn line_up(&mut self) {
        while self.ahead.len() + self.behind.len() < BATCH
            && let Ok(message) = self.jobs.try_recv()
        {
            self.stand(message);
        }
    }

    fn stand(&mut self, message: Message) {
        match message {
            Message::Job(job, Line::Ahead) => self.ahead.push_back(job),
            Message::Job(job, Line::Behind) => self.behind.push_back(job),
            Message::Close => self.jobs.close(),
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
    (write, line): (bool, Line),
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
    queue.try_send(Message::Job(job, line)).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => DbError::Full,
        mpsc::error::TrySendError::Closed(_) => DbError::Unavailable("the database is closed".into()),
    })?;
    Ok(told)
}

/// How long a transaction may wait for its turn: whoever asked had better be told than kept.
const QUEUE_PATIENCE: Duration = Duration::from_secs(4);
/// Most jobs of either line in one commit.
const BATCH: usize = 256;
/// Of a crowd, the most in a batch that others wait for.
const FEW: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn send(queue: &mpsc::Sender<Message>, line: Line, count: usize) {
        for _ in 0..count {
            let job: Job = Box::new(|_| Done { keep: false, flush: false, answer: Box::new(drop) });
            queue.try_send(Message::Job(job, line)).ok().unwrap();
        }
    }

    /// Takes a whole batch: how many of either line are in it.
    fn batch(lines: &mut Lines) -> (usize, usize) {
        assert!(lines.first().is_some());
        while lines.join().is_some() {}
        lines.taken
    }

    #[test]
    fn whoever_comes_alone_does_not_wait_for_a_crowd_nor_the_crowd_for_ever() {
        let (queue, jobs) = mpsc::channel(1_000);
        let mut lines = Lines::of(Jobs(jobs));
        send(&queue, Line::Behind, 40);
        send(&queue, Line::Ahead, 1);
        assert_eq!(batch(&mut lines), (1, FEW));
        // One who comes while a batch is under way is the last in it.
        assert!(lines.first().is_some());
        assert!((0..FEW).all(|_| lines.join().is_some()));
        send(&queue, Line::Ahead, 1);
        assert!(lines.join().is_some());
        assert!(lines.join().is_none());
        assert_eq!(lines.taken, (1, FEW + 1));
        // However many they are, some of the crowd come along.
        send(&queue, Line::Ahead, 300);
        assert_eq!(batch(&mut lines), (BATCH - FEW, FEW));
        assert_eq!(batch(&mut lines), (300 - (BATCH - FEW), FEW));
        assert_eq!(batch(&mut lines), (0, 40 - 4 * FEW - 1));
        // What waits when the queue is closed is still done.
        send(&queue, Line::Behind, 1);
        queue.try_send(Message::Close).ok().unwrap();
        assert_eq!(batch(&mut lines), (0, 1));
        assert!(lines.first().is_none());
    }
}
