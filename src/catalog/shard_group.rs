//! A span of time of one retention policy, and the shards that hold its points.

use crate::base::{NodeId, ShardGroupId, ShardId, UnixNanos};

/// Latest end: one nanosecond after the latest time that a point may have (wire.md appendix C).
pub const MAX_TIME: UnixNanos = UnixNanos(i64::MAX);

#[derive(Clone, Debug, PartialEq)]
pub struct ShardGroup {
    pub id: ShardGroupId,
    /// Inclusive.
    pub start: UnixNanos,
    /// Exclusive.
    pub end: UnixNanos,
    /// Time of deletion. Deleted groups stay until they are pruned: data nodes find in them what to
    /// delete.
    pub deleted_at: Option<UnixNanos>,
    /// Points from this time on go into a later group.
    pub truncated_at: Option<UnixNanos>,
    /// Shards in a fixed order: a data node chooses one by the hash of a point modulo their number
    /// (wire.md 2.5).
    pub shards: Vec<Shard>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    pub id: ShardId,
    /// Distinct; empty if the only copy is lost.
    pub owners: Vec<NodeId>,
}

impl ShardGroup {
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// End for new points: the time of truncation, else the end.
    pub fn effective_end(&self) -> UnixNanos {
        self.truncated_at.unwrap_or(self.end)
    }

    /// Whether a point of this time goes into the group.
    pub fn takes(&self, at: UnixNanos) -> bool {
        !self.is_deleted() && self.start <= at && at < self.effective_end().min(self.end)
    }

    pub fn shard(&self, id: ShardId) -> Option<&Shard> {
        self.shards.iter().find(|shard| shard.id == id)
    }
}
