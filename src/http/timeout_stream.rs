//! The stream below hyper, with the limits that hyper lacks: for a head that comes slowly, for a
//! peer that does not read, and for a peer that has closed its half while it waits for an answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connection_state::{ConnectionPhase, ConnectionState};
use crate::runtime::net::Stream;

#[derive(Clone, Copy)]
pub(super) struct StreamTimeouts {
    /// Timeout from the first byte of a head to its last.
    pub(super) head: Duration,
    /// Timeout for a peer that accepts no byte while there are some to send.
    pub(super) stall: Duration,
}

pub(super) struct TimeoutStream {
    stream: Box<dyn Stream>,
    connection: Arc<ConnectionState>,
    limits: StreamTimeouts,
    /// Start of the current head, and the number of requests at that time.
    head: Option<(Instant, u64)>,
    ended: bool,
    /// Set while the last write or flush has not completed: hyper has bytes that an end of stream must
    /// not discard.
    blocked: bool,
    head_timer: Timer,
    stall_timer: Timer,
}

impl TimeoutStream {
    pub(super) fn new(
        stream: Box<dyn Stream>,
        connection: Arc<ConnectionState>,
        limits: StreamTimeouts,
    ) -> Self {
        let (head_timer, stall_timer) = (Timer::default(), Timer::default());
        Self {
            stream,
            connection,
            limits,
            head: None,
            ended: false,
            blocked: false,
            head_timer,
            stall_timer,
        }
    }

    /// Passes an end of stream on only when the peer waits for nothing: hyper would drop the
    /// answer.
    fn on_end(&mut self) -> Poll<io::Result<()>> {
        self.ended = true;
        match self.connection.phase() {
            ConnectionPhase::Waiting => {
                self.connection.hang_up();
                Poll::Pending
            }
            ConnectionPhase::Talking if self.blocked => Poll::Pending,
            ConnectionPhase::Talking => Poll::Ready(Ok(())),
        }
    }

    fn on_bytes(&mut self) {
        let requests = self.connection.requests();
        if self.head.is_none_or(|(_, at)| at != requests) {
            self.head = Some((Instant::now(), requests));
        }
    }

    /// Handles a read without bytes: in the middle of a head, its timeout runs. Once the head is
    /// complete the number of requests has grown, and the body has timeouts of its own.
    fn on_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.head {
            Some((since, at)) if at == self.connection.requests() => self.head_timer.poll(
                cx,
                since + self.limits.head,
                "the head of a request took too long",
            ),
            _ => {
                self.head_timer.clear();
                Poll::Pending
            }
        }
    }

    fn on_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.blocked = written.is_pending();
        if written.is_ready() {
            self.stall_timer.clear();
            return written;
        }
        let deadline = self
            .stall_timer
            .deadline()
            .unwrap_or_else(|| Instant::now() + self.limits.stall);
        let timed_out = self
            .stall_timer
            .poll(cx, deadline, "the peer does not read its answer");
        timed_out.map(|result| result.and_then(|()| Err(io::ErrorKind::TimedOut.into())))
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended {
            return self.on_end();
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) if buf.filled().len() == before && buf.remaining() > 0 => {
                self.on_end()
            }
            Poll::Ready(Ok(())) => {
                self.on_bytes();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.on_silence(cx),
        }
    }
}

impl AsyncWrite for TimeoutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.on_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.on_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.on_write(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A timer that costs nothing until a read or write has to wait.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().map(|sleep| sleep.deadline())
    }

    fn clear(&mut self) {
        self.0 = None;
    }

    /// Stays pending until the deadline, then returns an error.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
        why: &'static str,
    ) -> Poll<io::Result<()>> {
        if self.deadline() != Some(deadline) {
            self.0 = Some(Box::pin(tokio::time::sleep_until(deadline)));
        }
        let Some(sleep) = &mut self.0 else {
            return Poll::Pending;
        };
        sleep
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, why)))
    }
}
