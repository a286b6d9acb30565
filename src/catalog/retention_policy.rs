//! Retention policies: how long points are kept, in how many copies, and in shard groups of which
//! duration.

use super::{ShardGroup, ShardGroups};
use crate::base::{DurationNanos, Name, Text, UnixNanos};

#[derive(Clone, Debug, PartialEq)]
pub struct RetentionPolicy {
    pub name: Name,
    /// 0 means for ever. A positive duration is never shorter than a shard group.
    pub duration: DurationNanos,
    /// Is at least an hour.
    pub shard_group_duration: DurationNanos,
    /// Is at least 1.
    pub replica_n: u32,
    pub shard_groups: ShardGroups,
    /// Subscriptions in insertion order.
    pub subscriptions: Vec<Subscription>,
}

/// Destinations to which data nodes forward the points written to the policy.
impl RetentionPolicy {
    /// Whether all points of a group are older than the policy keeps them.
    pub fn has_expired(&self, group: &ShardGroup, now: UnixNanos) -> bool {
        self.duration.0 > 0 && group.end.0.saturating_add(self.duration.0) < now.0
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    pub name: Name,
    /// `ALL` or `ANY`. Data nodes know no other mode; it is not checked here.
    pub mode: Text,
    pub destinations: Vec<Text>,
}
