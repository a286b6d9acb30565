//! `GET /show-shards`, which `influxd-ctl show-shards` reads.

use serde_json::json;

use super::*;
use crate::harness::data_node::Held;
use crate::harness::data_node::shards::{rfc3339, unix_nanos};

const NEVER: &str = "0001-01-01T00:00:00Z";

impl Stack {
    /// Reads it at every meta node; all must answer the same.
    #[track_caller]
    fn shown(&self, query: &str) -> Vec<Value> {
        let mut all: Vec<Value> = self
            .meta
            .all
            .iter()
            .map(|node| {
                let answer = node
                    .get(&format!("/show-shards{query}"))
                    .expect("an answer");
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.json()
            })
            .collect();
        all.dedup();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0).as_array().cloned().unwrap_or_default()
    }
}

fn ids(shown: &[Value]) -> Vec<u64> {
    shown
        .iter()
        .filter_map(|shard| shard["id"].as_u64())
        .collect()
}

#[test]
fn plain_and_verbose() {
    let mut stack = Stack::joined(2);
    assert_eq!(stack.look("/show-shards").text().trim_end(), "null");
    let group = stack.group("db", 2);
    stack.settled();
    let owner = |n: usize, state: &str, modified: &str, size: i64, err: &str| {
        json!({
            "id": 4 + n, "tcpAddr": stack.tcp(n), "state": state, "last-modified": modified,
            "size": size, "err": err,
        })
    };
    let shard = |owners: Value| {
        json!([{
            "id": group.shards[0].id, "database": "db", "retention-policy": "rp", "replica-n": 2,
            "shard-group-id": group.id, "start-time": time(group.start),
            "end-time": time(group.end), "expire-time": NEVER, "truncated-at": NEVER,
            "owners": owners,
        }])
    };
    let plain = shard(json!([
        owner(0, "", NEVER, 0, ""),
        owner(1, "", NEVER, 0, "")
    ]));
    assert_eq!(json!(stack.shown("")), plain);
    assert_eq!(
        json!(stack.shown("?verbose=yes")),
        plain,
        "exactly `true` is true"
    );
    let held = &stack.data(0).shards()[&group.shards[0].id];
    let first = owner(0, "hot", &held.last_modified, 16, "");
    let verbose = shard(json!([first, owner(1, "", NEVER, 0, "not found")]));
    assert_eq!(json!(stack.shown("?verbose=true")), verbose);
    stack.kill_data(1);
    let shown = stack.shown("?verbose=true");
    let err = shown[0]["owners"][1]["err"].as_str().expect("an error");
    assert!(err.contains("connection refused"), "{err}");
}

fn time(nanos: i64) -> String {
    // Without the digits that are zero, as Go writes it.
    rfc3339(nanos).replace(".000000000Z", "Z")
}

/// Groups that are past their retention and not yet deleted by the data nodes.
#[test]
fn expired_ones_on_request() {
    let stack = Stack::joined(1);
    let node = stack.data(0);
    let short = command::Policy {
        name: "short",
        duration: HOUR,
        shard_group_duration: HOUR,
        replica_n: 1,
    };
    node.execute(&command::create_database("db", Some(&short)))
        .expect("a database");
    let (old, new) = (unix_nanos() - 10 * HOUR, unix_nanos());
    let old = node.write("db", "", old).expect("a point");
    let new = node.write("db", "", new).expect("a point");
    let deleted = node
        .write("db", "", unix_nanos() - 20 * HOUR)
        .expect("a point");
    node.execute(&command::delete_shard_group("db", "short", deleted.id))
        .expect("deleted");
    stack.settled();
    assert_eq!(ids(&stack.shown("")), [new.shards[0].id]);
    let all = stack.shown("?expired=true");
    assert_eq!(ids(&all), [old.shards[0].id, new.shards[0].id]);
    assert_eq!(all[0]["expire-time"], time(old.end + HOUR));
}

/// Copies that are in the catalog and not on the disk, or on the disk and not in the catalog.
#[test]
fn inconsistent_ones() {
    let mut stack = Stack::joined(2);
    let kept = stack.group("kept", 1);
    let both = stack.group("both", 2).shards[0].id;
    // Deletes its own shards of the first database, and the only point of the second.
    for shard in &kept.shards {
        let owner = (shard.owners[0] - 4) as usize;
        stack.data(owner).hold(shard.id, Held::new("kept", "rp", 1));
    }
    stack.data(1).hold(99, Held::new("gone", "rp", 5));
    stack.settled();
    let shown = stack.shown("?inconsistent=true");
    assert_eq!(ids(&shown), [both, 99]);
    let errors: Vec<_> = shown
        .iter()
        .map(|shard| {
            let owners = shard["owners"].as_array().expect("owners").iter();
            owners
                .map(|owner| {
                    (
                        owner["id"].as_u64().expect("an id"),
                        owner["err"].as_str().expect("a text"),
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        errors,
        [
            vec![(4, ""), (5, "not found")],
            vec![(5, "not in the catalog")]
        ]
    );
    // The copies of a node that does not answer are unknown.
    stack.kill_data(1);
    assert_eq!(ids(&stack.shown("?inconsistent=true")), [0_u64; 0]);
}
