//! State that callers of the log share with its writer.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fsyncs::FsyncDurations;
use super::mirror::Mirror;
use super::room::{Room, RoomUse};
use crate::runtime::lock;

/// Maximum age of the answer of [`LogState::room`]. A disk does not fill much in 500 ms, and a
/// check costs a system call and a wake-up.
const ROOM_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Maximum number of bytes queued and not yet durable. While a leader's own disk hangs, it still
/// commits through its followers' disks, and its queue would grow until memory ends. A disk that
/// works never has this much queued.
const MAX_QUEUED_BYTES: usize = 64 << 20;

/// Part of the minimum of free bytes that entries from a leader leave in the segments at hand.
const KEPT_FOR_RAFT_PART: u64 = 24;

pub(super) struct LogState {
    /// Guards the mirror and the order of the queue. Held for a few instructions, never across an
    /// await.
    mirror: Mutex<Mirror>,
    durable_seq: AtomicU64,
    /// Set while too few bytes are free, or while a segment cannot be prepared for want of space.
    full: AtomicBool,
    /// Free bytes on the disk when they were last counted.
    free: AtomicU64,
    /// Free bytes below which new commands are refused.
    min_free: AtomicU64,
    /// Bytes that the log can write whatever becomes of the free space: the larger of what is left
    /// in its segment and of its prepared segments.
    certain: AtomicU64,
    /// Bytes of permits that are held.
    accepted: AtomicU64,
    /// State that was logged last.
    logged: Mutex<Room>,
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
            full: AtomicBool::new(false),
            free: AtomicU64::new(u64::MAX),
            min_free: AtomicU64::new(0),
            certain: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            logged: Mutex::new(Room::Free),
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

    pub(super) fn room(&self) -> Room {
        let room = if self.full.load(Ordering::Relaxed) {
            Room::Full
        } else if self.queued.load(Ordering::Relaxed) >= MAX_QUEUED_BYTES {
            Room::Slow
        } else {
            Room::Free
        };
        self.log_change(room);
        room
    }

    /// Returns the state of the disk for `bytes` more of this use. [`Room::Free`]: they can be
    /// accepted.
    pub(super) fn room_for(&self, bytes: u64, what: RoomUse) -> Room {
        let room = self.room();
        let wanted = self.accepted.load(Ordering::Relaxed).saturating_add(bytes);
        let min_free = self.min_free.load(Ordering::Relaxed);
        // A large record gets a segment of its own size, which is made when it is written.
        let fits = self.free.load(Ordering::Relaxed) >= min_free.saturating_add(wanted);
        match (what, room) {
            (RoomUse::Proposal, Room::Free) if !fits => Room::Full,
            (RoomUse::Proposal, room) => room,
            // A slow disk of a follower slows down its answers, and thereby its leader.
            (RoomUse::Replication, Room::Free | Room::Slow) if fits => Room::Free,
            // Raft's own records must always have space: votes, marks, the first entry of a term.
            (RoomUse::Replication, _) => {
                let kept = min_free / KEPT_FOR_RAFT_PART;
                let certain = self.certain.load(Ordering::Relaxed);
                if wanted.saturating_add(kept) <= certain {
                    Room::Free
                } else {
                    Room::Full
                }
            }
        }
    }

    /// Free bytes when they were last counted, and the number below which new commands are refused.
    pub(super) fn free_bytes(&self) -> (u64, u64) {
        (
            self.free.load(Ordering::Relaxed),
            self.min_free.load(Ordering::Relaxed),
        )
    }

    pub(super) fn set_min_free(&self, bytes: u64) {
        self.min_free.store(bytes, Ordering::Relaxed);
    }

    /// Records the free bytes, and whether a segment could not be prepared for want of space.
    pub(super) fn set_free(&self, free: u64, no_segment: bool) {
        self.free.store(free, Ordering::Relaxed);
        let full = no_segment || free < self.min_free.load(Ordering::Relaxed);
        self.full.store(full, Ordering::Relaxed);
        self.room();
    }

    pub(super) fn set_certain(&self, bytes: u64) {
        self.certain.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_accepted(&self, bytes: u64) {
        self.accepted.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn subtract_accepted(&self, bytes: u64) {
        self.accepted.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Logs a change of the state once.
    fn log_change(&self, room: Room) {
        let before = std::mem::replace(&mut *lock(&self.logged), room);
        if before == room {
            return;
        }
        let (free, needed) = self.free_bytes();
        match room {
            Room::Free => tracing::info!(
                event = "disk.free",
                free,
                "the disk has room and keeps up again: new commands are taken"
            ),
            Room::Full => tracing::error!(
                event = "disk.full",
                free,
                needed,
                "the disk is full: new commands are refused until there is room"
            ),
            Room::Slow => tracing::warn!(
                event = "disk.slow",
                "the disk does not keep up: new commands wait until what is queued is written"
            ),
        }
    }

    pub(super) fn add_queued(&self, bytes: usize) {
        self.queued.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn subtract_queued(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
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
