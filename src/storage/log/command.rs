//! What callers ask of the writer.

use std::io;

use tokio::sync::oneshot;

use super::chores::ChoresDone;
use crate::wire::wal::{Entry, Record};

/// Told how a write ended.
pub(super) type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

pub(super) enum Command {
    /// Synced before `done`; without `done`, written and synced with whatever is next.
    Record {
        record: Record,
        done: Option<Done>,
    },
    Append {
        entries: Vec<Entry>,
        done: Done,
    },
    CheckRoom,
    Chores(ChoresDone),
    Close {
        done: oneshot::Sender<()>,
    },
}

impl Command {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { entries, .. } => entries.iter().map(|entry| entry.payload.len()).sum(),
            _ => 0,
        }
    }

    pub(super) fn refuse(self, why: &io::Error) {
        match self {
            Self::Record { done: Some(done), .. } | Self::Append { done, .. } => done(Err(copy(why))),
            Self::Record { done: None, .. } | Self::CheckRoom | Self::Chores(_) | Self::Close { .. } => {}
        }
    }
}

/// Errors are told to many, and cannot be cloned.
pub(super) fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}
