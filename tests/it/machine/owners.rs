//! CopyShardOwner, RemoveShardOwner, DropShard, and the removal of a copy by an operator.

use super::*;

fn copy_owner(shard: u64, node: u64) -> Command {
    Command::Wire(WireCommand::CopyShardOwner(copy(shard, node)))
}

fn remove_owner(shard: u64, node: u64) -> Command {
    Command::Wire(WireCommand::RemoveShardOwner(copy(shard, node)))
}

fn remove_copy(shard: u64, node: u64, force: bool) -> Command {
    Command::Internal(InternalCommand::RemoveShardCopy {
        copy: copy(shard, node),
        force,
    })
}

fn drop_shard(id: u64) -> Command {
    Command::Wire(WireCommand::DropShard { id: ShardId(id) })
}

/// A group of two shards, from now on for a day.
fn fed() -> Fed {
    let mut fed = with_policy(5, 2);
    fed.put_group(
        1,
        (NOW - HOUR, NOW + 23 * HOUR),
        &[(1, &[2, 3]), (2, &[4, 5])],
    );
    fed
}

/// The example of wire.md appendix B.
#[test]
fn a_new_owner_stands_before_the_first_with_a_greater_id() {
    let mut fed = fed();
    fed.put_group(2, (0, DAY), &[(3, &[3, 2])]);
    fed.ok(copy_owner(1, 5))
        .ok(copy_owner(1, 4))
        .ok(copy_owner(1, 6))
        .same(copy_owner(1, 4));
    assert_eq!(fed.owners_in(1)[0], (1, vec![2, 3, 4, 5, 6]));
    // Owners that were not sorted before: the new one still comes before the first with a greater
    // id.
    fed.ok(copy_owner(3, 4)).same(copy_owner(3, 2));
    assert_eq!(fed.owners_in(2), [(3, vec![3, 2, 4])]);
}

/// wire.md Q42: the original takes any shard and any node.
#[test]
fn a_copy_needs_its_shard_and_its_node() {
    let mut fed = fed();
    fed.refused(copy_owner(9, 2), "shard not found for id: 9");
    fed.refused(copy_owner(1, 9), "node not found");
    // A meta node is not a data node.
    fed.refused(copy_owner(1, 1), "node not found");
}

#[test]
fn an_owner_is_removed_and_the_others_stay() {
    let mut fed = fed();
    fed.ok(remove_owner(1, 2));
    assert_eq!(fed.owners_in(1), [(1, vec![3]), (2, vec![4, 5])]);
    assert_eq!(fed.group(1).truncated_at, None);
    fed.same(remove_owner(1, 2))
        .same(remove_owner(9, 2))
        .same(remove_owner(1, 9));
}

/// The example of wire.md appendix B. wire.md Q21: the group ends here; otherwise points of one
/// series would continue in its other shards.
#[test]
fn a_shard_without_owners_leaves_its_group_which_ends() {
    let mut fed = fed();
    fed.ok(remove_owner(2, 4)).ok(remove_owner(2, 5));
    assert_eq!(fed.owners_in(1), [(1, vec![2, 3])]);
    assert_eq!(
        (fed.group(1).deleted_at, fed.group(1).truncated_at),
        (None, Some(UnixNanos(NOW)))
    );
    fed.ok(create_group(NOW));
    assert_eq!(
        (fed.group(2).start, fed.owners_in(2).len()),
        (UnixNanos(NOW), 2)
    );

    fed.ok(drop_shard(1));
    assert_eq!(
        (fed.owners_in(1), fed.group(1).deleted_at),
        (vec![], Some(UnixNanos(NOW)))
    );
    fed.same(drop_shard(1))
        .same(drop_shard(2))
        .same(drop_shard(99));
    assert_eq!(
        fed.catalog.shards_owned_by(NodeId(2)),
        1,
        "in the new group"
    );
}

/// A group that has ended takes no points, and a future group is empty from its beginning.
#[test]
fn a_group_that_has_ended_stays_as_it_is_without_one_of_its_shards() {
    let mut fed = fed();
    fed.put_group(2, (NOW - DAY - HOUR, NOW - HOUR), &[(3, &[2]), (4, &[3])]);
    fed.put_group(3, (NOW + DAY, NOW + 2 * DAY), &[(5, &[2]), (6, &[3])]);
    fed.ok(drop_shard(3)).ok(drop_shard(5));
    assert_eq!(fed.group(2).truncated_at, None);
    assert_eq!(fed.group(3).truncated_at, Some(UnixNanos(NOW + DAY)));
}

/// Shards without owners, as a restore leaves them.
#[test]
fn removing_an_owner_from_a_shard_that_has_none_removes_the_shard() {
    let mut fed = fed();
    fed.put_group(2, (0, DAY), &[(3, &[]), (4, &[])]);
    fed.ok(remove_owner(3, 2));
    assert_eq!(fed.owners_in(2), [(4, vec![])]);
    fed.ok(remove_owner(4, 9));
    assert_eq!(
        (fed.owners_in(2), fed.group(2).deleted_at),
        (vec![], Some(UnixNanos(NOW)))
    );
}

/// wire.md Q39: the first deletion counts.
#[test]
fn a_deleted_group_keeps_its_first_deletion() {
    let mut fed = fed();
    fed.ok(delete_group(1));
    fed.now += DAY;
    fed.ok(drop_shard(1)).ok(drop_shard(2));
    assert_eq!(
        (fed.group(1).deleted_at, fed.group(1).truncated_at),
        (Some(UnixNanos(NOW)), None)
    );
}

#[test]
fn people_remove_what_is_there_and_the_last_copy_by_force_only() {
    let mut fed = fed();
    fed.denied(remove_copy(9, 2, true), "shard not found for id: 9");
    fed.denied(
        remove_copy(1, 4, true),
        "shard 1 has no copy on data node 4",
    );
    fed.ok(remove_copy(1, 2, false));
    let last = "shard 1 has its only copy on data-3:8088: copy it to another data node first, or \
                use force";
    fed.denied(remove_copy(1, 3, false), last);
    fed.ok(remove_copy(1, 3, true));
    assert_eq!(fed.owners_in(1), [(2, vec![4, 5])]);
    assert_eq!(fed.group(1).truncated_at, Some(UnixNanos(NOW)));
    // Every data node removes its copies of deleted groups anyway.
    fed.ok(remove_copy(2, 4, false))
        .ok(delete_group(1))
        .ok(remove_copy(2, 5, false));
    assert_eq!(fed.owners_in(1), []);
}
