//! Data nodes (wire.md 3.4, types 25, 26 and 28), and the list of passive ones.

use super::shard_lifecycle;
use crate::base::{NodeId, Text};
use crate::catalog::{Catalog, DataNode, MAX_REMOVED_DATA_NODES};
use crate::machine::Refused;

/// Adds a data node. If a data node has both addresses already, nothing changes: the command is a
/// retry whose first answer was lost (wire.md Q15).
pub(super) fn create(catalog: &mut Catalog, http: &Text, tcp: &Text) -> Result<(), Refused> {
    if catalog.cluster.is_none() {
        return Err(Refused::NoCluster);
    }
    match catalog.data_node_by_tcp(tcp) {
        Some(there) if there.http == *http => Ok(()),
        Some(_) => Err(Refused::DataNodeExists),
        // The original gives the data node the id of a meta node with that address. Here no two
        // nodes share an id (wire.md Q45).
        None => {
            catalog.max_node_id += 1;
            let id = NodeId(catalog.max_node_id);
            catalog.removed_data_nodes.remove(tcp);
            let (http, tcp, labels) = (http.clone(), tcp.clone(), Default::default());
            catalog.data_nodes.insert(
                id,
                DataNode {
                    id,
                    http,
                    tcp,
                    labels,
                },
            );
            Ok(())
        }
    }
}

/// Changes the addresses of a data node. It keeps its id, its shards and its labels, and stays
/// passive if it was.
pub(super) fn update(
    catalog: &mut Catalog,
    id: NodeId,
    http: &Text,
    tcp: &Text,
) -> Result<(), Refused> {
    let node = catalog
        .data_nodes
        .get(&id)
        .ok_or(Refused::DataNodeNotFound)?;
    let old = node.tcp.clone();
    // The original does not check this: two nodes would then have one address (wire.md Q22).
    if catalog
        .data_node_by_tcp(tcp)
        .is_some_and(|other| other.id != id)
    {
        return Err(Refused::DataNodeExists);
    }
    if old != *tcp && catalog.passive.remove(&old) {
        catalog.passive.insert(tcp.clone());
    }
    // No data node is at the old address any more, so it counts as removed.
    if old != *tcp {
        remember_removed(catalog, old);
    }
    catalog.removed_data_nodes.remove(tcp);
    catalog.data_nodes.update(&id, |node| {
        (node.http, node.tcp) = (http.clone(), tcp.clone());
    });
    Ok(())
}

/// Removes a data node, also as an owner of shards.
///
/// # Errors
/// There is no such node; or, without `force`, a shard would lose its last copy.
pub(super) fn remove(catalog: &mut Catalog, id: NodeId, force: bool) -> Result<(), Refused> {
    if !catalog.data_nodes.contains_key(&id) {
        return Err(Refused::DataNodeNotFound);
    }
    shard_lifecycle::disown(catalog, id, force)?;
    if let Some(node) = catalog.data_nodes.remove(&id) {
        catalog.passive.remove(&node.tcp);
        remember_removed(catalog, node.tcp);
    }
    Ok(())
}

fn remember_removed(catalog: &mut Catalog, tcp: Text) {
    if catalog.removed_data_nodes.len() < MAX_REMOVED_DATA_NODES {
        catalog.removed_data_nodes.insert(tcp);
    }
}

pub(super) fn set_passive(catalog: &mut Catalog, tcp: &Text, passive: bool) {
    if passive {
        catalog.passive.insert(tcp.clone());
    } else {
        catalog.passive.remove(tcp);
    }
}
