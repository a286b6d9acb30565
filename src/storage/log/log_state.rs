//! State that callers of the log share with its writer.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fsyncs::FsyncDurations;
use super::mirror::Mirror;
use crate::runtime::lock;

/// Maximum age of the answer of [`LogState::has_room`]. A disk does not fill much in 500 ms, and a
/// check costs a system call and a wake-up.
const ROOM_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Maximum number of bytes queued and not yet durable. While a leader's own disk hangs, it still
/// commits through its followers' disks, and its queue would grow until memory ends. A disk that
/// works never has this much queued.
const MAX_QUEUED_BYTES: usize = 64 << 20;

pub(super) struct LogState {
    /// Guards the mirror and the order of the queue. Held for a few instructions, never across an
    /// await.
    mirror: Mutex<Mirror>,
    durable_seq: AtomicU64,
    room: AtomicBool,
    /// Bytes sent to the writer that it has not finished with.
    queued: AtomicUsize,
    room_checked_at: Mutex<Instant>,
    closed: AtomicBool,
    /// Set while a mark is scheduled: what is saved meanwhile is written with it.
    mark_requested: AtomicBool,
    failure: watch::Sender<Option<Failure>>,
    pub(super) fsyncs: FsyncDurations,
}

/// Parts of an `io::Error`, from which a copy is made for each waiter.
#[derive(Clone, Debug)]
struct Failure {
    kind: io::ErrorKind,
    text: String,
}

impl Failure {
    fn error(&self) -> io::Error {
        io::Error::new(self.kind, self.text.clone())
    }
}

impl LogState {
    pub(super) fn new(mirror: Mirror) -> Self {
        Self {
            mirror: Mutex::new(mirror),
            durable_seq: AtomicU64::new(0),
            room: AtomicBool::new(true),
            queued: AtomicUsize::new(0),
            room_checked_at: Mutex::new(Instant::now()),
            closed: AtomicBool::new(false),
            mark_requested: AtomicBool::new(false),
            failure: watch::Sender::new(None),
            fsyncs: FsyncDurations::default(),
        }
    }

    pub(super) fn mirror(&self) -> MutexGuard<'_, Mirror> {
        lock(&self.mirror)
    }

    pub(super) fn durable_seq(&self) -> u64 {
        self.durable_seq.load(Ordering::Acquire)
    }

    pub(super) fn set_durable_seq(&self, seq: u64) {
        self.durable_seq.store(seq, Ordering::Release);
    }

    pub(super) fn has_room(&self) -> bool {
        self.room.load(Ordering::Relaxed) && self.queued.load(Ordering::Relaxed) < MAX_QUEUED_BYTES
    }

    pub(super) fn add_queued(&self, bytes: usize) {
        self.queued.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn subtract_queued(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn set_room(&self, room: bool) {
        if self.room.swap(room, Ordering::Relaxed) != room {
            match room {
                true => tracing::info!("the disk has room again: proposals are taken"),
                false => {
                    tracing::error!(
                        "the disk is nearly full: proposals are refused until there is room"
                    )
                }
            }
        }
    }

    /// Returns true once per [`ROOM_CHECK_INTERVAL`]. The caller then requests a new check.
    pub(super) fn room_check_is_due(&self) -> bool {
        let mut checked_at = lock(&self.room_checked_at);
        let stale = checked_at.elapsed() >= ROOM_CHECK_INTERVAL;
        if stale {
            *checked_at = Instant::now();
        }
        stale
    }

    /// Returns true if no mark was scheduled. The caller then schedules one.
    pub(super) fn request_mark(&self) -> bool {
        !self.mark_requested.swap(true, Ordering::AcqRel)
    }

    /// Ends the request for a mark. Must be called with the mirror locked: otherwise a value that
    /// is saved meanwhile would wait for a mark that does not come.
    pub(super) fn finish_mark_request(&self) {
        self.mark_requested.store(false, Ordering::Release);
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn fail(&self, error: &io::Error) {
        tracing::error!(%error, "the log cannot be written: this process must end");
        self.failure.send_replace(Some(Failure {
            kind: error.kind(),
            text: error.to_string(),
        }));
    }

    /// Fails if nothing can be written any more, with the reason.
    pub(super) fn check(&self) -> io::Result<()> {
        if let Some(failure) = &*self.failure.borrow() {
            return Err(failure.error());
        }
        if self.closed.load(Ordering::Acquire) {
            Err(closed_error())
        } else {
            Ok(())
        }
    }

    pub(super) async fn failed(&self) -> io::Error {
        let mut failure = self.failure.subscribe();
        match failure.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(failure)) => failure.error(),
            // The sender is a field of `self`, so it cannot be gone.
            Ok(None) | Err(_) => closed_error(),
        }
    }
}

pub(super) fn closed_error() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the log is closed")
}
