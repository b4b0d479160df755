//! The operator's routes: `/livez`, `/readyz` and `/metrics` (Prometheus text).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use metrics::{counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use serde_json::json;

use crate::flows::deliver;
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
    health(readiness).route("/metrics", get(async move || text(metrics.render())))
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
    describe_counter!(REQUESTS, "Requests answered");
    describe_histogram!(DURATION, metrics::Unit::Seconds, "Time from a request's last byte to its answer");
    describe_counter!(deliver::REQUESTS, "Calls to message providers");
    describe_histogram!(deliver::DURATION, metrics::Unit::Seconds, "Time from a call to a provider to its outcome");
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
    counter!(REQUESTS, "family" => family, "route" => route, "status" => status.as_str().to_owned()).increment(1);
    histogram!(DURATION, "family" => family, "route" => route).record(duration.as_secs_f64());
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
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// Seconds: from a configuration read up to a gateway's longest answer.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
