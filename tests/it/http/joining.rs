//! `/join`, `/leave`, `/remove`: parameters, statuses, texts, and the node that answers.

use std::sync::Arc;

use influxdb_meta::base::{Address, ClusterId, UnixNanos};
use influxdb_meta::cluster::{
    Absent, BadPeerRequest, MembershipConflict, NotYet, PollError, Refusal, Unreachable,
};
use influxdb_meta::wire::joining::{RemovalReason, Removed};

use super::cluster::{Node, TestCluster};
use super::harness::{Alone, Reply, StandIn, TestServer, waiting};
use super::scripted::Scripted;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const ADDED: &str =
    r#"{"id":7,"addr":"meta-7:8091","httpScheme":"","tcpAddr":"meta-7:8089","version":""}"#;

async fn fresh() -> (TestServer, Arc<StandIn>) {
    let stand_in = Arc::new(StandIn::default());
    (TestServer::unjoined(stand_in.clone()).await, stand_in)
}

fn error(reply: &Reply) -> (u16, String) {
    (
        reply.status(),
        reply.json()["error"].as_str().expect("an error").to_owned(),
    )
}

#[tokio::test]
async fn join_answers_with_the_node() {
    let (server, stand_in) = fresh().await;
    let reply = server.post("/join", FORM, b"addr=Meta-7%3A8091").await;
    assert_eq!(
        (reply.status(), reply.text()),
        (200, format!("{ADDED}\n").as_str())
    );
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    let multipart =
        b"--B\r\nContent-Disposition: form-data; name=\"addr\"\r\n\r\n[fd00::1]\r\n--B--\r\n";
    let reply = server
        .post(
            "/join",
            "Content-Type: multipart/form-data; boundary=B\r\n",
            multipart,
        )
        .await;
    assert_eq!(reply.status(), 200);
    assert_eq!(
        server
            .post("/join?addr=meta-8:18091", "", b"")
            .await
            .status(),
        200
    );
    assert_eq!(
        stand_in.scripted.asked(),
        [
            "join meta-7:8091",
            "join [fd00::1]:8091",
            "join meta-8:18091"
        ],
        "8091 is filled in"
    );
}

/// The leader would take `localhost` for itself. For a name with another port, what counts is the
/// node that answers there.
#[tokio::test]
async fn localhost_is_the_node_that_was_asked() {
    let (server, stand_in) = fresh().await;
    for addr in [
        "localhost:8091",
        "127.0.0.1",
        "[::1]:8091",
        "localhost:18091",
    ] {
        assert_eq!(
            server
                .post("/join", FORM, format!("addr={addr}").as_bytes())
                .await
                .status(),
            200
        );
        server
            .post("/remove", FORM, format!("httpAddr={addr}").as_bytes())
            .await;
    }
    let asked = stand_in.scripted.asked();
    let joined: Vec<_> = asked
        .iter()
        .filter(|asked| asked.starts_with("join"))
        .collect();
    assert_eq!(
        joined,
        [
            "join meta-1:8091",
            "join meta-1:8091",
            "join meta-1:8091",
            "join localhost:18091"
        ]
    );
    assert!(asked[1].starts_with("remove meta-1:8091 "), "{asked:?}");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said() {
    let (server, stand_in) = fresh().await;
    let cases = [
        ("/join", "", "addr is required"),
        ("/join", "addr=", "addr is required"),
        (
            "/join",
            "addr=http://m:8091",
            "addr: \"http://m:8091\" has a scheme: write host or host:port",
        ),
        (
            "/join",
            "addr=m:0",
            "addr: \"m:0\" has a port that is no number from 1 to 65535",
        ),
        ("/remove", "", "httpAddr is required"),
        ("/remove", "force=true", "httpAddr is required"),
        ("/remove", "tcpAddr=meta-7:8089", "httpAddr is required"),
        (
            "/remove",
            "tcpAddr=meta-7:8089&force=false",
            "httpAddr is required",
        ),
        (
            "/remove",
            "httpAddr=a/b",
            "httpAddr: \"a/b\" has a path: write host or host:port",
        ),
    ];
    for (path, form, text) in cases {
        let reply = server.post(path, FORM, form.as_bytes()).await;
        assert_eq!(error(&reply), (400, text.to_owned()), "{path} {form}");
    }
    let reply = server
        .post("/join", "Content-Type: text/plain\r\n", b"addr=meta-7:8091")
        .await;
    assert_eq!(
        error(&reply),
        (400, "addr is required".to_owned()),
        "a form under another content type"
    );
    assert_eq!(stand_in.scripted.asked(), [""; 0]);
}

#[tokio::test]
async fn leave_and_remove_answer_204() {
    let (server, stand_in) = fresh().await;
    for (path, form) in [
        ("/leave", ""),
        ("/remove", "httpAddr=meta-7:8091"),
        (
            "/remove",
            "httpAddr=meta-7:8091&force=true&tcpAddr=meta-7:8089",
        ),
    ] {
        let reply = server.post(path, FORM, form.as_bytes()).await;
        assert_eq!((reply.status(), reply.text()), (204, ""), "{path} {form}");
    }
    let by = "by POST /remove by 127.0.0.1";
    assert_eq!(
        stand_in.scripted.asked(),
        [
            "leave by POST /leave at meta-1:8091 by 127.0.0.1".to_owned(),
            format!("remove meta-7:8091 force=false {by}"),
            format!("remove meta-7:8091 force=true {by}")
        ]
    );
}

fn refusals() -> Vec<(Refusal, u16, &'static str)> {
    let gone = Removed {
        cluster_id: ClusterId([1; 16]),
        cluster_name: "prod".to_owned(),
        why: RemovalReason::Removed,
        by: "ops".to_owned(),
        at: UnixNanos(1),
    };
    let at = Address::new("m", 8091);
    let error = PollError::Refused;
    vec![
        (
            Refusal::Bad(BadPeerRequest::NotTheSender),
            400,
            "the identity is not the sender's",
        ),
        (
            Refusal::Conflict(MembershipConflict::MemberOfAnother),
            409,
            "a member of another cluster",
        ),
        (
            Refusal::NotYet(NotYet::StillJoining("learner".to_owned())),
            503,
            "still joining: learner",
        ),
        (
            Refusal::Unreachable(Unreachable::Poll {
                at: at.clone(),
                error,
            }),
            500,
            "m:8091: connection refused",
        ),
        (
            Refusal::NotFound(Absent::Address(at)),
            500,
            "node not found: m:8091",
        ),
        (
            Refusal::WrongSecret,
            401,
            "wrong secret: internal-shared-secret differs",
        ),
        (
            Refusal::Gone(gone),
            410,
            "this node was taken out of the cluster by ops",
        ),
    ]
}

#[tokio::test]
async fn each_refusal_has_its_status() {
    let (server, stand_in) = fresh().await;
    for (refusal, status, text) in refusals() {
        {
            let mut says = stand_in.scripted.says();
            says.join = Err(refusal.clone());
            says.leave = Err(refusal.clone());
            says.remove = Err(refusal);
        }
        for (path, form) in [
            ("/join", "addr=m:8091"),
            ("/leave", ""),
            ("/remove", "httpAddr=m:8091"),
        ] {
            let reply = server.post(path, FORM, form.as_bytes()).await;
            assert_eq!(error(&reply), (status, text.to_owned()), "{path}");
            assert_eq!(reply.header("Influxd-Meta-Carried"), None);
        }
    }
}

/// Outside a cluster there is no leader to forward to: the answer gives the reason.
#[tokio::test]
async fn outside_a_cluster_there_is_no_leader_to_ask() {
    let (server, stand_in) = fresh().await;
    stand_in.scripted.says().join = Err(Refusal::NotLeader);
    stand_in.scripted.says().remove = Err(Refusal::NotLeader);
    let reason = waiting().reason;
    for (path, form) in [
        ("/join", "addr=m:8091"),
        ("/remove", "httpAddr=m:8091"),
        ("/remove", "force=true&tcpAddr=m:8089"),
    ] {
        let reply = server.post(path, FORM, form.as_bytes()).await;
        assert_eq!(error(&reply), (503, reason.clone()), "{path} {form}");
    }
}

#[tokio::test]
async fn a_node_that_starts_or_stops_says_so() {
    let starting = TestServer::start(Default::default(), Arc::new(Alone)).await;
    let (stopping, stand_in) = fresh().await;
    stopping.service.stop();
    let from = "{\"from\":\"22222222222222222222222222222222\"}";
    let requests = [
        ("/join", "addr=m:8091"),
        ("/leave", ""),
        ("/remove", "httpAddr=m:8091"),
        ("/node-labels", r#"{"nodeid":1,"set":{}}"#),
        ("/cluster/join", from),
    ];
    for (path, body) in requests {
        let content_type = if body.starts_with('{') { "" } else { FORM };
        let reply = starting.post(path, content_type, body.as_bytes()).await;
        assert_eq!(
            error(&reply),
            (503, "this node is starting: it reads its log".to_owned()),
            "{path}"
        );
        let reply = stopping.post(path, content_type, body.as_bytes()).await;
        assert_eq!(error(&reply), (503, "server closed".to_owned()), "{path}");
    }
    assert_eq!(stand_in.scripted.asked(), [""; 0]);
}

async fn from(node: &Node, host: &str, path: &str, form: &str) -> Reply {
    let length = form.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{FORM}Content-Length: {length}\r\n\r\n{form}"
    );
    node.http.ask(head.as_bytes()).await
}

fn leader_of(cluster: &TestCluster) -> &Scripted {
    &cluster.leader().member.scripted
}

/// curl without `-L` takes a redirect for success: whatever name the caller used, the follower gets
/// the leader's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_forwards_what_operators_order() {
    let cluster = TestCluster::of(2).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let by = "POST /remove by 127.0.0.1";
    for host in [follower.host(), "localhost:18091".to_owned()] {
        let reply = from(follower, &host, "/join", "addr=meta-7:8091").await;
        assert_eq!(
            (reply.status(), reply.text()),
            (200, format!("{ADDED}\n").as_str())
        );
        let reply = from(follower, &host, "/remove", "httpAddr=meta-7:8091").await;
        assert_eq!((reply.status(), reply.text()), (204, ""));
        assert_eq!(
            leader_of(&cluster).asked(),
            [
                "join meta-7:8091".to_owned(),
                format!("remove meta-7:8091 force=false by {by}")
            ]
        );
    }
    // The leader's answer is returned unchanged, "not yet" too: it says what it waits for.
    leader.member.scripted.says().join =
        Err(Refusal::NotYet(NotYet::StillJoining("learner".to_owned())));
    let reply = from(follower, "localhost:18091", "/join", "addr=meta-7:8091").await;
    assert_eq!(error(&reply), (503, "still joining: learner".to_owned()));
    assert_eq!(
        leader_of(&cluster).asked().len(),
        1,
        "and is asked for once"
    );
}

/// Forwarded, whatever name the caller used: only the follower knows that `localhost` means the
/// follower.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_followers_localhost_is_told_to_the_leader_by_its_name() {
    let cluster = TestCluster::of(2).await;
    let follower = cluster.follower();
    let host = follower.host();
    follower.member.renamed(Address::new("meta-2", 8091));
    let reply = from(follower, &host, "/join", "addr=localhost%3A8091").await;
    assert_eq!(
        (reply.status(), reply.text()),
        (200, format!("{ADDED}\n").as_str())
    );
    assert_eq!(leader_of(&cluster).asked(), ["join meta-2:8091"]);
    for (form, force) in [
        ("httpAddr=localhost", false),
        ("httpAddr=127.0.0.1%3A8091&force=true", true),
    ] {
        assert_eq!(from(follower, &host, "/remove", form).await.status(), 204);
        let want = format!("remove meta-2:8091 force={force} by POST /remove by 127.0.0.1");
        assert_eq!(leader_of(&cluster).asked(), [want]);
    }
    follower.member.renamed(Address::new("127.0.0.1", 8091));
    let reply = from(follower, "x", "/join", "addr=127.0.0.2%3A8091").await;
    assert_eq!(
        (reply.status(), leader_of(&cluster).asked()),
        (200, vec!["join 127.0.0.2:8091".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_is_found_by_its_raft_address() {
    let cluster = TestCluster::of(2).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let raft = follower.member.raft_address();
    let form = format!("httpAddr=&force=true&tcpAddr={raft}");
    for asked in [leader, follower] {
        assert_eq!(from(asked, "x", "/remove", &form).await.status(), 204);
        let want = format!(
            "remove {} force=true by POST /remove by 127.0.0.1",
            follower.host()
        );
        assert_eq!(leader_of(&cluster).asked(), [want]);
        let reply = from(asked, "x", "/remove", "force=true&tcpAddr=meta-9:8089").await;
        assert_eq!(
            error(&reply),
            (500, "node not found: meta-9:8089".to_owned())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_of_a_removed_node_hears_why() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    node.member.removed();
    let reply = from(node, &node.host(), "/remove", "httpAddr=meta-7:8091").await;
    let reason = "this node was removed; influxd-ctl add-meta brings it back";
    assert_eq!(error(&reply), (503, reason.to_owned()));
}
