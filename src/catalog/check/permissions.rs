//! Invariants of permissions and roles.

use super::{each, ensure};
use crate::base::Name;
use crate::catalog::{Catalog, MAX_NAME_LEN, Permissions, Role, Scopes, User, all_databases};

/// Each set of permissions is kept in one form only, so that equal catalogs have equal bytes.
pub(super) fn have_one_form(catalog: &Catalog) -> Result<(), String> {
    let sets = |scopes: &Scopes| each(scopes.iter(), |(_, set)| !set.is_empty());
    for user in catalog.users.iter() {
        sets(&user.beyond)?;
        ensure(is_beyond_privileges(user), || format!("{:?}", user.name))?;
    }
    let mut roles = catalog.roles.iter();
    roles.try_for_each(|role| sets(&role.permissions))
}

fn is_beyond_privileges(user: &User) -> bool {
    let everywhere = user.beyond.of(&all_databases());
    let of_all = if user.admin {
        everywhere.is_empty()
            || everywhere.contains(Permissions::ADMIN) && everywhere != Permissions::ALL
    } else {
        !everywhere.contains(Permissions::ADMIN)
    };
    let mut scopes = user.beyond.iter();
    of_all
        && scopes.all(|(scope, set)| scope.is_empty() || set.common(Permissions::DATA).is_empty())
}

pub(super) fn are_on_databases(catalog: &Catalog) -> Result<(), String> {
    let there = |scope: &&Name| scope.is_empty() || catalog.databases.get(scope).is_some();
    let users = catalog.users.iter().map(|user| &user.beyond);
    let mut all = users.chain(catalog.roles.iter().map(|role| &role.permissions));
    all.try_for_each(|scopes| each(scopes.keys(), there))
}

pub(super) fn roles_are_named(catalog: &Catalog) -> Result<(), String> {
    let names = catalog.roles.iter().map(|role| &role.name);
    each(names, |name| (1..=MAX_NAME_LEN).contains(&name.len()))
}

pub(super) fn members_are_users(catalog: &Catalog) -> Result<(), String> {
    let of_one = |role: &Role| {
        let there = |user: &&Name| catalog.users.get(user).is_some();
        each(role.users.keys(), there)
    };
    catalog.roles.iter().try_for_each(of_one)
}
