//! The log: one ordered stream of votes, entries, truncations and purges (design: decision 5).

use std::io;
use std::ops::Range;

use bytes::Bytes;

use super::DataDir;
use crate::base::{Incarnation, LogId, RaftId};
use crate::runtime::Env;

/// One entry, as opaque bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub log_id: LogId,
    pub kind: EntryKind,
    pub payload: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Blank,
    Command,
    Membership,
}

/// A Raft vote as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    pub term: u64,
    pub node: RaftId,
    pub committed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub purged: Option<LogId>,
    /// The last entry, or `purged` when there is none.
    pub last: Option<LogId>,
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The phase becomes `halted`: nothing is repaired in silence. The text has file, offset and advice.
    #[error("{0}")]
    Damaged(String),
    #[error("{deed}: {source}")]
    Io { deed: String, source: io::Error },
}

/// The open log. Cheap to clone; reads come from memory.
#[derive(Clone)]
pub struct Log {}

impl Log {
    /// Recovers and opens; starts the writer (`Tasks::worker`). Blocks.
    ///
    /// `snapshot` is the newest valid snapshot's last log id: a log purged beyond it is damage.
    pub fn open(
        _env: &Env,
        _dir: &DataDir,
        _incarnation: Incarnation,
        _snapshot: Option<LogId>,
    ) -> Result<Self, LogError> {
        todo!("the storage helper")
    }

    pub fn vote(&self) -> Option<Vote> {
        todo!("the storage helper")
    }
    pub fn committed(&self) -> Option<LogId> {
        todo!("the storage helper")
    }
    pub fn bounds(&self) -> Bounds {
        todo!("the storage helper")
    }
    /// Entries of the range that exist, at most `max_bytes` of payload but at least one.
    pub fn read(&self, _range: Range<u64>, _max_bytes: usize) -> Vec<Entry> {
        todo!("the storage helper")
    }
    /// Durable before it returns.
    pub async fn save_vote(&self, _vote: Vote) -> io::Result<()> {
        todo!("the storage helper")
    }
    /// Queued, never synced for its own sake.
    pub fn save_committed(&self, _committed: Option<LogId>) {
        todo!("the storage helper")
    }
    /// Readable when this returns; `done` runs once the entries are durable (or could not be made so).
    pub fn append(&self, _entries: Vec<Entry>, _done: Box<dyn FnOnce(io::Result<()>) + Send>) {
        todo!("the storage helper")
    }
    /// Removes everything behind `last` (`None`: everything).
    pub async fn truncate_after(&self, _last: Option<LogId>) -> io::Result<()> {
        todo!("the storage helper")
    }
    /// Forgets entries up to `upto`, which a durable snapshot covers.
    pub async fn purge(&self, _upto: LogId) -> io::Result<()> {
        todo!("the storage helper")
    }
    /// Payload bytes held since the purge point: snapshots are due by bytes as well as by entries.
    pub fn bytes_held(&self) -> u64 {
        todo!("the storage helper")
    }
    /// False when the disk is so full that new proposals must be refused (the log itself still has its reserve).
    pub fn has_room(&self) -> bool {
        todo!("the storage helper")
    }
    /// The highest WAL seq known synced; never goes back while the volume lives.
    pub fn durable_seq(&self) -> u64 {
        todo!("the storage helper")
    }
    /// Writes and syncs the closing mark; later writes fail. Idempotent.
    pub async fn close(&self) {
        todo!("the storage helper")
    }
}
