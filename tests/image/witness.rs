//! A member that is cut off from the leader alone: a member that hears it vouches for it, and no
//! newcomer takes its place.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::ctl::meta_nodes;
use crate::harness::docker::{Image, Network, SOON, Volume, docker};
use crate::harness::writers::{Writers, assert_kept};
use crate::harness::{http, wait_for};
use crate::nodes::{Cluster, Node};

/// The leader and the member share no network, the third node is on both. An empty volume starts
/// under the member's name where the leader resolves that name.
#[test]
fn a_member_that_the_third_hears_is_not_replaced_and_one_that_nobody_hears_is() {
    let Some(image) = Image::here() else { return };
    // Made before the cluster, so that they are removed after it.
    let (elsewhere, volumes) = (Network::new(), [Volume::new(), Volume::new()]);
    let cluster = Cluster::formed(&image);
    let leader = cluster.leader();
    let (old, third) = (
        &cluster.nodes[(leader + 1) % 3],
        &cluster.nodes[(leader + 2) % 3],
    );
    let raft_id = health(old).expect("healthz")["raft_id"].clone();
    let ids = shown(third);
    third.connect(&elsewhere);
    old.disconnect(&cluster.network);
    old.connect(&elsewhere);

    let newcomer = empty(&image, &cluster, &old.alias, &volumes[0]);
    wait_for("word against the newcomer", SOON, || {
        let text = health(&newcomer)?.to_string();
        if text.contains("is still in use by a live member") {
            Ok(())
        } else {
            Err(text)
        }
    });
    let writers = Writers::start(2, vec![cluster.nodes[leader].http(), third.http()]);
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        writers.wait_progress();
        assert_eq!(health(&newcomer).expect("healthz")["phase"], "fresh");
        assert!(
            voters(third).contains(&raft_id),
            "{}",
            health(third).expect("healthz")
        );
    }

    // The cut heals: it is still the same member.
    drop(newcomer);
    old.disconnect(&elsewhere);
    old.connect(&cluster.network);
    cluster.wait_ready();
    writers.wait_progress();
    assert_kept(&writers.finish(), &cluster.wait_equal().databases);
    assert_eq!(health(old).expect("healthz")["raft_id"], raft_id);
    assert_eq!(shown(third), ids);

    // When no member hears it any more, the next newcomer takes its place, under its node id.
    docker(&["kill", &old.container.name]);
    let newcomer = empty(&image, &cluster, &old.alias, &volumes[1]);
    newcomer.container.wait_ready();
    wait_for("vote of the newcomer", SOON, || {
        match http::get(newcomer.http(), "/readyz?voter")? {
            ready if ready.status == 200 => Ok(()),
            refused => Err(refused.text()),
        }
    });
    assert_eq!(shown(third), ids);
    assert!(
        !voters(third).contains(&raft_id),
        "{}",
        health(third).expect("healthz")
    );
}

/// Several times longer than a member must be silent to be gone, and than a newcomer takes to ask
/// again.
const LONG: Duration = Duration::from_secs(10);

fn empty(image: &Image, cluster: &Cluster, alias: &str, volume: &Volume) -> Node {
    let peers = ["INFLUXDB_META_PEERS=meta-1,meta-2,meta-3"];
    Node::on_volume(image, &cluster.network, alias, volume, &peers)
}

fn health(of: &Node) -> Result<Value, String> {
    http::get(of.http(), "/healthz").map(|answer| answer.json())
}

#[track_caller]
fn voters(at: &Node) -> Vec<Value> {
    let voters = health(at).expect("healthz")["raft_state"]["voters"].clone();
    voters.as_array().cloned().unwrap_or_default()
}

/// Address → node id.
#[track_caller]
fn shown(at: &Node) -> Vec<(String, u64)> {
    let shown = at.container.exec(&["influxd-ctl", "show"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    meta_nodes(&shown.stdout)
        .into_iter()
        .map(|(at, (id, _))| (at, id))
        .collect()
}
