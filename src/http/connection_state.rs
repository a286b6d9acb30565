//! Where a connection stands: what its stream, its requests and hyper must tell each other.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Shared by a connection's guard and its current request.
pub(super) struct ConnectionState {
    pub(super) peer: IpAddr,
    phase: AtomicU8,
    /// Counts requests, so that the guard sees that a head was complete.
    requests: AtomicU64,
    hung_up: Notify,
}

/// What the peer is expected to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// To send a request, or a body: the end of its stream is the end of the conversation.
    Talking = 0,
    /// To wait for the answer: the end of its stream may only mean that it has said all.
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

    /// A head is complete.
    pub(super) fn begin(&self, body_follows: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.set(if body_follows {
            Phase::Talking
        } else {
            Phase::Waiting
        });
    }

    /// The body is complete.
    pub(super) fn body_complete(&self) {
        self.set(Phase::Waiting);
    }

    pub(super) fn answered(&self) {
        self.set(Phase::Talking);
    }

    pub(super) fn phase(&self) -> Phase {
        if self.phase.load(Ordering::Acquire) == Phase::Waiting as u8 {
            Phase::Waiting
        } else {
            Phase::Talking
        }
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The peer has ended its stream while it waits for an answer.
    pub(super) fn hang_up(&self) {
        self.hung_up.notify_one();
    }

    /// Resolves then. Short requests go on and are answered (a half-closed stream can still be
    /// written to); a long poll ends, or it would outlive its client until the next command.
    pub(super) async fn hung_up(&self) {
        self.hung_up.notified().await;
    }

    fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }
}
