//! A simulated world of volumes, names and links around the membership state machine, driven one
//! small step at a time.
//!
//! Nothing here waits: time is a number. A node is a slot with a volume (which may be wiped) and a
//! name (which may move). A set of cut links says which nodes cannot reach each other. Raft finds
//! its members under any name, because the handshake decides who is who; polls and call-backs use
//! names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use influxdb_meta::base::{Address, ClusterId, Incarnation, RaftId};
use influxdb_meta::catalog::{Catalog, RemovedWhy};
use influxdb_meta::cluster::PollError;
use influxdb_meta::cluster::membership::{Event, Membership, Step};
use influxdb_meta::machine::{Found, Founder, InternalCommand};
use influxdb_meta::runtime::Rng;
use influxdb_meta::wire::identity::{Identity, PROTOCOL, Phase, Starts};

use super::invariants::History;
use super::raft::{Committed, Config, Entry, Log, config_of};
use crate::seeded::Seeded;

/// Mistakes built into the world, as if the state machine had made them. The invariants must notice
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    Nothing,
    /// The catalog has the newcomer, and the tombstone of the member it replaces, before the joint
    /// change.
    AddFirst,
    /// The check made when the newcomer asked to join is not made again.
    JudgeOnce,
    /// A silent pending is dropped although it votes.
    DropVoter,
    /// The old voter goes out before the new one comes in.
    OldOutFirst,
    /// `member` is stored as soon as the node sees itself in the membership, even by a learner by
    /// request.
    MemberEarly,
}

/// Contents of a data directory.
#[derive(Clone)]
pub(super) struct Volume {
    pub(super) incarnation: Incarnation,
    pub(super) phase: Phase,
    pub(super) removed: Option<RemovedWhy>,
    pub(super) raft_id: Option<RaftId>,
    pub(super) term: u64,
    pub(super) voted: Option<RaftId>,
    pub(super) log: Log,
    pub(super) commit: usize,
}

pub(super) struct Slot {
    pub(super) volume: Option<Volume>,
    pub(super) up: bool,
    /// Name of the node: what it advertises, and its entry in `names`.
    pub(super) home: Address,
    /// Whether it asks to vote; if not, it is a learner by request.
    pub(super) voter: bool,
    /// Whether it runs on a copy of another node's volume: it answers polls, and its start is
    /// refused on 8089.
    pub(super) is_copy: bool,
    /// Whether it does not belong to this cluster; such a node is gone when faults end.
    pub(super) is_outsider: bool,
    /// Time at which it last heard each incarnation.
    pub(super) heard: BTreeMap<Incarnation, Duration>,
    pub(super) leading: Option<Leading>,
}

pub(super) struct Leading {
    pub(super) term: u64,
    /// Index of its own first entry.
    pub(super) first: usize,
    pub(super) began: Duration,
    /// Set once its first entry is applied.
    pub(super) machine: Option<Membership>,
    pub(super) matched: BTreeMap<RaftId, (usize, Duration)>,
    pub(super) flight: Option<Flight>,
}

/// Progress of the step in flight.
pub(super) enum Flight {
    Begin(Step),
    /// Appended at this index; a joint change goes on with its second half.
    Commit {
        index: usize,
        until: Duration,
        then: Option<Config>,
    },
    /// The answer is on its way back.
    Answer(Event),
}

pub(super) struct World {
    pub(super) rng: Arc<Seeded>,
    pub(super) now: Duration,
    pub(super) max_voters: usize,
    pub(super) slots: Vec<Slot>,
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// Slots that answer to each name.
    pub(super) names: BTreeMap<Address, Vec<usize>>,
    pub(super) committed: Vec<Committed>,
    pub(super) planted: Planted,
    pub(super) history: History,
    pub(super) requests: u64,
    /// Whether faults go on: a step may then end as unknown, whatever its effect.
    pub(super) is_shaky: bool,
}

pub(super) const CLUSTER: ClusterId = ClusterId([7; 16]);
pub(super) const NAME: &str = "demo";
/// T of founding.md 7.
pub(super) const SILENCE: Duration = Duration::from_secs(2);

pub(super) fn name(slot: usize) -> Address {
    Address::new(&format!("meta-{}", slot + 1), 8091)
}

impl Leading {
    pub(super) fn new(term: u64, first: usize) -> Self {
        Self {
            term,
            first,
            began: Duration::ZERO,
            machine: None,
            matched: BTreeMap::new(),
            flight: None,
        }
    }
}

impl World {
    /// Makes a cluster of so many founders, without a leader yet.
    pub(super) fn new(seed: u64, founders: usize, max_voters: usize) -> Self {
        let mut world = Self {
            rng: Seeded::new(seed),
            now: Duration::from_secs(1000),
            max_voters,
            slots: Vec::new(),
            cut: BTreeSet::new(),
            names: BTreeMap::new(),
            committed: Vec::new(),
            planted: Planted::Nothing,
            history: History::default(),
            requests: 0,
            is_shaky: true,
        };
        let slots: Vec<usize> = (0..founders).map(|_| world.add_slot(true)).collect();
        let founder = |slot: &usize| Founder {
            incarnation: world.slots[*slot]
                .volume
                .as_ref()
                .expect("volume")
                .incarnation,
            http: name(*slot),
            raft: name(*slot).with_port(8089),
        };
        let found = InternalCommand::Found(Found {
            cluster_id: CLUSTER,
            name: NAME.to_owned(),
            founders: slots.iter().map(founder).collect(),
            with_secret: false,
            feature_level: 2,
        });
        let voters = (1..=founders as u64).map(RaftId).collect();
        let config = Config {
            voters,
            ..Config::default()
        };
        let log: Log = vec![
            (1, Arc::new(Entry::Config(config))),
            (1, Arc::new(Entry::Command(found))),
        ];
        for slot in slots {
            let volume = world.slots[slot].volume.as_mut().expect("volume");
            (volume.raft_id, volume.phase) = (Some(RaftId(slot as u64 + 1)), Phase::Member);
            (volume.term, volume.log, volume.commit) = (1, log.clone(), log.len());
        }
        for (at, (term, entry)) in log.into_iter().enumerate() {
            world.apply(at as u64 + 1, term, entry);
        }
        world
    }

    /// Adds one more node, fresh and running, under a name of its own.
    pub(super) fn add_slot(&mut self, voter: bool) -> usize {
        let slot = self.slots.len();
        let home = name(slot);
        self.names.insert(home.clone(), vec![slot]);
        self.slots.push(Slot {
            volume: None,
            up: false,
            home,
            voter,
            is_copy: false,
            is_outsider: false,
            heard: BTreeMap::new(),
            leading: None,
        });
        self.start(slot);
        slot
    }

    fn fresh_volume(&mut self) -> Volume {
        let mut bytes = [0; 16];
        self.rng.fill(&mut bytes);
        Volume {
            incarnation: Incarnation(bytes),
            phase: Phase::Fresh,
            removed: None,
            raft_id: None,
            term: 0,
            voted: None,
            log: Log::new(),
            commit: 0,
        }
    }

    // Faults and restarts of nodes.

    pub(super) fn start(&mut self, slot: usize) {
        if self.slots[slot].volume.is_none() {
            self.slots[slot].volume = Some(self.fresh_volume());
        }
        self.slots[slot].up = true;
    }

    pub(super) fn crash(&mut self, slot: usize) {
        let slot = &mut self.slots[slot];
        (slot.up, slot.leading) = (false, None);
        slot.heard.clear();
    }

    pub(super) fn wipe(&mut self, slot: usize) {
        self.crash(slot);
        self.slots[slot].volume = None;
        self.slots[slot].is_copy = false;
    }

    /// Archives the old log and begins a new incarnation.
    pub(super) fn reincarnate(&mut self, slot: usize) {
        let up = self.slots[slot].up;
        self.wipe(slot);
        if up {
            self.start(slot);
        }
    }

    pub(super) fn rename(&mut self, slot: usize, home: Address) {
        let old = std::mem::replace(&mut self.slots[slot].home, home.clone());
        if let Some(there) = self.names.get_mut(&old) {
            there.retain(|other| *other != slot);
        }
        self.names.entry(home).or_default().push(slot);
    }

    pub(super) fn cut(&mut self, one: usize, other: usize) {
        self.cut.insert((one.min(other), one.max(other)));
    }

    // State of the world.

    pub(super) fn are_linked(&self, one: usize, other: usize) -> bool {
        let is_cut = self.cut.contains(&(one.min(other), one.max(other)));
        self.slots[one].up && self.slots[other].up && !is_cut
    }

    pub(super) fn incarnation(&self, slot: usize) -> Option<Incarnation> {
        self.slots[slot]
            .volume
            .as_ref()
            .map(|volume| volume.incarnation)
    }

    /// Its Raft id, if it speaks Raft now.
    pub(super) fn open_raft(&self, slot: usize) -> Option<RaftId> {
        let node = &self.slots[slot];
        let volume = node.volume.as_ref().filter(|_| node.up && !node.is_copy)?;
        volume
            .raft_id
            .filter(|_| matches!(volume.phase, Phase::Joining | Phase::Member))
    }

    /// Catalog that this node has applied.
    pub(super) fn catalog(&self, slot: usize) -> Catalog {
        let commit = self.slots[slot]
            .volume
            .as_ref()
            .map_or(0, |volume| volume.commit);
        match commit.checked_sub(1).and_then(|at| self.committed.get(at)) {
            Some(committed) => committed.catalog.clone(),
            None => Catalog::default(),
        }
    }

    pub(super) fn config(&self, slot: usize) -> Config {
        self.slots[slot]
            .volume
            .as_ref()
            .map_or_else(Config::default, |volume| config_of(&volume.log))
    }

    pub(super) fn leaders(&self) -> Vec<usize> {
        (0..self.slots.len())
            .filter(|slot| self.slots[*slot].leading.is_some())
            .collect()
    }

    /// Polls an address, as this node reaches it. Caller and callee hear each other.
    pub(super) fn poll(&mut self, from: usize, at: &Address) -> Vec<Result<Identity, PollError>> {
        let there = self.names.get(at).cloned().unwrap_or_default();
        let mut answers = Vec::new();
        for slot in there {
            if !self.slots[from].up
                || !self.slots[slot].up
                || slot != from && !self.are_linked(from, slot)
            {
                answers.push(Err(PollError::Timeout));
                continue;
            }
            self.hear(from, slot);
            answers.extend(self.identity(slot).map(Ok));
        }
        answers
    }

    /// Records that both nodes heard each other.
    pub(super) fn hear(&mut self, one: usize, other: usize) {
        for (listener, speaker) in [(one, other), (other, one)] {
            let heard = self.incarnation(speaker);
            let now = self.now;
            self.slots[listener]
                .heard
                .extend(heard.map(|incarnation| (incarnation, now)));
        }
    }

    fn identity(&self, slot: usize) -> Option<Identity> {
        let node = &self.slots[slot];
        let volume = node.volume.as_ref()?;
        let is_in_a_cluster = volume.raft_id.is_some();
        Some(Identity {
            protocol: PROTOCOL,
            version: "test".to_owned(),
            feature_level: 2,
            incarnation: volume.incarnation,
            http: node.home.clone(),
            raft: node.home.with_port(8089),
            phase: volume.phase,
            halted: None,
            vector: None,
            cluster_id: is_in_a_cluster.then_some(CLUSTER),
            recovered_from: None,
            raft_id: volume.raft_id,
            cluster_name: NAME.to_owned(),
            list_hash: None,
            list: Vec::new(),
            expect: 3,
            members: Vec::new(),
            voters: Vec::new(),
            leader_known: false,
            with_secret: false,
            starts: Starts::default(),
            heard: Vec::new(),
            clock: None,
            process: None,
        })
    }

    pub(super) fn describe(&self) -> String {
        let state = |slot: usize| {
            let node = &self.slots[slot];
            let volume = node.volume.as_ref().map(|v| {
                format!(
                    "{} {:?} {:?} term {} log {}/{} of terms {:?}, {:?}",
                    v.incarnation,
                    v.phase,
                    v.raft_id,
                    v.term,
                    v.commit,
                    v.log.len(),
                    v.log.iter().map(|(term, _)| *term).collect::<Vec<_>>(),
                    config_of(&v.log)
                )
            });
            let says = node
                .leading
                .as_ref()
                .and_then(|l| l.machine.as_ref())
                .map(|machine| {
                    let catalog = self.catalog(slot);
                    let nodes = catalog
                        .meta_nodes
                        .values()
                        .map(|n| (n.raft_id, n.incarnation, n.http.clone()));
                    let pendings = catalog
                        .pendings
                        .values()
                        .map(|p| (p.raft_id, p.incarnation, p.http.clone()));
                    let known: Vec<String> = nodes
                        .chain(pendings)
                        .map(|(id, inc, http)| {
                            format!("{id} {inc} {http}: {:?}", machine.state(inc))
                        })
                        .collect();
                    format!(
                        " leads {:?}, alarms {:?}\n    {}",
                        self.config(slot),
                        machine.alarms(),
                        known.join("\n    ")
                    )
                });
            format!(
                "{slot} at {} up {} copy {} voter {}: {} {}",
                node.home,
                node.up,
                node.is_copy,
                node.voter,
                volume.unwrap_or_default(),
                says.unwrap_or_default()
            )
        };
        (0..self.slots.len())
            .map(state)
            .collect::<Vec<_>>()
            .join("\n")
    }
}
