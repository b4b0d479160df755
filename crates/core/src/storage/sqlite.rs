//! SQLite: one writer thread with group commit, a few readers, write-ahead log, full durability.
//!
//! The writer takes whatever waits, runs each closure in a savepoint, commits once, brings the log to the disk and then
//! answers all: an answered write is on disk, and the flush is shared. Those that need not wait for the disk are answered
//! before the flush ([`Tx::answer_before_flush`]).

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use super::db::{Access, DbError, Done, Engine, Job, Jobs, Lines, Row, Settings, Tx, Value};
use super::migrations;
use super::sqlite_log::{Carrying, Log};
use crate::kit::secret::MasterKeys;

/// Opens the file, migrates it and starts the threads.
pub(super) fn start(
    path: &Path,
    settings: &Settings,
    access: Access,
    writes: Jobs,
    reads: Jobs,
) -> Result<Vec<JoinHandle<()>>, DbError> {
    let mut threads = Vec::new();
    if access != Access::Look {
        let lock = if access == Access::Serve { Some(lock(path)?) } else { None };
        let mut connection = Connection::open_with_flags(path, flags_for(access))?;
        prepare(&connection, settings.durable)?;
        if access == Access::Serve {
            migrate(&connection)?;
        }
        if settings.durable {
            // From here on the engine writes, and `Log` flushes.
            connection.execute_batch("PRAGMA synchronous=NORMAL")?;
        }
        let log = Log::new(beside(path, "-wal"), settings.durable);
        let carrying = if access == Access::Serve {
            let (carrying, carrier) = Carrying::new(&mut connection, path, settings.durable)?;
            let own = Connection::open_with_flags(path, flags_for(Access::Beside))?;
            prepare(&own, settings.durable)?;
            threads.push(spawn("db-carrier", move || carrier.run(&own))?);
            Some(carrying)
        } else {
            None
        };
        let only = Writer { connection, keys: Arc::clone(&settings.keys), log, carrying, _lock: lock };
        threads.push(spawn("db-writer", move || only.run(writes))?);
    }
    let reads = Arc::new(Mutex::new(reads));
    for _ in 0..settings.connections.clamp(1, 4) {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(path, flags)?;
        tune(&reader)?;
        let (reads, keys) = (Arc::clone(&reads), Arc::clone(&settings.keys));
        threads.push(spawn("db-reader", move || read_loop(&reader, &reads, &keys))?);
    }
    Ok(threads)
}

/// Only a server makes a file that is not there.
fn flags_for(access: Access) -> OpenFlags {
    match access {
        Access::Serve => OpenFlags::default(),
        Access::Beside | Access::Look => OpenFlags::default() - OpenFlags::SQLITE_OPEN_CREATE,
    }
}

/// The path with `suffix` behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Holds `PATH.lock` for the life of the process, so that a second server on the same file stops with a sentence.
fn lock(path: &Path) -> Result<File, DbError> {
    let name = beside(path, ".lock");
    let file = File::create(&name)
        .map_err(|error| DbError::Unavailable(format!("cannot open {}: {error}", name.display())))?;
    file.try_lock().map_err(|_| {
        DbError::Unavailable(format!(
            "another Ringpass process uses {}; stop it, choose another --data folder, or use PostgreSQL for several processes",
            path.display()
        ))
    })?;
    Ok(file)
}

/// Applies missing migrations, each migration in one transaction.
fn migrate(connection: &Connection) -> Result<(), DbError> {
    connection.execute_batch(migrations::TABLE)?;
    for (number, text) in migrations::ALL {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let known: Vec<String> = connection
            .prepare("SELECT checksum FROM migrations WHERE number = ?1")?
            .query_map([number], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if let Some(seen) = known.first() {
            migrations::check(*number, text, seen)?;
        } else {
            connection.execute_batch(text)?;
            connection.execute(
                "INSERT INTO migrations (number, checksum) VALUES (?1, ?2)",
                rusqlite::params![number, migrations::checksum(text)],
            )?;
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok(())
}

fn prepare(connection: &Connection, durable: bool) -> Result<(), DbError> {
    let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(DbError::Unavailable(format!("SQLite cannot use a write-ahead log here (mode is {mode})")));
    }
    connection.execute_batch(if durable { "PRAGMA synchronous=FULL" } else { "PRAGMA synchronous=OFF" })?;
    tune(connection)
}

fn tune(connection: &Connection) -> Result<(), DbError> {
    connection.set_prepared_statement_cache_capacity(256);
    // Else the engine may plan a statement anew for every value it is given, to see whether another plan fits that one.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch("PRAGMA busy_timeout=2000; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY")?;
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, DbError> {
    let builder = thread::Builder::new().name(name.into());
    builder.spawn(work).map_err(|error| DbError::Unavailable(format!("cannot start a database thread: {error}")))
}

/// The one thread that writes.
struct Writer {
    connection: Connection,
    keys: Arc<MasterKeys>,
    log: Log,
    /// `None` beside a server, whose matter it is.
    carrying: Option<Carrying>,
    /// Held as long as this is.
    _lock: Option<File>,
}

impl Writer {
    fn run(mut self, jobs: Jobs) {
        let mut lines = Lines::of(jobs);
        while let Some(first) = lines.first() {
            let begun = self.log.is_whole().and_then(|()| run(&self.connection, "BEGIN IMMEDIATE"));
            match begun {
                Ok(()) => self.batch(first, &mut lines),
                Err(error) => {
                    refuse(first, &self.keys, &error);
                    // Those that came meanwhile do not wait all over again, one after the other.
                    lines.all().into_iter().for_each(|job| refuse(job, &self.keys, &error));
                }
            }
            if let Some(carrying) = &mut self.carrying {
                carrying.go_on(&self.connection);
            }
        }
        if self.carrying.is_some() {
            let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    /// Runs the first job and those that join it, commits once and answers.
    fn batch(&mut self, first: Job, lines: &mut Lines) {
        let connection = &self.connection;
        // The first needs no savepoint: when it fails, nothing else has joined the transaction yet.
        let mut tx = Tx { engine: Engine::Sqlite(connection), keys: &self.keys, write: true, flush: true };
        let first = catch_unwind(AssertUnwindSafe(|| first(&mut tx)));
        let mut done = match first {
            Ok(kept) if kept.keep => vec![kept],
            failed => {
                let _ = run(connection, "ROLLBACK");
                if let Ok(refused) = failed {
                    (refused.answer)(Ok(()));
                }
                return;
            }
        };
        // After an engine error that ended the whole transaction, nothing more may join it.
        while !connection.is_autocommit()
            && let Some(job) = lines.join()
        {
            done.extend(in_savepoint(connection, job, &self.keys));
        }
        let commit = commit(connection);
        let (late, early): (Vec<_>, Vec<_>) = done.into_iter().partition(|done| done.flush);
        for Done { keep, answer, .. } in early {
            answer(if keep { commit.clone() } else { Ok(()) });
        }
        if !late.is_empty() {
            let flush = commit.and_then(|()| self.log.flush(connection.total_changes()));
            for done in late {
                (done.answer)(flush.clone());
            }
        }
    }
}

/// Runs one closure of a batch; a closure that fails or panics leaves nothing behind. `None` after a panic: its caller
/// learns from the dropped channel.
fn in_savepoint(connection: &Connection, job: Job, keys: &MasterKeys) -> Option<Done> {
    let opened = run(connection, "SAVEPOINT job");
    let mut tx = Tx { engine: Engine::Sqlite(connection), keys, write: true, flush: true };
    let result = catch_unwind(AssertUnwindSafe(|| job(&mut tx)));
    let keep = result.as_ref().is_ok_and(|done| done.keep) && opened.is_ok();
    let closed = if keep {
        run(connection, "RELEASE job")
    } else {
        run(connection, "ROLLBACK TO job").and_then(|()| run(connection, "RELEASE job"))
    };
    let done = result.ok()?;
    Some(match opened.and(closed) {
        Ok(()) => done,
        Err(error) => Done { answer: Box::new(move |commit| (done.answer)(commit.and(Err(error)))), ..done },
    })
}

/// Commits the batch. An engine error such as a full disk may have rolled everything back by itself already.
fn commit(connection: &Connection) -> Result<(), DbError> {
    if connection.is_autocommit() {
        return Err(DbError::Unavailable("SQLite rolled the transaction back (disk full?)".into()));
    }
    run(connection, "COMMIT").inspect_err(|_| {
        let _ = run(connection, "ROLLBACK");
    })
}

/// Answers a job with an error: its closure sees an engine that refuses.
fn refuse(job: Job, keys: &MasterKeys, error: &DbError) {
    let mut tx = Tx { engine: Engine::Refusing(error), keys, write: true, flush: true };
    if let Ok(done) = catch_unwind(AssertUnwindSafe(|| job(&mut tx))) {
        (done.answer)(Err(error.clone()));
    }
}

fn read_loop(connection: &Connection, jobs: &Mutex<Jobs>, keys: &MasterKeys) {
    loop {
        let job = jobs.lock().ok().and_then(|mut jobs| jobs.next());
        let Some(job) = job else { return };
        let begun = run(connection, "BEGIN");
        let mut tx = Tx { engine: Engine::Sqlite(connection), keys, write: false, flush: false };
        let result = catch_unwind(AssertUnwindSafe(|| job(&mut tx)));
        let _ = run(connection, "ROLLBACK");
        if let Ok(done) = result {
            (done.answer)(begun);
        }
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), DbError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Runs a statement; how many rows it changed.
pub(super) fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<u64, DbError> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute(rusqlite::params_from_iter(params))? as u64)
}

/// Runs a statement; its rows.
pub(super) fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..columns).map(|column| Ok(cell(row.get_ref(column)?))).collect::<Result<_, DbError>>()?;
        out.push(Row(cells));
    }
    Ok(out)
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(int) => Value::Int(int),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Value::Null,
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied,
            ) => Self::Unavailable(error.to_string()),
            Some(ErrorCode::ConstraintViolation) => Self::Conflict,
            _ => Self::Failed(error.to_string()),
        }
    }
}
