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
            voter: true,
            labels: Default::default(),
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
            by: String::new(),
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
            }],
        });
    }
    catalog.databases.remove(&Name::from("gone"));
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
        });
    }
    assert_eq!(encode(&lived), encode(&restored));
}

#[test]
fn a_newer_format_and_nonsense_are_refused() {
    let good = encode(&full());
    let text = |bytes: &[u8]| decode(bytes).expect_err("unreadable").to_string();
    assert_eq!(
        text(&[b"\x08\x02", &good[2..]].concat()),
        "undecodable catalog: format 2, this version reads up to 1"
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
