//! The listener, its script and its memory.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::reply::{Act, Out, Raw};
use crate::{Received, Reply};

/// An SMS gateway on `127.0.0.1` with a port of its own. It stops soon after it is dropped, at once with [`Gateway::stop`].
pub struct Gateway {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Gateway {
    /// Starts listening, on the current tokio runtime.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { addr, shared, accepting })
    }

    /// Where to send messages: `http://127.0.0.1:PORT/send`. Every other path is answered the same way.
    pub fn url(&self) -> String {
        format!("http://{}/send", self.addr)
    }

    /// The listening address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Adds an answer to the script: requests take them in this order, and the default once the script is empty.
    pub fn reply(&self, reply: Reply) {
        self.shared.state().script.push_back(reply);
    }

    /// Changes the default answer, `Reply::Status(200)` at first.
    pub fn always(&self, reply: Reply) {
        self.shared.state().default = reply;
    }

    /// Judges every request from now on: `Err` answers at once, `Ok` is the answer when the script is empty.
    pub(crate) fn judge_by(&self, judge: impl Fn(&Received) -> Result<Reply, Reply> + Send + Sync + 'static) {
        self.shared.state().judge = Some(Arc::new(judge));
    }

    /// Hands every request from now on to `observer`, before it is answered, instead of remembering it. For load: memory
    /// stays flat. The observer runs on the connection's task and must not block.
    pub fn hand_to(&self, observer: impl Fn(Received) + Send + Sync + 'static) {
        self.shared.state().observer = Some(Arc::new(observer));
    }

    /// Takes the oldest request not yet taken and waits up to 5 s for one. Panics when none comes.
    #[expect(clippy::panic, reason = "a test that waits for a message has nothing to do without one")]
    pub async fn next(&self) -> Received {
        let arrival = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if let Some(received) = self.shared.state().waiting.pop_front() {
                    return received;
                }
                arrived.await;
            }
        };
        let Ok(received) = timeout(PATIENCE, arrival).await else {
            panic!("no request reached the gateway at {} within {PATIENCE:?}", self.url());
        };
        received
    }

    /// Takes all requests not yet taken, oldest first, without waiting.
    pub fn take(&self) -> Vec<Received> {
        self.shared.state().waiting.drain(..).collect()
    }

    /// How many requests were ever received, taken or not.
    pub fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Acquire)
    }

    /// Stops listening and closes every connection; when it returns, a new connection is refused.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The only outcome is the cancellation just asked for.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("addr", &self.addr).field("count", &self.count()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Notify,
    count: AtomicU64,
}

/// Says `Err` to refuse a request, else what answers it when the script is empty.
type Judge = Arc<dyn Fn(&Received) -> Result<Reply, Reply> + Send + Sync>;

struct State {
    script: VecDeque<Reply>,
    default: Reply,
    waiting: VecDeque<Received>,
    judge: Option<Judge>,
    observer: Option<Arc<dyn Fn(Received) + Send + Sync>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            script: VecDeque::new(),
            default: Reply::Status(200),
            waiting: VecDeque::new(),
            judge: None,
            observer: None,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request (or hands it on) and takes the answer for it.
    fn receive(&self, received: Received) -> Reply {
        let mut state = self.state();
        let judged = state.judge.as_ref().map_or_else(|| Ok(state.default.clone()), |judge| judge(&received));
        let reply = judged.map_or_else(|refusal| refusal, |default| state.script.pop_front().unwrap_or(default));
        let observer = state.observer.clone();
        self.count.fetch_add(1, Ordering::AcqRel);
        if let Some(observer) = observer {
            drop(state);
            observer(received);
        } else {
            state.waiting.push_back(received);
            drop(state);
            self.arrived.notify_waiters();
        }
        reply
    }
}

/// Accepts until aborted; the connections live in a set of its own, so they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection; when the script asks for something below HTTP, takes the bare stream and plays it.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Only a slower answer could come of a failure here.
    let _ = stream.set_nodelay(true);
    let (take_over, mut plays) = mpsc::channel(1);
    let service = service_fn(move |request| answer(Arc::clone(&shared), take_over.clone(), request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let raw = tokio::select! {
        _ = &mut connection => return,
        Some(raw) = plays.recv() => raw,
    };
    // A caller that hangs up early is part of the play.
    let _ = raw.play(connection.into_parts().io.into_inner()).await;
}

async fn answer(
    shared: Arc<Shared>,
    take_over: mpsc::Sender<Raw>,
    request: Request<Incoming>,
) -> Result<Response<Out>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let reply = shared.receive(Received { method: parts.method, path, headers: parts.headers, body });
    match reply.act().await {
        Act::Http(response) => Ok(response),
        Act::Never => Ok(never().await),
        Act::Raw(raw) => {
            // The receiver lives as long as the connection that runs this very function.
            let _ = take_over.send(raw).await;
            Ok(never().await)
        }
    }
}

async fn never() -> Response<Out> {
    match pending::<Infallible>().await {}
}

const PATIENCE: Duration = Duration::from_secs(5);
