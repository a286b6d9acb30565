//! Data nodes are added.

use super::*;

/// Adds a data node as the Helm chart does: `curl -F addr=…` at any meta node, without `-L`
/// (clients.md trap 11).
fn curl(node: &Node, addr: &str) -> Response {
    let part = |name: &str, value: &str| {
        format!("--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = format!("{}--XyZ--\r\n", part("addr", addr));
    let host = node.http().to_string();
    let head = format!(
        "POST /add-data HTTP/1.1\r\nHost: {host}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\
         Content-Type: multipart/form-data; boundary=XyZ\r\n"
    );
    let mut stream = http::send(node.http(), &head, body.as_bytes()).expect("connects");
    http::receive(node.http(), &mut stream, PATIENCE).expect("an answer")
}

fn added(answer: &Response) -> (u64, String) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let node = answer.json();
    (
        node["id"].as_u64().expect("an id"),
        node["tcpAddr"].as_str().expect("an address").to_owned(),
    )
}

#[test]
fn at_the_leader_and_at_a_follower_and_again() {
    let stack = Stack::of(2);
    let (leader, follower) = (
        &stack.meta.all[stack.leader()],
        &stack.meta.all[stack.follower()],
    );
    assert_eq!(added(&curl(follower, &stack.tcp(0))), (4, stack.tcp(0)));
    assert_eq!(added(&curl(leader, &stack.tcp(1))), (5, stack.tcp(1)));
    for (n, id) in [(0, 4), (1, 5)] {
        for node in &stack.meta.all {
            assert_eq!(added(&curl(node, &stack.tcp(n))), (id, stack.tcp(n)));
        }
        stack
            .data(n)
            .wait_for("both", AT_LAST, |data| data.data_nodes.len() == 2);
        assert_eq!(
            (stack.data(n).id(), stack.data(n).status().is_joined()),
            (id, true)
        );
    }
    let first = &stack.settled().data_nodes[0];
    assert_eq!(
        (first.id, &first.addr),
        (4, &format!("{}:8086", stack.ip(0)))
    );
    // The second request did not send a second JoinCluster.
    let joins = stack
        .data(0)
        .heard()
        .iter()
        .filter(|heard| heard.starts_with("JoinCluster"))
        .count();
    assert_eq!(joins, 1, "{:?}", stack.data(0).heard());
}

/// Versions come with announcements, which go to one meta node and from there to the others.
#[test]
fn every_meta_node_shows_them() {
    let stack = Stack::joined(2);
    for node in &stack.meta.all {
        wait_for("versions of the data nodes", AT_LAST, || {
            let shown = shown(node);
            let versions: Vec<_> = shown
                .iter()
                .map(|node| node["version"].as_str().unwrap_or_default())
                .collect();
            if versions == ["1.8.11-c1.2.0"; 2] {
                Ok(())
            } else {
                Err(format!("{versions:?}"))
            }
        });
        let first = shown(node).remove(0);
        let expected = serde_json::json!({
            "id": 4, "tcpAddr": stack.tcp(0), "httpAddr": format!("{}:8086", stack.ip(0)),
            "httpScheme": "http", "status": "joined", "version": "1.8.11-c1.2.0",
            "labels": {}, "passive": false,
        });
        assert_eq!(first, expected);
    }
}

#[test]
fn a_wrong_address_says_why_and_changes_nothing() {
    let (stack, other) = (Stack::of(1), Stack::joined(1));
    let before = stack.settled().index;
    let meta = stack.meta.all[0].ip;
    let nobody = stack.tcp(7);
    let cases: [(&str, u16, &str); 7] = [
        ("", 400, "addr is required"),
        ("http://data-1:8088", 400, "has a scheme"),
        (&format!("{meta}:8091"), 500, "it speaks HTTP there"),
        (&format!("{meta}:8089"), 500, "Raft port"),
        (&format!("{}:8086", stack.ip(0)), 500, "connection refused"),
        (&nobody, 500, "connection refused"),
        (&other.tcp(0), 500, "already joined to cluster"),
    ];
    for (addr, status, text) in cases {
        for node in &stack.meta.all {
            let answer = curl(node, addr);
            assert_eq!(answer.status, status, "{addr}: {}", answer.text());
            assert!(error(&answer).contains(text), "{addr}: {}", answer.text());
        }
    }
    assert_eq!(stack.settled().index, before);
    assert_eq!(
        other.data(0).meta_servers().len(),
        3,
        "it belongs where it belonged"
    );
    assert_eq!(
        added(&curl(&stack.meta.all[0], &stack.tcp(0))).1,
        stack.tcp(0)
    );
}

/// The data node asks only the first meta node of its list whether there is a leader.
#[test]
fn while_the_first_meta_node_is_down() {
    let mut stack = Stack::of(1);
    stack.meta.all[0].kill();
    let id = wait_for("an added data node", AT_LAST, || {
        let answer = curl(&stack.meta.all[1], &stack.tcp(0));
        if answer.status == 200 {
            Ok(added(&answer).0)
        } else {
            Err(answer.text())
        }
    });
    assert_eq!(id, 4);
    stack.meta.all[0].start();
    stack.settled();
}

/// The leader dies while it asks the data node to join. The follower that forwarded the request
/// sends it to the next leader.
#[test]
fn the_leader_dies_meanwhile() {
    use crate::harness::data_node::{Behaviour, On};
    use influxdb_meta::wire::data_node::MessageType;

    let mut stack = Stack::of(1);
    let (leader, follower) = (stack.leader(), stack.follower());
    let join = On::Call(MessageType::JoinCluster);
    stack.data(0).set_behaviour(join, Behaviour::Held);
    let answer = std::thread::scope(|scope| {
        let at = &stack.meta.all[follower];
        let addr = stack.tcp(0);
        let asked = scope.spawn(move || curl(at, &addr));
        stack.data(0).wait_heard("JoinCluster", AT_LAST);
        stack.meta.all[leader].signal("KILL");
        stack.data(0).set_behaviour(join, Behaviour::Normal);
        asked.join().expect("no panic")
    });
    assert_eq!(added(&answer), (4, stack.tcp(0)));
    stack.meta.all[leader].kill();
    stack.meta.all[leader].start();
    assert_eq!(stack.settled().data_nodes.len(), 1);
}

#[test]
fn without_a_leader_it_is_not_now() {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_CONSENSUS_TIMEOUT", "1s");
    nodes.start_all();
    nodes.wait_ready();
    let mut stack = Stack::beside(nodes, 1);
    stack.meta.all[1].kill();
    stack.meta.all[2].kill();
    let answer = curl(&stack.meta.all[0], &stack.tcp(0));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(error(&answer).starts_with("no leader"), "{}", answer.text());
    assert_eq!(stack.data(0).heard(), [""; 0]);
}

/// A data node that lost its disk belongs to no cluster, and the catalog still has it.
#[test]
fn one_that_forgot_is_told_again() {
    let mut stack = Stack::joined(2);
    stack.kill_data(1);
    stack.wipe_data(1);
    stack.start_data(1);
    assert!(!stack.data(1).status().is_joined());
    assert_eq!(
        added(&curl(&stack.meta.all[0], &stack.tcp(1))),
        (5, stack.tcp(1))
    );
    stack.settled();
    assert_eq!(
        (stack.data(1).id(), stack.data(1).meta_servers().len()),
        (5, 3)
    );
}
