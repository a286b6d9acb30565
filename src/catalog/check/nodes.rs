//! Invariants of the cluster, of meta and data nodes, and of their labels and leases.

use super::{each, ensure, unique};
use crate::base::{Incarnation, RaftId};
use crate::catalog::{
    Catalog, MAX_LABELS, MAX_LEASES, is_label_key, is_label_value, is_lease_name,
};

pub(super) fn need_a_cluster(catalog: &Catalog) -> Result<(), String> {
    let alone = catalog.meta_nodes.is_empty()
        && catalog.pendings.is_empty()
        && catalog.tombstones.is_empty()
        && catalog.data_nodes.is_empty();
    ensure(catalog.cluster.is_some() || alone, || {
        "nodes of no cluster".to_owned()
    })
}

pub(super) fn stand_under_their_key(catalog: &Catalog) -> Result<(), String> {
    for (id, node) in catalog.meta_nodes.iter() {
        ensure(node.id == *id, || format!("meta node {node:?} under {id}"))?;
    }
    for (incarnation, pending) in catalog.pendings.iter() {
        ensure(pending.incarnation == *incarnation, || {
            format!("{pending:?} under {incarnation}")
        })?;
    }
    for (incarnation, tombstone) in catalog.tombstones.iter() {
        ensure(tombstone.incarnation == *incarnation, || {
            format!("{tombstone:?} under {incarnation}")
        })?;
    }
    for (id, node) in catalog.data_nodes.iter() {
        ensure(node.id == *id, || format!("data node {node:?} under {id}"))?;
    }
    Ok(())
}

pub(super) fn ids_are_given_out(catalog: &Catalog) -> Result<(), String> {
    let ids = catalog.meta_nodes.keys().chain(catalog.data_nodes.keys());
    each(ids, |id| (1..=catalog.max_node_id).contains(&id.0))
}

/// Data and meta nodes share one space of ids: `show` and labels name a node by its id alone.
pub(super) fn ids_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique(
        "node id",
        catalog.meta_nodes.keys().chain(catalog.data_nodes.keys()),
    )
}

pub(super) fn raft_ids_are_given_out(catalog: &Catalog) -> Result<(), String> {
    each(lives(catalog), |(raft_id, _)| {
        (1..=catalog.max_raft_id).contains(&raft_id.0)
    })
}

pub(super) fn raft_ids_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique("Raft id", lives(catalog).map(|(raft_id, _)| raft_id))
}

pub(super) fn incarnations_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique(
        "incarnation",
        lives(catalog).map(|(_, incarnation)| incarnation),
    )
}

pub(super) fn addresses_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique(
        "HTTP address",
        catalog.meta_nodes.values().map(|node| &node.http),
    )?;
    unique(
        "Raft address",
        catalog.meta_nodes.values().map(|node| &node.raft),
    )
}

/// A data node finds itself in the catalog by its TCP address. (Two may name the same HTTP
/// address.)
pub(super) fn tcp_addresses_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique(
        "TCP address",
        catalog.data_nodes.values().map(|node| &node.tcp),
    )
}

pub(super) fn labels_are_sized(catalog: &Catalog) -> Result<(), String> {
    let of_meta_nodes = catalog.meta_nodes.values().map(|node| &node.labels);
    each(
        of_meta_nodes.chain(catalog.data_nodes.values().map(|node| &node.labels)),
        |labels| {
            let sized =
                |(key, value): (&String, &String)| is_label_key(key) && is_label_value(value);
            labels.len() <= MAX_LABELS && labels.iter().all(sized)
        },
    )
}

pub(super) fn leases_are_few(catalog: &Catalog) -> Result<(), String> {
    ensure(catalog.leases.len() <= MAX_LEASES, || {
        format!("{} leases", catalog.leases.len())
    })?;
    each(catalog.leases.keys(), |name| is_lease_name(name))
}

/// Raft id and incarnation of every meta node, pending and tombstone.
fn lives(catalog: &Catalog) -> impl Iterator<Item = (RaftId, Incarnation)> {
    let members = catalog
        .meta_nodes
        .values()
        .map(|node| (node.raft_id, node.incarnation));
    let pendings = catalog
        .pendings
        .values()
        .map(|pending| (pending.raft_id, pending.incarnation));
    let tombstones = catalog
        .tombstones
        .values()
        .map(|tombstone| (tombstone.raft_id, tombstone.incarnation));
    members.chain(pendings).chain(tombstones)
}
