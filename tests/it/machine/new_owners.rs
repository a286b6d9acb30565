//! Rules from `OWNERS_LEVEL` on: no shard is left without owners, and data nodes take turns at new
//! shards (commands.md, "Shard groups").

use influxdb_meta::catalog::{INTERNAL_DATABASE, OWNERS_LEVEL};
use influxdb_meta::machine::SetData;

use super::*;

fn fed(data_nodes: u64, replica_n: u32) -> Fed {
    with_policy_at(OWNERS_LEVEL, data_nodes, replica_n)
}

fn delete(id: u64) -> Command {
    Command::Wire(WireCommand::DeleteDataNode { id: NodeId(id) })
}

fn remove(id: u64, force: bool) -> Command {
    let id = NodeId(id);
    Command::Internal(InternalCommand::RemoveDataNode { id, force })
}

fn raise() -> Command {
    let level = OWNERS_LEVEL;
    Command::Internal(InternalCommand::RaiseFeatureLevel { level })
}

fn assign() -> Command {
    Command::Internal(InternalCommand::AssignOwners)
}

/// The example of wire.md appendix B. Groups that have ended take late points, so their shards get
/// owners as well. No group ends: the number of its shards stays.
#[test]
fn a_removed_nodes_last_copies_pass_to_the_least_loaded_nodes() {
    let mut fed = fed(3, 1);
    fed.put_group(
        1,
        (NOW - HOUR, NOW + 23 * HOUR),
        &[(1, &[2]), (2, &[3]), (3, &[4])],
    );
    fed.put_group(2, (0, DAY), &[(4, &[3]), (5, &[2])]);
    fed.put_group(3, (NOW + DAY, NOW + 2 * DAY), &[(6, &[3, 4])]);
    fed.put_group(4, (DAY, 2 * DAY), &[(7, &[3]), (8, &[3])]);
    fed.ok(delete(3));
    // Node 2 owns as much as node 4; groups change in the order of the wire.
    assert_eq!(fed.owners_in(2), [(4, vec![2]), (5, vec![2])]);
    assert_eq!(fed.owners_in(1), [(1, vec![2]), (2, vec![4]), (3, vec![4])]);
    assert_eq!(fed.owners_in(3), [(6, vec![4])]);
    for id in 1..=3 {
        let group = fed.group(id);
        assert_eq!((group.deleted_at, group.truncated_at), (None, None), "{id}");
    }
    // Nothing is left of this group.
    assert_eq!(fed.group(4).deleted_at, Some(UnixNanos(NOW)));
    assert_eq!(fed.catalog.owners_sought_since, None);
}

#[test]
fn passive_nodes_get_shards_only_where_no_other_is_left() {
    let mut fed = fed(3, 1);
    fed.unseen(Command::Internal(InternalCommand::SetPassive {
        tcp: tcp(3),
        passive: true,
    }));
    fed.put_group(1, (0, DAY), &[(1, &[2]), (2, &[3]), (3, &[4])]);
    fed.ok(delete(2));
    assert_eq!(fed.owners_in(1), [(1, vec![4]), (2, vec![3]), (3, vec![4])]);
    fed.ok(delete(4));
    assert_eq!(fed.owners_in(1), [(1, vec![3]), (2, vec![3]), (3, vec![3])]);
    fed.ok(delete(3));
    assert_eq!(fed.group(1).deleted_at, Some(UnixNanos(NOW)));
}

/// Every data node has single copies of its own figures; expired groups are about to be deleted;
/// and nothing was ever written to a group that was truncated before it began.
#[test]
fn copies_that_nobody_would_miss_do_not_hold_a_removal_up() {
    let mut fed = fed(2, 1);
    fed.ok(create_database_with(
        INTERNAL_DATABASE,
        new_policy("monitor", 7 * DAY, DAY, 1),
    ));
    fed.ok(create_group_in(INTERNAL_DATABASE, "monitor", NOW));
    fed.ok(create_policy("db", new_policy("short", DAY, DAY, 1), false));
    fed.ok(create_group_in("db", "short", NOW - 4 * DAY));
    fed.ok(create_group(NOW + 4 * DAY)).ok(truncate(NOW));
    fed.ok(remove(2, false));
    let mut fed = self::fed(2, 1);
    fed.ok(create_group(NOW));
    let last = "shard 1 has its only copy on data-2:8088: copy it to another data node first, or \
                use force";
    fed.denied(remove(2, false), last);
    fed.ok(remove(2, true));
    assert_eq!(fed.owners_in(1), [(1, vec![3]), (2, vec![3])]);
}

/// The level is raised once every member applies the rules: the shards that older versions left
/// without owners are sought from then on, and given away when the search ends.
#[test]
fn a_cluster_that_lacks_owners_heals_once_its_level_is_raised() {
    let mut fed = with_policy(3, 1);
    fed.put_group(
        1,
        (NOW - HOUR, NOW + 23 * HOUR),
        &[(1, &[2]), (2, &[3]), (3, &[4])],
    );
    fed.ok(delete(3));
    assert_eq!(fed.owners_in(1)[1], (2, vec![]));
    fed.unseen(raise());
    assert_eq!(fed.catalog.owners_sought_since, Some(UnixNanos(NOW)));
    fed.ok(assign());
    assert_eq!(fed.owners_in(1)[1], (2, vec![2]));
    assert_eq!(fed.catalog.owners_sought_since, None);
    fed.unseen(assign());
}

/// Restored shards wait for the data nodes that hold them. A removal meanwhile leaves them alone.
#[test]
fn restored_shards_wait_until_the_search_ends() {
    let mut fed = fed(3, 1);
    let mut view = fed.clone();
    view.catalog.owners_sought_since = Some(UnixNanos(NOW));
    view.put_group(7, (0, DAY), &[(8, &[]), (9, &[])]);
    let restore = SetData {
        index: fed.catalog.index,
        databases: view.catalog.databases.clone(),
        users: view.catalog.users.clone(),
        max_shard_group_id: 7,
        max_shard_id: 9,
    };
    fed.ok(Command::Wire(WireCommand::SetData(Box::new(restore))));
    assert_eq!(fed.catalog.owners_sought_since, Some(UnixNanos(NOW)));
    fed.ok(Command::Wire(WireCommand::CopyShardOwner(copy(9, 4))));
    fed.ok(delete(4));
    assert_eq!(fed.owners_in(7), [(8, vec![]), (9, vec![2])]);
    assert_eq!(fed.group(7).deleted_at, None);
    fed.now += HOUR;
    fed.ok(assign());
    assert_eq!(fed.owners_in(7), [(8, vec![3]), (9, vec![2])]);
    assert_eq!(fed.catalog.owners_sought_since, None);
}

/// Number of new groups out of twelve that each node has a shard of.
fn turns(fed: &mut Fed) -> Vec<(u64, usize)> {
    let first = fed.catalog.max_shard_group_id + 1;
    let days = fed.groups_of("db", "rp").len() as i64;
    for day in 0..12 {
        fed.ok(create_group(NOW + (days + day) * DAY));
    }
    let owned = |node: u64| {
        let groups = (first..first + 12).filter(|group| {
            let shards = fed.owners_in(*group);
            shards.iter().any(|(_, owners)| owners.contains(&node))
        });
        (node, groups.count())
    };
    let ids: Vec<u64> = fed.catalog.data_nodes.keys().map(|id| id.0).collect();
    ids.into_iter().map(owned).collect()
}

/// Nodes that own the fewest shards came first once: a new node was in every new group until it had
/// caught up.
#[test]
fn a_new_node_gets_its_fair_share() {
    let mut fed = fed(2, 2);
    assert_eq!(turns(&mut fed), [(2, 12), (3, 12)]);
    fed.ok(create_data_node(4));
    assert_eq!(turns(&mut fed), [(2, 8), (3, 8), (4, 8)]);
    fed.ok(create_data_node(5)).ok(create_data_node(6));
    assert_eq!(turns(&mut fed).iter().map(|(_, n)| n).sum::<usize>(), 48);
    fed.ok(delete(3)).ok(delete(5));
    assert_eq!(turns(&mut fed), [(2, 8), (4, 8), (6, 8)]);
}

/// Groups of policies whose shards all nodes own do not disturb the turns of the others.
#[test]
fn turns_are_even_whatever_else_is_created() {
    for (nodes, replica_n) in [(3, 2), (5, 2), (5, 3), (7, 4), (4, 3), (4, 1)] {
        let mut fed = fed(nodes, replica_n);
        fed.ok(create_policy("db", new_policy("all", 0, DAY, 9), false));
        fed.ok(create_policy("db", new_policy("one", 0, DAY, 1), false));
        let mut owned = vec![0; nodes as usize + 2];
        for day in 0..(4 * nodes as i64) {
            for policy in ["all", "one", "rp"] {
                fed.ok(create_group_in("db", policy, NOW + day * DAY));
            }
            let group = fed.catalog.max_shard_group_id;
            for owner in fed
                .owners_in(group)
                .into_iter()
                .flat_map(|(_, owners)| owners)
            {
                owned[owner as usize] += 1;
            }
            let (least, most) = (owned[2..].iter().min(), owned[2..].iter().max());
            let spread = most.zip(least).map(|(most, least)| most - least);
            assert!(spread <= Some(1), "{nodes}, {replica_n}: {owned:?}");
        }
    }
}
