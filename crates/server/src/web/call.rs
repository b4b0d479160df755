//! What a door gets and gives: a request already read into plain values, an answer, and the row that ties a path to a
//! handler.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::Serialize;
use tracing::Instrument as _;

use super::request_id::RequestId;
use crate::app::App;
use crate::ops;

/// A request, read whole.
#[derive(Debug, Clone)]
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// Path as it was sent, without the query.
    pub path: String,
    /// Path parameters, percent-decoded once, in the order of the route.
    pub params: Vec<(String, String)>,
    /// Query parameters, form-url-decoded, in the order sent; names may repeat.
    pub query: Vec<(String, String)>,
    /// Request headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Who is calling: the transport peer, or what a trusted proxy says of it.
    pub ip: IpAddr,
    /// The name of the request, as its answer carries it.
    pub request_id: RequestId,
}

impl Call {
    /// A path parameter by its name in the route; empty when the route has none of that name.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The first query parameter of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header as text; `None` when absent or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers, content type included.
    pub headers: HeaderMap,
    /// The body, written once.
    pub body: Bytes,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// `application/json; charset=utf-8`.
    pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::bytes(status, "application/json; charset=utf-8", body)
    }

    /// Any body with its content type.
    pub fn bytes(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::empty(status).body(content_type, body.into())
    }

    /// The same answer with one more header (replacing one of that name). A value that is no header value is dropped.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same answer with one more cookie.
    #[must_use]
    pub fn and_cookie(mut self, cookie: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            self.headers.append(header::SET_COOKIE, value);
        }
        self
    }

    fn body(mut self, content_type: &'static str, body: Bytes) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// A handler's future.
pub type Answering<E> = Pin<Box<dyn Future<Output = Result<Reply, E>> + Send>>;

/// The plainest handler: a call in, an answer or a refusal out.
pub type Handler<E> = fn(Arc<App>, Call) -> Answering<E>;

/// One row of a family's table.
#[derive(Debug, Clone, Copy)]
pub struct Route<H> {
    /// HTTP method.
    pub method: &'static str,
    /// Path under the family's prefix, with `{name}` parameters.
    pub path: &'static str,
    /// Scopes of which one is enough; empty where the door checks for itself.
    pub scopes: &'static [&'static str],
    /// The handler.
    pub handler: H,
}

/// Why a request could not be read into a [`Call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// The body is longer than the family's limit (bytes).
    TooLong(usize),
    /// The body broke off, or took longer than 30 seconds.
    Broken,
    /// A path parameter is no UTF-8 once it is decoded, or holds U+0000: nothing has such a name.
    Path,
    /// The handler panicked: a bug, logged by the panic hook.
    Panicked,
}

/// What a family of doors must say of itself so that [`router`] can serve its table.
pub trait Family: 'static {
    /// What a row of the table runs: a [`Handler`], or a family's own kind.
    type Handler: Send + Sync + 'static;
    /// The family's name in metrics.
    const NAME: &'static str;
    /// In front of every path of the table (`/api/v2`), or empty.
    const PREFIX: &'static str;
    /// Longest body accepted, bytes.
    const BODY_LIMIT: usize;
    /// The table.
    const ROUTES: &'static [Route<Self::Handler>];
    /// Runs a row: authentication, the handler, common headers.
    fn serve(app: Arc<App>, route: &'static Route<Self::Handler>, call: Call) -> impl Future<Output = Reply> + Send;
    /// The answer to a request that could not be read, to a page at `origin` if a browser sent it.
    fn unreadable(app: &App, route: &'static Route<Self::Handler>, origin: Option<&str>, why: Unreadable) -> Reply;
}

type Params = Result<RawPathParams, RawPathParamsRejection>;

/// The axum router of one family's table.
pub fn router<F: Family>() -> Router<Arc<App>> {
    F::ROUTES.iter().fold(Router::new(), |router, route| {
        let filter = Method::from_bytes(route.method.as_bytes())
            .ok()
            .and_then(|method| MethodFilter::try_from(method).ok())
            .unwrap_or(MethodFilter::GET);
        let handler = async move |State(app): State<Arc<App>>, params: Params, request: Request| -> Reply {
            let id = RequestId::of(&app, request.headers(), request.extensions());
            // At the level of errors, so that those carry it whatever the operator leaves out of the log.
            let (method, family) = (route.method, F::NAME);
            let span = tracing::error_span!("request", request_id = id.as_str(), method, family, route = route.path);
            id.sign(answer::<F>(app, route, params, request, &id).instrument(span).await)
        };
        router.route(&format!("{}{}", F::PREFIX, route.path), on(filter, handler))
    })
}

/// Reads a request and runs its row.
async fn answer<F: Family>(
    app: Arc<App>,
    route: &'static Route<F::Handler>,
    params: Params,
    request: Request,
    id: &RequestId,
) -> Reply {
    let began = Instant::now();
    let origin = request.headers().get(header::ORIGIN).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let readable = params.ok().filter(|params| !params.iter().any(|(_, value)| value.contains('\0')));
    let call = match readable {
        Some(params) => read(&app, &params, request, F::BODY_LIMIT, id).await,
        None => Err(Unreadable::Path),
    };
    let reply = match call {
        Ok(call) => run::<F>(app, route, call, origin.as_deref()).await,
        Err(why) => F::unreadable(&app, route, origin.as_deref(), why),
    };
    tracing::debug!(status = reply.status.as_u16(), duration_ms = began.elapsed().as_secs_f64() * 1_000.0, "answered");
    reply
}

/// Runs a row in a task of its own: a caller that hangs up does not stop what is under way, so a code that was sent is
/// also recorded. A panic is answered like any other failure, by the family.
async fn run<F: Family>(app: Arc<App>, route: &'static Route<F::Handler>, call: Call, origin: Option<&str>) -> Reply {
    let began = Instant::now();
    let task = app.tasks.spawn(F::serve(Arc::clone(&app), route, call).in_current_span());
    let reply = task.await.unwrap_or_else(|_| F::unreadable(&app, route, origin, Unreadable::Panicked));
    ops::observe(F::NAME, route.path, reply.status, began.elapsed());
    reply
}

/// Reads a request whole, at most `limit` bytes of body.
async fn read(
    app: &App,
    params: &RawPathParams,
    request: Request,
    limit: usize,
    id: &RequestId,
) -> Result<Call, Unreadable> {
    let (parts, body) = request.into_parts();
    let ip = crate::web::peer::of(app, &parts);
    let declared = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limit.saturating_mul(DRAINED)) {
        return Err(Unreadable::TooLong(limit));
    }
    let body = tokio::time::timeout(BODY_TIME, whole(body, limit)).await.map_err(|_| Unreadable::Broken)??;
    let query = parts.uri.query().unwrap_or_default();
    Ok(Call {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        params: params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body,
        ip,
        request_id: id.clone(),
    })
}

/// Keeps a body of at most `limit` bytes. A longer one is read on for a while and dropped: a caller that is still sending
/// would not hear the answer.
async fn whole(mut body: Body, limit: usize) -> Result<Bytes, Unreadable> {
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unreadable::Broken)?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= limit {
            kept.extend_from_slice(&data);
        } else if seen > limit.saturating_mul(DRAINED) {
            break;
        } else {
            kept = BytesMut::new();
        }
    }
    if seen > limit { Err(Unreadable::TooLong(limit)) } else { Ok(kept.freeze()) }
}

/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// How many times the limit of a body is read before the connection is given up.
const DRAINED: usize = 4;
