//! PostgreSQL: several threads, each with one connection, its prepared statements and a small runtime of its own.
//!
//! `BEGIN` travels with the first statement, and queued statements and questions with the next read or `COMMIT`, so a write
//! costs as many round trips as it has reads that wait for one another, plus one. A broken connection fails the transaction it was in and is replaced at
//! the next; several servers may share one database.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tokio_postgres::{Client, Config, Statement};

use super::db::{Access, DbError, Engine, Jobs, Row, Settings, Tx, Value};
use super::migrations;
use super::postgres_wire::{
    ANSWER_WITHIN, CONNECT_WITHIN, Outcome, Sent, Step, all, bound, connect, is_broken, numbered, plain, read_row,
    silent, while_alive,
};
use crate::kit::secret::MasterKeys;

/// Connects, migrates under an advisory lock and starts the threads.
pub(super) fn start(
    url: &str,
    settings: &Settings,
    access: Access,
    jobs: Jobs,
    round_trips: &Arc<AtomicU64>,
) -> Result<Vec<JoinHandle<()>>, DbError> {
    let mut config: Config =
        url.parse().map_err(|error| DbError::Unavailable(format!("the database URL cannot be read: {error}")))?;
    config.application_name("ringpass");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WITHIN);
    }
    let config = Arc::new(config);
    let session = || Session::new(Arc::clone(&config), Arc::clone(round_trips));
    let mut first = session()?;
    if access == Access::Serve {
        first.migrate()?;
    }
    let jobs = Arc::new(Mutex::new(jobs));
    let mut threads = Vec::new();
    let mut ready = Some(first);
    for _ in 0..settings.connections.max(1) {
        let mut session = ready.take().map_or_else(session, Ok)?;
        let (jobs, keys) = (Arc::clone(&jobs), Arc::clone(&settings.keys));
        let builder = thread::Builder::new().name("db-postgres".into());
        let spawned = builder.spawn(move || work(&mut session, &jobs, &keys));
        threads.push(spawned.map_err(|error| DbError::Unavailable(format!("cannot start a thread: {error}")))?);
    }
    Ok(threads)
}

fn work(session: &mut Session, jobs: &Mutex<Jobs>, keys: &MasterKeys) {
    loop {
        let job = jobs.lock().ok().and_then(|mut jobs| jobs.next());
        let Some(job) = job else { return };
        session.refresh();
        let mut tx = Tx { engine: Engine::Postgres(session), keys, write: true, flush: true };
        let result = catch_unwind(AssertUnwindSafe(|| job(&mut tx)));
        match result {
            Ok(done) if done.keep => {
                let commit = session.commit();
                (done.answer)(commit);
            }
            Ok(done) => {
                session.rollback();
                (done.answer)(Ok(()));
            }
            Err(_) => session.rollback(),
        }
    }
}

/// One connection and the transaction it may be in.
pub(super) struct Session {
    runtime: Runtime,
    config: Arc<Config>,
    client: Option<Client>,
    statements: HashMap<&'static str, Statement>,
    queued: Vec<Queued>,
    /// What the questions of this transaction have found; `None` for those not sent yet, or read already.
    answers: Vec<Option<Vec<Row>>>,
    begun: bool,
    round_trips: Arc<AtomicU64>,
}

/// A statement that waits to travel along, and the question that it answers, if it is one.
struct Queued {
    sql: &'static str,
    params: Vec<Value>,
    question: Option<usize>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl Session {
    fn new(config: Arc<Config>, round_trips: Arc<AtomicU64>) -> Result<Self, DbError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| DbError::Unavailable(format!("cannot start a runtime: {error}")))?;
        Ok(Self {
            runtime,
            config,
            client: None,
            statements: HashMap::new(),
            queued: Vec::new(),
            answers: Vec::new(),
            begun: false,
            round_trips,
        })
    }

    /// Lets the idle connection notice that the server has gone, and forgets it then.
    fn refresh(&mut self) {
        if self.client.is_some() {
            // The first pause looks at the socket, the second lets the connection's task read it.
            self.runtime.block_on(async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            });
        }
        if self.client.as_ref().is_some_and(Client::is_closed) {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.client = None;
        self.statements.clear();
        self.begun = false;
        self.queued.clear();
    }

    fn connect(&mut self) -> Result<(), DbError> {
        if self.client.is_some() {
            return Ok(());
        }
        self.client = Some(self.runtime.block_on(connect(&self.config))?);
        Ok(())
    }

    pub(super) fn execute(&mut self, write: bool, sql: &'static str, params: &[Value]) -> Result<u64, DbError> {
        match self.send(write, Some((sql, params, false)), None)? {
            Outcome::Changed(count) => Ok(count),
            Outcome::Nothing | Outcome::Rows(_) => Ok(0),
        }
    }

    pub(super) fn query(&mut self, write: bool, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        match self.send(write, Some((sql, params, true)), None)? {
            Outcome::Rows(rows) => rows.iter().map(read_row).collect(),
            Outcome::Nothing | Outcome::Changed(_) => Ok(Vec::new()),
        }
    }

    pub(super) fn later(&mut self, sql: &'static str, params: &[Value]) {
        self.queued.push(Queued { sql, params: params.to_vec(), question: None });
    }

    /// Queues a question; the number by which [`Session::answer`] knows it.
    pub(super) fn ask(&mut self, sql: &'static str, params: &[Value]) -> usize {
        let question = self.answers.len();
        self.answers.push(None);
        self.queued.push(Queued { sql, params: params.to_vec(), question: Some(question) });
        question
    }

    /// The rows of a question, which is sent now if it still waits.
    pub(super) fn answer(&mut self, write: bool, question: usize) -> Result<Vec<Row>, DbError> {
        if self.queued.iter().any(|queued| queued.question == Some(question)) {
            self.send(write, None, None)?;
        }
        let rows = self.answers.get_mut(question).and_then(Option::take);
        rows.ok_or_else(|| DbError::Failed("a question of another transaction".into()))
    }

    pub(super) fn prepare_only(&mut self, sql: &'static str) -> Result<(), DbError> {
        self.connect()?;
        self.statement(sql).map(drop)
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.answers.clear();
        if !self.begun && self.queued.is_empty() {
            return Ok(());
        }
        let result = self.send(true, None, Some("COMMIT")).map(drop);
        if result.is_err() {
            // The server may or may not have ended the transaction; a second end does no harm, and none would leave the
            // next closure inside it.
            self.begun = true;
            self.rollback();
        }
        self.begun = false;
        result
    }

    fn rollback(&mut self) {
        self.queued.clear();
        self.answers.clear();
        if self.begun && self.send(true, None, Some("ROLLBACK")).is_err() {
            self.forget();
        }
        self.begun = false;
    }

    /// Sends `BEGIN` if it is due, everything queued, `statement` and `end` in one go, and waits for all of it. When the
    /// connection breaks before the transaction has answered anything, a new one gets one more try: nothing can have been
    /// committed yet.
    fn send(
        &mut self,
        write: bool,
        statement: Option<Step<'_>>,
        end: Option<&'static str>,
    ) -> Result<Outcome, DbError> {
        if self.begun && self.client.is_none() {
            return Err(DbError::Unavailable("the connection broke in the middle of a transaction".into()));
        }
        let queued = std::mem::take(&mut self.queued);
        let (fresh, began) = (!self.begun && end.is_none(), Instant::now());
        let outcomes = match self.attempt(write, &queued, statement, end) {
            // A server that kept everybody waiting before it went is not waited for again.
            Err(DbError::Unavailable(_)) if fresh && self.client.is_none() && began.elapsed() < ANSWER_WITHIN => {
                self.attempt(write, &queued, statement, end)
            }
            result => result,
        };
        let mut outcomes = outcomes?.into_iter();
        for (queued, outcome) in queued.iter().zip(outcomes.by_ref()) {
            if let (Some(question), Outcome::Rows(rows)) = (queued.question, outcome)
                && let Some(answer) = self.answers.get_mut(question)
            {
                *answer = Some(rows.iter().map(read_row).collect::<Result<_, _>>()?);
            }
        }
        Ok(outcomes.next().unwrap_or(Outcome::Nothing))
    }

    /// The outcomes of what was queued, then that of `statement`.
    fn attempt(
        &mut self,
        write: bool,
        queued: &[Queued],
        statement: Option<Step<'_>>,
        end: Option<&'static str>,
    ) -> Result<Vec<Outcome>, DbError> {
        self.connect()?;
        let begin = write && !self.begun;
        let mut prepared = Vec::new();
        for Queued { sql, params, question } in queued {
            prepared.push((self.statement(sql)?, params.as_slice(), question.is_some()));
        }
        if let Some((sql, params, rows)) = statement {
            prepared.push((self.statement(sql)?, params, rows));
        }
        let Some(client) = &self.client else { return Err(DbError::Unavailable("not connected".into())) };
        let mut sent: Vec<Sent<'_>> = Vec::new();
        if begin {
            sent.push(plain(client, "BEGIN"));
        }
        sent.extend(prepared.iter().map(|(statement, params, rows)| bound(client, statement, params, *rows)));
        if let Some(sql) = end {
            sent.push(plain(client, sql));
        }
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        match self.runtime.block_on(while_alive(&self.config, all(sent))) {
            Some(Ok(outcomes)) => {
                self.begun |= begin;
                Ok(outcomes.into_iter().skip(usize::from(begin)).take(prepared.len()).collect())
            }
            None => Err(self.broke(silent())),
            Some(Err(error)) if is_broken(&error) => Err(self.broke(error.into())),
            Some(Err(error)) => {
                self.begun |= begin;
                Err(error.into())
            }
        }
    }

    /// Forgets a broken connection; a transaction that was under way on it stays marked, so that nothing more runs in it.
    fn broke(&mut self, error: DbError) -> DbError {
        let under_way = self.begun;
        self.forget();
        self.begun = under_way;
        error
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, DbError> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let Some(client) = &self.client else { return Err(DbError::Unavailable("not connected".into())) };
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        match self.runtime.block_on(while_alive(&self.config, client.prepare(&numbered(sql)))) {
            Some(Ok(statement)) => {
                self.statements.insert(sql, statement.clone());
                Ok(statement)
            }
            None => Err(self.broke(silent())),
            Some(Err(error)) if is_broken(&error) => Err(self.broke(error.into())),
            Some(Err(error)) => Err(error.into()),
        }
    }

    fn migrate(&mut self) -> Result<(), DbError> {
        self.connect()?;
        let Some(client) = &mut self.client else { return Err(DbError::Unavailable("not connected".into())) };
        self.runtime.block_on(async {
            let tx = client.transaction().await?;
            tx.execute("SELECT pg_advisory_xact_lock(7246731915)", &[]).await?;
            tx.batch_execute(migrations::TABLE).await?;
            for (number, text) in migrations::ALL {
                let known = tx.query_opt("SELECT checksum FROM migrations WHERE number = $1", &[number]).await?;
                if let Some(row) = known {
                    migrations::check(*number, text, &row.get::<_, String>(0))?;
                } else {
                    let dialect = text.replace(" TEXT", " TEXT COLLATE \"C\"").replace(" WITHOUT ROWID", "");
                    tx.batch_execute(&dialect).await?;
                    let checksum = migrations::checksum(text);
                    let insert = "INSERT INTO migrations (number, checksum) VALUES ($1, $2)";
                    tx.execute(insert, &[number, &checksum]).await?;
                }
            }
            tx.commit().await?;
            Ok(())
        })
    }
}
