//! Random restores: views of the catalog, older ones too, with databases brought back, changed or
//! left out.

use influxdb_meta::machine::SetData;

use super::*;

pub(super) fn set_data(rng: &mut StdRng, catalog: &Catalog) -> SetData {
    let Catalog {
        index,
        databases,
        users,
        max_shard_group_id,
        max_shard_id,
        ..
    } = catalog.clone();
    let mut view = SetData {
        index,
        databases,
        users,
        max_shard_group_id,
        max_shard_id,
    };
    if rng.random_ratio(1, 5) {
        view.index = index.saturating_sub(rng.random_range(0..20));
    }
    for _ in 0..rng.random_range(0..3) {
        match rng.random_range(0..8) {
            0 => _ = view.databases.remove(&name(rng)),
            1 => _ = view.users.remove(&name(rng)),
            2 => {
                view.max_shard_id =
                    [0, u64::MAX, view.max_shard_id.saturating_add(3)][rng.random_range(0..3)]
            }
            _ => bring_back(rng, catalog, &mut view),
        }
    }
    view
}

/// Brings a database back, under a name that may exist, with ids that may have been given out
/// before, and owners that may not exist.
fn bring_back(rng: &mut StdRng, catalog: &Catalog, view: &mut SetData) {
    let fresh = !rng.random_ratio(1, 5);
    let id = |rng: &mut StdRng, highest: &mut u64| {
        *highest = highest.saturating_add(1);
        if fresh {
            *highest
        } else {
            rng.random_range(0..=*highest)
        }
    };
    let group = ShardGroup {
        id: ShardGroupId(id(rng, &mut view.max_shard_group_id)),
        start: data::time(rng),
        end: data::time(rng),
        deleted_at: rng
            .random_ratio(1, 5)
            .then(|| data::time(rng))
            .filter(|at| at.0 != 0),
        truncated_at: None,
        shards: (0..rng.random_range(0..4))
            .map(|_| Shard {
                id: ShardId(id(rng, &mut view.max_shard_id)),
                owners: catalog
                    .data_nodes
                    .keys()
                    .copied()
                    .filter(|_| rng.random_ratio(1, 4))
                    .collect(),
            })
            .collect(),
    };
    let NewRetentionPolicy {
        name: policy,
        duration,
        shard_group_duration,
        replica_n,
    } = policy(rng);
    view.databases.insert(Database {
        name: name(rng),
        default_retention_policy: policy.clone(),
        retention_policies: vec![RetentionPolicy {
            name: policy,
            duration,
            shard_group_duration,
            replica_n,
            shard_groups: [group].into_iter().collect(),
            subscriptions: Vec::new(),
        }],
        continuous_queries: Vec::new(),
    });
}
