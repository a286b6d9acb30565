//! The paths of `wire::joining`: proofs, and requests that only the leader answers.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use influxdb_meta::auth::fresh::{parse_challenge, prove_request};
use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::auth::{PeerKeys, PeerPolicy};
use influxdb_meta::base::Incarnation;
use influxdb_meta::wire::joining::{Done, INVITE, JOIN, MOVED, PROMISE, REMOVED, RefusedBody};

use super::cluster::{Node, TestCluster};
use super::harness::{Reply, StandIn, THEM, TestServer, US};
use super::identity::with_secret;

const NONCE: [u8; 16] = [9; 16];

fn body() -> Vec<u8> {
    format!(r#"{{"from":"{THEM}","more":"of it"}}"#).into_bytes()
}

fn done(from: Incarnation) -> Option<(u16, Bytes)> {
    Some((
        200,
        serde_json::to_vec(&Done { from }).expect("encodes").into(),
    ))
}

fn proof(secret: &str, path: &str) -> String {
    let proof = PeerKey::derive(secret).prove_request(path, &NONCE, THEM, &body());
    format!("Influxd-Meta-Proof: {proof}\r\n")
}

/// Whether the answer is proven with this secret as an answer of `callee` to us.
fn is_proven(reply: &Reply, secret: &str, callee: Incarnation) -> bool {
    let header = reply.header("Influxd-Meta-Proof");
    let check =
        |proof| PeerKey::derive(secret).check_answer(proof, &NONCE, THEM, callee, &reply.body);
    header.is_some_and(|proof| check(proof).is_ok())
}

#[tokio::test]
async fn each_path_is_answered_by_the_cluster() {
    let stand_in = Arc::new(StandIn::default());
    let server = TestServer::unjoined(stand_in.clone()).await;
    stand_in.scripted.says().answer = done(US);
    for path in [JOIN, MOVED, REMOVED, PROMISE, INVITE] {
        let reply = server.post(path, "", &body()).await;
        assert_eq!(
            (reply.status(), reply.text()),
            (200, format!(r#"{{"from":"{US}"}}"#).as_str())
        );
        assert_eq!(reply.header("Content-Type"), Some("application/json"));
        assert_eq!(
            reply.header("Influxd-Meta-Proof"),
            None,
            "no secret, no proof"
        );
        let want = format!(r#"{path} {{"from":"{THEM}","more":"of it"}} from 127.0.0.1"#);
        assert_eq!(stand_in.scripted.asked(), [want]);
        let unknown = server.post(&format!("{path}/"), "", &body()).await;
        assert_eq!(unknown.status(), 404);
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_body_and_says_its_text_in_the_header() {
    let stand_in = Arc::new(StandIn::default());
    let server = TestServer::unjoined(stand_in.clone()).await;
    let refused = RefusedBody {
        error: "another cluster name".to_owned(),
        from: US,
        removed: None,
    };
    let text = serde_json::to_string(&refused).expect("encodes");
    stand_in.scripted.says().answer = Some((409, text.clone().into()));
    let reply = server.post(JOIN, "", &body()).await;
    assert_eq!((reply.status(), reply.text()), (409, text.as_str()));
    assert_eq!(
        reply.header("X-Influxdb-Error"),
        Some("another cluster name")
    );
}

#[tokio::test]
async fn who_does_not_say_who_it_is_is_not_heard() {
    let stand_in = Arc::new(StandIn::default());
    let server = TestServer::unjoined(stand_in.clone()).await;
    for (body, status) in [
        (&b""[..], 400),
        (b"{}", 400),
        (br#"{"from":"me"}"#, 400),
        (&[b' '; 70_000], 413),
    ] {
        let reply = server.post(JOIN, "", body).await;
        assert_eq!(reply.status(), status, "{}", reply.text());
        let text = reply.json()["error"].as_str().expect("an error").to_owned();
        assert!(
            status != 400 || text.starts_with("the body is no request of a meta node: "),
            "{text}"
        );
    }
    assert_eq!(stand_in.scripted.asked(), [""; 0]);
}

#[tokio::test]
async fn a_proof_is_checked_and_answered() {
    let stand_in = Arc::new(StandIn::default());
    let server = with_secret(stand_in.clone(), "s").await;
    stand_in.scripted.says().answer = done(US);
    let reply = server.post(PROMISE, &proof("s", PROMISE), &body()).await;
    assert_eq!(reply.status(), 200);
    assert!(is_proven(&reply, "s", US));
    assert_eq!(stand_in.scripted.asked().len(), 1);
    let another_body = body()
        .iter()
        .map(u8::to_ascii_uppercase)
        .collect::<Vec<_>>();
    let text = r#"{"error":"wrong secret: internal-shared-secret differs"}"#;
    for policy in [PeerPolicy::ProofRequired, PeerPolicy::ProofWanted] {
        stand_in.scripted.says().policy = policy;
        for (proof, body) in [
            (proof("t", PROMISE), body()),
            (proof("s", JOIN), body()),
            (proof("s", "/cluster/identity"), body()),
            ("Influxd-Meta-Proof: \r\n".to_owned(), body()),
            ("Influxd-Meta-Proof: v1 00 00\r\n".to_owned(), body()),
        ] {
            let reply = server.post(PROMISE, &proof, &body).await;
            assert_eq!((reply.status(), reply.text()), (401, text), "{proof}");
            assert_eq!(reply.header("Influxd-Meta-Proof"), None);
        }
    }
    // JSON's names are case-sensitive: this body names no sender, so no proof can cover one.
    assert_eq!(
        server
            .post(PROMISE, &proof("s", PROMISE), &another_body)
            .await
            .status(),
        400
    );
    assert_eq!(
        stand_in.scripted.asked(),
        [""; 0],
        "a wrong proof is always refused"
    );
}

/// founding.md 11.3: a missing proof is refused where the cluster was founded with a secret.
/// Elsewhere it is accepted, so that a secret can be introduced.
#[tokio::test]
async fn a_missing_proof_is_refused_where_one_is_needed() {
    let stand_in = Arc::new(StandIn::default());
    let server = with_secret(stand_in.clone(), "s").await;
    stand_in.scripted.says().answer = done(US);
    let reply = server.post(JOIN, "", &body()).await;
    assert_eq!(reply.status(), 401);
    stand_in.scripted.says().policy = PeerPolicy::ProofWanted;
    let reply = server.post(JOIN, "", &body()).await;
    assert_eq!(
        (reply.status(), reply.header("Influxd-Meta-Proof")),
        (200, None)
    );
}

/// A node outside a cluster, asked for what only a leader answers: it gives the reason, under its
/// own name.
#[tokio::test]
async fn outside_a_cluster_the_reason_is_said_and_proven() {
    let stand_in = Arc::new(StandIn::default());
    let server = with_secret(stand_in, "s").await;
    let reply = server.post(JOIN, &proof("s", JOIN), &body()).await;
    let refused: RefusedBody = serde_json::from_slice(&reply.body).expect("a refusal");
    assert_eq!(
        (reply.status(), refused.from, refused.removed),
        (503, US, None)
    );
    assert!(
        refused.error.starts_with("waiting for 1 of 3 founders"),
        "{}",
        refused.error
    );
    assert!(is_proven(&reply, "s", US));
}

async fn ask(node: &Node, host: &str, headers: &str) -> Reply {
    let (body, length) = (body(), body().len());
    let head = format!(
        "POST {JOIN} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    node.http.ask(&[head.as_bytes(), &body].concat()).await
}

/// The proofs are passed on unchanged: the forwarding node neither makes nor changes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_leader_answers_is_carried_with_its_proofs() {
    let cluster = TestCluster::with_secret(2, "s").await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let us = leader.member.incarnation();
    leader.member.scripted.says().answer = done(us);
    // Never redirected, whatever name the caller used.
    for host in [follower.host(), leader.host(), "localhost".to_owned()] {
        let reply = ask(follower, &host, &proof("s", JOIN)).await;
        assert_eq!(
            (reply.status(), reply.text()),
            (200, format!(r#"{{"from":"{us}"}}"#).as_str()),
            "{host}"
        );
        assert!(is_proven(&reply, "s", us), "{host}");
        let asked = leader.member.scripted.asked();
        assert_eq!(
            asked,
            [format!(
                r#"{JOIN} {{"from":"{THEM}","more":"of it"}} from 127.0.0.1"#
            )]
        );
    }
    assert_eq!(follower.http.service.metrics().forwarded.get(), 3);
    for headers in [proof("t", JOIN), String::new()] {
        assert_eq!(ask(follower, "x", &headers).await.status(), 401);
    }
    assert_eq!(
        leader.member.scripted.asked(),
        [""; 0],
        "what is refused is not carried"
    );
    // A refusal of the leader is returned with the leader's proof.
    let text = format!(r#"{{"error":"wait","from":"{us}"}}"#);
    leader.member.scripted.says().answer = Some((503, text.clone().into()));
    let reply = ask(follower, "x", &proof("s", JOIN)).await;
    assert_eq!(
        (reply.status(), reply.text(), is_proven(&reply, "s", us)),
        (503, text.as_str(), true)
    );
    assert_eq!(reply.header("X-Influxdb-Error"), Some("wait"));
}

/// The address from which the request first came is a hint to its sender; the address of the
/// forwarding node is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_hears_where_a_carried_request_came_from() {
    let cluster = TestCluster::of(2).await;
    let leader = cluster.leader();
    leader.member.scripted.says().answer = done(leader.member.incarnation());
    let from: IpAddr = "203.0.113.7".parse().expect("an address");
    let carried = format!("Influxd-Meta-Carried: 1\r\nInfluxd-Meta-Caller: {from}\r\n");
    assert_eq!(ask(leader, "x", &carried).await.status(), 200);
    let direct = format!("Influxd-Meta-Caller: {from}\r\n");
    assert_eq!(ask(leader, "x", &direct).await.status(), 200);
    let asked = leader.member.scripted.asked();
    assert!(asked[0].ends_with(" from 203.0.113.7"), "{asked:?}");
    assert!(
        asked[1].ends_with(" from 127.0.0.1"),
        "only what was carried says so: {asked:?}"
    );
}

/// A node that is taken for the leader and does not lead refuses: the forwarding node then
/// searches for the leader again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carried_request_is_not_carried_again() {
    let cluster = TestCluster::with_secret(2, "s").await;
    let follower = cluster.follower();
    let reply = ask(
        follower,
        "x",
        &format!("Influxd-Meta-Carried: 1\r\n{}", proof("s", JOIN)),
    )
    .await;
    let refused: RefusedBody = serde_json::from_slice(&reply.body).expect("a refusal");
    assert_eq!(
        (reply.status(), refused.from),
        (503, follower.member.incarnation())
    );
    assert!(refused.error.starts_with("no leader"), "{}", refused.error);
    assert_eq!(reply.header("Influxd-Meta-Carried"), Some("not-executed"));
    assert!(is_proven(&reply, "s", follower.member.incarnation()));
}

/// The caller of a forwarded request is believed only if the forwarding node proves the secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_caller_is_not_believed_where_a_secret_is_set() {
    let cluster = TestCluster::with_secret(2, "s").await;
    let leader = cluster.leader();
    leader.member.scripted.says().answer = done(leader.member.incarnation());
    let from = "203.0.113.7";
    let mac = |secret| {
        let fields: [&[u8]; 5] = [
            b"forwarder",
            from.as_bytes(),
            b"POST",
            JOIN.as_bytes(),
            b"id-1",
        ];
        hex::encode(PeerKey::derive(secret).mac(&fields))
    };
    for (forwarder, believed) in [
        (None, false),
        (Some(mac("t")), false),
        (Some(mac("s")), true),
    ] {
        let forwarder = forwarder.map(|mac| format!("Influxd-Meta-Forwarder: {mac}\r\n"));
        let headers = format!(
            "X-Request-Id: id-1\r\nInfluxd-Meta-Carried: 1\r\nInfluxd-Meta-Caller: {from}\r\n{}{}",
            forwarder.unwrap_or_default(),
            proof("s", JOIN)
        );
        assert_eq!(ask(leader, "x", &headers).await.status(), 200);
        let asked = leader.member.scripted.asked();
        assert_eq!(asked[0].ends_with(from), believed, "{asked:?}");
    }
}

/// At the level at which every member makes fresh proofs, a recorded one is refused with the
/// challenge that the next must cover, whichever node on the way asks for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_proof_is_asked_for_by_the_node_and_by_the_leader_behind_it() {
    let cluster = TestCluster::with_secret(2, "s").await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    for node in [leader, follower] {
        node.member.scripted.says().recorded_is_enough = false;
    }
    let us = leader.member.incarnation();
    leader.member.scripted.says().answer = done(us);
    let keys = PeerKeys::derive("s", None);
    let mut challenges = Vec::new();
    let mut header = proof("s", JOIN);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let reply = ask(follower, "x", &header).await;
        statuses.push(reply.status());
        if reply.status() == 200 {
            assert!(is_proven(&reply, "s", us));
            break;
        }
        let challenge = reply.header("Influxd-Meta-Challenge").expect("a challenge");
        challenges.push(parse_challenge(challenge).expect("a challenge"));
        let proof = prove_request(&keys, &challenges, JOIN, &NONCE, THEM, &body());
        header = format!("Influxd-Meta-Proof: {proof}\r\n");
        // The follower has seen this nonce by the second time only if it accepted it.
        if challenges.len() == 2 {
            let nonce = [8; 16];
            let proof = prove_request(&keys, &challenges, JOIN, &nonce, THEM, &body());
            let reply = ask(follower, "x", &format!("Influxd-Meta-Proof: {proof}\r\n")).await;
            statuses.push(reply.status());
            let again = ask(follower, "x", &format!("Influxd-Meta-Proof: {proof}\r\n")).await;
            statuses.push(again.status());
            break;
        }
    }
    assert_eq!(
        statuses,
        [401, 401, 200, 401],
        "follower, leader, both, replayed"
    );
    assert_eq!(leader.member.scripted.asked().len(), 1);
}
