//! A cluster of containers goes on without an operator: cut off, frozen, killed, moved to other
//! addresses. In each case what was acknowledged is kept, the replicas are equal, and `show` shows
//! one leader and three voters.

use std::net::SocketAddr;

use crate::harness::docker::{Image, Network, SOON, docker};
use crate::harness::wait_for;
use crate::harness::writers::{Acknowledged, Writers, assert_kept};
use crate::nodes::Cluster;

/// Starts writers on these nodes only, and waits for one acknowledged write.
fn writing(on: Vec<SocketAddr>) -> Writers {
    let writers = Writers::start(3, on);
    writers.wait_progress();
    writers
}

/// Ends the writers, and checks that the cluster has what it acknowledged.
#[track_caller]
fn assert_whole(cluster: &Cluster, acknowledged: &[Acknowledged]) {
    cluster.wait_ready();
    assert!(!acknowledged.is_empty());
    assert_kept(acknowledged, &cluster.wait_equal().databases);
    cluster.assert_shown();
}

fn others(cluster: &Cluster, than: usize) -> Vec<SocketAddr> {
    (0..cluster.nodes.len())
        .filter(|n| *n != than)
        .map(|n| cluster.nodes[n].http())
        .collect()
}

#[test]
fn three_containers_found_a_cluster() {
    let Some(image) = Image::here() else { return };
    let cluster = Cluster::formed(&image);
    let acknowledged = writing(cluster.http()).finish();
    assert_whole(&cluster, &acknowledged);
    let data = cluster.wait_equal();
    assert_eq!(
        data.meta_nodes,
        ["meta-1:8091", "meta-2:8091", "meta-3:8091"]
    );
    assert_ne!(data.cluster_id, 0);
}

/// Cuts one node off under load. The others go on; the node says that it has no leader, and comes
/// back.
fn partition(pick: fn(&Cluster) -> usize) {
    let Some(image) = Image::here() else { return };
    let cluster = Cluster::formed(&image);
    let cut = pick(&cluster);
    let writers = writing(others(&cluster, cut));
    cluster.nodes[cut].disconnect(&cluster.network);
    writers.wait_progress();
    // `show` lists the last known members and says that it is not healthy.
    wait_for("exit 1 of show on the node cut off", SOON, || {
        let shown = cluster.nodes[cut]
            .container
            .exec(&["influxd-ctl", "-timeout", "2s", "show"]);
        let known = (1..=3).all(|n| shown.stdout.contains(&format!("meta-{n}:8091")));
        if shown.code == 1 && known {
            Ok(())
        } else {
            Err(format!("{shown:?}"))
        }
    });
    writers.wait_progress();
    cluster.nodes[cut].connect(&cluster.network);
    cluster.nodes[cut].container.wait_ready();
    writers.wait_progress();
    assert_whole(&cluster, &writers.finish());
}

#[test]
fn a_leader_cut_off_is_replaced_and_comes_back() {
    partition(Cluster::leader);
}

#[test]
fn a_follower_cut_off_is_missed_by_nobody_and_comes_back() {
    partition(|cluster| (cluster.leader() + 1) % 3);
}

#[test]
fn a_paused_leader_is_replaced_and_follows_when_it_wakes() {
    let Some(image) = Image::here() else { return };
    let cluster = Cluster::formed(&image);
    let paused = cluster.leader();
    let writers = writing(others(&cluster, paused));
    let name = &cluster.nodes[paused].container.name;
    docker(&["pause", name]);
    writers.wait_progress();
    docker(&["unpause", name]);
    assert_whole(&cluster, &writers.finish());
}

#[test]
fn a_killed_leader_is_replaced_and_comes_back() {
    let Some(image) = Image::here() else { return };
    let cluster = Cluster::formed(&image);
    let rounds = if std::env::var_os("SOAK").is_some() {
        20
    } else {
        2
    };
    for _ in 0..rounds {
        let killed = cluster.leader();
        let writers = writing(others(&cluster, killed));
        let name = &cluster.nodes[killed].container.name;
        docker(&["kill", "-s", "KILL", name]);
        writers.wait_progress();
        let acknowledged = writers.finish();
        docker(&["start", name]);
        // Checked before the next round's writers use the same names again.
        assert_whole(&cluster, &acknowledged);
    }
}

/// All stop and come back under each other's addresses, then all on another network: names are
/// resolved anew.
#[test]
fn all_with_new_addresses() {
    let Some(image) = Image::here() else { return };
    // Made before the cluster, so that it is removed after it.
    let elsewhere = Network::new();
    let cluster = Cluster::formed(&image);
    let acknowledged = writing(cluster.http()).finish();

    let before: Vec<String> = cluster.nodes.iter().map(|n| n.ip()).collect();
    stop_all(&cluster);
    // Addresses are given out in the order of starting.
    for n in [2, 0, 1] {
        docker(&["start", &cluster.nodes[n].container.name]);
    }
    let after: Vec<String> = cluster.nodes.iter().map(|n| n.ip()).collect();
    assert!(
        before.iter().zip(&after).all(|(b, a)| b != a),
        "{before:?} {after:?}"
    );
    assert_whole(&cluster, &acknowledged);

    stop_all(&cluster);
    for node in &cluster.nodes {
        node.disconnect(&cluster.network);
        node.connect(&elsewhere);
        docker(&["start", &node.container.name]);
    }
    let last: Vec<String> = cluster.nodes.iter().map(|n| n.ip()).collect();
    assert!(
        last.iter().all(|ip| !after.contains(ip)),
        "{after:?} {last:?}"
    );
    assert_whole(&cluster, &acknowledged);
}

#[track_caller]
fn stop_all(cluster: &Cluster) {
    for node in &cluster.nodes {
        docker(&["stop", &node.container.name]);
        assert_eq!(
            node.container.inspect("{{.State.ExitCode}}"),
            "0",
            "{}",
            node.container.log()
        );
    }
}
