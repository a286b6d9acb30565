//! Figures, not checks: `make figures` runs these with the release build and prints them. No time
//! is asserted here: machines differ, and a slow one is not a defect.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::node::{AT_LAST, Nodes};
use crate::harness::wait_for;
use crate::harness::writers::{Writers, assert_kept};

const RUNS: usize = 20;

#[test]
#[ignore = "prints figures; see make figures"]
fn start_to_listening() {
    let mut nodes = Nodes::new(1);
    let took = (0..RUNS).map(|_| {
        let node = &mut nodes.all[0];
        let start = Instant::now();
        node.start();
        while TcpStream::connect(node.http()).is_err() {
            std::thread::sleep(Duration::from_micros(200));
        }
        let took = start.elapsed();
        node.wait_ready();
        node.kill();
        took
    });
    print("process start to listening", took.collect());
}

#[test]
#[ignore = "prints figures; see make figures"]
fn last_node_started_to_ready() {
    let took = (0..RUNS).map(|_| {
        let mut nodes = Nodes::new(3);
        nodes.all[0].start();
        nodes.all[1].start();
        nodes.all[0].wait_says(&format!("1 of 3 founders: {}:8091", nodes.all[2].ip));
        let start = Instant::now();
        nodes.all[2].start();
        nodes.wait_ready();
        start.elapsed()
    });
    print("last node started to all ready", took.collect());
}

#[test]
#[ignore = "prints figures; see make figures"]
fn leader_killed_to_next_acknowledged_write() {
    leader_gone(
        "SIGKILL of the leader to the next acknowledged write",
        |nodes, leader| {
            nodes.all[leader].kill();
        },
    );
}

#[test]
#[ignore = "prints figures; see make figures"]
fn leader_terminated_to_next_acknowledged_write() {
    leader_gone(
        "SIGTERM of the leader to the next acknowledged write",
        |nodes, leader| {
            nodes.all[leader].signal("TERM");
        },
    );
}

#[test]
#[ignore = "prints figures; see make figures"]
fn wiped_node_back_as_a_voter() {
    let mut nodes = Nodes::formed(3);
    let took = (0..RUNS).map(|run| {
        nodes.wait_voters(&[0, 1, 2]);
        let wiped = run % 3;
        nodes.all[wiped].kill();
        nodes.all[wiped].wipe();
        let start = Instant::now();
        nodes.all[wiped].start();
        wait_votes(&nodes, wiped);
        start.elapsed()
    });
    print("wiped node started to a voter again", took.collect());
}

#[test]
#[ignore = "prints figures; see make figures"]
fn fresh_fourth_node_to_a_voter() {
    let took = (0..RUNS).map(|_| {
        let mut nodes = Nodes::formed(3);
        nodes.wait_voters(&[0, 1, 2]);
        let four = nodes.add();
        let start = Instant::now();
        nodes.all[four].start();
        wait_votes(&nodes, four);
        start.elapsed()
    });
    print("fresh fourth node started to a voter", took.collect());
}

/// Waits until the node itself says that it has a vote.
fn wait_votes(nodes: &Nodes, n: usize) {
    wait_for("a vote", AT_LAST, || {
        match nodes.all[n].get("/readyz?voter")? {
            r if r.status == 200 => Ok(()),
            r => Err(r.text()),
        }
    });
}

/// Measures for how long no write was acknowledged when the leader went.
fn leader_gone(what: &str, go: impl Fn(&mut Nodes, usize)) {
    let mut nodes = Nodes::formed(3);
    let writers = Writers::start(2, nodes.all.iter().map(|n| n.http()).collect());
    let mut gaps = Vec::new();
    for _ in 0..RUNS {
        writers.wait_progress();
        let leader = nodes.leader();
        let gone = Instant::now();
        go(&mut nodes, leader);
        writers.wait_progress();
        std::thread::sleep(Duration::from_millis(200));
        gaps.push(longest_gap(&writers, gone));
        if nodes.all[leader].is_running() {
            assert_eq!(
                nodes.all[leader].wait_exit(Duration::from_secs(10)),
                Some(0)
            );
        }
        nodes.all[leader].start();
        nodes.wait_ready();
    }
    assert_kept(&writers.finish(), &nodes.wait_equal().databases);
    print(what, gaps);
}

/// Longest time without an acknowledged write that ended after `gone`.
fn longest_gap(writers: &Writers, gone: Instant) -> Duration {
    let mut times: Vec<Instant> = writers.acknowledged().iter().map(|a| a.at).collect();
    times.sort();
    let after = times.windows(2).filter(|pair| pair[1] > gone);
    after
        .map(|pair| pair[1].duration_since(pair[0].max(gone)))
        .max()
        .unwrap_or_default()
}

fn print(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let ms = |d: &Duration| d.as_secs_f64() * 1e3;
    let (median, max) = (
        ms(&took[took.len() / 2]),
        took.last().map(ms).unwrap_or_default(),
    );
    println!(
        "{what}: median {median:.1} ms, max {max:.1} ms, {} runs",
        took.len()
    );
}
