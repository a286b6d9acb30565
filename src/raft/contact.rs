//! When this node last heard its leader. openraft remembers whom it follows, not whether that one lives.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::base::RaftId;

/// Shared by the connections that hear and by who asks. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Contact(Arc<Mutex<Option<(RaftId, Instant)>>>);

impl Contact {
    /// An append request of this leader was accepted.
    pub(super) fn heard(&self, leader: RaftId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((leader, Instant::now()));
    }

    pub(super) fn is_fresh(&self, leader: RaftId, within: Duration) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|(heard, at)| heard == leader && at.elapsed() < within)
    }
}
