//! Another machine takes a data node's place.

use influxdb_meta::wire::data_node::MessageType;

use super::*;
use crate::harness::data_node::{Behaviour, On};

const JOIN: On = On::Call(MessageType::JoinCluster);

impl Stack {
    /// Copies the data of the second node to a third one that belongs to no cluster; the second is
    /// gone.
    fn moved() -> (Self, u64) {
        let mut stack = Stack::joined(2);
        let shard = stack.group("db", 2).shards[0].id;
        stack.settled();
        stack.kill_data(1);
        stack.start_data(2);
        (stack, shard)
    }

    fn update(&self, old: usize, new: usize) -> Response {
        self.ask(
            "/update-data",
            &[("oldAddr", &self.tcp(old)), ("newAddr", &self.tcp(new))],
        )
    }

    fn addresses(&self) -> Vec<(u64, String)> {
        self.settled()
            .data_nodes
            .iter()
            .map(|node| (node.id, node.tcp_addr.clone()))
            .collect()
    }
}

#[test]
fn it_keeps_id_and_shards() {
    let (stack, shard) = Stack::moved();
    let answer = stack.update(1, 2);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let node = answer.json();
    assert_eq!(
        (node["id"].as_u64(), node["tcpAddr"].as_str()),
        (Some(5), Some(&*stack.tcp(2)))
    );
    assert_eq!(stack.addresses(), [(4, stack.tcp(0)), (5, stack.tcp(2))]);
    assert_eq!(stack.owners(shard), Some(vec![4, 5]));
    assert_eq!(
        (stack.data(2).id(), stack.data(2).status().is_joined()),
        (5, true)
    );
    let owners = stack.look("/show-shards").json()[0]["owners"].take();
    assert_eq!(owners[1]["tcpAddr"], stack.tcp(2));
    // Repeating the request gives the same answer.
    assert_eq!(stack.update(1, 2).json()["id"], 5);
}

#[test]
fn what_the_new_one_does_not_do_is_taken_back() {
    let (stack, _) = Stack::moved();
    let before = stack.addresses();
    let behaviours = [
        Behaviour::Failing("no".to_owned()),
        Behaviour::HangUp,
        Behaviour::ActThenHangUp,
    ];
    for (behaviour, text) in
        behaviours
            .into_iter()
            .zip(["no", "read message type: EOF", "read message type: EOF"])
    {
        stack.data(2).set_behaviour(JOIN, behaviour);
        let answer = stack.update(1, 2);
        assert_eq!(answer.status, 500, "{}", answer.text());
        assert!(error(&answer).contains(text), "{}", answer.text());
        assert_eq!(stack.addresses(), before);
    }
    stack.data(2).set_behaviour(JOIN, Behaviour::Normal);
    assert_eq!(stack.update(1, 2).status, 200);
    assert_eq!(stack.addresses()[1], (5, stack.tcp(2)));
}

#[test]
fn what_cannot_be_says_why() {
    let (stack, other) = (Stack::joined(2), Stack::joined(1));
    let (one, two, nobody) = (&*stack.tcp(0), &*stack.tcp(1), &*stack.tcp(7));
    let before = stack.settled();
    let refused = |old: &str, new: &str, status: u16, text: &str| {
        let answer = stack.ask("/update-data", &[("oldAddr", old), ("newAddr", new)]);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(error(&answer).contains(text), "{}", answer.text());
    };
    refused("", two, 400, "oldAddr is required");
    refused(one, "", 400, "newAddr is required");
    refused(
        nobody,
        two,
        400,
        &format!("no data node with bind address {nobody} exists"),
    );
    refused(
        one,
        two,
        400,
        &format!("cannot update data node {one} to {two}; {two} is already part of cluster"),
    );
    refused(one, &other.tcp(0), 500, "already joined to cluster");
    refused(one, nobody, 500, "connection refused");
    assert_eq!(stack.settled(), before);
}

/// update-data with the same address twice: a data node with a new disk learns again which cluster
/// it is in, and keeps its id (data_nodes.md, "Replacing").
#[test]
fn to_itself() {
    let mut stack = Stack::joined(2);
    let before = stack.addresses();
    stack.kill_data(1);
    stack.wipe_data(1);
    stack.start_data(1);
    assert_eq!(stack.update(1, 1).json()["id"], 5);
    assert_eq!((stack.addresses(), stack.data(1).id()), (before, 5));
    assert_eq!(
        stack.update(1, 1).status,
        200,
        "one that knows it is told once more"
    );
}

/// The leader dies when the catalog has the new address and the new machine was not notified yet.
#[test]
fn the_leader_is_killed_meanwhile() {
    let (mut stack, _) = Stack::moved();
    stack.data(2).set_behaviour(JOIN, Behaviour::Held);
    let (leader, follower) = (stack.leader(), stack.follower());
    let answer = std::thread::scope(|scope| {
        let update = scope.spawn(|| {
            let fields = [("oldAddr", &*stack.tcp(1)), ("newAddr", &*stack.tcp(2))];
            post_form(
                stack.meta.all[follower].http(),
                "localhost:18091",
                "/update-data",
                &fields,
            )
        });
        stack.data(2).wait_heard("JoinCluster", AT_LAST);
        stack.meta.all[leader].signal("KILL");
        stack.data(2).set_behaviour(JOIN, Behaviour::Normal);
        update.join().expect("no panic").expect("an answer")
    });
    assert_eq!(
        (answer.status, answer.json()["id"].as_u64()),
        (200, Some(5))
    );
    stack.meta.all[leader].kill();
    assert_eq!(stack.addresses()[1], (5, stack.tcp(2)));
    assert!(stack.data(2).status().is_joined());
}

/// The leader is frozen after it sent JoinCluster, and is deposed when it gets the error: it
/// restores the old address through the next leader.
#[test]
fn the_leader_is_deposed_before_it_fails() {
    let (stack, _) = Stack::moved();
    let before = stack.addresses();
    stack.data(2).set_behaviour(JOIN, Behaviour::Held);
    let leader = stack.leader();
    std::thread::scope(|scope| {
        let update = scope.spawn(|| {
            let fields = [("oldAddr", &*stack.tcp(1)), ("newAddr", &*stack.tcp(2))];
            let at = stack.meta.all[leader].http();
            post_form(at, &at.to_string(), "/update-data", &fields)
        });
        stack.data(2).wait_heard("JoinCluster", AT_LAST);
        stack.freeze(leader);
        stack
            .data(2)
            .set_behaviour(JOIN, Behaviour::Failing("no".to_owned()));
        stack.meta.all[leader].signal("CONT");
        let answer = update.join().expect("no panic").expect("an answer");
        assert_eq!((answer.status, error(&answer).as_str()), (500, "no"));
    });
    assert_eq!(stack.addresses(), before);
}
