//! Users of the data nodes' databases and of this API.
//!
//! A user has one set of permissions, shown in two ways (users.md 2). Data nodes see the admin flag
//! and a privilege for each database. `admin` and `privileges` hold what these can express, and
//! `beyond` the rest, so the two views cannot disagree.

use std::collections::BTreeMap;

use super::{Named, Permission, Permissions, Scopes, SizedMap};
use crate::base::{Name, Text};

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub name: Name,
    /// Bcrypt hash as data nodes made it. It is used here only to verify a password.
    pub hash: Text,
    pub admin: bool,
    /// Privilege for each database: 0 none, 1 READ, 2 WRITE, 3 ALL; other numbers are kept as they
    /// came (wire.md 3.4).
    pub privileges: SizedMap<Name, i32>,
    /// Permissions that `admin` and `privileges` cannot express. On a database: all but `ReadData`
    /// and `WriteData`. For all databases: those of a user that is no admin, or of an admin that
    /// lacks one of the two of Kapacitor. No entry is empty.
    pub beyond: Scopes,
}

/// Scope of all databases.
pub fn all_databases() -> Name {
    Name::default()
}

impl User {
    /// Permissions in a scope: a database, or all of them.
    pub fn permissions(&self, scope: &Name) -> Permissions {
        let beyond = self.beyond.get(scope).copied().unwrap_or_default();
        match (scope.is_empty(), self.admin) {
            (true, true) if beyond.is_empty() => Permissions::ALL,
            (true, _) => beyond,
            (false, _) => beyond.with(data_permissions(self.privileges.get(scope))),
        }
    }

    /// Permissions of each scope that has any.
    pub fn all_permissions(&self) -> BTreeMap<Name, Permissions> {
        let scopes = self.beyond.keys().chain(self.privileges.keys()).cloned();
        scopes
            .chain([all_databases()])
            .map(|scope| (self.permissions(&scope), scope))
            .filter(|(permissions, _)| !permissions.is_empty())
            .map(|(permissions, scope)| (scope, permissions))
            .collect()
    }

    /// Sets the permissions in a scope. Who has all 16 of the cluster for all databases becomes an
    /// admin, and who does not have them is none.
    pub fn set_permissions(&mut self, scope: &Name, permissions: Permissions) {
        let beyond = if scope.is_empty() {
            self.admin = permissions.contains(Permissions::ADMIN);
            if self.admin && permissions == Permissions::ALL {
                Permissions::NONE
            } else {
                permissions
            }
        } else {
            self.set_data_permissions(scope, permissions.common(Permissions::DATA));
            permissions.without(Permissions::DATA)
        };
        self.beyond.set(scope, beyond);
    }

    /// Sets the admin flag. An admin has all permissions; who is made none has no permission for
    /// all databases left.
    pub fn set_admin(&mut self, admin: bool) {
        self.admin = admin;
        self.beyond.remove(&all_databases());
    }

    /// A privilege that says the same already is kept, as is a number that the wire does not
    /// define.
    fn set_data_permissions(&mut self, database: &Name, permissions: Permissions) {
        if data_permissions(self.privileges.get(database)) == permissions {
            return;
        }
        match privilege(permissions) {
            0 => self.privileges.remove(database),
            privilege => self.privileges.insert(database.clone(), privilege),
        };
    }
}

/// Permissions that a privilege stands for.
pub(super) fn data_permissions(privilege: Option<&i32>) -> Permissions {
    match privilege {
        Some(1) => Permission::ReadData.into(),
        Some(2) => Permission::WriteData.into(),
        Some(3) => Permissions::DATA,
        _ => Permissions::NONE,
    }
}

/// Privilege that these permissions come to: 0 none, 1 READ, 2 WRITE, 3 ALL.
pub(super) fn privilege(permissions: Permissions) -> i32 {
    let read = permissions.contains(Permission::ReadData.into());
    let write = permissions.contains(Permission::WriteData.into());
    i32::from(read) + 2 * i32::from(write)
}

impl Named for User {
    fn name(&self) -> &Name {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        User {
            name: Name::from("u"),
            hash: Text::from("h"),
            admin: false,
            privileges: SizedMap::default(),
            beyond: Scopes::default(),
        }
    }

    fn of(names: &[Permission]) -> Permissions {
        names.iter().map(|name| Permissions::from(*name)).collect()
    }

    /// What is set is what is shown, in whatever order.
    #[test]
    fn permissions_that_are_set_are_those_that_are_shown() {
        let sets = [
            Permissions::ALL,
            Permissions::NONE,
            Permissions::ADMIN,
            of(&[Permission::ReadData]),
            Permissions::ADMIN.with(Permission::KapacitorAPI.into()),
            Permissions::ALL.without(Permission::Monitor.into()),
            Permissions::DATA,
        ];
        for scope in [all_databases(), Name::from("db")] {
            let mut user = user();
            for set in sets.iter().chain(sets.iter().rev()) {
                user.set_permissions(&scope, *set);
                assert_eq!(user.permissions(&scope), *set, "{scope:?}");
                let shown = user.all_permissions();
                assert_eq!(shown.get(&scope).copied().unwrap_or_default(), *set);
                let is_admin = scope.is_empty() && set.contains(Permissions::ADMIN);
                assert_eq!(user.admin, is_admin, "{set:?}");
            }
        }
    }

    #[test]
    fn privileges_of_data_nodes_are_permissions() {
        let mut user = user();
        let db = Name::from("db");
        for (privilege, want) in [
            (0, Permissions::NONE),
            (1, of(&[Permission::ReadData])),
            (2, of(&[Permission::WriteData])),
            (3, Permissions::DATA),
            (4, Permissions::NONE),
            (-1, Permissions::NONE),
        ] {
            user.privileges.insert(db.clone(), privilege);
            assert_eq!(user.permissions(&db), want, "{privilege}");
        }
        user.set_permissions(&db, of(&[Permission::DropData]));
        assert_eq!(user.privileges.get(&db), Some(&-1), "kept as it came");
        user.set_permissions(&db, of(&[Permission::WriteData]));
        assert_eq!(user.privileges.get(&db), Some(&2));
        user.set_admin(true);
        assert_eq!(user.permissions(&all_databases()), Permissions::ALL);
        user.set_admin(false);
        assert_eq!(user.permissions(&all_databases()), Permissions::NONE);
        assert_eq!(user.all_permissions().len(), 1, "the database stays");
    }
}
