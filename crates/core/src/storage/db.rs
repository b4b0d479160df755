//! The storage facade: transactions as synchronous closures over [`Tx`], the same for SQLite and PostgreSQL.
//!
//! `Db::write` sends a closure to a database thread and awaits its answer. No `.await` fits inside a closure, so nothing
//! slow can ever hold a transaction open. SQLite has one writer that commits many closures at once (`sqlite.rs`);
//! PostgreSQL has several threads with one connection each (`postgres.rs`).

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::queue::{self, Ended, Line, Message, Watch};
pub(super) use super::queue::{Done, Job, Jobs, Lines};
use super::sealed::Place;
use super::{migrations, postgres, sqlite};
use crate::kit::secret::{MasterKeys, SealError, Secret};

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Url {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A `postgres://` connection string.
    Postgres(String),
}

/// How to open a database.
#[derive(Debug)]
pub struct Settings {
    /// Where it is.
    pub url: Url,
    /// How many closures may wait before the next is refused.
    pub queue: usize,
    /// Threads that read (SQLite) or connections (PostgreSQL).
    pub connections: usize,
    /// Whether an answered write survives a power cut (`synchronous=FULL`). Only tests turn it off.
    pub durable: bool,
    /// Keys that seal secrets at rest.
    pub keys: Arc<MasterKeys>,
}

/// What a process may do with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Migrate, read and write, alone on a SQLite file.
    Serve,
    /// Read and write beside a server.
    Beside,
    /// Read only.
    Look,
}

/// A handle on the open database. Cheap to clone; the threads end when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Db {
    writes: mpsc::Sender<Message>,
    reads: mpsc::Sender<Message>,
    threads: Threads,
    round_trips: Arc<AtomicU64>,
    watch: Arc<OnceLock<Watch>>,
}

/// The threads to wait for at the end.
pub(super) type Threads = Arc<std::sync::Mutex<Vec<std::thread::JoinHandle<()>>>>;

impl Db {
    /// Opens the database, applies missing migrations and starts its threads.
    pub async fn open(settings: Settings) -> Result<Self, DbError> {
        Self::start(settings, Access::Serve).await
    }

    /// Opens the database to write beside a running server: no lock, and no migration, so that it must have this
    /// version's schema already.
    pub async fn open_beside(settings: Settings) -> Result<Self, DbError> {
        let db = Self::start(settings, Access::Beside).await?;
        db.read("db.schema", migrations::complete).await?;
        Ok(db)
    }

    /// Opens the database only to look: no migration, no writes, and no lock, so that it works beside a running server.
    pub async fn open_to_look(settings: Settings) -> Result<Self, DbError> {
        Self::start(settings, Access::Look).await
    }

    async fn start(settings: Settings, access: Access) -> Result<Self, DbError> {
        let (writes, write_jobs) = mpsc::channel(settings.queue);
        tokio::task::spawn_blocking(move || {
            let round_trips = Arc::default();
            let (reads, threads) = match settings.url.clone() {
                Url::Sqlite(path) => {
                    let (reads, read_jobs) = mpsc::channel(settings.queue);
                    (reads, sqlite::start(&path, &settings, access, Jobs(write_jobs), Jobs(read_jobs))?)
                }
                Url::Postgres(url) => {
                    (writes.clone(), postgres::start(&url, &settings, access, Jobs(write_jobs), &round_trips)?)
                }
            };
            Ok(Self {
                writes,
                reads,
                threads: Arc::new(std::sync::Mutex::new(threads)),
                round_trips,
                watch: Arc::default(),
            })
        })
        .await
        .map_err(|_| DbError::Failed("opening the database was interrupted".into()))?
    }

    /// Runs a closure that only reads. `name` appears in traces.
    pub async fn read<T, F>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.submit(&self.reads, name, (false, Line::Ahead), work).await
    }

    /// Runs a closure in a write transaction and returns once it is durable. `Err` rolls back, `Ok` commits.
    pub async fn write<T, F>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.submit(&self.writes, name, (true, Line::Ahead), work).await
    }

    /// Does what [`Db::write`] does, but behind what is written by that: for callers who come in crowds, and would keep those
    /// waiting who come alone. Where several write at once, on PostgreSQL, there is no difference.
    pub async fn write_behind<T, F>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.submit(&self.writes, name, (true, Line::Behind), work).await
    }

    /// Has every transaction told to `watch` from now on; the first that is given stays.
    pub fn watch(&self, watch: Watch) {
        let _ = self.watch.set(watch);
    }

    /// How many transactions wait for a thread.
    pub fn queue_depth(&self) -> usize {
        let depth = |queue: &mpsc::Sender<Message>| queue.max_capacity() - queue.capacity();
        let reads = if self.reads.same_channel(&self.writes) { 0 } else { depth(&self.reads) };
        depth(&self.writes) + reads
    }

    /// Runs a closure on a database thread, and tells whoever watches.
    async fn submit<T, F>(
        &self,
        queue: &mpsc::Sender<Message>,
        name: &'static str,
        how: (bool, Line),
        work: F,
    ) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let asked = Instant::now();
        let (waited, result) = match queue::enqueue(queue, asked, how, work) {
            Ok(told) => told.await.unwrap_or_else(|_| {
                (Duration::ZERO, Err(DbError::Failed(format!("transaction `{name}` did not finish"))))
            }),
            Err(error) => (Duration::ZERO, Err(error)),
        };
        if let Some(watch) = self.watch.get() {
            watch(&Ended { name, waited, took: asked.elapsed(), error: result.as_ref().err() });
        }
        result
    }

    /// How many times PostgreSQL was sent something and waited for, since the start; always 0 on SQLite.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Closes the queues, lets what waits in them finish and waits for the threads. Work that other clones still submit
    /// is refused.
    pub async fn close(self) {
        let Self { writes, reads, threads, .. } = self;
        // A queue that is closed already needs no word.
        let _ = writes.send(Message::Close).await;
        let _ = reads.send(Message::Close).await;
        let handles = threads.lock().map(|mut all| std::mem::take(&mut *all)).unwrap_or_default();
        let _ = tokio::task::spawn_blocking(move || handles.into_iter().for_each(|handle| drop(handle.join()))).await;
    }
}

/// A running transaction.
#[derive(Debug)]
pub struct Tx<'a> {
    pub(super) engine: Engine<'a>,
    pub(super) keys: &'a MasterKeys,
    pub(super) write: bool,
    pub(super) flush: bool,
}

/// The engine behind a [`Tx`].
#[derive(Debug)]
pub(super) enum Engine<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut postgres::Session),
    /// One that answers everything with this error.
    Refusing(&'a DbError),
}

impl Tx<'_> {
    /// Runs a statement and tells how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, DbError> {
        match &mut self.engine {
            Engine::Sqlite(connection) => sqlite::execute(connection, sql, params),
            Engine::Postgres(session) => session.execute(self.write, sql, params),
            Engine::Refusing(error) => Err(error.clone()),
        }
    }

    /// Queues a statement whose result nobody reads: it travels with the next read or with the commit, and its failure
    /// fails the transaction. On SQLite it simply runs.
    pub fn later(&mut self, sql: &'static str, params: &[Value]) -> Result<(), DbError> {
        match &mut self.engine {
            Engine::Sqlite(connection) => sqlite::execute(connection, sql, params).map(drop),
            Engine::Postgres(session) => {
                session.later(sql, params);
                Ok(())
            }
            Engine::Refusing(error) => Err(error.clone()),
        }
    }

    /// Runs a statement and returns its rows.
    pub fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(connection) => sqlite::query(connection, sql, params),
            Engine::Postgres(session) => session.query(self.write, sql, params),
            Engine::Refusing(error) => Err(error.clone()),
        }
    }

    /// Runs a statement and returns its first row, if there is one.
    pub fn query_one(&mut self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Sends a statement ahead: its rows are wanted, but only when [`Tx::answer`] reads them, so that several questions
    /// share a round trip. On SQLite it simply runs.
    pub fn ask<T>(&mut self, sql: &'static str, params: &[Value], read: Read<T>) -> Result<Asked<T>, DbError> {
        let rows = match &mut self.engine {
            Engine::Sqlite(connection) => Rows::Here(sqlite::query(connection, sql, params)?),
            Engine::Postgres(session) => Rows::Asked(session.ask(sql, params)),
            Engine::Refusing(error) => return Err(error.clone()),
        };
        Ok(Asked { rows, read })
    }

    /// What a statement sent ahead has found.
    pub fn answer<T>(&mut self, asked: Asked<T>) -> Result<T, DbError> {
        let rows = match (asked.rows, &mut self.engine) {
            (Rows::Here(rows), _) => rows,
            (Rows::Asked(question), Engine::Postgres(session)) => session.answer(self.write, question)?,
            (Rows::Asked(_), _) => Vec::new(),
        };
        (asked.read)(rows)
    }

    /// Lets this write be answered before it is on the disk, as soon as every other transaction sees it. It survives the
    /// death of the process, and a power cut only together with all that was written after it: a later write that is
    /// answered brings it to the disk too. For whoever makes that later write before telling anyone of this one.
    /// PostgreSQL flushes it all the same.
    pub fn answer_before_flush(&mut self) {
        self.flush = false;
    }

    /// Whether transactions become visible in the order in which they ran; not so where several write at once.
    pub fn is_in_order(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// Whether the engine accepts the statement; for the test that prepares them all.
    pub fn prepare(&mut self, sql: &'static str) -> Result<(), DbError> {
        match &mut self.engine {
            Engine::Sqlite(connection) => Ok(connection.prepare(sql).map(drop)?),
            Engine::Postgres(session) => session.prepare_only(sql),
            Engine::Refusing(error) => Err(error.clone()),
        }
    }

    /// Seals a secret for its place, to be stored there as TEXT.
    pub fn seal(&self, clear: &Secret, place: &Place) -> Result<String, DbError> {
        Ok(self.keys.seal(clear, place.name())?)
    }

    /// Opens what [`Tx::seal`] made for the same place.
    pub fn open(&self, sealed: &str, place: &Place) -> Result<Secret, DbError> {
        Ok(self.keys.open(sealed, place.name())?)
    }

    /// What everything sealed by the first master key begins with.
    pub(super) fn first_key_prefix(&self) -> String {
        self.keys.first_prefix()
    }
}

/// A question to the database that [`Tx::ask`] sent ahead; [`Tx::answer`] reads what it found.
#[derive(Debug)]
#[must_use = "a statement whose rows nobody reads is for `Tx::later`"]
pub struct Asked<T> {
    rows: Rows,
    read: Read<T>,
}

/// Makes something of the rows of a question.
pub type Read<T> = fn(Vec<Row>) -> Result<T, DbError>;

#[derive(Debug)]
enum Rows {
    Here(Vec<Row>),
    Asked(usize),
}

/// A parameter or a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// TEXT.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer; columns are read by position.
#[derive(Debug, Clone)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    /// A TEXT column that is never NULL.
    pub fn text(&self, column: usize) -> Result<String, DbError> {
        self.opt_text(column)?.ok_or(DbError::Shape(column))
    }

    /// A BIGINT column that is never NULL.
    pub fn int(&self, column: usize) -> Result<i64, DbError> {
        self.opt_int(column)?.ok_or(DbError::Shape(column))
    }

    /// A flag: BIGINT 0 or 1.
    pub fn flag(&self, column: usize) -> Result<bool, DbError> {
        Ok(self.int(column)? != 0)
    }

    /// A TEXT column.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, DbError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            _ => Err(DbError::Shape(column)),
        }
    }

    /// A BIGINT column.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, DbError> {
        match self.0.get(column) {
            Some(Value::Int(int)) => Ok(Some(*int)),
            Some(Value::Null) => Ok(None),
            _ => Err(DbError::Shape(column)),
        }
    }

    /// A TEXT column that holds JSON written by us.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, DbError> {
        serde_json::from_str(&self.text(column)?).map_err(|_| DbError::Shape(column))
    }
}

/// Why a transaction failed. The texts are for the process log; callers get a request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DbError {
    /// Too many transactions wait already; try again in a moment.
    Full,
    /// The database cannot serve now: gone, full, read-only, or another writer was in the way. Nothing was written.
    Unavailable(String),
    /// Another transaction has just written a row that this one meant to add. Nothing was written; a second try finds it.
    Conflict,
    /// The engine refused a statement: a bug of ours.
    Failed(String),
    /// A sealed value did not open.
    Sealed(SealError),
    /// A column is not of the type expected.
    Shape(usize),
}

impl DbError {
    /// One word for it, for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unavailable(_) => "unavailable",
            Self::Conflict => "conflict",
            Self::Failed(_) => "failed",
            Self::Sealed(_) => "sealed",
            Self::Shape(_) => "shape",
        }
    }

    /// Whether trying again later may help (503), unlike a bug (500).
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable(_))
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the database queue is full"),
            Self::Unavailable(why) => write!(f, "the database is not available: {why}"),
            Self::Conflict => f.write_str("another transaction has written the same row"),
            Self::Failed(why) => write!(f, "the database refused: {why}"),
            Self::Sealed(error) => error.fmt(f),
            Self::Shape(column) => write!(f, "column {column} has another type than expected"),
        }
    }
}

impl std::error::Error for DbError {}

impl From<SealError> for DbError {
    fn from(error: SealError) -> Self {
        Self::Sealed(error)
    }
}
