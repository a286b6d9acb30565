//! SetPassive: data nodes that accept writes and are given no shards.

use super::*;

fn owned(fed: &Fed) -> Vec<u64> {
    (2..5)
        .map(|id| fed.catalog.shards_owned_by(NodeId(id)))
        .collect()
}

#[test]
fn a_passive_node_is_given_no_shards() {
    let mut fed = with_policy(3, 1);
    fed.unseen(set_passive(3, true)).ok(create_group(NOW));
    assert_eq!(owned(&fed), [1, 0, 1]);
    // The node may own shards again.
    fed.unseen(set_passive(3, false))
        .ok(create_group(NOW + DAY));
    assert_eq!(owned(&fed), [2, 1, 2]);
}

#[test]
fn one_that_becomes_passive_keeps_what_it_has() {
    let mut fed = with_policy(3, 1);
    fed.ok(create_group(NOW)).unseen(set_passive(3, true));
    assert_eq!(owned(&fed), [1, 1, 1]);
    let copy_to = |node| Command::Wire(WireCommand::CopyShardOwner(copy(1, node)));
    let owner = fed.owners_in(1)[0].1[0];
    assert_ne!(owner, 3);
    fed.refused(
        copy_to(3),
        "data node data-3:8088 is passive: it is given no shards",
    );
    fed.unseen(set_passive(3, false)).ok(copy_to(3));
}

/// The same answer as without data nodes, which clients know (wire.md Q31a).
#[test]
fn where_all_are_passive_no_group_is_made() {
    let mut fed = with_policy(2, 1);
    fed.unseen(set_passive(2, true))
        .unseen(set_passive(3, true))
        .same(create_group(NOW));
    assert_eq!(fed.catalog.max_shard_group_id, 0);
}

/// `autogen` keeps as many copies as there are nodes that may own them, at most three.
#[test]
fn a_passive_node_is_not_counted_for_the_default_copies() {
    let mut fed = Fed::with_data_nodes(2);
    fed.unseen(set_passive(3, true)).ok(create_database("one"));
    fed.ok(create_data_node(4)).ok(create_database("two"));
    assert_eq!(
        (
            fed.policy("one", "autogen").2,
            fed.policy("two", "autogen").2
        ),
        (1, 2)
    );
}

/// `add-data -p` sets it before the node joins.
#[test]
fn it_may_be_said_before_the_node_comes() {
    let mut fed = with_policy(1, 1);
    fed.unseen(set_passive(3, true))
        .ok(create_data_node(3))
        .ok(create_group(NOW));
    assert_eq!(owned(&fed), [1, 0, 0]);
}

#[test]
fn it_follows_the_address_and_ends_with_the_node() {
    let mut fed = Fed::with_data_nodes(2);
    fed.unseen(set_passive(3, true));
    fed.ok(Command::Wire(WireCommand::UpdateDataNode {
        id: NodeId(3),
        http: http(9),
        tcp: tcp(9),
    }));
    assert_eq!(fed.catalog.passive.iter().collect::<Vec<_>>(), [&tcp(9)]);
    fed.ok(Command::Wire(WireCommand::DeleteDataNode { id: NodeId(3) }));
    assert!(fed.catalog.passive.is_empty());
}
