//! Meta nodes after founding: join, move, remove, label (founding.md 6 and 7).

use crate::base::{Address, Incarnation, NodeId, RaftId};
use crate::catalog::{Catalog, MetaNode, Pending, RemovedWhy, Tombstone};
use crate::machine::{
    AddMetaNode, AllocateRaftId, MoveMetaNode, Refused, Removal, RemoveMetaNode, SetLabels,
};

pub(super) fn allocate(catalog: &mut Catalog, asked: &AllocateRaftId) -> Result<(), Refused> {
    if catalog.cluster.is_none() {
        return Err(Refused::NoCluster);
    }
    if catalog.tombstones.contains_key(&asked.incarnation) {
        return Err(Refused::Tombstoned(asked.incarnation));
    }
    let member = catalog.meta_node_by_incarnation(asked.incarnation).map(|node| node.id);
    if let Some(node) = member.and_then(|id| catalog.meta_nodes.get_mut(&id)) {
        // Where it is now is for it to say by itself (`MoveMetaNode`).
        node.voter |= asked.voter;
        return Ok(());
    }
    let known = catalog.pendings.get(&asked.incarnation);
    let voter = asked.voter || known.is_some_and(|pending| pending.voter);
    let raft_id = known.map(|pending| pending.raft_id).unwrap_or_else(|| {
        catalog.max_raft_id += 1;
        RaftId(catalog.max_raft_id)
    });
    let (incarnation, http, raft) = (asked.incarnation, asked.http.clone(), asked.raft.clone());
    catalog.pendings.insert(incarnation, Pending { raft_id, incarnation, http, raft, voter });
    Ok(())
}

pub(super) fn add(catalog: &mut Catalog, add: &AddMetaNode) -> Result<(), Refused> {
    let Some(pending) = catalog.pending_by_raft_id(add.raft_id).cloned() else {
        // A new leader finishes what the last one may have done already.
        let done = catalog.meta_node_by_raft_id(add.raft_id).is_some();
        return if done { Ok(()) } else { Err(Refused::UnknownRaftId(add.raft_id)) };
    };
    let in_the_way = |node: &&MetaNode| {
        (node.http == pending.http || node.raft == pending.raft) && Some(node.raft_id) != add.replaces
    };
    if catalog.meta_nodes.values().any(|node| in_the_way(&node)) {
        return Err(Refused::AddressInUse(pending.http));
    }
    let replaced = add.replaces.and_then(|raft_id| take_meta_node(catalog, raft_id));
    let id = replaced.as_ref().map(|old| old.id).unwrap_or_else(|| {
        catalog.max_node_id += 1;
        NodeId(catalog.max_node_id)
    });
    if let Some(old) = &replaced {
        let removal =
            Removal { why: RemovedWhy::Replaced, by: format!("incarnation {}", pending.incarnation) };
        bury(catalog, old.incarnation, old.raft_id, &removal);
    }
    catalog.pendings.remove(&pending.incarnation);
    let Pending { raft_id, incarnation, http, raft, voter } = pending;
    let labels = replaced.map(|old| old.labels).unwrap_or_default();
    catalog.meta_nodes.insert(id, MetaNode { id, http, raft, raft_id, incarnation, voter, labels });
    Ok(())
}

pub(super) fn relocate(catalog: &mut Catalog, to: &MoveMetaNode) -> Result<(), Refused> {
    let Some(mover) = catalog.meta_node_by_raft_id(to.raft_id).cloned() else {
        return Err(Refused::UnknownRaftId(to.raft_id));
    };
    let holds = |node: &&MetaNode| node.id != mover.id && (node.http == to.http || node.raft == to.raft);
    let holders: Vec<NodeId> = catalog.meta_nodes.values().filter(holds).map(|node| node.id).collect();
    if holders.len() > 1 {
        // An exchange is between two: with three in it somebody would be left without an address.
        return Err(Refused::AddressInUse(to.http.clone()));
    }
    for holder in holders {
        settle(catalog, holder, &mover.http, &mover.raft);
    }
    settle(catalog, mover.id, &to.http, &to.raft);
    Ok(())
}

pub(super) fn remove(catalog: &mut Catalog, remove: &RemoveMetaNode) {
    let incarnation = match take_meta_node(catalog, remove.raft_id) {
        Some(node) => Some(node.incarnation),
        None => catalog.pending_by_raft_id(remove.raft_id).map(|pending| pending.incarnation),
    };
    let Some(incarnation) = incarnation else { return };
    catalog.pendings.remove(&incarnation);
    if let Some(removal) = &remove.tombstone {
        bury(catalog, incarnation, remove.raft_id, removal);
    }
}

pub(super) fn set_labels(catalog: &mut Catalog, labels: &SetLabels) -> Result<(), Refused> {
    let node = catalog.meta_nodes.get_mut(&labels.node_id).ok_or(Refused::NodeNotFound(labels.node_id))?;
    node.labels.retain(|key, _| !labels.delete.contains(key));
    node.labels.extend(labels.set.clone());
    Ok(())
}

fn take_meta_node(catalog: &mut Catalog, raft_id: RaftId) -> Option<MetaNode> {
    let id = catalog.meta_node_by_raft_id(raft_id)?.id;
    catalog.meta_nodes.remove(&id)
}

fn bury(catalog: &mut Catalog, incarnation: Incarnation, raft_id: RaftId, removal: &Removal) {
    let (why, by, at) = (removal.why, removal.by.clone(), catalog.last_at);
    catalog.tombstones.insert(incarnation, Tombstone { incarnation, raft_id, why, at, by });
}

fn settle(catalog: &mut Catalog, id: NodeId, http: &Address, raft: &Address) {
    if let Some(node) = catalog.meta_nodes.get_mut(&id) {
        (node.http, node.raft) = (http.clone(), raft.clone());
    }
}
