//! A restore into a running cluster: the catalog comes first, without owners, and the data after
//! it.

use super::data::{Data, Database, RetentionPolicy, Shard, ShardGroup};
use super::shards::Held;
use super::{AT_LAST, Stack, command};

const HOUR: i64 = 3_600_000_000_000;
const FIRST: u64 = 100;
const SECOND: u64 = 101;
const TRUNCATED: u64 = 102;
const PARTLY_OWNED: u64 = 103;

/// The original leaves these shards without owners, so restored data stays invisible (wire.md Q34).
#[test]
fn restored_shards_belong_to_the_nodes_that_hold_them() {
    let stack = Stack::joined(2);
    let (one, two) = (stack.data(0), stack.data(1));
    let base = one.cached();
    one.execute(&command::set_data(&with_restored(&base).write()))
        .expect("restored");

    for (node, shard) in [
        (one, FIRST),
        (two, SECOND),
        (two, TRUNCATED),
        (one, PARTLY_OWNED),
    ] {
        node.hold(shard, Held::new("restored", "hourly", 4096));
    }
    let (first, second) = (one.id(), two.id());
    for node in [one, two] {
        node.wait_for("owners", AT_LAST, |data| {
            owners(data, FIRST) == [first]
                && owners(data, SECOND) == [second]
                && owners(data, TRUNCATED) == [second]
                && owners(data, PARTLY_OWNED) == [first]
        });
    }
}

fn with_restored(base: &Data) -> Data {
    let shards = |ids: &[(u64, &[u64])]| {
        ids.iter()
            .map(|(id, owners)| Shard {
                id: *id,
                owners: owners.to_vec(),
            })
            .collect()
    };
    let group = |id, start, truncated_at, shards| ShardGroup {
        id,
        start,
        end: start + HOUR,
        deleted_at: 0,
        shards,
        truncated_at,
    };
    let owner = base.data_nodes[0].id;
    let policy = RetentionPolicy {
        name: "hourly".to_owned(),
        duration: 0,
        shard_group_duration: HOUR,
        replica_n: 1,
        shard_groups: vec![
            group(50, 0, 0, shards(&[(FIRST, &[]), (SECOND, &[])])),
            group(51, HOUR, HOUR + 5, shards(&[(TRUNCATED, &[])])),
            group(
                52,
                2 * HOUR,
                2 * HOUR + 5,
                shards(&[(PARTLY_OWNED, &[]), (104, &[owner])]),
            ),
        ],
        subscriptions: Vec::new(),
    };
    let restored = Database {
        name: "restored".to_owned(),
        default_retention_policy: policy.name.clone(),
        retention_policies: vec![policy],
        continuous_queries: Vec::new(),
    };
    let databases = base.databases.iter().cloned().chain([restored]).collect();
    Data {
        databases,
        max_shard_group_id: 60,
        max_shard_id: 110,
        ..base.clone()
    }
}

fn owners(data: &Data, shard: u64) -> Vec<u64> {
    let policies = data
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    let mut shards = policies
        .flat_map(|policy| &policy.shard_groups)
        .flat_map(|group| &group.shards);
    shards
        .find(|other| other.id == shard)
        .map(|shard| shard.owners.clone())
        .unwrap_or_default()
}
