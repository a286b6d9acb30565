//! UpdateRetentionPolicy.

use super::*;

/// `db` with policies `a` (default; for ever, a week, 1 copy) and `b` (ten days, a day, 2 copies).
fn fed() -> Fed {
    let mut fed = Fed::default();
    fed.ok(create_database_with("db", new_policy("a", 0, 0, 1)));
    fed.ok(create_policy("db", new_policy("b", 10 * DAY, 0, 2), false));
    fed
}

fn changed(name: &str, change: impl FnOnce(&mut UpdateRetentionPolicy)) -> Command {
    let mut update = update("db", name);
    change(&mut update);
    Command::Wire(WireCommand::UpdateRetentionPolicy(update))
}

fn renamed(name: &str, new_name: &str) -> Command {
    changed(name, |update| update.new_name = Some(Name::from(new_name)))
}

fn resized(duration: Option<i64>, width: Option<i64>) -> Command {
    changed("b", |update| {
        update.duration = duration.map(DurationNanos);
        update.shard_group_duration = width.map(DurationNanos);
    })
}

#[test]
fn what_is_not_there_is_refused() {
    let mut fed = fed();
    fed.refused(
        Command::Wire(WireCommand::UpdateRetentionPolicy(update("x", "a"))),
        "database not found: x",
    );
    fed.refused(changed("x", |_| ()), "retention policy not found: x");
    fed.ok(drop_policy("db", "a"));
    // Empty means the default, which names no policy now.
    fed.refused(changed("", |_| ()), "retention policy not found: ");
}

#[test]
fn only_what_is_given_changes() {
    let mut fed = fed();
    fed.same(changed("b", |_| ()));
    fed.ok(changed("b", |update| update.replica_n = Some(5)));
    assert_eq!(fed.policy("db", "b"), (10 * DAY, DAY, 5));
    fed.ok(changed("b", |update| {
        update.duration = Some(DurationNanos(0))
    }));
    assert_eq!(
        fed.policy("db", "b"),
        (0, DAY, 5),
        "the width stays where another would be chosen now"
    );
    fed.ok(changed("b", |update| {
        update.shard_group_duration = Some(DurationNanos(0))
    }));
    assert_eq!(fed.policy("db", "b"), (0, WEEK, 5));
    assert_eq!(fed.default_of("db"), "a");
    assert_eq!(fed.policy("db", "a"), (0, WEEK, 1));
}

#[test]
fn an_empty_name_is_the_default() {
    let mut fed = fed();
    fed.ok(changed("", |update| update.replica_n = Some(3)));
    assert_eq!(fed.policy("db", "a"), (0, WEEK, 3));
}

#[test]
fn durations_have_their_bounds() {
    let low = "retention policy duration must be at least 1h0m0s";
    let below = "retention policy duration must be greater than the shard duration";
    let mut fed = fed();
    fed.refused(resized(Some(HOUR - 1), Some(DAY)), low);
    fed.refused(resized(Some(1), None), low);
    fed.refused(resized(Some(-1), None), low);
    fed.refused(resized(Some(DAY - 1), None), below);
    fed.refused(resized(None, Some(10 * DAY + 1)), below);
    fed.refused(resized(Some(2 * DAY), Some(3 * DAY)), below);
    fed.ok(resized(Some(DAY), None));
    assert_eq!(fed.policy("db", "b"), (DAY, DAY, 2));
    // The shard group duration as given is compared; the stored one is brought into its bounds.
    fed.ok(resized(Some(HOUR), Some(1)));
    assert_eq!(fed.policy("db", "b"), (HOUR, HOUR, 2));
    fed.ok(resized(Some(0), Some(i64::MAX)));
    assert_eq!(fed.policy("db", "b"), (0, i64::MAX, 2));
    fed.refused(resized(Some(DAY), None), below);
    fed.ok(resized(Some(365 * DAY), Some(0)));
    assert_eq!(fed.policy("db", "b"), (365 * DAY, WEEK, 2));
}

/// wire.md Q29: the original leaves a default that names no policy, and writes fail.
#[test]
fn a_renamed_default_stays_the_default() {
    let mut fed = fed();
    fed.ok(renamed("a", "c"));
    assert_eq!(fed.default_of("db"), "c");
    assert_eq!(fed.policies_of("db"), ["c", "b"], "it keeps its place");
    fed.ok(renamed("", "d"));
    assert_eq!(fed.default_of("db"), "d");
}

#[test]
fn renaming_another_leaves_the_default_alone_unless_asked() {
    let mut fed = fed();
    fed.ok(renamed("b", "c"));
    assert_eq!(fed.default_of("db"), "a");
    fed.ok(changed("c", |update| {
        update.new_name = Some(Name::from("d"));
        update.default = true;
    }));
    assert_eq!(fed.default_of("db"), "d");
    assert_eq!(fed.policies_of("db"), ["a", "d"]);
}

#[test]
fn a_new_name_must_be_free() {
    let taken = "retention policy name already exists";
    let mut fed = fed();
    fed.refused(renamed("b", "a"), taken);
    fed.refused(renamed("a", "b"), taken);
    fed.same(renamed("b", "b"));
    // Empty means the default, and that policy exists.
    fed.refused(renamed("b", ""), taken);
    fed.refused(renamed("", "a"), taken);
    // The name is checked first, then the rest.
    fed.refused(
        changed("b", |update| {
            update.new_name = Some(Name::from("a"));
            update.duration = Some(DurationNanos(1));
        }),
        taken,
    );
}

/// wire.md Q29: the original accepts these. They are checked last, so that what the original
/// refuses keeps its text.
#[test]
fn new_names_and_copies_must_be_possible() {
    let mut fed = fed();
    fed.refused(renamed("b", &"x".repeat(256)), "name too long");
    fed.refused(renamed("", ""), "retention policy name required");
    fed.ok(drop_policy("db", "a"));
    fed.refused(renamed("b", ""), "retention policy name required");
    let none = |update: &mut UpdateRetentionPolicy| update.replica_n = Some(0);
    fed.refused(
        changed("b", none),
        "replication factor must be greater than 0",
    );
    fed.refused(
        changed("b", |update| {
            none(update);
            update.duration = Some(DurationNanos(1));
        }),
        "retention policy duration must be at least 1h0m0s",
    );
    fed.ok(renamed("b", &"x".repeat(255)));
}

#[test]
fn the_default_can_be_moved() {
    let mut fed = fed();
    fed.ok(changed("b", |update| update.default = true));
    assert_eq!(fed.default_of("db"), "b");
    fed.same(changed("a", |_| ()));
}
