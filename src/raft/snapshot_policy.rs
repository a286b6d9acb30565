//! When a snapshot is worth taking: it writes the whole state, so it waits for as much of log.
//!
//! openraft asks by entries, `compaction` by bytes of log held. A big state would be written again
//! and again by a burst of small commands; so it costs at most one byte more for each byte that the
//! log has taken already.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A state of this size is written in milliseconds: that is not put off.
const SMALL: u64 = 1 << 20;

/// Around a command in the log, about.
const RECORD: u64 = 64;

/// Bytes of log applied since the last snapshot, and the size of that.
pub(super) struct Due {
    applied: u64,
    snapshot: Size,
}

/// Known to whoever stores a snapshot.
#[derive(Clone, Default)]
pub(super) struct Size(Arc<AtomicU64>);

impl Due {
    pub(super) fn new(snapshot: Size) -> Self {
        Self {
            applied: 0,
            snapshot,
        }
    }

    pub(super) fn applied(&mut self, command: &[u8]) {
        self.applied += RECORD + command.len() as u64;
    }

    /// A snapshot is being taken, or was installed.
    pub(super) fn begin(&mut self) {
        self.applied = 0;
    }

    pub(super) fn is_due(&self) -> bool {
        let size = self.snapshot.0.load(Ordering::Relaxed);
        size <= SMALL || self.applied >= size
    }
}

impl Size {
    pub(super) fn set(&self, bytes: usize) {
        self.0.store(bytes as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_big_state_waits_for_as_much_of_log() {
        let size = Size::default();
        let mut due = Due::new(size.clone());
        assert!(due.is_due(), "there is none yet");
        size.set(SMALL as usize);
        assert!(due.is_due(), "a small one");
        size.set(SMALL as usize * 2);
        assert!(!due.is_due());
        let command = vec![0; 1 << 20];
        due.applied(&command);
        assert!(!due.is_due());
        due.applied(&command);
        assert!(due.is_due());
        due.begin();
        assert!(!due.is_due());
    }
}
