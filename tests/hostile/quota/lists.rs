//! Lists of all shards: their callers cost no election, whatever number there is and however slowly
//! they read.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{create_shards, execute};
use crate::harness::data_node::command;
use crate::harness::http;
use crate::harness::node::{Node, Nodes};
use crate::harness::writers::Writers;

struct Load {
    shards: u64,
    callers: usize,
    /// Callers who never read their answer.
    slow: usize,
    idle: usize,
    lasts: Duration,
}

impl Load {
    fn here() -> Self {
        if std::env::var_os("SOAK").is_some() {
            Self {
                shards: 100_000,
                callers: 20,
                slow: 20,
                idle: 1000,
                lasts: Duration::from_secs(60),
            }
        } else {
            Self {
                shards: 20_000,
                callers: 8,
                slow: 8,
                idle: 100,
                lasts: Duration::from_secs(6),
            }
        }
    }
}

/// Durations of `GET /livez`, sorted.
fn probe(at: SocketAddr, stop: &AtomicBool) -> Result<Vec<Duration>, String> {
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        http::get(at, "/livez")?;
        took.push(start.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    took.sort();
    Ok(took)
}

/// Reads the list of all shards again and again. Returns how often.
fn read_lists(at: SocketAddr, shards: u64, stop: &AtomicBool) -> Result<usize, String> {
    let host = at.to_string();
    let mut lists = 0;
    while !stop.load(Ordering::Relaxed) {
        let within = Duration::from_secs(60);
        let answer = http::request(at, "GET", "/show-shards", &host, b"", within)?;
        let shown = count_shards(&answer.body);
        if (answer.status, shown) != (200, shards) {
            return Err(format!("{}: {shown} shards", answer.status));
        }
        lists += 1;
    }
    Ok(lists)
}

fn count_shards(body: &[u8]) -> u64 {
    let each = body.windows(9).filter(|part| part == b"\"owners\":");
    each.count() as u64
}

fn ask_and_never_read(at: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(at).expect("connected");
    let head = format!("GET /show-shards HTTP/1.1\r\nHost: {at}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

fn term(node: &Node) -> u64 {
    let health = node.health().expect("healthz");
    health["raft_state"]["term"].as_u64().expect("a term")
}

#[test]
fn callers_of_show_shards_cost_no_election() {
    let load = Load::here();
    let nodes = Nodes::formed(3);
    let leader = &nodes.all[nodes.leader()];
    let at = leader.http();
    create_shards(leader, load.shards);
    let before = term(leader);

    let idle: Vec<_> = (0..load.idle)
        .map(|_| TcpStream::connect(at).expect("connected"))
        .collect();
    let slow: Vec<_> = (0..load.slow).map(|_| ask_and_never_read(at)).collect();
    let writers = Writers::start(2, vec![at]);
    let stop = AtomicBool::new(false);
    let (lists, took) = thread::scope(|scope| {
        let read = || read_lists(at, load.shards, &stop);
        let callers: Vec<_> = (0..load.callers).map(|_| scope.spawn(read)).collect();
        let probe = scope.spawn(|| probe(at, &stop));
        thread::sleep(load.lasts);
        stop.store(true, Ordering::Relaxed);
        let lists = callers
            .into_iter()
            .map(|caller| caller.join().expect("no panic").expect("lists"));
        let lists: usize = lists.sum();
        (lists, probe.join().expect("no panic").expect("probes"))
    });
    let written = writers.finish();
    assert_eq!(term(leader), before, "an election\n{}", nodes.logs());
    let mut writes: Vec<Instant> = written.iter().map(|write| write.at).collect();
    writes.sort();
    let pauses = writes.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = pauses.max().expect("writes");
    assert!(longest < Duration::from_secs(5), "no write for {longest:?}");
    let at = |per_mille: usize| took[(took.len() - 1) * per_mille / 1000];
    println!(
        "{} shards: {} lists, {} writes (longest pause {longest:?}), {} idle connections; /livez p50 {:?} p99 {:?} max {:?}",
        load.shards,
        lists,
        written.len(),
        idle.len(),
        at(500),
        at(990),
        at(1000)
    );
    drop((idle, slow));
}

/// A caller that has closed its half after the request, as `nc -N` does, gets the whole list.
#[test]
fn a_caller_that_sends_no_more_gets_the_whole_list() {
    let nodes = Nodes::formed(1);
    let node = &nodes.all[0];
    create_shards(node, 5_000);
    let mut stream = ask_and_never_read(node.http());
    stream.shutdown(Shutdown::Write).expect("half closed");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    assert!(
        count_shards(&bytes) >= 4_990,
        "a chunk may end inside a name"
    );
    assert!(bytes.ends_with(b"\r\n0\r\n\r\n"), "not the end of the list");
    // The node goes on.
    execute(node, &command::create_database("after", None)).expect("a database");
}
