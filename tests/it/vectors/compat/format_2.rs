//! Log entries and catalog states of format 2: the commands of joining, moving, removing and
//! labelling, and their effects.

use std::collections::BTreeMap;

use influxdb_meta::base::{
    Address, ClusterId, Incarnation, LogId, Name, NodeId, RaftId, UnixNanos,
};
use influxdb_meta::catalog::{
    Catalog, Cluster, Database, MetaNode, Pending, RemovedWhy, Tombstone,
};
use influxdb_meta::machine::{
    AddMetaNode, AllocateRaftId, Command, InternalCommand, MoveMetaNode, Removal, RemoveMetaNode,
    SetLabels, Stamped, apply,
};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::state;

use super::super::{files, read};

const AT: UnixNanos = UnixNanos(1_764_000_000_000_000_000);

#[test]
fn entries_of_format_2_are_read() {
    for (file, command) in entries() {
        let want = Stamped {
            at: AT,
            retention_autocreate: true,
            command,
        };
        assert_eq!(
            envelope::decode(&read(&format!("compat/v2/{file}"))),
            Ok(want),
            "{file}"
        );
    }
}

#[test]
fn the_state_of_format_2_is_read() {
    assert_eq!(full_state().check(), Ok(()));
    assert_eq!(
        state::decode(&read("compat/v2/state-full.bin")),
        Ok(full_state())
    );
}

/// Holds as long as no newer format is written for them.
#[test]
fn format_2_is_what_is_written() {
    for (file, command) in entries() {
        assert_written(file, &envelope::encode(AT, true, &Body::from(command)));
    }
    assert_written("state-full.bin", &state::encode(&full_state()));
}

#[test]
fn no_frozen_entry_is_left_out() {
    let frozen = files("compat/v2", ".bin").into_iter().map(|(path, _)| path);
    let named = entries()
        .into_iter()
        .map(|(file, _)| file)
        .chain(["state-full.bin"]);
    let mut named: Vec<_> = named.map(|file| format!("compat/v2/{file}")).collect();
    named.sort();
    assert_eq!(frozen.collect::<Vec<_>>(), named);
}

/// Entries on a volume are applied, not only read: the frozen entries on the frozen state of format
/// 1.
#[test]
fn frozen_entries_are_applied() {
    let mut catalog = state::decode(&read("compat/v1/state-full.bin")).expect("a state");
    for (index, (file, _)) in (100..).zip(entries()) {
        let stamped = envelope::decode(&read(&format!("compat/v2/{file}"))).expect("an entry");
        apply(&mut catalog, LogId { term: 3, index }, &stamped);
        assert_eq!(catalog.check(), Ok(()), "{file}");
    }
    assert_eq!(state::decode(&state::encode(&catalog)), Ok(catalog));
}

fn assert_written(file: &str, written: &[u8]) {
    let frozen = read(&format!("compat/v2/{file}"));
    assert_eq!(
        written.escape_ascii().to_string(),
        frozen.escape_ascii().to_string(),
        "{file}"
    );
}

fn http(k: u8) -> Address {
    Address::new(&format!("meta-{k}"), 8091)
}

/// An address with a name, and one of IPv6.
fn raft(k: u8) -> Address {
    if k == 4 {
        Address::new("fd00::4", 8089)
    } else {
        Address::new(&format!("meta-{k}"), 8089)
    }
}

fn labels(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Each command, with and without optional fields.
fn entries() -> Vec<(&'static str, Command)> {
    let allocate = |k, voter| {
        let incarnation = Incarnation([k; 16]);
        Command::Internal(InternalCommand::AllocateRaftId(AllocateRaftId {
            incarnation,
            http: http(k),
            raft: raft(k),
            voter,
        }))
    };
    let add = |raft_id, replaces: Option<u64>| {
        Command::Internal(InternalCommand::AddMetaNode(AddMetaNode {
            raft_id: RaftId(raft_id),
            replaces: replaces.map(RaftId),
        }))
    };
    let remove = |raft_id, tombstone| {
        Command::Internal(InternalCommand::RemoveMetaNode(RemoveMetaNode {
            raft_id: RaftId(raft_id),
            tombstone,
        }))
    };
    let removal = Removal {
        why: RemovedWhy::Restored,
        by: "influxd-ctl at m\u{e9}ta-1".to_owned(),
    };
    let set_labels = SetLabels {
        node_id: NodeId(1),
        set: labels(&[("rack", "r\u{e9}1"), ("az", "")]),
        delete: ["old", "older"].map(str::to_owned).into(),
    };
    vec![
        ("entry-allocate-learner.bin", allocate(4, false)),
        ("entry-allocate-voter.bin", allocate(5, true)),
        ("entry-add.bin", add(5, None)),
        ("entry-add-replacing.bin", add(15, Some(4))),
        (
            "entry-move.bin",
            Command::Internal(InternalCommand::MoveMetaNode(MoveMetaNode {
                raft_id: RaftId(4),
                http: http(6),
                raft: raft(4),
            })),
        ),
        ("entry-remove.bin", remove(16, None)),
        ("entry-remove-burying.bin", remove(5, Some(removal))),
        (
            "entry-set-labels.bin",
            Command::Internal(InternalCommand::SetLabels(set_labels)),
        ),
        (
            "entry-raise-feature-level.bin",
            Command::Internal(InternalCommand::RaiseFeatureLevel { level: 2 }),
        ),
    ]
}

/// A catalog where every field that format 2 added has a value of its own.
fn full_state() -> Catalog {
    let mut catalog = Catalog {
        term: 3,
        index: 41,
        last_at: AT,
        cluster: Some(Cluster {
            id: ClusterId([0xc1; 16]),
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
    let label_sets: [&[(&str, &str)]; 3] =
        [&[], &[("az", "")], &[("az", "b"), ("rack", "r\u{e9}1")]];
    for (k, all) in (1u8..).zip(label_sets) {
        let id = NodeId(k.into());
        let (raft_id, incarnation) = (RaftId(u64::from(k) + 1), Incarnation([k; 16]));
        let (voter, labels) = (k != 2, labels(all));
        catalog.meta_nodes.insert(
            id,
            MetaNode {
                id,
                http: http(k),
                raft: raft(k),
                raft_id,
                incarnation,
                voter,
                labels,
            },
        );
    }
    for (k, voter) in [(4, true), (5, false)] {
        let (raft_id, incarnation) = (RaftId(u64::from(k) + 1), Incarnation([k; 16]));
        catalog.pendings.insert(
            incarnation,
            Pending {
                raft_id,
                incarnation,
                http: http(k),
                raft: raft(k),
                voter,
            },
        );
    }
    let whys = [
        RemovedWhy::Removed,
        RemovedWhy::Replaced,
        RemovedWhy::Unseen,
        RemovedWhy::Restored,
    ];
    for (k, (why, by)) in
        (6u8..).zip(
            whys.into_iter()
                .zip(["influxd-ctl", "incarnation m\u{e9}ta", "", "x"]),
        )
    {
        let (raft_id, incarnation) = (RaftId(u64::from(k) + 1), Incarnation([k; 16]));
        let (at, by) = (UnixNanos(k.into()), by.to_owned());
        catalog.tombstones.insert(
            incarnation,
            Tombstone {
                incarnation,
                raft_id,
                why,
                at,
                by,
            },
        );
    }
    catalog.databases.insert(Database {
        name: Name::from("db"),
        default_retention_policy: Name::from("dangling"),
        retention_policies: Vec::new(),
        continuous_queries: Vec::new(),
    });
    catalog
}
