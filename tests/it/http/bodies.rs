//! The budget of all bodies together, in simulated time.

use influxdb_meta::http::HttpConfig;

use super::harness::{StandIn, TestServer};

/// Budget of these tests, in bytes; the first 16 KiB of each body are free.
const BUDGET: u64 = 128 << 10;

async fn server() -> TestServer {
    let config = HttpConfig {
        body_budget: BUDGET,
        ..HttpConfig::default()
    };
    TestServer::simulated(config, StandIn::default()).await
}

fn head(length: usize) -> Vec<u8> {
    format!("POST /leave HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_body_larger_than_the_whole_budget_is_413_at_once() {
    let server = server().await;
    let answer = server.ask(&head(150_000)).await;
    assert_eq!(answer.status(), 413);
    assert!(
        answer.text().contains("larger than 131072 bytes"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("Retry-After"), None);
}

/// Bodies of a declared length hold their bytes before they come, and give them back.
#[tokio::test(start_paused = true)]
async fn a_body_without_room_is_503_and_small_ones_are_not_affected() {
    let server = server().await;
    let mut holding = server.connect().await;
    holding.send(&head(140_000)).await;
    holding.send(b"x").await;
    let refused = server.ask(&head(100_000)).await;
    assert_eq!(refused.status(), 503, "{}", refused.text());
    assert_eq!(refused.header("Retry-After"), Some("5"));
    assert!(
        refused.text().contains("131072 bytes"),
        "{}",
        refused.text()
    );
    let small = server.post("/leave", "", &[b' '; 16 << 10]).await;
    assert_eq!(small.status(), 204);
    // The pause of 20 s has ended the unfinished body.
    assert_eq!(holding.reply().await.status(), 408);
    let next = server.post("/leave", "", &[b' '; 100_000]).await;
    assert_eq!(next.status(), 204);
}

/// Bodies without a length are counted while they come.
#[tokio::test(start_paused = true)]
async fn chunked_bodies_are_counted_too() {
    let server = server().await;
    let mut chunked = server.connect().await;
    chunked
        .send(b"POST /leave HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    let chunk = [b"4000\r\n".as_slice(), &[b' '; 0x4000], b"\r\n"].concat();
    for _ in 0..20 {
        chunked.send(&chunk).await;
    }
    assert_eq!(chunked.reply().await.status(), 413);
    // One that fits is taken, however near to the whole budget it ends.
    let mut chunked = server.connect().await;
    chunked
        .send(b"POST /leave HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..8 {
        chunked.send(&chunk).await;
    }
    chunked.send(b"0\r\n\r\n").await;
    assert_eq!(chunked.reply().await.status(), 204);
    // Its bytes are free again.
    let next = server.post("/leave", "", &[b' '; 140_000]).await;
    assert_eq!(next.status(), 204);
}

#[tokio::test(start_paused = true)]
async fn a_head_is_bounded() {
    let server = TestServer::simulated(HttpConfig::default(), StandIn::default()).await;
    let long = |bytes: usize| {
        let value = "x".repeat(bytes);
        format!("GET /ping HTTP/1.1\r\nHost: x\r\nX-Long: {value}\r\n\r\n").into_bytes()
    };
    assert_eq!(server.ask(&long(12 << 10)).await.status(), 200);
    assert_eq!(server.ask(&long(20 << 10)).await.status(), 431);
}
