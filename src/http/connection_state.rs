//! State of a connection, by which its stream, its requests and hyper inform each other.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Shared by a connection's stream and its current request.
pub(super) struct ConnectionState {
    pub(super) peer: IpAddr,
    phase: AtomicU8,
    /// Number of requests, so that the stream notices that a head is complete.
    requests: AtomicU64,
    hung_up: Notify,
}

/// Side that has to act next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionPhase {
    /// The peer sends a request, or a body. The end of its stream ends the connection.
    Talking = 0,
    /// The peer waits for our answer. The end of the peer's stream may only mean that it sends
    /// nothing more.
    Waiting = 1,
}

impl ConnectionState {
    pub(super) fn new(peer: IpAddr) -> Self {
        Self {
            peer,
            phase: AtomicU8::new(0),
            requests: AtomicU64::new(0),
            hung_up: Notify::new(),
        }
    }

    /// Records that a head is complete.
    pub(super) fn begin(&self, body_follows: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.set(if body_follows {
            ConnectionPhase::Talking
        } else {
            ConnectionPhase::Waiting
        });
    }

    /// Records that the body is complete.
    pub(super) fn body_complete(&self) {
        self.set(ConnectionPhase::Waiting);
    }

    pub(super) fn answered(&self) {
        self.set(ConnectionPhase::Talking);
    }

    pub(super) fn phase(&self) -> ConnectionPhase {
        if self.phase.load(Ordering::Acquire) == ConnectionPhase::Waiting as u8 {
            ConnectionPhase::Waiting
        } else {
            ConnectionPhase::Talking
        }
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Records that the peer has ended its stream while it waits for an answer.
    pub(super) fn hang_up(&self) {
        self.hung_up.notify_one();
    }

    /// Resolves when the peer has ended its stream. Short requests continue and are answered: a
    /// half-closed stream can still be written to. A long poll ends, or it would outlive its client
    /// until the next command.
    pub(super) async fn hung_up(&self) {
        self.hung_up.notified().await;
    }

    fn set(&self, phase: ConnectionPhase) {
        self.phase.store(phase as u8, Ordering::Release);
    }
}
