use std::sync::Arc;

use super::*;
use crate::base::{
    Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, ShardGroupId, ShardId,
    Text, UnixNanos,
};
use crate::catalog::{
    Cluster, ContinuousQuery, DataNode, Database, MAX_LEASES, MetaNode, OWNERS_LEVEL, Pending,
    Permissions, RemovedWhy, RetentionPolicy, Role, Shard, ShardGroup, Subscription, Tombstone,
    User,
};

fn sound() -> Catalog {
    let cluster = Cluster {
        id: ClusterId([1; 16]),
        name: String::new(),
        with_secret: false,
        feature_level: 1,
    };
    let mut catalog = Catalog {
        cluster: Some(cluster),
        index: 9,
        content_index: 9,
        max_node_id: 4,
        max_raft_id: 4,
        max_shard_group_id: 3,
        max_shard_id: 4,
        ..Catalog::default()
    };
    for k in 1..=2 {
        catalog.meta_nodes.insert(NodeId(k), node(k));
    }
    let incarnation = Incarnation([3; 16]);
    let http = Address::new("meta-3", 8091);
    let raft = Address::new("meta-3", 8089);
    catalog.pendings.insert(
        incarnation,
        Pending {
            raft_id: RaftId(3),
            incarnation,
            http,
            raft,
            voter: true,
        },
    );
    let incarnation = Incarnation([4; 16]);
    let (why, at) = (RemovedWhy::Removed, Default::default());
    catalog.tombstones.insert(
        incarnation,
        Tombstone {
            raft_id: RaftId(4),
            incarnation,
            why,
            at,
            by: String::new(),
        },
    );
    for name in ["a", "b"] {
        let query = ContinuousQuery {
            name: Name::from("q"),
            query: Text::from("text"),
        };
        catalog.databases.insert(Database {
            name: Name::from(name),
            default_retention_policy: Name::from("gone"),
            retention_policies: vec![policy("x"), policy("y")],
            continuous_queries: vec![query],
        });
        let (name, hash) = (Name::from(name), Text::from("hash"));
        let permissions = [
            (Name::default(), Permissions::ALL),
            (Name::from("a"), Permissions::DATA),
        ];
        catalog.users.insert(User {
            name: name.clone(),
            hash,
            admin: false,
            privileges: Default::default(),
            beyond: Default::default(),
        });
        catalog.roles.insert(Role {
            name: name.clone(),
            permissions: permissions.into_iter().collect(),
            users: [(name, ())].into_iter().collect(),
        });
    }
    for k in 3..=4 {
        let (http, tcp) = (
            Text::from("data:8086"),
            Text::from(&format!("data-{k}:8088")),
        );
        catalog.data_nodes.insert(
            NodeId(k),
            DataNode {
                id: NodeId(k),
                http,
                tcp,
                labels: Default::default(),
            },
        );
    }
    // A node that owns shards may be passive, and so may a node that is still to join.
    catalog.passive = ["data-3:8088", "data-5:8088"]
        .iter()
        .map(Text::from)
        .collect();
    catalog
        .leases
        .insert(Name::from("continuous_querier"), NodeId(9));
    let (a, x, y) = (Name::from("a"), Name::from("x"), Name::from("y"));
    catalog.put_shard_group(&a, &x, group(1, 0, 10, &[(1, &[3, 4]), (2, &[])]));
    catalog.put_shard_group(&a, &x, group(2, 10, 20, &[(3, &[4])]));
    catalog.put_shard_group(&a, &y, group(3, 0, 10, &[(4, &[3])]));
    catalog
}

fn group(id: u64, start: i64, end: i64, shards: &[(u64, &[u64])]) -> ShardGroup {
    let shard = |(id, owners): &(u64, &[u64])| Shard {
        id: ShardId(*id),
        owners: owners.iter().copied().map(NodeId).collect(),
    };
    ShardGroup {
        id: ShardGroupId(id),
        start: UnixNanos(start),
        end: UnixNanos(end),
        deleted_at: None,
        truncated_at: None,
        shards: shards.iter().map(shard).collect(),
    }
}

/// Puts this group into the first policy. It replaces the group with its id.
fn put_group(catalog: &mut Catalog, group: ShardGroup) {
    catalog.put_shard_group(&Name::from("a"), &Name::from("x"), group);
}

/// Changes the second group of the first policy.
fn change_group(catalog: &mut Catalog, change: impl FnOnce(&mut ShardGroup)) {
    let mut group = catalog.shard(ShardId(3)).expect("shard 3").group.clone();
    change(&mut group);
    put_group(catalog, group);
}

fn change_a(catalog: &mut Catalog, change: impl FnOnce(&mut Database)) {
    catalog.databases.update(&Name::from("a"), change);
}

fn change_data_node(catalog: &mut Catalog, change: impl FnOnce(&mut DataNode)) {
    let changed = catalog.data_nodes.update(&NodeId(4), change);
    changed.expect("node 4");
}

fn change_user(catalog: &mut Catalog, change: impl FnOnce(&mut User)) {
    let changed = catalog.users.update(&Name::from("a"), change);
    changed.expect("user a");
}

fn permit(user: &mut User, scope: &str, permissions: Permissions) {
    user.beyond.insert(Name::from(scope), permissions);
}

/// Adds a role like the first one, changed.
fn put_role(catalog: &mut Catalog, change: impl FnOnce(&mut Role)) {
    let mut role = catalog.roles.get(&Name::from("a")).expect("a").clone();
    role.name = Name::from("new");
    change(&mut role);
    catalog.roles.insert(role);
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
        subscriptions: vec![Subscription {
            name: Name::from("s"),
            mode: Text::from("ALL"),
            destinations: Vec::new(),
        }],
    }
}

fn label(node: &mut MetaNode, key: &str, value: &str) {
    node.labels.insert(key.to_owned(), value.to_owned());
}

fn change_node(catalog: &mut Catalog, change: impl FnOnce(&mut MetaNode)) {
    let changed = catalog.meta_nodes.update(&NodeId(2), change);
    changed.expect("node 2");
}

fn change_policy(catalog: &mut Catalog, change: impl FnOnce(&mut RetentionPolicy)) {
    catalog.databases.update(&Name::from("b"), |database| {
        change(&mut database.retention_policies[1])
    });
}

/// Each invariant finds the catalog that breaks only this invariant, and reports its own name.
#[test]
fn each_break_is_found_by_name() {
    type Break = fn(&mut Catalog);
    let breaks: &[(&str, Break)] = &[
        ("the index is at least 1", |c| c.index = 0),
        ("databases changed at the index or before", |c| {
            c.content_index = 10
        }),
        ("highest ids leave room for the next ones", |c| {
            c.max_shard_id = MAX_ID + 1
        }),
        ("highest ids leave room for the next ones", |c| {
            c.max_shard_group_id = u64::MAX
        }),
        ("highest ids leave room for the next ones", |c| {
            c.users.next = u64::MAX
        }),
        ("nodes need a cluster", |c| c.cluster = None),
        ("nodes need a cluster", |c| {
            let data_nodes = c.data_nodes.clone();
            *c = Catalog {
                data_nodes,
                ..Catalog::default()
            };
        }),
        ("entries stand under their own key", |c| {
            change_node(c, |node| node.id = NodeId(7))
        }),
        ("entries stand under their own key", |c| {
            change_data_node(c, |node| node.id = NodeId(3))
        }),
        ("node ids are from 1 to the highest given out", |c| {
            c.max_node_id = 3
        }),
        ("a node id belongs to one node", |c| {
            let twin = DataNode {
                id: NodeId(1),
                tcp: Text::from("data-1:8088"),
                ..c.data_nodes[&NodeId(4)].clone()
            };
            c.data_nodes.insert(NodeId(1), twin);
        }),
        ("Raft ids are from 1 to the highest given out", |c| {
            c.max_raft_id = 3
        }),
        ("Raft ids are from 1 to the highest given out", |c| {
            change_node(c, |node| node.raft_id = RaftId(0))
        }),
        ("a Raft id belongs to one incarnation", |c| {
            change_node(c, |node| node.raft_id = RaftId(1))
        }),
        ("a Raft id belongs to one incarnation", |c| {
            change_node(c, |node| node.raft_id = RaftId(3))
        }),
        ("an incarnation is member, pending or tombstoned", |c| {
            change_node(c, |node| node.incarnation = Incarnation([4; 16]));
        }),
        ("an incarnation is member, pending or tombstoned", |c| {
            change_node(c, |node| node.incarnation = Incarnation([1; 16]));
        }),
        ("addresses of members are unique", |c| {
            change_node(c, |n| n.http = Address::new("meta-1", 8091))
        }),
        ("addresses of members are unique", |c| {
            change_node(c, |n| n.raft = Address::new("meta-1", 8089))
        }),
        ("TCP addresses of data nodes are unique", |c| {
            change_data_node(c, |node| node.tcp = Text::from("data-3:8088"));
        }),
        ("labels are few and sized", |c| {
            change_node(c, |node| label(node, "", ""))
        }),
        ("labels are few and sized", |c| {
            change_data_node(c, |node| {
                _ = node.labels.insert(String::new(), String::new())
            });
        }),
        ("labels are few and sized", |c| {
            change_node(c, |node| label(node, &"k".repeat(129), ""))
        }),
        ("labels are few and sized", |c| {
            change_node(c, |node| label(node, "k", &"v".repeat(1025)))
        }),
        ("labels are few and sized", |c| {
            change_node(c, |node| {
                (0..65).for_each(|k| label(node, &k.to_string(), ""))
            });
        }),
        ("databases by order and by name agree", |c| {
            c.databases.next = 1
        }),
        ("databases by order and by name agree", |c| {
            c.databases.by_name.insert(Name::from("c"), 0);
        }),
        ("databases by order and by name agree", |c| {
            c.databases.update(&Name::from("a"), |database| {
                database.name = Name::from("renamed")
            });
        }),
        ("databases by order and by name agree", |c| {
            let twin = c.databases.get(&Name::from("a")).expect("a").clone();
            c.databases.by_order.insert(1, Arc::new(twin));
        }),
        ("leases are few and named", |c| {
            for k in 0..MAX_LEASES {
                c.leases.insert(Name::from(&k.to_string()), NodeId(1));
            }
        }),
        ("leases are few and named", |c| {
            _ = c.leases.insert(Name::default(), NodeId(1))
        }),
        ("leases are few and named", |c| {
            _ = c.leases.insert(Name::from(&[b'x'; 256]), NodeId(1))
        }),
        ("users by order and by name agree", |c| c.users.next = 1),
        ("users have names", |c| {
            let nameless = User {
                name: Name::default(),
                ..c.users.get(&Name::from("a")).expect("a").clone()
            };
            c.users.insert(nameless);
        }),
        ("roles by order and by name agree", |c| c.roles.next = 1),
        ("roles have names of 1 to 255 bytes", |c| {
            put_role(c, |role| role.name = Name::default())
        }),
        ("roles have names of 1 to 255 bytes", |c| {
            put_role(c, |role| role.name = Name::from(&[b'r'; 256]))
        }),
        ("members of roles are users", |c| {
            put_role(c, |role| _ = role.users.insert(Name::from("gone"), ()))
        }),
        ("permissions have one form", |c| {
            put_role(c, |role| {
                _ = role.permissions.insert(Name::from("b"), Permissions::NONE)
            })
        }),
        ("permissions have one form", |c| {
            change_user(c, |user| permit(user, "", Permissions::ADMIN))
        }),
        ("permissions have one form", |c| {
            change_user(c, |user| permit(user, "a", Permissions::DATA))
        }),
        ("permissions have one form", |c| {
            change_user(c, |user| {
                user.admin = true;
                permit(user, "", Permissions::ALL);
            })
        }),
        ("permissions have one form", |c| {
            change_user(c, |user| {
                user.admin = true;
                permit(user, "", Permissions::DATA);
            })
        }),
        ("permissions are on databases", |c| {
            change_user(c, |user| {
                let beyond = Permissions::ALL.without(Permissions::DATA);
                permit(user, "gone", beyond);
            })
        }),
        ("permissions are on databases", |c| {
            put_role(c, |role| {
                _ = role
                    .permissions
                    .insert(Name::from("gone"), Permissions::DATA)
            })
        }),
        ("continuous queries of a database have unique names", |c| {
            change_a(c, |a| {
                a.continuous_queries.push(a.continuous_queries[0].clone())
            });
        }),
        (
            "subscriptions of a retention policy have unique names",
            |c| {
                change_policy(c, |policy| {
                    policy.subscriptions.push(policy.subscriptions[0].clone())
                });
            },
        ),
        ("names have 1 to 255 bytes", |c| {
            change_policy(c, |policy| policy.name = Name::default())
        }),
        ("names have 1 to 255 bytes", |c| {
            c.databases.update(&Name::from("a"), |a| {
                a.default_retention_policy = Name::from(&[b'x'; 256])
            });
        }),
        ("retention policies of a database have unique names", |c| {
            change_policy(c, |policy| policy.name = Name::from("x"));
        }),
        ("retention policies are possible", |c| {
            change_policy(c, |policy| policy.replica_n = 0)
        }),
        ("retention policies are possible", |c| {
            change_policy(c, |policy| policy.shard_group_duration = DurationNanos(1));
        }),
        ("retention policies are possible", |c| {
            change_policy(c, |policy| policy.duration = DurationNanos(1))
        }),
        ("shard groups by order and by id agree", |c| {
            change_a(c, |a| {
                _ = a.retention_policies[0]
                    .shard_groups
                    .by_id
                    .remove(&ShardGroupId(1))
            });
        }),
        ("shard groups by order and by id agree", |c| {
            change_a(c, |a| {
                let groups = &mut a.retention_policies[0].shard_groups;
                let (place, moved) = groups.in_order.get_max().expect("a group").clone();
                let moved = ShardGroup {
                    end: UnixNanos(21),
                    ..(*moved).clone()
                };
                groups.in_order.insert(place, Arc::new(moved));
            });
        }),
        ("shard group ids are from 1 to the highest given out", |c| {
            c.max_shard_group_id = 2
        }),
        ("shard group ids are from 1 to the highest given out", |c| {
            put_group(c, group(0, 30, 40, &[(4, &[])]))
        }),
        ("a shard group id belongs to one group", |c| {
            put_group(c, group(3, 30, 40, &[(4, &[])]))
        }),
        ("shard ids are from 1 to the highest given out", |c| {
            c.max_shard_id = 3
        }),
        ("a shard id belongs to one shard", |c| {
            change_group(c, |group| group.shards[0].id = ShardId(1))
        }),
        ("shard groups have a span, and end within it", |c| {
            change_group(c, |group| group.end = group.start)
        }),
        ("shard groups have a span, and end within it", |c| {
            change_group(c, |group| group.truncated_at = Some(UnixNanos(9)));
        }),
        ("shard groups have a span, and end within it", |c| {
            change_group(c, |group| group.truncated_at = Some(UnixNanos(21)));
        }),
        ("no shard group is deleted or truncated at the epoch", |c| {
            change_group(c, |group| group.deleted_at = Some(UnixNanos(0)));
        }),
        ("no shard group is deleted or truncated at the epoch", |c| {
            change_group(c, |group| {
                (group.start, group.truncated_at) = (UnixNanos(0), Some(UnixNanos(0)))
            });
        }),
        ("shard groups overlap only deleted ones", |c| {
            change_group(c, |group| group.start = UnixNanos(9))
        }),
        // An empty group in the middle of another one.
        ("shard groups overlap only deleted ones", |c| {
            change_group(c, |group| {
                (group.start, group.truncated_at) = (UnixNanos(5), Some(UnixNanos(5)));
            });
        }),
        ("shard groups without shards are deleted", |c| {
            change_group(c, |group| group.shards.clear())
        }),
        ("owners are distinct data nodes", |c| {
            change_group(c, |group| group.shards[0].owners.push(NodeId(4)))
        }),
        ("owners are distinct data nodes", |c| {
            change_group(c, |group| group.shards[0].owners.push(NodeId(1)))
        }),
        (
            "shards without owners are in deleted groups, or their owners are sought",
            |c| {
                let cluster = c.cluster.as_mut().expect("a cluster");
                cluster.feature_level = OWNERS_LEVEL;
                change_group(c, |group| group.shards[0].owners.clear());
                // The index follows: only the rule itself is broken.
                c.index_shards();
            },
        ),
        ("the index of shards is that of the databases", |c| {
            c.index_of_shards = Default::default()
        }),
        ("the index of shards is that of the databases", |c| {
            c.databases.remove(&Name::from("a")).map_or((), drop)
        }),
        ("the index of shards is that of the databases", |c| {
            _ = c.index_of_shards.owned.insert(NodeId(4), 7);
        }),
        ("sizes are those of the contents", |c| {
            c.databases.update_sized(&Name::from("a"), |_| ((), 1));
        }),
    ];
    assert_eq!(sound().check(), Ok(()));
    for (invariant, break_it) in breaks {
        let mut catalog = sound();
        break_it(&mut catalog);
        assert_eq!(
            catalog.check().map_err(|violation| violation.invariant),
            Err(*invariant)
        );
    }
    for invariant in INVARIANTS {
        let name = invariant.name;
        assert!(
            breaks.iter().any(|(broken, _)| *broken == name),
            "{name:?} was never seen to fail"
        );
    }
}

/// A newcomer has the address of the member that it is to replace, and two pendings may share one
/// address.
#[test]
fn pendings_may_share_addresses() {
    let mut catalog = sound();
    catalog.max_raft_id = 6;
    for raft_id in [5, 6] {
        let incarnation = Incarnation([raft_id; 16]);
        let MetaNode { http, raft, .. } = node(1);
        let pending = Pending {
            raft_id: RaftId(raft_id.into()),
            incarnation,
            http,
            raft,
            voter: true,
        };
        catalog.pendings.insert(incarnation, pending);
    }
    assert_eq!(catalog.check(), Ok(()));
}

/// A deleted group stays until it is pruned, and may overlap others. An empty group may lie at the
/// edge of another one.
#[test]
fn deleted_and_empty_groups_are_sound() {
    let mut catalog = sound();
    (catalog.max_shard_group_id, catalog.max_shard_id) = (9, 9);
    put_group(
        &mut catalog,
        ShardGroup {
            deleted_at: Some(UnixNanos(-1)),
            ..group(4, 5, 25, &[])
        },
    );
    put_group(
        &mut catalog,
        ShardGroup {
            truncated_at: Some(UnixNanos(20)),
            ..group(5, 20, 25, &[(5, &[])])
        },
    );
    put_group(&mut catalog, group(6, 20, 25, &[(6, &[])]));
    assert_eq!(catalog.check(), Ok(()));
}

/// Values at the bounds are valid.
#[test]
fn bounds_are_within() {
    let mut catalog = sound();
    change_node(&mut catalog, |node| {
        (0..64).for_each(|k| label(node, &format!("{k:0128}"), &"v".repeat(1024)));
    });
    catalog.leases = (0..1000)
        .map(|k| (Name::from(&format!("{k:0255}")), NodeId(k)))
        .collect();
    (catalog.max_node_id, catalog.max_raft_id) = (MAX_ID, MAX_ID);
    assert_eq!(catalog.check(), Ok(()));
}

#[test]
fn members_are_found_by_each_name() {
    let catalog = sound();
    assert_eq!(catalog.meta_node_by_raft_id(RaftId(2)), Some(&node(2)));
    assert_eq!(
        catalog.meta_node_by_raft_id(RaftId(3)),
        None,
        "a pending is no member"
    );
    assert_eq!(
        catalog.meta_node_by_http(&Address::new("meta-1", 8091)),
        Some(&node(1))
    );
    assert_eq!(
        catalog.meta_node_by_http(&Address::new("meta-1", 8089)),
        None
    );
    assert_eq!(
        catalog.meta_node_by_raft(&Address::new("meta-2", 8089)),
        Some(&node(2))
    );
    assert_eq!(
        catalog.meta_node_by_incarnation(Incarnation([1; 16])),
        Some(&node(1))
    );
}
