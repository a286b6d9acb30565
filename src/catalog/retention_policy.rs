//! How long points are kept, in how many copies, in pieces of what width; and those pieces.

use super::ShardGroups;
use crate::base::{DurationNanos, Name, Text};

#[derive(Clone, Debug, PartialEq)]
pub struct RetentionPolicy {
    pub name: Name,
    /// 0 = for ever. Never shorter than a shard group, unless it is no positive number.
    pub duration: DurationNanos,
    /// At least an hour.
    pub shard_group_duration: DurationNanos,
    /// At least 1.
    pub replica_n: u32,
    pub shard_groups: ShardGroups,
    /// In insertion order.
    pub subscriptions: Vec<Subscription>,
}

/// Points written to the policy are sent on to these destinations, by the data nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    pub name: Name,
    /// `ALL` or `ANY`; data nodes know no other, nobody here checks.
    pub mode: Text,
    pub destinations: Vec<Text>,
}
