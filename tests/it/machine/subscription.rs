//! CreateSubscription and DropSubscription.

use influxdb_meta::catalog::Subscription;

use super::*;

fn create(policy: &str, name: &str, destinations: &[&str]) -> Command {
    Command::Wire(WireCommand::CreateSubscription {
        database: Name::from("db"),
        policy: Name::from(policy),
        subscription: Subscription {
            name: Name::from(name),
            mode: Text::from("ALL"),
            destinations: destinations.iter().map(Text::from).collect(),
        },
    })
}

fn drop_subscription(database: &str, policy: &str, name: &str) -> Command {
    let (database, policy) = (Name::from(database), Name::from(policy));
    Command::Wire(WireCommand::DropSubscription {
        database,
        policy,
        name: Name::from(name),
    })
}

fn names(fed: &Fed) -> Vec<String> {
    let policy = &fed.database("db").retention_policies[0];
    policy
        .subscriptions
        .iter()
        .map(|subscription| subscription.name.to_string())
        .collect()
}

#[test]
fn they_stand_in_the_order_of_their_creation() {
    let mut fed = with_policy(0, 1);
    fed.ok(create("rp", "b", &["udp://h:1", "HTTPS://h:2/write"]))
        .ok(create("rp", "a", &[]));
    assert_eq!(names(&fed), ["b", "a"]);
}

/// A test of a client relies on this (wire.md Q15).
#[test]
fn an_identical_one_is_an_error_too() {
    let mut fed = with_policy(0, 1);
    fed.ok(create("rp", "s", &["udp://h:1"]));
    fed.refused(
        create("rp", "s", &["udp://h:1"]),
        "subscription already exists",
    );
    fed.ok(create_policy("db", new_policy("other", 0, 0, 1), false))
        .ok(create("other", "s", &["udp://h:1"]));
}

/// The first failing check decides: destinations in their order, then database and policy, then the
/// name.
#[test]
fn refusals_come_in_their_order() {
    let mut fed = with_policy(0, 1);
    fed.ok(create("rp", "s", &[]));
    fed.refused(
        create("x", "s", &["udp://h:1", "bad", "worse"]),
        "invalid subscription URL: bad",
    );
    fed.refused(create("x", "s", &[]), "retention policy not found: x");
    fed.refused(create("", "s", &[]), "retention policy not found: ");
    fed.refused(
        create("rp", "s", &["udp://h"]),
        "invalid subscription URL: udp://h",
    );
    fed.refused(create("rp", "s", &[]), "subscription already exists");
}

/// InfluxQL has the modes `ALL` and `ANY`; other values are kept as well.
#[test]
fn the_mode_is_kept_as_it_came() {
    let mut fed = with_policy(0, 1);
    let Command::Wire(WireCommand::CreateSubscription {
        database,
        policy,
        subscription,
    }) = create("rp", "s", &[])
    else {
        panic!()
    };
    let subscription = Subscription {
        mode: Text::from(b"\xff"),
        ..subscription
    };
    fed.ok(Command::Wire(WireCommand::CreateSubscription {
        database,
        policy,
        subscription,
    }));
    assert_eq!(
        fed.database("db").retention_policies[0].subscriptions[0].mode,
        Text::from(b"\xff")
    );
}

#[test]
fn dropping_what_is_not_there_is_an_error() {
    let mut fed = with_policy(0, 1);
    fed.ok(create("rp", "a", &[])).ok(create("rp", "b", &[]));
    fed.refused(drop_subscription("x", "rp", "a"), "database not found: x");
    fed.refused(
        drop_subscription("db", "x", "a"),
        "retention policy not found: x",
    );
    fed.refused(drop_subscription("db", "rp", "x"), "subscription not found");
    fed.ok(drop_subscription("db", "rp", "a"));
    assert_eq!(names(&fed), ["b"]);
    fed.refused(drop_subscription("db", "rp", "a"), "subscription not found");
}
