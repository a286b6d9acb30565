//! Protection from a loop of crashes: an entry that has ended the process twice is not applied a
//! third time.

use std::path::PathBuf;

use crate::base::LogId;
use crate::storage::{AttemptNote, EntryKind, Log, Noted};
use crate::wire::envelope;

/// Minimum length of an entry that is noted while the node runs. Shorter ones cost less than the
/// note's write. Compressed commands are longer.
const MIN_NOTED_BYTES: usize = 1 << 10;

/// An entry that the process does not survive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the process died {deaths} times while it applied log entry {entry} ({command}, {bytes} bytes \
     in the log), so it does not apply it again and takes no part; members with more memory go on. \
     Give this node more memory, then delete {} and restart it",
    note.display()
)]
pub struct DeadlyEntry {
    pub entry: LogId,
    /// Name of the command.
    pub command: &'static str,
    /// Length in the log.
    pub bytes: u64,
    pub deaths: u32,
    /// File to delete for another attempt.
    pub note: PathBuf,
}

/// Writes the note of entries that might end the process. Cheap to clone.
#[derive(Clone)]
pub(super) struct ApplyGuard {
    note: AttemptNote,
    /// Entries up to this index are replayed after a start. Each is noted: one of them may have
    /// ended the last process.
    replayed: u64,
}

impl ApplyGuard {
    /// `snapshot` is the last entry that is not applied again.
    ///
    /// # Errors
    /// An entry that is to be applied ended the process twice.
    pub(super) fn open(log: &Log, snapshot: Option<LogId>) -> Result<Self, DeadlyEntry> {
        let note = log.apply_note().clone();
        let deadly = note.deadly();
        if let Some(attempts) = deadly.filter(|attempts| Some(attempts.entry) > snapshot) {
            return Err(DeadlyEntry {
                entry: attempts.entry,
                command: command_name(log, attempts.entry),
                bytes: attempts.bytes,
                deaths: attempts.count,
                note: note.path().to_owned(),
            });
        }
        let replayed = log.bounds().last.map_or(0, |last| last.index);
        Ok(Self { note, replayed })
    }

    /// Returns whether an entry is noted for its length, or because it is replayed. So is an entry
    /// whose command takes long to apply, which only its content tells.
    pub(super) fn is_noted(&self, entry: LogId, bytes: usize) -> bool {
        entry.index <= self.replayed || bytes >= MIN_NOTED_BYTES
    }

    /// Notes an entry until the returned value is dropped. Blocks as long as the disk does, at both
    /// ends: not for the threads that carry Raft.
    pub(super) fn begin(&self, entry: LogId, bytes: usize) -> Noted {
        self.note.hold(entry, bytes as u64)
    }
}

/// Reads the name without decoding the command, which may be what ends the process.
fn command_name(log: &Log, entry: LogId) -> &'static str {
    let stored = log.read(entry.index..entry.index.saturating_add(1), 0);
    let command = stored
        .first()
        .filter(|stored| stored.log_id == entry && stored.kind == EntryKind::Command);
    command
        .and_then(|command| envelope::command_name(&command.payload))
        .unwrap_or("unknown command")
}
