//! Commands about the cluster itself: `Found`, `RaiseFeatureLevel`, `RequireSecret`.

use std::collections::{BTreeMap, BTreeSet};

use super::shard_lifecycle;
use crate::base::{NodeId, RaftId};
use crate::catalog::{Catalog, Cluster, MetaNode, OWNERS_LEVEL};
use crate::machine::{Found, Refused};

/// Makes founder k of the list meta node k with Raft id k (founding.md 5.5). Every first leader
/// proposes `Found`. If the catalog has a cluster already, nothing changes, counters included.
pub(super) fn found(catalog: &mut Catalog, found: &Found) -> Result<(), Refused> {
    if catalog.cluster.is_some() {
        return Ok(());
    }
    if !are_distinct(found) {
        return Err(Refused::FoundersNotDistinct);
    }
    let nodes = (1..).zip(&found.founders).map(|(k, founder)| MetaNode {
        id: NodeId(k),
        http: founder.http.clone(),
        raft: founder.raft.clone(),
        raft_id: RaftId(k),
        incarnation: founder.incarnation,
        voter: true,
        labels: BTreeMap::new(),
    });
    catalog.meta_nodes = nodes.map(|node| (node.id, node)).collect();
    let n = catalog.meta_nodes.len() as u64;
    catalog.max_node_id = catalog.max_node_id.max(n);
    catalog.max_raft_id = catalog.max_raft_id.max(n);
    catalog.cluster = Some(Cluster {
        id: found.cluster_id,
        name: found.name.clone(),
        with_secret: found.with_secret,
        feature_level: found.feature_level,
    });
    Ok(())
}

/// Raises the feature level. It never falls: the log may have entries of the higher level.
pub(super) fn raise_feature_level(catalog: &mut Catalog, level: u32) -> Result<(), Refused> {
    let had_owners_level = catalog.feature_level() >= OWNERS_LEVEL;
    let cluster = catalog.cluster.as_mut().ok_or(Refused::NoCluster)?;
    cluster.feature_level = cluster.feature_level.max(level);
    if !had_owners_level {
        // Removals of data nodes left shards without owners until now.
        shard_lifecycle::seek_owners(catalog);
    }
    Ok(())
}

/// Requires proofs from every meta node. Never taken back: a stranger who could take it back would
/// be let in.
pub(super) fn require_secret(catalog: &mut Catalog) -> Result<(), Refused> {
    let cluster = catalog.cluster.as_mut().ok_or(Refused::NoCluster)?;
    cluster.with_secret = true;
    Ok(())
}

fn are_distinct(found: &Found) -> bool {
    let n = found.founders.len();
    let incarnations: BTreeSet<_> = found
        .founders
        .iter()
        .map(|founder| founder.incarnation)
        .collect();
    let http: BTreeSet<_> = found.founders.iter().map(|founder| &founder.http).collect();
    let raft: BTreeSet<_> = found.founders.iter().map(|founder| &founder.raft).collect();
    n > 0 && incarnations.len() == n && http.len() == n && raft.len() == n
}
