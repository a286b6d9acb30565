//! Decides when a snapshot is worth its cost: it writes the whole state.
//!
//! openraft requests snapshots by entries, `compaction` by bytes of log. A burst of small commands
//! could cause a large state to be written again and again. So at least as many bytes of log must
//! be applied before: a snapshot costs at most one byte for each byte that was written to the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Size up to which a snapshot is never delayed: it is written in milliseconds.
const SMALL_SNAPSHOT_BYTES: u64 = 1 << 20;

/// Approximate size of what surrounds a command in the log.
const RECORD_OVERHEAD_BYTES: u64 = 64;

/// Bytes of log applied since the last snapshot, and the size of that snapshot.
pub(super) struct SnapshotPolicy {
    applied: u64,
    snapshot: SnapshotSize,
}

/// Size of the last snapshot, set by the code that stores it.
#[derive(Clone, Default)]
pub(super) struct SnapshotSize(Arc<AtomicU64>);

impl SnapshotPolicy {
    pub(super) fn new(snapshot: SnapshotSize) -> Self {
        Self {
            applied: 0,
            snapshot,
        }
    }

    pub(super) fn add_applied(&mut self, command: &[u8]) {
        self.applied += RECORD_OVERHEAD_BYTES + command.len() as u64;
    }

    /// Counts from zero again: a snapshot is being taken, or was installed.
    pub(super) fn restart(&mut self) {
        self.applied = 0;
    }

    pub(super) fn is_due(&self) -> bool {
        let size = self.snapshot.0.load(Ordering::Relaxed);
        size <= SMALL_SNAPSHOT_BYTES || self.applied >= size
    }
}

impl SnapshotSize {
    pub(super) fn set(&self, bytes: usize) {
        self.0.store(bytes as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_big_state_waits_for_as_much_of_log() {
        let size = SnapshotSize::default();
        let mut policy = SnapshotPolicy::new(size.clone());
        assert!(policy.is_due(), "there is none yet");
        size.set(SMALL_SNAPSHOT_BYTES as usize);
        assert!(policy.is_due(), "a small one");
        size.set(SMALL_SNAPSHOT_BYTES as usize * 2);
        assert!(!policy.is_due());
        let command = vec![0; 1 << 20];
        policy.add_applied(&command);
        assert!(!policy.is_due());
        policy.add_applied(&command);
        assert!(policy.is_due());
        policy.restart();
        assert!(!policy.is_due());
    }
}
