//! A stream that is patient up to a point: it ends connections of clients that send too slowly or take nothing, so that
//! they cannot hold file handles for ever.
//!
//! It watches the shape of HTTP/1: a head must be complete [`HEAD`] after its first byte, the answer must begin [`BUSY`]
//! after the head, and between answers a connection may rest for [`REST`]. On HTTP/2 any traffic counts (pings keep a
//! living connection open).

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// From the first byte of a request's head to its last, and from a connection's start to its first byte.
const HEAD: Duration = Duration::from_secs(10);
/// From a request's head to the first byte of the answer: a slow body, then a slow gateway.
const BUSY: Duration = Duration::from_secs(120);
/// Between two requests: longer than the 60 s for which load balancers usually keep a connection.
pub(super) const REST: Duration = Duration::from_secs(75);

/// Makes the streams of an acceptor patient up to a point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience<A>(pub(super) A);

impl<A, S> Accept<TcpStream, S> for Patience<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Patient<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepted.await?;
            Ok((Patient::new(stream), service))
        })
    }
}

/// The stream of one connection and what it waits for.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    phase: Phase,
    deadline: Pin<Box<Sleep>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing received since the last answer.
    Rest,
    /// In a request's head; how many line breaks stood last without anything between them.
    Head(u8),
    /// The head is complete, the answer has not begun.
    Busy,
    /// HTTP/2, where requests overlap.
    Two,
}

impl<S> Patient<S> {
    fn new(stream: S) -> Self {
        Self { stream, phase: Phase::Rest, deadline: Box::pin(sleep(HEAD)) }
    }

    fn wait(&mut self, time: Duration) {
        self.deadline.as_mut().reset(Instant::now() + time);
    }

    fn received(&mut self, bytes: &[u8]) {
        if self.phase == Phase::Rest {
            let two = bytes.starts_with(b"PRI ");
            self.phase = if two { Phase::Two } else { Phase::Head(0) };
            self.wait(HEAD);
        }
        match self.phase {
            Phase::Head(breaks) => {
                self.phase = head(breaks, bytes);
                if self.phase == Phase::Busy {
                    self.wait(BUSY);
                }
            }
            Phase::Two => self.wait(REST),
            Phase::Rest | Phase::Busy => {}
        }
    }

    fn sent(&mut self, start: &[u8]) {
        // `100 Continue` asks for the body: the answer has not begun.
        if start.starts_with(b"HTTP/1.1 100") {
            return;
        }
        if self.phase != Phase::Two {
            self.phase = Phase::Rest;
        }
        self.wait(REST);
    }

    /// Turns "not yet" into an error once the deadline has passed.
    fn or_late<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_pending() && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }
}

/// Reads on in a head: an empty line ends it.
fn head(mut breaks: u8, bytes: &[u8]) -> Phase {
    for byte in bytes {
        breaks = match byte {
            b'\n' => breaks + 1,
            b'\r' => breaks,
            _ => 0,
        };
        if breaks == 2 {
            return Phase::Busy;
        }
    }
    Phase::Head(breaks)
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(fresh) = buf.filled().get(before..).filter(|fresh| !fresh.is_empty()) {
            self.received(fresh);
        }
        self.or_late(cx, polled)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.sent(buf);
        }
        self.or_late(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.sent(bufs.first().map_or(&[], |first| first));
        }
        self.or_late(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.or_late(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.or_late(cx, polled)
    }
}
