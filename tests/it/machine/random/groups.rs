//! Shard groups in random sequences, checked against a slow and simple form of the rules of
//! wire.md 3.4.

use influxdb_meta::catalog::MAX_TIME;

use super::*;

const ORIGIN: i128 = 62_135_596_800 * 1_000_000_000;
const MAX_POINT: i64 = 9_223_372_036_854_775_806;

/// Checks what a command did to the groups of each policy.
pub(super) fn compare(command: &Command, before: &Catalog, after: &Catalog, what: &str) {
    for database in after.databases.iter() {
        for policy in &database.retention_policies {
            let was = before
                .databases
                .get(&database.name)
                .and_then(|was| was.retention_policy(&policy.name));
            if was == Some(policy) {
                continue;
            }
            look_up(policy, what);
            if let (Some(was), false) = (
                was,
                matches!(command, Command::Wire(WireCommand::SetData(_))),
            ) {
                changes_of(command, was, policy, before, what);
            }
        }
    }
}

/// Checks that the group of a point is the first in the order of the wire that takes it.
fn look_up(policy: &RetentionPolicy, what: &str) {
    let edges = policy
        .shard_groups
        .iter()
        .flat_map(|group| [group.start, group.end, group.effective_end()]);
    for at in edges
        .flat_map(|at| [at.0.saturating_sub(1), at.0, at.0.saturating_add(1)])
        .map(UnixNanos)
    {
        let first = policy.shard_groups.iter().find(|group| takes(group, at));
        assert_eq!(
            policy.shard_groups.taking(at),
            first,
            "{at:?} in {policy:?} after {what}"
        );
    }
}

fn takes(group: &ShardGroup, at: UnixNanos) -> bool {
    let within = group.start <= at && at < group.end;
    within && group.deleted_at.is_none() && group.truncated_at.is_none_or(|end| at < end)
}

fn changes_of(
    command: &Command,
    was: &RetentionPolicy,
    policy: &RetentionPolicy,
    before: &Catalog,
    what: &str,
) {
    for group in policy.shard_groups.iter() {
        match (was.shard_groups.get(group.id), command) {
            (Some(was), _) => only_forth(was, group, what),
            (None, Command::Wire(WireCommand::CreateShardGroup { at, .. })) => {
                made(was, group, *at, before, what)
            }
            (None, _) => panic!("a group {group:?} out of {what}"),
        }
    }
}

/// A deletion stays (wire.md Q39), a truncation only becomes earlier, a span never changes.
fn only_forth(was: &ShardGroup, group: &ShardGroup, what: &str) {
    assert_eq!((was.start, was.end), (group.start, group.end), "{what}");
    assert!(
        was.deleted_at.is_none() || was.deleted_at == group.deleted_at,
        "{what}: {was:?}, {group:?}"
    );
    assert!(
        group.effective_end() <= was.effective_end(),
        "{what}: {was:?}, {group:?}"
    );
}

fn made(policy: &RetentionPolicy, group: &ShardGroup, at: UnixNanos, before: &Catalog, what: &str) {
    let at = at.0.clamp(-MAX_POINT, MAX_POINT);
    assert_eq!(
        (group.start.0, group.end.0),
        span(policy, at),
        "{what}: {policy:?}"
    );
    let nodes = before.active_data_nodes().count();
    let copies = (policy.replica_n.max(1) as usize).min(nodes);
    assert_eq!(group.shards.len(), (nodes / copies).max(1), "{what}");
    for shard in &group.shards {
        assert_eq!(shard.owners.len(), copies, "{what}");
        let passive = |owner: &NodeId| before.is_passive(&before.data_nodes[owner]);
        assert!(!shard.owners.iter().any(passive), "{what}: {shard:?}");
    }
}

/// Steps 6 and 7 of CreateShardGroup (wire.md 3.4).
fn span(policy: &RetentionPolicy, at: i64) -> (i64, i64) {
    let width = i128::from(policy.shard_group_duration.0);
    let start = (i128::from(at) + ORIGIN).div_euclid(width) * width - ORIGIN;
    let end = if start + width > i128::from(MAX_POINT) {
        i128::from(MAX_TIME.0)
    } else {
        start + width
    };
    let mut span = (start.max(i128::from(-MAX_POINT)) as i64, end as i64);
    for group in policy
        .shard_groups
        .iter()
        .filter(|group| group.deleted_at.is_none())
    {
        let end = group.truncated_at.unwrap_or(group.end).0;
        if at >= end && end > span.0 {
            span.0 = end;
        }
        if group.start.0 > at && group.start.0 < span.1 {
            span.1 = group.start.0;
        }
    }
    span
}
