//! Every invariant of the catalog, by name, in one list.

use std::collections::BTreeSet;
use std::fmt::Debug;

use super::{Catalog, MAX_LABELS, MAX_NAME_LEN, is_label_key, is_label_value};
use crate::base::{DurationNanos, Incarnation, Name, RaftId};

/// Something that is true after every command, whatever the commands were.
pub struct Invariant {
    pub name: &'static str,
    /// `Err` says what breaks it.
    holds: fn(&Catalog) -> Result<(), String>,
}

/// The catalog contradicts itself: a bug in the machine, or bytes that are no snapshot of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant {invariant:?} is broken: {found}")]
pub struct Violation {
    pub invariant: &'static str,
    pub found: String,
}

/// The list. Tests run it after each step of each random sequence.
pub const INVARIANTS: &[Invariant] = &[
    Invariant { name: "the index is at least 1", holds: index_is_at_least_one },
    Invariant { name: "members need a cluster", holds: members_need_a_cluster },
    Invariant { name: "entries stand under their own key", holds: entries_stand_under_their_key },
    Invariant { name: "node ids are from 1 to the highest given out", holds: node_ids_are_given_out },
    Invariant { name: "Raft ids are from 1 to the highest given out", holds: raft_ids_are_given_out },
    Invariant { name: "a Raft id belongs to one incarnation", holds: raft_ids_are_unique },
    Invariant { name: "an incarnation is member, pending or tombstoned", holds: incarnations_are_unique },
    Invariant { name: "addresses of members are unique", holds: addresses_are_unique },
    Invariant { name: "labels are few and sized", holds: labels_are_sized },
    Invariant { name: "databases by order and by name agree", holds: databases_agree },
    Invariant { name: "names have 1 to 255 bytes", holds: names_are_sized },
    Invariant { name: "retention policies of a database have unique names", holds: policies_are_unique },
    Invariant { name: "retention policies are possible", holds: policies_are_possible },
];

impl Catalog {
    /// Checks every invariant.
    ///
    /// # Errors
    /// The first one that is broken, and by what.
    pub fn check(&self) -> Result<(), Violation> {
        INVARIANTS.iter().try_for_each(|invariant| {
            (invariant.holds)(self).map_err(|found| Violation { invariant: invariant.name, found })
        })
    }
}

fn index_is_at_least_one(catalog: &Catalog) -> Result<(), String> {
    ensure(catalog.index >= 1, || "index 0".to_owned())
}

fn members_need_a_cluster(catalog: &Catalog) -> Result<(), String> {
    let alone = catalog.meta_nodes.is_empty() && catalog.pendings.is_empty() && catalog.tombstones.is_empty();
    ensure(catalog.cluster.is_some() || alone, || "members of no cluster".to_owned())
}

fn entries_stand_under_their_key(catalog: &Catalog) -> Result<(), String> {
    for (id, node) in &catalog.meta_nodes {
        ensure(node.id == *id, || format!("meta node {node:?} under {id}"))?;
    }
    for (incarnation, pending) in &catalog.pendings {
        ensure(pending.incarnation == *incarnation, || format!("{pending:?} under {incarnation}"))?;
    }
    for (incarnation, tombstone) in &catalog.tombstones {
        ensure(tombstone.incarnation == *incarnation, || format!("{tombstone:?} under {incarnation}"))?;
    }
    Ok(())
}

fn node_ids_are_given_out(catalog: &Catalog) -> Result<(), String> {
    each(catalog.meta_nodes.keys(), |id| (1..=catalog.max_node_id).contains(&id.0))
}

fn raft_ids_are_given_out(catalog: &Catalog) -> Result<(), String> {
    each(lives(catalog), |(raft_id, _)| (1..=catalog.max_raft_id).contains(&raft_id.0))
}

fn raft_ids_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique("Raft id", lives(catalog).map(|(raft_id, _)| raft_id))
}

fn incarnations_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique("incarnation", lives(catalog).map(|(_, incarnation)| incarnation))
}

fn addresses_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique("HTTP address", catalog.meta_nodes.values().map(|node| &node.http))?;
    unique("Raft address", catalog.meta_nodes.values().map(|node| &node.raft))
}

fn labels_are_sized(catalog: &Catalog) -> Result<(), String> {
    each(catalog.meta_nodes.values(), |node| {
        let sized = |(key, value): (&String, &String)| is_label_key(key) && is_label_value(value);
        node.labels.len() <= MAX_LABELS && node.labels.iter().all(sized)
    })
}

fn databases_agree(catalog: &Catalog) -> Result<(), String> {
    let databases = &catalog.databases;
    each(databases.by_order.keys(), |order| **order < databases.next)?;
    each(databases.by_order.iter(), |(order, database)| {
        databases.by_name.get(&database.name) == Some(*order)
    })?;
    ensure(databases.by_order.len() == databases.by_name.len(), || "names without a database".to_owned())
}

fn names_are_sized(catalog: &Catalog) -> Result<(), String> {
    let sized = |name: &Name| (1..=MAX_NAME_LEN).contains(&name.len());
    for database in catalog.databases.iter() {
        each([&database.name], |name| sized(name))?;
        each(database.retention_policies.iter().map(|policy| &policy.name), |name| sized(name))?;
        each([&database.default_retention_policy], |name| name.is_empty() || sized(name))?;
    }
    Ok(())
}

fn policies_are_unique(catalog: &Catalog) -> Result<(), String> {
    catalog.databases.iter().try_for_each(|database| {
        unique("retention policy", database.retention_policies.iter().map(|policy| &policy.name))
    })
}

fn policies_are_possible(catalog: &Catalog) -> Result<(), String> {
    each(catalog.databases.iter().flat_map(|database| &database.retention_policies), |policy| {
        let kept_for_a_group = policy.duration.0 <= 0 || policy.duration >= policy.shard_group_duration;
        policy.replica_n >= 1 && policy.shard_group_duration >= DurationNanos::HOUR && kept_for_a_group
    })
}

/// Everyone who was ever given a Raft id and is still known.
fn lives(catalog: &Catalog) -> impl Iterator<Item = (RaftId, Incarnation)> {
    let members = catalog.meta_nodes.values().map(|node| (node.raft_id, node.incarnation));
    let pendings = catalog.pendings.values().map(|pending| (pending.raft_id, pending.incarnation));
    let tombstones = catalog.tombstones.values().map(|tombstone| (tombstone.raft_id, tombstone.incarnation));
    members.chain(pendings).chain(tombstones)
}

fn ensure(holds: bool, found: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(found()) }
}

fn each<T: Debug>(items: impl IntoIterator<Item = T>, holds: impl Fn(&T) -> bool) -> Result<(), String> {
    items.into_iter().try_for_each(|item| ensure(holds(&item), || format!("{item:?}")))
}

fn unique<T: Ord + Debug>(what: &str, items: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for item in items {
        if let Some(twice) = seen.replace(item) {
            return Err(format!("{what} {twice:?} twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
