//! Slow, many and greedy callers of 8091 and 8089.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::harness::docker::{Container, Image, docker};
use crate::harness::node::{self, Nodes, SOON};
use crate::harness::{http, wait_for, wire};

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

/// Connections that stay open and send nothing, or the same bytes each.
struct Flood {
    _open: Vec<TcpStream>,
}

impl Flood {
    /// Opens `count` connections from these addresses, in turn.
    fn new(to: SocketAddr, from: &[Ipv4Addr], count: usize, bytes: &[u8]) -> Self {
        let mut flood = Vec::with_capacity(count);
        for from in from.iter().cycle().take(count) {
            // A connection that is refused or closed at once is one of a flood too.
            if let Ok(mut stream) = connect_from(*from, to) {
                let _closed = stream.write_all(bytes);
                flood.push(stream);
            }
        }
        Self { _open: flood }
    }
}

/// Connects from an address of this host, of which 127.0.0.0/8 has many.
fn connect_from(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(2))?;
    Ok(socket.into())
}

fn addresses(count: u8) -> Vec<Ipv4Addr> {
    (1..=count).map(|n| Ipv4Addr::new(127, 9, 9, n)).collect()
}

/// Lowers the limits of open files of the next process of these nodes.
fn limit_open_files(nodes: &mut Nodes, files: u64) {
    for node in &mut nodes.all {
        node.open_files = Some(files);
    }
}

/// Returns a name of so many bytes that a compressor does not shorten by much.
fn incompressible(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

fn healthcheck(at: SocketAddr) -> bool {
    let run = std::process::Command::new(node::program())
        .args(["healthcheck"])
        .env("INFLUXDB_META_HTTP_BIND_ADDRESS", at.to_string())
        .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
        .output();
    run.expect("a health check").status.success()
}

/// Three nodes with 256 open files each. More idle connections than that, from many addresses, on
/// each: probes are answered, writes through followers go on, the log begins new segments, and no
/// node ends.
#[test]
fn a_flood_of_idle_connections_costs_neither_log_nor_probes() {
    let mut nodes = Nodes::new(3);
    limit_open_files(&mut nodes, 256);
    nodes.start_all();
    nodes.wait_ready();
    let leader = nodes.leader();
    let floods: Vec<Flood> = nodes
        .all
        .iter()
        .map(|node| Flood::new(node.http(), &addresses(40), 600, b""))
        .collect();
    let follower = &nodes.all[(leader + 1) % 3];
    // The leader begins new segments of the log meanwhile.
    for number in 0..20 {
        // Refused as too long after it was logged, which is all that is needed here.
        let body = wire::create_database(&incompressible(number, 1 << 20));
        wait_for("answer through a follower", SOON, || {
            // Not the name of a node, so the follower forwards it.
            let host = "meta.example:8091";
            match http::request(follower.http(), "POST", "/execute", host, &body, SOON)? {
                answer if answer.status == 200 => Ok(()),
                answer => Err(format!("{} {}", answer.status, answer.text())),
            }
        });
    }
    for node in &nodes.all {
        assert!(healthcheck(node.http()), "{}", node.log());
        let text = "port 8091 takes few connections";
        assert!(node.log().contains(text), "{}", node.log());
    }
    drop(floods);
    nodes.wait_ready();
}

/// A flood from one address holds as many connections as it can. Others are answered.
#[test]
fn one_address_does_not_lock_out_others() {
    let nodes = Nodes::formed(1);
    let at = nodes.all[0].http();
    let flood = Flood::new(at, &addresses(1), 4096, b"");
    for from in [Ipv4Addr::new(127, 8, 8, 8), Ipv4Addr::new(127, 0, 0, 1)] {
        for _ in 0..20 {
            let mut stream = connect_from(from, at).expect("connects");
            let get = format!("GET /ping HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
            stream.write_all(get.as_bytes()).expect("a request");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
        }
    }
    // Also the same address: the connection that is idle for longest makes room.
    let mut stream = connect_from(addresses(1)[0], at).expect("connects");
    let get = format!("GET /ping HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(get.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    drop(flood);
}

/// Strangers of five addresses hold half-sent magics on 8089 of all nodes, again and again. A
/// member that is restarted is let in, and a majority takes writes.
#[test]
fn strangers_on_8089_do_not_keep_a_restarted_member_out() {
    let mut nodes = Nodes::formed(3);
    let stop = AtomicBool::new(false);
    let flooded = AtomicUsize::new(0);
    let raft: Vec<SocketAddr> = nodes
        .all
        .iter()
        .map(|node| SocketAddr::from((node.ip, 8089)))
        .collect();
    std::thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        for at in raft {
            let (stop, flooded) = (&stop, &flooded);
            scope.spawn(move || {
                let mut first = 1;
                while !stop.load(Ordering::Relaxed) {
                    let flood = Flood::new(at, &addresses(5), 160, b"\xC9IF");
                    flooded.fetch_add(std::mem::take(&mut first), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(300));
                    drop(flood);
                }
            });
        }
        wait_for("a flood of each node", SOON, || {
            let begun = flooded.load(Ordering::Relaxed);
            (begun == nodes.all.len())
                .then_some(())
                .ok_or_else(|| format!("floods of {begun} nodes"))
        });
        let leader = nodes.leader();
        nodes.all[leader].kill();
        nodes.all[leader].start();
        let other = (leader + 1) % 3;
        for number in 0..20 {
            nodes.all[other].goes_on(&format!("db{number}"));
        }
        nodes.all[leader].goes_on("through the one that was restarted");
    });
}

/// Ends the threads of a test, also when it fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A node with 64 MiB of memory, and callers that begin bodies and do not end them.
#[test]
fn unfinished_bodies_do_not_use_up_the_memory() {
    let Some(image) = Image::here() else { return };
    let options = [
        "-m",
        "64m",
        "--memory-swap",
        "64m",
        "--hostname",
        "greedy",
        "-p",
        "127.0.0.1::8091",
    ];
    let node = Container::start(&image, "greedy", &options, &["-single-server"]);
    node.wait_ready();
    let port = docker(&["port", &node.name, "8091/tcp"]);
    let at: SocketAddr = port
        .lines()
        .next()
        .and_then(|line| line.parse().ok())
        .expect("a published port");
    let attacks: [(&str, usize, usize, usize); 4] = [
        ("idle", 0, 1500, 0),
        ("/execute", 30 << 20, 40, 29 << 20),
        ("/execute", 6 << 20, 60, 5 << 20),
        ("/cluster/join", 64 << 10, 1500, 60 << 10),
    ];
    for (path, declared, count, sent) in attacks {
        let held = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..count / 20 {
                        let stream = begin_body(at, path, declared, sent);
                        held.lock().expect("held").extend(stream);
                    }
                });
            }
        });
        let rss = node_memory(&node);
        println!("{count} x {sent} of {declared} bytes to {path}: {rss}");
        drop(held);
        node.wait_ready();
        let created = http::post(at, "/execute", &wire::create_database("db"));
        assert_eq!(created.map(|answer| answer.status), Ok(200));
    }
    assert_eq!(
        node.inspect("{{.State.OOMKilled}} {{.RestartCount}}"),
        "false 0"
    );
}

/// Opens a connection with a part of a body. The node may close it meanwhile.
fn begin_body(at: SocketAddr, path: &str, declared: usize, sent: usize) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(5)).ok()?;
    stream
        .set_write_timeout(Some(Duration::from_secs(1)))
        .ok()?;
    if declared > 0 {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {at}\r\nContent-Length: {declared}\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        let _closed_or_full = stream.write_all(&vec![b' '; sent]);
    }
    Some(stream)
}

/// Memory of the container, of its limit.
fn node_memory(node: &Container) -> String {
    let format = "{{.MemUsage}}";
    docker(&["stats", "--no-stream", "--format", format, &node.name])
}
