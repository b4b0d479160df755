//! The floor's codes: one SQLite table behind one writer thread that commits many waiting writes at once.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::{Connection, Statement};
use tokio::sync::oneshot;

use crate::Result;

/// A handle to the writer thread.
#[derive(Debug, Clone)]
pub(super) struct Store(Sender<Job>);

/// A keyed hash of a number and its code.
pub(super) type Mac = [u8; 32];

#[derive(Debug)]
struct Job {
    write: Write,
    changed: oneshot::Sender<usize>,
}

#[derive(Debug)]
enum Write {
    Put { number: String, mac: Mac, expires: i64 },
    Consume { number: String, mac: Mac, now: i64 },
}

impl Store {
    /// Opens the database with WAL and a sync at every commit, and starts the writer.
    pub(super) fn open(database: &Path) -> Result<Self> {
        let db = Connection::open(database)?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS codes
                 (number TEXT PRIMARY KEY, mac BLOB NOT NULL, expires INTEGER NOT NULL, used INTEGER) WITHOUT ROWID;",
        )?;
        let (jobs, queue) = channel();
        thread::spawn(move || match write_all(&db, &queue) {
            Ok(()) => {}
            // The callers see their answers dropped and report 500; the reason is in the log.
            Err(error) => drop(crate::report::line(&format!("the writer stopped: {error}"))),
        });
        Ok(Self(jobs))
    }

    /// Keeps the code of a number in place of an older one; durable when it returns. `expires` in seconds.
    pub(super) async fn put(&self, number: String, mac: Mac, expires: i64) -> Result<()> {
        self.write(Write::Put { number, mac, expires }).await.map(drop)
    }

    /// Uses up a code; `false` when it is wrong, expired at `now` (seconds) or used. Durable when it returns.
    pub(super) async fn consume(&self, number: String, mac: Mac, now: i64) -> Result<bool> {
        Ok(self.write(Write::Consume { number, mac, now }).await? == 1)
    }

    async fn write(&self, write: Write) -> Result<usize> {
        let (changed, answer) = oneshot::channel();
        self.0.send(Job { write, changed })?;
        Ok(answer.await?)
    }
}

/// Takes whatever waits, runs it in one transaction, commits once, then answers all.
fn write_all(db: &Connection, queue: &Receiver<Job>) -> Result<()> {
    let mut begin = db.prepare("BEGIN IMMEDIATE")?;
    let mut commit = db.prepare("COMMIT")?;
    let mut put = db.prepare(
        "INSERT INTO codes (number, mac, expires) VALUES (?1, ?2, ?3)
         ON CONFLICT (number) DO UPDATE SET mac = excluded.mac, expires = excluded.expires, used = NULL",
    )?;
    let mut consume =
        db.prepare("UPDATE codes SET used = ?3 WHERE number = ?1 AND mac = ?2 AND used IS NULL AND expires > ?3")?;
    while let Ok(first) = queue.recv() {
        let mut answers = Vec::new();
        begin.execute([])?;
        for job in std::iter::once(first).chain(queue.try_iter().take(255)) {
            answers.push((job.changed, run(&job.write, &mut put, &mut consume)?));
        }
        commit.execute([])?;
        for (caller, changed) in answers {
            // A caller that went away wants no answer.
            let _ = caller.send(changed);
        }
    }
    Ok(())
}

fn run(write: &Write, put: &mut Statement<'_>, consume: &mut Statement<'_>) -> rusqlite::Result<usize> {
    match write {
        Write::Put { number, mac, expires } => put.execute((number, mac.as_slice(), expires)),
        Write::Consume { number, mac, now } => consume.execute((number, mac.as_slice(), now)),
    }
}
