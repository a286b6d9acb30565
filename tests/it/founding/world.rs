//! A simulated world of volumes, processes, names and polls around the founding state machine,
//! driven one small step at a time.
//!
//! Nothing here waits: time is a number, a poll is two steps (the callee answers, the answer
//! arrives), an fsync is one, and any process may die between two steps. An abstract Raft stands in
//! for the real one: an open majority of a founder set can acknowledge a write, which is then on
//! their volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use influxdb_meta::base::{Address, ClusterId, Incarnation, ProcessId};
use influxdb_meta::cluster::PollError;
use influxdb_meta::cluster::founding::{
    Action, Block, Event, Founding, FoundingSetup, StoreReason, Verdict,
};
use influxdb_meta::cluster::identity::record::{IdentityRecord, MembershipState};
use influxdb_meta::wire::identity::{Identity, Phase};

/// Mistakes built into the world, as if the state machine had made them. The invariants must notice
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    Nothing,
    /// The answer of a missing founder is made up once a majority answers.
    Majority,
    /// Every fresh founder is shown as one that has accepted.
    NoAccept,
    /// A started founder set that names this node is not seen.
    NoFollow,
    /// A crash loses `started`.
    StartedNotDurable,
}

/// Contents of a data directory.
#[derive(Clone)]
pub(super) struct Volume {
    pub(super) record: IdentityRecord,
    /// Acknowledged writes in this volume's log, each with its cluster.
    pub(super) writes: BTreeSet<(ClusterId, u64)>,
}

pub(super) struct Process {
    pub(super) founding: Founding,
    started_at: Duration,
    storing: Option<(IdentityRecord, StoreReason)>,
    polls: BTreeMap<Address, Poll>,
    /// Whether Raft is open: it votes and holds writes.
    pub(super) open: bool,
    /// Last answer of each address, for planted mistakes.
    last_good: BTreeMap<Address, Identity>,
}

struct Poll {
    number: u64,
    answer: Option<Vec<Result<Identity, PollError>>>,
}

/// Configuration that a node is started with.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) peers: Vec<Address>,
    pub(super) expect: u64,
    pub(super) name: String,
    pub(super) hostname: Option<Address>,
    /// `-single-server`.
    pub(super) alone: bool,
}

pub(super) struct Slot {
    pub(super) volume: Option<Volume>,
    pub(super) process: Option<Process>,
    pub(super) config: Config,
}

pub(super) struct World {
    pub(super) rng: Rand,
    pub(super) now: Duration,
    /// Number of founders, which are the first slots; later slots came later.
    pub(super) founders: usize,
    pub(super) slots: Vec<Slot>,
    /// Name or IP address → the slots that answer there.
    pub(super) names: BTreeMap<Address, Vec<usize>>,
    pub(super) planted: Planted,
    /// Node to which answers arrive late.
    pub(super) slow: Option<usize>,
    /// Whether nodes cannot reach their own names.
    pub(super) unreachable_from_itself: bool,
    pub(super) polls_begun: u64,
    next_write: u64,
    pub(super) history: History,
}

/// Record of what happened, for the invariants.
#[derive(Default)]
pub(super) struct History {
    /// Every incarnation that was ever on a disk.
    pub(super) durable: BTreeSet<Incarnation>,
    /// First start of each incarnation.
    pub(super) started: BTreeMap<Incarnation, ClusterId>,
    pub(super) seats: BTreeMap<(ClusterId, u64), Incarnation>,
    /// Founder list of every cluster that was ever started.
    pub(super) lists: BTreeMap<ClusterId, Vec<Address>>,
    /// Slot and cluster of a start by founding.md F7 that just became durable.
    pub(super) just_started: Option<(usize, ClusterId)>,
    pub(super) broken: Vec<String>,
}

const ROUND_TRIP: Duration = Duration::from_millis(2);

pub(super) fn name(slot: usize) -> Address {
    Address::new(&format!("meta-{}", slot + 1), 8091)
}

fn ip(slot: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, u8::try_from(slot + 1).expect("few slots")])
}

impl World {
    /// Makes `founders` nodes with volumes of their own and the right configuration. None of them
    /// runs.
    pub(super) fn new(seed: u64, founders: usize) -> Self {
        let peers: Vec<Address> = (0..founders).map(name).collect();
        let mut world = Self {
            rng: Rand(seed),
            now: Duration::from_secs(1000),
            founders,
            slots: Vec::new(),
            names: BTreeMap::new(),
            planted: Planted::Nothing,
            slow: None,
            unreachable_from_itself: false,
            polls_begun: 0,
            next_write: 0,
            history: History::default(),
        };
        for slot in 0..founders {
            world.add_slot(peers.clone());
            world.names.insert(name(slot), vec![slot]);
        }
        world
    }

    pub(super) fn add_slot(&mut self, peers: Vec<Address>) -> usize {
        let slot = self.slots.len();
        let expect = peers.len() as u64;
        let config = Config {
            peers,
            expect,
            name: "demo".to_owned(),
            hostname: None,
            alone: false,
        };
        self.slots.push(Slot {
            volume: None,
            process: None,
            config,
        });
        self.names
            .insert(Address::new(&ip(slot).to_string(), 8091), vec![slot]);
        slot
    }

    // Faults and restarts of nodes.

    pub(super) fn start(&mut self, slot: usize) {
        if self.slots[slot].process.is_some() {
            return;
        }
        if self.slots[slot].volume.is_none() {
            // founding.md P1: an incarnation is durable before any other node can hear of it. So
            // it is on the volume before the process exists.
            let incarnation = Incarnation(self.rng.bytes());
            self.history.durable.insert(incarnation);
            self.slots[slot].volume = Some(Volume {
                record: IdentityRecord::fresh(incarnation),
                writes: BTreeSet::new(),
            });
        }
        let seed = self.rng.next();
        let Slot {
            volume: Some(volume),
            config,
            ..
        } = &self.slots[slot]
        else {
            return;
        };
        let setup = FoundingSetup {
            peers: config.peers.clone(),
            expect: config.expect,
            alone: config.alone,
            ordered: false,
            cluster_name: config.name.clone(),
            version: "test".to_owned(),
            named: config.hostname.clone(),
            host_name: Address::new(&format!("container-{slot}"), 8091),
            raft_port: 8089,
            with_secret: false,
            process: ProcessId(seed.to_be_bytes()),
            seed,
        };
        let open = volume.record.seat().is_some();
        let founding = Founding::new(setup, volume.record.clone(), Duration::ZERO);
        self.slots[slot].process = Some(Process {
            founding,
            started_at: self.now,
            storing: None,
            polls: BTreeMap::new(),
            open,
            last_good: BTreeMap::new(),
        });
        self.give(slot, Event::Tick);
    }

    pub(super) fn crash(&mut self, slot: usize) {
        self.slots[slot].process = None;
        let planted = self.planted;
        if let (Planted::StartedNotDurable, Some(volume)) = (planted, &mut self.slots[slot].volume)
        {
            volume.record.standing = MembershipState::Fresh;
        }
    }

    pub(super) fn wipe(&mut self, slot: usize) {
        self.crash(slot);
        self.slots[slot].volume = None;
    }

    /// Crashes the node as if right before its `started` was on disk.
    pub(super) fn forget_start(&mut self, slot: usize) {
        self.crash(slot);
        if let Some(volume) = &mut self.slots[slot].volume {
            volume.record.standing = MembershipState::Fresh;
        }
    }

    // Steps of processes.

    pub(super) fn give(&mut self, slot: usize, event: Event) {
        let Some(process) = &mut self.slots[slot].process else {
            return;
        };
        let actions = process
            .founding
            .handle(self.now - process.started_at, event);
        for action in actions {
            match action {
                Action::Poll { at, number } => {
                    self.polls_begun += 1;
                    let before = process.polls.insert(
                        at,
                        Poll {
                            number,
                            answer: None,
                        },
                    );
                    assert!(
                        before.is_none(),
                        "two polls of one peer in flight (rule 3.1)"
                    );
                }
                Action::Store { record, why } => {
                    assert!(
                        process.storing.is_none(),
                        "a store while a store is in flight"
                    );
                    process.storing = Some((*record, why));
                }
            }
        }
    }

    /// Ends the fsync of a decided record.
    pub(super) fn finish_store(&mut self, slot: usize) {
        let Some(process) = &mut self.slots[slot].process else {
            return;
        };
        let Some((record, why)) = process.storing.take() else {
            return;
        };
        process.open = true;
        if let (StoreReason::Start, Some(seat)) = (why, record.seat()) {
            self.history.just_started = Some((slot, seat.cluster_id));
        }
        if let Some(volume) = &mut self.slots[slot].volume {
            volume.record = record.clone();
        }
        self.give(slot, Event::Stored(record));
    }

    pub(super) fn is_storing(&self, slot: usize) -> bool {
        self.slots[slot]
            .process
            .as_ref()
            .is_some_and(|process| process.storing.is_some())
    }

    pub(super) fn polls(&self, slot: usize) -> Vec<(Address, bool)> {
        let Some(process) = &self.slots[slot].process else {
            return Vec::new();
        };
        process
            .polls
            .iter()
            .map(|(at, poll)| (at.clone(), poll.answer.is_some()))
            .collect()
    }

    /// Delivers a poll to the nodes that answer there now. Each callee takes the caller's identity
    /// as a hint.
    pub(super) fn answer_poll(&mut self, slot: usize, at: &Address, lost: impl Fn(usize) -> bool) {
        let Some(process) = &self.slots[slot].process else {
            return;
        };
        let ours = process.founding.identity();
        let mut results = Vec::new();
        for callee in self.names.get(at).cloned().unwrap_or_default() {
            let Some(process) = self.slots[callee]
                .process
                .as_ref()
                .filter(|_| !lost(callee))
            else {
                results.push(Err(PollError::Refused));
                continue;
            };
            results.push(Ok(process.founding.identity()));
            let hint = Event::Hint {
                http: ours.http.clone(),
                theirs: Some(Box::new(ours.clone())),
                from: Some(ip(slot)),
            };
            self.give(callee, hint);
        }
        let process = self.slots[slot].process.as_mut();
        if let Some(poll) = process.and_then(|process| process.polls.get_mut(at)) {
            poll.answer = Some(results);
        }
    }

    /// Delivers the answer, which may be old by now; a poll without an answer fails.
    pub(super) fn deliver(&mut self, slot: usize, at: &Address) {
        let Some(process) = &mut self.slots[slot].process else {
            return;
        };
        let Some(poll) = process.polls.remove(at) else {
            return;
        };
        let mut results = poll.answer.unwrap_or_else(|| vec![Err(PollError::Timeout)]);
        self.plant(slot, at, &mut results);
        self.give(
            slot,
            Event::Polled {
                at: at.clone(),
                number: poll.number,
                results,
            },
        );
    }

    fn plant(&mut self, slot: usize, at: &Address, results: &mut Vec<Result<Identity, PollError>>) {
        let planted = self.planted;
        let Some(process) = &mut self.slots[slot].process else {
            return;
        };
        let ours = process.founding.identity();
        match results.iter().find_map(|result| result.as_ref().ok()) {
            Some(good) => drop(process.last_good.insert(at.clone(), good.clone())),
            None => drop(process.last_good.remove(at)),
        }
        match planted {
            Planted::Nothing | Planted::StartedNotDurable => {}
            Planted::NoFollow => {
                for theirs in results
                    .iter_mut()
                    .flatten()
                    .filter(|theirs| theirs.is_of_a_cluster())
                {
                    theirs.vector = None;
                }
            }
            Planted::NoAccept => {
                let open =
                    |theirs: &&mut Identity| matches!(theirs.phase, Phase::Fresh | Phase::Accepted);
                for theirs in results.iter_mut().flatten().filter(open) {
                    theirs.phase = Phase::Accepted;
                    theirs.vector = ours.vector.clone();
                }
            }
            Planted::Majority => {
                let others = process
                    .last_good
                    .keys()
                    .filter(|at| ours.list.contains(at))
                    .count();
                if results.iter().all(Result::is_err) && others * 2 > ours.list.len() {
                    let made_up = Incarnation([at.to_string().as_bytes()[5]; 16]);
                    let http = at.clone();
                    *results = vec![Ok(Identity {
                        incarnation: made_up,
                        http: http.clone(),
                        raft: http.with_port(8089),
                        phase: Phase::Accepted,
                        ..ours
                    })];
                }
            }
        }
    }

    /// Ends the poll of this address with this result. Begins one if there is none.
    pub(super) fn answer_with(
        &mut self,
        slot: usize,
        at: &Address,
        result: Result<Identity, PollError>,
    ) {
        for _ in 0..1000 {
            let process = self.slots[slot].process.as_mut().expect("runs");
            if let Some(poll) = process.polls.remove(at) {
                let event = Event::Polled {
                    at: at.clone(),
                    number: poll.number,
                    results: vec![result],
                };
                return self.give(slot, event);
            }
            self.now += Duration::from_millis(20);
            self.give(slot, Event::Tick);
        }
        panic!("slot {slot} never polls {at}");
    }

    /// Delivers this identity as a hint, posted from an address of its own.
    pub(super) fn hint(&mut self, slot: usize, theirs: &Identity) {
        // Longer than the shortest pause (50 ms) between two polls of one address.
        self.now += Duration::from_millis(60);
        let from = Some(IpAddr::from([10, 9, 9, 9]));
        self.give(
            slot,
            Event::Hint {
                http: theirs.http.clone(),
                theirs: Some(Box::new(theirs.clone())),
                from,
            },
        );
    }

    /// Waits until this node polls each founder, then lets all these polls be answered now and
    /// arrive later.
    pub(super) fn hold_answers(&mut self, slot: usize) {
        let all_under_way = |world: &Self| {
            let polls = world.polls(slot);
            (0..world.founders).all(|other| polls.iter().any(|(at, _)| *at == name(other)))
        };
        while !all_under_way(self) {
            self.now += Duration::from_millis(20);
            self.give(slot, Event::Tick);
        }
        for (at, _) in self.polls(slot) {
            self.answer_poll(slot, &at, |_| false);
        }
    }

    /// From here on this node's Raft knows a leader.
    pub(super) fn lead(&mut self, slot: usize) {
        self.give(
            slot,
            Event::Cluster {
                leader_known: true,
                members: Vec::new(),
                registered: None,
            },
        );
    }

    pub(super) fn identity(&self, slot: usize) -> Option<Identity> {
        self.slots[slot]
            .process
            .as_ref()
            .map(|process| process.founding.identity())
    }

    pub(super) fn alarm(&self, slot: usize) -> Option<Block> {
        let process = self.slots[slot].process.as_ref()?;
        process.founding.alarm(self.now - process.started_at)
    }

    /// Addresses of the founders in this node's founder set that are gone.
    pub(super) fn gone(&self, slot: usize) -> Vec<Address> {
        let Some(process) = &self.slots[slot].process else {
            return Vec::new();
        };
        let origin = process.founding.record().origin().into_iter();
        let founders = origin.flat_map(|origin| &origin.vector);
        let founders: Vec<_> = founders
            .map(|entry| (entry.http.clone(), entry.incarnation))
            .collect();
        process.founding.lost_voters(&founders)
    }

    pub(super) fn describe(&self) -> String {
        let state = |slot: usize| {
            let verdict = self
                .verdict(slot)
                .map_or("down".to_owned(), |v| format!("{v:?}"));
            format!(
                "{slot}: {:?} in {:?}: {verdict}",
                self.phase(slot),
                self.slots[slot].cluster()
            )
        };
        (0..self.slots.len())
            .map(state)
            .collect::<Vec<_>>()
            .join("\n")
    }

    // The abstract Raft.

    /// Slots whose open Raft is a founder of this cluster.
    fn open_founders(&self, cluster: ClusterId) -> Vec<usize> {
        let is_open = |slot: &usize| {
            let slot = &self.slots[*slot];
            let open = slot.process.as_ref().is_some_and(|process| process.open);
            open && slot.cluster() == Some(cluster)
        };
        (0..self.slots.len()).filter(is_open).collect()
    }

    /// Clusters that can elect a leader now: a majority of the founder set's own incarnations is
    /// open.
    pub(super) fn electing(&self) -> Vec<(ClusterId, Vec<usize>)> {
        let clusters: BTreeSet<ClusterId> = self.slots.iter().filter_map(Slot::cluster).collect();
        let with_founders = clusters.into_iter().map(|id| (id, self.open_founders(id)));
        let elects = |(_, open): &(ClusterId, Vec<usize>)| {
            let founders = open.first().and_then(|slot| self.slots[*slot].founders());
            let distinct: BTreeSet<Incarnation> = open
                .iter()
                .filter_map(|slot| self.slots[*slot].incarnation())
                .collect();
            founders.is_some_and(|founders| distinct.len() * 2 > founders)
        };
        with_founders.filter(elects).collect()
    }

    /// Acknowledges a write by some majority of some cluster.
    pub(super) fn write(&mut self) {
        let electing = self.electing();
        if electing.is_empty() {
            return;
        }
        let (cluster, mut open) = electing[self.rng.below(electing.len())].clone();
        let founders = self.slots[open[0]].founders().unwrap_or_default();
        while open.len() * 2 > founders + 1 && self.rng.one_in(2) {
            open.remove(self.rng.below(open.len()));
        }
        self.next_write += 1;
        for slot in open {
            if let Some(volume) = &mut self.slots[slot].volume {
                volume.writes.insert((cluster, self.next_write));
            }
        }
    }

    pub(super) fn verdict(&self, slot: usize) -> Option<&Verdict> {
        self.slots[slot]
            .process
            .as_ref()
            .map(|process| process.founding.verdict())
    }

    pub(super) fn phase(&self, slot: usize) -> Option<Phase> {
        self.slots[slot]
            .process
            .as_ref()
            .map(|process| process.founding.identity().phase)
    }

    /// Runs one fair round. Time goes on by one round trip while a poll is under way, otherwise to
    /// the next wake-up (at most 1 s). Then every node that is due is woken, every poll is answered
    /// and delivered, and every fsync ends.
    pub(super) fn round(&mut self) {
        let wakes: Vec<Option<Duration>> = (0..self.slots.len())
            .map(|slot| self.wake_at(slot))
            .collect();
        let is_busy =
            |slot| self.is_storing(slot) || !self.polls(slot).is_empty() && self.slow != Some(slot);
        let (soonest, latest) = (self.now + ROUND_TRIP, self.now + Duration::from_secs(1));
        let next = if (0..self.slots.len()).any(is_busy) {
            None
        } else {
            Some(latest)
        };
        self.now = next.map_or(soonest, |latest| {
            wakes
                .iter()
                .flatten()
                .min()
                .map_or(latest, |at| (*at).clamp(soonest, latest))
        });
        for (slot, wake) in wakes.into_iter().enumerate() {
            if wake.is_some_and(|at| at <= self.now) {
                self.give(slot, Event::Tick);
            }
            let itself = self.unreachable_from_itself;
            for (at, is_answered) in self.polls(slot) {
                if !is_answered {
                    self.answer_poll(slot, &at, |callee| itself && callee == slot);
                }
                if self.slow != Some(slot) {
                    self.deliver(slot, &at);
                }
            }
            self.finish_store(slot);
        }
        super::invariants::check(self);
    }

    fn wake_at(&self, slot: usize) -> Option<Duration> {
        let process = self.slots[slot].process.as_ref()?;
        Some(process.started_at + process.founding.wake_at(self.now - process.started_at)?)
    }

    /// Runs fair rounds until `done` holds, for at most `limit`.
    pub(super) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) && self.now < end {
            self.round();
        }
        done(self)
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }
}

impl Slot {
    pub(super) fn cluster(&self) -> Option<ClusterId> {
        Some(self.volume.as_ref()?.record.seat()?.cluster_id)
    }

    pub(super) fn incarnation(&self) -> Option<Incarnation> {
        Some(self.volume.as_ref()?.record.incarnation)
    }

    pub(super) fn founders(&self) -> Option<usize> {
        Some(self.volume.as_ref()?.record.origin()?.vector.len())
    }

    pub(super) fn list(&self) -> Option<&[Address]> {
        Some(&self.volume.as_ref()?.record.origin()?.list)
    }
}

/// SplitMix64: small, and the same on every platform.
pub(super) struct Rand(pub(super) u64);

impl Rand {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("small")
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next().to_be_bytes());
        bytes
    }
}
