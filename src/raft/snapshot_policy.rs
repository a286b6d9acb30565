//! When a snapshot is worth taking: it writes the whole state, so it waits for as much of log.
//!
//! openraft asks by entries, `compaction` by bytes of log held. A big state would be written again
//! and again by a burst of small commands; so it costs at most one byte more for each byte that the
//! log has taken already.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A state of this size is written in milliseconds: that is not put off.
const SMALL_SNAPSHOT_BYTES: u64 = 1 << 20;

/// Around a command in the log, about.
const RECORD_OVERHEAD_BYTES: u64 = 64;

/// Bytes of log applied since the last snapshot, and the size of that.
pub(super) struct SnapshotPolicy {
    applied: u64,
    snapshot: SnapshotSize,
}

/// Known to whoever stores a snapshot.
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

    /// A snapshot is being taken, or was installed.
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
