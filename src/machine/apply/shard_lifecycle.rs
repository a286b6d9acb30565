//! Shard groups and shards after their creation: truncate, delete, prune, drop, add and remove
//! copies (wire.md 3.4, types 10 and 30 to 34).

use super::owners::{self, NewOwners};
use super::retention_policy::exact;
use crate::base::{DurationNanos, Name, NodeId, ShardGroupId, ShardId, Text, UnixNanos};
use crate::catalog::{Catalog, Located, OWNERS_LEVEL, RetentionPolicy, Shard, ShardGroup};
use crate::machine::{Refused, ShardCopy};

/// Time for which a deleted group is kept, so that every data node learns what to delete
/// (wire.md appendix C).
const PRUNED_AFTER: DurationNanos = DurationNanos(14 * DurationNanos::DAY.0);
/// Maximum number of shards named in a refusal. A node may have the last copies of thousands.
const MAX_SHARDS_NAMED: usize = 20;

pub(super) fn delete(
    catalog: &mut Catalog,
    database: &Name,
    policy: &Name,
    id: ShardGroupId,
) -> Result<(), Refused> {
    let group = exact(catalog, database, policy)?.shard_groups.get(id);
    let mut group = group.ok_or(Refused::ShardGroupNotFound)?.clone();
    mark_deleted(&mut group, catalog.last_at);
    catalog.put_shard_group(database, policy, group);
    Ok(())
}

/// Ends groups at `at`: later points go into other groups. A group that begins after `at` becomes
/// empty.
pub(super) fn truncate(catalog: &mut Catalog, at: UnixNanos) {
    put_all(catalog, |policy| {
        let concerned = policy
            .shard_groups
            .ending_after(at)
            .filter(|group| !group.is_deleted());
        concerned
            .map(|group| changed(group, |group| close(group, at)))
            .collect()
    });
}

/// Removes groups that were deleted long enough ago.
pub(super) fn prune(catalog: &mut Catalog) {
    let limit = UnixNanos(catalog.last_at.0.saturating_sub(PRUNED_AFTER.0));
    for (database, policy, id) in catalog.deleted_before(limit) {
        catalog.take_shard_group(&database, &policy, id);
    }
}

/// Removes a shard. An unknown shard is no error.
pub(super) fn drop(catalog: &mut Catalog, id: ShardId) {
    change(catalog, id, |group, at| remove_shard(group, id, at));
}

/// Adds an owner to a shard, in front of the first owner with a greater id. The original accepts
/// shards and nodes that do not exist (wire.md Q42).
pub(super) fn add_copy(catalog: &mut Catalog, copy: ShardCopy) -> Result<(), Refused> {
    let found = catalog
        .shard(copy.shard)
        .ok_or(Refused::ShardNotFound(copy.shard))?;
    if found.shard.owners.contains(&copy.node) {
        return Ok(());
    }
    let node = catalog
        .data_nodes
        .get(&copy.node)
        .ok_or(Refused::DataNodeNotFound)?;
    if catalog.is_passive(node) {
        return Err(Refused::PassiveOwner(node.tcp.clone()));
    }
    change(catalog, copy.shard, |group, _| {
        if let Some(shard) = group.shards.iter_mut().find(|shard| shard.id == copy.shard) {
            let at = shard.owners.iter().position(|owner| *owner > copy.node);
            shard
                .owners
                .insert(at.unwrap_or(shard.owners.len()), copy.node);
        }
    });
    Ok(())
}

/// Removes an owner from a shard. An unknown shard is no error. A shard without owners leaves its
/// group.
pub(super) fn remove_owner(catalog: &mut Catalog, copy: ShardCopy) {
    change(catalog, copy.shard, |group, at| {
        let Some(shard) = group.shards.iter_mut().find(|shard| shard.id == copy.shard) else {
            return;
        };
        shard.owners.retain(|owner| *owner != copy.node);
        if shard.owners.is_empty() {
            remove_shard(group, copy.shard, at);
        }
    });
}

/// Same as [`remove_owner`], for operators: an unknown shard or owner is an error, and without
/// `force` so is the last copy.
pub(super) fn remove_copy(
    catalog: &mut Catalog,
    copy: ShardCopy,
    force: bool,
) -> Result<(), Refused> {
    let found = catalog
        .shard(copy.shard)
        .ok_or(Refused::ShardNotFound(copy.shard))?;
    if !found.shard.owners.contains(&copy.node) {
        return Err(Refused::NotAnOwner {
            shard: copy.shard,
            node: copy.node,
        });
    }
    if found.shard.owners.len() == 1 && !found.group.is_deleted() && !force {
        return Err(Refused::LastCopies {
            first: vec![copy.shard],
            more: 0,
            node: tcp_of(catalog, copy.node),
        });
    }
    remove_owner(catalog, copy);
    Ok(())
}

/// Takes a node out of the owners of all shards. A shard whose last copy it had gets another owner,
/// which has no data of it, so that the group can still be written (commands.md, "Shard groups").
/// A group of which no other node owned a shard is deleted.
///
/// # Errors
/// Without `force`: a shard of a group that is not deleted would lose its last copy.
pub(super) fn disown(catalog: &mut Catalog, node: NodeId, force: bool) -> Result<(), Refused> {
    if !force {
        check_last_copies(catalog, node)?;
    }
    let passes_on = catalog.feature_level() >= OWNERS_LEVEL;
    let mut new_owners = NewOwners::new(catalog, Some(node));
    let now = catalog.last_at;
    put_all(catalog, |policy| {
        let owned = |group: &&ShardGroup| {
            let mut shards = group.shards.iter();
            shards.any(|shard| shard.owners.contains(&node))
        };
        let concerned = policy.shard_groups.iter().filter(owned);
        concerned
            .map(|group| {
                changed(group, |group| match passes_on {
                    true => pass_on(group, node, now, &mut new_owners),
                    false => leave_without_owner(group, node, now),
                })
            })
            .collect()
    });
    Ok(())
}

/// Gives the shards of a group that only `node` owned to other nodes. A shard that nobody owned
/// before waits for a restore, and stays as it is.
fn pass_on(group: &mut ShardGroup, node: NodeId, now: UnixNanos, new_owners: &mut NewOwners) {
    let is_lone = |shard: &Shard| shard.owners == [node];
    if group.shards.iter().all(is_lone) {
        mark_deleted(group, now);
    }
    let deleted = group.is_deleted();
    for shard in &mut group.shards {
        let was_lone = is_lone(shard);
        shard.owners.retain(|owner| *owner != node);
        if was_lone && !deleted {
            new_owners.assign([shard]);
        }
    }
}

/// Rule below [`OWNERS_LEVEL`]: the shards stay without owners, and the group ends now for new
/// points.
fn leave_without_owner(group: &mut ShardGroup, node: NodeId, now: UnixNanos) {
    group
        .shards
        .iter_mut()
        .for_each(|shard| shard.owners.retain(|owner| *owner != node));
    let without_owner = group
        .shards
        .iter()
        .filter(|shard| shard.owners.is_empty())
        .count();
    if without_owner == group.shards.len() {
        mark_deleted(group, now);
    } else if without_owner > 0 {
        close(group, now);
    }
}

/// Gives each shard without owners an owner that has no data of it, and ends the search for owners.
pub(super) fn assign_owners(catalog: &mut Catalog) {
    let mut new_owners = NewOwners::new(catalog, None);
    put_all(catalog, |policy| {
        let groups = policy.shard_groups.iter();
        groups
            .filter(|group| owners::lacks_owners(group))
            .map(|group| changed(group, |group| new_owners.assign(&mut group.shards)))
            .collect()
    });
    seek_owners(catalog);
}

/// Notes since when owners are sought, if any shard lacks them. From [`OWNERS_LEVEL`] on only a
/// restore leaves such shards.
pub(super) fn seek_owners(catalog: &mut Catalog) {
    let policies = catalog
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    let mut groups = policies.flat_map(|policy| policy.shard_groups.iter());
    let lacks = catalog.feature_level() >= OWNERS_LEVEL && groups.any(owners::lacks_owners);
    catalog.owners_sought_since = lacks.then_some(catalog.last_at);
}

/// Checks that no shard loses its last copy with a node. From [`OWNERS_LEVEL`] on copies that
/// nobody would miss do not count.
fn check_last_copies(catalog: &Catalog, node: NodeId) -> Result<(), Refused> {
    let exempts = catalog.feature_level() >= OWNERS_LEVEL;
    let now = catalog.last_at;
    let mut shards = catalog
        .last_copies(node)
        .filter(|copy| !exempts || !copy.is_dispensable(now))
        .map(|copy| copy.shard.id);
    let first: Vec<ShardId> = shards.by_ref().take(MAX_SHARDS_NAMED).collect();
    if first.is_empty() {
        return Ok(());
    }
    Err(Refused::LastCopies {
        first,
        more: shards.count(),
        node: tcp_of(catalog, node),
    })
}

fn tcp_of(catalog: &Catalog, node: NodeId) -> Text {
    let found = catalog.data_nodes.get(&node);
    found.map(|node| node.tcp.clone()).unwrap_or_default()
}

/// Removes a shard from its group. A group that loses one of several shards ends now for new
/// points: data nodes choose a shard by a hash modulo the number of shards, so points of one series
/// would go on in another shard of the same time (wire.md Q21).
fn remove_shard(group: &mut ShardGroup, id: ShardId, now: UnixNanos) {
    group.shards.retain(|shard| shard.id != id);
    if group.shards.is_empty() {
        mark_deleted(group, now);
    } else {
        close(group, now);
    }
}

/// Ends a group at `at`: later points go into another group. A group that has ended before, or is
/// deleted, is not changed.
fn close(group: &mut ShardGroup, at: UnixNanos) {
    if !group.is_deleted() && at < group.effective_end() {
        group.truncated_at = Some(never_zero(at.max(group.start)).min(group.end));
    }
}

/// Marks a group deleted. The first deletion counts: later ones do not delay the pruning
/// (wire.md Q39).
fn mark_deleted(group: &mut ShardGroup, at: UnixNanos) {
    group.deleted_at.get_or_insert(never_zero(at));
}

/// Replaces the epoch by the nanosecond after it: on the wire the epoch means "never"
/// (wire.md Q31d).
pub(super) fn never_zero(at: UnixNanos) -> UnixNanos {
    if at.0 == 0 { at.next() } else { at }
}

/// Changes the group of a shard; `change` gets the group and the time. An unknown shard changes
/// nothing.
fn change(catalog: &mut Catalog, id: ShardId, change: impl FnOnce(&mut ShardGroup, UnixNanos)) {
    let Some(Located {
        database,
        policy,
        group,
        ..
    }) = catalog.shard(id)
    else {
        return;
    };
    let (database, policy, mut group) = (database.clone(), policy.name.clone(), group.clone());
    change(&mut group, catalog.last_at);
    catalog.put_shard_group(&database, &policy, group);
}

fn changed(group: &ShardGroup, change: impl FnOnce(&mut ShardGroup)) -> ShardGroup {
    let mut group = group.clone();
    change(&mut group);
    group
}

/// Replaces groups by those that `changed` returns for each policy.
fn put_all(catalog: &mut Catalog, mut changed: impl FnMut(&RetentionPolicy) -> Vec<ShardGroup>) {
    let mut all = Vec::new();
    for database in catalog.databases.iter() {
        for policy in &database.retention_policies {
            let groups = changed(policy).into_iter();
            all.extend(groups.map(|group| (database.name.clone(), policy.name.clone(), group)));
        }
    }
    for (database, policy, group) in all {
        catalog.put_shard_group(&database, &policy, group);
    }
}
