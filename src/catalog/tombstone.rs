//! Incarnations that were removed from the cluster.

use crate::base::{Incarnation, RaftId, UnixNanos};

/// Reason why an incarnation was removed (founding.md 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedWhy {
    Removed,
    Replaced,
    Unseen,
    Restored,
}

/// An incarnation that must never speak Raft again, with the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Tombstone {
    pub incarnation: Incarnation,
    pub raft_id: RaftId,
    pub why: RemovedWhy,
    pub at: UnixNanos,
    /// Text that names the origin of the removal: an operator's request, or the cluster itself.
    pub by: String,
}
