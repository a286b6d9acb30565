//! Traffic of a connection, to judge an exchange that broke: whether anything was sent, and what
//! answered.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{CallError, OtherService};
use crate::base::endpoint::META_RAFT_PORT;
use crate::runtime::net::Stream;
use crate::wire::frames::BANNER;

/// Traffic shared by a connection and the stream below it.
#[derive(Default)]
pub(super) struct Traffic {
    sent: AtomicBool,
    /// First bytes that were ever received. Held for a few instructions, never across an await.
    head: Mutex<Vec<u8>>,
}

/// Number of received bytes that are kept: enough for the longest prefix that is recognised.
const HEAD_BYTES: usize = 32;

/// First bytes of a TLS server's answer to plain HTTP.
const TLS_ALERT: &[u8] = &[0x15, 0x03];

impl Traffic {
    /// Starts a new exchange.
    pub(super) fn begin(&self) {
        self.sent.store(false, Ordering::Relaxed);
    }

    /// Whether anything was sent since then.
    pub(super) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    /// Error for the server at the other end, if what was received cannot come from a meta API.
    pub(super) fn other_service(&self, port: u16) -> Option<CallError> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let is_http = head.starts_with(&b"HTTP/"[..head.len().min(5)]);
        if is_banner(&head) || port == META_RAFT_PORT && (head.is_empty() || !is_http) {
            Some(CallError::RaftPort)
        } else if head.starts_with(TLS_ALERT) {
            Some(CallError::NotOurs(OtherService::Tls))
        } else if is_http {
            None
        } else {
            Some(CallError::NotOurs(OtherService::NotHttp))
        }
    }

    fn received(&self, bytes: &[u8]) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let room = HEAD_BYTES - head.len();
        head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Whether this is the banner, or as much of it as was received when the exchange broke.
fn is_banner(head: &[u8]) -> bool {
    head.len() >= "influxd".len() && (head.starts_with(BANNER) || BANNER.starts_with(head))
}

/// A stream that records its traffic.
pub(super) struct WatchedStream {
    stream: Box<dyn Stream>,
    traffic: Arc<Traffic>,
}

impl WatchedStream {
    pub(super) fn new(stream: Box<dyn Stream>, traffic: Arc<Traffic>) -> Self {
        Self { stream, traffic }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.traffic.received(&buf.filled()[before..]);
        polled
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if matches!(polled, Poll::Ready(Ok(written)) if written > 0) {
            self.traffic.sent.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
