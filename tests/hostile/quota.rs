//! Requests whose cost grows with the catalog, the quota of the catalog, and a node that dies while
//! it applies an entry.

mod deaths;
mod full;
mod lists;

use crate::harness::data_node::command::{self, Policy};
use crate::harness::node::{Node, SOON};
use crate::harness::{wait_for, wire};

const HOUR: i64 = 3_600_000_000_000;

/// Number of data nodes of [`create_shards`], and of shards in each of its groups: one shard for
/// each node.
const SHARDS_IN_GROUP: u64 = 100;

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

/// Brings this number of shards into the catalog, by as many commands as a cluster needs for it.
#[track_caller]
fn create_shards(leader: &Node, shards: u64) {
    for n in 1..=SHARDS_IN_GROUP {
        let (http, tcp) = (format!("d{n}:8086"), format!("d{n}:8088"));
        execute(leader, &command::create_data_node(&http, &tcp)).expect("a data node");
    }
    let policy = Policy {
        name: "hourly",
        duration: 0,
        shard_group_duration: HOUR,
        replica_n: 1,
    };
    execute(leader, &command::create_database("many", Some(&policy))).expect("a database");
    for hour in 0..shards / SHARDS_IN_GROUP {
        let group = command::create_shard_group("many", "hourly", hour as i64 * HOUR);
        execute(leader, &group).expect("a shard group");
    }
}
