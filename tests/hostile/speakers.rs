//! Callers without a proof, with an old one, and forged words about who a request is for.

mod stranger;

use std::net::SocketAddr;

use influxdb_meta::wire::frames::{RefusedFrame, Replica};
use serde_json::Value;

use self::stranger::{knock, replica};
use crate::harness::node::{AT_LAST, Nodes, SOON};
use crate::harness::wait_for;
use crate::harness::writers::{Writers, assert_kept};

const SECRET: &str = "a secret of more than sixteen bytes";
const SECRET_KEY: &str = "INFLUXDB_META_INTERNAL_SHARED_SECRET";
const AUTH_KEY: &str = "INFLUXDB_META_AUTH_ENABLED";

/// Restarts one node after the other with a changed environment, under load. Waits until each is
/// ready before the next.
#[track_caller]
fn roll(nodes: &mut Nodes, key: &str, value: Option<&str>) {
    for node in &mut nodes.all {
        node.terminate();
        match value {
            Some(value) => node.set(key, value),
            None => drop(node.env.remove(key)),
        }
        node.start();
        node.wait_ready();
    }
}

/// What every node says of the proofs that it asks for.
#[track_caller]
fn wait_proofs(nodes: &Nodes, word: &str) {
    wait_for(&format!("proofs {word}"), AT_LAST, || {
        for node in &nodes.all {
            let health = node.health()?;
            if health["peer_proofs"] != word {
                return Err(format!("{}: {health}", node.ip));
            }
        }
        Ok(())
    });
}

fn term(health: &Value) -> u64 {
    health["raft_state"]["term"].as_u64().expect("a term")
}

fn raft_ports(nodes: &Nodes) -> Vec<SocketAddr> {
    let at = |node: &crate::harness::node::Node| SocketAddr::from((node.ip, 8089));
    nodes.all.iter().map(at).collect()
}

/// Tries to be a member at each node, and returns the refusals.
#[track_caller]
fn knock_everywhere(nodes: &Nodes, replicas: &[Replica]) -> Vec<Option<RefusedFrame>> {
    let (first, others) = (replicas[0], &replicas[1..]);
    let ports = raft_ports(nodes);
    let one = |(at, receiver): (&SocketAddr, &Replica)| {
        let sender = if *receiver == first { others[0] } else { first };
        knock(*at, (1, 9), sender, *receiver).1.refusal()
    };
    ports.iter().zip(replicas).map(one).collect()
}

/// A cluster that was founded without a secret gets one node by node, under load, and then checks
/// its callers. A stranger on 8089 is let in before, as the manual says, and by nobody after.
#[test]
fn a_secret_that_comes_later_shuts_strangers_out_of_8089() {
    let mut nodes = Nodes::formed(3);
    let replicas: Vec<Replica> = nodes.all.iter().map(replica).collect();
    assert_eq!(knock_everywhere(&nodes, &replicas), [None; 3]);

    let writers = Writers::start(2, nodes.all.iter().map(|node| node.http()).collect());
    writers.wait_progress();
    let before = term(&nodes.all[0].health().expect("health"));
    for number in 0..3 {
        if number == 1 {
            // Neither half of the cluster refuses the other, and nobody requires anything yet.
            nodes.all[0].wait_says("internal-shared-secret is set here and not on all meta nodes");
            assert_eq!(
                nodes.all[0].health().expect("health")["peer_proofs"],
                "wanted"
            );
            assert_eq!(
                nodes.all[1].health().expect("health")["peer_proofs"],
                "open"
            );
        }
        let node = &mut nodes.all[number];
        node.terminate();
        node.set(SECRET_KEY, SECRET);
        node.start();
        node.wait_ready();
        writers.wait_progress();
    }
    wait_proofs(&nodes, "required");
    let shown = nodes.all[0].ctl_done(&["show", "-v"]);
    assert!(shown.contains("required"), "{shown}");
    let missing = Some(RefusedFrame::MissingSecret);
    assert_eq!(knock_everywhere(&nodes, &replicas), [missing; 3]);

    // The writers have no credentials, and end before callers are checked.
    writers.wait_progress();
    let acknowledged = writers.finish();
    assert_kept(&acknowledged, &nodes.wait_equal().databases);
    let after = term(&nodes.all[0].health().expect("health"));
    // Each of three restarts may move the leadership once, and once more by chance.
    assert!(after <= before + 6, "terms {before} to {after}");

    roll(&mut nodes, AUTH_KEY, Some("true"));
    assert_eq!(knock_everywhere(&nodes, &replicas), [missing; 3]);
    for node in &nodes.all {
        let refused = node
            .post("/cluster/identity", &identity_of_nobody())
            .expect("an answer");
        assert_eq!(refused.status, 401, "{}", refused.text());
    }
}

/// With `auth-enabled` a node refuses at once, also while the others have no secret to show yet.
/// A connection that a stranger had before ends with the requirement.
#[test]
fn the_connection_of_a_stranger_ends_when_proofs_are_required() {
    let mut nodes = Nodes::formed(3);
    let replicas: Vec<Replica> = nodes.all.iter().map(replica).collect();
    let ports = raft_ports(&nodes);
    for number in [0, 1] {
        let node = &mut nodes.all[number];
        node.terminate();
        node.set(SECRET_KEY, SECRET);
        node.start();
        node.wait_ready();
    }
    nodes.leader();
    let (_, verdict) = knock(ports[0], (1, 9), replicas[2], replicas[0]);
    let stranger::Verdict::Accepted(mut stranger) = verdict else {
        panic!("refused while the secret is being brought in")
    };
    assert!(!stranger.is_closed(), "nothing is required yet");
    let node = &mut nodes.all[2];
    node.terminate();
    node.set(SECRET_KEY, SECRET);
    node.start();
    wait_proofs(&nodes, "required");
    wait_for("end of the stranger's connection", SOON, || {
        stranger
            .is_closed()
            .then_some(())
            .ok_or_else(|| "open".to_owned())
    });

    // A member that loses the secret is out, says why, and is not heard. The others go on.
    let node = &mut nodes.all[2];
    node.terminate();
    node.env.remove(SECRET_KEY);
    node.start();
    node.wait_says("it requires internal-shared-secret and this node has none");
    node.wait_says("\"peer_proofs\":\"no-secret\"");
    nodes.all[0].goes_on("without-the-third");
    let node = &mut nodes.all[2];
    node.terminate();
    node.set(SECRET_KEY, SECRET);
    node.start();
    nodes.wait_ready();
}

fn identity_of_nobody() -> Vec<u8> {
    let text = r#"{"protocol":1,"version":"v","feature_level":4,"incarnation":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
        "http":"198.51.100.9:8091","raft":"198.51.100.9:8089","phase":"fresh","cluster_name":"",
        "leader_known":false,"with_secret":true}"#;
    text.as_bytes().to_vec()
}
