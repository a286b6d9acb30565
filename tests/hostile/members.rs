//! Faults of one member that every other node must show to alerts.

use std::fs;

use crate::harness::node::{AT_LAST, Node, Nodes};
use crate::harness::wait_for;

/// Each node knows from its polls that another one is halted or gone, not only the leader.
#[test]
fn a_halted_member_is_seen_at_every_other_node() {
    let mut nodes = Nodes::formed(3);
    for n in 0..3 {
        waits_for_line(&nodes.all[n], "other_members{state=\"well\"} 2");
        waits_for_line(&nodes.all[n], "alarm{kind=\"halted-member\"} 0");
    }
    let lost = (nodes.leader() + 1) % 3;
    nodes.all[lost].kill();
    fs::remove_dir_all(nodes.all[lost].data_dir().join("wal")).expect("the log");
    nodes.all[lost].start();
    let others: Vec<usize> = (0..3).filter(|n| *n != lost).collect();
    for n in &others {
        let node = &nodes.all[*n];
        waits_for_line(node, "alarm{kind=\"halted-member\"} 1");
        waits_for_line(node, "other_members{state=\"halted\"} 1");
        node.wait_says(&format!("halted: {}", nodes.all[lost].http()));
        let shown = node.ctl(&["show", "-v"]).stderr;
        assert!(shown.contains("warning: halted: "), "{shown}");
    }
    waits_for_line(&nodes.all[lost], "doing{doing=\"halted\"} 1");

    nodes.all[lost].kill();
    for n in &others {
        waits_for_line(&nodes.all[*n], "other_members{state=\"absent\"} 1");
        waits_for_line(&nodes.all[*n], "alarm{kind=\"halted-member\"} 0");
    }
}

/// A listed address that answers as a part of another cluster of the same name.
#[test]
fn a_second_cluster_under_one_name_is_seen_on_both_sides() {
    let mut nodes = Nodes::formed(3);
    let apart = (nodes.leader() + 1) % 3;
    // While the others answer, it would join them.
    nodes.all.iter_mut().for_each(Node::kill);
    nodes.all[apart].wipe();
    nodes.all[apart].env.remove("INFLUXDB_META_PEERS");
    nodes.all[apart].flags.push("-single-server".to_owned());
    nodes.all[apart].start();
    nodes.wait_ready();
    for n in (0..3).filter(|n| *n != apart) {
        nodes.all[n].start();
    }
    for n in 0..3 {
        waits_for_line(&nodes.all[n], "alarm{kind=\"two-clusters\"} 1");
        nodes.all[n].wait_says("two clusters: ");
    }
    nodes.all[apart].kill();
    let others = (0..3).filter(|n| *n != apart);
    others.for_each(|n| waits_for_line(&nodes.all[n], "alarm{kind=\"two-clusters\"} 0"));
}

/// Waits for a line of `/metrics`, without the prefix of all names.
#[track_caller]
fn waits_for_line(node: &Node, line: &str) {
    let line = format!("influxdb_meta_{line}");
    wait_for(&format!("{line} at {}", node.ip), AT_LAST, || {
        let text = node.get("/metrics")?.text();
        let found = text.lines().any(|of_text| of_text == line);
        found.then_some(()).ok_or(text)
    });
}
