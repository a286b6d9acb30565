//! What ends this Raft node for good, short of a panic.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use crate::base::LogId;

/// Why the node cannot go on. The first reason stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// Something replicated that this version cannot read: Raft stops, the process stays and says
    /// so.
    Unreadable(String),
    /// A write or fsync failed: the process must end, for what is on disk is no longer known.
    Storage(String),
}

impl Halt {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Unreadable(text) | Self::Storage(text) => text,
        }
    }
}

/// Shared by everything that may find such a reason. Cheap to clone.
#[derive(Clone)]
pub(super) struct HaltLatch(Arc<watch::Sender<Option<Halt>>>);

impl Default for HaltLatch {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl HaltLatch {
    /// Notes an entry that this node cannot read, and gives the error that stops openraft.
    pub(super) fn unreadable(&self, entry: LogId, why: &str) -> io::Error {
        let text =
            format!("log entry {entry} cannot be read ({why}); this node needs a newer version");
        self.halt(Halt::Unreadable(text.clone()));
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    /// The same for a snapshot.
    pub(super) fn unreadable_snapshot(&self, last: Option<LogId>, why: &str) -> io::Error {
        let at = last.map_or_else(|| "of nothing".to_owned(), |id| id.to_string());
        let text = format!("snapshot {at} cannot be read ({why}); this node needs a newer version");
        self.halt(Halt::Unreadable(text.clone()));
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    /// A snapshot that this node itself stored cannot be read back.
    pub(super) fn lost_snapshot(&self, error: &io::Error) -> io::Error {
        let text = format!(
            "the newest snapshot cannot be read any more ({error}): the disk has lost what was safely stored, so \
             this node takes no part; the others go on. Restart it: its log may still reach back to the snapshot \
             before. If it does not, look after the disk and delete this node's volume, and the others bring it up \
             again"
        );
        self.halt(Halt::Unreadable(text.clone()));
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    /// Notes a failed write.
    pub(super) fn storage<T>(&self, operation: &str, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.halt(Halt::Storage(format!("{operation}: {error}")));
        }
        result
    }

    pub(super) fn get(&self) -> Option<Halt> {
        self.0.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<Halt>> {
        self.0.subscribe()
    }

    fn halt(&self, halt: Halt) {
        tracing::error!(reason = halt.text(), "this Raft node halts");
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(halt);
            first
        });
    }
}
