//! CreateUser, DropUser, UpdateUser, SetPrivilege and SetAdminPrivilege.

use influxdb_meta::catalog::User;

use super::*;

fn set_privilege(user: &str, database: &str, privilege: i32) -> Command {
    Command::Wire(WireCommand::SetPrivilege {
        user: Name::from(user),
        database: Name::from(database),
        privilege,
    })
}

fn set_admin(user: &str, admin: bool) -> Command {
    Command::Wire(WireCommand::SetAdminPrivilege {
        user: Name::from(user),
        admin,
    })
}

fn update_user(name: &str, hash: &str) -> Command {
    Command::Wire(WireCommand::UpdateUser {
        name: Name::from(name),
        hash: Text::from(hash),
    })
}

fn drop_user(name: &str) -> Command {
    Command::Wire(WireCommand::DropUser {
        name: Name::from(name),
    })
}

fn user(fed: &Fed, name: &str) -> User {
    fed.catalog
        .users
        .get(&Name::from(name))
        .expect("a user")
        .clone()
}

fn privileges(fed: &Fed, name: &str) -> Vec<(String, i32)> {
    user(fed, name)
        .privileges
        .iter()
        .map(|(database, privilege)| (database.to_string(), *privilege))
        .collect()
}

#[test]
fn they_stand_in_the_order_of_their_creation_without_privileges() {
    let mut fed = Fed::default();
    fed.ok(create_user("b", "hash", true))
        .ok(create_user("a", "", false));
    let all: Vec<_> = fed.catalog.users.iter().cloned().collect();
    let made = |name: &str, hash: &str, admin| User {
        name: Name::from(name),
        hash: Text::from(hash),
        admin,
        privileges: Default::default(),
        beyond: Default::default(),
    };
    assert_eq!(all, [made("b", "hash", true), made("a", "", false)]);
    fed.refused(create_user("", "hash", true), "username required");
}

/// wire.md Q15: a retry carries the same salted hash.
#[test]
fn only_an_identical_one_is_no_error() {
    let mut fed = Fed::default();
    fed.ok(create_user("u", "hash", true));
    let before = fed.catalog.users.clone();
    fed.ok(create_user("u", "hash", true));
    assert_eq!(fed.catalog.users, before);
    fed.refused(create_user("u", "hash", false), "user already exists");
    fed.refused(create_user("u", "other", true), "user already exists");
}

#[test]
fn who_is_not_there_is_not_found() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"));
    for command in [
        drop_user("u"),
        update_user("u", "h"),
        set_admin("u", true),
        set_privilege("u", "x", 1),
    ] {
        fed.refused(command, "user not found");
    }
    fed.ok(create_user("u", "h", false))
        .refused(set_privilege("u", "x", 1), "database not found: x");
    fed.ok(drop_user("u"))
        .refused(drop_user("u"), "user not found");
}

#[test]
fn hash_and_admin_are_set() {
    let mut fed = Fed::default();
    fed.ok(create_user("u", "h", false))
        .ok(update_user("u", "other"))
        .ok(set_admin("u", true));
    assert_eq!(
        (user(&fed, "u").hash, user(&fed, "u").admin),
        (Text::from("other"), true)
    );
    fed.ok(update_user("u", "other")).ok(set_admin("u", true));
}

/// 0 is an entry of its own; numbers that the wire does not define are kept.
#[test]
fn a_privilege_is_kept_as_it_came() {
    let mut fed = Fed::default();
    fed.ok(create_database("b"))
        .ok(create_database("a"))
        .ok(create_user("u", "h", false));
    fed.ok(set_privilege("u", "b", 3))
        .ok(set_privilege("u", "a", 0))
        .ok(set_privilege("u", "b", -7));
    assert_eq!(
        privileges(&fed, "u"),
        [("a".to_owned(), 0), ("b".to_owned(), -7)]
    );
}

#[test]
fn a_dropped_database_takes_its_privileges_with_it() {
    let mut fed = Fed::default();
    fed.ok(create_database("a")).ok(create_database("b"));
    fed.ok(create_user("u", "h", false))
        .ok(create_user("v", "h", false));
    fed.ok(set_privilege("u", "a", 1))
        .ok(set_privilege("u", "b", 2))
        .ok(set_privilege("v", "a", 3));
    fed.ok(drop_database("a"));
    assert_eq!(
        (privileges(&fed, "u"), privileges(&fed, "v")),
        (vec![("b".to_owned(), 2)], vec![])
    );
    // A new database of the same name is another database.
    fed.ok(create_database("a"));
    assert_eq!(privileges(&fed, "v"), []);
}

/// wire.md Q40: names and hashes are compared as bytes.
#[test]
fn names_and_hashes_are_bytes() {
    let mut fed = Fed::default();
    let (name, hash) = (Name::from(b"\xff"), Text::from(b"\xfe\0"));
    fed.ok(Command::Wire(WireCommand::CreateUser(CreateUser {
        name: name.clone(),
        hash: hash.clone(),
        admin: false,
    })));
    fed.ok(create_user("\u{fffd}", "h", false));
    assert_eq!(fed.catalog.users.len(), 2);
    assert_eq!(fed.catalog.users.get(&name).expect("a user").hash, hash);
}
