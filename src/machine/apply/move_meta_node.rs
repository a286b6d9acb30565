//! `MoveMetaNode`: a meta node has other addresses (founding.md 7.2).

use crate::base::NodeId;
use crate::catalog::{Catalog, MetaNode};
use crate::machine::{MoveMetaNode, Refused};

/// Gives a meta node its new addresses. Each address that another meta node holds is exchanged for
/// the mover's own one of that kind, so addresses stay unique. A node that holds both gets both of
/// the mover's. A mover that keeps one of its addresses keeps it.
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
        // An exchange has two partners. With a third, one node would end with addresses of two
        // hosts.
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
    if let Some(id) = id {
        catalog.meta_nodes.update(&id, change);
    }
}
