//! Fresh nodes that know only each other's addresses become one cluster.

use std::time::Duration;

use crate::harness::node::{Nodes, SOON};
use crate::harness::{wait_for, wire};
use crate::rounds;

/// Repeated twenty times: one cluster id, ids 1–3 in list order, three voters, and any node accepts
/// a command.
#[test]
fn three_nodes_found_one_cluster() {
    for round in 0..rounds(20, 200) {
        let nodes = Nodes::formed(3);
        let name = format!("db{round}");
        nodes.all[round % 3]
            .create_database(&name)
            .expect("a command");
        let data = nodes.wait_equal();
        let addresses: Vec<String> = nodes.all.iter().map(|n| n.http().to_string()).collect();
        assert_eq!(data.meta_nodes, addresses, "in list order");
        assert_eq!(data.databases, [name]);
        assert_ne!(data.cluster_id, 0);
    }
}

/// The first election, and a founder that opens a moment after another, are logged without
/// warnings.
#[test]
fn a_clean_start_warns_of_no_member_and_no_leader() {
    let nodes = Nodes::formed(3);
    assert!(
        nodes.logs().contains("event=cluster.no-leader"),
        "nobody saw it: {}",
        nodes.logs()
    );
    for node in &nodes.all {
        let log = node.log();
        let election = log
            .lines()
            .find(|line| line.contains("event=cluster.no-leader"));
        assert!(
            election.is_none_or(|line| line.contains("lvl=info")),
            "{log}"
        );
        let mut opening = log
            .lines()
            .filter(|line| line.contains("Raft is not open here yet"));
        assert!(opening.all(|line| line.contains("lvl=info")), "{log}");
    }
}

/// Any order of starting, with a node missing for a while each time: nothing is founded before all
/// are there.
#[test]
fn every_start_order_founds_and_never_before_all_are_there() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut nodes = Nodes::new(3);
        let [first, second, last] = order;
        nodes.all[first].start();
        nodes.all[first].wait_says(&nodes.all[second].ip.to_string());
        nodes.all[second].start();
        // It has seen the second node and still names the last: two of three found nothing.
        wait_for("only the last missing", SOON, || {
            let health = nodes.all[first].health()?;
            let missing = health["missing"].to_string();
            let only = missing.contains(&format!("{}:", nodes.all[last].ip))
                && !missing.contains(&format!("{}:", nodes.all[second].ip));
            if only {
                Ok(())
            } else {
                Err(health.to_string())
            }
        });
        let status = nodes.all[first].get("/status").expect("status").json();
        assert_eq!(status["leader"], "", "{status}");
        nodes.all[last].start();
        nodes.wait_ready();
        nodes.wait_equal();
    }
}

/// Lists are sets of addresses: order, case, ports, duplicates and blanks do not matter.
#[test]
fn spellings_of_one_list_agree() {
    let mut nodes = Nodes::new(3);
    let [a, b, c] = [0, 1, 2].map(|n| nodes.all[n].ip.to_string());
    nodes.all[0].set("INFLUXDB_META_PEERS", &format!("{c}, {a}:8091 ,{b},,{a}"));
    nodes.all[1].set("INFLUXDB_META_PEERS", &format!("{b}:8091,{a},{c}"));
    nodes.start_all();
    nodes.wait_ready();
}

/// A node with a list of one founds alone, and so does one with the setting that is equivalent to
/// `-single-server`.
#[test]
fn one_node_founds_alone() {
    let mut listed = Nodes::formed(1);
    let mut expected = Nodes::new(1);
    expected.all[0].env.remove("INFLUXDB_META_PEERS");
    expected.set("INFLUXDB_META_BOOTSTRAP_EXPECT", "1");
    expected.start_all();
    expected.wait_ready();
    for nodes in [&mut listed, &mut expected] {
        let index = nodes.all[0].create_database("db").expect("a command");
        nodes.all[0].kill();
        nodes.all[0].start();
        nodes.wait_ready();
        let data = nodes.wait_equal();
        assert!(data.index >= index && data.databases == ["db"], "{data:?}");
    }
}

/// Without peers a node waits for an operator: it answers HTTP, and founds nothing.
#[test]
fn a_node_without_peers_waits() {
    let mut nodes = Nodes::new(1);
    nodes.all[0].env.remove("INFLUXDB_META_PEERS");
    nodes.start_all();
    nodes.all[0].wait_says("set INFLUXDB_META_PEERS");
    let status = nodes.all[0].get("/status").expect("status");
    assert_eq!(
        (status.status, status.json()["leader"].as_str()),
        (200, Some(""))
    );
    let ready = nodes.all[0].get("/readyz").expect("readyz");
    assert_eq!(ready.status, 503, "{}", ready.text());
    let command = nodes.all[0]
        .post("/execute", &wire::create_database("db"))
        .expect("execute");
    assert_eq!(command.status, 503, "{}", command.text());
    assert!(command.json()["error"].is_string());
    let (code, took) = nodes.all[0].terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
}
