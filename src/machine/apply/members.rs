//! Changes of meta nodes after founding: `AllocateRaftId`, `AddMetaNode`, `RemoveMetaNode`
//! (founding.md 6, founding.md 7.9).

use crate::base::{Address, Incarnation, NodeId, RaftId};
use crate::catalog::{Catalog, MetaNode, Pending, RemovedWhy, Tombstone};
use crate::machine::{AddMetaNode, AllocateRaftId, Refused, Removal, RemoveMetaNode};

pub(super) fn allocate(catalog: &mut Catalog, asked: &AllocateRaftId) -> Result<(), Refused> {
    if catalog.cluster.is_none() {
        return Err(Refused::NoCluster);
    }
    if catalog.tombstones.contains_key(&asked.incarnation) {
        return Err(Refused::Tombstoned(asked.incarnation));
    }
    let member = catalog
        .meta_node_by_incarnation(asked.incarnation)
        .map(|node| node.id);
    if let Some(id) = member {
        // Its addresses change only by `MoveMetaNode`.
        catalog
            .meta_nodes
            .update(&id, |node| node.voter |= asked.voter);
        return Ok(());
    }
    let known = catalog.pendings.get(&asked.incarnation);
    let voter = asked.voter || known.is_some_and(|pending| pending.voter);
    let raft_id = known.map(|pending| pending.raft_id).unwrap_or_else(|| {
        catalog.max_raft_id += 1;
        RaftId(catalog.max_raft_id)
    });
    let (incarnation, http, raft) = (asked.incarnation, asked.http.clone(), asked.raft.clone());
    catalog.pendings.insert(
        incarnation,
        Pending {
            raft_id,
            incarnation,
            http,
            raft,
            voter,
        },
    );
    Ok(())
}

pub(super) fn add(catalog: &mut Catalog, add: &AddMetaNode) -> Result<(), Refused> {
    let Some(pending) = catalog.pending_by_raft_id(add.raft_id).cloned() else {
        // A new leader may finish what the last one has done already.
        let done = catalog.meta_node_by_raft_id(add.raft_id).is_some();
        return if done {
            Ok(())
        } else {
            Err(Refused::UnknownRaftId(add.raft_id))
        };
    };
    if let Some(address) = held_address(catalog, &pending, add.replaces) {
        return Err(Refused::AddressInUse(address));
    }
    // The pending is removed before the member that it replaces ends. So a pending that "replaces"
    // itself is not tombstoned.
    catalog.pendings.remove(&pending.incarnation);
    let removal = Removal {
        why: RemovedWhy::Replaced,
        by: format!("incarnation {}", pending.incarnation),
    };
    let old = add
        .replaces
        .and_then(|raft_id| end(catalog, raft_id, Some(&removal)));
    let (id, labels) = old.map(|old| (old.id, old.labels)).unwrap_or_else(|| {
        catalog.max_node_id += 1;
        (NodeId(catalog.max_node_id), Default::default())
    });
    let Pending {
        raft_id,
        incarnation,
        http,
        raft,
        voter,
    } = pending;
    catalog.meta_nodes.insert(
        id,
        MetaNode {
            id,
            http,
            raft,
            raft_id,
            incarnation,
            voter,
            labels,
        },
    );
    Ok(())
}

/// Ends a meta node or a pending. If it is out already, it keeps the reason that it had.
pub(super) fn remove(catalog: &mut Catalog, remove: &RemoveMetaNode) {
    end(catalog, remove.raft_id, remove.tombstone.as_ref());
}

/// Address of the newcomer that belongs to a meta node other than the one it replaces, if there is
/// one.
fn held_address(
    catalog: &Catalog,
    newcomer: &Pending,
    replaces: Option<RaftId>,
) -> Option<Address> {
    let others = catalog
        .meta_nodes
        .values()
        .filter(|node| Some(node.raft_id) != replaces);
    others.into_iter().find_map(|node| {
        let same = |held: &Address, wanted: &Address| (held == wanted).then(|| held.clone());
        same(&node.http, &newcomer.http).or_else(|| same(&node.raft, &newcomer.raft))
    })
}

/// Ends the meta node or the pending with this Raft id. Returns the meta node, if it was one.
fn end(catalog: &mut Catalog, raft_id: RaftId, tombstone: Option<&Removal>) -> Option<MetaNode> {
    let id = catalog.meta_node_by_raft_id(raft_id).map(|node| node.id);
    let node = id.and_then(|id| catalog.meta_nodes.remove(&id));
    let incarnation = match &node {
        Some(node) => node.incarnation,
        None => catalog.pending_by_raft_id(raft_id)?.incarnation,
    };
    catalog.pendings.remove(&incarnation);
    if let Some(removal) = tombstone {
        bury(catalog, incarnation, raft_id, removal);
    }
    node
}

fn bury(catalog: &mut Catalog, incarnation: Incarnation, raft_id: RaftId, removal: &Removal) {
    let (why, by, at) = (removal.why, removal.by.clone(), catalog.last_at);
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
