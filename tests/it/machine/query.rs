//! CreateContinuousQuery and DropContinuousQuery.

use influxdb_meta::catalog::ContinuousQuery;

use super::*;

fn create(database: &str, name: &str, query: impl AsRef<[u8]>) -> Command {
    let query = ContinuousQuery {
        name: Name::from(name),
        query: Text::from(&query),
    };
    Command::Wire(WireCommand::CreateContinuousQuery {
        database: Name::from(database),
        query,
    })
}

fn drop_query(database: &str, name: &str) -> Command {
    Command::Wire(WireCommand::DropContinuousQuery {
        database: Name::from(database),
        name: Name::from(name),
    })
}

fn names(fed: &Fed) -> Vec<String> {
    fed.database("db")
        .continuous_queries
        .iter()
        .map(|query| query.name.to_string())
        .collect()
}

#[test]
fn they_stand_in_the_order_of_their_creation() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"))
        .ok(create("db", "b", "x"))
        .ok(create("db", "a", "x"));
    assert_eq!(names(&fed), ["b", "a"]);
    fed.refused(create("x", "a", "x"), "database not found: x");
}

#[test]
fn the_same_query_in_any_case_is_there_already() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"))
        .ok(create("db", "q", "SELECT \u{c4} INTO b"));
    fed.same(create("db", "q", "SELECT \u{c4} INTO b"))
        .same(create("db", "q", "select \u{e4} into B"));
    fed.refused(
        create("db", "q", "SELECT \u{c4} INTO c"),
        "continuous query already exists",
    );
    // Names are case-sensitive.
    fed.ok(create("db", "Q", "SELECT"));
}

/// wire.md Q40: queries that are not text are compared by their bytes.
#[test]
fn queries_that_are_no_text_are_compared_by_their_bytes() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"))
        .ok(create("db", "q", b"\xff"))
        .same(create("db", "q", b"\xff"));
    fed.refused(
        create("db", "q", b"\xfe"),
        "continuous query already exists",
    );
    fed.refused(
        create("db", "q", "\u{fffd}"),
        "continuous query already exists",
    );
}

#[test]
fn dropping_what_is_not_there_is_no_error() {
    let mut fed = Fed::default();
    fed.ok(create_database("db"))
        .ok(create("db", "a", "x"))
        .ok(create("db", "b", "x"));
    fed.same(drop_query("x", "a"))
        .same(drop_query("db", "x"))
        .ok(drop_query("db", "a"));
    assert_eq!(names(&fed), ["b"]);
    fed.same(drop_query("db", "a"));
}
