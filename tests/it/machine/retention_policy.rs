//! CreateRetentionPolicy, DropRetentionPolicy and SetDefaultRetentionPolicy.

use super::*;

fn with_database() -> Fed {
    let mut fed = Fed {
        autocreate_off: true,
        ..Fed::default()
    };
    fed.ok(create_database("db"));
    fed
}

#[test]
fn it_is_appended_and_becomes_the_default_when_asked_to() {
    let mut fed = with_database();
    fed.ok(create_policy("db", new_policy("a", 0, 0, 1), false));
    assert_eq!(fed.default_of("db"), "");
    fed.ok(create_policy("db", new_policy("b", 0, 0, 9), true));
    assert_eq!(fed.default_of("db"), "b");
    fed.ok(create_policy("db", new_policy("c", 0, 0, 1), false));
    assert_eq!(fed.default_of("db"), "b");
    assert_eq!(fed.policies_of("db"), ["a", "b", "c"]);
}

/// The rules of wire.md 3.2.3.
#[test]
fn the_width_of_shard_groups_follows_the_duration() {
    for (given, duration, want) in [
        (0, 0, WEEK),
        (0, 180 * DAY, WEEK),
        (0, 180 * DAY - 1, DAY),
        (0, 2 * DAY, DAY),
        (0, 2 * DAY - 1, HOUR),
        (0, HOUR, HOUR),
        (0, -1, HOUR),
        (1, 0, HOUR),
        (-1, 0, HOUR),
        (HOUR - 1, DAY, HOUR),
        (HOUR + 1, DAY, HOUR + 1),
        (i64::MAX, 0, i64::MAX),
        (i64::MIN, i64::MIN, HOUR),
    ] {
        let mut fed = with_database();
        fed.ok(create_policy(
            "db",
            new_policy("rp", duration, given, 1),
            false,
        ));
        assert_eq!(
            fed.policy("db", "rp"),
            (duration, want, 1),
            "{given} for {duration}"
        );
    }
}

/// The first failing check decides, in the order of wire.md 3.4.
#[test]
fn refusals_come_in_their_order() {
    let mut fed = with_database();
    let long = "x".repeat(256);
    let of = |database, name, duration, width, n| {
        create_policy(database, new_policy(name, duration, width, n), false)
    };
    fed.refused(of("x", "", 1, 0, 0), "retention policy name required");
    fed.refused(of("x", &long, 1, 0, 0), "name too long");
    fed.refused(
        of("x", "rp", 1, 0, 0),
        "replication factor must be greater than 0",
    );
    fed.refused(
        of("x", "rp", 1, 0, 1),
        "retention policy duration must be greater than the shard duration",
    );
    fed.refused(
        of("x", "rp", DAY, DAY + 1, 1),
        "retention policy duration must be greater than the shard duration",
    );
    fed.refused(of("x", "rp", DAY, DAY, 1), "database not found: x");
    fed.ok(of("db", "rp", DAY, DAY, 1));
}

#[test]
fn one_of_the_same_name_must_be_equal() {
    let mut fed = with_database();
    fed.ok(create_policy("db", new_policy("rp", DAY, 0, 1), false));
    fed.same(create_policy("db", new_policy("rp", DAY, 0, 1), false));
    fed.same(create_policy("db", new_policy("rp", DAY, 1, 1), false));
    for other in [
        new_policy("rp", 0, 0, 1),
        new_policy("rp", DAY, 2 * HOUR, 1),
        new_policy("rp", DAY, 0, 2),
    ] {
        fed.refused(
            create_policy("db", other, true),
            "retention policy already exists",
        );
    }
    // Equal to the existing policy, but not the default that was asked for.
    let conflict = "retention policy conflicts with an existing policy";
    fed.refused(
        create_policy("db", new_policy("rp", DAY, 0, 1), true),
        conflict,
    );
    fed.ok(set_default("db", "rp"))
        .same(create_policy("db", new_policy("rp", DAY, 0, 1), true));
}

#[test]
fn dropping_leaves_the_default_dangling() {
    let mut fed = with_database();
    fed.ok(create_policy("db", new_policy("a", 0, 0, 1), true));
    fed.ok(create_policy("db", new_policy("b", 0, 0, 1), false));
    fed.ok(drop_policy("db", "a"));
    assert_eq!(fed.policies_of("db"), ["b"]);
    assert_eq!(fed.default_of("db"), "a");
    // So a new policy under that name is the default again.
    fed.ok(create_policy("db", new_policy("a", 0, 0, 1), false));
    fed.same(create_policy("db", new_policy("a", 0, 0, 1), true));
}

#[test]
fn dropping_is_exact_and_what_is_not_there_is_no_error() {
    let mut fed = with_database();
    fed.ok(create_policy("db", new_policy("a", 0, 0, 1), true));
    fed.same(drop_policy("x", "a")).same(drop_policy("db", "x"));
    // An empty name does not mean the default here.
    fed.same(drop_policy("db", ""));
}

/// The original crashes on this command (wire.md Q6).
#[test]
fn the_default_can_be_set_to_what_is_there() {
    let mut fed = with_database();
    fed.ok(create_policy("db", new_policy("a", 0, 0, 1), true));
    fed.ok(create_policy("db", new_policy("b", 0, 0, 1), false));
    fed.refused(set_default("x", "a"), "database not found: x");
    fed.refused(set_default("db", "x"), "retention policy not found: x");
    fed.refused(set_default("db", ""), "retention policy not found: ");
    fed.ok(set_default("db", "b"));
    assert_eq!(fed.default_of("db"), "b");
    fed.same(set_default("db", "b"));
}
