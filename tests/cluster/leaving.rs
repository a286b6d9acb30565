//! Operators remove nodes and bring them back, with the commands as they type them.

use crate::harness::node::Nodes;
use crate::harness::writers::{Writers, assert_kept};

/// 3 → 5 → 3 nodes under load; one leaves by itself, one is removed at another node.
#[test]
fn three_five_three_under_load() {
    let mut nodes = Nodes::formed(3);
    let writers = Writers::start(2, nodes.all.iter().map(|n| n.http()).collect());
    let (four, five) = (nodes.add(), nodes.add());
    nodes.all[four].start();
    nodes.all[five].start();
    nodes.wait_voters(&[0, 1, 2, four, five]);
    let left = nodes.all[0].ctl_done(&["leave", "-y"]);
    let name = nodes.all[0].http().to_string();
    assert!(left.contains("Successfully left cluster"), "{left}");
    assert!(
        left.contains(&format!("Removed meta node {name} from cluster")),
        "{left}"
    );
    writers.wait_progress();
    let name = nodes.all[four].http().to_string();
    let removed = nodes.all[1].ctl_done(&["remove-meta", "-y", &name]);
    assert_eq!(removed, format!("Removed meta node at {name}\n"));
    writers.wait_progress();
    nodes.wait_voters(&[1, 2, five]);
    let acknowledged = writers.finish();
    nodes.all[0].kill();
    nodes.all[four].kill();
    assert_kept(&acknowledged, &nodes.wait_equal().databases);
}

/// The removed leader knows that it was removed, and stays out. It says how to return, and that
/// works.
#[test]
fn the_leader_is_removed_stays_out_and_is_brought_back() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("before").expect("a command");
    let ids = nodes.wait_voters(&[0, 1, 2]);
    let gone = nodes.leader();
    let rest: Vec<usize> = (0..3).filter(|n| *n != gone).collect();
    let name = nodes.all[gone].http().to_string();
    nodes.all[rest[0]].ctl_done(&["remove-meta", "-y", &name]);
    nodes.wait_voters(&rest);
    for _ in 0..2 {
        nodes.all[gone].wait_says("this node was removed from its cluster by remove-meta at ");
        assert_eq!(
            nodes.all[gone].health().expect("healthz")["phase"],
            "removed"
        );
        assert_eq!(nodes.all[gone].get("/readyz").expect("readyz").status, 503);
        assert_eq!(nodes.all[gone].get("/livez").expect("livez").status, 200);
        let shown = nodes.all[gone].ctl(&["-timeout", "1s", "show"]);
        assert!(
            shown.code == 1 && shown.stderr.contains("add-meta"),
            "{shown:?}"
        );
        nodes.all[gone].kill();
        nodes.all[rest[0]].goes_on("without it");
        nodes.all[gone].start();
    }
    nodes.wait_voters(&rest);
    nodes.all[rest[1]].ctl_done(&["add-meta", &name]);
    let back = nodes.wait_voters(&[0, 1, 2]);
    assert_eq!((back[rest[0]], back[rest[1]]), (ids[rest[0]], ids[rest[1]]));
    let mut databases = nodes.wait_equal().databases;
    databases.sort();
    assert_eq!(databases, ["before", "without it"]);
}

/// A dead node is removed by force, and learns of it when it is back.
#[test]
fn a_dead_node_is_removed_by_force() {
    let mut nodes = Nodes::formed(3);
    let dead = (nodes.leader() + 1) % 3;
    let rest: Vec<usize> = (0..3).filter(|n| *n != dead).collect();
    let (http, raft) = (
        nodes.all[dead].http().to_string(),
        format!("{}:8089", nodes.all[dead].ip),
    );
    nodes.all[dead].kill();
    let asked = nodes.all[rest[0]].ctl(&["-timeout", "1s", "remove-meta", "-y", &http]);
    assert_eq!(asked.code, 1, "it cannot take itself out: {asked:?}");
    assert!(asked.stderr.contains("-force -tcpAddr"), "{asked:?}");
    let removed =
        nodes.all[rest[0]].ctl_done(&["remove-meta", "-force", "-tcpAddr", &raft, "-y", &http]);
    assert_eq!(removed, format!("Removed meta node at {http}\n"));
    nodes.wait_voters(&rest);
    nodes.all[dead].start();
    nodes.all[dead].wait_says("add-meta");
    assert_eq!(
        nodes.all[dead].health().expect("healthz")["phase"],
        "removed"
    );
    nodes.wait_voters(&rest);
}

/// With one of three members down, even just now, a healthy one may not go: one of two is no
/// majority.
#[test]
fn what_would_stop_the_cluster_is_refused() {
    let mut nodes = Nodes::formed(3);
    let leader = nodes.leader();
    let (dead, well) = ((leader + 1) % 3, (leader + 2) % 3);
    nodes.all[dead].kill();
    let refused = nodes.all[well].ctl(&["leave", "-y"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("no majority"), "{refused:?}");
    nodes.all[well].goes_on("goes on");
}

/// Down to one node, which may not leave and goes on alone; then up again with the nodes that left.
#[test]
fn all_but_the_last_leave_and_come_back() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("kept").expect("a command");
    for n in [0, 2] {
        nodes.all[n].ctl_done(&["leave", "-y"]);
    }
    nodes.wait_voters(&[1]);
    let refused = nodes.all[1].ctl(&["leave", "-y"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("last voter cannot leave"),
        "{refused:?}"
    );
    nodes.all[1].kill();
    nodes.all[1].start();
    nodes.all[1].goes_on("alone");
    for n in [0, 2] {
        nodes.all[1].ctl_done(&["add-meta", &nodes.all[n].http().to_string()]);
    }
    nodes.wait_voters(&[0, 1, 2]);
    assert_eq!(nodes.wait_equal().databases, ["kept", "alone"]);
}

/// A removed node shows who ordered it and how, whatever tool asked: the host and the command of
/// `influxd-ctl`, otherwise the request, and the address that it came from.
#[test]
fn a_removed_node_names_who_ordered_it() {
    let nodes = Nodes::formed(3);
    let here = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let address = |n: usize| nodes.all[n].http().to_string();
    // Another host's influxd-ctl asks the node itself, without a body.
    let left = nodes.all[1].post("/leave", b"").expect("an answer");
    assert_eq!(left.status, 204, "{}", left.text());
    let by = format!("POST /leave at {} by 127.0.0.1", address(1));
    nodes.all[1].wait_says(&format!("this node was removed from its cluster by {by}"));
    nodes.all[0].ctl_done(&["add-meta", &address(1)]);
    nodes.wait_voters(&[0, 1, 2]);
    nodes.all[0].ctl_done(&["remove-meta", "-y", &address(1)]);
    let by = format!("remove-meta at {here} by 127.0.0.1");
    nodes.all[1].wait_says(&format!("this node was removed from its cluster by {by}"));
    nodes.all[0].ctl_done(&["add-meta", &address(1)]);
    nodes.wait_voters(&[0, 1, 2]);
    let (raft, name) = (format!("{}:8089", nodes.all[1].ip), address(1));
    nodes.all[0].ctl_done(&["remove-meta", "-y", "-force", "-tcpAddr", &raft, &name]);
    let by = format!("remove-meta -force at {here} by 127.0.0.1");
    nodes.all[1].wait_says(&format!("this node was removed from its cluster by {by}"));
}
