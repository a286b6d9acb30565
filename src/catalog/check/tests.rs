use std::sync::Arc;

use super::*;
use crate::base::{Address, ClusterId, NodeId};
use crate::catalog::{Cluster, Database, MetaNode, Pending, RemovedWhy, RetentionPolicy, Tombstone};

fn sound() -> Catalog {
    let cluster =
        Cluster { id: ClusterId([1; 16]), name: String::new(), with_secret: false, feature_level: 1 };
    let mut catalog =
        Catalog { cluster: Some(cluster), max_node_id: 2, max_raft_id: 4, ..Catalog::default() };
    for k in 1..=2 {
        catalog.meta_nodes.insert(NodeId(k), node(k));
    }
    let incarnation = Incarnation([3; 16]);
    let http = Address::new("meta-3", 8091);
    let raft = Address::new("meta-3", 8089);
    catalog
        .pendings
        .insert(incarnation, Pending { raft_id: RaftId(3), incarnation, http, raft, voter: true });
    let incarnation = Incarnation([4; 16]);
    let (why, at) = (RemovedWhy::Removed, Default::default());
    catalog
        .tombstones
        .insert(incarnation, Tombstone { raft_id: RaftId(4), incarnation, why, at, by: String::new() });
    for name in ["a", "b"] {
        catalog.databases.insert(Database {
            name: Name::from(name),
            default_retention_policy: Name::from("gone"),
            retention_policies: vec![policy("x"), policy("y")],
            continuous_queries: Vec::new(),
        });
    }
    catalog
}

fn node(k: u64) -> MetaNode {
    MetaNode {
        id: NodeId(k),
        http: Address::new(&format!("meta-{k}"), 8091),
        raft: Address::new(&format!("meta-{k}"), 8089),
        raft_id: RaftId(k),
        incarnation: Incarnation([k as u8; 16]),
        voter: true,
        labels: Default::default(),
    }
}

fn policy(name: &str) -> RetentionPolicy {
    RetentionPolicy {
        name: Name::from(name),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos::HOUR,
        replica_n: 1,
        shard_groups: Default::default(),
        subscriptions: Vec::new(),
    }
}

fn label(node: &mut MetaNode, key: &str, value: &str) {
    node.labels.insert(key.to_owned(), value.to_owned());
}

fn change_node(catalog: &mut Catalog, change: impl FnOnce(&mut MetaNode)) {
    change(catalog.meta_nodes.get_mut(&NodeId(2)).expect("node 2"));
}

fn change_policy(catalog: &mut Catalog, change: impl FnOnce(&mut RetentionPolicy)) {
    catalog.databases.update(&Name::from("b"), |database| change(&mut database.retention_policies[1]));
}

/// Each invariant finds the catalog that breaks it alone, and says so by its name.
#[test]
fn each_break_is_found_by_name() {
    type Break = fn(&mut Catalog);
    let breaks: &[(&str, Break)] = &[
        ("the index is at least 1", |c| c.index = 0),
        ("members need a cluster", |c| c.cluster = None),
        ("entries stand under their own key", |c| change_node(c, |node| node.id = NodeId(7))),
        ("node ids are from 1 to the highest given out", |c| c.max_node_id = 1),
        ("Raft ids are from 1 to the highest given out", |c| c.max_raft_id = 3),
        ("Raft ids are from 1 to the highest given out", |c| change_node(c, |node| node.raft_id = RaftId(0))),
        ("a Raft id belongs to one incarnation", |c| change_node(c, |node| node.raft_id = RaftId(1))),
        ("a Raft id belongs to one incarnation", |c| change_node(c, |node| node.raft_id = RaftId(3))),
        ("an incarnation is member, pending or tombstoned", |c| {
            change_node(c, |node| node.incarnation = Incarnation([4; 16]));
        }),
        ("an incarnation is member, pending or tombstoned", |c| {
            change_node(c, |node| node.incarnation = Incarnation([1; 16]));
        }),
        ("addresses of members are unique", |c| change_node(c, |n| n.http = Address::new("meta-1", 8091))),
        ("addresses of members are unique", |c| change_node(c, |n| n.raft = Address::new("meta-1", 8089))),
        ("labels are few and sized", |c| change_node(c, |node| label(node, "", ""))),
        ("labels are few and sized", |c| change_node(c, |node| label(node, &"k".repeat(129), ""))),
        ("labels are few and sized", |c| change_node(c, |node| label(node, "k", &"v".repeat(1025)))),
        ("labels are few and sized", |c| {
            change_node(c, |node| (0..65).for_each(|k| label(node, &k.to_string(), "")));
        }),
        ("databases by order and by name agree", |c| c.databases.next = 1),
        ("databases by order and by name agree", |c| {
            c.databases.by_name.insert(Name::from("c"), 0);
        }),
        ("databases by order and by name agree", |c| {
            c.databases.update(&Name::from("a"), |database| database.name = Name::from("renamed"));
        }),
        ("databases by order and by name agree", |c| {
            let twin = c.databases.get(&Name::from("a")).expect("a").clone();
            c.databases.by_order.insert(1, Arc::new(twin));
        }),
        ("names have 1 to 255 bytes", |c| change_policy(c, |policy| policy.name = Name::default())),
        ("names have 1 to 255 bytes", |c| {
            c.databases.update(&Name::from("a"), |a| a.default_retention_policy = Name::from(&[b'x'; 256]));
        }),
        ("retention policies of a database have unique names", |c| {
            change_policy(c, |policy| policy.name = Name::from("x"));
        }),
        ("retention policies are possible", |c| change_policy(c, |policy| policy.replica_n = 0)),
        ("retention policies are possible", |c| {
            change_policy(c, |policy| policy.shard_group_duration = DurationNanos(1));
        }),
        ("retention policies are possible", |c| {
            change_policy(c, |policy| policy.duration = DurationNanos(1))
        }),
    ];
    assert_eq!(sound().check(), Ok(()));
    for (invariant, break_it) in breaks {
        let mut catalog = sound();
        break_it(&mut catalog);
        assert_eq!(catalog.check().map_err(|violation| violation.invariant), Err(*invariant));
    }
    for invariant in INVARIANTS {
        let name = invariant.name;
        assert!(breaks.iter().any(|(broken, _)| *broken == name), "{name:?} was never seen to fail");
    }
}

/// A newcomer stands at the address of the one that it is to replace, and a wiped one beside itself.
#[test]
fn pendings_may_share_addresses() {
    let mut catalog = sound();
    catalog.max_raft_id = 6;
    for raft_id in [5, 6] {
        let incarnation = Incarnation([raft_id; 16]);
        let MetaNode { http, raft, .. } = node(1);
        let pending = Pending { raft_id: RaftId(raft_id.into()), incarnation, http, raft, voter: true };
        catalog.pendings.insert(incarnation, pending);
    }
    assert_eq!(catalog.check(), Ok(()));
}

/// The bounds themselves are within them.
#[test]
fn the_longest_labels_are_sound() {
    let mut catalog = sound();
    change_node(&mut catalog, |node| {
        (0..64).for_each(|k| label(node, &format!("{k:0128}"), &"v".repeat(1024)));
    });
    assert_eq!(catalog.check(), Ok(()));
}

#[test]
fn members_are_found_by_each_name() {
    let catalog = sound();
    assert_eq!(catalog.meta_node_by_raft_id(RaftId(2)), Some(&node(2)));
    assert_eq!(catalog.meta_node_by_raft_id(RaftId(3)), None, "a pending is no member");
    assert_eq!(catalog.meta_node_by_http(&Address::new("meta-1", 8091)), Some(&node(1)));
    assert_eq!(catalog.meta_node_by_http(&Address::new("meta-1", 8089)), None);
    assert_eq!(catalog.meta_node_by_raft(&Address::new("meta-2", 8089)), Some(&node(2)));
    assert_eq!(catalog.meta_node_by_incarnation(Incarnation([1; 16])), Some(&node(1)));
}
