//! Random restores in parts: mostly the next command of the one that has begun, sometimes one of
//! another.

use influxdb_meta::machine::{AddRestorePart, BeginRestore, RestoreItem, RestoreRef, SetData};

use super::*;

pub(super) fn command(rng: &mut StdRng, catalog: &Catalog) -> InternalCommand {
    let SetData {
        index,
        databases,
        users,
        max_shard_group_id,
        max_shard_id,
    } = restore::set_data(rng, catalog);
    let wrong = u64::from(rng.random_ratio(1, 12));
    let begun = catalog.restoring.as_ref();
    let (id, parts) = begun.map_or((0, 0), |begun| (begun.id, begun.parts));
    let of = RestoreRef {
        id: id ^ wrong,
        parts,
    };
    match (begun, rng.random_range(0..8)) {
        (Some(_), 0..=3) => {
            let mut items: Vec<RestoreItem> = Vec::new();
            for database in databases.iter() {
                if rng.random_ratio(1, 2) {
                    match parts % 2 {
                        0 => items.push(RestoreItem::Database(database.clone())),
                        _ => items.extend(piece_by_piece(database)),
                    }
                }
                for policy in &database.retention_policies {
                    if rng.random_ratio(1, 20) {
                        items.push(RestoreItem::Policy(policy.clone()));
                    }
                }
            }
            items.extend(users.iter().map(|user| RestoreItem::User(user.clone())));
            InternalCommand::AddRestorePart(AddRestorePart { of, items })
        }
        (Some(_), 4..=6) => InternalCommand::CommitRestore(of),
        (_, 7) => InternalCommand::AbandonRestore { id: of.id },
        (None, 6) => InternalCommand::CommitRestore(of),
        (None, 5) => InternalCommand::AddRestorePart(AddRestorePart { of, items: vec![] }),
        _ => InternalCommand::BeginRestore(BeginRestore {
            id: rng.random_range(0..4),
            index,
            max_shard_group_id,
            max_shard_id,
        }),
    }
}

/// The items of a database that is too large for one part, and whose policies are too.
fn piece_by_piece(database: &Database) -> Vec<RestoreItem> {
    let mut items = vec![RestoreItem::Database(Database {
        retention_policies: Vec::new(),
        continuous_queries: Vec::new(),
        ..database.clone()
    })];
    for policy in &database.retention_policies {
        items.push(RestoreItem::Policy(RetentionPolicy {
            shard_groups: Default::default(),
            subscriptions: Vec::new(),
            ..policy.clone()
        }));
        let groups = policy.shard_groups.iter();
        items.extend(groups.map(|group| RestoreItem::Group(group.clone())));
        let subscriptions = policy.subscriptions.iter();
        items.extend(subscriptions.cloned().map(RestoreItem::Subscription));
    }
    let queries = database.continuous_queries.iter();
    items.extend(queries.cloned().map(RestoreItem::Query));
    items
}
