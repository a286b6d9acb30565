//! Three nodes: when a follower redirects, when it forwards, and what happens without a leader.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::client::CallError;
use influxdb_meta::raft::AfterHandOver;
use influxdb_meta::runtime::net::BoxFuture;
use influxdb_meta::service::{ForwardError, ForwardedRequest, ForwardedResponse, Forwarder};
use tokio::time::Instant;

use super::cluster::{Node, TestCluster};
use super::harness::{Reply, until};
use super::member::{CREATE_DB0, hex};

async fn execute(node: &Node, host: &str, headers: &str) -> Reply {
    let body = hex(CREATE_DB0);
    let head = format!(
        "POST /execute?x=1&y=a%20b HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    node.http.ask(&[head.as_bytes(), &body].concat()).await
}

/// clients.md trap 18: the location is absolute, and has the query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_redirects_who_knows_the_cluster_by_name() {
    let cluster = TestCluster::of(3).await;
    let follower = cluster.follower();
    let reply = execute(follower, &follower.host(), "").await;
    let location = format!("http://{}/execute?x=1&y=a%20b", cluster.leader().host());
    assert_eq!(
        (reply.status(), reply.header("Location")),
        (307, Some(location.as_str()))
    );
    assert_eq!(
        (reply.text(), reply.header("Content-Length")),
        ("", Some("0"))
    );
    assert!(reply.header("X-Influxdb-Version").is_some());
}

/// A caller that came through a published port could not resolve the leader's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_carries_for_who_does_not() {
    let cluster = TestCluster::of(3).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let before = leader.index();
    for host in ["localhost:18091", "meta", "", "[::1]:80"] {
        let reply = execute(follower, host, "").await;
        assert_eq!(
            (reply.status(), &reply.body[..3]),
            (200, &[0x08, 0x01, 0x18][..]),
            "{host:?}"
        );
        assert_eq!(
            reply.header("Content-Type"),
            Some("application/octet-stream")
        );
    }
    assert_eq!(leader.index(), before + 4);
    assert_eq!(follower.http.service.metrics().forwarded.get(), 4);
    until("the follower has it too", || {
        follower.index() == leader.index()
    })
    .await;
}

/// A request is never forwarded twice: two nodes that each take the other for the leader would
/// forward it for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carried_request_goes_no_further() {
    let cluster = TestCluster::of(3).await;
    let follower = cluster.follower();
    for host in [follower.host(), "localhost".to_owned()] {
        let reply = execute(follower, &host, "Influxd-Meta-Carried: 1\r\n").await;
        assert_eq!(reply.status(), 503);
        assert!(
            reply.text().starts_with(r#"{"error":"no leader"#),
            "{}",
            reply.text()
        );
        assert_eq!(reply.header("Influxd-Meta-Carried"), Some("not-executed"));
    }
    let reply = execute(cluster.leader(), "localhost", "Influxd-Meta-Carried: 1\r\n").await;
    assert_eq!(
        (reply.status(), reply.header("Influxd-Meta-Carried")),
        (200, None)
    );
}

/// Two stacks on one network use the same names: the other stack's leader must not execute what was
/// meant for ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_meant_for_another_node_is_not_executed() {
    let cluster = TestCluster::of(3).await;
    let leader = cluster.leader();
    let before = leader.index();
    let wrong = "Influxd-Meta-Carried: 1\r\nInfluxd-Meta-For: 00ff00ff00ff00ff00ff00ff00ff00ff\r\n";
    let reply = execute(leader, "localhost", wrong).await;
    assert_eq!(
        (reply.status(), leader.index()),
        (421, before),
        "{}",
        reply.text()
    );
    assert_eq!(reply.header("Influxd-Meta-Carried"), Some("not-executed"));
}

/// The leader dies while a follower forwards: the command waits for the next leader, within its
/// deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carried_command_waits_for_the_next_leader() {
    let mut cluster = TestCluster::of(3).await;
    let leads = cluster
        .nodes
        .iter()
        .position(Node::leads)
        .expect("a leader");
    let dead = cluster.nodes.swap_remove(leads);
    dead.raft.shutdown().await;
    dead.http.env.tasks.stop();
    let reply = execute(&cluster.nodes[0], "localhost", "").await;
    assert_eq!(
        (reply.status(), &reply.body[..2]),
        (200, &[0x08, 0x01][..]),
        "{reply:?}"
    );
}

/// Forwarder that takes requests and never answers.
#[derive(Default)]
struct Silent {
    taken: AtomicUsize,
}

impl Forwarder for Silent {
    fn forward<'a>(
        &'a self,
        _to: &'a Address,
        _request: &'a ForwardedRequest,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<ForwardedResponse, ForwardError>> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            tokio::time::sleep_until(deadline).await;
            Err(ForwardError::NoAnswer(CallError::Timeout { sent: true }))
        })
    }
}

/// The answer claims neither success nor failure: a request that was sent and not answered may have
/// been executed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_nobody_knows_is_said_to_be_unknown() {
    let cluster = TestCluster::forwarding_with(3, Arc::new(Silent::default())).await;
    let leader = cluster.leader().host();
    let reply = execute(cluster.follower(), "localhost", "").await;
    let text =
        format!("the outcome is unknown: the leader {leader} did not answer (no answer in time)");
    assert_eq!(
        (reply.status(), reply.text()),
        (503, format!(r#"{{"error":"{text}"}}"#).as_str())
    );
}

/// Forwarder that notes for how long the leader may take, and never answers.
#[derive(Default)]
struct Noting {
    timeout_ms: AtomicUsize,
}

impl Forwarder for Noting {
    fn forward<'a>(
        &'a self,
        _to: &'a Address,
        request: &'a ForwardedRequest,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<ForwardedResponse, ForwardError>> {
        let headers = request.headers.iter();
        let timeout = headers
            .filter(|(name, _)| name == "influxd-meta-timeout")
            .find_map(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
        self.timeout_ms
            .store(timeout.unwrap_or_default(), Ordering::Relaxed);
        Box::pin(async move {
            tokio::time::sleep_until(deadline).await;
            Err(ForwardError::NoAnswer(CallError::Timeout { sent: true }))
        })
    }
}

/// A caller that says how long it waits has its answer before, also through a follower: the leader
/// is given less time, and the answer says that nobody knows the outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_says_how_long_it_waits_is_answered_before() {
    let noting = Arc::new(Noting::default());
    let cluster = TestCluster::forwarding_with(3, noting.clone()).await;
    let asked = execute(
        cluster.follower(),
        "localhost",
        "Influxd-Meta-Timeout: 1000\r\n",
    );
    // The limit of these nodes is 5 s.
    let reply = tokio::time::timeout(Duration::from_secs(4), asked)
        .await
        .expect("an answer");
    assert_eq!(
        (reply.status(), reply.header("Influxd-Meta-Outcome")),
        (503, Some("unknown"))
    );
    let given = noting.timeout_ms.load(Ordering::Relaxed);
    assert!((1..=900).contains(&given), "{given}");
}

/// Without a leader the answer says that nothing was executed: no outcome is unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_proposed_is_not_unknown() {
    let cluster = TestCluster::of(3).await;
    let carried = "Influxd-Meta-Carried: 1\r\n";
    let reply = execute(cluster.follower(), "localhost", carried).await;
    assert_eq!(
        (reply.status(), reply.header("Influxd-Meta-Outcome")),
        (503, None)
    );
}

/// A leader that hangs does not hold the caller up once there is another leader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_does_not_wait_for_a_deposed_leader() {
    let silent = Arc::new(Silent::default());
    let cluster = TestCluster::forwarding_with(3, silent.clone()).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let (reply, _) = tokio::join!(execute(follower, "localhost", ""), async {
        until("it is being carried", || {
            silent.taken.load(Ordering::Relaxed) > 0
        })
        .await;
        leader
            .raft
            .hand_over(Duration::from_secs(5), AfterHandOver::Stopping)
            .await
    });
    let text = format!(
        "the outcome is unknown: the leader {} did not answer (another one leads now)",
        leader.host()
    );
    assert_eq!(
        (reply.status(), reply.text()),
        (503, format!(r#"{{"error":"{text}"}}"#).as_str())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_the_answer_says_how_many_are_there() {
    let mut cluster = TestCluster::of(3).await;
    let left = cluster.nodes.remove(0);
    for dead in &cluster.nodes {
        dead.raft.shutdown().await;
        dead.http.env.tasks.stop();
    }
    until("it has noticed", || left.raft.status().leader.is_none()).await;
    let reply = execute(&left, "localhost", "").await;
    assert_eq!(reply.status(), 503);
    assert_eq!(
        reply.text(),
        r#"{"error":"no leader (1 of 3 meta nodes reachable)"}"#
    );
    assert_eq!(left.http.get("/ping").await.status(), 200);
    let ready = left.http.get("/readyz").await;
    assert_eq!(
        (ready.status(), &ready.json()["error"]),
        (503, &"no leader is known".into())
    );
    let members = left.http.get("/show-cluster").await.json()["meta"]
        .as_array()
        .map(Vec::len);
    assert_eq!(
        members,
        Some(3),
        "the last known members, with a leader or without"
    );
    assert_eq!(left.http.get("/peers").await.text(), "null\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ping_all_asks_everyone() {
    let cluster = TestCluster::of(3).await;
    let leader = cluster.leader().member.raft_address().to_string();
    let asked = cluster.follower();
    let reply = asked.http.get("/ping?all=true").await;
    assert_eq!((reply.status(), reply.text()), (200, leader.as_str()));
    let begun = std::time::Instant::now();
    let other = cluster
        .nodes
        .iter()
        .find(|n| !n.leads() && n.host() != asked.host())
        .expect("a third");
    other
        .http
        .server
        .drain(std::time::Duration::from_millis(100))
        .await;
    // A result is shared for a second.
    until("it asks again", || {
        asked.http.service.leader() == leader && begun.elapsed().as_secs() >= 2
    })
    .await;
    let reply = asked.http.get("/ping?all=true").await;
    assert_eq!(
        (reply.status(), reply.text()),
        (500, r#"{"error":"one or more metaservers not up"}"#)
    );
}

/// The route is open to everybody: however many ask, the other nodes are asked once a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_of_ping_all_share_one_round() {
    let cluster = TestCluster::of(3).await;
    let leader = cluster.leader().member.raft_address().to_string();
    let asked = cluster.follower();
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        let callers = (0..10).map(|_| asked.http.get("/ping?all=true"));
        for reply in futures_util::future::join_all(callers).await {
            assert_eq!((reply.status(), reply.text()), (200, leader.as_str()));
        }
    }
    let rounds = begun.elapsed().as_secs() + 1;
    for other in cluster.nodes.iter().filter(|n| n.host() != asked.host()) {
        let metrics = other.http.get("/metrics").await;
        let pings = metrics
            .text()
            .lines()
            .find_map(|line| {
                line.strip_prefix(
                    "influxdb_meta_http_requests_total{route=\"/ping\",status=\"200\"} ",
                )
            })
            .map_or(0, |count| count.parse::<u64>().expect("a number"));
        assert!((1..=rounds).contains(&pings), "{pings} in {rounds} rounds");
    }
}

/// wire.md Q11 at a follower: only the leader can say that its cluster never produced an index.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_asks_the_leader_about_an_index_from_nowhere() {
    let cluster = TestCluster::of(3).await;
    let follower = cluster.follower();
    let reply = follower.http.get("/?index=1000000").await;
    assert_eq!(reply.status(), 200, "{reply:?}");
    let request = format!(
        "GET /?index=1000000 HTTP/1.1\r\nHost: {}\r\n\r\n",
        follower.host()
    );
    let reply = follower.http.ask(request.as_bytes()).await;
    let location = format!("http://{}/?index=1000000", cluster.leader().host());
    assert_eq!(
        (reply.status(), reply.header("Location")),
        (307, Some(location.as_str()))
    );
}
