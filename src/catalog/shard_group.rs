//! A span of time of one retention policy, and the shards that hold its points.

use crate::base::{NodeId, ShardGroupId, ShardId, UnixNanos};

/// The latest end: one nanosecond after the latest time that a point may have (wire.md appendix C).
pub const MAX_TIME: UnixNanos = UnixNanos(i64::MAX);

#[derive(Clone, Debug, PartialEq)]
pub struct ShardGroup {
    pub id: ShardGroupId,
    /// Inclusive.
    pub start: UnixNanos,
    /// Exclusive.
    pub end: UnixNanos,
    /// Deleted groups stay until they are pruned: data nodes find in them what to delete.
    pub deleted_at: Option<UnixNanos>,
    /// From here on points go into a later group.
    pub truncated_at: Option<UnixNanos>,
    /// In this order: a data node picks one by the hash of a point modulo their number (wire.md
    /// 2.5).
    pub shards: Vec<Shard>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    pub id: ShardId,
    /// Distinct; empty when its only copy is gone.
    pub owners: Vec<NodeId>,
}

impl ShardGroup {
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Where it ends for new points: where it was truncated, else its end.
    pub fn effective_end(&self) -> UnixNanos {
        self.truncated_at.unwrap_or(self.end)
    }

    /// Whether a point of this time goes into it.
    pub fn takes(&self, at: UnixNanos) -> bool {
        !self.is_deleted() && self.start <= at && at < self.effective_end().min(self.end)
    }

    pub fn shard(&self, id: ShardId) -> Option<&Shard> {
        self.shards.iter().find(|shard| shard.id == id)
    }
}
