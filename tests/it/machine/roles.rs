//! `AddUser`, `ChangePermissions`, and the commands about roles.

use Permission::{DropData, Monitor, ReadData, WriteData};
use influxdb_meta::catalog::{Members, Permission, Permissions, Scopes, User};
use influxdb_meta::machine::{
    AddUser, Change, ChangeMembers, ChangePermissions, CreateRole, Holder, SetData,
};

use super::*;
use crate::vectors::protobuf::Tree;

const EVERYWHERE: &str = "";

fn scopes(scopes: &[(&str, &[Permission])]) -> Scopes {
    let one = |(scope, permissions): &(&str, &[Permission])| {
        let set = permissions.iter().map(|one| Permissions::from(*one));
        (Name::from(*scope), set.collect::<Permissions>())
    };
    scopes.iter().map(one).collect()
}

fn everywhere(set: Permissions) -> Scopes {
    [(Name::from(EVERYWHERE), set)].into_iter().collect()
}

fn members(names: &[&str]) -> Members {
    names.iter().map(|name| (Name::from(*name), ())).collect()
}

fn add_user(name: &str, permissions: Scopes) -> Command {
    Command::Internal(InternalCommand::AddUser(AddUser {
        name: Name::from(name),
        hash: Text::from("hash"),
        permissions,
    }))
}

fn permit(holder: Holder, change: Change, permissions: Scopes) -> Command {
    Command::Internal(InternalCommand::ChangePermissions(ChangePermissions {
        holder,
        change,
        permissions,
    }))
}

fn grant(user: &str, permissions: Scopes) -> Command {
    permit(Holder::User(Name::from(user)), Change::Add, permissions)
}

fn revoke(user: &str, permissions: Scopes) -> Command {
    permit(Holder::User(Name::from(user)), Change::Remove, permissions)
}

fn create_role(name: &str, permissions: Scopes, users: &[&str]) -> Command {
    Command::Internal(InternalCommand::CreateRole(CreateRole {
        name: Name::from(name),
        permissions,
        users: members(users),
    }))
}

fn change_members(role: &str, change: Change, users: &[&str]) -> Command {
    Command::Internal(InternalCommand::ChangeMembers(ChangeMembers {
        role: Name::from(role),
        change,
        users: members(users),
    }))
}

fn drop_role(name: &str) -> Command {
    Command::Internal(InternalCommand::DropRole {
        name: Name::from(name),
    })
}

fn wire_privilege(user: &str, database: &str, privilege: i32) -> Command {
    Command::Wire(WireCommand::SetPrivilege {
        user: Name::from(user),
        database: Name::from(database),
        privilege,
    })
}

fn drop_user(name: &str) -> Command {
    Command::Wire(WireCommand::DropUser {
        name: Name::from(name),
    })
}

fn drop_database(name: &str) -> Command {
    Command::Wire(WireCommand::DropDatabase {
        name: Name::from(name),
    })
}

/// A cluster with the databases `a` and `b` and the user `u`.
fn fed() -> Fed {
    let mut fed = Fed::at_level(6, 1);
    fed.ok(create_database("a"))
        .ok(create_database("b"))
        .ok(create_user("u", "hash", false));
    fed
}

fn user(fed: &Fed, name: &str) -> User {
    let found = fed.catalog.users.get(&Name::from(name));
    found.expect("a user").clone()
}

/// Permissions as `GET /user` lists them.
fn listed(fed: &Fed, name: &str) -> Vec<String> {
    let all = user(fed, name).all_permissions().into_iter();
    all.map(|(scope, set)| {
        let names: Vec<_> = set.iter().map(Permission::name).collect();
        format!("{scope}: {}", names.join(" "))
    })
    .collect()
}

/// Admin flag and privileges as data nodes decode them.
fn shown(fed: &Fed, name: &str) -> (bool, Vec<(String, i32)>) {
    let data = Tree::read(&data::encode(&fed.catalog));
    let is_it = |user: &Tree| user.bytes(1) == name.as_bytes();
    let user = data.trees(6).find(is_it).expect("a user");
    let privilege = |tree: Tree| {
        let database = String::from_utf8_lossy(tree.bytes(1)).into_owned();
        let value = i32::try_from(tree.number(2)).expect("a privilege");
        (database, value)
    };
    (user.number(3) == 1, user.trees(4).map(privilege).collect())
}

fn on(privileges: &[(&str, i32)]) -> Vec<(String, i32)> {
    let owned = |(database, privilege): &(&str, i32)| ((*database).to_owned(), *privilege);
    privileges.iter().map(owned).collect()
}

#[test]
fn permissions_on_data_are_privileges_and_the_reverse() {
    let mut fed = fed();
    fed.ok(grant("u", scopes(&[("a", &[ReadData, DropData])])));
    assert_eq!(shown(&fed, "u"), (false, on(&[("a", 1)])));
    fed.ok(wire_privilege("u", "a", 2))
        .ok(wire_privilege("u", "b", 3));
    assert_eq!(
        listed(&fed, "u"),
        ["a: DropData WriteData", "b: ReadData WriteData"]
    );
    fed.ok(revoke(
        "u",
        scopes(&[("a", &[WriteData]), ("b", &[WriteData])]),
    ));
    assert_eq!(shown(&fed, "u"), (false, on(&[("b", 1)])));
    assert_eq!(listed(&fed, "u"), ["a: DropData", "b: ReadData"]);
    fed.ok(wire_privilege("u", "b", 0));
    assert_eq!(listed(&fed, "u"), ["a: DropData"]);
}

#[test]
fn all_16_permissions_for_all_databases_make_an_admin() {
    let mut fed = fed();
    let set_admin = |admin| {
        Command::Wire(WireCommand::SetAdminPrivilege {
            user: Name::from("u"),
            admin,
        })
    };
    let monitor = Permissions::from(Monitor);
    fed.ok(grant("u", everywhere(Permissions::ADMIN.without(monitor))));
    assert!(!user(&fed, "u").admin);
    fed.ok(grant("u", everywhere(monitor)));
    assert!(user(&fed, "u").admin);
    fed.ok(set_admin(true));
    assert_eq!(
        user(&fed, "u").permissions(&Name::from(EVERYWHERE)),
        Permissions::ALL,
        "GRANT ALL PRIVILEGES gives those of Kapacitor, too"
    );
    fed.ok(revoke("u", everywhere(monitor)));
    assert_eq!(shown(&fed, "u"), (false, on(&[("a", 3), ("b", 3)])));
    fed.ok(set_admin(true)).ok(set_admin(false));
    assert_eq!(listed(&fed, "u"), Vec::<String>::new());
    assert_eq!(shown(&fed, "u"), (false, on(&[])));
}

/// Data nodes know neither roles nor permissions for all databases.
#[test]
fn data_nodes_see_what_roles_and_general_permissions_come_to() {
    let mut fed = fed();
    fed.ok(create_role(
        "r",
        scopes(&[("a", &[ReadData, Monitor])]),
        &["u"],
    ));
    assert_eq!(shown(&fed, "u"), (false, on(&[("a", 1)])));
    assert_eq!(
        listed(&fed, "u"),
        Vec::<String>::new(),
        "clients.md trap 20"
    );
    let r = Holder::Role(Name::from("r"));
    fed.ok(permit(r.clone(), Change::Add, everywhere(WriteData.into())));
    assert_eq!(shown(&fed, "u"), (false, on(&[("a", 3), ("b", 2)])));
    fed.ok(create_database("c"));
    assert_eq!(shown(&fed, "u").1, on(&[("a", 3), ("b", 2), ("c", 2)]));
    fed.ok(permit(r, Change::Add, everywhere(Permissions::ADMIN)));
    assert!(shown(&fed, "u").0);
    assert!(fed.catalog.is_admin(&user(&fed, "u")));
    fed.ok(change_members("r", Change::Remove, &["u", "nobody"]));
    assert_eq!(shown(&fed, "u"), (false, on(&[])));
    fed.ok(change_members("r", Change::Add, &["u"]))
        .ok(drop_role("r"));
    assert_eq!(shown(&fed, "u"), (false, on(&[])));
}

#[test]
fn a_dropped_database_takes_its_scopes_along() {
    let mut fed = fed();
    let both = scopes(&[
        ("a", &[ReadData, Monitor]),
        ("b", &[Monitor]),
        ("", &[Monitor]),
    ]);
    fed.ok(grant("u", both.clone()))
        .ok(create_role("r", both, &[]));
    fed.ok(drop_database("a"));
    assert_eq!(listed(&fed, "u"), [": Monitor", "b: Monitor"]);
    let role = fed.catalog.roles.get(&Name::from("r")).expect("a role");
    assert_eq!(
        role.permissions,
        scopes(&[("b", &[Monitor]), ("", &[Monitor])])
    );
    // A new database of this name begins without the old permissions.
    fed.ok(create_database("a"));
    assert_eq!(listed(&fed, "u"), [": Monitor", "b: Monitor"]);
}

/// A member that is gone breaks Chronograf's page of the role (clients.md trap 19).
#[test]
fn a_dropped_user_leaves_its_roles() {
    let mut fed = fed();
    fed.ok(create_user("v", "hash", false))
        .ok(create_role("r", Scopes::default(), &["u", "v"]))
        .ok(create_role("s", everywhere(Permissions::ALL), &["u"]))
        .ok(drop_user("u"))
        .ok(create_user("u", "other", false));
    let users = |role: &str| {
        let role = fed.catalog.roles.get(&Name::from(role)).expect("a role");
        role.users
            .keys()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(users("r"), ["v"]);
    assert_eq!(
        users("s"),
        Vec::<String>::new(),
        "a new user of this name is no member"
    );
}

#[test]
fn a_user_comes_with_its_permissions_once() {
    let mut fed = fed();
    let granted = scopes(&[("a", &[ReadData]), ("", &[Monitor])]);
    fed.ok(add_user("v", granted.clone()));
    assert_eq!(listed(&fed, "v"), [": Monitor", "a: ReadData"]);
    fed.unseen(add_user("v", granted));
    fed.denied(add_user("v", Scopes::default()), "user already exists")
        .denied(add_user("", Scopes::default()), "username required")
        .denied(
            add_user("w", scopes(&[("gone", &[ReadData])])),
            "database not found: gone",
        );
    fed.ok(add_user("w", everywhere(Permissions::ALL)));
    assert!(user(&fed, "w").admin);
}

#[test]
fn what_is_not_there_is_named() {
    let mut fed = fed();
    let read = |scope| scopes(&[(scope, &[ReadData])]);
    let role = Holder::Role(Name::from("r"));
    fed.denied(grant("x", read("a")), "user not found")
        .denied(revoke("x", read("a")), "user not found")
        .denied(
            permit(role.clone(), Change::Add, read("a")),
            "role not found",
        )
        .denied(grant("u", read("gone")), "database not found: gone")
        .denied(drop_role("r"), "role not found")
        .denied(change_members("r", Change::Add, &["u"]), "role not found")
        .denied(create_role("", read(""), &[]), "role name required")
        .denied(
            create_role(&"r".repeat(256), read(""), &[]),
            "name too long",
        )
        .denied(
            create_role("r", read("gone"), &[]),
            "database not found: gone",
        )
        .denied(create_role("r", read("a"), &["u", "x"]), "user not found")
        .ok(create_role("r", read("a"), &["u"]))
        .denied(create_role("r", read("a"), &["u"]), "role already exists")
        .denied(
            change_members("r", Change::Add, &["u", "x"]),
            "user not found",
        );
    // Chronograf takes away from databases that may be gone, and sends scopes without permissions.
    fed.unseen(revoke("u", read("gone")))
        .unseen(grant("u", scopes(&[("gone", &[])])))
        .unseen(change_members("r", Change::Remove, &["x"]));
}

/// A restore has only what data nodes see. Permissions that they cannot see stay, as far as there
/// still are their databases and users.
#[test]
fn a_restore_keeps_the_permissions_that_it_cannot_express() {
    let mut fed = fed();
    let granted = scopes(&[
        ("a", &[ReadData, Monitor]),
        ("b", &[Monitor]),
        ("", &[Monitor]),
    ]);
    fed.ok(create_user("v", "hash", false))
        .ok(grant("u", granted.clone()))
        .ok(create_role("r", granted, &["u", "v"]));
    let mut databases = fed.catalog.databases.clone();
    databases.remove(&Name::from("b"));
    let mut users = fed.catalog.users.clone();
    users.remove(&Name::from("v"));
    fed.ok(Command::Wire(WireCommand::SetData(Box::new(SetData {
        index: fed.catalog.index,
        databases,
        users,
        max_shard_group_id: 0,
        max_shard_id: 0,
    }))));
    assert_eq!(listed(&fed, "u"), [": Monitor", "a: ReadData Monitor"]);
    let role = fed.catalog.roles.get(&Name::from("r")).expect("a role");
    assert_eq!(role.users, members(&["u"]));
    assert_eq!(
        role.permissions,
        scopes(&[("a", &[ReadData, Monitor]), ("", &[Monitor])])
    );
}
