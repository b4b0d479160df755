//! Carries what the write-ahead log of SQLite holds over into the database file, on a thread beside the writer.
//!
//! By default the writer does so itself, every thousand pages, and whoever waits for a write meanwhile waits for two more
//! flushes of the disk. A second connection can do it while writes go on. It never quite catches up with them, so when the
//! log has grown long the writer carries over the last few pages between two commits; then it starts the log afresh.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::db::DbError;
use super::sqlite::spawn;

/// The writer's side: it counts what it commits, and wakes the thread.
pub(super) struct Checkpoints {
    wake: SyncSender<()>,
    is_long: Arc<AtomicBool>,
    commits: u32,
    changes: u64,
}

impl Checkpoints {
    /// Takes the work from `writer` to a thread with a connection of its own. The thread ends with the writer.
    pub(super) fn start(writer: &Connection, path: &Path, durable: bool) -> Result<(Self, JoinHandle<()>), DbError> {
        let connection = Connection::open(path)?;
        super::sqlite::prepare(&connection, durable)?;
        writer.execute_batch("PRAGMA wal_autocheckpoint=0")?;
        let (wake, woken) = sync_channel(1);
        let is_long = Arc::<AtomicBool>::default();
        let flag = Arc::clone(&is_long);
        let thread = spawn("db-checkpoint", move || carry_over(&connection, &woken, &flag))?;
        Ok((Self { wake, is_long, commits: 0, changes: writer.total_changes() }, thread))
    }

    /// To be called after every commit.
    pub(super) fn committed(&mut self, writer: &Connection) {
        self.commits += 1;
        let changes = writer.total_changes();
        if self.commits >= COMMITS || changes.saturating_sub(self.changes) >= CHANGES {
            (self.commits, self.changes) = (0, changes);
            // A thread that is at it already will see these commits too, or the next call wakes it.
            let _ = self.wake.try_send(());
        }
        if self.is_long.load(Ordering::Acquire) {
            // What cannot be carried over now, because a reader still needs it, is carried over later.
            let _ = pages(writer);
            self.is_long.store(false, Ordering::Release);
        }
    }
}

fn carry_over(connection: &Connection, woken: &Receiver<()>, is_long: &AtomicBool) {
    while let Ok(()) = woken.recv() {
        // One at a time: while it is the writer's turn, this thread would only be in its way. On a full disk the log stays
        // as it is; the writer reports the disk.
        if !is_long.load(Ordering::Acquire) && pages(connection).is_ok_and(|pages| pages > LONG) {
            is_long.store(true, Ordering::Release);
        }
    }
}

/// Carries over what it can without stopping anybody; how many pages the log holds.
fn pages(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

/// Commits, and changed rows, after which the thread is woken.
const COMMITS: u32 = 512;
const CHANGES: u64 = 10_000;
/// Pages in a long log: 32 MiB.
const LONG: i64 = 8_192;
