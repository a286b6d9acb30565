//! `INFLUXDB_META_ADD_DATA`: data nodes that are added without a command.

use std::time::Instant;

use influxdb_meta::wire::data_node::MessageType;

use super::*;
use crate::harness::data_node::{Behaviour, On};

/// Starts three meta nodes that are to add so many data nodes. No data node runs yet.
fn wanting(count: usize) -> Stack {
    let mut nodes = Nodes::new(3);
    let [a, b, c, _] = nodes.all[0].ip.octets();
    let list: Vec<String> = (0..count)
        .map(|n| Ipv4Addr::new(a, b, c, 101 + n as u8).to_string())
        .collect();
    nodes.set("INFLUXDB_META_ADD_DATA", &list.join(","));
    nodes.start_all();
    nodes.wait_ready();
    Stack {
        meta: nodes,
        data: (0..count).map(|_| None).collect(),
    }
}

impl Stack {
    #[track_caller]
    fn wait_joined(&self, n: usize) {
        let tcp = self.tcp(n);
        self.data(n)
            .wait_for("itself", AT_LAST, |data| data.node_by_tcp(&tcp).is_some());
    }

    fn invitations(&self, n: usize) -> usize {
        self.data(n)
            .heard()
            .iter()
            .filter(|heard| heard.starts_with("JoinCluster"))
            .count()
    }

    /// Checks for 4 s, during which a leader visits several times, that the node gets no further
    /// JoinCluster.
    #[track_caller]
    fn assert_never_again(&self, n: usize) {
        let (start, before) = (Instant::now(), self.invitations(n));
        while start.elapsed() < Duration::from_secs(4) {
            assert_eq!(self.invitations(n), before);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn they_come_whenever_they_start() {
    let mut stack = wanting(2);
    stack.start_data(1);
    stack.wait_joined(1);
    assert_eq!(stack.data(1).id(), 4);
    let leader = stack.leader();
    stack.meta.all[leader].kill();
    stack.start_data(0);
    stack.wait_joined(0);
    stack.meta.all[leader].start();
    let ids: Vec<_> = stack
        .settled()
        .data_nodes
        .iter()
        .map(|node| (node.id, node.tcp_addr.clone()))
        .collect();
    assert_eq!(ids, [(4, stack.tcp(1)), (5, stack.tcp(0))]);
}

/// The leader dies while the data node is joining.
#[test]
fn the_leader_dies_meanwhile() {
    let mut stack = wanting(1);
    stack.start_data(0);
    stack
        .data(0)
        .set_behaviour(On::Call(MessageType::JoinCluster), Behaviour::Held);
    stack.data(0).wait_heard("JoinCluster", AT_LAST);
    let leader = stack.leader();
    stack.meta.all[leader].kill();
    stack
        .data(0)
        .set_behaviour(On::Call(MessageType::JoinCluster), Behaviour::Normal);
    stack.wait_joined(0);
    stack.meta.all[leader].start();
    assert_eq!(stack.settled().data_nodes.len(), 1);
}

/// A data node that an operator removed is not brought back by a leader; an operator can do it.
#[test]
fn one_that_was_removed_stays_away() {
    let mut stack = wanting(1);
    stack.start_data(0);
    stack.wait_joined(0);
    stack.done("/remove-data", &[("addr", &stack.tcp(0))]);
    assert!(!stack.data(0).status().is_joined());
    stack.assert_never_again(0);
    let leader = stack.leader();
    stack.meta.all[leader].kill();
    stack.leader();
    stack.assert_never_again(0);
    stack.meta.all[leader].start();
    stack.meta.wait_ready();
    assert_eq!(
        stack.done("/add-data", &[("addr", &stack.tcp(0))]).json()["id"],
        5
    );
}

/// The list has the node's IP address, and the node calls itself by a name.
#[test]
fn under_another_name_it_is_the_same() {
    let mut stack = wanting(1);
    let name = "data-1.example:8088";
    stack.start_data_as(0, Some(name));
    stack
        .data(0)
        .wait_for("itself", AT_LAST, |data| data.node_by_tcp(name).is_some());
    stack.assert_never_again(0);
    let leader = stack.leader();
    stack.meta.all[leader].kill();
    stack.leader();
    stack.assert_never_again(0);
    assert_eq!(stack.invitations(0), 1);
    stack.done("/remove-data", &[("addr", name), ("force", "true")]);
    stack
        .data(0)
        .wait_for("its absence", AT_LAST, |data| data.data_nodes.is_empty());
    stack.assert_never_again(0);
}

#[test]
fn one_that_says_nothing_keeps_no_other_away() {
    let mut stack = wanting(2);
    stack.start_data(0);
    stack
        .data(0)
        .set_behaviour(On::Call(MessageType::JoinCluster), Behaviour::Silent);
    stack.data(0).wait_heard("JoinCluster", AT_LAST);
    stack.start_data(1);
    stack.wait_joined(1);
    assert_eq!(stack.invitations(0), 1);
}
