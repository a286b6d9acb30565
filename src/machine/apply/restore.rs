//! `SetData` (wire.md 3.4, type 17): a data node restores databases into the live catalog.
//!
//! The original replaces the whole catalog by the sender's view. Here nodes, ids and everything of
//! ours stay as they are. No highest id goes down, and no id comes back. A restore is refused if
//! databases or users were changed since the view was taken (wire.md Q34).

use std::collections::BTreeSet;

use super::retention_policy::normalise;
use crate::base::{ShardGroupId, ShardId};
use crate::catalog::{Catalog, Database, Databases, MAX_ID, RetentionPolicy, Shard, ShardGroup};
use crate::machine::{Refused, RestoreFault, SetData};

/// Highest id that a restore may claim to have been given out. All later ids of the cluster follow
/// it.
const MAX_RESTORED_ID: u64 = MAX_ID / 2;

pub(super) fn set_data(catalog: &mut Catalog, restore: &SetData) -> Result<(), Refused> {
    if restore.index < catalog.content_index {
        return Err(Refused::RestoreIsStale {
            from: restore.index,
        });
    }
    check_ids(catalog, restore).map_err(Refused::RestoreUnsound)?;
    let mut restored = catalog.clone();
    restored.replace_databases(
        restore
            .databases
            .iter()
            .map(|database| settled(catalog, database)),
    );
    restored.users.replace_all(restore.users.iter().cloned());
    restored.max_shard_group_id = restored.max_shard_group_id.max(restore.max_shard_group_id);
    restored.max_shard_id = restored.max_shard_id.max(restore.max_shard_id);
    // A catalog that contradicts itself would stay so for ever.
    restored
        .check()
        .map_err(|violation| Refused::RestoreUnsound(violation.into()))?;
    *catalog = restored;
    Ok(())
}

/// Checks that everything new has new ids: data nodes may still hold the shards that old ids named.
fn check_ids(catalog: &Catalog, restore: &SetData) -> Result<(), RestoreFault> {
    for highest in [restore.max_shard_group_id, restore.max_shard_id] {
        if highest > MAX_RESTORED_ID {
            return Err(RestoreFault::IdTooHigh(highest));
        }
    }
    let known: BTreeSet<ShardGroupId> = groups(&catalog.databases).map(|group| group.id).collect();
    let was = |id: u64, highest: u64, is_known: bool| id <= highest && !is_known;
    let group_was = |id: ShardGroupId| was(id.0, catalog.max_shard_group_id, known.contains(&id));
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

fn settled(catalog: &Catalog, database: &Database) -> Database {
    let policies = database
        .retention_policies
        .iter()
        .map(|policy| settled_policy(catalog, policy));
    Database {
        retention_policies: policies.collect(),
        ..database.clone()
    }
}

/// Policy of a backup, brought into the form that a new policy would have: an old backup may have
/// values that are impossible now (wire.md Q31c).
fn settled_policy(catalog: &Catalog, policy: &RetentionPolicy) -> RetentionPolicy {
    RetentionPolicy {
        shard_group_duration: normalise(policy.shard_group_duration, policy.duration),
        replica_n: policy.replica_n.max(1),
        shard_groups: policy
            .shard_groups
            .iter()
            .map(|group| settled_group(catalog, group))
            .collect(),
        ..policy.clone()
    }
}

/// Group of a backup, without owners that are no data nodes of this cluster.
fn settled_group(catalog: &Catalog, group: &ShardGroup) -> ShardGroup {
    let shard = |shard: &Shard| Shard {
        id: shard.id,
        owners: shard
            .owners
            .iter()
            .copied()
            .filter(|owner| catalog.data_nodes.contains_key(owner))
            .collect(),
    };
    ShardGroup {
        shards: group.shards.iter().map(shard).collect(),
        ..group.clone()
    }
}
