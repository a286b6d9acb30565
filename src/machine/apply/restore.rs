//! `SetData` (wire.md 3.4, type 17): a data node restores databases into the live catalog.
//!
//! The original replaces the whole catalog by the sender's view. Here nodes, ids and everything of
//! ours stay as they are. No highest id goes down, and no id comes back. A restore is refused if
//! databases or users were changed since the view was taken (wire.md Q34).

use super::retention_policy::normalise;
use crate::base::{NodeId, ShardGroupId, ShardId};
use crate::catalog::{Catalog, DataNode, Database, Databases, MAX_ID, ShardGroup, ShardGroups};
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
            .map(|database| settled(&catalog.data_nodes, database)),
    );
    restored.users.replace_all(restore.users.iter().cloned());
    restored.max_shard_group_id = restored.max_shard_group_id.max(restore.max_shard_group_id);
    restored.max_shard_id = restored.max_shard_id.max(restore.max_shard_id);
    // A catalog that contradicts itself would stay so for ever.
    restored
        .check_indexed()
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
fn settled(data_nodes: &imbl::OrdMap<NodeId, DataNode>, database: &Database) -> Database {
    let mut settled = database.clone();
    for policy in &mut settled.retention_policies {
        policy.shard_group_duration = normalise(policy.shard_group_duration, policy.duration);
        policy.replica_n = policy.replica_n.max(1);
        policy.shard_groups = without_strangers(data_nodes, &policy.shard_groups);
    }
    settled
}

/// Groups of a backup, without owners that are no data nodes of this cluster.
fn without_strangers(
    data_nodes: &imbl::OrdMap<NodeId, DataNode>,
    groups: &ShardGroups,
) -> ShardGroups {
    let is_stranger = |owner: &NodeId| !data_nodes.contains_key(owner);
    let has_stranger = |group: &ShardGroup| {
        let mut owners = group.shards.iter().flat_map(|shard| &shard.owners);
        owners.any(is_stranger)
    };
    if !groups.iter().any(has_stranger) {
        return groups.clone();
    }
    let settled = groups.iter().map(|group| {
        let mut group = group.clone();
        for shard in &mut group.shards {
            shard.owners.retain(|owner| !is_stranger(owner));
        }
        group
    });
    settled.collect()
}
