//! Reasons that end this Raft node for good, other than a panic.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use super::types::MembershipError;
use crate::base::LogId;
use crate::storage::SnapshotError;
use crate::wire::envelope::EnvelopeError;
use crate::wire::state::StateError;

/// Reasons why the node cannot go on. The first one is kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Halt {
    /// Raft stops. The process stays and reports the reason.
    #[error("log entry {entry} cannot be read ({cause}); this node needs a newer version")]
    UnreadableEntry {
        entry: LogId,
        cause: UnreadableEntry,
    },
    /// Raft stops. The process stays and reports the reason.
    #[error(
        "snapshot {} cannot be read ({cause}); this node needs a newer version",
        .last.map_or_else(|| "of nothing".to_owned(), |id| id.to_string())
    )]
    UnreadableSnapshot {
        last: Option<LogId>,
        cause: UnreadableSnapshot,
    },
    /// A snapshot that this node itself stored cannot be read back.
    #[error(
        "the newest snapshot cannot be read any more ({0}): the disk has lost what was safely \
         stored, so this node takes no part; the others go on. Restart it: its log may still reach \
         back to the snapshot before. If it does not, look after the disk and delete this node's \
         volume, and the others bring it up again"
    )]
    LostSnapshot(Arc<SnapshotError>),
    /// The process must end, because it is not known any more what is on disk.
    #[error("{operation}: {source}")]
    Storage {
        operation: &'static str,
        source: Arc<io::Error>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableEntry {
    #[error(transparent)]
    Command(#[from] EnvelopeError),
    #[error(transparent)]
    Membership(#[from] MembershipError),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableSnapshot {
    #[error(transparent)]
    Catalog(#[from] StateError),
    #[error(transparent)]
    Membership(#[from] MembershipError),
}

impl Halt {
    /// Returns whether a write or fsync has failed, so that the process must end.
    pub(super) fn is_storage(&self) -> bool {
        matches!(self, Self::Storage { .. })
    }
}

/// Shared by all parts that may find such a reason. Cheap to clone.
#[derive(Clone)]
pub(super) struct HaltLatch(Arc<watch::Sender<Option<Halt>>>);

impl Default for HaltLatch {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl HaltLatch {
    /// Records an entry that this node cannot read. Returns the error that stops openraft.
    pub(super) fn unreadable_entry(
        &self,
        entry: LogId,
        cause: impl Into<UnreadableEntry>,
    ) -> io::Error {
        let cause = cause.into();
        self.stop(Halt::UnreadableEntry { entry, cause })
    }

    /// Records a snapshot that this node cannot read. Returns the error that stops openraft.
    pub(super) fn unreadable_snapshot(
        &self,
        last: Option<LogId>,
        cause: impl Into<UnreadableSnapshot>,
    ) -> io::Error {
        let cause = cause.into();
        self.stop(Halt::UnreadableSnapshot { last, cause })
    }

    /// Records that a stored snapshot is lost. Returns the error that stops openraft.
    pub(super) fn lost_snapshot(&self, error: SnapshotError) -> io::Error {
        self.stop(Halt::LostSnapshot(Arc::new(error)))
    }

    /// Records a failed write, if `result` is one, and returns the result.
    pub(super) fn storage<T>(
        &self,
        operation: &'static str,
        result: io::Result<T>,
    ) -> io::Result<T> {
        result.map_err(|error| {
            let copy = io::Error::new(error.kind(), error.to_string());
            let source = Arc::new(error);
            self.halt(Halt::Storage { operation, source });
            copy
        })
    }

    pub(super) fn get(&self) -> Option<Halt> {
        self.0.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<Halt>> {
        self.0.subscribe()
    }

    fn stop(&self, halt: Halt) -> io::Error {
        let error = io::Error::new(io::ErrorKind::InvalidData, halt.to_string());
        self.halt(halt);
        error
    }

    fn halt(&self, halt: Halt) {
        tracing::error!(reason = halt.to_string(), "this Raft node halts");
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(halt);
            first
        });
    }
}
