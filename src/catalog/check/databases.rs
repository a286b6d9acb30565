//! Invariants of databases and users: their names, their order, and the values of retention
//! policies.

use super::{each, ensure, unique};
use crate::base::{DurationNanos, Name};
use crate::catalog::{Catalog, MAX_NAME_LEN, Named, Ordered, RetentionPolicy};

pub(super) fn agree(catalog: &Catalog) -> Result<(), String> {
    ordered_agree(&catalog.databases)
}

pub(super) fn users_agree(catalog: &Catalog) -> Result<(), String> {
    ordered_agree(&catalog.users)
}

pub(super) fn roles_agree(catalog: &Catalog) -> Result<(), String> {
    ordered_agree(&catalog.roles)
}

fn ordered_agree<T: Named>(all: &Ordered<T>) -> Result<(), String> {
    each(all.by_order.keys(), |order| **order < all.next)?;
    for (order, entry) in &all.by_order {
        let found = || format!("{:?} with insertion number {order}", entry.name());
        ensure(all.by_name.get(entry.name()) == Some(order), found)?;
    }
    ensure(all.by_order.len() == all.by_name.len(), || {
        "names of nothing".to_owned()
    })
}

pub(super) fn names_are_sized(catalog: &Catalog) -> Result<(), String> {
    let sized = |name: &Name| (1..=MAX_NAME_LEN).contains(&name.len());
    for database in catalog.databases.iter() {
        each([&database.name], |name| sized(name))?;
        each(
            database
                .retention_policies
                .iter()
                .map(|policy| &policy.name),
            |name| sized(name),
        )?;
        each([&database.default_retention_policy], |name| {
            name.is_empty() || sized(name)
        })?;
    }
    Ok(())
}

pub(super) fn users_are_named(catalog: &Catalog) -> Result<(), String> {
    each(catalog.users.iter().map(|user| &user.name), |name| {
        !name.is_empty()
    })
}

pub(super) fn policies_are_unique(catalog: &Catalog) -> Result<(), String> {
    catalog.databases.iter().try_for_each(|database| {
        unique(
            "retention policy",
            database
                .retention_policies
                .iter()
                .map(|policy| &policy.name),
        )
    })
}

pub(super) fn policies_are_possible(catalog: &Catalog) -> Result<(), String> {
    for policy in policies(catalog) {
        let kept_for_a_group =
            policy.duration.0 <= 0 || policy.duration >= policy.shard_group_duration;
        let possible = policy.replica_n >= 1 && policy.shard_group_duration >= DurationNanos::HOUR;
        let RetentionPolicy {
            name,
            duration,
            shard_group_duration,
            replica_n,
            ..
        } = policy;
        ensure(possible && kept_for_a_group, || {
            format!("{name:?}: {duration:?}, {shard_group_duration:?}, {replica_n} copies")
        })?;
    }
    Ok(())
}

pub(super) fn queries_are_unique(catalog: &Catalog) -> Result<(), String> {
    catalog.databases.iter().try_for_each(|database| {
        unique(
            "continuous query",
            database.continuous_queries.iter().map(|query| &query.name),
        )
    })
}

pub(super) fn subscriptions_are_unique(catalog: &Catalog) -> Result<(), String> {
    policies(catalog).try_for_each(|policy| {
        unique(
            "subscription",
            policy
                .subscriptions
                .iter()
                .map(|subscription| &subscription.name),
        )
    })
}

fn policies(catalog: &Catalog) -> impl Iterator<Item = &RetentionPolicy> {
    catalog
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies)
}
