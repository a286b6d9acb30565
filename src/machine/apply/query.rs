//! Continuous queries (wire.md 3.4, types 11 and 12).

use super::retention_policy::existing;
use crate::base::{Name, Text};
use crate::catalog::{Catalog, ContinuousQuery};
use crate::machine::Refused;

/// Creates a continuous query. The same query again, in upper or lower case, is no error.
pub(super) fn create(
    catalog: &mut Catalog,
    database: &Name,
    query: &ContinuousQuery,
) -> Result<(), Refused> {
    let queries = &existing(catalog, database)?.continuous_queries;
    match queries.iter().find(|there| there.name == query.name) {
        Some(there) if are_equal(&there.query, &query.query) => Ok(()),
        Some(_) => Err(Refused::ContinuousQueryExists),
        None => {
            catalog.databases.update(database, |database| {
                database.continuous_queries.push(query.clone())
            });
            Ok(())
        }
    }
}

/// Removes a continuous query. An unknown database or query is no error.
pub(super) fn drop(catalog: &mut Catalog, database: &Name, name: &Name) {
    let is_there = |query: &ContinuousQuery| query.name == *name;
    if catalog
        .databases
        .get(database)
        .is_some_and(|found| found.continuous_queries.iter().any(is_there))
    {
        catalog.databases.update(database, |database| {
            database
                .continuous_queries
                .retain(|query| query.name != *name);
        });
    }
}

fn are_equal(one: &Text, other: &Text) -> bool {
    match (
        std::str::from_utf8(one.as_bytes()),
        std::str::from_utf8(other.as_bytes()),
    ) {
        (Ok(one), Ok(other)) => one.to_lowercase() == other.to_lowercase(),
        // Bytes that are not text have no case.
        _ => one == other,
    }
}
