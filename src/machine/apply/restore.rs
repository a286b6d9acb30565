//! `SetData` (wire.md 3.4, type 17): a data node restores databases into the live catalog.
//!
//! The original takes the sender's whole view of the cluster for the truth. Here nodes, ids and all of ours stay as
//! they are, no highest id goes down, and what was changed since the view was taken is not lost (Q34).

use super::retention_policy::normalise;
use crate::catalog::{Catalog, Database, Databases, RetentionPolicy, Shard, ShardGroup, ShardGroups};
use crate::machine::{Refused, SetData};

pub(super) fn set_data(catalog: &mut Catalog, restore: &SetData) -> Result<(), Refused> {
    if restore.index < catalog.content_index {
        return Err(Refused::RestoreIsStale { from: restore.index });
    }
    let mut restored = catalog.clone();
    restored.databases = databases(catalog, restore);
    restored.users = restore.users.clone();
    restored.max_shard_group_id = restored.max_shard_group_id.max(restore.max_shard_group_id);
    restored.max_shard_id = restored.max_shard_id.max(restore.max_shard_id);
    restored.index_shards();
    // What contradicts itself would be in the catalog for good.
    restored.check().map_err(|violation| Refused::RestoreUnsound(violation.to_string()))?;
    *catalog = restored;
    Ok(())
}

fn databases(catalog: &Catalog, restore: &SetData) -> Databases {
    let mut all = Databases::default();
    for database in restore.databases.iter() {
        let policies = database.retention_policies.iter().map(|policy| sound_policy(catalog, policy));
        all.insert(Database { retention_policies: policies.collect(), ..database.clone() });
    }
    // Insertion numbers are not reused, so that a cached copy of one database is never taken for another.
    let (entries, _) = all.numbered();
    let first = catalog.databases.numbered().1;
    let entries: Vec<_> = entries.map(|(order, database)| (first + order, database.clone())).collect();
    let next = first + entries.len() as u64;
    Databases::from_numbered(entries, next).unwrap_or(all)
}

/// An old backup may have what was possible once (Q31c): it is settled as a new policy would be.
fn sound_policy(catalog: &Catalog, policy: &RetentionPolicy) -> RetentionPolicy {
    RetentionPolicy {
        shard_group_duration: normalise(policy.shard_group_duration, policy.duration),
        replica_n: policy.replica_n.max(1),
        shard_groups: policy
            .shard_groups
            .iter()
            .map(|group| sound_group(catalog, group))
            .collect::<ShardGroups>(),
        ..policy.clone()
    }
}

/// Owners that this cluster does not have are none.
fn sound_group(catalog: &Catalog, group: &ShardGroup) -> ShardGroup {
    let shard = |shard: &Shard| Shard {
        id: shard.id,
        owners: shard.owners.iter().copied().filter(|owner| catalog.data_nodes.contains_key(owner)).collect(),
    };
    ShardGroup { shards: group.shards.iter().map(shard).collect(), ..group.clone() }
}
