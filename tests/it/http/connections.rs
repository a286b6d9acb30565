//! Connections: which are kept, which are closed, and how they end.

use std::sync::Arc;
use std::time::Duration;

use influxdb_meta::cluster::Warning;
use influxdb_meta::http::HttpConfig;

use super::harness::{Alone, PATIENCE, StandIn, TestServer, post, until, waiting};

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";

async fn with(config: HttpConfig) -> TestServer {
    let server = TestServer::start(config, Arc::new(Alone)).await;
    server.service.attach(Arc::new(StandIn::default()));
    server
}

fn soon() -> Duration {
    Duration::from_millis(100)
}

/// clients.md trap 2: an error does not end the connection either.
#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = with(HttpConfig::default()).await;
    let mut connection = server.connect().await;
    for _ in 0..3 {
        connection.send(PING).await;
        assert_eq!(connection.reply().await.status(), 200);
        connection.send(&post("/user", "", b"{}")).await;
        assert_eq!(connection.reply().await.status(), 400);
    }
}

/// Go's clients keep idle connections for 90 s. A client that uses a connection while the server
/// closes it loses a request.
#[test]
fn idle_connections_are_kept_longer_than_any_client_keeps_them() {
    assert!(HttpConfig::default().idle_timeout >= Duration::from_secs(120));
}

#[tokio::test]
async fn an_idle_connection_is_closed_at_last() {
    let server = with(HttpConfig {
        idle_timeout: soon(),
        ..HttpConfig::default()
    })
    .await;
    let mut connection = server.connect().await;
    connection.send(PING).await;
    connection.reply().await;
    assert!(connection.is_closed().await);
}

/// The timeout of a request head runs from its first byte: more bytes do not restart it.
#[tokio::test]
async fn a_head_that_dribbles_in_is_cut_off() {
    let server = with(HttpConfig {
        head_timeout: soon(),
        ..HttpConfig::default()
    })
    .await;
    let mut connection = server.connect().await;
    connection.send(PING).await;
    assert_eq!(connection.reply().await.status(), 200);
    connection.send(b"GET /ping HT").await;
    assert!(connection.is_closed().await);
}

/// The time between two requests does not count for the timeout of a head.
#[tokio::test]
async fn a_quiet_connection_outlives_the_heads_clock() {
    let server = with(HttpConfig {
        head_timeout: soon(),
        ..HttpConfig::default()
    })
    .await;
    let mut connection = server.connect().await;
    for _ in 0..2 {
        connection.send(PING).await;
        assert_eq!(connection.reply().await.status(), 200);
        assert!(connection.is_silent().await);
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let server = with(HttpConfig {
        body_idle_timeout: soon(),
        ..HttpConfig::default()
    })
    .await;
    let mut connection = server.connect().await;
    connection
        .send(b"POST /announce HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{")
        .await;
    let reply = connection.reply().await;
    assert_eq!(
        (reply.status(), reply.text()),
        (408, r#"{"error":"the body did not come in time"}"#)
    );
    assert!(
        connection.is_closed().await,
        "what comes later is not taken for a request"
    );
}

#[tokio::test]
async fn bodies_are_bounded() {
    let server = with(HttpConfig::default()).await;
    let mut announced = server.connect().await;
    announced
        .send(b"POST /announce HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
        .await;
    let reply = announced.reply().await;
    assert_eq!(
        (reply.status(), reply.text()),
        (413, r#"{"error":"the body is larger than 1048576 bytes"}"#)
    );
    let mut chunked = server.connect().await;
    chunked
        .send(b"POST /announce HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    let chunk = [b"80000\r\n".as_slice(), &vec![b' '; 0x80000], b"\r\n"].concat();
    for _ in 0..2 {
        chunked.send(&chunk).await;
    }
    chunked.send(b"1\r\n \r\n").await;
    assert_eq!(chunked.reply().await.status(), 413);
    let mut execute = server.connect().await;
    execute
        .send(b"POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: 67108865\r\n\r\n")
        .await;
    assert_eq!(execute.reply().await.status(), 413);
}

/// A client that closes its half after its request still gets the answer.
#[tokio::test]
async fn a_half_closed_request_is_answered() {
    let server = with(HttpConfig::default()).await;
    let mut connection = server.connect().await;
    connection.send(&post("/announce", "", b"{}")).await;
    connection.half_close().await;
    assert_eq!(connection.reply().await.status(), 204);
    assert!(connection.is_closed().await);
}

/// An answer larger than all buffers, to a peer that has closed its half and reads late.
#[tokio::test]
async fn a_half_closed_connection_gets_the_whole_of_a_large_answer() {
    let server = TestServer::unjoined(verbose()).await;
    let mut connection = server.connect().await;
    connection
        .send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    connection.half_close().await;
    tokio::time::sleep(soon()).await;
    assert!(connection.reply().await.body.len() > 16 << 20);
    assert!(connection.is_closed().await);
}

/// A peer that asks for much and reads nothing.
#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_off() {
    let config = HttpConfig {
        stall_timeout: soon(),
        ..HttpConfig::default()
    };
    let server = TestServer::start(config, Arc::new(Alone)).await;
    server.service.attach(verbose());
    let mut connection = server.connect().await;
    connection
        .send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let metrics = server.service.metrics();
    until("the connection was open", || metrics.connections.get() == 1).await;
    until("the connection is cut", || metrics.connections.get() == 0).await;
}

/// Makes a node whose answer has 16 MiB.
fn verbose() -> Arc<StandIn> {
    let stand_in = StandIn::default();
    let mut view = waiting();
    view.warnings = vec![Warning::OwnNameUnknown("w".repeat(1 << 20)); 16];
    stand_in.view.send_replace(Arc::new(view));
    Arc::new(stand_in)
}

#[tokio::test]
async fn in_a_full_server_an_idle_connection_makes_room_and_a_busy_one_does_not() {
    let server = with(HttpConfig {
        max_connections: 1,
        ..HttpConfig::default()
    })
    .await;
    let mut busy = server.connect().await;
    busy.send(b"POST /announce HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        .await;
    until("its request has begun", || {
        server.service.metrics().requests_under_way.get() == 1
    })
    .await;
    assert!(server.connect().await.is_closed().await);
    assert_eq!(server.service.metrics().connections_refused.get(), 1);
    busy.send(b"}").await;
    assert_eq!(busy.reply().await.status(), 204, "it is not disturbed");
    // Idle now.
    let mut next = server.connect().await;
    next.send(PING).await;
    assert_eq!(next.reply().await.status(), 200);
    assert!(busy.is_closed().await, "it made room");
    assert_eq!(server.service.metrics().connections_refused.get(), 1);
}

/// Draining: no new connections, idle ones closed at once, and 503 for requests that need the
/// cluster.
#[tokio::test]
async fn draining_closes_idle_connections_and_the_listener() {
    let server = with(HttpConfig::default()).await;
    let mut idle = server.connect().await;
    idle.send(PING).await;
    idle.reply().await;
    let mut late = server.connect().await;
    late.send(b"POST /announce HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        .await;
    until("both are open", || {
        server.service.metrics().connections.get() == 2
    })
    .await;
    let (drained, ()) = tokio::join!(
        tokio::time::timeout(PATIENCE, server.server.drain(PATIENCE)),
        async {
            assert!(idle.is_closed().await);
            // The request under way is completed.
            late.send(b"}").await;
            assert_eq!(late.reply().await.status(), 204);
            assert!(late.is_closed().await);
        }
    );
    drained.expect("drained");
    let local = server.server.local();
    until("the port is closed", || {
        std::net::TcpStream::connect(local).is_err()
    })
    .await;
}

#[tokio::test]
async fn the_grace_of_a_drain_is_bounded() {
    let server = with(HttpConfig::default()).await;
    let mut hanging = server.connect().await;
    hanging
        .send(b"POST /announce HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        .await;
    until("it is open", || {
        server.service.metrics().connections.get() == 1
    })
    .await;
    tokio::time::timeout(PATIENCE, server.server.drain(soon()))
        .await
        .expect("bounded");
    assert!(hanging.is_closed().await);
}
