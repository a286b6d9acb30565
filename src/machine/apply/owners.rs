//! Owners of new shards, and of shards that have lost theirs (commands.md, "Shard groups").

use std::collections::{BTreeMap, BTreeSet};

use crate::base::NodeId;
use crate::catalog::{Catalog, OWNERS_LEVEL, Shard, ShardGroup};

/// Maximum number of shards that are looked at to find out whose turn it is.
const MAX_SHARDS_SEEN: usize = 1000;

/// Returns the distinct owners of each shard of a new group. There is one shard for each full set
/// of `replica_n` active nodes. At least one data node must be active.
pub(super) fn of_new_group(catalog: &Catalog, replica_n: u32) -> Vec<Vec<NodeId>> {
    let nodes = if catalog.feature_level() >= OWNERS_LEVEL {
        in_turn(catalog)
    } else {
        fewest_first(catalog)
    };
    let replica_n = (replica_n.max(1) as usize).min(nodes.len());
    let shard = |nodes: &[NodeId]| {
        let mut owners = nodes.to_vec();
        owners.sort_unstable();
        owners
    };
    nodes.chunks_exact(replica_n).map(shard).collect()
}

/// Active nodes, those that own the fewest shards first. A node that has just joined is in every
/// new group until it owns as many as the others.
fn fewest_first(catalog: &Catalog) -> Vec<NodeId> {
    let mut nodes: Vec<(u64, NodeId)> = catalog
        .active_data_nodes()
        .map(|node| (catalog.shards_owned_by(node.id), node.id))
        .collect();
    nodes.sort_unstable();
    nodes.into_iter().map(|(_, id)| id).collect()
}

/// Active nodes in the order of their ids, from the one whose turn it is. So each is in equally
/// many new groups, a node that has just joined as well.
fn in_turn(catalog: &Catalog) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = catalog.active_data_nodes().map(|node| node.id).collect();
    if let Some(last) = last_in_turn(catalog, &nodes) {
        let next = nodes.partition_point(|node| *node <= last) % nodes.len();
        nodes.rotate_left(next);
    }
    nodes
}

/// Returns the node that got a shard last. The owners of a shard follow each other in the circle of
/// ids, so the last one is the one whose successor is no owner. A shard that all nodes own says
/// nothing: the one before it counts.
fn last_in_turn(catalog: &Catalog, nodes: &[NodeId]) -> Option<NodeId> {
    catalog
        .newest_shards()
        .take(MAX_SHARDS_SEEN)
        .find_map(|shard| last_owner(&shard.owners, nodes))
}

fn last_owner(owners: &[NodeId], nodes: &[NodeId]) -> Option<NodeId> {
    let owners: BTreeSet<NodeId> = owners.iter().copied().collect();
    let successors = nodes.iter().cycle().skip(1);
    let mut pairs = nodes.iter().zip(successors);
    pairs
        .find(|(node, next)| owners.contains(node) && !owners.contains(next))
        .map(|(node, _)| *node)
}

/// Chooses owners for shards that have none: the active node that owns the fewest shards, the
/// lowest id of several. Without an active node passive ones are taken, because a group with a
/// shard that nobody owns cannot be written.
pub(super) struct NewOwners {
    /// Number of owned shards of each candidate.
    loads: BTreeMap<NodeId, u64>,
}

impl NewOwners {
    /// All data nodes but `leaving` are candidates.
    pub(super) fn new(catalog: &Catalog, leaving: Option<NodeId>) -> Self {
        let load = |id: NodeId| (id, catalog.shards_owned_by(id));
        let stays = |id: &NodeId| Some(*id) != leaving;
        let active = catalog.active_data_nodes().map(|node| node.id);
        let mut loads: BTreeMap<_, _> = active.filter(stays).map(load).collect();
        if loads.is_empty() {
            let all = catalog.data_nodes.keys().copied();
            loads = all.filter(stays).map(load).collect();
        }
        Self { loads }
    }

    /// Gives an owner to each of these shards that has none.
    pub(super) fn assign<'a>(&mut self, shards: impl IntoIterator<Item = &'a mut Shard>) {
        for shard in shards {
            if shard.owners.is_empty() {
                shard.owners.extend(self.next());
            }
        }
    }

    fn next(&mut self) -> Option<NodeId> {
        let least = self.loads.iter().min_by_key(|(id, load)| (**load, **id));
        let id = *least?.0;
        self.loads.entry(id).and_modify(|load| *load += 1);
        Some(id)
    }
}

/// Returns whether data nodes would write to a group of which a shard has no owner.
pub(super) fn lacks_owners(group: &ShardGroup) -> bool {
    !group.is_deleted() && group.shards.iter().any(|shard| shard.owners.is_empty())
}
