use super::*;
use crate::base::{
    Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, ShardGroupId, ShardId,
};
use crate::catalog::{
    Cluster, ContinuousQuery, DataNode, MetaNode, Pending, RemovedWhy, RetentionPolicy, Shard,
    ShardGroup, Subscription, Tombstone, User,
};
use crate::wire::proto::data::RetentionPolicyInfo;

/// Catalog with a distinct value in every field of format 2.
fn full() -> Catalog {
    let address = |host: &str, port| Address::new(host, port);
    let mut catalog = Catalog {
        term: 3,
        index: 41,
        last_at: UnixNanos(-5),
        cluster: Some(Cluster {
            id: ClusterId([7; 16]),
            name: "prod".to_owned(),
            with_secret: true,
            feature_level: 2,
        }),
        max_node_id: 11,
        max_shard_group_id: 12,
        max_shard_id: 13,
        max_raft_id: 14,
        ..Catalog::default()
    };
    for k in 1..=3u8 {
        let node = MetaNode {
            id: NodeId(k.into()),
            http: address(&format!("meta-{k}"), 8091),
            raft: address(&format!("meta-{k}"), 8089),
            raft_id: RaftId(u64::from(k) + 3),
            incarnation: Incarnation([k; 16]),
            voter: k != 2,
            labels: (1..k)
                .map(|n| (format!("label-{n}"), format!("\u{e9}{k}")))
                .collect(),
        };
        catalog.meta_nodes.insert(node.id, node);
    }
    let pending = Pending {
        raft_id: RaftId(8),
        incarnation: Incarnation([8; 16]),
        http: address("fd00::8", 8091),
        raft: address("fd00::8", 8089),
        voter: true,
    };
    catalog.pendings.insert(pending.incarnation, pending);
    let whys = [
        RemovedWhy::Removed,
        RemovedWhy::Replaced,
        RemovedWhy::Unseen,
        RemovedWhy::Restored,
    ];
    for (k, why) in (10u8..).zip(whys) {
        let tombstone = Tombstone {
            incarnation: Incarnation([k; 16]),
            raft_id: RaftId(k.into()),
            why,
            at: UnixNanos(i64::from(k)),
            by: format!("incarnation {k}"),
        };
        catalog.tombstones.insert(tombstone.incarnation, tombstone);
    }
    for name in ["b", "gone", "a"] {
        catalog.databases.insert(Database {
            name: Name::from(name),
            default_retention_policy: Name::from("rp"),
            retention_policies: vec![RetentionPolicy {
                name: Name::from(b"rp\xff"),
                duration: DurationNanos(-1),
                shard_group_duration: DurationNanos::HOUR,
                replica_n: 2,
                shard_groups: Default::default(),
                subscriptions: Vec::new(),
            }],
            continuous_queries: Vec::new(),
        });
    }
    catalog.databases.remove(&Name::from("gone"));
    catalog
}

/// Catalog with a distinct value in every field.
fn of_format_3() -> Catalog {
    let mut catalog = full();
    catalog.content_index = 7;
    for id in [5, 6].map(NodeId) {
        let (http, tcp) = (Text::from(b"\xff"), Text::from(&format!("data-{id}:8088")));
        let labels =
            [("rack", "1"), ("az", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        catalog.data_nodes.insert(
            id,
            DataNode {
                id,
                http,
                tcp,
                labels: labels.into(),
            },
        );
    }
    catalog.passive = ["data-6:8088", "data-9:8088"]
        .iter()
        .map(Text::from)
        .collect();
    catalog.removed_data_nodes = ["data-1:8088", "data-2:8088"]
        .iter()
        .map(Text::from)
        .collect();
    catalog.leases = [("a", 5), ("b", 0)]
        .map(|(name, id)| (Name::from(name), NodeId(id)))
        .into_iter()
        .collect();
    for name in ["z", "gone", "y"] {
        let privileges =
            [("a", 3), ("b", -1)].map(|(name, privilege)| (Name::from(name), privilege));
        let (name, hash) = (Name::from(name), Text::from("hash"));
        catalog.users.insert(User {
            name,
            hash,
            admin: true,
            privileges: privileges.into_iter().collect(),
            beyond: Default::default(),
        });
    }
    catalog.users.remove(&Name::from("gone"));
    catalog.databases.update(&Name::from("b"), |database| {
        let query = ContinuousQuery {
            name: Name::from("q"),
            query: Text::from(b"\xff"),
        };
        database.continuous_queries.push(query);
        let (name, mode) = (Name::from("s"), Text::from("ALL"));
        let subscription = Subscription {
            name,
            mode,
            destinations: vec![Text::from("udp://h:1")],
        };
        database.retention_policies[0]
            .subscriptions
            .push(subscription);
    });
    let shard = |id, owners: &[u64]| Shard {
        id: ShardId(id),
        owners: owners.iter().copied().map(NodeId).collect(),
    };
    let group = ShardGroup {
        id: ShardGroupId(2),
        start: UnixNanos(-9),
        end: UnixNanos(9),
        deleted_at: Some(UnixNanos(-1)),
        truncated_at: Some(UnixNanos(1)),
        shards: vec![shard(3, &[6, 5]), shard(1, &[])],
    };
    catalog.put_shard_group(&Name::from("b"), &Name::from(b"rp\xff"), group);
    catalog
}

/// The same catalog without the content that format 1 does not have.
fn of_format_1() -> Catalog {
    let mut catalog = full();
    for id in (1..=3).map(NodeId) {
        let bare = |node: &mut MetaNode| (node.voter, node.labels) = (true, Default::default());
        catalog.meta_nodes.update(&id, bare).expect("meta node");
    }
    for k in 10..14 {
        let unnamed = |tombstone: &mut Tombstone| tombstone.by = String::new();
        let changed = catalog.tombstones.update(&Incarnation([k; 16]), unnamed);
        changed.expect("tombstone");
    }
    catalog
}

#[test]
fn what_goes_in_comes_out() {
    for catalog in [Catalog::default(), full(), of_format_3()] {
        assert_eq!(catalog.check(), Ok(()));
        let bytes = encode(&catalog);
        assert_eq!(decode(&bytes), Ok(catalog.clone()));
        assert_eq!(encode(&decode(&bytes).expect("decoded")), bytes);
    }
}

/// A member of an older version reads the snapshots of newer members as long as they have no newer
/// content.
#[test]
fn the_format_written_is_the_lowest_that_holds_it() {
    let node = |change: fn(&mut MetaNode)| {
        let mut catalog = of_format_1();
        let changed = catalog.meta_nodes.update(&NodeId(2), change);
        changed.expect("node 2");
        catalog
    };
    let with = |change: fn(&mut Catalog)| {
        let mut catalog = of_format_1();
        change(&mut catalog);
        catalog
    };
    let mut by = of_format_1();
    let named = |tombstone: &mut Tombstone| tombstone.by = "influxd-ctl".to_owned();
    let changed = by.tombstones.update(&Incarnation([10; 16]), named);
    changed.expect("tombstone");
    let labelled = node(|node| drop(node.labels.insert("rack".to_owned(), String::new())));
    for (format, catalog) in [
        (1, Catalog::default()),
        (1, of_format_1()),
        (2, node(|node| node.voter = false)),
        (2, labelled),
        (2, by),
        (2, full()),
        (3, of_format_3()),
        (3, with(|catalog| catalog.content_index = 1)),
        (3, with(|catalog| catalog.passive = of_format_3().passive)),
        (
            3,
            with(|catalog| catalog.removed_data_nodes = of_format_3().removed_data_nodes),
        ),
        (
            3,
            with(|catalog| catalog.data_nodes = of_format_3().data_nodes),
        ),
        (3, with(|catalog| catalog.leases = of_format_3().leases)),
        (3, with(|catalog| catalog.users = of_format_3().users)),
        // Insertion numbers continue after those of deleted users.
        (
            3,
            with(|catalog| {
                catalog.users = of_format_3().users;
                catalog.users.replace_all([]);
            }),
        ),
        (
            3,
            with(|catalog| {
                let query = ContinuousQuery {
                    name: Name::from("q"),
                    query: Text::default(),
                };
                catalog
                    .databases
                    .update(&Name::from("a"), |a| a.continuous_queries.push(query));
            }),
        ),
        (
            3,
            with(|catalog| {
                let of_3 = of_format_3()
                    .databases
                    .get(&Name::from("b"))
                    .expect("b")
                    .retention_policies[0]
                    .clone();
                catalog.databases.update(&Name::from("a"), |a| {
                    a.retention_policies[0].subscriptions = of_3.subscriptions
                });
            }),
        ),
        (
            3,
            with(|catalog| {
                let of_3 = of_format_3()
                    .databases
                    .get(&Name::from("b"))
                    .expect("b")
                    .retention_policies[0]
                    .clone();
                catalog.databases.update(&Name::from("a"), |a| {
                    a.retention_policies[0].shard_groups = of_3.shard_groups
                });
                catalog.index_shards();
            }),
        ),
    ] {
        let bytes = encode(&catalog);
        assert!(bytes.starts_with(&[0x08, format]), "{format}: {catalog:?}");
        assert_eq!(decode(&bytes), Ok(catalog));
    }
}

/// Fields that format 1 does not have are required in format 2: no default can hide a loss.
#[test]
fn a_state_of_format_2_says_everything() {
    let state = State::decode(encode(&full())).expect("state");
    let cuts: [fn(&mut State); 5] = [
        |state| state.meta_nodes[0].voter = None,
        |state| state.meta_nodes[1].labels[0].key = None,
        |state| state.meta_nodes[1].labels[0].value = None,
        |state| state.meta_nodes[2].labels[1].key = state.meta_nodes[2].labels[0].key.clone(),
        |state| state.tombstones[0].by = None,
    ];
    for cut in cuts {
        let mut state = state.clone();
        cut(&mut state);
        assert!(decode(&state.encode_to_vec()).is_err());
    }
}

/// The same in format 3. A catalog in an older format than its content needs was written by no
/// version.
#[test]
fn a_state_of_format_3_says_everything() {
    let good = State::decode(encode(&of_format_3())).expect("state");
    let policy = |state: &mut State, change: fn(&mut RetentionPolicyInfo)| {
        let database = state.databases[0].database.as_mut().expect("a database");
        change(&mut database.retention_policies[0]);
    };
    type Cut<'a> = &'a dyn Fn(&mut State);
    let cuts: &[Cut<'_>] = &[
        &|state| state.format = Some(2),
        &|state| state.data_nodes[0].id = None,
        &|state| state.data_nodes[0].http = None,
        &|state| state.data_nodes[0].tcp = None,
        &|state| state.data_nodes[0].labels[0].key = None,
        &|state| state.users[0].order = None,
        &|state| state.users[0].user = None,
        &|state| state.users[0].user.as_mut().expect("a user").admin = None,
        &|state| state.next_user = None,
        &|state| state.leases[0].name = None,
        &|state| state.leases[0].holder = None,
        &|state| policy(state, |policy| policy.shard_groups[0].id = None),
        &|state| policy(state, |policy| policy.shard_groups[0].deleted_at = None),
        &|state| policy(state, |policy| policy.shard_groups[0].shards[0].id = None),
        &|state| {
            policy(state, |policy| {
                policy.shard_groups[0].shards[0].owners[0].node_id = None
            })
        },
        &|state| policy(state, |policy| policy.subscriptions[0].mode = None),
        &|state| {
            state.databases[0]
                .database
                .as_mut()
                .expect("one")
                .continuous_queries[0]
                .query = None
        },
    ];
    for (k, cut) in cuts.iter().enumerate() {
        let mut state = good.clone();
        cut(&mut state);
        assert!(decode(&state.encode_to_vec()).is_err(), "cut {k}");
    }
}

/// A database created after a restart from a snapshot comes after the others, as on nodes that
/// replayed the log.
#[test]
fn insertion_numbers_go_on_after_a_restore() {
    let mut lived = full();
    let mut restored = decode(&encode(&lived)).expect("decoded");
    for catalog in [&mut lived, &mut restored] {
        catalog.databases.insert(Database {
            name: Name::from("new"),
            default_retention_policy: Name::default(),
            retention_policies: Vec::new(),
            continuous_queries: Vec::new(),
        });
    }
    assert_eq!(encode(&lived), encode(&restored));
}

#[test]
fn a_newer_format_and_nonsense_are_refused() {
    let good = encode(&full());
    let text = |bytes: &[u8]| decode(bytes).expect_err("unreadable").to_string();
    assert_eq!(
        text(&[b"\x08\x07", &good[2..]].concat()),
        "undecodable catalog: format 7, this version reads up to 6"
    );
    assert_eq!(
        text(b""),
        "undecodable catalog: it does not begin with its format"
    );
    assert_eq!(text(&[b"\x08\x00", &good[2..]].concat()), text(b""));
    assert_eq!(
        text(b"\x08\x01"),
        "undecodable catalog: required field \"term\" not set"
    );
    assert!(decode(&good[..good.len() - 1]).is_err());
}

/// A map would silently merge repeated entries.
#[test]
fn two_entries_of_one_key_are_refused() {
    let state = State::decode(encode(&of_format_3())).expect("state");
    let doubled: [fn(&mut State); 11] = [
        |state| state.data_nodes.push(state.data_nodes[0].clone()),
        |state| state.passive.push(state.passive[0].clone()),
        |state| {
            state
                .removed_data_nodes
                .push(state.removed_data_nodes[0].clone())
        },
        |state| state.leases.push(state.leases[0].clone()),
        |state| state.users.push(state.users[0].clone()),
        |state| {
            let privileges = &mut state.users[0].user.as_mut().expect("a user").privileges;
            privileges.push(privileges[0].clone());
        },
        |state| {
            let groups = &mut state.databases[0]
                .database
                .as_mut()
                .expect("one")
                .retention_policies[0]
                .shard_groups;
            groups.push(groups[0].clone());
        },
        |state| state.meta_nodes.push(state.meta_nodes[0].clone()),
        |state| state.pendings.push(state.pendings[0].clone()),
        |state| state.tombstones.push(state.tombstones[0].clone()),
        |state| state.databases.push(state.databases[0].clone()),
    ];
    for double in doubled {
        let mut state = state.clone();
        double(&mut state);
        assert!(decode(&state.encode_to_vec()).is_err());
    }
}
