//! Lives of volumes that are over.

use crate::base::{Incarnation, RaftId, UnixNanos};

/// Why an incarnation was taken out (founding.md 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedWhy {
    Removed,
    Replaced,
    Unseen,
    Restored,
}

/// An incarnation that must never speak Raft again, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Tombstone {
    pub incarnation: Incarnation,
    pub raft_id: RaftId,
    pub why: RemovedWhy,
    pub at: UnixNanos,
    /// Who took it out, in words: a person's way, or the cluster itself.
    pub by: String,
}
