//! The kinds of answers a gateway can give, the broken ones included.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// One scripted answer. Every kind reads the whole request first.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An empty answer with this status (an impossible number becomes 500).
    Status(u16),
    /// An answer with a body.
    Body {
        /// The HTTP status.
        status: u16,
        /// The value of `Content-Type`.
        content_type: &'static str,
        /// The whole body.
        body: Bytes,
    },
    /// The inner answer, an HTTP one, with this `Retry-After`.
    RetryAfter(&'static str, Box<Reply>),
    /// Waits, then gives the inner answer.
    Delay(Duration, Box<Reply>),
    /// Never answers; the connection stays open until the caller or the gateway closes it.
    Hang,
    /// Closes the connection with a TCP reset.
    Reset,
    /// Closes the connection in good order without a word.
    Close,
    /// An empty answer with this `Location` and status.
    Redirect(String, u16),
    /// Status 200 and a chunked body of this many bytes, streamed as fast as the caller reads and never held in memory.
    Huge(u64),
    /// Bytes that are not HTTP, then a close.
    Garbage,
    /// Status 200 and a promise of 1,000 bytes of which 10 come, then a close.
    HalfAnswer,
    /// Status 200, then one byte of a 1,000,000-byte body at each interval.
    SlowDrip(Duration),
    /// One byte of the status line and headers of an empty 200 at each interval.
    SlowHead(Duration),
}

/// What to do with a request: an answer that HTTP knows, or a play on the bare connection.
pub(crate) enum Act {
    Http(Response<Out>),
    Never,
    Raw(Raw),
}

/// An answer below HTTP, played on the connection after taking it away from the HTTP machinery.
pub(crate) enum Raw {
    Reset,
    Close(&'static [u8]),
    Drip { head: &'static [u8], slow: &'static [u8], then: usize, every: Duration },
}

impl Reply {
    /// Waits out the delays, then says what to do.
    pub(crate) async fn act(self) -> Act {
        let (mut reply, mut retry_after) = (self, None);
        loop {
            match reply {
                Self::Delay(time, inner) => {
                    sleep(time).await;
                    reply = *inner;
                }
                Self::RetryAfter(wait, inner) => (retry_after, reply) = (Some(wait), *inner),
                _ => break,
            }
        }
        let mut act = reply.act_now();
        if let (Act::Http(answer), Some(wait)) = (&mut act, retry_after) {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(wait));
        }
        act
    }

    fn act_now(self) -> Act {
        match self {
            Self::Status(status) => Act::Http(response(status, Out::Whole(Bytes::new()))),
            Self::Body { status, content_type, body } => {
                let mut answer = response(status, Out::Whole(body));
                answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
                Act::Http(answer)
            }
            Self::Redirect(location, status) => {
                let mut answer = response(status, Out::Whole(Bytes::new()));
                if let Ok(location) = HeaderValue::from_str(&location) {
                    answer.headers_mut().insert(header::LOCATION, location);
                }
                Act::Http(answer)
            }
            Self::Huge(bytes) => Act::Http(response(200, Out::Stream(bytes))),
            Self::Hang | Self::Delay(..) | Self::RetryAfter(..) => Act::Never,
            Self::Reset => Act::Raw(Raw::Reset),
            Self::Close => Act::Raw(Raw::Close(b"")),
            Self::Garbage => Act::Raw(Raw::Close(GARBAGE)),
            Self::HalfAnswer => Act::Raw(Raw::Close(HALF_ANSWER)),
            Self::SlowDrip(every) => Act::Raw(Raw::Drip { head: DRIP_HEAD, slow: b"", then: 1_000_000, every }),
            Self::SlowHead(every) => Act::Raw(Raw::Drip { head: b"", slow: EMPTY_ANSWER, then: 0, every }),
        }
    }
}

impl Raw {
    /// Plays the answer; returning drops the stream, which closes it.
    pub(crate) async fn play(self, mut stream: TcpStream) -> io::Result<()> {
        match self {
            Self::Reset => stream.set_zero_linger(),
            Self::Close(bytes) => {
                stream.write_all(bytes).await?;
                stream.shutdown().await
            }
            Self::Drip { head, slow, then, every } => {
                stream.write_all(head).await?;
                for byte in slow.iter().copied().chain(std::iter::repeat_n(b'x', then)) {
                    stream.write_u8(byte).await?;
                    sleep(every).await;
                }
                stream.shutdown().await
            }
        }
    }
}

fn response(status: u16, body: Out) -> Response<Out> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A response body: known bytes, or a number of `x` still to be streamed.
pub(crate) enum Out {
    Whole(Bytes),
    Stream(u64),
}

impl Body for Out {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut *self {
            Self::Whole(bytes) => bytes.split_off(0),
            Self::Stream(left) => {
                let mut piece = Bytes::from_static(&PIECE);
                piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left = left.saturating_sub(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                piece
            }
        };
        Poll::Ready(data.has_remaining().then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

static PIECE: [u8; 64 * 1024] = [b'x'; 64 * 1024];
const GARBAGE: &[u8] = b"\x16\x03\x01\x00\x00 this is no HTTP\r\n\r\n";
const HALF_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\nxxxxxxxxxx";
const DRIP_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1000000\r\n\r\n";
const EMPTY_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
