//! `influxd-ctl health`: one word and an exit code for the whole cluster.

use crate::harness::node::{Nodes, SOON};
use crate::harness::wait_for;

/// The word and the exit code say how many of three nodes are left.
#[test]
fn health_follows_the_cluster_down_and_up() {
    let mut nodes = Nodes::formed(3);
    let asked = nodes.leader();
    let others: Vec<usize> = (0..3).filter(|n| *n != asked).collect();
    let healthy = nodes.all[asked].ctl(&["health", "-wait", "-timeout", "60s"]);
    assert_eq!((healthy.stdout.as_str(), healthy.code), ("healthy\n", 0));
    assert_eq!(healthy.stderr, "");

    nodes.all[others[0]].kill();
    let address = nodes.all[others[0]].http();
    let degraded = nodes.all[asked].ctl(&["health"]);
    assert_eq!((degraded.stdout.as_str(), degraded.code), ("degraded\n", 1));
    let why = format!("health: meta node {address} is unreachable: connection refused\n");
    assert_eq!(degraded.stderr, why);

    nodes.all[others[1]].kill();
    wait_for("the word unavailable", SOON, || {
        let said = nodes.all[asked].ctl(&["health", "-format", "json"]);
        match (
            said.stdout.contains("\"status\": \"unavailable\""),
            said.code,
        ) {
            (true, 2) => Ok(()),
            _ => Err(format!("{said:?}")),
        }
    });

    for n in others {
        nodes.all[n].start();
    }
    let healthy = nodes.all[asked].ctl(&["health", "-wait", "-timeout", "60s"]);
    assert_eq!((healthy.stdout.as_str(), healthy.code), ("healthy\n", 0));
}
