//! Opens TCP connections, only to addresses that passed the guard, and names what went wrong.

use std::error::Error;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use http::Uri;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_service::Service;

use super::address;
use crate::kit::http::Failure;

/// Resolves a name once, checks every address it has, and connects to one that passed: between the check and the connection
/// there is no second lookup that could answer differently.
#[derive(Debug, Clone)]
pub(super) struct Connector(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    allow: Vec<IpNet>,
    timeout: Duration,
    /// A lookup holds a thread until the resolver gives up, so a dead name server must not take them all.
    lookups: Arc<Semaphore>,
}

impl Connector {
    pub(super) fn new(allow: Vec<IpNet>, timeout: Duration) -> Self {
        Self(Arc::new(Rules { allow, timeout, lookups: Arc::new(Semaphore::new(LOOKUPS)) }))
    }

    /// A connection to an address of this host that passed the guard.
    pub(super) async fn open(&self, host: &str, port: u16) -> Result<TcpStream, Failure> {
        let rules = &self.0;
        timeout(rules.timeout, connect(rules, host, port)).await.unwrap_or(Err(Failure::ConnectTimeout))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            this.open(uri.host().unwrap_or_default(), port).await.map(TokioIo::new).map_err(Broken)
        })
    }
}

/// Tries the allowed addresses in the resolver's order, each with its share of the time.
async fn connect(rules: &Rules, host: &str, port: u16) -> Result<TcpStream, Failure> {
    let mut addresses = resolve(rules, host, port).await?;
    addresses.retain(|address| address::allowed(address.ip(), &rules.allow));
    let share = rules.timeout / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = Failure::Forbidden;
    for address in addresses {
        last = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => reason(&error),
            Err(_) => Failure::ConnectTimeout,
        };
    }
    Err(last)
}

async fn resolve(rules: &Rules, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if let Ok(literal) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(literal, port)]);
    }
    let permit = Arc::clone(&rules.lookups).acquire_owned().await.map_err(|_| Failure::NotFound)?;
    let lookup = move || {
        let _held_until_the_resolver_is_done = permit;
        (host.as_str(), port).to_socket_addrs().map(Vec::from_iter)
    };
    match tokio::task::spawn_blocking(lookup).await {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        _ => Err(Failure::NotFound),
    }
}

/// A connection that could not be made, on its way through the HTTP library.
#[derive(Debug)]
pub(super) struct Broken(Failure);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())
    }
}

impl Error for Broken {}

/// Why a request got no answer. What happens on a connection that stands is never reported as a failure to connect, whatever
/// the system calls it: the request may have arrived.
pub(super) fn failure(error: &hyper_util::client::legacy::Error) -> Failure {
    match reason(error) {
        Failure::Reset if error.is_connect() => Failure::Dropped,
        failure if error.is_connect() => failure,
        Failure::ConnectTimeout => Failure::ReadTimeout,
        Failure::Refused | Failure::Unreachable => Failure::Reset,
        failure => failure,
    }
}

/// Why a connection that stood broke, as one that is not HTTP sees it.
pub(super) fn broken(error: &io::Error) -> Failure {
    match reason(error) {
        Failure::ConnectTimeout => Failure::ReadTimeout,
        Failure::Refused | Failure::Unreachable => Failure::Reset,
        failure => failure,
    }
}

/// Finds the reason in an error's chain of sources. What has no reason of its own is a broken connection: a peer that hangs
/// up early, or that does not speak HTTP.
fn reason(error: &(dyn Error + 'static)) -> Failure {
    let mut next = Some(error);
    let mut reason = Failure::Reset;
    while let Some(error) = next {
        if let Some(Broken(failure)) = error.downcast_ref() {
            return *failure;
        }
        if error.is::<rustls::Error>() {
            return Failure::Tls;
        }
        next = error.source();
        if let Some(error) = error.downcast_ref::<io::Error>() {
            reason = kind(error.kind());
            next = error.get_ref().map(|inner| inner as _);
        }
    }
    reason
}

fn kind(kind: io::ErrorKind) -> Failure {
    match kind {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::TimedOut => Failure::ConnectTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
            Failure::Unreachable
        }
        _ => Failure::Reset,
    }
}

const LOOKUPS: usize = 64;
