//! Commits per second of three meta nodes compared with three etcd members, on one disk, in one
//! run, in turns.
//!
//! `cargo run --release -- <influxd-meta> [seconds per point] [rounds]`; with `scale` before the
//! numbers, also with growing state, big catalogs and pollers. Needs `etcd` (Debian: etcd-server)
//! on the path. A commit of a meta node is a `CreateDatabase` of one name (with growing state:
//! another name each time) by `POST /execute` on keep-alive connections to the leader. A commit of
//! etcd is a put of one key to the leader over at most 16 HTTP/2 connections. Prints medians and
//! ratios.

#[path = "../../../harness/data_node/command.rs"]
#[allow(dead_code, reason = "the tests send more of them")]
mod command;
mod connection;
mod etcd;
mod load;
mod meta;
mod pollers;
#[path = "../../../harness/data_node/proto.rs"]
#[allow(dead_code, reason = "the tests read more of it")]
mod proto;
mod scale;
mod work;

use std::time::Duration;

use etcd::Etcd;
use meta::Meta;
use work::Work;

const CLIENTS: [usize; 3] = [1, 16, 64];

/// Duration and number of the measurements of each point: the median counts.
#[derive(Clone, Copy)]
struct Effort {
    span: Duration,
    rounds: usize,
}

#[tokio::main]
async fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let with_scale = args
        .iter()
        .position(|arg| arg == "scale")
        .map(|at| args.remove(at))
        .is_some();
    let program = args
        .first()
        .expect("usage: commits <influxd-meta> [scale] [seconds] [rounds]");
    let number = |at: usize, default: u64| {
        args.get(at)
            .map_or(default, |arg| arg.parse().expect("a number"))
    };
    let effort = Effort {
        span: Duration::from_secs(number(1, if with_scale { 2 } else { 4 })),
        rounds: number(2, 3) as usize,
    };
    if with_scale {
        scale::table(program, effort).await
    } else {
        beside_etcd(program, effort).await
    }
}

async fn beside_etcd(program: &str, effort: Effort) {
    let (meta, etcd) = (Meta::start(program, 9).await, Etcd::start().await);
    println!(
        "clients | influxdb-meta commits/s (p50 ms, p99 ms) | etcd commits/s (p50 ms, p99 ms) | \
         ratio"
    );
    for clients in CLIENTS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            ours.push(meta.run(clients, effort.span, &Work::constant()).await);
            theirs.push(etcd.run(clients, effort.span).await);
        }
        let (ours, theirs) = (load::median(ours), load::median(theirs));
        println!(
            "{clients:7} | {ours} | {theirs} | {:.2}",
            ours.rate / theirs.rate
        );
    }
    println!("RSS after: {}", meta.memory().join(", "));
}
