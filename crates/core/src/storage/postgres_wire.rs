//! What goes over the wire to PostgreSQL: connections, statements that leave in one packet, values and errors.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::db::{DbError, Row, Value};

/// Connects; a server that takes the connection and says nothing counts as gone.
pub(super) async fn connect(config: &Config) -> Result<Client, DbError> {
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
pub(super) async fn while_alive<T>(config: &Config, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    loop {
        match timeout(ANSWER_WITHIN, &mut answer).await {
            Ok(answer) => return Some(answer),
            Err(_) => drop(connect(config).await.ok()?),
        }
    }
}

/// How long a statement may take before the server's life is in doubt.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long connecting may take, unless the database URL says otherwise.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(4);

/// What comes back from one of several statements sent together.
pub(super) enum Outcome {
    Nothing,
    Changed(u64),
    Rows(Vec<tokio_postgres::Row>),
}

/// A statement, its parameters, and whether its rows are wanted.
pub(super) type Step<'a> = (&'static str, &'a [Value], bool);

pub(super) type Sent<'a> = Pin<Box<dyn Future<Output = Result<Outcome, tokio_postgres::Error>> + 'a>>;

pub(super) fn plain<'a>(client: &'a Client, sql: &'static str) -> Sent<'a> {
    Box::pin(async move { client.batch_execute(sql).await.map(|()| Outcome::Nothing) })
}

pub(super) fn bound<'a>(client: &'a Client, statement: &'a Statement, params: &'a [Value], rows: bool) -> Sent<'a> {
    Box::pin(async move {
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        if rows {
            client.query(statement, &params).await.map(Outcome::Rows)
        } else {
            client.execute(statement, &params).await.map(Outcome::Changed)
        }
    })
}

/// Polls all in order, so that they leave in one packet; answers with all outcomes, or with the first error.
pub(super) async fn all(mut sent: Vec<Sent<'_>>) -> Result<Vec<Outcome>, tokio_postgres::Error> {
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
    results.into_iter().flatten().collect()
}

pub(super) fn silent() -> DbError {
    DbError::Unavailable("PostgreSQL does not answer".into())
}

/// Whether the connection is of no more use: closed, or the server is going away (class 57, operator intervention).
pub(super) fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.code().is_none_or(|code| code.code().starts_with("57P"))
}

/// `?1` becomes `$1`.
pub(super) fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

pub(super) fn read_row(row: &tokio_postgres::Row) -> Result<Row, DbError> {
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
        match error.code() {
            Some(code) if *code == SqlState::UNIQUE_VIOLATION => Self::Conflict,
            _ if temporary => Self::Unavailable(text),
            _ => Self::Failed(text),
        }
    }
}
