//! Sizes that containers keep, compared with sizes computed from scratch.

use super::ensure;
use crate::catalog::{Catalog, Databases, Roles, Scopes, Users};

pub(super) fn are_those_of_the_contents(catalog: &Catalog) -> Result<(), String> {
    for (what, kept, computed) in [
        (
            "meta nodes",
            catalog.meta_nodes.size(),
            catalog.meta_nodes.computed_size(),
        ),
        (
            "pending nodes",
            catalog.pendings.size(),
            catalog.pendings.computed_size(),
        ),
        (
            "tombstones",
            catalog.tombstones.size(),
            catalog.tombstones.computed_size(),
        ),
        (
            "data nodes",
            catalog.data_nodes.size(),
            catalog.data_nodes.computed_size(),
        ),
        (
            "passive data nodes",
            catalog.passive.size(),
            catalog.passive.computed_size(),
        ),
        (
            "removed data nodes",
            catalog.removed_data_nodes.size(),
            catalog.removed_data_nodes.computed_size(),
        ),
        (
            "leases",
            catalog.leases.size(),
            catalog.leases.computed_size(),
        ),
    ] {
        are_equal(what, kept, computed)?;
    }
    databases(&catalog.databases)?;
    users(&catalog.users)?;
    roles(&catalog.roles)?;
    if let Some(restoring) = &catalog.restoring {
        databases(&restoring.databases)?;
        users(&restoring.users)?;
    }
    Ok(())
}

fn databases(databases: &Databases) -> Result<(), String> {
    let policies = databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    for policy in policies {
        let groups = &policy.shard_groups;
        are_equal("shard groups", groups.size(), groups.computed_size())?;
    }
    are_equal("databases", databases.size(), databases.computed_size())
}

fn users(users: &Users) -> Result<(), String> {
    for user in users.iter() {
        let privileges = &user.privileges;
        are_equal("privileges", privileges.size(), privileges.computed_size())?;
        permissions(&user.beyond)?;
    }
    are_equal("users", users.size(), users.computed_size())
}

fn roles(roles: &Roles) -> Result<(), String> {
    for role in roles.iter() {
        permissions(&role.permissions)?;
        are_equal("members", role.users.size(), role.users.computed_size())?;
    }
    are_equal("roles", roles.size(), roles.computed_size())
}

fn permissions(scopes: &Scopes) -> Result<(), String> {
    are_equal("permissions", scopes.size(), scopes.computed_size())
}

fn are_equal(what: &str, kept: u64, computed: u64) -> Result<(), String> {
    ensure(kept == computed, || {
        format!("{what}: {kept} bytes kept, {computed} computed")
    })
}
