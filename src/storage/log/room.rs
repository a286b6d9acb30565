//! Whether the log can take more: three states, and permits for what was accepted and is not yet
//! written.

use std::io;
use std::sync::Arc;

use super::log_state::LogState;

/// Maximum number of bytes of a record beside its payload: header, log id, kind, and zeros to the
/// next border.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// Whether the disk can take new commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Free,
    /// Too few bytes are free. Only freed space, or a larger volume, helps.
    Full,
    /// Bytes wait to be written faster than the disk writes them. Time helps.
    Slow,
}

/// Purpose of the bytes of a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomUse {
    /// A leader's new command: refused while there is still room for everything that Raft itself
    /// writes.
    Proposal,
    /// Entries from a leader: refused only when the log could not write them.
    Replication,
}

/// Bytes that were accepted. They count as used until this is dropped.
#[must_use]
pub struct RoomPermit {
    state: Arc<LogState>,
    bytes: u64,
}

impl RoomPermit {
    pub(super) fn new(state: Arc<LogState>, bytes: u64) -> Self {
        state.add_accepted(bytes);
        Self { state, bytes }
    }
}

impl Drop for RoomPermit {
    fn drop(&mut self) {
        self.state.subtract_accepted(self.bytes);
    }
}

/// Returns the bytes that entries with payloads of these lengths take in the log, rounded up.
pub fn record_bytes(payloads: impl IntoIterator<Item = usize>) -> u64 {
    let len = |payload: usize| (payload + RECORD_OVERHEAD_BYTES) as u64;
    payloads.into_iter().map(len).sum()
}

/// Returns whether an error means that there is no space for this process: the disk is full, or its
/// quota is used up.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
