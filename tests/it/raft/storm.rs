//! Random faults under load: kill, power loss, restart, cuts, resets, transfer of leadership,
//! members changed, volumes lost and replaced. After each storm everything heals and the records
//! are checked.
//!
//! A failure names its seed; `STORM_SEED=<seed>` runs that one alone. `MULTIPLY=<n>` runs n times
//! as many.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use influxdb_meta::base::{LogId, Name, RaftId};
use influxdb_meta::machine::Outcome;
use influxdb_meta::raft::{ChangeError, NotLeader, ProposeError, Raft, Role};
use influxdb_meta::runtime::{TaskHandle, Tasks};
use influxdb_meta::wire::state;
use tokio::time::Instant;

use super::basics::create;
use super::cluster::{Cluster, Options, Shared};
use super::world::{incarnation, ip};
use crate::seeded::Seeded;

/// Number of storms, each with a cluster of its own and `ROUNDS` faults. `MULTIPLY=10` makes 1,000
/// rounds.
const STORMS: u64 = 5;
const ROUNDS: u64 = 20;

/// An acknowledged write, with the times at which it was asked for and acknowledged.
#[derive(Clone, Debug)]
struct Ack {
    name: String,
    index: u64,
    asked: Instant,
    told: Instant,
}

/// Records of what is seen during a storm. They must hold at every moment.
#[derive(Default)]
struct Records {
    acks: Vec<Ack>,
    unknown: u64,
    /// Leader of each term.
    leaders: BTreeMap<u64, RaftId>,
    /// A short summary of the catalog at each applied log id, which must be the same on all
    /// members.
    summaries: BTreeMap<LogId, (u64, u64, i64)>,
}

impl Records {
    fn leads(&mut self, term: u64, id: RaftId) {
        let first = *self.leaders.entry(term).or_insert(id);
        assert_eq!(first, id, "two leaders in term {term}");
    }

    fn applied(&mut self, at: LogId, summary: (u64, u64, i64)) {
        let first = *self.summaries.entry(at).or_insert(summary);
        assert_eq!(first, summary, "replicas differ at {at}");
    }

    /// Checks that a write that was asked for after another was acknowledged got a higher index.
    fn check_order(&self) {
        let mut by_asked: Vec<&Ack> = self.acks.iter().collect();
        by_asked.sort_by_key(|ack| ack.asked);
        let mut by_told: Vec<&Ack> = self.acks.iter().collect();
        by_told.sort_by_key(|ack| ack.told);
        let (mut told, mut highest) = (by_told.into_iter().peekable(), 0);
        for ack in by_asked {
            while let Some(before) = told.next_if(|before| before.told < ack.asked) {
                highest = highest.max(before.index);
            }
            assert!(
                ack.index > highest,
                "{} got {}, after {highest} was told",
                ack.name,
                ack.index
            );
        }
    }
}

/// Processes that run now, for clients to find.
type Reach = Shared<BTreeMap<u64, (Raft, Tasks)>>;

struct Storm {
    cluster: Cluster,
    reach: Reach,
    records: Shared<Records>,
    /// Members that vote or are to vote; others are spares.
    voters: BTreeSet<u64>,
    next_raft_id: u64,
    watchers: Vec<TaskHandle<()>>,
    trace: Vec<String>,
}

#[test]
fn storms_lose_nothing_that_was_acknowledged() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds = match number("STORM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..STORMS * number("MULTIPLY").unwrap_or(1),
    };
    let (storms, mut idle) = (seeds.end - seeds.start, Vec::new());
    for seed in seeds {
        println!("storm {seed}");
        if run(seed) == 0 {
            idle.push(seed);
        }
    }
    // In one of many storms no majority ever exists between two faults. Such a storm proves nothing
    // about writes.
    assert!(
        storms == 1 || idle.len() as u64 * 10 <= storms,
        "nothing was acknowledged in {idle:?}"
    );
}

/// Runs one storm in a runtime of its own, with time that passes only when nothing else can happen.
/// Returns the number of acknowledged writes.
fn run(seed: u64) -> usize {
    let builder = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    builder.expect("a runtime").block_on(async {
        let mut storm = Storm::new(seed).await;
        let clients = storm.clients();
        for round in 0..ROUNDS {
            storm.round(round).await;
        }
        drop(clients);
        storm.heal_and_check().await
    })
}

impl Storm {
    async fn new(seed: u64) -> Self {
        let options = Options {
            snapshot_every: 40,
            ..Options::default()
        };
        let cluster = Cluster::founded(seed, 3, options).await;
        let mut storm = Self {
            cluster,
            reach: Reach::default(),
            records: Shared::default(),
            voters: [1, 2, 3].into(),
            next_raft_id: 4,
            watchers: Vec::new(),
            trace: Vec::new(),
        };
        for id in [1, 2, 3] {
            storm.watch(id);
        }
        storm
    }

    fn dice(&self, end: u64) -> u64 {
        self.cluster.rng.below(end)
    }

    fn pick(&self, among: &[u64]) -> Option<u64> {
        if among.is_empty() {
            return None;
        }
        Some(among[self.dice(among.len() as u64) as usize])
    }

    async fn round(&mut self, round: u64) {
        let running = self.cluster.running();
        let down: Vec<u64> = self
            .cluster
            .members
            .keys()
            .copied()
            .filter(|id| !running.contains(id))
            .collect();
        // Every other time the leader, because most goes wrong there.
        let leads = self
            .led()
            .map(|(id, _)| id)
            .filter(|_| self.cluster.rng.chance(50));
        let victim = leads.or_else(|| self.pick(&running));
        let what = self.dice(100);
        self.trace.push(format!(
            "{round}: {what} {victim:?} down {down:?} at {:?}",
            self.ends()
        ));
        match (what, victim) {
            (0..15, Some(id)) => self.end(id, |cluster| cluster.kill(id)),
            (15..25, Some(id)) => self.end(id, |cluster| cluster.pull_plug(id)),
            // All at once, as when one host runs them all and fails.
            (25..28, _) => {
                for id in running {
                    self.end(id, |cluster| {
                        if id % 2 == 0 {
                            cluster.kill(id)
                        } else {
                            cluster.pull_plug(id)
                        }
                    });
                }
            }
            (28..38, Some(id)) => {
                self.reach.lock().expect("sound").remove(&id);
                self.cluster.stop(id).await;
            }
            (38..60, Some(id)) => self.cut(id),
            (60..68, Some(id)) => {
                let others: Vec<u64> = running
                    .iter()
                    .copied()
                    .filter(|other| *other != id)
                    .collect();
                if let Some(other) = self.pick(&others) {
                    self.cluster
                        .network
                        .reset(self.address(id), self.address(other));
                }
            }
            (68..78, _) => self.cluster.network.heal_all(),
            (78..90, _) => self.change_members().await,
            (90..96, _) => self.replace_a_lost_volume().await,
            _ => {}
        }
        // Nodes are started with a higher probability than they are stopped, or little would
        // happen.
        for id in down {
            let still_down = self
                .cluster
                .members
                .get(&id)
                .is_some_and(|member| member.process.is_none());
            if still_down && self.cluster.rng.chance(60) {
                self.start(id).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(self.dice(900))).await;
    }

    fn address(&self, id: u64) -> std::net::IpAddr {
        self.cluster.members[&id].ip
    }

    /// Last applied entry of every member, for the trace that a failure prints.
    fn ends(&self) -> Vec<(u64, Option<LogId>)> {
        let applied = |id: u64| {
            self.cluster
                .raft(id)
                .and_then(|raft| raft.applied().borrow().last)
        };
        self.cluster
            .members
            .keys()
            .map(|id| (*id, applied(*id)))
            .collect()
    }

    fn end(&mut self, id: u64, how: impl FnOnce(&mut Cluster)) {
        self.reach.lock().expect("sound").remove(&id);
        how(&mut self.cluster);
    }

    async fn start(&mut self, id: u64) {
        self.cluster.start(id).await;
        self.watch(id);
    }

    /// Cuts one direction, both, or all links.
    fn cut(&mut self, id: u64) {
        let both = self.cluster.rng.chance(60);
        let others: Vec<u64> = self
            .cluster
            .members
            .keys()
            .copied()
            .filter(|other| *other != id)
            .collect();
        let all = self.cluster.rng.chance(50);
        let chosen = if all {
            others
        } else {
            self.pick(&others).into_iter().collect()
        };
        for other in chosen {
            self.cluster
                .cut(self.address(id), self.address(other), both);
        }
    }

    async fn change_members(&mut self) {
        let Some((_, leader)) = self.led() else {
            return;
        };
        let deadline = Instant::now() + Duration::from_secs(2);
        let spare: Vec<u64> = self
            .cluster
            .running()
            .into_iter()
            .filter(|id| !self.voters.contains(id))
            .collect();
        let mut voters = self.voters.clone();
        match self.pick(&spare) {
            Some(id) if voters.len() < 5 => {
                if leader
                    .add_learner(RaftId(id), incarnation(id), deadline)
                    .await
                    .is_err()
                {
                    return;
                }
                voters.insert(id);
            }
            _ if voters.len() > 3 => {
                let among: Vec<u64> = voters.iter().copied().collect();
                voters.remove(&self.pick(&among).expect("there are some"));
            }
            _ if self.cluster.members.len() < 6 => {
                let id = self.new_volume(None);
                self.start(id).await;
                return;
            }
            _ => return,
        }
        self.vote(&leader, voters, deadline).await;
    }

    /// Lets one of the voters come back with an empty volume: a new incarnation under a new Raft id
    /// takes its place in one joint change. This is done only while all other voters run, as an
    /// operator would do it, and is repeated until it is known to be done.
    async fn replace_a_lost_volume(&mut self) {
        let running = self.cluster.running();
        let Some((leads, leader)) = self.led() else {
            return;
        };
        let gone = self
            .voters
            .iter()
            .copied()
            .find(|id| !self.cluster.members.contains_key(id));
        let others: Vec<u64> = self
            .voters
            .iter()
            .copied()
            .filter(|id| *id != leads)
            .collect();
        let Some(lost) = gone.or_else(|| self.pick(&others)) else {
            return;
        };
        if !self
            .voters
            .iter()
            .all(|id| running.contains(id) || *id == lost)
        {
            return;
        }
        let at = self.cluster.members.get(&lost).map(|member| member.ip);
        self.end(lost, |cluster| cluster.kill(lost));
        self.cluster.members.remove(&lost);
        let id = self.new_volume(at);
        self.start(id).await;
        let deadline = Instant::now() + Duration::from_secs(3);
        let mut voters = self.voters.clone();
        voters.remove(&lost);
        if leader
            .add_learner(RaftId(id), incarnation(id), deadline)
            .await
            .is_ok()
        {
            voters.insert(id);
            self.vote(&leader, voters, deadline).await;
        }
    }

    async fn vote(&mut self, leader: &Raft, voters: BTreeSet<u64>, deadline: Instant) {
        let ids: Vec<RaftId> = voters.iter().copied().map(RaftId).collect();
        match leader.change_voters(&ids, deadline).await {
            Ok(()) => self.voters = voters,
            // The change may still happen: no member of either set may be thrown away before that
            // is known.
            Err(ChangeError::Unknown) => self.voters.extend(voters),
            Err(ChangeError::NotLeader { .. } | ChangeError::Refused(_)) => {}
        }
    }

    fn new_volume(&mut self, at: Option<std::net::IpAddr>) -> u64 {
        let id = self.next_raft_id;
        self.next_raft_id += 1;
        self.cluster.add(id, at.unwrap_or_else(|| ip(id)));
        id
    }

    /// Some running node that believes that it leads; it may have been deposed without knowing.
    fn led(&self) -> Option<(u64, Raft)> {
        let leads = |id: &u64| {
            self.cluster
                .status(*id)
                .is_some_and(|(_, s)| s.role == Role::Leader)
        };
        let id = self.cluster.running().into_iter().find(leads)?;
        Some((id, self.cluster.raft(id)?))
    }

    /// Watches a new process for the records, and lets clients reach it.
    fn watch(&mut self, id: u64) {
        let process = self.cluster.members[&id].process.as_ref().expect("it runs");
        let (raft, tasks, records) = (
            process.raft.clone(),
            process.env.tasks.clone(),
            self.records.clone(),
        );
        self.reach
            .lock()
            .expect("sound")
            .insert(id, (raft.clone(), tasks.clone()));
        let watch = async move {
            let (mut changed, mut applied) = (raft.changed(), raft.applied());
            loop {
                let status = raft.status();
                assert_eq!(status.halted, None, "node {id} halted");
                {
                    let mut records = records.lock().expect("sound");
                    if status.role == Role::Leader {
                        records.leads(status.term, RaftId(id));
                    }
                    let applied = applied.borrow_and_update();
                    if let Some(at) = applied.last {
                        let catalog = &applied.catalog;
                        records.applied(at, (catalog.term, catalog.index, catalog.last_at.0));
                    }
                }
                let more = tokio::select! {
                    biased;
                    more = changed.changed() => more.is_ok(),
                    more = applied.changed() => more.is_ok(),
                };
                if !more {
                    return;
                }
            }
        };
        self.watchers.push(tasks.spawn(watch));
    }

    /// Starts four clients that write new names, one after the other, wherever the leader is.
    fn clients(&self) -> Vec<TaskHandle<()>> {
        let host = Tasks::inline();
        let client = |number: u64| {
            let (reach, records) = (self.reach.clone(), self.records.clone());
            let rng = Seeded::new(self.dice(u64::MAX));
            host.spawn(async move { client(number, &reach, &records, &rng).await })
        };
        (0..4).map(client).collect()
    }

    /// Heals everything, waits, and checks the records against every replica.
    async fn heal_and_check(mut self) -> usize {
        self.cluster.network.heal_all();
        let all: Vec<u64> = self.cluster.members.keys().copied().collect();
        for id in all {
            if self.cluster.raft(id).is_none() {
                self.start(id).await;
            }
        }
        let (_, leader) = self.settle().await;
        // A lost volume whose replacement failed may still be a voter: there is no process to ask.
        let there = |id: &RaftId| self.cluster.members.contains_key(&id.0);
        let voters: Vec<u64> = leader
            .status()
            .voters
            .iter()
            .filter(|id| there(id))
            .map(|id| id.0)
            .collect();
        self.cluster
            .converged(&voters, 1, Duration::from_secs(10))
            .await;
        self.check(&voters);
        let records = self.records.lock().expect("sound");
        let (acks, unknown, terms) = (records.acks.len(), records.unknown, records.leaders.len());
        println!("  {acks} acknowledged, {unknown} unknown, {terms} terms");
        acks
    }

    /// Waits for a write that succeeds: what an earlier leader left open is decided by then.
    async fn settle(&mut self) -> (u64, Raft) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let led = self.led();
            if let Some((id, raft)) = led {
                let last = raft
                    .propose(create("the end"), Instant::now() + Duration::from_secs(1))
                    .await;
                if last.is_ok() {
                    return (id, raft);
                }
            }
            let statuses: Vec<_> = self
                .cluster
                .running()
                .into_iter()
                .filter_map(|id| self.cluster.status(id))
                .collect();
            assert!(
                Instant::now() < deadline,
                "no leader after the storm: {:#?}\n{statuses:?}",
                self.trace
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn check(&self, voters: &[u64]) {
        let records = self.records.lock().expect("sound");
        records.check_order();
        let applied = |id: &u64| {
            self.cluster
                .raft(*id)
                .expect("it runs")
                .applied()
                .borrow()
                .clone()
        };
        let first = state::encode(&applied(&voters[0]).catalog);
        for id in voters {
            let applied = applied(id);
            assert!(
                first == state::encode(&applied.catalog),
                "{id} differs from {}",
                voters[0]
            );
            for ack in &records.acks {
                let there = applied
                    .catalog
                    .databases
                    .get(&Name::from(&ack.name))
                    .is_some();
                assert!(there, "{id} lost {ack:?}");
            }
        }
    }
}

async fn client(number: u64, reach: &Reach, records: &Shared<Records>, rng: &Seeded) {
    let mut leader = None;
    for n in 0.. {
        tokio::time::sleep(Duration::from_millis(5 + rng.below(60))).await;
        let Some((raft, tasks)) = choose(reach, leader, rng) else {
            continue;
        };
        let (name, asked) = (format!("c{number}-{n}"), Instant::now());
        let deadline = asked + Duration::from_millis(300 + rng.below(1200));
        let body = create(&name);
        // Runs as a part of the process: a killed process answers no caller.
        let answer = tasks
            .killable(async move { raft.propose(body, deadline).await })
            .await;
        let told = Instant::now();
        let mut records = records.lock().expect("sound");
        match answer {
            Some(Ok(Outcome::Applied { index })) => records.acks.push(Ack {
                name,
                index,
                asked,
                told,
            }),
            Some(Ok(Outcome::Refused(refused))) => panic!("{name} refused: {refused}"),
            Some(Err(ProposeError::NotLeader(NotLeader { leader: there }))) => leader = there,
            Some(Err(ProposeError::Unknown(_))) | None => records.unknown += 1,
            Some(Err(_)) => leader = None,
        }
    }
}

fn choose(reach: &Reach, leader: Option<RaftId>, rng: &Seeded) -> Option<(Raft, Tasks)> {
    let reach = reach.lock().expect("sound");
    if let Some(found) = leader.and_then(|leader| reach.get(&leader.0)) {
        return Some(found.clone());
    }
    let any = rng.below(reach.len().max(1) as u64) as usize;
    reach.values().nth(any).cloned()
}
