//! DeleteShardGroup and PruneShardGroups.

use super::*;

#[test]
fn a_group_is_deleted_at_the_time_of_the_command_and_stays() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(NOW)).ok(create_group(NOW + DAY));
    fed.refused(delete_group_in("x", "rp", 1), "database not found: x");
    fed.refused(delete_group_in("db", "", 1), "retention policy not found: ");
    fed.refused(delete_group(3), "shard group not found");
    // Nor is it found in another policy.
    fed.ok(create_policy("db", new_policy("other", 0, DAY, 1), false));
    fed.refused(delete_group_in("db", "other", 1), "shard group not found");

    fed.now = NOW + 7;
    let before = fed.group(1);
    fed.ok(delete_group(1));
    assert_eq!(
        fed.group(1),
        ShardGroup {
            deleted_at: Some(UnixNanos(NOW + 7)),
            ..before
        }
    );
}

/// wire.md Q39: the original restarts the two weeks before pruning each time.
#[test]
fn the_first_deletion_counts() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(NOW)).ok(delete_group(1));
    fed.now += DAY;
    fed.same(delete_group(1));
    assert_eq!(fed.group(1).deleted_at, Some(UnixNanos(NOW)));
}

/// wire.md Q31d: on the wire the epoch means "never".
#[test]
fn a_deletion_at_the_epoch_is_one_nanosecond_later() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(NOW));
    fed.catalog.last_at = UnixNanos(0);
    fed.now = 0;
    fed.ok(delete_group(1));
    assert_eq!(fed.group(1).deleted_at, Some(UnixNanos(1)));
}

#[test]
fn a_deleted_group_is_pruned_after_a_fortnight() {
    let mut fed = with_policy(2, 1);
    fed.ok(create_group(NOW)).ok(create_group(NOW + DAY));
    fed.ok(delete_group(1));
    fed.same(Command::Wire(WireCommand::PruneShardGroups));
    fed.now = NOW + 14 * DAY;
    fed.same(Command::Wire(WireCommand::PruneShardGroups));
    fed.now += 1;
    fed.ok(Command::Wire(WireCommand::PruneShardGroups));
    assert_eq!(
        fed.groups_of("db", "rp")
            .iter()
            .map(|group| group.id.0)
            .collect::<Vec<_>>(),
        [2]
    );
    assert!(fed.catalog.shard(ShardId(1)).is_none() && fed.catalog.shard(ShardId(3)).is_some());
    fed.same(Command::Wire(WireCommand::PruneShardGroups));
}

/// wire.md Q5: the time is the command's, on every node. A clock that went back deletes nothing in
/// the past.
#[test]
fn a_clock_that_went_back_does_not_delete_in_the_past() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(NOW));
    fed.now = i64::MIN;
    fed.ok(delete_group(1));
    assert_eq!(fed.group(1).deleted_at, Some(UnixNanos(NOW)));
}
