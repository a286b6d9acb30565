//! Times at which this node last heard from other meta nodes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::Incarnation;
use crate::runtime::lock;

/// Time after which an entry is forgotten. Replace (founding.md 7) needs the last seconds only.
const ENTRY_LIFETIME: Duration = Duration::from_secs(60);
/// Maximum number of entries, more than any cluster has. Without a secret anyone can claim to be a
/// new incarnation, and each identity that this node sends lists all entries.
const MAX_ENTRIES: usize = 256;

/// Last time of contact with each incarnation: a poll, a hint, a handshake or a Raft frame.
#[derive(Default)]
pub(in crate::cluster) struct Heard(Mutex<BTreeMap<Incarnation, Instant>>);

impl Heard {
    /// Notes contact with this incarnation now.
    pub(in crate::cluster) fn note(&self, incarnation: Incarnation) {
        let now = Instant::now();
        let mut entries = lock(&self.0);
        entries.retain(|_, at| now.duration_since(*at) < ENTRY_LIFETIME);
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(&incarnation) {
            let oldest = entries
                .iter()
                .min_by_key(|(_, at)| **at)
                .map(|(incarnation, _)| *incarnation);
            oldest.map(|incarnation| entries.remove(&incarnation));
        }
        entries.insert(incarnation, now);
    }

    /// Time since the last contact; `None` without an entry.
    pub(in crate::cluster) fn ago(&self, incarnation: Incarnation) -> Option<Duration> {
        lock(&self.0).get(&incarnation).map(Instant::elapsed)
    }

    /// Time since the last contact with each.
    pub(in crate::cluster) fn all(&self) -> BTreeMap<Incarnation, Duration> {
        lock(&self.0)
            .iter()
            .map(|(incarnation, at)| (*incarnation, at.elapsed()))
            .collect()
    }
}
