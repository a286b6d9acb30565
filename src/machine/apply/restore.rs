//! `SetData` (wire.md 3.4, type 17): a data node restores databases into the live catalog.
//!
//! The original replaces the whole catalog by the sender's view. Here nodes, ids and everything of
//! ours stay as they are. No highest id goes down, and no id comes back. A restore is refused if
//! databases or users were changed since the view was taken (wire.md Q34).

use super::retention_policy::normalise;
use super::{permissions, shard_lifecycle};
use crate::base::{NodeId, ShardGroupId, ShardId};
use crate::catalog::{
    Catalog, DataNode, Database, Databases, MAX_ID, RetentionPolicy, ShardGroup, ShardGroups,
    SizedMap,
};
use crate::machine::{Refused, RestoreFault, SetData};

type DataNodes = SizedMap<NodeId, DataNode>;

/// Highest id that a restore may claim to have been given out. All later ids of the cluster follow
/// it.
const MAX_RESTORED_ID: u64 = MAX_ID / 2;

pub(super) fn set_data(catalog: &mut Catalog, restore: &SetData) -> Result<(), Refused> {
    check_index(catalog, restore.index)?;
    check_ids(catalog, restore).map_err(Refused::RestoreUnsound)?;
    let mut restored = catalog.clone();
    restored.replace_databases(
        restore
            .databases
            .iter()
            .map(|database| settled(&catalog.data_nodes, database)),
    );
    let users = restore.users.iter();
    let users = users.map(|user| permissions::with_those_before(&catalog.users, user));
    restored.users.replace_all(users);
    permissions::keep_possible(&mut restored);
    restored.max_shard_group_id = restored.max_shard_group_id.max(restore.max_shard_group_id);
    restored.max_shard_id = restored.max_shard_id.max(restore.max_shard_id);
    shard_lifecycle::seek_owners(&mut restored);
    // A catalog that contradicts itself would stay so for ever.
    restored
        .check_indexed()
        .map_err(|violation| Refused::RestoreUnsound(violation.into()))?;
    *catalog = restored;
    Ok(())
}

/// Checks that a restore does not undo changes that were made since its view was taken.
pub(super) fn check_index(catalog: &Catalog, index: u64) -> Result<(), Refused> {
    if index < catalog.content_index {
        return Err(Refused::RestoreIsStale { from: index });
    }
    Ok(())
}

pub(super) fn check_highest(ids: &[u64]) -> Result<(), RestoreFault> {
    match ids.iter().find(|id| **id > MAX_RESTORED_ID) {
        Some(id) => Err(RestoreFault::IdTooHigh(*id)),
        None => Ok(()),
    }
}

/// Checks that everything new has new ids: data nodes may still hold the shards that old ids named.
fn check_ids(catalog: &Catalog, restore: &SetData) -> Result<(), RestoreFault> {
    check_highest(&[restore.max_shard_group_id, restore.max_shard_id])?;
    let mut known: Vec<ShardGroupId> = groups(&catalog.databases).map(|group| group.id).collect();
    known.sort_unstable();
    let is_known = |id: ShardGroupId| known.binary_search(&id).is_ok();
    let was = |id: u64, highest: u64, is_known: bool| id <= highest && !is_known;
    let group_was = |id: ShardGroupId| was(id.0, catalog.max_shard_group_id, is_known(id));
    let shard_was = |id: ShardId| was(id.0, catalog.max_shard_id, catalog.shard(id).is_some());
    for group in groups(&restore.databases) {
        if group_was(group.id) {
            return Err(RestoreFault::ShardGroupReused(group.id));
        }
        if let Some(shard) = group.shards.iter().find(|shard| shard_was(shard.id)) {
            return Err(RestoreFault::ShardReused(shard.id));
        }
    }
    Ok(())
}

fn groups(databases: &Databases) -> impl Iterator<Item = &ShardGroup> {
    let policies = databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    policies.flat_map(|policy| policy.shard_groups.iter())
}

/// Database of a backup, with policies in the form that new ones would have: an old backup may have
/// values that are impossible now (wire.md Q31c). Groups that stay as they are are shared with the
/// command, not copied.
pub(super) fn settled(data_nodes: &DataNodes, database: &Database) -> Database {
    let policies = database.retention_policies.iter();
    Database {
        retention_policies: policies
            .map(|policy| settled_policy(data_nodes, policy))
            .collect(),
        name: database.name.clone(),
        default_retention_policy: database.default_retention_policy.clone(),
        continuous_queries: database.continuous_queries.clone(),
    }
}

pub(super) fn settled_policy(data_nodes: &DataNodes, policy: &RetentionPolicy) -> RetentionPolicy {
    RetentionPolicy {
        shard_group_duration: normalise(policy.shard_group_duration, policy.duration),
        replica_n: policy.replica_n.max(1),
        shard_groups: settled_groups(data_nodes, &policy.shard_groups),
        name: policy.name.clone(),
        duration: policy.duration,
        subscriptions: policy.subscriptions.clone(),
    }
}

fn settled_groups(data_nodes: &DataNodes, groups: &ShardGroups) -> ShardGroups {
    if !groups.iter().any(|group| has_stranger(data_nodes, group)) {
        return groups.clone();
    }
    groups
        .iter()
        .map(|group| settled_group(data_nodes, group))
        .collect()
}

/// Group of a backup, without owners that are no data nodes of this cluster.
pub(super) fn settled_group(data_nodes: &DataNodes, group: &ShardGroup) -> ShardGroup {
    let mut group = group.clone();
    for shard in &mut group.shards {
        shard.owners.retain(|owner| data_nodes.contains_key(owner));
    }
    group
}

fn has_stranger(data_nodes: &DataNodes, group: &ShardGroup) -> bool {
    let mut owners = group.shards.iter().flat_map(|shard| &shard.owners);
    owners.any(|owner| !data_nodes.contains_key(owner))
}
