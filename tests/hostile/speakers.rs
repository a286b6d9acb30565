//! Callers without a proof, with an old one, and forged words about who a request is for.

mod stranger;

use std::net::SocketAddr;

use influxdb_meta::auth::PeerKeys;
use influxdb_meta::auth::fresh::{parse_challenge, prove_request};
use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::wire::frames::{RefusedFrame, Replica};
use influxdb_meta::wire::headers::CHALLENGE;
use influxdb_meta::wire::identity::{Identity, Starts};
use influxdb_meta::wire::joining::{INVITE, Invite};
use serde_json::Value;

use self::stranger::{knock, replica};
use crate::harness::node::{AT_LAST, Node, Nodes, SOON};
use crate::harness::writers::{Writers, assert_kept};
use crate::harness::{http, wait_for};

const SECRET: &str = "a secret of more than sixteen bytes";
const SECRET_KEY: &str = "INFLUXDB_META_INTERNAL_SHARED_SECRET";
const OLD_SECRET_KEY: &str = "INFLUXDB_META_INTERNAL_SHARED_SECRET_OLD";
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

/// Proofs that every node says it requires.
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
    let at = |node: &Node| SocketAddr::from((node.ip, 8089));
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
    for (at, receiver) in raft_ports(&nodes).iter().zip(&replicas) {
        // Nothing is said of the node before the proof, in the version that says it nothing at all.
        let (challenge, _) = knock(*at, (1, 9), replicas[0], *receiver);
        let challenge = challenge.expect("a nonce");
        assert_eq!((challenge.callee, challenge.proof), (None, None));
        assert_eq!(challenge.starts, Starts::default());
        let (challenge, verdict) = knock(*at, (1, 1), replicas[0], *receiver);
        assert_eq!(challenge, None);
        assert_eq!(verdict.refusal(), Some(RefusedFrame::Version));
    }

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

/// Posts a body with this proof, as the bytes of a recording, and returns the status and the
/// challenge.
#[track_caller]
fn post_proven(node: &Node, path: &str, proof: &str, body: &[u8]) -> (u16, Option<[u8; 16]>) {
    let headers = format!("Host: {}\r\nInfluxd-Meta-Proof: {proof}\r\n", node.http());
    let answer = http::request_with(node.http(), "POST", path, &headers, body, SOON);
    let answer = answer.expect("an answer");
    let challenge = answer.header(CHALLENGE).and_then(parse_challenge);
    (answer.status, challenge)
}

#[track_caller]
fn identity(node: &Node) -> Identity {
    let response = node.get("/cluster/identity").expect("an answer");
    Identity::decode(&response.body).expect("an identity")
}

/// A node was added and removed. Whoever recorded its invitation sends the bytes again: it stays
/// out, also after a restart, until a person adds it again.
#[test]
fn a_recorded_invitation_does_not_bring_a_removed_node_back() {
    let mut nodes = Nodes::without_peers(2);
    nodes.set(SECRET_KEY, SECRET);
    nodes.all[0].flags.push("-single-server".to_owned());
    nodes.start_all();
    nodes.all[0].wait_ready();
    nodes.all[1].wait_says("\"phase\":\"fresh\"");
    let (inviting, invited) = (identity(&nodes.all[0]), identity(&nodes.all[1]));
    let invite = Invite {
        from: inviting.incarnation,
        to: invited.incarnation,
        cluster_id: inviting.cluster_id.expect("founded"),
        cluster_name: inviting.cluster_name,
        members: vec![inviting.http],
    };
    let body = serde_json::to_vec(&invite).expect("encodes");
    let (status, challenge) = post_proven(&nodes.all[1], INVITE, "none", &body);
    assert_eq!(status, 401);
    let challenges = [challenge.expect("its challenge")];
    let keys = PeerKeys::derive(SECRET, None);
    let recorded = prove_request(&keys, &challenges, INVITE, &[1; 16], invite.from, &body);
    assert_eq!(post_proven(&nodes.all[1], INVITE, &recorded, &body).0, 200);
    nodes.wait_voters(&[0, 1]);

    let address = nodes.all[1].http().to_string();
    nodes.all[0].ctl_done(&["remove-meta", "-y", &address]);
    nodes.all[1].wait_says("\"phase\":\"removed\"");
    // A recording of a version that proved without a challenge is worth no more.
    let older = PeerKey::derive(SECRET).prove_request(INVITE, &[1; 16], invite.from, &body);
    for round in 0..2 {
        for proof in [&recorded, &older] {
            assert_eq!(
                post_proven(&nodes.all[1], INVITE, proof, &body).0,
                401,
                "{round}"
            );
            assert_eq!(
                post_proven(&nodes.all[0], INVITE, proof, &body).0,
                401,
                "{round}"
            );
        }
        let health = nodes.all[1].health().expect("health");
        assert_eq!(health["phase"], "removed", "{health}");
        nodes.all[1].kill();
        nodes.all[1].start();
        nodes.all[1].wait_says("\"phase\":\"removed\"");
    }
    nodes.wait_voters(&[0]);
    nodes.all[0].ctl_done(&["add-meta", &address]);
    nodes.wait_voters(&[0, 1]);
}

/// The secret is changed node by node, under load: first both on all, then the old one goes. A
/// member that loses its volume in the middle comes back, which needs proofs over HTTP both ways.
#[test]
fn the_secret_is_changed_node_by_node() {
    const NEW: &str = "another secret of more than sixteen bytes";
    let mut nodes = Nodes::new(3);
    nodes.set(SECRET_KEY, SECRET);
    nodes.start_all();
    nodes.wait_ready();
    let writers = Writers::start(2, nodes.all.iter().map(|node| node.http()).collect());
    writers.wait_progress();
    let before = term(&nodes.all[0].health().expect("health"));
    for number in 0..3 {
        let node = &mut nodes.all[number];
        node.terminate();
        node.set(SECRET_KEY, NEW);
        node.set(OLD_SECRET_KEY, SECRET);
        node.start();
        node.wait_ready();
        writers.wait_progress();
        if number == 0 {
            nodes.all[1].lose_volume();
            nodes.wait_voters(&[0, 1, 2]);
            writers.wait_progress();
        }
    }
    roll(&mut nodes, OLD_SECRET_KEY, None);
    writers.wait_progress();
    nodes.wait_ready();
    let acknowledged = writers.finish();
    assert_kept(&acknowledged, &nodes.wait_equal().databases);
    let after = term(&nodes.all[0].health().expect("health"));
    // Each of seven stops may move the leadership once, and once more by chance.
    assert!(after <= before + 14, "terms {before} to {after}");

    // The old secret alone is worth nothing now.
    let node = &mut nodes.all[2];
    node.terminate();
    node.set(SECRET_KEY, SECRET);
    node.start();
    node.wait_says("without a leader");
    nodes.all[0].goes_on("without-the-third");
    assert_eq!(nodes.all[2].get("/readyz").expect("an answer").status, 503);
}

/// The words about who first asked are those of the node that forwarded, and it proves them. A
/// forged name is not in the tombstone.
#[test]
fn a_forged_caller_is_not_believed() {
    let mut nodes = Nodes::new(3);
    nodes.set(SECRET_KEY, SECRET);
    nodes.start_all();
    nodes.wait_ready();
    let leader = nodes.leader();
    let removed = (leader + 1) % 3;
    let leader = &nodes.all[leader];
    let headers = format!(
        "Host: {}\r\nInfluxd-Meta-Carried: 1\r\nInfluxd-Meta-Caller: 203.0.113.66\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n",
        leader.http()
    );
    let body = format!("httpAddr={}", nodes.all[removed].http());
    let answer = http::request_with(
        leader.http(),
        "POST",
        "/remove",
        &headers,
        body.as_bytes(),
        SOON,
    );
    assert_eq!(answer.expect("an answer").status, 204);
    let removed = &nodes.all[removed];
    removed.wait_says("POST /remove by 127.");
    let reason = removed.health().expect("health")["reason"].to_string();
    assert!(!reason.contains("203.0.113.66"), "{reason}");
}
