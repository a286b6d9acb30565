//! Roles: permissions that several users have (users.md 3).

use std::collections::BTreeMap;

use super::user::{all_databases, data_permissions, privilege};
use super::{Catalog, Named, Permissions, SizedMap, User};
use crate::base::Name;

/// Permissions by scope: a database, or the empty name for all of them. No entry is empty.
pub type Scopes = SizedMap<Name, Permissions>;

/// Names of users. Each is that of a user of the catalog.
pub type Members = SizedMap<Name, ()>;

#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub name: Name,
    pub permissions: Scopes,
    pub users: Members,
}

impl Named for Role {
    fn name(&self) -> &Name {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size()
    }
}

impl Scopes {
    /// Sets the permissions of a scope. Without any the scope is removed.
    pub fn set(&mut self, scope: &Name, permissions: Permissions) {
        if permissions.is_empty() {
            self.remove(scope);
        } else {
            self.insert(scope.clone(), permissions);
        }
    }

    /// Permissions of a scope, empty if it is not there.
    pub fn of(&self, scope: &Name) -> Permissions {
        self.get(scope).copied().unwrap_or_default()
    }
}

impl Role {
    fn is_for_admins(&self) -> bool {
        let everywhere = self.permissions.of(&all_databases());
        everywhere.contains(Permissions::ADMIN)
    }
}

impl Catalog {
    /// Whether a user is an admin: by its own permissions, or as a member of a role that has all 16
    /// permissions of the cluster.
    pub fn is_admin(&self, user: &User) -> bool {
        let is_of_it = |role: &Role| role.is_for_admins() && role.users.contains_key(&user.name);
        user.admin || self.roles.iter().any(is_of_it)
    }

    /// Permissions of a user in a scope, by itself and by its roles; those for all databases hold on
    /// each.
    pub fn permissions_of(&self, user: &User, scope: &Name) -> Permissions {
        let everywhere = all_databases();
        let roles = self.roles.iter();
        let roles = roles.filter(|role| role.users.contains_key(&user.name));
        let of_roles = |role: &Role| {
            let general = role.permissions.of(&everywhere);
            general.with(role.permissions.of(scope))
        };
        let own = user.permissions(&everywhere).with(user.permissions(scope));
        roles.map(of_roles).fold(own, Permissions::with)
    }

    /// Whether any user is an admin.
    pub fn has_admin(&self) -> bool {
        let makes_one = |role: &Role| role.is_for_admins() && !role.users.is_empty();
        self.users.iter().any(|user| user.admin) || self.roles.iter().any(makes_one)
    }
}

/// Users as data nodes see them: with the permissions that they have for all databases, and those
/// of their roles, as an admin flag and privileges. Data nodes know no roles.
pub struct ShownUsers<'a> {
    catalog: &'a Catalog,
    roles: BTreeMap<&'a Name, Vec<&'a Role>>,
}

impl<'a> ShownUsers<'a> {
    pub fn of(catalog: &'a Catalog) -> Self {
        let mut roles = BTreeMap::<_, Vec<_>>::new();
        for role in catalog.roles.iter() {
            for user in role.users.keys() {
                roles.entry(user).or_default().push(role);
            }
        }
        Self { catalog, roles }
    }

    /// Whether data nodes see the user as an admin, and its privileges. A privilege that is not
    /// widened is shown as it came, whatever its number.
    pub fn rights(&self, user: &User) -> (bool, SizedMap<Name, i32>) {
        let roles = self.roles.get(&user.name).map_or(&[][..], Vec::as_slice);
        let admin = user.admin || roles.iter().any(|role| role.is_for_admins());
        let mut privileges = user.privileges.clone();
        if admin {
            return (admin, privileges);
        }
        for (database, granted) in self.granted(user, roles) {
            let own = data_permissions(privileges.get(&database));
            if !own.contains(granted) {
                privileges.insert(database, privilege(own.with(granted)));
            }
        }
        (admin, privileges)
    }

    /// What a user may do with data besides its own privileges, by database.
    fn granted(&self, user: &User, roles: &[&Role]) -> BTreeMap<Name, Permissions> {
        let of_roles = |scope: &Name| {
            roles
                .iter()
                .map(|role| role.permissions.of(scope))
                .collect()
        };
        let everywhere = all_databases();
        let general: Permissions = of_roles(&everywhere);
        let general = general.with(user.permissions(&everywhere));
        let mut granted = BTreeMap::new();
        let mut add = |database: &Name, permissions: Permissions| {
            let data = permissions.common(Permissions::DATA);
            if !data.is_empty() {
                let known: &mut Permissions = granted.entry(database.clone()).or_default();
                *known = known.with(data);
            }
        };
        if !general.common(Permissions::DATA).is_empty() {
            let databases = self.catalog.databases.iter();
            databases.for_each(|database| add(&database.name, general));
        }
        for (scope, permissions) in roles.iter().flat_map(|role| role.permissions.iter()) {
            if !scope.is_empty() {
                add(scope, *permissions);
            }
        }
        granted
    }
}
