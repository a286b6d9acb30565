//! How long points are kept, in how many copies, in pieces of what width.

use crate::base::{DurationNanos, Name};

#[derive(Clone, Debug, PartialEq)]
pub struct RetentionPolicy {
    pub name: Name,
    /// 0 = for ever. Never shorter than a shard group, unless it is no positive number.
    pub duration: DurationNanos,
    /// At least an hour.
    pub shard_group_duration: DurationNanos,
    /// At least 1.
    pub replica_n: u32,
}
