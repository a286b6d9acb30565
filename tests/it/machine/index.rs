//! The index that clients wait for, and the stamp.

use super::*;

fn applied(catalog: &mut Catalog, log_id: (u64, u64), at: i64, command: Command) -> Outcome {
    let (term, index) = log_id;
    let stamped = Stamped {
        at: UnixNanos(at),
        retention_autocreate: true,
        command,
    };
    machine::apply(catalog, LogId { term, index }, &stamped)
}

fn position(catalog: &Catalog) -> (u64, u64) {
    (catalog.term, catalog.index)
}

/// A client that starts at 0 gets an answer at once only if a fresh node shows 1 (wire.md 5.1).
#[test]
fn a_fresh_node_stands_at_1() {
    assert_eq!(position(&Catalog::default()), (0, 1));
}

/// wire.md 3.2.1: commands without effect and refused commands take up an index as well.
#[test]
fn every_wire_command_moves_it_to_its_own_log_id() {
    let mut catalog = Catalog::default();
    assert_eq!(
        applied(&mut catalog, (1, 7), 0, create_database("db")),
        Outcome::Applied { index: 7 }
    );
    assert_eq!(position(&catalog), (1, 7));
    assert_eq!(
        applied(&mut catalog, (1, 9), 0, create_database("db")),
        Outcome::Applied { index: 9 }
    );
    assert_eq!(position(&catalog), (1, 9));
    assert!(matches!(
        applied(&mut catalog, (4, 12), 0, create_database("")),
        Outcome::Refused(_)
    ));
    assert_eq!(position(&catalog), (4, 12));
}

/// The promised index must be one that is reached already, because the client blocks until it sees
/// it (wire.md 4.7).
#[test]
fn found_moves_it_only_when_it_founds() {
    let mut catalog = Catalog::default();
    let found = || Command::Internal(InternalCommand::Found(found(3)));
    assert_eq!(
        applied(&mut catalog, (1, 2), 0, found()),
        Outcome::Applied { index: 2 }
    );
    assert_eq!(position(&catalog), (1, 2));
    assert_eq!(
        applied(&mut catalog, (2, 5), 0, found()),
        Outcome::Applied { index: 2 }
    );
    assert_eq!(position(&catalog), (1, 2));
}

/// wire.md Q34: a restore checks when databases changed last. Below the feature level that has
/// restores nothing is noted, so that members of an older version can read the state.
#[test]
fn the_content_index_is_that_of_the_last_change_of_databases_or_users() {
    let mut catalog = Catalog::default();
    applied(
        &mut catalog,
        (1, 2),
        0,
        Command::Internal(InternalCommand::Found(found(1))),
    );
    applied(&mut catalog, (1, 3), 0, create_database("db"));
    assert_eq!(catalog.content_index, 0);
    applied(
        &mut catalog,
        (1, 4),
        0,
        Command::Internal(InternalCommand::RaiseFeatureLevel { level: DATA_LEVEL }),
    );
    for (index, command, want) in [
        (5, create_database("db"), 0),
        (6, create_database("other"), 6),
        (7, create_database(""), 6),
        (8, create_data_node(2), 6),
        (9, create_user("u", "h", false), 9),
        (10, create_user("u", "h", false), 9),
        (11, Command::Wire(WireCommand::PruneShardGroups), 9),
        (12, create_group_in("db", "autogen", NOW), 12),
        (13, create_group_in("db", "autogen", NOW), 12),
        (14, set_passive(2, true), 12),
        (
            15,
            Command::Internal(InternalCommand::RemoveDataNode {
                id: NodeId(2),
                force: true,
            }),
            15,
        ),
        (16, drop_database("db"), 16),
    ] {
        let text = format!("{index}: {command:?}");
        applied(&mut catalog, (1, index), 0, command);
        assert_eq!(catalog.content_index, want, "{text}");
    }
}

#[test]
fn time_never_runs_backwards() {
    let mut catalog = Catalog::default();
    let stamps = [
        (5, 5),
        (3, 5),
        (i64::MIN, 5),
        (6, 6),
        (6, 6),
        (i64::MAX, i64::MAX),
        (7, i64::MAX),
    ];
    for (index, (at, want)) in (2..).zip(stamps) {
        applied(
            &mut catalog,
            (1, index),
            at,
            create_database(if index % 2 == 0 { "" } else { "db" }),
        );
        assert_eq!(catalog.last_at, UnixNanos(want), "after {at}");
    }
    applied(
        &mut catalog,
        (1, 99),
        0,
        Command::Internal(InternalCommand::Found(found(1))),
    );
    assert_eq!(catalog.last_at, UnixNanos(i64::MAX));
}

/// A snapshot is a clone of the catalog: it must not see later changes.
#[test]
fn a_clone_stays_as_it_was() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"));
    let (before, shown) = (fed.catalog.clone(), format!("{:?}", fed.catalog));
    fed.ok(create_policy("db", new_policy("rp", 0, 0, 1), true))
        .ok(create_database("other"));
    fed.ok(Command::Internal(InternalCommand::Found(found(3))))
        .ok(Command::Wire(WireCommand::DropDatabase {
            name: Name::from("db"),
        }));
    assert_eq!(format!("{before:?}"), shown);
}
