//! CreateDataNode, UpdateDataNode, DeleteDataNode, and RemoveDataNode, which an operator asks for.

use influxdb_meta::catalog::MAX_REMOVED_DATA_NODES;

use super::*;

fn update_node(id: u64, http: &str, tcp: &str) -> Command {
    Command::Wire(WireCommand::UpdateDataNode {
        id: NodeId(id),
        http: Text::from(http),
        tcp: Text::from(tcp),
    })
}

fn delete(id: u64) -> Command {
    Command::Wire(WireCommand::DeleteDataNode { id: NodeId(id) })
}

fn remove(id: u64, force: bool) -> Command {
    Command::Internal(InternalCommand::RemoveDataNode {
        id: NodeId(id),
        force,
    })
}

fn ids(fed: &Fed) -> Vec<u64> {
    fed.catalog.data_nodes.keys().map(|id| id.0).collect()
}

fn label(id: u64) -> Command {
    Command::Internal(InternalCommand::SetLabels(
        influxdb_meta::machine::SetLabels {
            node_id: NodeId(id),
            set: [("rack".to_owned(), "1".to_owned())].into(),
            delete: Default::default(),
        },
    ))
}

#[test]
fn ids_are_shared_with_meta_nodes_and_never_given_out_again() {
    let mut fed = Fed::with_data_nodes(2);
    assert_eq!((ids(&fed), fed.catalog.max_node_id), (vec![2, 3], 3));
    fed.ok(delete(3)).ok(create_data_node(3));
    assert_eq!((ids(&fed), fed.catalog.max_node_id), (vec![2, 4], 4));
}

/// A data node cannot join before there is a cluster.
#[test]
fn a_data_node_needs_a_cluster() {
    Fed::default().refused(create_data_node(1), "there is no cluster yet");
}

/// wire.md Q15 and wire.md Q50: a data node whose answer was lost asks again, with the same
/// addresses.
#[test]
fn only_an_identical_one_is_no_error() {
    let mut fed = Fed::with_data_nodes(2);
    let before = fed.catalog.data_nodes.clone();
    fed.ok(create_data_node(2));
    assert_eq!(fed.catalog.data_nodes, before);
    fed.refused(
        Command::Wire(WireCommand::CreateDataNode {
            http: http(9),
            tcp: tcp(2),
        }),
        "node already exists",
    );
    // The HTTP address may belong to another node.
    fed.ok(Command::Wire(WireCommand::CreateDataNode {
        http: http(2),
        tcp: tcp(9),
    }));
}

/// wire.md Q45: in the original the two nodes would share one id.
#[test]
fn one_at_the_address_of_a_meta_node_has_an_id_of_its_own() {
    let mut fed = Fed::with_data_nodes(0);
    fed.ok(Command::Wire(WireCommand::CreateDataNode {
        http: http(2),
        tcp: Text::from("meta-1:8089"),
    }));
    assert_eq!(ids(&fed), [2]);
}

#[test]
fn addresses_are_updated_and_the_rest_stays() {
    let mut fed = with_policy(2, 1);
    fed.ok(create_group(NOW)).unseen(label(2));
    let owners = fed.owners_in(1);
    fed.ok(update_node(2, "new:8086", "new:8088"))
        .ok(update_node(2, "new:8086", "new:8088"));
    let node = &fed.catalog.data_nodes[&NodeId(2)];
    assert_eq!(
        (&node.http, &node.tcp),
        (&Text::from("new:8086"), &Text::from("new:8088"))
    );
    assert_eq!((node.labels.len(), fed.owners_in(1)), (1, owners));
    fed.refused(update_node(9, "x:1", "x:2"), "node not found");
    fed.refused(update_node(1, "x:1", "x:2"), "node not found");
    // wire.md Q22: two nodes would answer to one address.
    fed.refused(update_node(3, "x:1", "new:8088"), "node already exists");
    fed.ok(update_node(3, "new:8086", "data-3:8088"));
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut fed = Fed::with_data_nodes(1);
    for id in [0, 1, 9] {
        fed.refused(delete(id), "node not found");
        fed.denied(remove(id, true), "node not found");
    }
}

/// The example of wire.md appendix B, with this program's rule (commands.md, "Shard groups"): no
/// shard moves to another node. A group whose shards have copies elsewhere goes on, a group that
/// lost one of its shards takes no more points, and one that lost all is deleted.
#[test]
fn its_shards_are_given_to_nobody() {
    let mut fed = with_policy(3, 1);
    fed.put_group(
        1,
        (NOW - HOUR, NOW + 23 * HOUR),
        &[(1, &[2]), (2, &[3]), (3, &[4])],
    );
    fed.put_group(2, (NOW + DAY, NOW + 2 * DAY), &[(4, &[3, 4])]);
    fed.put_group(3, (0, DAY), &[(5, &[3]), (6, &[3])]);
    fed.put_group(4, (DAY, 2 * DAY), &[(7, &[3]), (8, &[2])]);
    fed.ok(delete(3));
    assert_eq!(fed.owners_in(1), [(1, vec![2]), (2, vec![]), (3, vec![4])]);
    assert_eq!(
        (fed.group(1).deleted_at, fed.group(1).truncated_at),
        (None, Some(UnixNanos(NOW)))
    );
    assert_eq!(fed.owners_in(2), [(4, vec![4])]);
    assert_eq!(
        (fed.group(2).deleted_at, fed.group(2).truncated_at),
        (None, None)
    );
    assert_eq!(
        (fed.owners_in(3), fed.group(3).deleted_at),
        (vec![(5, vec![]), (6, vec![])], Some(UnixNanos(NOW)))
    );
    // The group had ended: new points do not go there, so nothing has to change.
    assert_eq!(
        (fed.group(4).deleted_at, fed.group(4).truncated_at),
        (None, None)
    );

    fed.now += 1;
    fed.ok(delete(2)).ok(delete(4));
    assert_eq!(fed.group(1).deleted_at, Some(UnixNanos(NOW + 1)));
    // wire.md Q39: the first deletion counts.
    assert_eq!(fed.group(3).deleted_at, Some(UnixNanos(NOW)));
    assert_eq!(fed.catalog.shards_owned_by(NodeId(3)), 0);
}

/// A restore leaves shards without owners for a while. Removing a data node must not remove such
/// shards.
#[test]
fn shards_that_nobody_owned_are_left_alone() {
    let mut fed = with_policy(2, 1);
    fed.put_group(1, (0, DAY), &[(1, &[]), (2, &[])]);
    fed.ok(delete(2));
    assert_eq!((fed.group(1).deleted_at, fed.owners_in(1).len()), (None, 2));
}

#[test]
fn people_remove_one_with_a_last_copy_by_force_only() {
    let mut fed = with_policy(3, 2);
    fed.put_group(1, (0, DAY), &[(1, &[2, 3]), (2, &[3, 4])])
        .put_group(2, (DAY, 2 * DAY), &[(3, &[3])]);
    let last = "shard 3 has its only copy on data-3:8088: copy it to another data node first, or \
                use force";
    fed.denied(remove(3, false), last);
    fed.ok(remove(2, false));
    assert_eq!(fed.owners_in(1), [(1, vec![3]), (2, vec![3, 4])]);
    fed.ok(remove(3, true));
    assert_eq!(fed.owners_in(1), [(1, vec![]), (2, vec![4])]);
    assert_eq!(fed.group(2).deleted_at, Some(UnixNanos(NOW)));
}

/// The refusal names all affected shards together, but at most 20 of them.
#[test]
fn the_last_copies_of_a_node_are_named_together() {
    let mut fed = with_policy(1, 1);
    let group = |fed: &mut Fed, id: u64| {
        let start = id as i64 * DAY;
        fed.put_group(id, (start, start + DAY), &[(id, &[2])]);
    };
    (1..=2).for_each(|id| group(&mut fed, id));
    let both = "shards 1, 2 have their only copies on data-2:8088: copy them to another data node \
                first, or use force";
    fed.denied(remove(2, false), both);
    (3..=23).for_each(|id| group(&mut fed, id));
    let twenty = (1..=20)
        .map(|id: u64| id.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let all = format!(
        "shards {twenty} and 3 more have their only copies on data-2:8088: copy them to another \
         data node first, or use force"
    );
    fed.denied(remove(2, false), &all);
}

/// Copies of shards in deleted groups do not prevent a removal.
#[test]
fn copies_in_deleted_groups_are_no_last_copies() {
    let mut fed = with_policy(1, 1);
    fed.ok(create_group(NOW))
        .ok(delete_group(1))
        .ok(remove(2, false));
    assert_eq!(
        (ids(&fed), fed.group(1).deleted_at),
        (vec![], Some(UnixNanos(NOW)))
    );
}

/// `show` prints one id for each node, and labels are set by it.
#[test]
fn labels_belong_to_the_node_and_go_with_it() {
    let mut fed = Fed::with_data_nodes(1);
    fed.unseen(label(2));
    assert_eq!(fed.catalog.data_nodes[&NodeId(2)].labels.len(), 1);
    assert!(fed.catalog.meta_nodes[&NodeId(1)].labels.is_empty());
    fed.ok(delete(2)).ok(create_data_node(2));
    assert!(fed.catalog.data_nodes[&NodeId(3)].labels.is_empty());
}

fn removed(fed: &Fed) -> Vec<String> {
    fed.catalog
        .removed_data_nodes
        .iter()
        .map(Text::to_string)
        .collect()
}

/// `add-data` of the configuration would bring these nodes back, or add another node that has one
/// of their addresses by now.
#[test]
fn those_taken_out_are_remembered_until_they_come_back() {
    let mut fed = Fed::with_data_nodes(3);
    let [one, two, three] = [2, 3, 4].map(|id| fed.catalog.data_nodes[&NodeId(id)].tcp.to_string());
    fed.ok(delete(2)).ok(remove(3, false));
    assert_eq!(removed(&fed), [one.clone(), two.clone()]);
    fed.ok(Command::Wire(WireCommand::CreateDataNode {
        http: http(1),
        tcp: Text::from(&one),
    }));
    assert_eq!(removed(&fed), [two.as_str()]);
    fed.ok(update_node(4, "moved:8086", &two));
    assert_eq!(removed(&fed), [three]);
}

#[test]
fn so_many_are_remembered_and_no_more() {
    let mut fed = Fed::with_data_nodes(0);
    for k in 0..=MAX_REMOVED_DATA_NODES as u64 {
        fed.ok(Command::Wire(WireCommand::CreateDataNode {
            http: http(k),
            tcp: tcp(k),
        }));
        let id = fed.catalog.max_node_id;
        fed.ok(delete(id));
    }
    assert_eq!(removed(&fed).len(), MAX_REMOVED_DATA_NODES);
}
