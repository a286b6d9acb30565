//! Random commands about permissions and roles, and what data nodes must see of them.

use std::collections::BTreeMap;

use influxdb_meta::catalog::{
    Members, Permission, Permissions, Role, Scopes, ShownUsers, User, all_databases,
};
use influxdb_meta::machine::{
    AddUser, Change, ChangeMembers, ChangePermissions, CreateRole, Holder,
};

use super::*;

pub(super) fn command(rng: &mut StdRng) -> InternalCommand {
    match rng.random_range(0..9) {
        0 | 8 => InternalCommand::AddUser(AddUser {
            name: name(rng),
            hash: Text::from("hash-0"),
            permissions: scopes(rng),
        }),
        1..=3 => InternalCommand::ChangePermissions(ChangePermissions {
            holder: if rng.random() {
                Holder::User(name(rng))
            } else {
                Holder::Role(name(rng))
            },
            change: change(rng),
            permissions: scopes(rng),
        }),
        4..=5 => InternalCommand::CreateRole(CreateRole {
            name: name(rng),
            permissions: scopes(rng),
            users: members(rng),
        }),
        6 if rng.random_ratio(1, 2) => InternalCommand::DropRole { name: name(rng) },
        _ => InternalCommand::ChangeMembers(ChangeMembers {
            role: name(rng),
            change: change(rng),
            users: members(rng),
        }),
    }
}

fn change(rng: &mut StdRng) -> Change {
    if rng.random_ratio(2, 3) {
        Change::Add
    } else {
        Change::Remove
    }
}

fn scopes(rng: &mut StdRng) -> Scopes {
    let sets = [
        Permissions::NONE,
        Permissions::DATA,
        Permissions::ADMIN,
        Permissions::ALL,
        Permission::ReadData.into(),
        Permission::WriteData.into(),
        Permission::Monitor.into(),
        Permission::KapacitorAPI.into(),
    ];
    let one = |rng: &mut StdRng| {
        let scope = if rng.random_ratio(1, 3) {
            all_databases()
        } else {
            name(rng)
        };
        (scope, sets[rng.random_range(0..sets.len())])
    };
    (0..rng.random_range(0..3)).map(|_| one(rng)).collect()
}

fn members(rng: &mut StdRng) -> Members {
    let users = 0..rng.random_range(0..3);
    users.map(|_| (name(rng), ())).collect()
}

/// Checks that both views of each user say the same: its permissions, and what data nodes see.
pub(super) fn compare(catalog: &Catalog, what: &str) {
    let shown = ShownUsers::of(catalog);
    for user in catalog.users.iter() {
        let (admin, privileges) = shown.rights(user);
        assert_eq!(admin, catalog.is_admin(user), "{what}");
        let own_admin = user
            .permissions(&all_databases())
            .contains(Permissions::ADMIN);
        assert_eq!(own_admin, user.admin, "{what}");
        if admin {
            continue;
        }
        let roles: Vec<&Role> = catalog
            .roles
            .iter()
            .filter(|role| role.users.contains_key(&user.name))
            .collect();
        for database in catalog.databases.iter() {
            let want = privilege_of(user, &roles, &database.name);
            let seen = privileges.get(&database.name).copied().unwrap_or(0);
            let seen = if (0..4).contains(&seen) { seen } else { 0 };
            assert_eq!(seen, want, "{:?} on {:?}: {what}", user.name, database.name);
        }
    }
}

/// Privilege by the definition: READ or WRITE from the user or a role, for this database or all.
fn privilege_of(user: &User, roles: &[&Role], database: &Name) -> i32 {
    let mut sets: BTreeMap<u8, Permissions> = BTreeMap::new();
    for scope in [database, &all_databases()] {
        let of_roles = roles.iter().map(|role| role.permissions.of(scope));
        for set in of_roles.chain([user.permissions(scope)]) {
            for (bit, permission) in [(1, Permission::ReadData), (2, Permission::WriteData)] {
                if set.contains(permission.into()) {
                    sets.insert(bit, set);
                }
            }
        }
    }
    sets.keys().map(|bit| i32::from(*bit)).sum()
}
