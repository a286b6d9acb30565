//! `CreateShardGroup` (wire.md 3.4, type 9): creates the shards of a span of time, and their
//! owners.

use super::owners;
use super::retention_policy::exact;
use crate::base::{Name, ShardGroupId, ShardId, UnixNanos};
use crate::catalog::{Catalog, MAX_TIME, RetentionPolicy, Shard, ShardGroup, ShardGroups};
use crate::machine::Refused;

/// Earliest and latest time that a point may have (wire.md appendix C).
const MIN_POINT: i64 = -9_223_372_036_854_775_806;
const MAX_POINT: i64 = 9_223_372_036_854_775_806;

/// Shard groups are aligned to 0001-01-01T00:00:00Z, which is this number of nanoseconds before the
/// Unix epoch.
const ORIGIN: i128 = 62_135_596_800 * 1_000_000_000;

/// Makes sure that a group for this time exists. Without a data node that may own shards nothing is
/// created, and that is no error: clients know this answer (wire.md Q31a).
pub(super) fn create(
    catalog: &mut Catalog,
    database: &Name,
    policy: &Name,
    at: UnixNanos,
) -> Result<(), Refused> {
    if catalog.active_data_nodes().next().is_none() {
        return Ok(());
    }
    let found = exact(catalog, database, policy)?;
    let at = UnixNanos(at.0.clamp(MIN_POINT, MAX_POINT));
    if found.shard_groups.taking(at).is_some() {
        return Ok(());
    }
    let (start, end) = span(found, at);
    let owners = owners::of_new_group(catalog, found.replica_n);
    let first = catalog.max_shard_id + 1;
    catalog.max_shard_group_id += 1;
    catalog.max_shard_id += owners.len() as u64;
    let id = ShardGroupId(catalog.max_shard_group_id);
    let shards = (first..)
        .zip(owners)
        .map(|(id, owners)| Shard {
            id: ShardId(id),
            owners,
        })
        .collect();
    let group = ShardGroup {
        id,
        start,
        end,
        deleted_at: None,
        truncated_at: None,
        shards,
    };
    catalog.put_shard_group(database, policy, group);
    Ok(())
}

/// Aligned span around `at`, shortened where neighbouring groups overlap it.
fn span(policy: &RetentionPolicy, at: UnixNanos) -> (UnixNanos, UnixNanos) {
    let width = i128::from(policy.shard_group_duration.0.max(1));
    let start = (i128::from(at.0) + ORIGIN).div_euclid(width) * width - ORIGIN;
    let end = start + width;
    // Near the ends of time a span does not fit into 64 bits.
    let start = UnixNanos(start.max(i128::from(MIN_POINT)) as i64);
    let end = if end > i128::from(MAX_POINT) {
        MAX_TIME
    } else {
        UnixNanos(end as i64)
    };
    shrink(&policy.shard_groups, at, start, end)
}

fn shrink(
    groups: &ShardGroups,
    at: UnixNanos,
    start: UnixNanos,
    end: UnixNanos,
) -> (UnixNanos, UnixNanos) {
    let (before, after) = groups.around(at);
    (
        before.map_or(start, |before| start.max(before)),
        after.map_or(end, |after| end.min(after)),
    )
}
