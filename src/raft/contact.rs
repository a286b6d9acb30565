//! Time of the last contact with the leader, and since when this node leads. openraft knows which
//! leader this node follows, but not whether that leader is alive.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::base::RaftId;
use crate::runtime::lock;

/// Shared by the connections, which record contacts, and the readers. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Contact(Arc<Mutex<ContactTimes>>);

#[derive(Clone, Copy, Default)]
struct ContactTimes {
    heard: Option<(RaftId, Instant)>,
    /// Last term in which this node was seen to lead, and since when.
    led: Option<(u64, Instant)>,
}

impl Contact {
    /// Records that an append request of this leader was accepted.
    pub(super) fn heard(&self, leader: RaftId) {
        self.times().heard = Some((leader, Instant::now()));
    }

    pub(super) fn heard_within(&self, leader: RaftId, within: Duration) -> bool {
        self.times()
            .heard
            .is_some_and(|(heard, at)| heard == leader && at.elapsed() < within)
    }

    /// Returns whether this node, which leads in this term, was first seen to lead less than
    /// `within` ago.
    pub(super) fn leads_for_less_than(&self, term: u64, within: Duration) -> bool {
        let mut times = self.times();
        let since = times
            .led
            .filter(|(led, _)| *led == term)
            .map_or_else(Instant::now, |(_, since)| since);
        times.led = Some((term, since));
        since.elapsed() < within
    }

    fn times(&self) -> MutexGuard<'_, ContactTimes> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_leader_is_new_once_in_each_term() {
        let (contact, second) = (Contact::default(), Duration::from_secs(1));
        assert!(contact.leads_for_less_than(3, second));
        tokio::time::advance(second).await;
        assert!(
            !contact.leads_for_less_than(3, second),
            "nobody ever answered it"
        );
        assert!(contact.leads_for_less_than(4, second));
    }
}
