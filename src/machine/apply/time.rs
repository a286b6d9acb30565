//! `RepairTime`: sets the catalog's time back.

use super::shard_lifecycle::never_zero;
use crate::base::UnixNanos;
use crate::catalog::{Catalog, ShardGroup};
use crate::machine::Refused;

/// Largest difference between stamp and catalog that is no fault: 60 s, as between clocks.
const TOLERANCE_NANOS: i64 = 60_000_000_000;

/// Sets the catalog's time to `now`, the stamp of the command. Deletions and removals that are
/// dated later are dated now: a deletion of the year 2099 would never be forgotten.
///
/// # Errors
/// The catalog's time is not ahead of `now`.
pub(super) fn repair(catalog: &mut Catalog, now: UnixNanos) -> Result<(), Refused> {
    if catalog.last_at.0.saturating_sub(now.0) <= TOLERANCE_NANOS {
        return Err(Refused::TimeIsRight);
    }
    catalog.last_at = now;
    // A restore that was begun in 2099 would never be old enough to be dropped.
    if let Some(restoring) = &mut catalog.restoring {
        restoring.at = restoring.at.min(now);
    }
    catalog.owners_sought_since = catalog.owners_sought_since.map(|since| since.min(now));
    let mut late = Vec::new();
    for database in catalog.databases.iter() {
        for policy in &database.retention_policies {
            let groups = policy.shard_groups.iter();
            late.extend(
                groups
                    .filter(|group| group.deleted_at > Some(now))
                    .map(|group| (database.name.clone(), policy.name.clone(), group.clone())),
            );
        }
    }
    for (database, policy, group) in late {
        let deleted_at = Some(never_zero(now));
        let group = ShardGroup {
            deleted_at,
            ..group
        };
        catalog.put_shard_group(&database, &policy, group);
    }
    let tombstones = catalog.tombstones.values().filter(|one| one.at > now);
    for mut tombstone in tombstones.cloned().collect::<Vec<_>>() {
        tombstone.at = now;
        catalog.tombstones.insert(tombstone.incarnation, tombstone);
    }
    Ok(())
}
