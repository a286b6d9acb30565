use super::*;
use crate::base::{Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId};
use crate::catalog::{Cluster, MetaNode, Pending, RemovedWhy, RetentionPolicy, Tombstone};

/// Every field of the catalog has a value of its own.
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
            labels: (1..k).map(|n| (format!("label-{n}"), format!("\u{e9}{k}"))).collect(),
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
    let whys = [RemovedWhy::Removed, RemovedWhy::Replaced, RemovedWhy::Unseen, RemovedWhy::Restored];
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

/// The same with nothing that format 1 has no place for.
fn of_format_1() -> Catalog {
    let mut catalog = full();
    for id in (1..=3).map(NodeId) {
        let node = catalog.meta_nodes.get_mut(&id).expect("meta node");
        (node.voter, node.labels) = (true, Default::default());
    }
    for k in 10..14 {
        catalog.tombstones.get_mut(&Incarnation([k; 16])).expect("tombstone").by = String::new();
    }
    catalog
}

#[test]
fn what_goes_in_comes_out() {
    for catalog in [Catalog::default(), full()] {
        assert_eq!(catalog.check(), Ok(()));
        let bytes = encode(&catalog);
        assert_eq!(decode(&bytes), Ok(catalog.clone()));
        assert_eq!(encode(&decode(&bytes).expect("decoded")), bytes);
    }
}

/// A member of an older version reads the snapshots of newer ones as long as nothing in them is new.
#[test]
fn the_format_written_is_the_lowest_that_holds_it() {
    let node = |change: fn(&mut MetaNode)| {
        let mut catalog = of_format_1();
        change(catalog.meta_nodes.get_mut(&NodeId(2)).expect("node 2"));
        catalog
    };
    let mut by = of_format_1();
    by.tombstones.get_mut(&Incarnation([10; 16])).expect("tombstone").by = "influxd-ctl".to_owned();
    let labelled = node(|node| drop(node.labels.insert("rack".to_owned(), String::new())));
    for (format, catalog) in [
        (1, Catalog::default()),
        (1, of_format_1()),
        (2, node(|node| node.voter = false)),
        (2, labelled),
        (2, by),
        (2, full()),
    ] {
        let bytes = encode(&catalog);
        assert!(bytes.starts_with(&[0x08, format]), "{format}: {catalog:?}");
        assert_eq!(decode(&bytes), Ok(catalog));
    }
}

/// What format 1 left unsaid must be said here: no default can hide a loss.
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

/// A database created after a restore must come after the others, as on nodes that replayed the log.
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
        text(&[b"\x08\x04", &good[2..]].concat()),
        "undecodable catalog: format 4, this version reads up to 3"
    );
    assert_eq!(text(b""), "undecodable catalog: it does not begin with its format");
    assert_eq!(text(&[b"\x08\x00", &good[2..]].concat()), text(b""));
    assert_eq!(text(b"\x08\x01"), "undecodable catalog: required field \"term\" not set");
    assert!(decode(&good[..good.len() - 1]).is_err());
}

/// Repeated entries would be merged in silence by a map.
#[test]
fn two_entries_of_one_key_are_refused() {
    let state = State::decode(encode(&full())).expect("state");
    let doubled: [fn(&mut State); 4] = [
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
