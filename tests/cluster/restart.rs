//! A node with data waits for no other node, and comes back as what it was.

use crate::harness::node::Nodes;
use crate::harness::writers::{Writers, assert_kept};

#[test]
fn each_node_restarts() {
    let mut nodes = Nodes::formed(3);
    for n in 0..3 {
        nodes.all[n]
            .create_database(&format!("before-{n}"))
            .expect("a command");
        let (code, took) = nodes.all[n].terminate();
        assert_eq!(code, Some(0));
        assert!(took.as_secs() < 5, "{took:?}");
        nodes.all[(n + 1) % 3].goes_on(&format!("without-{n}"));
        nodes.all[n].start();
        nodes.wait_ready();
    }
    let data = nodes.wait_equal();
    assert_eq!(data.databases.len(), 6, "{data:?}");
}

#[test]
fn all_restart_and_two_of_three_are_enough() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("db").expect("a command");
    let cluster = nodes.wait_equal().cluster_id;
    nodes.all.iter_mut().for_each(|n| n.kill());
    nodes.all[0].start();
    nodes.all[2].start();
    nodes.wait_ready();
    let data = nodes.wait_equal();
    assert_eq!(
        (data.cluster_id, data.databases.as_slice()),
        (cluster, ["db".to_owned()].as_slice())
    );
    nodes.all[1].start();
    nodes.wait_ready();
    nodes.wait_equal();
}

/// SIGTERM to all at once: no node waits for a successor that also stops.
#[test]
fn all_stop_at_once_in_time() {
    let mut nodes = Nodes::formed(3);
    for node in &nodes.all {
        node.signal("TERM");
    }
    for node in &mut nodes.all {
        assert_eq!(node.wait_exit(crate::harness::node::SOON), Some(0));
    }
}

/// SIGTERM of the leader under load: leadership is transferred, and nothing acknowledged is lost.
#[test]
fn sigterm_of_the_leader_under_load() {
    let mut nodes = Nodes::formed(3);
    let writers = Writers::start(4, nodes.all.iter().map(|n| n.http()).collect());
    for _ in 0..3 {
        writers.wait_progress();
        let leader = nodes.leader();
        assert_eq!(nodes.all[leader].terminate().0, Some(0));
        writers.wait_progress();
        nodes.all[leader].start();
        nodes.wait_ready();
    }
    let acknowledged = writers.finish();
    assert_kept(&acknowledged, &nodes.wait_equal().databases);
}

/// A second process on one directory is refused and harms nothing.
#[test]
fn a_second_process_on_one_directory_is_refused() {
    let nodes = Nodes::formed(1);
    let mut second = Nodes::new(1);
    second.all[0].set(
        "INFLUXDB_META_DIR",
        nodes.all[0]
            .data_dir()
            .parent()
            .and_then(|d| d.to_str())
            .expect("dir"),
    );
    second.all[0].start();
    assert_eq!(
        second.all[0].wait_exit(crate::harness::node::SOON),
        Some(73),
        "{}",
        second.all[0].log()
    );
    nodes.all[0]
        .create_database("db")
        .expect("the first goes on");
}
