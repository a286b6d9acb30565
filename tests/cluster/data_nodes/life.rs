//! Two data nodes at work: each sees what the other creates, and every meta node has the same
//! catalog.

use std::collections::BTreeSet;

use influxdb_meta::wire::data_node::MessageType;

use super::*;
use crate::harness::data_node::command::{Response as Executed, create_data_node};
use crate::harness::data_node::shards::unix_nanos;

fn owners(group: &data::ShardGroup) -> Vec<Vec<u64>> {
    group
        .shards
        .iter()
        .map(|shard| shard.owners.clone())
        .collect()
}

#[test]
fn what_one_writes_the_other_finds() {
    let stack = Stack::joined(2);
    let (one, two, now) = (stack.data(0), stack.data(1), unix_nanos());
    one.create_database("db").expect("a database");
    let group = one.write("db", "", now).expect("a point");
    // `autogen` has as many copies as there are data nodes, at most three.
    assert_eq!(
        (
            owners(&group),
            one.cached()
                .policy("db", "")
                .expect("a default")
                .name
                .as_str()
        ),
        (vec![vec![4, 5]], "autogen")
    );
    two.wait_for("the database", AT_LAST, |data| {
        data.database("db").is_some()
    });
    assert_eq!(two.write("db", "", now + 1).expect("a point"), group);
    assert!(two.shards().contains_key(&group.shards[0].id));

    two.execute(&command::create_database("lone", Some(&policy(1))))
        .expect("a database");
    let lone = two.write("lone", "rp", now).expect("a point");
    assert_eq!(
        owners(&lone).into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([vec![4], vec![5]])
    );
    one.wait_for("the other's group", AT_LAST, |data| {
        data.policy("lone", "rp")
            .is_ok_and(|policy| policy.group_for(now) == Some(&lone))
    });
    stack.settled();
}

/// `floor(data nodes / replication factor)` shards in each group, owned by the nodes that own the
/// fewest.
#[test]
fn groups_are_spread_over_three() {
    let stack = Stack::joined(3);
    let (node, now) = (stack.data(2), unix_nanos());
    node.execute(&command::create_database("two", Some(&policy(2))))
        .expect("a database");
    node.execute(&command::create_database("four", Some(&policy(4))))
        .expect("a database");
    let mut owned = Vec::new();
    for week in 0..3 {
        let group = node
            .write("two", "", now + week * 7 * 24 * HOUR)
            .expect("a point");
        assert_eq!(
            owners(&group).iter().map(Vec::len).collect::<Vec<_>>(),
            [2],
            "{group:?}"
        );
        owned.extend(owners(&group).concat());
    }
    owned.sort_unstable();
    assert_eq!(owned, [4, 4, 5, 5, 6, 6]);
    // More copies than there are nodes: one on each node.
    assert_eq!(
        owners(&node.write("four", "", now).expect("a point")),
        [[4, 5, 6]]
    );
    stack.settled();
}

/// Both are on the write path at once, and both need the same groups.
#[test]
fn two_who_write_at_once_get_the_same_groups() {
    let stack = Stack::joined(2);
    stack
        .data(0)
        .execute(&command::create_database("db", Some(&policy(1))))
        .expect("a database");
    stack.data(1).wait_for("the database", AT_LAST, |data| {
        data.database("db").is_some()
    });
    let (now, week) = (unix_nanos(), 7 * 24 * HOUR);
    let write = |n: usize| {
        let groups = (0..10).map(|turn| stack.data(n).write("db", "", now + turn * week));
        groups
            .map(|group| group.expect("a point").id)
            .collect::<Vec<u64>>()
    };
    let groups = std::thread::scope(|scope| {
        let other = scope.spawn(|| write(1));
        [write(0), other.join().expect("no panic")]
    });
    assert_eq!(groups[0], groups[1]);
    let data = stack.settled();
    assert_eq!(
        data.policy("db", "").expect("a policy").shard_groups.len(),
        10
    );
}

/// The answer is lost, and the client sends the same command again (wire.md Q15).
#[test]
fn a_command_whose_answer_was_lost() {
    let stack = Stack::joined(2);
    let (node, now) = (stack.data(0), unix_nanos());
    let rp = command::Policy {
        name: "more",
        duration: 48 * HOUR,
        shard_group_duration: 0,
        replica_n: 2,
    };
    let commands = [
        command::create_database("db", Some(&policy(1))),
        command::create_retention_policy("db", &rp, false),
        command::update_retention_policy("db", "more", Some(72 * HOUR), None, None, true),
        command::create_shard_group("db", "rp", now),
        command::create_continuous_query("db", "cq", "SELECT 1"),
        command::create_user("ann", "$2a$10$hash", true),
        command::set_privilege("ann", "db", 2),
        create_data_node(&format!("{}:8086", stack.ip(1)), &stack.tcp(1)),
        command::drop_retention_policy("db", "more"),
        command::drop_database("nothing"),
    ];
    for (n, command) in commands.iter().enumerate() {
        let before = node.cached().index;
        let at = stack.meta.all[stack.leader()].http();
        let lost = http::send(
            at,
            &format!("POST /execute HTTP/1.1\r\nHost: {at}\r\n"),
            command,
        )
        .expect("sent");
        node.wait_for("what the command did", AT_LAST, |data| data.index > before);
        drop(lost);
        assert_eq!(node.execute(command).map(drop), Ok(()), "command {n}");
    }
    let data = stack.settled();
    assert_eq!(
        (
            data.users.len(),
            data.data_nodes.len(),
            data.databases.len()
        ),
        (1, 2, 1)
    );
    assert_eq!(
        data.policy("db", "rp")
            .expect("a policy")
            .shard_groups
            .len(),
        1
    );
}

/// The data node has registered itself and does not know it, because the answer was lost
/// (wire.md Q50).
#[test]
fn a_join_whose_answer_was_lost() {
    let stack = Stack::of(1);
    let create = create_data_node(&format!("{}:8086", stack.ip(0)), &stack.tcp(0));
    let at = &stack.meta.all[stack.leader()];
    let answer = at.post("/execute", &create).expect("an answer");
    assert_eq!(Executed::read(&answer.body).expect("a response").error, "");
    assert_eq!(
        stack.done("/add-data", &[("addr", &stack.tcp(0))]).json()["id"],
        4
    );
    assert_eq!(stack.settled().data_nodes.len(), 1);
    assert!(
        stack
            .data(0)
            .heard()
            .iter()
            .any(|heard| heard.starts_with(&MessageType::JoinCluster.to_string()))
    );
}
