//! `GET /status` on 8088, over HTTP.

use std::time::Duration;

use influxdb_meta::data_node::{Failed, FailureCause};
use influxdb_meta::wire::data_node::DataNodeStatus;
use tokio::time::Instant;

use super::scripted::{Scripted, Step, d1, in_time};

const JOINED: &str = r#"{"nodeType":"data","hostname":"d1","tcpBind":":8088","tcpAddr":"d1:8088","httpAddr":"d1:8086","nodeStatus":"joined","metaAddrs":["m1:8091","m2:8091"]}"#;

fn http(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}\n").into_bytes()
}

async fn answered(answer: Vec<u8>) -> Result<DataNodeStatus, Failed> {
    let node = Scripted::start(vec![Step::Read(16), Step::Write(answer)]).await;
    node.nodes.status(&d1(), in_time()).await
}

async fn why(answer: Vec<u8>) -> FailureCause {
    let failed = answered(answer).await.expect_err("that is no status");
    assert!(
        failed.to_string().starts_with("/status at d1:8088: "),
        "{failed}"
    );
    failed.why
}

#[tokio::test(start_paused = true)]
async fn a_status_is_asked_for_and_read() {
    let node = Scripted::start(vec![Step::Read(16), Step::Write(http("200 OK", JOINED))]).await;
    let status = node.nodes.status(&d1(), in_time()).await.expect("a status");
    assert!(status.is_joined());
    assert_eq!(
        (status.tcp_addr.as_str(), status.http_addr.as_str()),
        ("d1:8088", "d1:8086")
    );
    assert_eq!(status.meta_addrs.expect("a list"), ["m1:8091", "m2:8091"]);
    assert_eq!(node.heard(), [b"GET /status HTTP".to_vec()]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_status() {
    let meta =
        r#"{"nodeType":"meta","leader":"","httpAddr":"m1:8091","raftAddr":"m1:8089","peers":null}"#;
    for (answer, want) in [
        (
            http("404 Not Found", "404 page not found"),
            "HTTP 404: 404 page not found",
        ),
        (
            http("500 Internal Server Error", r#"{"error":"boom"}"#),
            "boom",
        ),
        (b"influxd-meta raft port\n".to_vec(), "that is 8089"),
        (b"\x15\x03\x03\0\x02\x02\x46".to_vec(), "it speaks TLS"),
        (http("200 OK", ""), "unreadable answer"),
        (http("200 OK", meta), "its nodeType is \"meta\""),
        (
            http("200 OK", r#"{"nodeType":"data"}"#),
            "it names no tcpAddr",
        ),
        (Vec::new(), "connection closed before the answer"),
    ] {
        let why = why(answer).await.to_string();
        assert!(why.contains(want), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_waited_for_until_the_deadline() {
    let node = Scripted::start(vec![Step::Read(16), Step::Hang]).await;
    let deadline = Instant::now() + Duration::from_secs(7);
    assert_eq!(
        node.nodes
            .status(&d1(), deadline)
            .await
            .expect_err("nothing came")
            .why,
        FailureCause::Timeout
    );
    assert!(Instant::now() < deadline + Duration::from_secs(1));
}
