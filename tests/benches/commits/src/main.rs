//! Commits per second of three meta nodes beside three etcd members, on one disk, in one run, in turns.
//!
//! `cargo run --release -- <influxd-meta> [seconds per point] [rounds]`. Needs `etcd` (Debian: etcd-server) on the
//! path. A commit here is a `CreateDatabase` of one name by `POST /execute` on keep-alive connections to the
//! leader; there, a put of one key to the leader over at most 16 HTTP/2 connections. Prints medians and ratios.

mod etcd;
mod load;
mod meta;

use std::time::Duration;

const CLIENTS: [usize; 3] = [1, 16, 64];

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let program = args.next().expect("usage: commits <influxd-meta> [seconds] [rounds]");
    let seconds: u64 = args.next().map_or(4, |s| s.parse().expect("seconds"));
    let rounds: usize = args.next().map_or(3, |s| s.parse().expect("rounds"));
    let span = Duration::from_secs(seconds);

    let meta = meta::Meta::start(&program).await;
    let etcd = etcd::Etcd::start().await;
    println!("clients | influxdb-meta commits/s (p50 ms, p99 ms) | etcd commits/s (p50 ms, p99 ms) | ratio");
    for clients in CLIENTS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(meta.run(clients, span).await);
            theirs.push(etcd.run(clients, span).await);
        }
        let (ours, theirs) = (load::median(ours), load::median(theirs));
        println!("{clients:7} | {ours} | {theirs} | {:.2}", ours.rate / theirs.rate);
    }
    println!("RSS after: {}", meta.memory());
}
