//! The deadlines of one connection.
//!
//! Between requests a client may take its time: an API server keeps connections, and loses a POST when we close one just
//! as it writes. Within a request it may not. So there are two deadlines, and hyper's own knows one only.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use super::framing::Framing;
use super::limits::Limits;

/// What a connection is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing: no byte of a request has come.
    Idle,
    /// A request's headers.
    Head,
    /// A request: its body is read, and judged. Both keep their own deadline; this one is behind theirs.
    Request,
    /// An answer is written.
    Answer,
}

/// What a connection is in the middle of, and until when it may be.
#[derive(Debug)]
pub struct Pace {
    limits: Limits,
    now: Mutex<(Phase, Instant)>,
    framing: Mutex<Framing>,
}

impl Pace {
    /// A connection that begins.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Pace {
            limits,
            now: Mutex::new((Phase::Idle, Instant::now() + limits.idle)),
            framing: Mutex::default(),
        })
    }

    fn now(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn framing(&self) -> MutexGuard<'_, Framing> {
        self.framing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes_came(&self, bytes: &[u8]) {
        self.framing().bytes_came(bytes);
        let mut now = self.now();
        if now.0 == Phase::Idle {
            *now = (Phase::Head, Instant::now() + self.limits.head);
        }
    }

    /// The headers are complete, and announce a body of this length, or one in chunks. False: they say so twice.
    #[must_use]
    pub fn request_begins(&self, length: Option<u64>) -> bool {
        let all = Limits::LONGEST_REQUEST + self.limits.write;
        *self.now() = (Phase::Request, Instant::now() + all);
        self.framing().request_begins(length)
    }

    /// There is an answer.
    pub fn answer_begins(&self) {
        *self.now() = (Phase::Answer, Instant::now() + self.limits.write);
    }

    fn all_is_written(&self) {
        let mut now = self.now();
        if now.0 == Phase::Answer {
            *now = (Phase::Idle, Instant::now() + self.limits.idle);
        }
    }

    /// Runs a connection; `None` when a deadline passed first.
    ///
    /// Whatever moves a deadline happens while the connection is polled, so looking at it afterwards is enough.
    pub async fn keep<C: Future>(&self, connection: C) -> Option<C::Output> {
        let mut connection = pin!(connection);
        let mut alarm = pin!(sleep_until(self.now().1));
        poll_fn(|cx| {
            if let Poll::Ready(end) = connection.as_mut().poll(cx) {
                return Poll::Ready(Some(end));
            }
            let deadline = self.now().1;
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            alarm.as_mut().poll(cx).map(|()| None)
        })
        .await
    }
}

/// A stream whose bytes are noticed.
#[derive(Debug)]
pub struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
}

impl<S> Paced<S> {
    /// Notices what goes through a stream.
    pub fn new(stream: S, pace: Arc<Pace>) -> Self {
        Paced { stream, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match buf.filled().get(before..) {
            None | Some([]) => {}
            Some(new) => self.pace.bytes_came(new),
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if let Poll::Ready(Ok(())) = flushed {
            self.pace.all_is_written();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
