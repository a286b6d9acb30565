//! The stream below hyper, with the timeout of each stage, for a peer that does not read, and for a
//! peer that has closed its half while it waits for an answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connection_state::{ConnectionState, Stage};
use crate::runtime::net::Stream;

/// Timeouts of the stages in which nothing but the connection itself waits. A body has timeouts
/// where it is read, which are answered; waiting for our own answer has none.
#[derive(Clone, Copy)]
pub(super) struct StreamTimeouts {
    /// Timeout of [`Stage::Idle`].
    pub(super) idle: Duration,
    /// Timeout of [`Stage::Head`], from the first byte of a head to its last.
    pub(super) head: Duration,
    /// Timeout for a peer that accepts no byte while there are some to send.
    pub(super) stall: Duration,
    /// Longest time in which the rest of a body is read and dropped that was not read before the
    /// answer. If the connection were closed with unread input, the answer could be lost.
    pub(super) linger: Duration,
}

pub(super) struct TimeoutStream {
    stream: Box<dyn Stream>,
    connection: Arc<ConnectionState>,
    limits: StreamTimeouts,
    ended: bool,
    /// Reader that waits although the stream has ended: it is woken when the answer is sent.
    parked_reader: Option<Waker>,
    /// Set while the last write or flush has not completed: hyper has bytes that an end of stream
    /// must not discard.
    blocked: bool,
    read_timer: Timer,
    stall_timer: Timer,
    linger_timer: Timer,
}

impl TimeoutStream {
    pub(super) fn new(
        stream: Box<dyn Stream>,
        connection: Arc<ConnectionState>,
        limits: StreamTimeouts,
    ) -> Self {
        Self {
            stream,
            connection,
            limits,
            ended: false,
            parked_reader: None,
            blocked: false,
            read_timer: Timer::default(),
            stall_timer: Timer::default(),
            linger_timer: Timer::default(),
        }
    }

    /// Passes an end of stream on only between two requests: hyper would drop the answer. The route
    /// that reads a body learns of it by the connection's state.
    fn on_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended = true;
        self.read_timer.clear();
        match self.connection.stage() {
            (Stage::Idle | Stage::Head, _) if !self.blocked => Poll::Ready(Ok(())),
            (Stage::Idle | Stage::Head, _) => self.park(cx),
            (Stage::Body | Stage::Waiting | Stage::Sending, _) => {
                self.connection.peer_ended();
                self.park(cx)
            }
        }
    }

    fn park(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.parked_reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Wakes a parked reader once it can be told of the end. Not earlier: it would only be parked
    /// again, in a circle without a pause.
    fn wake_reader(&mut self) {
        if !self.blocked && matches!(self.connection.stage().0, Stage::Idle | Stage::Head) {
            self.parked_reader.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Handles a read without bytes: the timeout of the stage runs, if it has one.
    fn on_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (stage, since) = self.connection.stage();
        let (limit, why) = match stage {
            Stage::Idle => (self.limits.idle, "no request came"),
            Stage::Head => (self.limits.head, "the head of a request took too long"),
            Stage::Body | Stage::Waiting | Stage::Sending => {
                self.read_timer.clear();
                return Poll::Pending;
            }
        };
        self.read_timer.poll(cx, since + limit, why)
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

impl TimeoutStream {
    /// Reads and drops what still comes, up to its end or the timeout.
    fn drop_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self
            .linger_timer
            .deadline()
            .unwrap_or_else(|| Instant::now() + self.limits.linger);
        let mut bytes = [0; 4096];
        while !self.ended {
            let mut buf = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => self.ended = true,
                Poll::Pending => {
                    let timed_out = self
                        .linger_timer
                        .poll(cx, deadline, "input after an answer");
                    return timed_out.map(drop);
                }
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended {
            return self.on_end(cx);
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) if buf.filled().len() == before && buf.remaining() > 0 => {
                self.on_end(cx)
            }
            Poll::Ready(Ok(())) => {
                self.connection.bytes_read();
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
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.connection.flushed();
        }
        let flushed = self.on_write(cx, flushed);
        self.wake_reader();
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(cx) {
            Poll::Ready(Ok(())) if self.connection.is_body_unread() => self.drop_input(cx).map(Ok),
            done => done,
        }
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
