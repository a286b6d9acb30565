//! Stage of a connection, by which its stream, its requests and hyper inform each other.
//!
//! Each limit of time belongs to one stage. The stage follows what happens: bytes arrive, hyper
//! hands a request to `dispatch`, its body has been read, an answer is ready, the answer has been
//! written. It is never derived from counters.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::runtime::lock;
use crate::runtime::net::places::Placed;

/// Stage of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No byte of a request has come since the last answer.
    Idle,
    /// The head of a request is coming.
    Head,
    /// The request is with its route; its body is not complete yet.
    Body,
    /// The request is complete. The peer waits for our answer: no limit of the connection applies.
    Waiting,
    /// There is an answer, which is not written completely yet.
    Sending,
}

/// Shared by a connection's stream and its current request.
pub(super) struct ConnectionState {
    pub(super) peer: IpAddr,
    /// Held for a few instructions, never across an await.
    progress: Mutex<Progress>,
    /// Route that reads the body: it is woken when the peer ends its stream.
    body_reader: AtomicWaker,
    hung_up: Notify,
}

struct Progress {
    stage: Stage,
    /// Start of the stage.
    since: Instant,
    /// Bytes after the current request have been read: they are the next head, or a part of it.
    next_head_begun: bool,
    /// The whole answer is in hyper's hands. It is sent once hyper's buffers are flushed.
    answer_complete: bool,
    /// The answer was made before the body was complete.
    body_unread: bool,
    peer_ended: bool,
}

impl ConnectionState {
    pub(super) fn new(peer: IpAddr) -> Self {
        Self {
            peer,
            progress: Mutex::new(Progress {
                stage: Stage::Idle,
                since: Instant::now(),
                next_head_begun: false,
                answer_complete: false,
                body_unread: false,
                peer_ended: false,
            }),
            body_reader: AtomicWaker::new(),
            hung_up: Notify::new(),
        }
    }

    /// Returns the stage and its start.
    pub(super) fn stage(&self) -> (Stage, Instant) {
        let progress = self.progress();
        (progress.stage, progress.since)
    }

    /// Records that bytes have been read.
    pub(super) fn bytes_read(&self) {
        let mut progress = self.progress();
        match progress.stage {
            Stage::Idle => progress.enter(Stage::Head),
            Stage::Head | Stage::Body => {}
            Stage::Waiting | Stage::Sending => progress.next_head_begun = true,
        }
    }

    /// Records that a head is complete and its request with `dispatch`.
    pub(super) fn request_begun(&self, body_follows: bool) {
        let mut progress = self.progress();
        progress.answer_complete = false;
        progress.body_unread = false;
        progress.next_head_begun = false;
        progress.enter(if body_follows {
            Stage::Body
        } else {
            Stage::Waiting
        });
    }

    /// Records that the route has the whole body.
    pub(super) fn body_complete(&self) {
        let mut progress = self.progress();
        if progress.stage == Stage::Body {
            progress.enter(Stage::Waiting);
        }
    }

    /// Records that there is an answer.
    pub(super) fn answer_begun(&self) {
        let mut progress = self.progress();
        progress.body_unread = progress.stage == Stage::Body;
        progress.enter(Stage::Sending);
    }

    /// Records that hyper has taken the whole answer.
    pub(super) fn answer_complete(&self) {
        self.progress().answer_complete = true;
    }

    /// Records that everything that hyper had to write is written.
    pub(super) fn flushed(&self) {
        let mut progress = self.progress();
        if progress.stage == Stage::Sending && progress.answer_complete {
            let next = if progress.next_head_begun {
                Stage::Head
            } else {
                Stage::Idle
            };
            progress.enter(next);
        }
    }

    /// Returns whether the peer may still be sending the body of a request that has its answer.
    pub(super) fn is_body_unread(&self) -> bool {
        self.progress().body_unread
    }

    /// Records that the peer has ended its stream. It may only mean that the peer sends nothing
    /// more, and waits for its answer.
    pub(super) fn peer_ended(&self) {
        let first = !std::mem::replace(&mut self.progress().peer_ended, true);
        if first {
            self.body_reader.wake();
            self.hung_up.notify_one();
        }
    }

    /// Returns whether the peer has ended its stream. If not, `waker` is woken when it does.
    pub(super) fn has_peer_ended(&self, waker: &Waker) -> bool {
        self.body_reader.register(waker);
        self.progress().peer_ended
    }

    /// Resolves when the peer has ended its stream during a request. Short requests continue and
    /// are answered: a half-closed stream can still be written to. A long poll ends, or it would
    /// outlive its client until the next command.
    pub(super) async fn hung_up(&self) {
        self.hung_up.notified().await;
    }

    /// Returns whether nothing of a request is with a route: then the connection may be closed, as
    /// for its timeouts.
    pub(super) fn is_between_requests(&self) -> bool {
        matches!(self.progress().stage, Stage::Idle | Stage::Head)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }
}

impl Placed for ConnectionState {
    fn idle_since(&self) -> Option<Instant> {
        let (stage, since) = self.stage();
        matches!(stage, Stage::Idle | Stage::Head).then_some(since)
    }
}

impl Progress {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
    }
}
