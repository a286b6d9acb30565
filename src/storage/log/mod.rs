//! The log: one ordered stream of votes, entries, truncations and purges (design: decision 5).
//!
//! Owns: `wal/`, and the only thread that writes there. Never: what an entry says, when to
//! snapshot. Invariants: what was acknowledged is synced; `purged ≤ durable snapshot`; the first
//! write or sync error ends the log, nothing is retried.
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
use super::DataDir;
use crate::base::{Incarnation, LogId};
use crate::runtime::Env;
use crate::wire::wal::{MAX_PAYLOAD, Record};

pub use self::error::{Damage, DamageCause, LogError, LogOperation, StopReason};
pub use self::fsyncs::FsyncHistogram;
pub use self::mirror::Hole;
pub use self::pointers::Bounds;
pub(super) use self::segment::is_segment_name;
pub use self::writer::LogConfig;
pub use crate::wire::wal::{Entry, EntryKind, Vote};

/// The open log. Cheap to clone; reads come from memory.
///
/// Dropping the last clone ends the writer once its queue is empty, without a closing mark.
#[derive(Clone)]
pub struct Log {
    state: Arc<LogState>,
    /// Unbounded, for a caller must not wait: openraft awaits each vote, truncation and purge; what
    /// a follower is sent is bounded by its sender, and what a leader proposes by
    /// [`Log::has_room`].
    queue: mpsc::UnboundedSender<WriterCommand>,
}

impl Log {
    /// Recovers and opens; starts the writer (`Tasks::worker`). Blocks.
    ///
    /// `snapshot` is the newest valid snapshot's last log id: a log purged beyond it is damage.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open(
        env: &Env,
        dir: &DataDir,
        incarnation: Incarnation,
        snapshot: Option<LogId>,
    ) -> Result<Self, LogError> {
        Self::open_with(env, dir, incarnation, snapshot, LogConfig::default())
    }

    /// [`Log::open`] with other sizes.
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
        Ok(Self { state, queue })
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

    /// Entries of the range that exist, at most `max_bytes` of payload but at least one.
    pub fn read(&self, range: Range<u64>, max_bytes: usize) -> Vec<Entry> {
        self.state.mirror().read(range, max_bytes)
    }

    /// Durable before it returns.
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

    /// Written with whatever is next, or within 10 ms with a mark; never synced for its own sake.
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

    /// Readable when this returns; `done` runs once the entries are durable (or could not be made
    /// so).
    ///
    /// An entry above the record size ([`MAX_PAYLOAD`]) is refused with `InvalidInput`, and none is
    /// taken.
    ///
    /// # Panics
    /// When the entries do not follow the last one: a hole would be believed to be a log.
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

    /// Removes everything behind `last` (`None`: everything).
    ///
    /// Returns once it is queued: whatever is acknowledged later is in the same stream behind it,
    /// so no acknowledgement can survive a crash that the truncation does not.
    ///
    /// # Errors
    /// The log has failed or is closed.
    pub async fn truncate_after(&self, last: Option<LogId>) -> io::Result<()> {
        self.submit(vec![Record::TruncateAfter(last)], None);
        self.state.check()
    }

    /// Forgets entries up to `upto`, which a durable snapshot covers.
    ///
    /// Returns once it is queued: entries that come back in a crash are covered by that snapshot.
    ///
    /// # Errors
    /// The log has failed or is closed.
    pub async fn purge(&self, upto: LogId) -> io::Result<()> {
        self.submit(vec![Record::Purge(upto)], None);
        self.state.check()
    }

    /// Payload bytes held since the purge point: snapshots are due by bytes as well as by entries.
    pub fn bytes_held(&self) -> u64 {
        self.state.mirror().bytes()
    }

    /// False when the disk is so full, or so far behind, that new proposals must be refused (the
    /// log itself still has its reserve).
    pub fn has_room(&self) -> bool {
        if self.state.room_check_is_due() {
            self.enqueue(WriterCommand::CheckRoom);
        }
        self.state.has_room()
    }

    /// The highest WAL seq known synced; never goes back while the volume lives.
    pub fn durable_seq(&self) -> u64 {
        self.state.durable_seq()
    }

    /// Durations of the log's fsyncs since it was opened.
    pub fn fsyncs(&self) -> FsyncHistogram {
        self.state.fsyncs.histogram()
    }

    /// Resolves when a write or sync failed: the process must end (exit 74), and nothing was
    /// retried.
    pub async fn failed(&self) -> io::Error {
        self.state.failed().await
    }

    /// Writes and syncs the closing mark; later writes fail. Idempotent.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        self.submit(Vec::new(), None);
        self.enqueue(WriterCommand::Close { done });
        // An error means that the writer is gone already: closed before, or failed, which `failed`
        // tells.
        drop(closed.await);
    }

    /// Mirror and queue in one order: the lock is held over both.
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

/// Without any lock: callbacks may ask the log again.
fn refuse_unsent(sent: Result<(), mpsc::error::SendError<WriterCommand>>) {
    if let Err(mpsc::error::SendError(command)) = sent {
        command.refuse(&log_state::closed_error());
    }
}
