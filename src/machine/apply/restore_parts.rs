//! A restore in parts: `BeginRestore`, `AddRestorePart`, `CommitRestore`, `AbandonRestore`
//! (commands.md, "Restores"). Each part costs no more than one command may. Only the last command
//! changes what callers see.

use super::restore;
use crate::base::{DurationNanos, UnixNanos};
use crate::catalog::{Catalog, Database, Named, Restoring, RetentionPolicy};
use crate::machine::{
    AddRestorePart, BeginRestore, Refused, RestoreFault, RestoreItem, RestoreRef, SetData,
};

/// Time after which a restore without a further part is dropped: its leader gave up, or died.
const RESTORE_PART_TIMEOUT: DurationNanos = DurationNanos(10 * 60 * 1_000_000_000);

/// Begins a restore. One that began before is dropped: at most one is kept.
pub(super) fn begin(catalog: &mut Catalog, begin: &BeginRestore) -> Result<(), Refused> {
    restore::check_index(catalog, begin.index)?;
    restore::check_highest(&[begin.max_shard_group_id, begin.max_shard_id])
        .map_err(Refused::RestoreUnsound)?;
    catalog.restoring = Some(Restoring {
        id: begin.id,
        index: begin.index,
        max_shard_group_id: begin.max_shard_group_id,
        max_shard_id: begin.max_shard_id,
        parts: 0,
        at: catalog.last_at,
        databases: Default::default(),
        users: Default::default(),
    });
    Ok(())
}

/// Adds the next part. A part that is refused leaves the restore as it was.
pub(super) fn add(catalog: &mut Catalog, part: &AddRestorePart) -> Result<(), Refused> {
    let mut restoring = found(catalog, part.of)?.clone();
    for item in &part.items {
        add_item(catalog, &mut restoring, item).map_err(Refused::RestoreUnsound)?;
    }
    restoring.parts += 1;
    restoring.at = catalog.last_at;
    catalog.restoring = Some(restoring);
    Ok(())
}

/// Replaces databases and users by the restored ones, under the same conditions as a restore of one
/// command.
pub(super) fn commit(catalog: &mut Catalog, of: RestoreRef) -> Result<(), Refused> {
    let Restoring {
        index,
        max_shard_group_id,
        max_shard_id,
        databases,
        users,
        ..
    } = found(catalog, of)?.clone();
    let restore = SetData {
        index,
        databases,
        users,
        max_shard_group_id,
        max_shard_id,
    };
    restore::set_data(catalog, &restore)?;
    catalog.restoring = None;
    Ok(())
}

pub(super) fn abandon(catalog: &mut Catalog, id: u64) {
    catalog.restoring.take_if(|restoring| restoring.id == id);
}

/// Drops a restore that nobody will end any more: its last part was long ago, or what it was made
/// from has changed, so that it would be refused.
pub(super) fn drop_abandoned(catalog: &mut Catalog, content_changed: bool) {
    let now = catalog.last_at;
    catalog.restoring.take_if(|restoring| {
        let age = UnixNanos(now.0.saturating_sub(restoring.at.0));
        content_changed || age.0 > RESTORE_PART_TIMEOUT.0
    });
}

fn found(catalog: &Catalog, of: RestoreRef) -> Result<&Restoring, Refused> {
    catalog
        .restoring
        .as_ref()
        .filter(|restoring| restoring.id == of.id && restoring.parts == of.parts)
        .ok_or(Refused::RestoreGone)
}

fn add_item(
    catalog: &Catalog,
    restoring: &mut Restoring,
    item: &RestoreItem,
) -> Result<(), RestoreFault> {
    let nodes = &catalog.data_nodes;
    match item {
        RestoreItem::Database(database) => {
            let settled = restore::settled(nodes, database);
            let name = settled.name.clone();
            is_new(restoring.databases.insert(settled), || {
                RestoreFault::NameTwice(name)
            })
        }
        RestoreItem::User(user) => is_new(restoring.users.insert(user.clone()), || {
            RestoreFault::NameTwice(user.name.clone())
        }),
        RestoreItem::Policy(policy) => in_last_database(restoring, |database| {
            let settled = restore::settled_policy(nodes, policy);
            let added = settled.size();
            database.retention_policies.push(settled);
            Ok(added)
        }),
        RestoreItem::Query(query) => in_last_database(restoring, |database| {
            database.continuous_queries.push(query.clone());
            Ok(query.size())
        }),
        RestoreItem::Subscription(subscription) => in_last_policy(restoring, |policy| {
            policy.subscriptions.push(subscription.clone());
            Ok(subscription.size())
        }),
        RestoreItem::Group(group) => in_last_policy(restoring, |policy| {
            let settled = restore::settled_group(nodes, group);
            let added = settled.size();
            is_new(policy.shard_groups.add(settled), || {
                RestoreFault::ShardGroupTwice(group.id)
            })?;
            Ok(added)
        }),
    }
}

fn is_new(is_new: bool, fault: impl FnOnce() -> RestoreFault) -> Result<(), RestoreFault> {
    if is_new { Ok(()) } else { Err(fault()) }
}

/// Adds to the last database. `add` returns the size of what it added: a part has thousands of
/// items, and a database may have as many policies, which must not be measured for each item.
fn in_last_database(
    restoring: &mut Restoring,
    add: impl FnOnce(&mut Database) -> Result<u64, RestoreFault>,
) -> Result<(), RestoreFault> {
    let last = restoring.databases.last().map(|last| last.name().clone());
    let added = last.and_then(|name| {
        restoring
            .databases
            .update_sized(&name, |database| match add(database) {
                Ok(added) => (Ok(()), added.cast_signed()),
                Err(fault) => (Err(fault), 0),
            })
    });
    added.unwrap_or(Err(RestoreFault::NothingBefore))
}

fn in_last_policy(
    restoring: &mut Restoring,
    add: impl FnOnce(&mut RetentionPolicy) -> Result<u64, RestoreFault>,
) -> Result<(), RestoreFault> {
    in_last_database(restoring, |database| {
        let last = database.retention_policies.last_mut();
        last.map_or(Err(RestoreFault::NothingBefore), add)
    })
}
