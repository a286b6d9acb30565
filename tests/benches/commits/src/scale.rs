//! Cost of a commit in a big catalog, with a growing one, and with pollers; and how soon a poller
//! gets a commit.

use std::fmt;
use std::time::{Duration, Instant};

use crate::etcd::Etcd;
use crate::load::{self, Figures};
use crate::meta::Meta;
use crate::pollers::Pollers;
use crate::work::Work;
use crate::{CLIENTS, Effort, command};

#[derive(Clone, Copy)]
enum Size {
    Empty,
    Databases(usize),
    /// 2,000 databases with 500 shard groups.
    Groups,
    /// 2,000 databases with 100,000 shards, two in each group.
    Shards,
}

/// Rows of the result: each on nodes of its own, compared with an empty catalog and with etcd.
const ROWS: [(Size, bool, usize); 8] = [
    (Size::Empty, false, 0),
    (Size::Empty, true, 0),
    (Size::Groups, false, 0),
    (Size::Groups, true, 0),
    (Size::Shards, false, 0),
    (Size::Shards, true, 0),
    (Size::Databases(500), false, 20),
    (Size::Databases(500), true, 20),
];

const HOUR: i64 = 3_600_000_000_000;

pub async fn table(program: &str, effort: Effort) {
    let (empty, etcd) = (Meta::start(program, 9).await, Etcd::start().await);
    println!(
        "commits/s (p50 ms, p99 ms); in turns with an empty catalog of constant state, and with \
         etcd"
    );
    println!(
        "catalog                     | state    | pollers | clients | commits/s | of empty | \
         of etcd | RSS after"
    );
    for (size, grows, pollers) in ROWS {
        let meta = Meta::start(program, 10).await;
        fill(&meta, size).await;
        let _pollers = Pollers::start(&meta, pollers).await;
        let work = if grows {
            Work::growing()
        } else {
            Work::constant()
        };
        for clients in CLIENTS {
            let (mut here, mut there, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..effort.rounds {
                here.push(meta.run(clients, effort.span, &work).await);
                there.push(empty.run(clients, effort.span, &Work::constant()).await);
                theirs.push(etcd.run(clients, effort.span).await);
            }
            let [here, there, theirs] = [here, there, theirs].map(load::median);
            let of = |other: &Figures| here.rate / other.rate;
            let (of_empty, of_etcd, memory) = (of(&there), of(&theirs), meta.memory().join(", "));
            let state = if grows { "growing" } else { "constant" };
            println!(
                "{size:27} | {state:8} | {pollers:7} | {clients:7} | {here} | {of_empty:.2} | \
                 {of_etcd:.2} | {memory}"
            );
        }
    }
    println!("empty, at the end: RSS {}", empty.memory().join(", "));
    drop(empty);
    memory(program).await;
    for size in [Size::Empty, Size::Databases(500), Size::Shards] {
        latency(program, size).await;
    }
}

/// Memory after so many small commands and no others.
async fn memory(program: &str) {
    for (state, work) in [("constant", Work::constant()), ("growing", Work::growing())] {
        let meta = Meta::start(program, 10).await;
        meta.fill(64, (0..100_000).map(|_| work.next()).collect())
            .await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        println!(
            "RSS after 100,000 small commands, {state} state: {}",
            meta.memory().join(", ")
        );
    }
}

/// Time from the acknowledgement of a commit to the first answer that contains it, of a poller at
/// each node.
async fn latency(program: &str, size: Size) {
    let meta = Meta::start(program, 10).await;
    fill(&meta, size).await;
    let pollers = Pollers::start(&meta, 3).await;
    let mut clients = Vec::new();
    for k in 0..16 {
        let mut connection = meta.leader().await;
        clients.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..63 {
                let index = connection
                    .execute(&command::create_database(&format!("l{k}-{n}"), None))
                    .await;
                acknowledged.push((index, Instant::now()));
            }
            acknowledged
        }));
    }
    let mut acknowledged = Vec::new();
    for client in clients {
        acknowledged.extend(client.await.expect("a client"));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answers = pollers.answers();
    let mut took = Vec::new();
    for (index, at) in &acknowledged {
        for of_one in &answers {
            let first = of_one
                .iter()
                .find(|(seen, _)| seen >= index)
                .expect("a poller is told");
            took.push(first.1.saturating_duration_since(*at));
        }
    }
    took.sort();
    let (median, late, worst) = (
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1],
    );
    let (commits, count) = (
        acknowledged.len(),
        answers.iter().map(Vec::len).sum::<usize>(),
    );
    println!(
        "{size}: {commits} commits by 16 clients until each of 3 pollers has them: median \
         {median:.1?}, 99 % {late:.1?}, max {worst:.1?}; {count} answers"
    );
}

async fn fill(meta: &Meta, size: Size) {
    let (count, groups): (usize, i64) = match size {
        Size::Empty => return,
        Size::Databases(count) => (count, 0),
        Size::Groups => (2_000, 500),
        Size::Shards => (2_000, 50_000),
    };
    for k in 1..=4 {
        let node = command::create_data_node(&format!("data-{k}:8086"), &format!("data-{k}:8088"));
        let mut leader = meta.leader().await;
        // Refused until the leader knows that all members run a version that has data nodes and
        // such policies.
        while leader.try_execute(&node).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    meta.fill(64, databases(count)).await;
    let group = |k: i64| {
        command::create_shard_group(&format!("filled{}", k % 2_000), "rp", k / 2_000 * HOUR)
    };
    meta.fill(64, (0..groups).map(group).collect()).await;
}

fn databases(count: usize) -> Vec<Vec<u8>> {
    let policy = command::Policy {
        name: "rp",
        duration: 0,
        shard_group_duration: HOUR,
        replica_n: 2,
    };
    (0..count)
        .map(|k| command::create_database(&format!("filled{k}"), Some(&policy)))
        .collect()
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Empty => "empty",
            Self::Databases(count) => return f.pad(&format!("{count} databases")),
            Self::Groups => "2,000 databases, 500 groups",
            Self::Shards => "2,000 dbs, 100,000 shards",
        };
        f.pad(text)
    }
}
