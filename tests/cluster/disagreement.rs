//! Nodes that must not form a cluster, or not a common one: each says why and stays up.

use crate::harness::node::{Nodes, SOON};
use crate::harness::wait_for;

#[test]
fn lists_that_differ_block_and_both_are_printed() {
    let mut nodes = Nodes::new(3);
    let [a, b, _] = [0, 1, 2].map(|n| nodes.all[n].ip.to_string());
    nodes.all[0].set("INFLUXDB_META_PEERS", &format!("{a},{b}"));
    nodes.start_all();
    nodes.all[1].wait_says("blocked");
    nodes.all[1].wait_says(&format!("{a}:8091,{b}:8091 at {a}:8091"));
    for node in &nodes.all {
        assert_eq!(node.get("/status").expect("status").json()["leader"], "");
    }
    // The cure is the one that the message names: the same list everywhere.
    let list = nodes.all[1].env["INFLUXDB_META_PEERS"].clone();
    nodes.all[0].kill();
    nodes.all[0].set("INFLUXDB_META_PEERS", &list);
    nodes.all[0].start();
    nodes.wait_ready();
}

#[test]
fn another_cluster_name_blocks() {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_CLUSTER_NAME", "prod");
    nodes.all[2].set("INFLUXDB_META_CLUSTER_NAME", "test");
    nodes.start_all();
    nodes.all[0].wait_says("blocked");
    nodes.all[0].wait_says("test");
    nodes.all[2].wait_says("prod");
}

#[test]
fn a_wrong_secret_blocks_and_is_no_vote_for_anything() {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_INTERNAL_SHARED_SECRET", "a long passphrase");
    nodes.all[1].set("INFLUXDB_META_INTERNAL_SHARED_SECRET", "another passphrase");
    nodes.start_all();
    nodes.all[0].wait_says("secret");
    assert_eq!(
        nodes.all[0].get("/status").expect("status").json()["leader"],
        ""
    );
    nodes.all[1].kill();
    nodes.all[1].set("INFLUXDB_META_INTERNAL_SHARED_SECRET", "a long passphrase");
    nodes.all[1].start();
    nodes.wait_ready();
}

/// Two formed clusters among the peers of a fresh node: it names both and never chooses.
#[test]
fn two_clusters_among_the_peers_block() {
    let one = Nodes::formed(1);
    let other = Nodes::formed(1);
    let mut nodes = Nodes::new(1);
    let (a, b, me) = (one.all[0].ip, other.all[0].ip, nodes.all[0].ip);
    nodes.set("INFLUXDB_META_PEERS", &format!("{a},{b},{me}"));
    nodes.start_all();
    nodes.all[0].wait_says("blocked");
    nodes.all[0].wait_says(&a.to_string());
    nodes.all[0].wait_says(&b.to_string());
    one.all[0]
        .create_database("still-works")
        .expect("members do not care");
}

/// Two nodes behind one name, as with two stacks on one network: no cluster is founded with one of
/// them by chance.
#[test]
fn two_nodes_behind_one_name_block() {
    let mut nodes = Nodes::new(4);
    let ips: Vec<String> = nodes.all.iter().map(|n| n.ip.to_string()).collect();
    nodes.set("INFLUXDB_META_PEERS", "meta-1,meta-2,meta-3");
    // Each container sees itself under its own name; only the others see both.
    let lines = |third: &[&String]| {
        let mut hosts = format!("{} meta-1\n{} meta-2\n", ips[0], ips[1]);
        third
            .iter()
            .for_each(|ip| hosts.push_str(&format!("{ip} meta-3\n")));
        hosts
    };
    let both = lines(&[&ips[2], &ips[3]]);
    nodes.all[0].hosts = Some(both.clone());
    nodes.all[1].hosts = Some(both);
    nodes.all[2].hosts = Some(lines(&[&ips[2]]));
    nodes.all[3].hosts = Some(lines(&[&ips[3]]));
    for (node, name) in nodes
        .all
        .iter_mut()
        .zip(["meta-1", "meta-2", "meta-3", "meta-3"])
    {
        node.set("INFLUXDB_HOSTNAME", name);
    }
    nodes.start_all();
    nodes.all[0].wait_says("two nodes answer to meta-3");
    nodes.all[0].wait_says("INFLUXDB_META_CLUSTER_NAME");
    assert_eq!(
        nodes.all[0].get("/status").expect("status").json()["leader"],
        ""
    );
    // One of the two would have to be gone for a minute before it is forgotten, so only the block
    // is checked here.
}

/// For an entry with the Raft port the message says which port to use.
#[test]
fn an_entry_with_the_raft_port_says_so() {
    let mut nodes = Nodes::new(2);
    let [a, b] = [0, 1].map(|n| nodes.all[n].ip.to_string());
    nodes.set("INFLUXDB_META_PEERS", &format!("{a}:8091,{b}:8089"));
    nodes.start_all();
    nodes.all[0].wait_says("8091");
    nodes.all[0].wait_says("Raft port");
}

/// A wiped volume whose cluster lives: it sees the cluster, founds nothing, and says that it would
/// have to join.
#[test]
fn a_wiped_node_founds_nothing() {
    let mut nodes = Nodes::formed(3);
    let before = nodes.wait_equal();
    for n in [1, 2] {
        nodes.all[n].kill();
        nodes.all[n].wipe();
        nodes.all[n].start();
    }
    for n in [1, 2] {
        nodes.all[n].wait_says("join");
        assert_eq!(nodes.all[n].get("/readyz").expect("readyz").status, 503);
        assert_eq!(nodes.all[n].get("/?index=0").expect("watch").status, 503);
    }
    // The third node has the data, alone: no leader, nothing acknowledged, and no new cluster
    // without it.
    wait_for(
        "a leader that notices that it is alone",
        SOON,
        || match nodes.all[0].get("/readyz")? {
            refused if refused.status == 503 => Ok(()),
            ready => Err(ready.text()),
        },
    );
    assert_eq!(
        nodes.all[0].get("/show-cluster").expect("show").json()["meta"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    let kept = crate::harness::wire::data(&nodes.all[0].get("/?index=0").expect("watch").body);
    assert_eq!(kept.cluster_id, before.cluster_id);
}
