//! Requests whose cost grows with the catalog, the quota of the catalog, and a node that dies while
//! it applies an entry.

mod deaths;
mod lists;

use crate::harness::data_node::command;
use crate::harness::data_node::data::{
    Data, Database, Node as DataNode, RetentionPolicy, Shard, ShardGroup,
};
use crate::harness::node::{Node, SOON};
use crate::harness::{wait_for, wire};

const HOUR: i64 = 3_600_000_000_000;

/// Number of shards in a group of [`restored`].
const SHARDS_IN_GROUP: u64 = 20;

/// Executes a command until this node, the leader, has an answer.
#[track_caller]
fn execute(leader: &Node, command: &[u8]) -> Result<u64, String> {
    wait_for("answer", SOON, || {
        match leader.post("/execute", command)? {
            answer if answer.status == 200 => Ok(wire::response(&answer.body)),
            answer => Err(format!("{} {}", answer.status, answer.text())),
        }
    })
}

#[track_caller]
fn catalog(node: &Node) -> Data {
    let answer = node.get("/?index=0").expect("an answer");
    Data::read(&answer.body).expect("a catalog")
}

/// Brings a database with this number of shards into the catalog, by restores.
#[track_caller]
fn restore_shards(leader: &Node, shards: u64) {
    execute(leader, &command::create_data_node("d1:8086", "d1:8088")).expect("a data node");
    let base = catalog(leader);
    let owner: &DataNode = &base.data_nodes[0];
    let data = restored(&base, owner.id, shards);
    execute(leader, &command::set_data(&data.write())).expect("restored");
}

fn restored(base: &Data, owner: u64, shards: u64) -> Data {
    let groups = (1..=shards / SHARDS_IN_GROUP).map(|id| ShardGroup {
        id,
        start: id as i64 * HOUR,
        end: (id as i64 + 1) * HOUR,
        deleted_at: 0,
        shards: (1..=SHARDS_IN_GROUP)
            .map(|n| Shard {
                id: (id - 1) * SHARDS_IN_GROUP + n,
                owners: vec![owner],
            })
            .collect(),
        truncated_at: 0,
    });
    let policy = RetentionPolicy {
        name: "hourly".to_owned(),
        duration: 0,
        shard_group_duration: HOUR,
        replica_n: 1,
        shard_groups: groups.collect(),
        subscriptions: Vec::new(),
    };
    let database = Database {
        name: "restored".to_owned(),
        default_retention_policy: policy.name.clone(),
        retention_policies: vec![policy],
        continuous_queries: Vec::new(),
    };
    Data {
        databases: base.databases.iter().cloned().chain([database]).collect(),
        max_shard_group_id: shards / SHARDS_IN_GROUP,
        max_shard_id: shards,
        ..base.clone()
    }
}
