//! Roles (commands.md, "Users and roles").

use super::permissions;
use crate::base::Name;
use crate::catalog::{Catalog, MAX_NAME_LEN, Members, Role};
use crate::machine::{Change, ChangeMembers, CreateRole, Refused};

/// Creates a role. Unlike a user's hash, nothing in it tells a retry from another request, so an
/// existing role is refused.
pub(super) fn create(catalog: &mut Catalog, asked: &CreateRole) -> Result<(), Refused> {
    if asked.name.is_empty() {
        return Err(Refused::RoleNameRequired);
    }
    if asked.name.len() > MAX_NAME_LEN {
        return Err(Refused::NameTooLong);
    }
    if catalog.roles.get(&asked.name).is_some() {
        return Err(Refused::RoleExists);
    }
    permissions::check_databases(catalog, &asked.permissions)?;
    check_users(catalog, &asked.users)?;
    let mut role = Role {
        name: asked.name.clone(),
        permissions: Default::default(),
        users: asked.users.clone(),
    };
    for (scope, set) in asked.permissions.iter() {
        role.permissions.set(scope, *set);
    }
    catalog.roles.insert(role);
    Ok(())
}

/// Removes a role. Its members stay users.
pub(super) fn drop(catalog: &mut Catalog, name: &Name) -> Result<(), Refused> {
    let removed = catalog.roles.remove(name);
    removed.map(std::mem::drop).ok_or(Refused::RoleNotFound)
}

/// Adds members, or takes them out. Only who is added must be a user.
pub(super) fn change_members(catalog: &mut Catalog, asked: &ChangeMembers) -> Result<(), Refused> {
    _ = catalog
        .roles
        .get(&asked.role)
        .ok_or(Refused::RoleNotFound)?;
    if asked.change == Change::Add {
        check_users(catalog, &asked.users)?;
    }
    update(catalog, &asked.role, |role| {
        for user in asked.users.keys() {
            match asked.change {
                Change::Add => role.users.insert(user.clone(), ()),
                Change::Remove => role.users.remove(user),
            };
        }
    })
}

/// Takes a user that is gone out of all roles.
pub(super) fn forget_user(catalog: &mut Catalog, user: &Name) {
    let is_member_of_it = |role: &&Role| role.users.contains_key(user);
    let roles = catalog.roles.iter().filter(is_member_of_it);
    for name in roles.map(|role| role.name.clone()).collect::<Vec<_>>() {
        catalog.roles.update(&name, |role| role.users.remove(user));
    }
}

/// Changes a role, unless the change leaves it as it is.
pub(super) fn update(
    catalog: &mut Catalog,
    name: &Name,
    change: impl FnOnce(&mut Role),
) -> Result<(), Refused> {
    let role = catalog.roles.get(name).ok_or(Refused::RoleNotFound)?;
    let mut changed = role.clone();
    change(&mut changed);
    if changed != *role {
        catalog.roles.update(name, |role| *role = changed);
    }
    Ok(())
}

fn check_users(catalog: &Catalog, users: &Members) -> Result<(), Refused> {
    let mut users = users.keys();
    match users.all(|user| catalog.users.get(user).is_some()) {
        true => Ok(()),
        false => Err(Refused::UserNotFound),
    }
}
