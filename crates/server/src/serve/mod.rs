//! The listeners: bound early so that a wrong address is told at once, served until the process is asked to stop, then
//! given time to finish what is under way.

mod patient;
pub mod tls;

use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::Http;
use crate::ops::Readiness;
use patient::Patience;
use tls::Certificate;

/// Bound sockets that accept nothing yet.
#[derive(Debug)]
pub struct Listeners {
    plain: Option<TcpListener>,
    tls: Option<(TcpListener, Certificate)>,
    ops: Option<TcpListener>,
}

/// A sentence for the operator: what could not be opened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeError(String);

impl ServeError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ServeError {}

impl Listeners {
    /// Raises the limit of open files, reads the certificate and binds every address that is configured.
    pub fn bind(http: &Http) -> Result<Self, ServeError> {
        raise_file_limit();
        outlive_file_size_limit();
        let certificate = http.tls.as_ref().map(Certificate::read).transpose()?;
        let tls = http.tls.as_ref().map(|tls| listen(tls.addr, "--https (RINGPASS_HTTPS)")).transpose()?;
        Ok(Self {
            plain: http.plain.map(|addr| listen(addr, "--http (RINGPASS_HTTP)")).transpose()?,
            tls: tls.zip(certificate),
            ops: http.ops.map(|addr| listen(addr, "--ops (RINGPASS_OPS)")).transpose()?,
        })
    }

    /// Where plain HTTP is spoken: the port is the real one even when the configuration says 0.
    pub fn plain_addr(&self) -> Option<SocketAddr> {
        self.plain.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where TLS is spoken.
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Where the operator's routes are.
    pub fn ops_addr(&self) -> Option<SocketAddr> {
        self.ops.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `stop` resolves; then accepts no more, lets requests under way finish for up to [`STOP_WITHIN`] and
    /// returns. Readiness turns false first, and the operator's routes answer to the end.
    pub async fn run(
        self,
        public: Router,
        ops: Router,
        readiness: &Readiness,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let (doors, ops_door) = (Handle::new(), Handle::new());
        let mut serving = JoinSet::new();
        let mut beside = JoinSet::new();
        if let Some(listener) = self.plain {
            let acceptor = Patience(NoDelayAcceptor::new());
            serving.spawn(accept(listener, acceptor, public.clone(), doors.clone()));
        }
        if let Some((listener, certificate)) = self.tls {
            let acceptor = RustlsAcceptor::new(certificate.config()).acceptor(NoDelayAcceptor::new());
            serving.spawn(accept(listener, Patience(acceptor), public, doors.clone()));
            beside.spawn(async move { certificate.follow().await });
        }
        if let Some(listener) = self.ops {
            let server = accept(listener, Patience(NoDelayAcceptor::new()), ops, ops_door.clone());
            beside.spawn(async move {
                if let Err(error) = server.await {
                    tracing::error!(%error, "the operator's listener ended");
                }
            });
        }
        tokio::select! {
            () = stop => {}
            ended = serving.join_next() => return Err(ended_early(ended)),
        }
        readiness.stop();
        let connections = doors.connection_count();
        tracing::info!(connections, "stopping: no new connections, finishing what is under way");
        doors.graceful_shutdown(Some(STOP_WITHIN));
        let asked = Instant::now();
        while serving.join_next().await.is_some() {}
        if asked.elapsed() >= STOP_WITHIN {
            tracing::warn!("requests were still under way when the time to stop was over: they were cut off");
        }
        ops_door.shutdown();
        beside.shutdown().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Resolves when the process is asked to stop: SIGTERM or SIGINT.
pub async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::warn!("stop signals cannot be watched: the process will end without finishing what is under way");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// How long requests under way may take after a stop signal: longer than the longest wait for a gateway.
pub const STOP_WITHIN: Duration = Duration::from_secs(35);

async fn accept<A>(listener: TcpListener, acceptor: A, router: Router, handle: Handle<SocketAddr>) -> io::Result<()>
where
    A: Accept<tokio::net::TcpStream, axum::middleware::AddExtension<Router, axum::extract::ConnectInfo<SocketAddr>>>
        + Clone
        + Send
        + Sync
        + 'static,
    A::Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    A::Service: axum_server::service::SendService<http::Request<hyper::body::Incoming>> + Send,
    A::Future: Send,
{
    let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle);
    set_limits(&mut server);
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// Limits on what one connection may hold. [`patient`] has the ones that look at bytes.
fn set_limits<A>(server: &mut Server<SocketAddr, A>) {
    let http = server.http_builder();
    http.http1().timer(TokioTimer::new()).header_read_timeout(patient::REST).max_buf_size(64 * 1024);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(256)
        .max_header_list_size(64 * 1024);
}

fn ended_early(ended: Option<Result<io::Result<()>, tokio::task::JoinError>>) -> ServeError {
    match ended {
        None => ServeError::new("no listener is configured: give --http or --https"),
        Some(Ok(Ok(()))) => ServeError::new("a listener ended without being asked to"),
        Some(Ok(Err(error))) => ServeError::new(format!("a listener ended: {error}")),
        Some(Err(error)) => ServeError::new(format!("a listener broke: {error}")),
    }
}

fn listen(addr: SocketAddr, flag: &str) -> Result<TcpListener, ServeError> {
    open(addr).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AddrInUse => "is in use by another program: stop it or choose another port".to_owned(),
            ErrorKind::PermissionDenied => "may not be opened: ports below 1024 need a privilege".to_owned(),
            ErrorKind::AddrNotAvailable => "is no address of this machine: use one of its own or 0.0.0.0".to_owned(),
            _ => format!("cannot be opened: {error}"),
        };
        ServeError::new(format!("{flag}: {addr} {why}"))
    })
}

fn open(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if addr.is_ipv6() && addr.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Thousands of requests may wait for a slow gateway, each with a connection in and one out.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
}

/// A file that may not grow any further is a full disk like any other, not a reason to be killed by a signal.
fn outlive_file_size_limit() {
    use rustix::process::Signal;
    use tokio::signal::unix::{SignalKind, signal};
    // A handler stays for the life of the process, whoever listens.
    if let Err(error) = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())) {
        tracing::warn!(%error, "a limit on the size of files will end the process when it is reached");
    }
}

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 4096;
