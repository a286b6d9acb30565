//! A restore of a whole catalog through the log.

use std::time::Duration;

use influxdb_meta::base::{DurationNanos, Name, ShardGroupId, ShardId, UnixNanos};
use influxdb_meta::catalog::{Database, Ordered, RetentionPolicy, Shard, ShardGroup};
use influxdb_meta::machine::{Outcome, SetData, WireCommand};
use influxdb_meta::wire::budget::{self, MAX_COMMAND_COST};
use influxdb_meta::wire::{envelope::Body, execute, state};

use super::basics::soon;
use super::cluster::{Cluster, Options};

const HOUR: i64 = 3_600_000_000_000;
const SHARDS: u64 = 6_000;

/// About the largest restore that is one command.
#[tokio::test(start_paused = true)]
async fn the_largest_restore_of_one_command_is_applied_everywhere() {
    let cluster = Cluster::founded(11, 3, Options::default()).await;
    let (_, raft) = cluster.leader(Duration::from_secs(1)).await;
    let command = execute::encode(&restore(raft.applied().borrow().catalog.index, SHARDS));
    let cost = budget::count(&command).expect("well-formed").cost();
    assert!(cost > MAX_COMMAND_COST / 2, "{cost} bytes");
    let outcome = raft
        .propose(Body::Wire(command), soon())
        .await
        .expect("acknowledged");
    let Outcome::Applied { index } = outcome else {
        panic!("refused: {outcome:?}")
    };
    cluster
        .converged(&[1, 2, 3], index, Duration::from_secs(1))
        .await;
    let states = [1, 2, 3].map(|id| {
        let applied = cluster.raft(id).expect("runs").applied();
        let catalog = &applied.borrow().catalog;
        let policy = &catalog
            .databases
            .get(&Name::from("restored"))
            .expect("is there")
            .retention_policies[0];
        assert_eq!(policy.shard_groups.len() as u64, SHARDS);
        state::encode(catalog)
    });
    assert!(
        states[0] == states[1] && states[1] == states[2],
        "all replicas hold the same"
    );
}

/// Restore of one database with this many shards, made from the catalog of this index.
pub(crate) fn restore(index: u64, shards: u64) -> WireCommand {
    let groups = (1..=shards).map(|id| ShardGroup {
        id: ShardGroupId(id),
        start: UnixNanos(id as i64 * HOUR),
        end: UnixNanos((id as i64 + 1) * HOUR),
        deleted_at: None,
        truncated_at: None,
        shards: vec![Shard {
            id: ShardId(id),
            owners: Vec::new(),
        }],
    });
    let policy = RetentionPolicy {
        name: Name::from("hourly"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos(HOUR),
        replica_n: 1,
        shard_groups: groups.collect(),
        subscriptions: Vec::new(),
    };
    let mut databases = Ordered::default();
    databases.insert(Database {
        name: Name::from("restored"),
        default_retention_policy: policy.name.clone(),
        retention_policies: vec![policy],
        continuous_queries: Vec::new(),
    });
    let users = Ordered::default();
    WireCommand::SetData(Box::new(SetData {
        index,
        databases,
        users,
        max_shard_group_id: shards,
        max_shard_id: shards,
    }))
}
