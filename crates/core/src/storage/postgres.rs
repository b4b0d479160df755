//! PostgreSQL: several threads, each with one connection, its prepared statements and a small runtime of its own.
//!
//! `BEGIN` travels with the first statement and queued statements with the next read or `COMMIT`, so a write costs as
//! many round trips as it has reads, plus one. A broken connection fails the transaction it was in and is replaced at
//! the next; several servers may share one database.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::db::{Access, DbError, Engine, Jobs, Row, Settings, Tx, Value};
use super::migrations;
use crate::kit::secret::MasterKeys;

/// Connects, migrates under an advisory lock and starts the threads.
pub(super) fn start(
    url: &str,
    settings: &Settings,
    access: Access,
    jobs: Jobs,
) -> Result<Vec<JoinHandle<()>>, DbError> {
    let mut config: Config =
        url.parse().map_err(|error| DbError::Unavailable(format!("the database URL cannot be read: {error}")))?;
    config.application_name("ringpass");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WITHIN);
    }
    let config = Arc::new(config);
    let mut first = Session::new(Arc::clone(&config))?;
    if access == Access::Serve {
        first.migrate()?;
    }
    let jobs = Arc::new(Mutex::new(jobs));
    let mut threads = Vec::new();
    let mut ready = Some(first);
    for _ in 0..settings.connections.max(1) {
        let mut session = ready.take().map_or_else(|| Session::new(Arc::clone(&config)), Ok)?;
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
        let mut tx = Tx { engine: Engine::Postgres(session), keys, write: true };
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
    queued: Vec<(&'static str, Vec<Value>)>,
    begun: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("begun", &self.begun).finish_non_exhaustive()
    }
}

/// Connects; a server that takes the connection and says nothing counts as gone.
async fn connect(config: &Config) -> Result<Client, DbError> {
    let connecting = async {
        if config.get_ssl_mode() == SslMode::Require {
            let (client, connection) = config.connect(MakeRustlsConnect::new(tls())).await?;
            tokio::spawn(connection);
            Ok::<_, tokio_postgres::Error>(client)
        } else {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(connection);
            Ok(client)
        }
    };
    let patience = config.get_connect_timeout().copied().unwrap_or(CONNECT_WITHIN);
    match timeout(patience, connecting).await {
        Ok(client) => Ok(client?),
        Err(_) => Err(DbError::Unavailable("PostgreSQL takes too long to connect".into())),
    }
}

/// Waits for an answer as long as the server lives: when none comes for a while and a new connection cannot be made
/// either, the server has gone without a word. `None` then.
async fn while_alive<T>(config: &Config, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    loop {
        match timeout(ANSWER_WITHIN, &mut answer).await {
            Ok(answer) => return Some(answer),
            Err(_) => drop(connect(config).await.ok()?),
        }
    }
}

/// How long a statement may take before the server's life is in doubt.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long connecting may take, unless the database URL says otherwise.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);

/// What comes back from one of several statements sent together.
enum Outcome {
    Nothing,
    Changed(u64),
    Rows(Vec<tokio_postgres::Row>),
}

/// A statement, its parameters, and whether its rows are wanted.
type Step<'a> = (&'static str, &'a [Value], bool);

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Outcome, tokio_postgres::Error>> + 'a>>;

impl Session {
    fn new(config: Arc<Config>) -> Result<Self, DbError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| DbError::Unavailable(format!("cannot start a runtime: {error}")))?;
        Ok(Self { runtime, config, client: None, statements: HashMap::new(), queued: Vec::new(), begun: false })
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
        self.queued.push((sql, params.to_vec()));
    }

    pub(super) fn prepare_only(&mut self, sql: &'static str) -> Result<(), DbError> {
        self.connect()?;
        self.statement(sql).map(drop)
    }

    fn commit(&mut self) -> Result<(), DbError> {
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
        match self.attempt(write, &queued, statement, end) {
            // A server that kept everybody waiting before it went is not waited for again.
            Err(DbError::Unavailable(_)) if fresh && self.client.is_none() && began.elapsed() < ANSWER_WITHIN => {
                self.attempt(write, &queued, statement, end)
            }
            result => result,
        }
    }

    fn attempt(
        &mut self,
        write: bool,
        queued: &[(&'static str, Vec<Value>)],
        statement: Option<Step<'_>>,
        end: Option<&'static str>,
    ) -> Result<Outcome, DbError> {
        self.connect()?;
        let begin = write && !self.begun;
        let mut prepared = Vec::new();
        for (sql, params) in queued {
            prepared.push((self.statement(sql)?, params.as_slice(), false));
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
        match self.runtime.block_on(while_alive(&self.config, all(sent))) {
            Some(Ok(outcome)) => {
                self.begun |= begin;
                Ok(outcome)
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
                    tx.batch_execute(&text.replace(" TEXT", " TEXT COLLATE \"C\"")).await?;
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

fn plain<'a>(client: &'a Client, sql: &'static str) -> Sent<'a> {
    Box::pin(async move { client.batch_execute(sql).await.map(|()| Outcome::Nothing) })
}

fn bound<'a>(client: &'a Client, statement: &'a Statement, params: &'a [Value], rows: bool) -> Sent<'a> {
    Box::pin(async move {
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        if rows {
            client.query(statement, &params).await.map(Outcome::Rows)
        } else {
            client.execute(statement, &params).await.map(Outcome::Changed)
        }
    })
}

/// Polls all in order, so that they leave in one packet; answers with the last outcome that says something, or with the
/// first error.
async fn all(mut sent: Vec<Sent<'_>>) -> Result<Outcome, tokio_postgres::Error> {
    let mut results: Vec<Option<Result<Outcome, tokio_postgres::Error>>> = sent.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, result) in sent.iter_mut().zip(results.iter_mut()).filter(|(_, result)| result.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(outcome) => *result = Some(outcome),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    results.into_iter().flatten().try_fold(Outcome::Nothing, |last, result| {
        Ok(match result? {
            Outcome::Nothing => last,
            outcome => outcome,
        })
    })
}

fn silent() -> DbError {
    DbError::Unavailable("PostgreSQL does not answer".into())
}

/// Whether the connection is of no more use: closed, or the server is going away (class 57, operator intervention).
fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.code().is_none_or(|code| code.code().starts_with("57P"))
}

/// `?1` becomes `$1`.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

fn read_row(row: &tokio_postgres::Row) -> Result<Row, DbError> {
    let cells = row.columns().iter().enumerate().map(|(index, column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(index)?.map(i64::from).into(),
            _ => row.try_get::<_, Option<String>>(index)?.into(),
        })
    });
    Ok(Row(cells.collect::<Result<_, tokio_postgres::Error>>()?))
}

fn tls() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    match rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
        Ok(builder) => builder,
        Err(_) => rustls::ClientConfig::builder(),
    }
    .with_root_certificates(roots)
    .with_no_client_auth()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) if *ty == Type::INT4 => i32::try_from(*int)?.to_sql(ty, out),
            Self::Int(int) => int.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT | Type::VARCHAR)
    }

    to_sql_checked!();
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let text = error
            .as_db_error()
            .map_or_else(|| error.to_string(), |db| format!("{} ({})", db.message(), db.code().code()));
        let temporary = match error.code() {
            None => true,
            Some(code) => {
                let class = code.code().get(..2).unwrap_or_default();
                // Connection trouble, resources, operator intervention, system errors, and lost races.
                matches!(class, "08" | "53" | "57" | "58" | "40")
                    || *code == SqlState::READ_ONLY_SQL_TRANSACTION
                    || *code == SqlState::LOCK_NOT_AVAILABLE
            }
        };
        if temporary { Self::Unavailable(text) } else { Self::Failed(text) }
    }
}
