//! Results of polling an address, for each kind of program that may answer there.

use std::net::SocketAddr;

use influxdb_meta::base::Address;
use influxdb_meta::client::{CallError, OtherService, identity};
use tokio::time::Instant;

use super::client::{HERE, THERE, at, network};
use super::server::{Asked, Reply, Server, json, status};

async fn poll(
    port: u16,
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> Result<String, CallError> {
    let (network, env) = network();
    let there = SocketAddr::new(THERE, port);
    let _server = Server::start(&*network.host(THERE), there, script).await;
    let host = Address::new("meta-2", port);
    let answer = identity(&*env.net, there, &host, Vec::new(), "{}".into()).await?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

fn not_ours(service: OtherService) -> Result<String, CallError> {
    Err(CallError::NotOurs(service))
}

fn status_of(status: u16) -> OtherService {
    let path = "/cluster/identity";
    OtherService::Status { status, path }
}

/// A server of another program: 404 for everything but `/status`.
fn other_program(answer: &'static str) -> impl Fn(&Asked) -> Reply {
    move |asked| match asked.what.as_str() {
        "GET /status" if !answer.is_empty() => json(answer),
        _ => status(404, "404 page not found\n"),
    }
}

#[tokio::test(start_paused = true)]
async fn ours_answers() {
    let said = poll(8091, |asked| {
        assert_eq!(
            (asked.what.as_str(), asked.body.as_str()),
            ("POST /cluster/identity", "{}")
        );
        assert_eq!(
            asked.header("host"),
            Some("meta-2:8091"),
            "the name, not the address it gave"
        );
        json("{\"protocol\":1}")
    });
    assert_eq!(said.await, Ok("{\"protocol\":1}".to_owned()));
}

/// The most common mistake: the Raft port in the list. This program's own Raft port says what it
/// is; others close the connection or do not speak HTTP.
#[tokio::test(start_paused = true)]
async fn the_raft_port_is_told_apart() {
    let banner = |_: &Asked| Reply::Bytes(b"influxd-meta raft port\n".to_vec());
    assert_eq!(poll(8089, banner).await, Err(CallError::RaftPort));
    assert_eq!(
        poll(18089, banner).await,
        Err(CallError::RaftPort),
        "wherever it is"
    );
    assert_eq!(
        poll(8089, |_| Reply::Bytes(Vec::new())).await,
        Err(CallError::RaftPort)
    );
    assert_eq!(
        poll(8089, |_| Reply::Bytes(b"\0\0\0\x07".to_vec())).await,
        Err(CallError::RaftPort)
    );
    assert_eq!(
        poll(8089, |_| json("{}")).await,
        Ok("{}".to_owned()),
        "HTTP configured on 8089 is HTTP"
    );
}

#[tokio::test(start_paused = true)]
async fn strangers_are_named() {
    let other_make =
        r#"{"nodeType":"meta","leader":"","httpAddr":"m:8091","raftAddr":"m:8089","peers":null}"#;
    assert_eq!(
        poll(8091, other_program(other_make)).await,
        Err(CallError::OtherMetaNode)
    );
    assert_eq!(
        poll(8091, other_program(r#"{"nodeType":"data"}"#)).await,
        not_ours(OtherService::DataNode)
    );
    assert_eq!(
        poll(8091, other_program("hello")).await,
        not_ours(status_of(404))
    );
    assert_eq!(
        poll(8091, other_program("")).await,
        not_ours(status_of(404))
    );
    assert_eq!(
        poll(8091, |_| status(403, "<html>")).await,
        not_ours(status_of(403))
    );
    let login = poll(8091, |_| status(401, r#"{"error":"log in first"}"#)).await;
    assert_eq!(
        login,
        not_ours(status_of(401)),
        "not everybody's 401 is about our secret"
    );
    let ssh = |_: &Asked| Reply::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec());
    assert_eq!(poll(8091, ssh).await, not_ours(OtherService::NotHttp));
    let half = |_: &Asked| Reply::Bytes(b"HTTP/9.9 hello\r\n\r\n".to_vec());
    assert_eq!(poll(8091, half).await, not_ours(OtherService::NotHttp));
    let tls = |_: &Asked| Reply::Bytes(b"\x15\x03\x01\x00\x02\x02\x46".to_vec());
    assert_eq!(poll(8091, tls).await, not_ours(OtherService::Tls));
}

/// A meta node of this program that is starting, or refuses, is not taken for another program.
#[tokio::test(start_paused = true)]
async fn ours_in_trouble_is_no_stranger() {
    let starting = poll(8091, |_| {
        status(503, r#"{"error":"this node is starting"}"#)
    })
    .await;
    assert_eq!(
        starting,
        Err(CallError::Status {
            status: 503,
            error: "this node is starting".to_owned()
        })
    );
    let refused = poll(8091, |_| status(401, r#"{"error":"wrong secret"}"#)).await;
    assert_eq!(refused, Err(CallError::WrongSecret));
    let newer = poll(8091, |_| {
        status(400, r#"{"error":"the body is no identity"}"#)
    })
    .await;
    let text = "the body is no identity".to_owned();
    assert_eq!(newer, not_ours(OtherService::OtherVersion { text }));
    let died = poll(8091, |_| Reply::Bytes(Vec::new())).await;
    assert!(matches!(died, Err(CallError::Io { .. })), "{died:?}");
}

/// founding.md 3.1: connecting ends within 1 s, the whole poll within 2 s, whatever the other side
/// does.
#[tokio::test(start_paused = true)]
async fn a_poll_ends_in_bounded_time() {
    let began = Instant::now();
    assert_eq!(
        poll(8091, |_| Reply::Silence).await,
        Err(CallError::Timeout { sent: true })
    );
    assert_eq!(began.elapsed().as_secs(), 2, "a server that never answers");

    let began = Instant::now();
    let slow_status = |asked: &Asked| match asked.what.as_str() {
        "GET /status" => Reply::Silence,
        _ => status(404, ""),
    };
    assert_eq!(poll(8091, slow_status).await, not_ours(status_of(404)));
    assert_eq!(
        began.elapsed().as_secs(),
        2,
        "the second look is within the same 2 s"
    );

    let (network, env) = network();
    network.cut(HERE, THERE);
    let began = Instant::now();
    let host = Address::new("meta-2", 8091);
    let cut = identity(&*env.net, at(THERE), &host, Vec::new(), "{}".into()).await;
    assert_eq!(cut, Err(CallError::Timeout { sent: false }));
    assert_eq!(began.elapsed().as_secs(), 1, "packets that vanish");
    network.heal(HERE, THERE);
    let closed = identity(&*env.net, at(THERE), &host, Vec::new(), "{}".into()).await;
    assert_eq!(closed, Err(CallError::Refused));
}
