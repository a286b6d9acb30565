//! A meta node has other addresses (founding.md 7, Move).

use crate::base::NodeId;
use crate::catalog::{Catalog, MetaNode};
use crate::machine::{MoveMetaNode, Refused};

/// Each address that another meta node holds is exchanged for the mover's own of that kind, one by
/// one: a holder of both takes both, and a mover that keeps one of its own keeps it. So they stay
/// unique.
pub(super) fn relocate(catalog: &mut Catalog, to: &MoveMetaNode) -> Result<(), Refused> {
    let mover = catalog
        .meta_node_by_raft_id(to.raft_id)
        .ok_or(Refused::UnknownRaftId(to.raft_id))?
        .clone();
    let holder_of_http = catalog.meta_node_by_http(&to.http).map(|node| node.id);
    let holder_of_raft = catalog.meta_node_by_raft(&to.raft).map(|node| node.id);
    let other = |holder: Option<NodeId>| holder.filter(|id| *id != mover.id);
    if let (Some(one), Some(two)) = (other(holder_of_http), other(holder_of_raft))
        && one != two
    {
        // An exchange is between two; with a third, one of them would end between two hosts.
        return Err(Refused::AddressInUse(to.http.clone()));
    }
    change(catalog, holder_of_http, |node| {
        node.http = mover.http.clone()
    });
    change(catalog, holder_of_raft, |node| {
        node.raft = mover.raft.clone()
    });
    change(catalog, Some(mover.id), |node| {
        (node.http, node.raft) = (to.http.clone(), to.raft.clone())
    });
    Ok(())
}

fn change(catalog: &mut Catalog, id: Option<NodeId>, change: impl FnOnce(&mut MetaNode)) {
    if let Some(node) = id.and_then(|id| catalog.meta_nodes.get_mut(&id)) {
        change(node);
    }
}
