//! The only HTTP and SMTP clients: they send what a provider described, once, to an address that is allowed, within a
//! time.
//!
//! HTTP/1.1 (RFC 9112) with kept-alive connections and verified certificates. Redirects are answers like any other, proxies
//! are not used, and nothing that may have reached the wire is ever sent twice: a message sent twice is a message paid twice.

mod address;
mod connect;
mod smtp;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use url::Url;

use crate::kit::http::{Answer, Failure, Reach, Request};
use crate::kit::secret::Secret;
use connect::Connector;

/// How the client behaves; read once, when the server starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The private or special networks that may be reached all the same.
    pub allow: Vec<IpNet>,
    /// How long a name lookup, the TCP connection and the TLS handshake together may take.
    pub connect_timeout: Duration,
    /// The same for [`Reach::Anywhere`].
    pub connect_timeout_anywhere: Duration,
}

/// Sends requests. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Pools>);

/// The two reaches share no connection: the guard looks at an address when it connects, and a kept connection to a private
/// address must not be there for a request that may not make one.
#[derive(Debug)]
struct Pools {
    guarded: Pool,
    anywhere: Pool,
    /// Made at the first encrypted call: reading the machine's root certificates takes milliseconds and megabytes.
    tls: OnceCell<ClientConfig>,
}

struct Pool {
    connect_timeout: Duration,
    /// The address that was called last, and how it is written on the wire: most callers have one gateway.
    address: Mutex<Option<(String, Uri)>>,
    connector: Connector,
    plain: Client<Connector, Full<Bytes>>,
    secure: OnceCell<Client<HttpsConnector<Connector>, Full<Bytes>>>,
}

impl Outbound {
    /// A client without any connection yet.
    pub fn new(settings: Settings) -> Self {
        let everything = vec![Ipv4Net::default().into(), Ipv6Net::default().into()];
        Self(Arc::new(Pools {
            guarded: Pool::new(settings.allow, settings.connect_timeout),
            anywhere: Pool::new(everything, settings.connect_timeout_anywhere),
            tls: OnceCell::new(),
        }))
    }

    /// Sends `request` as a POST and returns the status and at most the first 8 KiB of the body.
    ///
    /// An answer counts from its status line on: a body that is long, endless or stuck is cut off, never waited for.
    /// `Err` says why no status came back within `request.timeout`.
    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let pool = match request.reach {
            Reach::Guarded => &self.0.guarded,
            Reach::Anywhere => &self.0.anywhere,
        };
        let start = Instant::now();
        let deadline = start + request.timeout;
        let connected_by = deadline.min(start + pool.connect_timeout);
        let mut outgoing = outgoing(pool.uri(&request.url)?, request)?;
        // It learns of the connection just before the request is written to it.
        let mut connection = capture_connection(&mut outgoing);
        let exchange = async {
            let secure = outgoing.uri().scheme() == Some(&http::uri::Scheme::HTTPS);
            let answer = if secure { self.secure(pool).await?.request(outgoing) } else { pool.plain.request(outgoing) };
            answer.await.map_err(|error| connect::failure(&error))
        };
        let patience = async {
            if timeout_at(connected_by, connection.wait_for_connection_metadata()).await.is_err() {
                return Failure::ConnectTimeout;
            }
            sleep_until(deadline).await;
            Failure::ReadTimeout
        };
        let answer = tokio::select! {
            biased;
            answer = exchange => answer?,
            failure = patience => return Err(failure),
        };
        let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
        let patience = BODY_PATIENCE.min(deadline.saturating_duration_since(Instant::now()));
        Ok(Answer { status, retry_after, body: first_bytes(answer.into_body(), patience).await })
    }

    async fn secure<'a>(&self, pool: &'a Pool) -> Result<&'a Client<HttpsConnector<Connector>, Full<Bytes>>, Failure> {
        let make = async || {
            let tls = self.tls().await?.clone();
            let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1();
            Ok(client(https.wrap_connector(pool.connector.clone())))
        };
        pool.secure.get_or_try_init(make).await
    }

    async fn tls(&self) -> Result<&ClientConfig, Failure> {
        let roots = async || tokio::task::spawn_blocking(tls).await.map_err(|_| Failure::Tls)?;
        self.0.tls.get_or_try_init(roots).await
    }
}

impl Pool {
    fn new(allow: Vec<IpNet>, connect_timeout: Duration) -> Self {
        let connector = Connector::new(allow, connect_timeout);
        let (plain, secure) = (client(connector.clone()), OnceCell::new());
        Self { connect_timeout, address: Mutex::default(), connector, plain, secure }
    }

    fn uri(&self, url: &str) -> Result<Uri, Failure> {
        let mut last = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, uri)) = last.as_ref().filter(|(known, _)| known == url) {
            return Ok(uri.clone());
        }
        let uri = uri(url)?;
        *last = Some((url.to_owned(), uri.clone()));
        Ok(uri)
    }
}

/// Addresses may have keys in their queries: they are not printed.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

fn client<C: Connect + Clone>(connector: C) -> Client<C, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_max_buf_size(HEAD_LIMIT)
        .build(connector)
}

/// Certificates are judged by the machine's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
fn tls() -> Result<ClientConfig, Failure> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(errors = ?found.errors, "no root certificates found; every encrypted call will fail");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Failure::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn uri(url: &str) -> Result<Uri, Failure> {
    let url = Url::parse(url).map_err(|_| Failure::BadUrl)?;
    let plain_origin = url.username().is_empty() && url.password().is_none() && url.has_host();
    if !matches!(url.scheme(), "http" | "https") || !plain_origin {
        return Err(Failure::BadUrl);
    }
    url.as_str().parse().map_err(|_| Failure::BadUrl)
}

fn outgoing(uri: Uri, request: Request) -> Result<http::Request<Full<Bytes>>, Failure> {
    let mut out = http::Request::new(Full::new(Bytes::from_owner(Body(request.body))));
    *out.method_mut() = Method::POST;
    *out.uri_mut() = uri;
    for (name, value) in request.headers {
        let name = HeaderName::try_from(name).map_err(|_| Failure::BadUrl)?;
        out.headers_mut().insert(name, HeaderValue::try_from(value).map_err(|_| Failure::BadUrl)?);
    }
    if let Some(authorization) = request.authorization {
        let mut value = HeaderValue::try_from(authorization.expose()).map_err(|_| Failure::BadUrl)?;
        value.set_sensitive(true);
        out.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(out)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Reads until the end, the limit or the end of patience. Dropping an unfinished body closes its connection.
async fn first_bytes(mut body: Incoming, patience: Duration) -> Vec<u8> {
    let mut out = Vec::new();
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            let room = BODY_LIMIT.saturating_sub(out.len()).min(data.len());
            out.extend_from_slice(data.get(..room).unwrap_or_default());
            if out.len() >= BODY_LIMIT {
                break;
            }
        }
    };
    let _ = timeout(patience, read).await;
    out
}

/// A request body that is wiped from memory when the connection lets go of it.
struct Body(Secret);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// What a provider may see of an answer's body.
const BODY_LIMIT: usize = 8 * 1024;
/// How long a body may trickle in once the status is known.
const BODY_PATIENCE: Duration = Duration::from_millis(500);
/// Status line and headers of an answer; it bounds the memory of one waiting exchange.
const HEAD_LIMIT: usize = 32 * 1024;
/// An idle connection is closed a little before the five seconds after which many servers close theirs, so that a request
/// rarely meets a connection that is just going away.
const IDLE: Duration = Duration::from_secs(4);
const IDLE_PER_HOST: usize = 512;
