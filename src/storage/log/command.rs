//! What callers ask of the writer.

use std::io;

use tokio::sync::oneshot;

use super::maintenance::MaintenanceResult;
use crate::wire::wal::Record;

/// Told how a write ended.
pub(super) type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

pub(super) enum WriterCommand {
    /// Synced before `done`; without `done`, written and synced with whatever is next.
    Write {
        records: Vec<Record>,
        done: Option<Done>,
    },
    CheckRoom,
    MaintenanceFinished(MaintenanceResult),
    /// Something was saved that goes with the next mark, and none is coming.
    ScheduleMark,
    /// The time for a mark has come.
    WriteMark,
    Close {
        done: oneshot::Sender<()>,
    },
}

impl WriterCommand {
    pub(super) fn payload_bytes(&self) -> usize {
        match self {
            Self::Write { records, .. } => records.iter().map(payload_len).sum(),
            _ => 0,
        }
    }

    pub(super) fn refuse(self, why: &io::Error) {
        match self {
            Self::Write {
                done: Some(done), ..
            } => done(Err(copy_error(why))),
            Self::Write { done: None, .. } | Self::CheckRoom | Self::MaintenanceFinished(_) => {}
            Self::ScheduleMark | Self::WriteMark | Self::Close { .. } => {}
        }
    }
}

fn payload_len(record: &Record) -> usize {
    match record {
        Record::Entry(entry) => entry.payload.len(),
        _ => 0,
    }
}

/// Errors are told to many, and cannot be cloned.
pub(super) fn copy_error(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}
