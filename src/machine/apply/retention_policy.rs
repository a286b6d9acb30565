//! Retention policies: create, drop, set the default, update (wire.md 3.4, types 5 to 8).

use crate::base::{DurationNanos, Name};
use crate::catalog::{Catalog, Database, MAX_NAME_LEN, RetentionPolicy, ShardGroups};
use crate::machine::{NewRetentionPolicy, Refused, UpdateRetentionPolicy};

/// Result of a comparison of a new policy with those of its database.
pub(super) enum Placing {
    /// An equal policy exists, and is the default if that was asked for.
    AlreadyThere,
    Append,
}

/// `CREATE RETENTION POLICY`.
pub(super) fn create(
    catalog: &mut Catalog,
    database: &Name,
    policy: &NewRetentionPolicy,
    default: bool,
) -> Result<(), Refused> {
    // A fault of the policy itself is reported before the database is looked up.
    let policy = parse(policy)?;
    match place(existing(catalog, database)?, &policy, default)? {
        Placing::AlreadyThere => {}
        Placing::Append => {
            catalog
                .databases
                .update(database, |database| append(database, policy, default));
        }
    }
    Ok(())
}

/// Removes the policy with exactly this name. An unknown database or policy is no error, and then
/// nothing changes. The default may then name a policy that does not exist. It is left so, like in
/// the original: a policy that is created later under that name is the default again.
pub(super) fn drop(catalog: &mut Catalog, database: &Name, name: &Name) {
    catalog.remove_retention_policy(database, name);
}

/// Sets the default policy. The original has no code for this command and crashes on it
/// (wire.md Q6). These are the errors of its look-up.
pub(super) fn set_default(
    catalog: &mut Catalog,
    database: &Name,
    name: &Name,
) -> Result<(), Refused> {
    let found = existing(catalog, database)?;
    exact(catalog, database, name)?;
    if found.default_retention_policy != *name {
        catalog.databases.update(database, |database| {
            database.default_retention_policy = name.clone()
        });
    }
    Ok(())
}

/// `ALTER RETENTION POLICY`.
pub(super) fn update(catalog: &mut Catalog, update: &UpdateRetentionPolicy) -> Result<(), Refused> {
    let database = existing(catalog, &update.database)?;
    let Some(current) = database.retention_policy_or_default(&update.name) else {
        return Err(Refused::RetentionPolicyNotFound(update.name.clone()));
    };
    let updated = updated(database, current, update)?;
    let was_default = database.default_retention_policy == current.name;
    // A renamed default stays the default. The original leaves the default naming nothing, and
    // writes fail (wire.md Q29).
    let becomes_default = update.default || was_default;
    let default = if becomes_default {
        &updated.name
    } else {
        &database.default_retention_policy
    }
    .clone();
    if updated == *current && default == database.default_retention_policy {
        return Ok(());
    }
    let old_name = current.name.clone();
    catalog.databases.update(&update.database, |database| {
        database.default_retention_policy = default;
        if let Some(policy) = database
            .retention_policies
            .iter_mut()
            .find(|policy| policy.name == old_name)
        {
            *policy = updated;
        }
    });
    Ok(())
}

/// Checks a policy by itself, and settles its shard group duration.
pub(super) fn parse(policy: &NewRetentionPolicy) -> Result<RetentionPolicy, Refused> {
    check_name(&policy.name)?;
    check_replicas(policy.replica_n)?;
    let shard_group_duration = normalise(policy.shard_group_duration, policy.duration);
    if policy.duration.0 > 0 && policy.duration < shard_group_duration {
        return Err(Refused::DurationBelowShardGroup);
    }
    Ok(RetentionPolicy {
        name: policy.name.clone(),
        duration: policy.duration,
        shard_group_duration,
        replica_n: policy.replica_n,
        shard_groups: ShardGroups::default(),
        subscriptions: Vec::new(),
    })
}

/// Compares a new policy with the one that the database has under its name.
pub(super) fn place(
    database: &Database,
    policy: &RetentionPolicy,
    default: bool,
) -> Result<Placing, Refused> {
    let terms = |policy: &RetentionPolicy| {
        (
            policy.replica_n,
            policy.duration,
            policy.shard_group_duration,
        )
    };
    match database.retention_policy(&policy.name) {
        None => Ok(Placing::Append),
        Some(there) if terms(there) != terms(policy) => Err(Refused::RetentionPolicyExists),
        Some(_) if default && database.default_retention_policy != policy.name => {
            Err(Refused::RetentionPolicyConflict)
        }
        Some(_) => Ok(Placing::AlreadyThere),
    }
}

pub(super) fn append(database: &mut Database, policy: RetentionPolicy, default: bool) {
    if default {
        database.default_retention_policy = policy.name.clone();
    }
    database.retention_policies.push(policy);
}

/// Changed copy of `current`. The original's checks come first and in its order, so that everything
/// it refuses is refused with its text. Our own checks follow: they refuse what the original
/// accepts wrongly (wire.md Q29).
fn updated(
    database: &Database,
    current: &RetentionPolicy,
    update: &UpdateRetentionPolicy,
) -> Result<RetentionPolicy, Refused> {
    let new_name = update
        .new_name
        .as_ref()
        .filter(|new_name| **new_name != update.name);
    if new_name.is_some_and(|new_name| database.retention_policy_or_default(new_name).is_some()) {
        return Err(Refused::RetentionPolicyNameExists);
    }
    let given = update.duration.unwrap_or_default();
    if given.0 != 0 && given < DurationNanos::HOUR {
        return Err(Refused::DurationTooLow);
    }
    let duration = update.duration.unwrap_or(current.duration);
    let shard_group_duration = update
        .shard_group_duration
        .unwrap_or(current.shard_group_duration);
    let durations_given = update.duration.is_some() || update.shard_group_duration.is_some();
    if durations_given && duration.0 > 0 && duration < shard_group_duration {
        return Err(Refused::DurationBelowShardGroup);
    }
    update.new_name.as_ref().map_or(Ok(()), check_name)?;
    update.replica_n.map_or(Ok(()), check_replicas)?;
    Ok(RetentionPolicy {
        name: update.new_name.as_ref().unwrap_or(&current.name).clone(),
        duration,
        // A duration that is not given keeps its value, even if the new retention duration would
        // choose another.
        shard_group_duration: update
            .shard_group_duration
            .map_or(current.shard_group_duration, |given| {
                normalise(given, duration)
            }),
        replica_n: update.replica_n.unwrap_or(current.replica_n),
        ..current.clone()
    })
}

/// Database with this name. Every command that names a database has the same error without it.
pub(super) fn existing<'a>(catalog: &'a Catalog, database: &Name) -> Result<&'a Database, Refused> {
    catalog
        .databases
        .get(database)
        .ok_or_else(|| Refused::DatabaseNotFound(database.clone()))
}

/// Policy with exactly this name: an empty name does not mean the default (wire.md 3.2.2, "RP
/// exact").
pub(super) fn exact<'a>(
    catalog: &'a Catalog,
    database: &Name,
    name: &Name,
) -> Result<&'a RetentionPolicy, Refused> {
    let found = existing(catalog, database)?.retention_policy(name);
    found.ok_or_else(|| Refused::RetentionPolicyNotFound(name.clone()))
}

fn check_name(name: &Name) -> Result<(), Refused> {
    match name.len() {
        0 => Err(Refused::RetentionPolicyNameRequired),
        1..=MAX_NAME_LEN => Ok(()),
        _ => Err(Refused::NameTooLong),
    }
}

fn check_replicas(replica_n: u32) -> Result<(), Refused> {
    if replica_n == 0 {
        Err(Refused::ReplicationFactorZero)
    } else {
        Ok(())
    }
}

/// Shard group duration (wire.md 3.2.3): 0 means that it follows from the retention duration. It is
/// never below an hour.
pub(super) fn normalise(given: DurationNanos, duration: DurationNanos) -> DurationNanos {
    match given {
        DurationNanos(0) => by_duration(duration),
        given => given.max(DurationNanos::HOUR),
    }
}

fn by_duration(duration: DurationNanos) -> DurationNanos {
    let days = |n: i64| DurationNanos(n * DurationNanos::DAY.0);
    if duration.0 == 0 || duration >= days(180) {
        days(7)
    } else if duration >= days(2) {
        days(1)
    } else {
        DurationNanos::HOUR
    }
}
