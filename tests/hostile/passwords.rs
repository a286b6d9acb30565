//! Guessers of passwords.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::harness::http::{self, Response, request_with};
use crate::harness::node::{Node, Nodes, SOON};
use crate::harness::{ctl::influxd_ctl, wait_for, wire};

const SECRET: &str = "the same long text on all nodes";

/// Lower than the 10 of data nodes: a test build computes it in about as much time.
const COST: u32 = 6;

/// A node of its own that asks who calls, with these users, all admins.
fn with_users(names: &[String]) -> Nodes {
    let mut nodes = Nodes::new(1);
    nodes.set("INFLUXDB_META_AUTH_ENABLED", "true");
    nodes.set("INFLUXDB_META_INTERNAL_SHARED_SECRET", SECRET);
    nodes.start_all();
    nodes.wait_ready();
    let jwt = ["-auth-type", "jwt", "-secret", SECRET, "token"];
    let token = influxd_ctl(&jwt).stdout;
    let bearer = format!("Authorization: Bearer {}\r\n", token.trim());
    for name in names {
        let hash = bcrypt::hash(password(name), COST).expect("a hash");
        let body = wire::create_user(name, &hash, true);
        let created = ask(&nodes.all[0], "POST", "/execute", &bearer, &body).expect("an answer");
        wire::response(&created.body).expect("created");
    }
    nodes
}

fn password(name: &str) -> String {
    format!("the password of {name}")
}

fn basic(name: &str, password: &str) -> String {
    let pair = STANDARD.encode(format!("{name}:{password}"));
    format!("Authorization: Basic {pair}\r\n")
}

fn ask(
    node: &Node,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Result<Response, String> {
    let headers = format!("Host: {}\r\n{headers}", node.http());
    request_with(node.http(), method, path, &headers, body, SOON)
}

fn log_in(node: &Node, name: &str, password: &str) -> Result<u16, String> {
    ask(node, "GET", "/peers", &basic(name, password), b"").map(|answer| answer.status)
}

/// Logs in from another address of this machine.
fn log_in_from(from: Ipv4Addr, node: &Node, name: &str) -> Result<u16, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let connected = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.connect(node.http()).await?.into_std()
    });
    let mut stream = connected.map_err(|error| error.to_string())?;
    stream.set_nonblocking(false).expect("blocking");
    let head = format!(
        "GET /peers HTTP/1.1\r\nHost: {}\r\n{}Connection: close\r\n\r\n",
        node.http(),
        basic(name, &password(name))
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).map_err(|error| error.to_string())?;
    http::receive(node.http(), &mut stream, SOON).map(|answer| answer.status)
}

/// 80 guessers of one name fill the queue. Before, every other password was answered 503.
#[test]
fn guessers_of_one_name_lock_nobody_out() {
    let others: Vec<String> = (0..10).map(|n| format!("user{n}")).collect();
    let mut names = others.clone();
    names.push("root".to_owned());
    let nodes = with_users(&names);
    let node = &nodes.all[0];
    let (stop, busy) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for guesser in 0..80 {
            let (stop, busy) = (&stop, &busy);
            scope.spawn(move || {
                for guess in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    match log_in(node, "root", &format!("{guesser} {guess}")) {
                        Ok(401) => {}
                        Ok(503) => _ = busy.fetch_add(1, Ordering::Relaxed),
                        other => panic!("a guess: {other:?}"),
                    }
                }
            });
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("a full queue", SOON, || {
                match busy.load(Ordering::Relaxed) {
                    0 => Err("no guess was refused".to_owned()),
                    _ => Ok(()),
                }
            });
            for name in &others {
                assert_eq!(log_in(node, name, &password(name)), Ok(200), "{name}");
            }
            let elsewhere = Ipv4Addr::new(127, 99, 99, 99);
            assert_eq!(log_in_from(elsewhere, node, "root"), Ok(200));
            // Correct once is enough, also from where the guessers are.
            assert_eq!(log_in(node, "root", &password("root")), Ok(200));
        }));
        stop.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Loose on purpose: the unit tests count hashes. An unknown name took a seventh of the time, or a
/// hundredth at the cost of data nodes.
#[test]
fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let nodes = with_users(&["root".to_owned()]);
    let node = &nodes.all[0];
    let median = |name: &str| {
        let mut times: Vec<Duration> = (0..15)
            .map(|n| {
                let begin = Instant::now();
                assert_eq!(log_in(node, name, &format!("wrong {n}")), Ok(401));
                begin.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    };
    // Twice, side by side: a machine that is busy for a moment decides nothing.
    wait_for("equal times", SOON, || {
        let (known, unknown) = (median("root"), median("nobody"));
        let ratio = known.as_secs_f64() / unknown.as_secs_f64();
        if (0.4..2.5).contains(&ratio) {
            Ok(())
        } else {
            Err(format!("{known:?} known, {unknown:?} unknown"))
        }
    });
}
