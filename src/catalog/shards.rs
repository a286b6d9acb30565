//! The one place where shard groups change. It keeps the index of shards, and the number of shards
//! of each node, up to date.

use super::{Catalog, Database, Named, RetentionPolicy, Shard, ShardGroup, ShardGroups};
use crate::base::{Name, NodeId, ShardGroupId, ShardId, UnixNanos};

/// Database in which each data node stores figures about itself, in single copies.
pub const INTERNAL_DATABASE: &str = "_internal";

/// Position of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShardPlace {
    /// Insertion number of its database.
    pub(super) database: u64,
    pub(super) group: ShardGroupId,
}

/// Index derived from the databases; never in a snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardIndex {
    pub(super) places: imbl::OrdMap<ShardId, ShardPlace>,
    /// Number of shards of groups that are not deleted, for each node that owns any.
    pub(super) owned: imbl::OrdMap<NodeId, u64>,
    /// Deleted groups, in the order of pruning, with the insertion number of their database.
    pub(super) deleted: imbl::OrdSet<(UnixNanos, ShardGroupId, u64)>,
}

/// A shard with its group, policy and database.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    pub database: &'a Name,
    pub policy: &'a RetentionPolicy,
    pub group: &'a ShardGroup,
    pub shard: &'a Shard,
}

impl Located<'_> {
    /// Whether nobody would miss the points of the shard at `now`: they are figures of the data
    /// node about itself, or have expired, or the group ended before it began.
    pub fn is_dispensable(&self, now: UnixNanos) -> bool {
        self.database.as_bytes() == INTERNAL_DATABASE.as_bytes()
            || self.policy.has_expired(self.group, now)
            || self.group.effective_end() <= self.group.start
    }
}

impl Catalog {
    pub fn shard(&self, id: ShardId) -> Option<Located<'_>> {
        let place = self.index_of_shards.places.get(&id)?;
        let database = self.databases.by_order(place.database)?;
        let located = |policy| located(&database.name, policy, place.group, id);
        database.retention_policies.iter().find_map(located)
    }

    /// Number of shards that this node owns in groups that are not deleted.
    pub fn shards_owned_by(&self, node: NodeId) -> u64 {
        self.index_of_shards.owned.get(&node).copied().unwrap_or(0)
    }

    /// Shards that still exist, those of deleted groups included: the highest id first.
    pub fn newest_shards(&self) -> impl Iterator<Item = &Shard> {
        let ids = self.index_of_shards.places.keys().rev();
        ids.filter_map(|id| self.shard(*id).map(|found| found.shard))
    }

    /// Shards of which this node has the only copy, in groups that are not deleted.
    pub fn last_copies(&self, node: NodeId) -> impl Iterator<Item = Located<'_>> {
        self.copies_of(node)
            .filter(move |copy| copy.shard.owners == [node])
    }

    /// Shards that this node owns, in groups that are not deleted.
    pub fn copies_of(&self, node: NodeId) -> impl Iterator<Item = Located<'_>> {
        let policies = self.databases.iter().flat_map(|database| {
            let policies = database.retention_policies.iter();
            policies.map(move |policy| (&database.name, policy))
        });
        policies.flat_map(move |(database, policy)| {
            let live = policy
                .shard_groups
                .iter()
                .filter(|group| !group.is_deleted());
            live.flat_map(move |group| {
                let owned = group
                    .shards
                    .iter()
                    .filter(move |shard| shard.owners.contains(&node));
                owned.map(move |shard| Located {
                    database,
                    policy,
                    group,
                    shard,
                })
            })
        })
    }

    /// Number of shards, those of deleted groups included.
    pub fn shard_count(&self) -> usize {
        self.index_of_shards.places.len()
    }

    /// Groups that were deleted before this instant, with the names of their database and policy.
    pub fn deleted_before(&self, limit: UnixNanos) -> Vec<(Name, Name, ShardGroupId)> {
        let deleted = self
            .index_of_shards
            .deleted
            .range(..(limit, ShardGroupId(0), 0));
        let named = |(_, id, order): &(UnixNanos, ShardGroupId, u64)| {
            let database = self.databases.by_order(*order)?;
            let has_it = |policy: &&RetentionPolicy| policy.shard_groups.get(*id).is_some();
            let policy = database.retention_policies.iter().find(has_it)?;
            Some((database.name.clone(), policy.name.clone(), *id))
        };
        deleted.filter_map(named).collect()
    }

    /// Adds a group, or replaces the one with its id. Without such a policy nothing changes.
    pub fn put_shard_group(&mut self, database: &Name, policy: &Name, group: ShardGroup) {
        let Some(order) = self.databases.order_of(database) else {
            return;
        };
        let found = self
            .databases
            .get(database)
            .and_then(|found| found.retention_policy(policy));
        if found.is_none_or(|found| found.shard_groups.get(group.id) == Some(&group)) {
            return;
        }
        let added = group.clone();
        let replaced = self.change_groups(database, policy, |groups| {
            let replaced = groups.take(group.id);
            groups.put(group);
            replaced
        });
        if let Some(replaced) = replaced {
            if let Some(group) = replaced {
                self.index_of_shards.forget(order, &group);
            }
            self.index_of_shards.add(order, &added);
        }
    }

    pub fn take_shard_group(&mut self, database: &Name, policy: &Name, id: ShardGroupId) {
        let Some(order) = self.databases.order_of(database) else {
            return;
        };
        let taken = self.change_groups(database, policy, |groups| groups.take(id));
        if let Some(Some(group)) = taken {
            self.index_of_shards.forget(order, &group);
        }
    }

    /// Changes the groups of a policy, without measuring the rest of its database.
    fn change_groups<R>(
        &mut self,
        database: &Name,
        policy: &Name,
        change: impl FnOnce(&mut ShardGroups) -> R,
    ) -> Option<R> {
        let changed = self.databases.update_sized(database, |database| {
            let mut policies = database.retention_policies.iter_mut();
            let Some(found) = policies.find(|found| found.name == *policy) else {
                return (None, 0);
            };
            let before = found.shard_groups.size();
            let result = change(&mut found.shard_groups);
            let grown = found.shard_groups.size().wrapping_sub(before);
            (Some(result), grown.cast_signed())
        });
        changed.flatten()
    }

    pub fn remove_database(&mut self, name: &Name) {
        let Some(order) = self.databases.order_of(name) else {
            return;
        };
        if let Some(database) = self.databases.remove(name) {
            database
                .retention_policies
                .iter()
                .for_each(|policy| self.index_of_shards.forget_all(order, policy));
        }
    }

    /// Removes the policy with exactly this name; without such a policy nothing changes.
    pub fn remove_retention_policy(&mut self, database: &Name, name: &Name) {
        let Some(order) = self.databases.order_of(database) else {
            return;
        };
        let found = self
            .databases
            .get(database)
            .and_then(|found| found.retention_policy(name))
            .cloned();
        if let Some(policy) = found {
            self.databases.update(database, |database| {
                database
                    .retention_policies
                    .retain(|policy| policy.name != *name);
            });
            self.index_of_shards.forget_all(order, &policy);
        }
    }

    /// Replaces all databases by these.
    pub fn replace_databases(&mut self, databases: impl IntoIterator<Item = Database>) {
        self.databases.replace_all(databases);
        self.index_shards();
    }

    /// Computes the index anew, for databases that came from a snapshot.
    pub fn index_shards(&mut self) {
        self.index_of_shards = ShardIndex::of(self);
    }
}

fn located<'a>(
    database: &'a Name,
    policy: &'a RetentionPolicy,
    group: ShardGroupId,
    shard: ShardId,
) -> Option<Located<'a>> {
    let group = policy.shard_groups.get(group)?;
    Some(Located {
        database,
        policy,
        group,
        shard: group.shard(shard)?,
    })
}

impl ShardIndex {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let mut index = Self::default();
        for database in catalog.databases.iter() {
            let order = catalog
                .databases
                .order_of(database.name())
                .unwrap_or_default();
            let groups = database
                .retention_policies
                .iter()
                .flat_map(|policy| policy.shard_groups.iter());
            groups.for_each(|group| index.add(order, group));
        }
        index
    }

    fn add(&mut self, database: u64, group: &ShardGroup) {
        for shard in &group.shards {
            self.places.insert(
                shard.id,
                ShardPlace {
                    database,
                    group: group.id,
                },
            );
        }
        if let Some(at) = group.deleted_at {
            self.deleted.insert((at, group.id, database));
        }
        for owner in owners(group) {
            *self.owned.entry(owner).or_insert(0) += 1;
        }
    }

    fn forget(&mut self, database: u64, group: &ShardGroup) {
        for shard in &group.shards {
            self.places.remove(&shard.id);
        }
        if let Some(at) = group.deleted_at {
            self.deleted.remove(&(at, group.id, database));
        }
        for owner in owners(group) {
            match self.owned.get_mut(&owner) {
                Some(count) if *count > 1 => *count -= 1,
                _ => _ = self.owned.remove(&owner),
            }
        }
    }

    fn forget_all(&mut self, database: u64, policy: &RetentionPolicy) {
        policy
            .shard_groups
            .iter()
            .for_each(|group| self.forget(database, group));
    }
}

/// Owners of the group's shards: an entry for each shard that a node owns. Shards of a deleted
/// group do not count.
fn owners(group: &ShardGroup) -> impl Iterator<Item = NodeId> {
    let shards = if group.is_deleted() {
        &[][..]
    } else {
        &group.shards
    };
    shards.iter().flat_map(|shard| shard.owners.iter().copied())
}
