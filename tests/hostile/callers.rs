//! Slow, many and greedy callers of 8091 and 8089.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::harness::node::Nodes;
use crate::harness::wire;

/// Sends the head and the body of a POST apart, as many clients do, and returns the status.
fn post_in_two_pieces(at: SocketAddr, path: &str, body: &[u8], half_close: bool) -> String {
    let mut stream = TcpStream::connect(at).expect("connects");
    stream.set_nodelay(true).expect("an option of TCP");
    stream
        .set_read_timeout(Some(Duration::from_secs(40)))
        .expect("a timeout");
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("a head");
    stream.write_all(body).expect("a body");
    if half_close {
        stream.shutdown(Shutdown::Write).expect("an end");
    }
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// A command that waits for a majority for longer than a head may take. Its body comes after its
/// head; it gets its answer all the same.
#[test]
fn a_body_after_its_head_does_not_shorten_the_wait_for_an_answer() {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_CONSENSUS_TIMEOUT", "12s");
    nodes.start_all();
    nodes.wait_ready();
    let leader = nodes.leader();
    for (number, node) in nodes.all.iter_mut().enumerate() {
        if number != leader {
            node.kill();
        }
    }
    let at = nodes.all[leader].http();
    // A name of 100 kB takes several reads.
    let long = wire::create_database(&"x".repeat(100_000));
    let short = wire::create_database("db");
    std::thread::scope(|scope| {
        for body in [&short, &long] {
            scope.spawn(move || {
                let answer = post_in_two_pieces(at, "/execute", body, false);
                assert!(answer.starts_with("HTTP/1.1 503"), "{answer:?}");
            });
        }
    });
}

/// `nc -N` and scripts close their half right after the last byte.
#[test]
fn clients_that_close_their_half_get_every_answer() {
    let nodes = Nodes::formed(1);
    let at = nodes.all[0].http();
    let unanswered: Vec<String> = (0..150)
        .map(|_| post_in_two_pieces(at, "/announce", b"{}", true))
        .filter(|answer| !answer.starts_with("HTTP/1.1 204"))
        .collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
    for _ in 0..50 {
        let mut stream = TcpStream::connect(at).expect("connects");
        let get = format!("GET /ping HTTP/1.1\r\nHost: {at}\r\n\r\n");
        stream.write_all(get.as_bytes()).expect("a request");
        stream.shutdown(Shutdown::Write).expect("an end");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    }
}
