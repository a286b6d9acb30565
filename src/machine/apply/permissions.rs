//! Permissions of users and roles (commands.md, "Users and roles").

use super::{role, user};
use crate::base::Name;
use crate::catalog::{Catalog, Permissions, Role, Scopes, User, Users, all_databases};
use crate::machine::{Change, ChangePermissions, Holder, Refused};

/// Adds permissions, or takes them away. Only what is added must be on a database that exists.
pub(super) fn change(catalog: &mut Catalog, asked: &ChangePermissions) -> Result<(), Refused> {
    match &asked.holder {
        Holder::User(name) => {
            _ = catalog.users.get(name).ok_or(Refused::UserNotFound)?;
        }
        Holder::Role(name) => {
            _ = catalog.roles.get(name).ok_or(Refused::RoleNotFound)?;
        }
    }
    if asked.change == Change::Add {
        check_databases(catalog, &asked.permissions)?;
    }
    let changed = |before: Permissions, asked_for: Permissions| match asked.change {
        Change::Add => before.with(asked_for),
        Change::Remove => before.without(asked_for),
    };
    match &asked.holder {
        Holder::User(name) => user::update(catalog, name, |user| {
            for (scope, set) in asked.permissions.iter() {
                user.set_permissions(scope, changed(user.permissions(scope), *set));
            }
        }),
        Holder::Role(name) => role::update(catalog, name, |role| {
            for (scope, set) in asked.permissions.iter() {
                let set = changed(role.permissions.of(scope), *set);
                role.permissions.set(scope, set);
            }
        }),
    }
}

/// Checks that every scope with permissions is that of all databases, or a database that exists.
pub(super) fn check_databases(catalog: &Catalog, scopes: &Scopes) -> Result<(), Refused> {
    let asked = scopes.iter().filter(|(_, set)| !set.is_empty());
    let mut named = asked
        .map(|(scope, _)| scope)
        .filter(|scope| !scope.is_empty());
    match named.find(|scope| catalog.databases.get(scope).is_none()) {
        Some(unknown) => Err(Refused::DatabaseNotFound(unknown.clone())),
        None => Ok(()),
    }
}

/// Takes away the privileges and permissions of all users and roles on a database.
pub(super) fn forget_database(catalog: &mut Catalog, database: &Name) {
    let is_user_of_it =
        |user: &&User| user.privileges.contains_key(database) || user.beyond.contains_key(database);
    let users = catalog.users.iter().filter(is_user_of_it);
    for name in users.map(|user| user.name.clone()).collect::<Vec<_>>() {
        catalog.users.update(&name, |user| {
            user.privileges.remove(database);
            user.beyond.remove(database);
        });
    }
    let is_role_of_it = |role: &&Role| role.permissions.contains_key(database);
    let roles = catalog.roles.iter().filter(is_role_of_it);
    for name in roles.map(|role| role.name.clone()).collect::<Vec<_>>() {
        catalog.roles.update(&name, |role| {
            role.permissions.remove(database);
        });
    }
}

/// Restored user with the permissions that a user of this name has now, because a restore cannot
/// express them. Its own admin flag and privileges count.
pub(super) fn with_those_before(users: &Users, restored: &User) -> User {
    let mut user = restored.clone();
    let Some(before) = users.get(&user.name) else {
        return user;
    };
    user.beyond = before.beyond.clone();
    if user.admin != before.admin {
        user.beyond.remove(&all_databases());
    }
    user
}

/// After a restore: takes away permissions on databases that are gone, and takes users that are
/// gone out of their roles.
pub(super) fn keep_possible(catalog: &mut Catalog) {
    let databases = catalog.databases.clone();
    let is_possible = |scope: &Name| scope.is_empty() || databases.get(scope).is_some();
    let kept = |scopes: &Scopes| -> Scopes {
        let kept = scopes.iter().filter(|(scope, _)| is_possible(scope));
        kept.map(|(scope, set)| (scope.clone(), *set)).collect()
    };
    let loses = |scopes: &Scopes| !scopes.keys().all(&is_possible);
    let users = catalog.users.iter().filter(|user| loses(&user.beyond));
    for name in users.map(|user| user.name.clone()).collect::<Vec<_>>() {
        catalog
            .users
            .update(&name, |user| user.beyond = kept(&user.beyond));
    }
    let users = catalog.users.clone();
    let is_user = |name: &Name| users.get(name).is_some();
    let changes = |role: &&Role| loses(&role.permissions) || !role.users.keys().all(&is_user);
    let roles = catalog.roles.iter().filter(changes);
    for name in roles.map(|role| role.name.clone()).collect::<Vec<_>>() {
        catalog.roles.update(&name, |role| {
            role.permissions = kept(&role.permissions);
            let members = role.users.keys().filter(|user| is_user(user));
            role.users = members.map(|user| (user.clone(), ())).collect();
        });
    }
}
