//! The log: one ordered stream of votes, entries, truncations and purges (decisions.md 2,
//! storage.md).
//!
//! Owns: `wal/`, and the only thread that writes there. Never: the content of an entry, or when a
//! snapshot is taken. Invariants: what was acknowledged is synced; `purged ≤ durable snapshot`; the
//! first error of a write or sync ends the log, and nothing is retried.
//!
//! ```text
//! callers → Mirror (readable at once) → queue → Writer: encode, write, sync → acknowledge
//! ```

mod command;
mod error;
mod fsyncs;
mod log_state;
mod maintenance;
mod mirror;
mod pointers;
mod recovery;
mod room;
mod segment;
mod segment_writer;
mod writer;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use self::command::{Done, WriterCommand};
use self::log_state::LogState;
use self::writer::Writer;
use super::{AttemptNote, Attempted, DataDir};
use crate::base::{Incarnation, LogId};
use crate::runtime::Env;
use crate::wire::wal::{MAX_PAYLOAD, Record};

pub use self::error::{Damage, DamageCause, LogError, LogOperation, StopReason};
pub use self::fsyncs::FsyncHistogram;
pub use self::mirror::Hole;
pub use self::pointers::Bounds;
pub use self::room::{Room, RoomPermit, RoomUse, is_full, record_bytes};
pub(super) use self::segment::is_segment_name;
pub use self::writer::LogConfig;
pub use crate::wire::wal::{Entry, EntryKind, Vote};

/// The open log. Cheap to clone; reads come from memory.
///
/// Dropping the last clone ends the writer when its queue is empty, without a closing mark.
#[derive(Clone)]
pub struct Log {
    state: Arc<LogState>,
    apply_note: AttemptNote,
    /// Unbounded, because callers must not wait: openraft awaits each vote, truncation and purge.
    /// The sender of a follower's entries bounds them, and [`Log::room`] bounds a leader's
    /// proposals.
    queue: mpsc::UnboundedSender<WriterCommand>,
}

impl Log {
    /// Recovers and opens the log, and starts its writer (`Tasks::worker`). Blocks.
    ///
    /// `snapshot` is the last log id of the newest valid snapshot: a log that is purged beyond it
    /// is damaged.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open(
        env: &Env,
        dir: &DataDir,
        incarnation: Incarnation,
        snapshot: Option<LogId>,
    ) -> Result<Self, LogError> {
        Self::open_with(env, dir, incarnation, snapshot, dir.log_config())
    }

    /// Opens as [`Log::open`] does, with other sizes.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open_with(
        env: &Env,
        dir: &DataDir,
        incarnation: Incarnation,
        snapshot: Option<LogId>,
        config: LogConfig,
    ) -> Result<Self, LogError> {
        let recovered = recovery::recover(&*env.disk, &dir.wal_dir(), incarnation, snapshot)?;
        let (queue, commands) = mpsc::unbounded_channel();
        let writer = Writer::open(env, dir, incarnation, config, recovered, queue.downgrade())?;
        let state = writer.state().clone();
        env.tasks
            .worker("wal", writer.run(commands))
            .map_err(|source| LogError::Io {
                operation: LogOperation::StartWriter,
                source,
            })?;
        let apply_note = AttemptNote::open(dir, incarnation, Attempted::Entry);
        Ok(Self {
            state,
            apply_note,
            queue,
        })
    }

    /// Returns the note of the entry that is being applied.
    pub fn apply_note(&self) -> &AttemptNote {
        &self.apply_note
    }

    pub fn vote(&self) -> Option<Vote> {
        self.state.mirror().vote()
    }

    pub fn committed(&self) -> Option<LogId> {
        self.state.mirror().committed()
    }

    pub fn bounds(&self) -> Bounds {
        self.state.mirror().bounds()
    }

    /// Returns the entries of the range that exist: at most `max_bytes` of payload, but at least
    /// one.
    pub fn read(&self, range: Range<u64>, max_bytes: usize) -> Vec<Entry> {
        self.state.mirror().read(range, max_bytes)
    }

    /// Saves a vote. The vote is durable before this returns.
    ///
    /// # Errors
    /// The log has failed or is closed.
    pub async fn save_vote(&self, vote: Vote) -> io::Result<()> {
        let (done, durable) = oneshot::channel();
        let done: Done = Box::new(move |result| drop(done.send(result)));
        self.submit(vec![Record::Vote(vote)], Some(done));
        durable
            .await
            .unwrap_or_else(|_| Err(log_state::closed_error()))
    }

    /// Makes durable everything that was queued before this call.
    ///
    /// # Errors
    /// The log has failed or is closed.
    pub async fn sync(&self) -> io::Result<()> {
        let (done, durable) = oneshot::channel();
        let done: Done = Box::new(move |result| drop(done.send(result)));
        self.submit(Vec::new(), Some(done));
        durable
            .await
            .unwrap_or_else(|_| Err(log_state::closed_error()))
    }

    /// Saves the committed log id. It is written with the next records, or within 10 ms with a
    /// mark, and never causes a sync.
    pub fn save_committed(&self, committed: Option<LogId>) {
        let mut mirror = self.state.mirror();
        mirror.save_committed(committed);
        let sent = if self.state.request_mark() {
            self.queue.send(WriterCommand::ScheduleMark)
        } else {
            Ok(())
        };
        drop(mirror);
        refuse_unsent(sent);
    }

    /// Appends entries. They can be read when this returns. `done` is called when they are durable,
    /// or with the error that prevented it.
    ///
    /// If an entry exceeds the maximum size of a record ([`MAX_PAYLOAD`]), `done` gets
    /// `InvalidInput`, and no entry is appended.
    ///
    /// # Panics
    /// Panics if the entries do not follow the last one: a log with a hole would later be taken for
    /// a complete one.
    pub fn append(&self, entries: Vec<Entry>, done: Done) {
        if let Some(large) = entries
            .iter()
            .find(|entry| entry.payload.len() >= MAX_PAYLOAD - 64)
        {
            let text = format!("entry {} has {} bytes", large.log_id, large.payload.len());
            return done(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        self.submit(entries.into_iter().map(Record::Entry).collect(), Some(done));
    }

    /// Removes all entries after `last` (`None`: all entries).
    ///
    /// Returns when the record is queued. Anything that is acknowledged later is after it in the
    /// same stream. So after a crash no acknowledged record is there without the truncation.
    ///
    /// # Errors
    /// The log has failed or is closed.
    pub async fn truncate_after(&self, last: Option<LogId>) -> io::Result<()> {
        self.submit(vec![Record::TruncateAfter(last)], None);
        self.state.check()
    }

    /// Removes entries up to `upto`. A durable snapshot must cover them.
    ///
    /// Returns when the record is queued: if a crash brings the entries back, that snapshot covers
    /// them.
    ///
    /// # Errors
    /// The log has failed or is closed.
    pub async fn purge(&self, upto: LogId) -> io::Result<()> {
        self.submit(vec![Record::Purge(upto)], None);
        self.state.check()
    }

    /// Payload bytes since the purge point: a snapshot may be due by bytes as well as by entries.
    pub fn bytes_held(&self) -> u64 {
        self.state.mirror().bytes()
    }

    /// Returns whether new commands can be taken. Unless it is [`Room::Free`], the log itself can
    /// still write into its reserves. The free space is counted again twice a second, if this or
    /// [`Log::accept`] is called.
    pub fn room(&self) -> Room {
        self.check_room();
        self.state.room()
    }

    /// Accepts `bytes` of records ([`record_bytes`]) if there is room for them. The permit is held
    /// until they are written.
    ///
    /// # Errors
    /// The state of the disk, never [`Room::Free`].
    pub fn accept(&self, bytes: u64, what: RoomUse) -> Result<RoomPermit, Room> {
        self.check_room();
        match self.state.room_for(bytes, what) {
            Room::Free => Ok(RoomPermit::new(self.state.clone(), bytes)),
            room => Err(room),
        }
    }

    /// Free bytes on the disk when they were last counted, and the number below which new commands
    /// are refused.
    pub fn free_bytes(&self) -> (u64, u64) {
        self.state.free_bytes()
    }

    fn check_room(&self) {
        if self.state.room_check_is_due() {
            self.enqueue(WriterCommand::CheckRoom);
        }
    }

    /// Highest WAL sequence number that is known to be synced. Never decreases while the volume
    /// exists.
    pub fn durable_seq(&self) -> u64 {
        self.state.durable_seq()
    }

    /// Durations of the log's fsyncs since it was opened.
    pub fn fsyncs(&self) -> FsyncHistogram {
        self.state.fsyncs.histogram()
    }

    /// Resolves when a write or sync has failed. Nothing was retried, and the process must end
    /// (exit 74).
    pub async fn failed(&self) -> io::Error {
        self.state.failed().await
    }

    /// Writes and syncs the closing mark. Later writes fail. Idempotent.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        self.submit(Vec::new(), None);
        self.enqueue(WriterCommand::Close { done });
        // An error means that the writer has ended before: the log was closed, or it failed, which
        // `failed` reports.
        drop(closed.await);
    }

    /// Applies records to the mirror and queues them. The lock is held over both, so that both have
    /// the same order.
    fn submit(&self, mut records: Vec<Record>, done: Option<Done>) {
        let mut mirror = self.state.mirror();
        let committed = mirror.take_committed_record();
        for record in &records {
            let applied = mirror.apply(record.clone());
            assert!(
                applied.is_ok(),
                "entries are appended without holes: {applied:?}"
            );
        }
        records.splice(0..0, committed);
        let command = WriterCommand::Write { records, done };
        self.state.add_queued(command.payload_bytes());
        let sent = self.queue.send(command);
        drop(mirror);
        refuse_unsent(sent);
    }

    fn enqueue(&self, command: WriterCommand) {
        refuse_unsent(self.queue.send(command));
    }
}

/// Refuses a command that could not be queued. Called without any lock, because `done` may call the
/// log.
fn refuse_unsent(sent: Result<(), mpsc::error::SendError<WriterCommand>>) {
    if let Err(mpsc::error::SendError(command)) = sent {
        command.refuse(&log_state::closed_error());
    }
}
