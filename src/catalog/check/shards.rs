//! Invariants of shard groups, shards and their owners.

use super::{each, ensure, unique};
use crate::base::UnixNanos;
use crate::catalog::{Catalog, OWNERS_LEVEL, Shard, ShardGroup, ShardGroups, ShardIndex};

pub(super) fn groups_agree(catalog: &Catalog) -> Result<(), String> {
    let agree = |groups: &ShardGroups| groups.agree();
    ensure(all_groups(catalog).all(agree), || {
        "a group out of its place, or an id of none".to_owned()
    })
}

pub(super) fn group_ids_are_given_out(catalog: &Catalog) -> Result<(), String> {
    each(groups(catalog).map(|group| group.id), |id| {
        (1..=catalog.max_shard_group_id).contains(&id.0)
    })
}

/// Unique in the whole catalog: a deletion names a group by its id.
pub(super) fn group_ids_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique("shard group", groups(catalog).map(|group| group.id))
}

pub(super) fn ids_are_given_out(catalog: &Catalog) -> Result<(), String> {
    each(shards(catalog).map(|shard| shard.id), |id| {
        (1..=catalog.max_shard_id).contains(&id.0)
    })
}

/// Unique in the whole catalog: a data node keeps a shard under this id.
pub(super) fn ids_are_unique(catalog: &Catalog) -> Result<(), String> {
    unique("shard", shards(catalog).map(|shard| shard.id))
}

pub(super) fn groups_have_a_span(catalog: &Catalog) -> Result<(), String> {
    each(groups(catalog), |group| {
        let within = group
            .truncated_at
            .is_none_or(|at| group.start <= at && at <= group.end);
        group.start < group.end && within
    })
}

/// Neither time is the epoch: on the wire 0 means "never" (wire.md 2.5), so data nodes would not
/// see such a deletion.
pub(super) fn instants_can_be_shown(catalog: &Catalog) -> Result<(), String> {
    let epoch = Some(UnixNanos(0));
    each(groups(catalog), |group| {
        group.truncated_at != epoch && group.deleted_at != epoch
    })
}

/// Groups that are not deleted do not overlap up to their effective ends, in the order of the wire.
/// So a point goes into one group at most.
pub(super) fn groups_do_not_overlap(catalog: &Catalog) -> Result<(), String> {
    for groups in all_groups(catalog) {
        let mut end = UnixNanos(i64::MIN);
        for group in groups.iter().filter(|group| !group.is_deleted()) {
            ensure(end <= group.start, || {
                format!("one ends at {end:?}, {group:?}")
            })?;
            end = group.effective_end();
        }
    }
    Ok(())
}

/// A data node chooses a shard by a hash modulo the number of shards: with no shard it would crash.
pub(super) fn groups_have_shards(catalog: &Catalog) -> Result<(), String> {
    each(groups(catalog), |group| {
        group.is_deleted() || !group.shards.is_empty()
    })
}

pub(super) fn owners_are_distinct_data_nodes(catalog: &Catalog) -> Result<(), String> {
    for shard in shards(catalog) {
        distinct_owners(shard)?;
        each(&shard.owners, |owner| {
            catalog.data_nodes.contains_key(*owner)
        })?;
    }
    Ok(())
}

/// A point of a shard that nobody owns cannot be written. Below [`OWNERS_LEVEL`] removals of data
/// nodes left such shards.
pub(super) fn ownerless_shards_are_sought(catalog: &Catalog) -> Result<(), String> {
    if catalog.feature_level() < OWNERS_LEVEL || catalog.owners_sought_since.is_some() {
        return Ok(());
    }
    for group in groups(catalog).filter(|group| !group.is_deleted()) {
        let ownerless = |shard: &&Shard| shard.owners.is_empty();
        if let Some(shard) = group.shards.iter().find(ownerless) {
            return Err(format!(
                "shard {} of group {} has no owner",
                shard.id, group.id
            ));
        }
    }
    Ok(())
}

/// Compares the few owners that a shard usually has without copying them.
fn distinct_owners(shard: &Shard) -> Result<(), String> {
    match shard.owners[..] {
        [] | [_] => Ok(()),
        [first, second] => ensure(first != second, || format!("owner {first:?} twice")),
        _ => unique("owner", shard.owners.iter()),
    }
}

pub(super) fn index_is_that_of_the_databases(catalog: &Catalog) -> Result<(), String> {
    let anew = ShardIndex::of(catalog);
    let found = || format!("{:?} instead of {anew:?}", catalog.index_of_shards);
    ensure(catalog.index_of_shards == anew, found)
}

fn all_groups(catalog: &Catalog) -> impl Iterator<Item = &ShardGroups> {
    let policies = catalog
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    policies.map(|policy| &policy.shard_groups)
}

fn groups(catalog: &Catalog) -> impl Iterator<Item = &ShardGroup> {
    all_groups(catalog).flat_map(ShardGroups::iter)
}

fn shards(catalog: &Catalog) -> impl Iterator<Item = &Shard> {
    groups(catalog).flat_map(|group| &group.shards)
}
