//! A cluster of one: commands, the long poll, members, health.

use std::fs;
use std::io::Read;
use std::path::Path;

use influxdb_meta::wire::api::Announcement;
use influxdb_meta::wire::envelope::Body;
use tokio::time::Instant;

use super::cluster::{Node, TestCluster};
use super::harness::{Connection, PATIENCE, Reply, post, until};

/// CreateDatabase db0, as Go sends it (wire.md appendix A).
pub(crate) const CREATE_DB0: &str = "ba06050a036462300803";
/// CreateUser u, as Go sends it, and the same without a hash, which every user must have.
const CREATE_USER: &str = "8a07080a01751201681801080d";
const CREATE_USER_WITHOUT_HASH: &str = "8a07050a01751801080d";

pub(crate) fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

async fn execute(node: &Node, body: &[u8]) -> Reply {
    node.http
        .post(
            "/execute",
            "Content-Type: application/octet-stream\r\n",
            body,
        )
        .await
}

async fn poll(node: &Node, index: u64) -> Connection {
    let mut connection = node.http.connect().await;
    let request =
        format!("GET /?index={index} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n");
    connection.send(request.as_bytes()).await;
    connection
}

/// `Data.Index`: field 2 of the body, a varint below 128 here.
fn index_in(body: &[u8]) -> u64 {
    let at = body.iter().position(|byte| *byte == 0x10).expect("field 2");
    u64::from(body[at + 1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_answered_with_an_index_that_the_catalog_has_reached() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let reply = execute(node, &hex(CREATE_DB0)).await;
    assert_eq!(
        (reply.status(), reply.header("Content-Type")),
        (200, Some("application/octet-stream"))
    );
    // OK = true, no error, then Index.
    assert_eq!(reply.body[..3], [0x08, 0x01, 0x18]);
    assert_eq!(u64::from(reply.body[3]), node.index());
    let snapshot = poll(node, 0).await.reply().await;
    assert_eq!(index_in(&snapshot.body), node.index());
    assert!(snapshot.body.windows(3).any(|w| w == b"db0"));
    let ping = node.http.get("/ping").await;
    assert_eq!(
        ping.header("Influxdb-Metaindex"),
        Some(node.index().to_string().as_str())
    );
}

/// wire.md Q6: a command that cannot be applied never enters the log. Status 200 stops the client
/// from trying elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_executed_is_refused_and_not_logged() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let last = node.raft.status().last_log;
    for (command, text) in [
        (
            hex(CREATE_USER_WITHOUT_HASH),
            "invalid CreateUser command: required field \"Hash\" not set",
        ),
        (hex("0801"), "meta nodes are changed by /join and /remove"),
        (hex("0817"), "meta nodes are changed by /join and /remove"),
    ] {
        let reply = execute(node, &command).await;
        let response = [&[0x08, 0x00, 0x12, text.len() as u8], text.as_bytes()].concat();
        assert_eq!((reply.status(), &reply.body), (200, &response), "{text}");
    }
    // Two bytes that make a cluster of the original unusable for ever: a known type without its
    // payload.
    let reply = execute(node, &hex("0803")).await;
    assert_eq!((reply.status(), &reply.body[..2]), (200, &[0x08, 0x00][..]));
    for garbage in [&b""[..], b"\xff\xff", b"hello"] {
        let reply = execute(node, garbage).await;
        assert_eq!(reply.status(), 400);
        assert!(
            reply
                .text()
                .starts_with(r#"{"error":"unable to unmarshal command: "#),
            "{}",
            reply.text()
        );
    }
    assert_eq!(node.raft.status().last_log, last, "nothing was logged");
    assert_eq!(
        execute(node, &hex(CREATE_DB0)).await.status(),
        200,
        "and the node is well"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_the_machine_is_a_200_with_its_text() {
    let cluster = TestCluster::of(1).await;
    // CreateDatabase without a name.
    let reply = execute(cluster.leader(), &hex("ba06020a000803")).await;
    let text = b"database name required";
    assert_eq!(
        (reply.status(), reply.body),
        (
            200,
            [&[0x08, 0x00, 0x12, text.len() as u8][..], text].concat()
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_waits_for_the_next_command_and_no_longer() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let mut waiting = poll(node, node.index()).await;
    let metrics = node.http.service.metrics();
    until("it is parked", || metrics.parked.get() == 1).await;
    assert!(
        waiting.is_silent().await,
        "nothing is sent while the index stands"
    );
    execute(node, &hex(CREATE_DB0)).await;
    let reply = waiting.reply().await;
    assert_eq!((reply.status(), index_in(&reply.body)), (200, node.index()));
    until("it is parked no more", || metrics.parked.get() == 0).await;
}

/// The cost of a poll does not grow with the number of pollers: one encoding serves all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_body_serves_all_pollers() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let mut waiting = Vec::new();
    for _ in 0..50 {
        waiting.push(poll(node, node.index()).await);
    }
    let metrics = node.http.service.metrics();
    until("all are parked", || metrics.parked.get() == 50).await;
    let before = metrics.snapshots_encoded.get();
    execute(node, &hex(CREATE_DB0)).await;
    for mut one in waiting {
        assert_eq!(index_in(&one.reply().await.body), node.index());
    }
    assert_eq!(metrics.snapshots_encoded.get() - before, 1);
}

/// Every poll answers with something newer than N, and the last one with the end of the burst.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_is_followed_to_its_end() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let start = node.index();
    let commands = async {
        let mut connection = node.http.connect().await;
        for _ in 0..40 {
            connection
                .send(&post("/execute", "", &hex(CREATE_DB0)))
                .await;
            assert_eq!(connection.reply().await.status(), 200);
        }
    };
    let follower = async {
        let mut seen = start;
        while seen < start + 40 {
            let next = index_in(&poll(node, seen).await.reply().await.body);
            assert!(next > seen, "{next} after {seen}");
            seen = next;
        }
    };
    tokio::join!(commands, follower);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_is_compressed_for_those_who_ask() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    for n in 0..40_u8 {
        let name = [b"database-number-", &[b'a' + n / 10, b'0' + n % 10][..]].concat();
        let payload = [&[0x0a, name.len() as u8][..], &name].concat();
        let command = [
            &[0xba, 0x06, payload.len() as u8][..],
            &payload,
            &[0x08, 0x03],
        ]
        .concat();
        assert_eq!(execute(node, &command).await.body[..2], [0x08, 0x01]);
    }
    let plain = poll(node, 0).await.reply().await;
    let request = b"GET /?index=0 HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n";
    let packed = node.http.ask(request).await;
    assert_eq!(
        (
            plain.header("Content-Encoding"),
            packed.header("Content-Encoding")
        ),
        (None, Some("gzip"))
    );
    assert!(packed.body.len() * 3 < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .expect("unpacks");
    assert_eq!(unpacked, plain.body);
}

/// The poll of a data node that died must not stay in memory until the next command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_ends_with_its_client() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let metrics = node.http.service.metrics();
    let waiting = poll(node, node.index()).await;
    until("it is parked", || metrics.parked.get() == 1).await;
    drop(waiting);
    until("it is gone", || {
        metrics.parked.get() == 0 && metrics.connections.get() == 0
    })
    .await;
}

/// wire.md Q47: a data node that waits at a node which left must go on to the next node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_taken_out_releases_its_polls() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let mut waiting = poll(node, node.index()).await;
    until("it is parked", || {
        node.http.service.metrics().parked.get() == 1
    })
    .await;
    node.member.removed();
    let reply = waiting.reply().await;
    let text = r#"{"error":"this node was removed; influxd-ctl add-meta brings it back"}"#;
    assert_eq!((reply.status(), reply.text()), (503, text));
    assert_eq!(
        poll(node, 0).await.reply().await.status(),
        503,
        "also to index 0"
    );
    assert_eq!(node.http.get("/readyz").await.status(), 503);
    assert_eq!(
        node.http.get("/show-cluster").await.text(),
        "{\"data\":null,\"meta\":null}\n"
    );
    let reply = execute(node, &hex(CREATE_USER)).await;
    assert_eq!(
        reply.status(),
        503,
        "not a 200 that would end the client's search"
    );
}

/// An entry that this node cannot read gets into the log past all checks, as from a newer version.
/// Raft ends here, HTTP goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_node_releases_its_polls_and_says_why() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let mut waiting = poll(node, node.index()).await;
    until("it is parked", || {
        node.http.service.metrics().parked.get() == 1
    })
    .await;
    let unreadable = Body::Wire(bytes::Bytes::from_static(b"\xff\xff"));
    let outcome = node
        .raft
        .propose(unreadable, Instant::now() + PATIENCE)
        .await;
    assert!(outcome.is_err(), "{outcome:?}");
    let reply = waiting.reply().await;
    assert_eq!(reply.status(), 503);
    assert!(reply.text().contains("cannot be read"), "{}", reply.text());
    assert_eq!(node.http.get("/livez").await.status(), 200, "no crash loop");
    let ready = node.http.get("/readyz").await;
    assert!(
        ready.status() == 503 && ready.text().contains("cannot be read"),
        "{}",
        ready.text()
    );
    let health = node.http.get("/healthz").await;
    assert!(
        health.json()["halted"]
            .as_str()
            .expect("halted")
            .contains("cannot be read")
    );
    assert_eq!(execute(node, &hex(CREATE_DB0)).await.status(), 503);
    let metrics = node.http.get("/metrics").await;
    assert!(metrics.text().contains("\ninfluxdb_meta_raft_halted 1\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_releases_polls_and_takes_no_commands() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let mut waiting = poll(node, node.index()).await;
    until("it is parked", || {
        node.http.service.metrics().parked.get() == 1
    })
    .await;
    node.http.service.stop();
    let reply = waiting.reply().await;
    assert_eq!(
        (reply.status(), reply.text()),
        (503, r#"{"error":"server closed"}"#)
    );
    assert_eq!(execute(node, &hex(CREATE_DB0)).await.status(), 503);
    let ready = node.http.get("/readyz").await;
    assert_eq!(
        (ready.status(), &ready.json()["error"]),
        (503, &"this node is stopping".into())
    );
    assert_eq!(node.http.get("/ping").await.status(), 200, "still alive");
}

/// wire.md Q11: a client of an earlier cluster at these addresses would wait for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_this_cluster_never_produced_is_answered_at_once() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let reply = poll(node, 1_000_000).await.reply().await;
    assert_eq!((reply.status(), index_in(&reply.body)), (200, node.index()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_says_who_it_is() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    let (http, raft) = (node.host(), node.member.raft_address());
    assert_eq!(node.http.get("/ping").await.text(), raft.to_string());
    assert_eq!(
        node.http.get("/ping").await.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        node.http.get("/peers").await.text(),
        format!("[\"{raft}\"]\n")
    );
    let status = format!(
        r#"{{"nodeType":"meta","leader":"{raft}","httpAddr":"{http}","raftAddr":"{raft}","peers":["{raft}"]}}"#
    );
    assert_eq!(node.http.get("/status").await.text(), status + "\n");
    let cluster = format!(
        r#"{{"data":null,"meta":[{{"id":1,"addr":"{http}","httpScheme":"http","tcpAddr":"{raft}","version":"1.12.4-c0.1.0","labels":{{}}}}]}}"#
    );
    assert_eq!(node.http.get("/show-cluster").await.text(), cluster + "\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ready_member_passes_every_check() {
    let cluster = TestCluster::of(1).await;
    let node = cluster.leader();
    assert_eq!(node.http.get("/readyz").await.status(), 200);
    assert_eq!(node.http.get("/readyz?voter").await.status(), 200);
    let health = node.http.get("/health").await;
    let want =
        r#"{"name":"influxd-meta","status":"pass","message":"ready","version":"1.12.4-c0.1.0"}"#;
    assert_eq!(
        (health.status(), health.text()),
        (200, format!("{want}\n").as_str())
    );
    let all = node.http.get("/healthz").await.json();
    assert_eq!(
        (&all["status"], &all["node_id"]),
        (&"pass".into(), &1.into())
    );
    let raft = &all["raft_state"];
    assert_eq!(
        (&raft["role"], &raft["leader"], &raft["lag"]),
        (&"leader".into(), &1.into(), &0.into())
    );
    let metrics = node.http.get("/metrics").await;
    for line in [
        "influxdb_meta_ready 1",
        "influxdb_meta_raft_role{role=\"leader\"} 1",
        "influxdb_meta_raft_leader_known 1",
        "influxdb_meta_raft_voters 1",
        "influxdb_meta_raft_halted 0",
    ] {
        assert!(
            metrics.text().lines().any(|l| l == line),
            "no {line} in\n{}",
            metrics.text()
        );
    }
    let fsyncs = metrics
        .text()
        .lines()
        .find_map(|l| l.strip_prefix("influxdb_meta_wal_fsync_seconds_count "));
    assert!(fsyncs.expect("fsyncs").parse::<u64>().expect("a number") > 0);
}

/// The recorded bodies of data nodes in their order, on one connection, with the headers of their
/// client. Each is answered as the original did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_commands_of_data_nodes_are_answered_as_they_were() {
    let cluster = TestCluster::of(1).await;
    let mut connection = cluster.leader().http.connect().await;
    let headers = "User-Agent: InfluxDB Meta Client\r\nContent-Type: application/octet-stream\r\n\
                   Accept-Encoding: gzip\r\n";
    let (mut done, mut refused) = (0, 0);
    for (request, was) in recorded() {
        connection.send(&post("/execute", headers, &request)).await;
        let reply = connection.reply().await;
        assert_eq!(reply.status(), 200);
        let error = error_in(&reply.body);
        assert_eq!(error, error_in(&was), "{}", hex::encode(&request));
        *if error.is_some() {
            &mut refused
        } else {
            &mut done
        } += 1;
    }
    assert!(done >= 25 && refused >= 1, "{done} done, {refused} refused");
}

/// Requests and answers of the session without authentication, in the order of `trace.tsv`.
#[expect(
    clippy::disallowed_methods,
    reason = "recorded bytes, which no simulation breaks"
)]
fn recorded() -> Vec<(Vec<u8>, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors");
    let read = |name: &str| fs::read(folder.join(name)).expect("a vector");
    let trace = String::from_utf8(read("execute/trace.tsv")).expect("text");
    let lines = trace
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let pairs =
        lines.filter(|fields| fields[4].starts_with("execute/plain-") && !fields[5].is_empty());
    pairs
        .map(|fields| (read(fields[4]), read(fields[5])))
        .collect()
}

/// Text of a `Response{OK, Error}`; `None` without an error.
fn error_in(response: &[u8]) -> Option<String> {
    assert_eq!(response[0], 0x08, "OK is there");
    (response[2] == 0x12).then(|| String::from_utf8(response[4..].to_vec()).expect("text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_in_show_cluster_come_from_announcements() {
    let cluster = TestCluster::of(3).await;
    let asked = &cluster.nodes[0];
    let other = cluster.nodes[1].member.raft_address().to_string();
    let announcement = Announcement {
        tcp_addr: other.clone(),
        version: "v9".to_owned(),
        http_scheme: "https".to_owned(),
        ..Default::default()
    };
    let body = serde_json::to_vec(&announcement).expect("encodes");
    assert_eq!(asked.http.post("/announce", "", &body).await.status(), 204);
    let meta = asked.http.get("/show-cluster").await.json()["meta"].clone();
    let versions: Vec<_> = meta
        .as_array()
        .expect("a list")
        .iter()
        .map(|n| n["version"].clone())
        .collect();
    assert_eq!(versions, ["1.12.4-c0.1.0", "v9", ""]);
    assert_eq!(meta[1]["httpScheme"], "https");
}
