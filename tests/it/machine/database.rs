//! CreateDatabase and DropDatabase.

use super::*;

const CONFLICT: &str = "retention policy conflicts with an existing policy";

fn names(fed: &Fed) -> Vec<String> {
    fed.catalog
        .databases
        .iter()
        .map(|database| database.name.to_string())
        .collect()
}

#[test]
fn a_name_has_1_to_255_bytes() {
    let mut fed = Fed::default();
    fed.refused(create_database(""), "database name required");
    fed.refused(create_database(&"x".repeat(256)), "name too long");
    fed.ok(create_database(&"x".repeat(255)));
    // Names are limited in bytes, not characters, and need not be text.
    fed.refused(create_database(&"\u{e9}".repeat(128)), "name too long");
    fed.ok(Command::Wire(WireCommand::CreateDatabase {
        name: Name::from(b"\xff/.."),
        retention_policy: None,
    }));
}

#[test]
fn a_plain_database_keeps_everything_for_ever() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"));
    assert_eq!(fed.policy("db", "autogen"), (0, WEEK, 1));
    assert_eq!(fed.default_of("db"), "autogen");
}

#[test]
fn without_autocreate_it_has_no_policy() {
    let mut fed = Fed {
        autocreate_off: true,
        ..Fed::default()
    };
    fed.ok(create_database("db"));
    assert!(fed.policies_of("db").is_empty());
    assert_eq!(fed.default_of("db"), "");
}

#[test]
fn one_with_a_policy_has_it_as_its_default() {
    let mut fed = Fed::default();
    fed.ok(create_database_with("db", new_policy("rp", 3 * DAY, 0, 2)));
    assert_eq!(fed.policies_of("db"), ["rp"]);
    assert_eq!(fed.policy("db", "rp"), (3 * DAY, DAY, 2));
    assert_eq!(fed.default_of("db"), "rp");
}

/// wire.md Q30: the original compares the database with a new `autogen`, and refuses or adds one.
#[test]
fn an_existing_database_asked_for_plainly_stays_as_it_is() {
    let mut fed = Fed::default();
    fed.ok(create_database_with("db", new_policy("rp", 0, 0, 2)))
        .same(create_database("db"));
    fed.ok(drop_policy("db", "rp")).same(create_database("db"));
    fed.autocreate_off = true;
    fed.same(create_database("db"));
}

#[test]
fn an_existing_database_asked_for_with_a_policy_must_have_it_as_its_default() {
    let rp = || new_policy("rp", 3 * DAY, 0, 2);
    let mut fed = Fed::default();
    fed.ok(create_database_with("db", rp()))
        .same(create_database_with("db", rp()));
    fed.same(create_database_with(
        "db",
        new_policy("rp", 3 * DAY, DAY, 2),
    ));
    fed.refused(
        create_database_with("db", new_policy("rp", 3 * DAY, 0, 1)),
        CONFLICT,
    );
    fed.refused(
        create_database_with("db", new_policy("rp", 4 * DAY, 0, 2)),
        CONFLICT,
    );
    fed.refused(
        create_database_with("db", new_policy("rp", 3 * DAY, HOUR, 2)),
        CONFLICT,
    );

    fed.ok(create_policy("db", new_policy("other", 0, 0, 1), true));
    fed.refused(create_database_with("db", rp()), CONFLICT);
    // A policy of a new name is added, and becomes the default.
    fed.ok(create_database_with("db", new_policy("third", 0, 0, 1)));
    assert_eq!(fed.policies_of("db"), ["rp", "other", "third"]);
    assert_eq!(fed.default_of("db"), "third");
}

#[test]
fn an_impossible_policy_makes_no_database() {
    let mut fed = Fed::default();
    let with = |policy| create_database_with("db", policy);
    fed.refused(
        with(new_policy("", 0, 0, 1)),
        "retention policy name required",
    );
    fed.refused(with(new_policy(&"x".repeat(256), 0, 0, 1)), "name too long");
    fed.refused(
        with(new_policy("rp", 0, 0, 0)),
        "replication factor must be greater than 0",
    );
    fed.refused(
        with(new_policy("rp", HOUR, 2 * HOUR, 1)),
        "retention policy duration must be greater than the shard duration",
    );
    assert!(fed.catalog.databases.is_empty());
}

#[test]
fn databases_stand_in_the_order_of_their_creation() {
    let mut fed = Fed::default();
    fed.ok(create_database("b"))
        .ok(create_database("a"))
        .ok(create_database("c"));
    assert_eq!(names(&fed), ["b", "a", "c"]);
    fed.ok(Command::Wire(WireCommand::DropDatabase {
        name: Name::from("b"),
    }))
    .ok(create_database("b"));
    assert_eq!(names(&fed), ["a", "c", "b"]);
}

#[test]
fn dropping_what_is_not_there_is_no_error() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"));
    fed.same(Command::Wire(WireCommand::DropDatabase {
        name: Name::from("x"),
    }));
    fed.same(Command::Wire(WireCommand::DropDatabase {
        name: Name::default(),
    }));
    fed.ok(Command::Wire(WireCommand::DropDatabase {
        name: Name::from("db"),
    }));
    assert!(fed.catalog.databases.is_empty());
}
