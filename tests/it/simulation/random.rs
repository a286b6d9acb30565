//! Random lives: whole nodes that die, lose power or their volume, are cut off, renamed, added and
//! removed, in any order, under writes. At most one volume is lost at a time. Acknowledged writes
//! must survive, there is one cluster, and in the end all nodes that are to be members are.

use std::collections::BTreeSet;
use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::cluster::ClusterApi;
use influxdb_meta::machine::Outcome;
use influxdb_meta::wire::identity::Phase;
use tokio::time::{Instant, sleep, timeout};

use super::nodes::{Sim, host, ip};
use super::{SECOND, simulate};

const HOUR: Duration = Duration::from_secs(3600);
/// Limit for healing after the last fault: a pending that was given another Raft id waits, and a
/// removed node asks every two seconds.
const HEALS_WITHIN: Duration = Duration::from_secs(300);
const MOST_NODES: usize = 5;

#[test]
fn random_lives_lose_nothing_and_end_whole() {
    let (lives, long) = if std::env::var_os("SOAK").is_some() {
        (200, HOUR)
    } else {
        (2, HOUR / 12)
    };
    let first = std::env::var("LIFE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds = first.map_or(1..=lives, |seed: u64| seed..=seed);
    for seed in seeds {
        println!("life {seed}");
        simulate(Life::live(seed, long));
    }
}

struct Life {
    seed: u64,
    sim: Sim,
    /// Nodes that an operator removed and did not bring back.
    out: BTreeSet<usize>,
    /// Node whose volume was lost and that is not a member again yet.
    wiped: Option<usize>,
    acknowledged: Vec<String>,
    names: usize,
    told: Vec<String>,
}

impl Life {
    async fn live(seed: u64, long: Duration) {
        let mut sim = Sim::new(seed, 3);
        sim.start_all().await;
        sim.formed().await;
        let (out, acknowledged, told) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut life = Self {
            seed,
            sim,
            out,
            wiped: None,
            acknowledged,
            names: 0,
            told,
        };
        let end = Instant::now() + long;
        while Instant::now() < end {
            life.fault().await;
            life.write().await;
            sleep(Duration::from_millis(life.below(15_000) as u64)).await;
            life.check();
        }
        life.end().await;
    }

    async fn fault(&mut self) {
        let n = self.below(self.sim.nodes.len());
        let runs = self.sim.nodes[n].process.is_some();
        match self.below(16) {
            0 | 1 if runs => self.tell(format!("kill {n}"), |life| life.sim.kill(n)),
            2 if runs => self.tell(format!("power {n}"), |life| life.sim.power_off(n)),
            3 | 4 if runs && self.may_wipe(n) => self.tell(format!("wipe {n}"), |life| {
                life.sim.wipe(n);
                life.wiped = Some(n);
            }),
            5 if runs => {
                self.told.push(format!("stop {n}"));
                self.sim.stop(n).await;
            }
            6 => self.cut(),
            7 | 8 => self.tell("heal".to_owned(), |life| life.sim.network.heal_all()),
            9 if self.sim.nodes.len() < MOST_NODES => {
                let n = self.sim.add(|_| {});
                self.tell(format!("add {n}"), |_| {});
            }
            10 if runs && self.out.is_empty() => self.leave(n).await,
            11 if self.out.contains(&n) && runs => self.bring_back(n).await,
            _ => self.start_one().await,
        }
    }

    /// Starts each node that is down with a probability of one half.
    async fn start_one(&mut self) {
        let down: Vec<usize> = (0..self.sim.nodes.len())
            .filter(|n| self.sim.nodes[*n].process.is_none())
            .collect();
        for n in down {
            if self.below(2) == 0 {
                self.told.push(format!("start {n}"));
                self.sim.start(n).await;
            }
        }
    }

    /// Whether a volume may be lost: with a second one gone, or with fewer than three voters, the
    /// majority that holds a write might be gone.
    fn may_wipe(&mut self, n: usize) -> bool {
        if let Some(last) = self.wiped {
            let is_back = self.sim.nodes[last].process.is_some()
                && self.sim.view(last).phase == Phase::Member;
            self.wiped = self.wiped.filter(|_| !is_back);
        }
        self.wiped.is_none() && self.voters() >= 3 && !self.out.contains(&n)
    }

    fn voters(&self) -> usize {
        let running = (0..self.sim.nodes.len()).filter_map(|n| self.sim.status(n));
        running
            .filter(|status| status.leader.is_some())
            .map(|status| status.voters.len())
            .min()
            .unwrap_or(0)
    }

    fn cut(&mut self) {
        let (from, to) = (
            self.below(self.sim.nodes.len()),
            self.below(self.sim.nodes.len()),
        );
        if from == to {
            return;
        }
        let both_ways = self.below(2) == 0;
        self.told.push(format!("cut {from} {to} {both_ways}"));
        self.sim.network.cut(ip(from), ip(to));
        if both_ways {
            self.sim.network.cut(ip(to), ip(from));
        }
    }

    async fn leave(&mut self, n: usize) {
        if self.voters() < 4 || self.sim.view(n).phase != Phase::Member {
            return;
        }
        let done = self
            .sim
            .cluster(n)
            .leave("ops", Instant::now() + 9 * SECOND)
            .await;
        self.told.push(format!("leave {n}: {done:?}"));
        // A removal that was not done in time may still happen, so the node counts as removed
        // either way.
        self.out.insert(n);
    }

    async fn bring_back(&mut self, n: usize) {
        let Some(leader) = self.sim.leader() else {
            return;
        };
        let at = Address::new(&host(n), 8091);
        let done = self
            .sim
            .cluster(leader)
            .join(&at, Instant::now() + 9 * SECOND)
            .await;
        self.told.push(format!("back {n}: {done:?}"));
        // Refused, or without an answer: the operator asks again.
        if done.is_ok() {
            self.out.remove(&n);
        }
    }

    async fn write(&mut self) {
        let Some(leader) = self.sim.leader() else {
            return;
        };
        self.names += 1;
        let name = format!("db{}", self.names);
        let written = timeout(6 * SECOND, self.sim.create(leader, &name)).await;
        if matches!(written, Ok(Ok(Outcome::Applied { .. }))) {
            self.acknowledged.push(name);
        }
    }

    fn check(&self) {
        let running = || (0..self.sim.nodes.len()).filter(|n| self.sim.nodes[*n].process.is_some());
        let clusters: BTreeSet<_> = running()
            .filter_map(|n| self.sim.view(n).cluster_id)
            .collect();
        assert!(clusters.len() <= 1, "two clusters: {}", self.trace());
        for catalog in running()
            .filter(|n| self.sim.cluster(*n).raft().is_ok())
            .filter_map(|n| self.sim.catalog(n))
        {
            assert_eq!(catalog.check(), Ok(()), "{}", self.trace());
        }
    }

    async fn end(mut self) {
        self.sim.network.heal_all();
        for n in 0..self.sim.nodes.len() {
            if self.sim.nodes[n].process.is_none() {
                self.sim.start(n).await;
            }
        }
        let end = Instant::now() + HEALS_WITHIN;
        for n in std::mem::take(&mut self.out) {
            while self.sim.view(n).phase != Phase::Member && Instant::now() < end {
                self.bring_back(n).await;
                sleep(SECOND).await;
            }
        }
        let all: Vec<usize> = (0..self.sim.nodes.len()).collect();
        while !self.is_whole(&all) {
            assert!(Instant::now() < end, "not whole again: {}", self.trace());
            sleep(SECOND).await;
        }
        self.check();
    }

    fn is_whole(&self, all: &[usize]) -> bool {
        let has_all = |n: &usize| self.acknowledged.iter().all(|name| self.sim.has(*n, name));
        self.sim.are_members(all) && all.iter().all(has_all)
    }

    fn tell(&mut self, what: String, operation: impl FnOnce(&mut Self)) {
        self.told.push(what);
        operation(self);
    }

    fn below(&self, end: usize) -> usize {
        usize::try_from(self.sim.rng.below(end as u64)).expect("small")
    }

    fn trace(&self) -> String {
        format!(
            "seed {}: {}\n{}",
            self.seed,
            self.told.join(", "),
            self.sim.describe()
        )
    }
}
