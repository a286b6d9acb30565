//! Databases: `CreateDatabase`, `DropDatabase` (wire.md 3.4, types 3 and 4).

use super::permissions;
use super::retention_policy::{self, Placing};
use crate::base::{DurationNanos, Name};
use crate::catalog::{Catalog, Database, MAX_NAME_LEN, RetentionPolicy};
use crate::machine::{NewRetentionPolicy, Refused};

/// Maximum number of copies in the default retention policy `autogen`: one on each data node, up to
/// this many (wire.md appendix C).
const MAX_AUTOGEN_REPLICAS: usize = 3;

/// Creates a database with its first and default retention policy: the given one, else `autogen` if
/// the proposer is configured to create it. If the database exists, the given policy must be its
/// default.
pub(super) fn create(
    catalog: &mut Catalog,
    name: &Name,
    policy: Option<&NewRetentionPolicy>,
    autocreate: bool,
) -> Result<(), Refused> {
    if name.is_empty() {
        return Err(Refused::DatabaseNameRequired);
    }
    if name.len() > MAX_NAME_LEN {
        return Err(Refused::NameTooLong);
    }
    match policy {
        Some(policy) => create_with(catalog, name, policy),
        // Without a policy an existing database is a success. The original compares with an
        // `autogen` of today's number of nodes. After that number changed, it refuses the command
        // or changes the database (wire.md Q30).
        None if catalog.databases.get(name).is_some() => Ok(()),
        None if autocreate => {
            let policy = autogen(catalog.active_data_nodes().count());
            create_with(catalog, name, &policy)
        }
        None => {
            insert(catalog, name, None);
            Ok(())
        }
    }
}

/// Removes the database with this name, and the privileges and permissions of users and roles on
/// it. An unknown name is no error.
pub(super) fn drop(catalog: &mut Catalog, name: &Name) {
    if catalog.databases.get(name).is_none() {
        return;
    }
    catalog.remove_database(name);
    permissions::forget_database(catalog, name);
}

fn create_with(
    catalog: &mut Catalog,
    name: &Name,
    policy: &NewRetentionPolicy,
) -> Result<(), Refused> {
    let policy = retention_policy::parse(policy)?;
    let Some(existing) = catalog.databases.get(name) else {
        insert(catalog, name, Some(policy));
        return Ok(());
    };
    match retention_policy::place(existing, &policy, true) {
        Ok(Placing::AlreadyThere) => Ok(()),
        Ok(Placing::Append) => {
            catalog.databases.update(name, |database| {
                retention_policy::append(database, policy, true)
            });
            Ok(())
        }
        // CREATE DATABASE has one text for both refusals of CREATE RETENTION POLICY.
        Err(Refused::RetentionPolicyExists) => Err(Refused::RetentionPolicyConflict),
        Err(refused) => Err(refused),
    }
}

fn insert(catalog: &mut Catalog, name: &Name, policy: Option<RetentionPolicy>) {
    catalog.databases.insert(Database {
        name: name.clone(),
        default_retention_policy: policy
            .as_ref()
            .map(|policy| policy.name.clone())
            .unwrap_or_default(),
        retention_policies: policy.into_iter().collect(),
        continuous_queries: Vec::new(),
    });
}

/// Policy that keeps points for ever, in shard groups of a week.
fn autogen(data_nodes: usize) -> NewRetentionPolicy {
    NewRetentionPolicy {
        name: Name::from("autogen"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos(0),
        replica_n: data_nodes.clamp(1, MAX_AUTOGEN_REPLICAS) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autogen_has_a_copy_per_data_node_up_to_three() {
        for (data_nodes, copies) in [(0, 1), (1, 1), (2, 2), (3, 3), (4, 3), (usize::MAX, 3)] {
            assert_eq!(
                autogen(data_nodes).replica_n,
                copies,
                "{data_nodes} data nodes"
            );
        }
    }
}
