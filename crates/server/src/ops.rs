//! The operator's routes: `/livez`, `/readyz`, `/metrics` (Prometheus text) and `/outbox`.

pub mod outbox;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use ringpass_core::storage::Ended;
use serde_json::json;

use crate::flows::{deliver, record};
use crate::web::Reply;

/// Whether the server should be sent requests.
#[derive(Debug, Default)]
pub struct Readiness {
    started: AtomicBool,
    stopping: AtomicBool,
    database: ArcSwapOption<String>,
}

impl Readiness {
    /// A server that has not started yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The server has everything it needs.
    pub fn start(&self) {
        self.started.store(true, Ordering::SeqCst);
    }

    /// The server is stopping; there is no way back.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// The database answers.
    pub fn database_up(&self) {
        self.database.store(None);
    }

    /// The database does not answer. The reason is shown to whoever asks `/readyz`: a few words, no addresses, no secrets.
    pub fn database_down(&self, reason: impl Into<String>) {
        self.database.store(Some(Arc::new(reason.into())));
    }

    /// Why the server should be sent no requests; `None` when it should.
    pub fn obstacle(&self) -> Option<String> {
        if self.stopping.load(Ordering::SeqCst) {
            return Some("stopping".to_owned());
        }
        if !self.started.load(Ordering::SeqCst) {
            return Some("starting".to_owned());
        }
        self.database.load().as_ref().map(|reason| format!("database: {reason}"))
    }
}

/// `/livez`, `/readyz` and `/metrics`.
pub fn router(readiness: Arc<Readiness>, metrics: PrometheusHandle) -> Router {
    let told = Arc::clone(&readiness);
    let show = async move || {
        gauge!(READY).set(if told.obstacle().is_none() { 1.0 } else { 0.0 });
        text(metrics.render())
    };
    health(readiness).route("/metrics", get(show))
}

/// `/livez` and `/readyz` alone, for a server without a listener for operators.
pub fn health(readiness: Arc<Readiness>) -> Router {
    Router::new()
        .route("/livez", get(async || Reply::json(StatusCode::OK, &json!({ "status": "alive" }))))
        .route("/readyz", get(ready))
        .with_state(readiness)
}

/// Makes the process count and returns what renders the counts. Works once in a process.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(BUCKETS)?.install_recorder()?;
    KNOWN.get_or_init(Known::default);
    describe_counter!(REQUESTS, "Requests answered");
    describe_histogram!(DURATION, Unit::Seconds, "Time from a request's last byte to its answer");
    describe_counter!(deliver::MESSAGES, "Messages to phones");
    describe_counter!(deliver::REQUESTS, "Calls to message providers");
    describe_histogram!(deliver::DURATION, Unit::Seconds, "Time from a call to a provider to its outcome");
    describe_counter!(record::EVENTS, "Events written to the tenant log");
    describe_histogram!(TRANSACTION, Unit::Seconds, "Time of a transaction: waiting, running and the commit");
    describe_histogram!(WAIT, Unit::Seconds, "Time a transaction waited for a database thread");
    describe_counter!(DATABASE_ERRORS, "Transactions that failed");
    describe_gauge!(DEPTH, "Transactions that wait for a database thread");
    describe_gauge!(READY, "1 while /readyz is 200");
    describe_gauge!(BUILD, "1, with the version of the program");
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let kept = handle.clone();
    // Samples wait in memory until they are put into buckets, also when nobody reads /metrics.
    let spawned = std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(UPKEEP_EVERY);
            kept.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "metrics are kept without upkeep: read /metrics often");
    }
    Ok(handle)
}

/// Counts one answered request: the family of doors, the route's pattern, the status, and how long it took.
pub fn observe(family: &'static str, route: &'static str, status: StatusCode, duration: Duration) {
    let Some(known) = KNOWN.get() else { return };
    let make = || {
        let answers = counter!(REQUESTS, "family" => family, "route" => route, "status" => status.as_str().to_owned());
        (answers, histogram!(DURATION, "family" => family, "route" => route))
    };
    let (answers, durations) = known.answers.get((family, route, status.as_u16()), make);
    answers.increment(1);
    durations.record(duration.as_secs_f64());
}

/// Counts one transaction.
pub fn transaction(ended: &Ended<'_>) {
    let Some(known) = KNOWN.get() else { return };
    let took = known.transactions.get(ended.name, || histogram!(TRANSACTION, "name" => ended.name));
    took.record(ended.took.as_secs_f64());
    histogram!(WAIT).record(ended.waited.as_secs_f64());
    if let Some(error) = ended.error {
        counter!(DATABASE_ERRORS, "reason" => error.word()).increment(1);
    }
}

/// Handles on the metrics that every request touches: to look one up among all metrics takes longer than to count.
#[derive(Default)]
struct Known {
    answers: Kept<(&'static str, &'static str, u16), (Counter, Histogram)>,
    transactions: Kept<&'static str, Histogram>,
}

/// Empty in a process that does not count.
static KNOWN: OnceLock<Known> = OnceLock::new();

/// Handles by what they are told apart by.
struct Kept<K, M>(RwLock<BTreeMap<K, M>>);

impl<K, M> Default for Kept<K, M> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Ord, M: Clone> Kept<K, M> {
    /// The handle of `key`, made at the first time.
    fn get(&self, key: K, make: impl FnOnce() -> M) -> M {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(make).clone()
    }
}

/// Tells how many transactions wait for a database thread.
pub fn queue_depth(depth: usize) {
    gauge!(DEPTH).set(u32::try_from(depth).map_or(f64::MAX, f64::from));
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Reply {
    match readiness.obstacle() {
        None => Reply::json(StatusCode::OK, &json!({ "status": "ready" })),
        Some(reason) => Reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "unready", "reason": reason })),
    }
}

fn text(body: String) -> Reply {
    Reply::bytes(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", body)
}

const REQUESTS: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const TRANSACTION: &str = "database_transaction_duration_seconds";
const WAIT: &str = "database_wait_seconds";
const DATABASE_ERRORS: &str = "database_errors_total";
const DEPTH: &str = "database_queue_depth";
const READY: &str = "ready";
const BUILD: &str = "build_info";
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// Seconds: from a configuration read up to a gateway's longest answer.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
