//! Commands to the writer.

use std::io;

use tokio::sync::oneshot;

use super::maintenance::MaintenanceResult;
use crate::wire::wal::Record;

/// Called with the result of a write.
pub(super) type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

pub(super) enum WriterCommand {
    /// Synced before `done` is called. Without `done`: written, and synced together with a later
    /// command.
    Write {
        records: Vec<Record>,
        done: Option<Done>,
    },
    CheckRoom,
    MaintenanceFinished(MaintenanceResult),
    /// Schedules a mark: a value was saved that is to be written with it.
    ScheduleMark,
    /// Writes the mark that was scheduled.
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

/// Copies an error that several waiters get: `io::Error` cannot be cloned.
pub(super) fn copy_error(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}
