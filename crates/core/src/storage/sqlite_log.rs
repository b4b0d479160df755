//! What becomes of SQLite's write-ahead log: its flush, and its way into the database file.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::Connection;

use super::db::DbError;
use crate::kit::urgency;

/// The write-ahead log as a file, to flush it: the engine itself would flush at every commit or at none, but some writes
/// are answered before the flush.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// Opened at the first flush, when it is sure to be there; it stays the same file while the database is open.
    file: Option<File>,
    is_durable: bool,
    /// How many changes of rows the last flush covered.
    flushed: u64,
    failure: Option<DbError>,
}

impl Log {
    /// The log at `path`; unless it is durable it is never flushed.
    pub(super) fn new(path: PathBuf, is_durable: bool) -> Self {
        Self { path, file: None, is_durable, flushed: 0, failure: None }
    }

    /// Brings everything committed so far to the disk: `changes` of rows since the start.
    ///
    /// After a failure nobody knows what is on the disk, and a second try may claim success for what was lost. So this
    /// fails for good, until a restart has read the file anew.
    pub(super) fn flush(&mut self, changes: u64) -> Result<(), DbError> {
        if !self.is_durable || self.flushed == changes {
            return Ok(());
        }
        self.flushed = changes;
        self.try_flush().map_err(|error| {
            let why = format!("the write-ahead log cannot be flushed: {error}; restart the server");
            self.failure.insert(DbError::Unavailable(why)).clone()
        })
    }

    fn try_flush(&mut self) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::options().write(true).open(&self.path)?,
        };
        self.file.insert(file).sync_data()
    }

    /// Fails after a flush has failed.
    pub(super) fn is_whole(&self) -> Result<(), DbError> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

/// The writer's end of carrying the log over into the database file, after which it begins anew.
///
/// The engine would do that inside the commit that makes the log too long, and everybody behind it would wait until
/// hundreds of pages are on the disk. Here a thread carries while the writer goes on. It reaches the end of the log as soon
/// as nothing is written for the time of one round. Under a load that never pauses it does not, and the log grows; when it
/// is long the thread brings what it has carried to the disk, so that little is left to do, and the writer does that.
#[derive(Debug)]
pub(super) struct Carrying {
    pages: Arc<AtomicI32>,
    /// How long the log was when the last round began.
    seen: i32,
    /// Whether the round under way is the last before the writer's own.
    is_last: bool,
    rounds: Sender<Round>,
    is_under_way: Arc<AtomicBool>,
}

/// What the thread that carries is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Carry over.
    Carry,
    /// Carry over, and bring to the disk what is carried.
    CarryAndFlush,
}

/// The end of the thread that carries.
#[derive(Debug)]
pub(super) struct Carrier {
    rounds: Receiver<Round>,
    /// The database file, if it is to be flushed. Never closed: a process that closes a file loses every lock it has on it
    /// (POSIX), the engine's too.
    database: Option<&'static File>,
    is_under_way: Arc<AtomicBool>,
}

impl Carrying {
    /// Takes the carrying, into the file at `path`, out of the writer's commits.
    pub(super) fn new(writer: &mut Connection, path: &Path, is_durable: bool) -> Result<(Self, Carrier), DbError> {
        let pages = Arc::new(AtomicI32::new(0));
        let count = Arc::clone(&pages);
        // The engine's own carrying is such a hook, which this one replaces.
        writer.wal_hook(Some(move |_: &mut _, pages| {
            count.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        let (tell, rounds) = channel();
        let is_under_way = Arc::new(AtomicBool::new(false));
        let database: Option<&File> = if is_durable { Some(Box::leak(Box::new(open(path)?))) } else { None };
        let carrier = Carrier { rounds, database, is_under_way: Arc::clone(&is_under_way) };
        Ok((Self { pages, seen: 0, is_last: false, rounds: tell, is_under_way }, carrier))
    }

    /// After a commit: has what is new in the log carried over once there is enough of it.
    pub(super) fn go_on(&mut self, writer: &Connection) {
        if self.is_under_way.load(Ordering::Acquire) {
            return;
        }
        if std::mem::take(&mut self.is_last) {
            carry(writer);
            return;
        }
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.seen {
            // The log has begun anew.
            self.seen = 0;
        }
        if pages - self.seen >= STEP {
            self.seen = pages;
            self.is_last = pages >= LONG;
            self.is_under_way.store(true, Ordering::Release);
            let round = if self.is_last { Round::CarryAndFlush } else { Round::Carry };
            if self.rounds.send(round).is_err() {
                carry(writer);
                self.is_under_way.store(false, Ordering::Release);
            }
        }
    }
}

impl Carrier {
    /// Carries over whenever it is told to; ends with the writer.
    pub(super) fn run(&self, connection: &Connection) {
        urgency::stand_back();
        while let Ok(round) = self.rounds.recv() {
            carry(connection);
            if let (Round::CarryAndFlush, Some(database)) = (round, self.database) {
                // Whether that went well is the engine's question, which it asks before the log begins anew.
                let _ = database.sync_data();
            }
            self.is_under_way.store(false, Ordering::Release);
        }
    }
}

fn open(path: &Path) -> Result<File, DbError> {
    File::open(path).map_err(|error| DbError::Unavailable(format!("cannot open {}: {error}", path.display())))
}

/// Carries over what is in the log now. When that fails, the log grows until it does not.
fn carry(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be carried over into the database file, and grows");
    }
}

/// Pages of 4 KiB that make a round.
const STEP: i32 = 1_000;
/// Pages of a long log.
const LONG: i32 = 16_000;
