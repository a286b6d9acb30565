//! Users and their privileges (wire.md 3.4, types 13 to 16 and 18), and `AddUser`.

use super::{permissions, role};
use crate::base::{Name, Text};
use crate::catalog::{Catalog, User};
use crate::machine::{AddUser, CreateUser, Refused};

/// Creates a user. If the user exists with the same hash and rights, nothing changes: a salted hash
/// is the same only in a retry (wire.md Q15).
pub(super) fn create(catalog: &mut Catalog, asked: &CreateUser) -> Result<(), Refused> {
    if asked.name.is_empty() {
        return Err(Refused::UsernameRequired);
    }
    match catalog.users.get(&asked.name) {
        Some(there) if (&there.hash, there.admin) == (&asked.hash, asked.admin) => Ok(()),
        Some(_) => Err(Refused::UserExists),
        None => {
            let CreateUser { name, hash, admin } = asked.clone();
            catalog.users.insert(User {
                name,
                hash,
                admin,
                privileges: Default::default(),
                beyond: Default::default(),
            });
            Ok(())
        }
    }
}

/// Creates a user with permissions, under the same conditions as [`create`].
pub(super) fn add(catalog: &mut Catalog, asked: &AddUser) -> Result<(), Refused> {
    if asked.name.is_empty() {
        return Err(Refused::UsernameRequired);
    }
    let mut user = User {
        name: asked.name.clone(),
        hash: asked.hash.clone(),
        admin: false,
        privileges: Default::default(),
        beyond: Default::default(),
    };
    for (scope, set) in asked.permissions.iter() {
        user.set_permissions(scope, *set);
    }
    match catalog.users.get(&asked.name) {
        Some(there) if *there == user => return Ok(()),
        Some(_) => return Err(Refused::UserExists),
        None => permissions::check_databases(catalog, &asked.permissions)?,
    }
    catalog.users.insert(user);
    Ok(())
}

/// Removes the user, also from its roles.
pub(super) fn drop(catalog: &mut Catalog, name: &Name) -> Result<(), Refused> {
    catalog.users.remove(name).ok_or(Refused::UserNotFound)?;
    role::forget_user(catalog, name);
    Ok(())
}

pub(super) fn set_hash(catalog: &mut Catalog, name: &Name, hash: &Text) -> Result<(), Refused> {
    update(catalog, name, |user| user.hash = hash.clone())
}

/// Sets a privilege. 0 is kept as an entry, and so are numbers that the wire does not define.
pub(super) fn set_privilege(
    catalog: &mut Catalog,
    user: &Name,
    database: &Name,
    privilege: i32,
) -> Result<(), Refused> {
    if catalog.users.get(user).is_none() {
        return Err(Refused::UserNotFound);
    }
    if catalog.databases.get(database).is_none() {
        return Err(Refused::DatabaseNotFound(database.clone()));
    }
    update(catalog, user, |user| {
        _ = user.privileges.insert(database.clone(), privilege)
    })
}

pub(super) fn set_admin(catalog: &mut Catalog, name: &Name, admin: bool) -> Result<(), Refused> {
    update(catalog, name, |user| {
        // An admin that lacks permissions of Kapacitor gets all of them by GRANT ALL PRIVILEGES.
        user.set_admin(admin);
    })
}

pub(super) fn update(
    catalog: &mut Catalog,
    name: &Name,
    change: impl FnOnce(&mut User),
) -> Result<(), Refused> {
    let user = catalog.users.get(name).ok_or(Refused::UserNotFound)?;
    let mut changed = user.clone();
    change(&mut changed);
    if changed != *user {
        catalog.users.update(name, |user| *user = changed);
    }
    Ok(())
}
