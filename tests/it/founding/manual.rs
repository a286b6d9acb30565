//! Seeded schedules of manual forming (founding.md 8): operators order fresh nodes to join each
//! other, at once and again and again, under lost and late messages, crashes and wipes.
//!
//! The machines of founding and of promises are those that ship. The way of an order between them,
//! and joining, are modelled.

use std::time::Duration;

use influxdb_meta::base::RaftId;
use influxdb_meta::base::{ClusterId, Incarnation};
use influxdb_meta::cluster::founding::{
    Event, FoundPromise, PROMISE_LIFETIME, PromiseRefusal, Question,
};
use influxdb_meta::cluster::identity::record::{IdentityRecord, MembershipState, Seat};
use influxdb_meta::wire::identity::Phase;

use super::world::{World, name};

/// Timeout of a question, as in `cluster/api/join.rs`.
const PROMISE_TIMEOUT: Duration = Duration::from_secs(2);

/// Mistakes built into the promises. The invariants must notice each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    Nothing,
    /// A node that asks gives a promise, and goes on with its own question.
    KeepsQuestion,
    /// A node whose question was withdrawn founds when the answer comes.
    WithdrawnFounds,
    /// A node promises whatever it has promised before.
    PromisesAll,
}

#[derive(Clone, Copy)]
struct Faults {
    crashes: usize,
    wipes: usize,
}

/// An order of an operator, who repeats it until it is done or refused: `at` is told to join
/// `target`.
struct Order {
    at: usize,
    target: usize,
    stage: Stage,
    /// Life of the process in which the stage holds.
    life: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Asking {
        question: Question,
        since: Duration,
    },
    Founding,
    Done,
    /// 409: the target is in a cluster.
    Refused,
}

enum Message {
    Ask {
        order: usize,
        to: Incarnation,
        question: Question,
    },
    Answer {
        order: usize,
        question: Question,
        promised: bool,
    },
    Invite {
        order: usize,
        to: Incarnation,
        seat: Box<Seat>,
    },
}

struct Forming {
    world: World,
    planted: Planted,
    promises: Vec<FoundPromise>,
    /// Number of the present process of each slot, and its start.
    lives: Vec<u64>,
    began: Vec<Duration>,
    orders: Vec<Order>,
    messages: Vec<Message>,
    /// Last promise of the present process of each slot.
    promised: Vec<Option<(Incarnation, Duration)>>,
    /// Slot, cluster and time of each founding.
    founded: Vec<(usize, ClusterId, Duration)>,
    next_raft_id: u64,
    broken: Vec<String>,
}

impl Forming {
    fn new(seed: u64, nodes: usize, orders: &[(usize, usize)], planted: Planted) -> Self {
        let mut world = World::new(seed, nodes);
        for slot in 0..nodes {
            let config = &mut world.slots[slot].config;
            config.peers.clear();
            (config.expect, config.hostname) = (0, Some(name(slot)));
        }
        (0..nodes).for_each(|slot| world.start(slot));
        let order = |(at, target): &(usize, usize)| Order {
            at: *at,
            target: *target,
            stage: Stage::Idle,
            life: 0,
        };
        let began = vec![world.now; nodes];
        Self {
            world,
            planted,
            promises: (0..nodes).map(|_| FoundPromise::default()).collect(),
            lives: vec![0; nodes],
            began,
            orders: orders.iter().map(order).collect(),
            messages: Vec::new(),
            promised: vec![None; nodes],
            founded: Vec::new(),
            next_raft_id: 2,
            broken: Vec::new(),
        }
    }

    fn is_fresh(&self, slot: usize) -> bool {
        self.world.slots[slot]
            .volume
            .as_ref()
            .is_some_and(|volume| volume.record.phase() == Phase::Fresh)
    }

    fn runs(&self, slot: usize) -> bool {
        self.world.slots[slot].process.is_some()
    }

    fn me(&self, slot: usize) -> Incarnation {
        self.world.slots[slot].incarnation().expect("a volume")
    }

    /// The time of the promises: since the start of the process.
    fn uptime(&self, slot: usize) -> Duration {
        self.world.now - self.began[slot]
    }

    fn crash(&mut self, slot: usize) {
        self.world.crash(slot);
        self.promises[slot] = FoundPromise::default();
        self.promised[slot] = None;
        self.lives[slot] += 1;
        self.began[slot] = self.world.now;
    }

    /// One step of the way of an order, as `Cluster::form` takes it.
    fn advance(&mut self, number: usize) {
        let Order {
            at, stage, life, ..
        } = self.orders[number];
        if matches!(stage, Stage::Done | Stage::Refused) || !self.runs(at) {
            return;
        }
        let stage = if life == self.lives[at] {
            stage
        } else {
            Stage::Idle
        };
        self.orders[number].life = self.lives[at];
        self.orders[number].stage = if !self.is_fresh(at) {
            self.add(number)
        } else {
            match stage {
                Stage::Idle => self.begin(number),
                Stage::Asking { question, since } if self.world.now - since >= PROMISE_TIMEOUT => {
                    self.promises[at].end(question);
                    Stage::Idle
                }
                // An order may get lost on the way to the node's task: it is given again.
                Stage::Founding if !self.world.is_storing(at) => {
                    self.world.give(at, Event::FoundAlone);
                    Stage::Founding
                }
                other => other,
            }
        };
    }

    fn begin(&mut self, number: usize) -> Stage {
        let Order { at, target, .. } = self.orders[number];
        let (uptime, me) = (self.uptime(at), self.me(at));
        let question = match self.promises[at].ask(uptime, me) {
            Ok(question) => question,
            Err(PromiseRefusal::Founding) => {
                self.world.give(at, Event::FoundAlone);
                return Stage::Founding;
            }
            Err(_) => return Stage::Idle,
        };
        if target == at {
            return self.found(at, question);
        }
        if !self.runs(target) {
            self.promises[at].end(question);
            return Stage::Idle;
        }
        if !self.is_fresh(target) {
            self.promises[at].end(question);
            return Stage::Refused;
        }
        let to = self.me(target);
        self.messages.push(Message::Ask {
            order: number,
            to,
            question,
        });
        let since = self.world.now;
        Stage::Asking { question, since }
    }

    fn found(&mut self, at: usize, question: Question) -> Stage {
        let me = self.me(at);
        if !self.promises[at].found(question, me) && self.planted != Planted::WithdrawnFounds {
            return Stage::Idle;
        }
        self.world.give(at, Event::FoundAlone);
        Stage::Founding
    }

    /// An order at a member: invites the target, or is done.
    fn add(&mut self, number: usize) -> Stage {
        let Order { at, target, .. } = self.orders[number];
        let cluster = self.world.slots[at].cluster();
        if self.world.slots[target].cluster() == cluster {
            return Stage::Done;
        }
        if !self.runs(target) {
            return Stage::Idle;
        }
        if !self.is_fresh(target) {
            return Stage::Refused;
        }
        let record = self.world.slots[at].volume.as_ref().expect("a volume");
        let seat = record.record.seat().expect("in a cluster").clone();
        self.messages.push(Message::Invite {
            order: number,
            to: self.me(target),
            seat: Box::new(seat),
        });
        Stage::Idle
    }

    fn deliver(&mut self, message: Message) {
        match message {
            Message::Ask {
                order,
                to,
                question,
            } => {
                let Order { at, target, .. } = self.orders[order];
                if !self.runs(target) || self.me(target) != to || !self.is_fresh(target) {
                    return;
                }
                let (now, from) = (self.world.now, self.me(at));
                let uptime = self.uptime(target);
                let keeps = self.planted == Planted::KeepsQuestion && self.asks(target);
                let promised = keeps
                    || match self.promises[target].promise(uptime, to, from) {
                        Ok(()) => {
                            self.promised[target] = Some((from, now + PROMISE_LIFETIME));
                            true
                        }
                        Err(PromiseRefusal::Promised) => self.planted == Planted::PromisesAll,
                        Err(_) => false,
                    };
                self.messages.push(Message::Answer {
                    order,
                    question,
                    promised,
                });
            }
            Message::Answer {
                order,
                question,
                promised,
            } => {
                let Order {
                    at, stage, life, ..
                } = self.orders[order];
                let is_awaited =
                    matches!(stage, Stage::Asking { question: of, .. } if of == question);
                if !is_awaited || life != self.lives[at] || !self.runs(at) || !self.is_fresh(at) {
                    return;
                }
                self.orders[order].stage = if promised {
                    self.found(at, question)
                } else {
                    self.promises[at].end(question);
                    Stage::Idle
                };
            }
            Message::Invite { order, to, seat } => {
                let target = self.orders[order].target;
                let is_meant = self.runs(target) && self.me(target) == to;
                if is_meant && self.is_fresh(target) && !self.world.is_storing(target) {
                    self.join(target, *seat);
                }
            }
        }
    }

    fn asks(&self, slot: usize) -> bool {
        let mut orders = self.orders.iter();
        orders.any(|order| order.at == slot && matches!(order.stage, Stage::Asking { .. }))
    }

    /// The invited node stores `joining`, with a Raft id of its own.
    fn join(&mut self, slot: usize, seat: Seat) {
        let seat = Seat {
            raft_id: RaftId(self.next_raft_id),
            ..seat
        };
        self.next_raft_id += 1;
        let volume = self.world.slots[slot].volume.as_mut().expect("a volume");
        let members = Vec::new();
        volume.record = IdentityRecord {
            standing: MembershipState::Joining { seat, members },
            ..volume.record.clone()
        };
        // The same process: its promise stays what it was.
        self.world.crash(slot);
        self.world.start(slot);
    }

    fn step(&mut self, left: &mut Faults) {
        let world = &mut self.world;
        world.now += Duration::from_millis(world.rng.next() % 60);
        let slot = world.rng.below(world.slots.len());
        match world.rng.below(24) {
            0..6 => {
                let number = world.rng.below(self.orders.len());
                self.advance(number);
            }
            6..14 if !self.messages.is_empty() => {
                let message = self
                    .messages
                    .swap_remove(self.world.rng.below(self.messages.len()));
                if !self.world.rng.one_in(12) {
                    self.deliver(message);
                }
            }
            14..18 => self.world.give(slot, Event::Tick),
            18..22 => self.world.finish_store(slot),
            22 if left.crashes > 0 => {
                left.crashes -= 1;
                self.crash(slot);
                self.world.start(slot);
            }
            23 if left.wipes > 0 => {
                left.wipes -= 1;
                self.crash(slot);
                self.world.wipe(slot);
                self.world.start(slot);
            }
            _ => {}
        }
        self.check();
    }

    /// Notes what was founded, and every broken rule.
    fn check(&mut self) {
        let Some((slot, cluster)) = self.world.history.just_started.take() else {
            return;
        };
        let now = self.world.now;
        if let Some((to, _)) = self.promised[slot].filter(|(_, until)| now < *until) {
            let how = format!("slot {slot} founded, and had promised {to} not to");
            self.broken.push(how);
        }
        let linked = |other: usize| {
            let mut orders = self.orders.iter();
            orders.any(|order| {
                [order.at, order.target] == [slot, other]
                    || [order.target, order.at] == [slot, other]
            })
        };
        for (other, founded, at) in &self.founded {
            let is_there = self.world.slots[*other].cluster() == Some(*founded);
            let is_recent = now - *at < PROMISE_LIFETIME && is_there;
            if is_recent && *other != slot && linked(*other) {
                let how = format!("slots {other} and {slot} both founded");
                self.broken.push(how);
            }
        }
        self.founded.push((slot, cluster, now));
    }
}

/// Runs one schedule. Returns the clusters that were founded, each with its founder.
fn schedule(
    seed: u64,
    nodes: usize,
    orders: &[(usize, usize)],
    faults: Faults,
    planted: Planted,
) -> Result<Vec<(usize, ClusterId)>, String> {
    let mut forming = Forming::new(seed, nodes, orders, planted);
    let mut left = faults;
    for _ in 0..100 + forming.world.rng.below(400) {
        forming.step(&mut left);
    }
    // No more faults: every order must come to an end.
    let mut none = Faults {
        crashes: 0,
        wipes: 0,
    };
    let end = forming.world.now + Duration::from_secs(60);
    let is_over = |order: &Order| matches!(order.stage, Stage::Done | Stage::Refused);
    while forming.world.now < end && !forming.orders.iter().all(is_over) {
        forming.step(&mut none);
    }
    if let Some(how) = forming.broken.first() {
        return Err(how.clone());
    }
    if !forming.orders.iter().all(is_over) {
        return Err(format!("hangs:\n{}", forming.world.describe()));
    }
    let founded = forming.founded.iter();
    Ok(founded.map(|(slot, id, ..)| (*slot, *id)).collect())
}

const NO_FAULTS: Faults = Faults {
    crashes: 0,
    wipes: 0,
};

/// Orders that are given at once: slots that are told to join a slot.
const MUTUAL: &[(usize, usize)] = &[(0, 1), (1, 0)];
const CHAIN: &[(usize, usize)] = &[(0, 1), (1, 2)];
const RING: &[(usize, usize)] = &[(0, 1), (1, 2), (2, 0)];
/// A Helm chart's: ordinal 0 is told to add itself, and the others, all at ordinal 0.
const CHART: &[(usize, usize)] = &[(0, 0), (0, 1), (0, 2)];
/// The same, asked at the other nodes.
const TO_ZERO: &[(usize, usize)] = &[(0, 0), (1, 0), (2, 0)];

const ALL: [(usize, &[(usize, usize)]); 5] =
    [(2, MUTUAL), (3, CHAIN), (3, RING), (3, CHART), (3, TO_ZERO)];

#[test]
fn orders_at_once_found_one_cluster() {
    for (nodes, orders) in ALL {
        for seed in 0..2000 {
            let founded = schedule(seed, nodes, orders, NO_FAULTS, Planted::Nothing);
            let founded = founded.unwrap_or_else(|how| panic!("seed {seed} of {orders:?}: {how}"));
            assert_eq!(founded.len(), 1, "seed {seed} of {orders:?}: {founded:?}");
        }
    }
}

#[test]
fn the_asked_node_founds() {
    for seed in 0..500 {
        for orders in [&[(0, 1)][..], &[(0, 1), (0, 2)], CHART] {
            let founded = schedule(seed, 3, orders, NO_FAULTS, Planted::Nothing).expect("founded");
            assert_eq!(founded.len(), 1, "seed {seed} of {orders:?}");
            assert_eq!(founded[0].0, 0, "seed {seed} of {orders:?}");
        }
    }
}

#[test]
fn who_promised_does_not_found_under_crashes_and_wipes() {
    let faults = Faults {
        crashes: 2,
        wipes: 1,
    };
    for (nodes, orders) in ALL {
        for seed in 0..2000 {
            let ended = schedule(seed, nodes, orders, faults, Planted::Nothing);
            ended.unwrap_or_else(|how| panic!("seed {seed} of {orders:?}: {how}"));
        }
    }
}

/// A planted mistake must be found, or the schedules prove nothing.
#[test]
fn a_mistake_in_the_promises_would_be_noticed() {
    let is_wrong = |planted, nodes, orders: &[(usize, usize)], seed| {
        let ended = schedule(seed, nodes, orders, NO_FAULTS, planted);
        ended.map_or(true, |founded| founded.len() > 1)
    };
    for (planted, nodes, orders) in [
        (Planted::KeepsQuestion, 2, MUTUAL),
        (Planted::WithdrawnFounds, 3, CHAIN),
        (Planted::PromisesAll, 3, &[(0, 2), (1, 2)][..]),
    ] {
        assert!(
            (0..3000).any(|seed| is_wrong(planted, nodes, orders, seed)),
            "{planted:?}"
        );
    }
}
