//! Random commands of joining, moving, removing and labelling.

use std::collections::BTreeMap;

use influxdb_meta::base::{NodeId, RaftId};
use influxdb_meta::catalog::RemovedWhy;
use influxdb_meta::machine::{
    AddMetaNode, AllocateRaftId, MoveMetaNode, Removal, RemoveMetaNode, SetLabels,
};

use super::*;

/// Few names, so that commands meet, and mostly existing nodes.
pub(super) fn command(rng: &mut StdRng, catalog: &Catalog) -> Command {
    match rng.random_range(0..21) {
        0..=5 => Command::Internal(InternalCommand::AllocateRaftId(AllocateRaftId {
            incarnation: Incarnation([rng.random_range(1..60); 16]),
            http: http(rng),
            raft: raft(rng),
            voter: rng.random(),
        })),
        6..=10 => Command::Internal(InternalCommand::AddMetaNode(AddMetaNode {
            raft_id: raft_id(rng, catalog),
            replaces: replaces(rng, catalog),
        })),
        11..=13 => Command::Internal(InternalCommand::MoveMetaNode(a_move(rng, catalog))),
        14..=15 => Command::Internal(InternalCommand::RemoveMetaNode(RemoveMetaNode {
            raft_id: raft_id(rng, catalog),
            tombstone: rng.random::<bool>().then(|| removal(rng)),
        })),
        16..=18 => Command::Internal(InternalCommand::SetLabels(labels(rng, catalog))),
        19 => Command::Internal(InternalCommand::RaiseFeatureLevel {
            level: rng.random_range(0..6),
        }),
        _ => Command::Internal(InternalCommand::RequireSecret),
    }
}

/// A move, now and then to where the node is already: a repeated command.
fn a_move(rng: &mut StdRng, catalog: &Catalog) -> MoveMetaNode {
    let (raft_id, http, raft) = (raft_id(rng, catalog), http(rng), raft(rng));
    let there = catalog.meta_nodes.values();
    let mut there = there.filter(|node| node.raft_id == raft_id);
    match there.next() {
        Some(node) if rng.random_ratio(1, 8) => MoveMetaNode {
            raft_id,
            http: node.http.clone(),
            raft: node.raft.clone(),
        },
        _ => MoveMetaNode {
            raft_id,
            http,
            raft,
        },
    }
}

fn raft_id(rng: &mut StdRng, catalog: &Catalog) -> RaftId {
    let members = catalog.meta_nodes.values().map(|node| node.raft_id);
    let all: Vec<_> = members
        .chain(catalog.pendings.values().map(|pending| pending.raft_id))
        .collect();
    match rng.random_range(0..8) {
        0 => RaftId(rng.random_range(0..80)),
        _ if all.is_empty() => RaftId(1),
        _ => all[rng.random_range(0..all.len())],
    }
}

fn replaces(rng: &mut StdRng, catalog: &Catalog) -> Option<RaftId> {
    rng.random::<bool>().then(|| raft_id(rng, catalog))
}

fn removal(rng: &mut StdRng) -> Removal {
    let whys = [
        RemovedWhy::Removed,
        RemovedWhy::Replaced,
        RemovedWhy::Unseen,
        RemovedWhy::Restored,
    ];
    Removal {
        why: whys[rng.random_range(0..whys.len())],
        by: ["", "a person"][rng.random_range(0..2)].to_owned(),
    }
}

fn http(rng: &mut StdRng) -> Address {
    Address::new(&format!("meta-{}", rng.random_range(1..8)), 8091)
}

/// A Raft address, mostly on one of the same few hosts, not always on the host of the HTTP address.
fn raft(rng: &mut StdRng) -> Address {
    Address::new(&format!("meta-{}", rng.random_range(1..8)), 8089)
}

fn labels(rng: &mut StdRng, catalog: &Catalog) -> SetLabels {
    let key = |rng: &mut StdRng| match rng.random_range(0..30) {
        0 => String::new(),
        1 => "k".repeat(129),
        k => format!("label-{}", k % 5),
    };
    let value = |rng: &mut StdRng| match rng.random_range(0..30) {
        0 => "v".repeat(1025),
        1 => "v".repeat(1024),
        v => "v".repeat(v % 3),
    };
    let mut set = BTreeMap::new();
    for _ in 0..rng.random_range(0..3) {
        set.insert(key(rng), value(rng));
    }
    let delete = (0..rng.random_range(0..3)).map(|_| key(rng)).collect();
    let node_id = NodeId(rng.random_range(0..=catalog.max_node_id.saturating_add(1)));
    SetLabels {
        node_id,
        set,
        delete,
    }
}
