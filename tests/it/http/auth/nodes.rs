//! Whole nodes with authentication, as data nodes and operators use them.

use influxdb_meta::auth::Method;

use super::{GO_TOKEN, config, error, test_users};
use crate::http::cluster::{Node, TestCluster};
use crate::http::harness::{Reply, until};
use crate::http::member::{CREATE_DB0, hex};
use crate::vectors;

async fn execute(node: &Node, path: &str, host: &str, headers: &str, body: &[u8]) -> Reply {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    node.http.ask(&[head.as_bytes(), body].concat()).await
}

async fn get(node: &Node, path: &str, headers: &str) -> Reply {
    super::get(&node.http, path, headers).await
}

/// Recorded commands of unmodified data nodes that talked to meta nodes with authentication. The
/// first admin is created by one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_commands_of_data_nodes_are_taken_with_their_token_alone() {
    let cluster = TestCluster::guarded(1, config(Method::All), None).await;
    let node = cluster.leader();
    let recorded = vectors::files("vectors/execute", ".req.bin");
    let recorded: Vec<_> = recorded
        .iter()
        .filter(|(path, _)| path.contains("/auth-"))
        .collect();
    assert!(recorded.len() >= 10, "{}", recorded.len());
    let mut denied = (400, "must create admin user first".to_owned());
    for (path, body) in recorded {
        let reply = execute(node, "/execute", "meta", "", body).await;
        assert_eq!(error(&reply), denied, "{path}");
        if path.contains("CreateUser") {
            denied = (401, "unable to parse authentication credentials".to_owned());
        }
        let headers = format!("{GO_TOKEN}User-Agent: InfluxDB Meta Client\r\n");
        let reply = execute(node, "/execute", "meta", &headers, body).await;
        assert_eq!(
            (reply.status(), reply.body[0]),
            (200, 0x08),
            "{path}: {reply:?}"
        );
    }
}

/// The long poll of a data node, from its first index on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_node_polls_with_its_token() {
    let cluster = TestCluster::guarded(1, config(Method::All), None).await;
    let node = cluster.leader();
    assert_eq!(error(&get(node, "/?index=0", "").await).0, 400);
    let headers =
        format!("{GO_TOKEN}User-Agent: InfluxDB Meta Client\r\nAccept-Encoding: gzip\r\n");
    let reply = get(node, "/?index=0", &headers).await;
    assert_eq!(
        (reply.status(), reply.header("Content-Type")),
        (200, Some("application/octet-stream"))
    );
    let mut parked = node.http.connect().await;
    let poll = format!(
        "GET /?index={} HTTP/1.1\r\nHost: x\r\n{GO_TOKEN}\r\n",
        node.index()
    );
    parked.send(poll.as_bytes()).await;
    until("the poll is parked", || {
        node.http.service.metrics().parked.get() == 1
    })
    .await;
    assert_eq!(
        execute(node, "/execute", "x", GO_TOKEN, &hex(CREATE_DB0))
            .await
            .status(),
        200
    );
    assert_eq!(parked.reply().await.status(), 200);
}

/// The leader checks callers as the follower does: credentials go along with a redirect and with a
/// forwarded request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_go_with_a_request_to_the_leader() {
    let cluster = TestCluster::guarded(3, config(Method::All), Some(test_users())).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let body = hex(CREATE_DB0);
    let mut before = leader.index();
    let mut went_through = || std::mem::replace(&mut before, leader.index()) < leader.index();
    let bob = "Authorization: Token bob:s3:cret\r\n";
    for headers in [GO_TOKEN, bob] {
        let reply = execute(follower, "/execute", "localhost:18091", headers, &body).await;
        assert_eq!(
            (reply.status(), &reply.body[..2]),
            (200, &[0x08, 0x01][..]),
            "{headers}"
        );
        assert!(went_through(), "{headers}");
        let reply = execute(follower, "/execute", &follower.host(), headers, &body).await;
        let location = format!("http://{}/execute", leader.host());
        assert_eq!(
            (reply.status(), reply.header("Location")),
            (307, Some(location.as_str()))
        );
        assert!(!went_through(), "{headers}");
    }
    // A password in the URL is forwarded in the URL, and not put into a header.
    let reply = execute(
        follower,
        "/execute?u=bob&p=s3%3Acret",
        &follower.host(),
        "",
        &body,
    )
    .await;
    assert_eq!(
        (reply.status(), reply.header("Location")),
        (200, None),
        "{reply:?}"
    );
    assert!(went_through());
    // A header that says that a request was forwarded does not replace credentials.
    for headers in [
        "",
        "Authorization: Token bob:pw\r\n",
        "Influxd-Meta-Carried: 1\r\n",
    ] {
        for node in [follower, leader] {
            let reply = execute(node, "/execute", "localhost", headers, &body).await;
            assert_eq!(error(&reply).0, 401, "{headers}");
        }
    }
    assert!(!went_through());
}
