//! Founding as a state machine without IO: events in, actions out, time as a value (founding.md 3
//! and founding.md 4).
//!
//! Owns: what was last seen of every peer, the accepted vector, the time of each next poll, and the
//! row of the table that holds now. Never: a clock, a socket, a file. It returns a record that must
//! be stored, and goes on only after it is told that the record is on disk. Called by `node`, and
//! by the seeded schedules of `tests/it/founding` with the same events.

mod others;
mod pace;
mod peer;
mod peers;
mod promise;
mod rules;
mod setup;
mod shown;
mod twins;
mod verdict;

use std::net::IpAddr;
use std::time::Duration;

pub use others::OtherMembers;
pub use promise::{FoundPromise, PROMISE_LIFETIME, PromiseRefusal, Question};
pub use setup::FoundingSetup;
pub use twins::Twin;
pub(crate) use verdict::LOST_VOLUME_ADVICE;
pub use verdict::{Await, Block, Difference, Mismatch, Unlisted, Verdict};

use self::peer::{PollReason, mark};
use self::peers::Peers;
use self::rules::DecisionInput;
use self::twins::Twins;
use super::identity::record::{IdentityRecord, Origin};
use crate::base::{Address, Incarnation, ListHash};
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::{Identity, Phase, VectorEntry};

/// Input of [`Founding::handle`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Time passed. The caller sends it at [`Founding::wake_at`] at the latest.
    Tick,
    /// Poll `number` of address `at` ended. `results` has the answer of each socket address. It is
    /// empty if the name resolved to no address.
    Polled {
        at: Address,
        number: u64,
        results: Vec<Result<Identity, PollError>>,
    },
    /// The identity of the node at `http` arrived. Or that node dialled 8089 here, and Raft was not
    /// open or another incarnation was meant (founding.md 3.3).
    Hint {
        http: Address,
        theirs: Option<Box<Identity>>,
        from: Option<IpAddr>,
    },
    /// This record is on disk, fsynced.
    Stored(IdentityRecord),
    /// State of this node's open Raft node: whether it knows a leader, the members' HTTP addresses
    /// in the catalog, and which of them is this node's.
    Cluster {
        leader_known: bool,
        members: Vec<Address>,
        registered: Option<Address>,
    },
    /// An operator ordered this node, which has no `peers`, to found alone (founding.md 8).
    FoundAlone,
    /// A member invited this node to its cluster: an order to found is void, unless it is executed
    /// already (founding.md 8.2).
    Invited,
}

/// Output of [`Founding::handle`]: work for the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Poll this address now, at every socket address that its name gives, then pass in
    /// [`Event::Polled`].
    Poll { at: Address, number: u64 },
    /// Make this record durable, then pass in [`Event::Stored`]. Until then nothing of it is shown
    /// or acted on (founding.md P2).
    Store {
        record: Box<IdentityRecord>,
        why: StoreReason,
    },
}

/// The row that asked for a record to be stored. The log has another text for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreReason {
    Start,
    Follow,
}

/// Founding of one node. See the module.
pub struct Founding {
    setup: FoundingSetup,
    /// Configured founder list, and its hash. If this node founds alone, its only entry is this
    /// node.
    list: Vec<Address>,
    list_hash: ListHash,
    /// Record that is on disk.
    record: IdentityRecord,
    peers: Peers,
    /// Accepted vector, in memory only: a node that restarts accepts again what it then sees
    /// (founding.md 2).
    accepted: Option<Vec<VectorEntry>>,
    /// A store is in flight. Nothing is decided until it ends.
    storing: bool,
    verdict: Verdict,
    leader_known: bool,
    members: Vec<Address>,
    /// Address of this node in the catalog; `None` before the catalog is known.
    registered: Option<Address>,
    /// Entry of `peers` at which this node last saw itself answer in this life of the process. Kept
    /// while that entry does not answer, so that one lost poll does not rename a member.
    own_entry: Option<Address>,
    twins: Twins,
    /// Identity that other nodes are shown, as of the last event.
    shown: Identity,
}

impl Founding {
    pub fn new(setup: FoundingSetup, record: IdentityRecord, now: Duration) -> Self {
        let list = setup.list();
        let list_hash = setup.list_hash(&list);
        let mut founding = Self {
            shown: shown::blank(&setup, record.incarnation),
            peers: Peers::new(setup.seed),
            twins: Twins::new(record.incarnation, setup.process),
            setup,
            list,
            list_hash,
            record,
            accepted: None,
            storing: false,
            verdict: Verdict::Settled,
            leader_known: false,
            members: Vec::new(),
            registered: None,
            own_entry: None,
        };
        founding.add_known_peers(now);
        founding.verdict = founding.judge(now);
        founding.shown = founding.show();
        founding
    }

    /// Takes one event and returns the actions that follow from it.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Action> {
        match event {
            Event::Tick => {}
            Event::Polled {
                at,
                number,
                results,
            } => self.on_polled(now, &at, number, results),
            Event::Hint { http, theirs, from } => self.on_hint(now, &http, theirs.as_deref(), from),
            Event::Stored(record) => self.on_stored(now, record),
            Event::Cluster {
                leader_known,
                members,
                registered,
            } => {
                self.leader_known = leader_known;
                self.registered = registered;
                let own = self.own();
                let others: Vec<Address> = members
                    .iter()
                    .filter(|at| Some(*at) != own.as_ref())
                    .cloned()
                    .collect();
                self.peers.set_members(now, &others);
                self.members = members;
            }
            Event::FoundAlone => self.found_alone(),
            Event::Invited => {
                if !self.storing && self.forget_order() {
                    self.accepted = None;
                }
            }
        }
        let mut actions = self.decide(now);
        let shown = self.show();
        if mark(&shown) != mark(&self.shown) {
            // Other nodes act on what they see of this one. Polling them also makes them poll this
            // node.
            self.peers.poll_all_now(now);
        }
        self.shown = shown;
        self.peers.forget_old_hints(now);
        let due = self.peers.start_due(now);
        actions.extend(
            due.into_iter()
                .map(|(at, number)| Action::Poll { at, number }),
        );
        actions
    }

    /// Latest time for the next [`Event::Tick`].
    pub fn wake_at(&self, now: Duration) -> Option<Duration> {
        let quiet = rules::quiet_period(&self.setup);
        let quiet = if now < quiet { Some(quiet) } else { None };
        self.peers.next_due().into_iter().chain(quiet).min()
    }

    /// True without `peers` unless the node founds alone. A manual node waits for an operator,
    /// without limit.
    pub fn is_manual(&self) -> bool {
        self.setup.is_manual()
    }

    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Record that is on disk.
    pub fn record(&self) -> &IdentityRecord {
        &self.record
    }

    /// HTTP addresses of the members in the catalog, this node's included. Empty before the catalog
    /// is known.
    pub fn members(&self) -> &[Address] {
        &self.members
    }

    /// HTTP address of this node in the catalog.
    pub fn registered(&self) -> Option<&Address> {
        self.registered.as_ref()
    }

    /// A contradiction seen by a node that is in a cluster. It is only reported; Raft goes on.
    pub fn alarm(&self, now: Duration) -> Option<Block> {
        let own = self.own();
        self.record
            .seat()
            .and_then(|_| self.input(own.as_ref(), now).alarm())
    }

    /// Returns the addresses of lost voters. `voters` are those of this node's cluster. The volume
    /// of a voter is lost if another incarnation answers at its address and does not belong to this
    /// cluster. If half or more of the voters are lost, nobody can tell whether they held
    /// acknowledged data. Then no node founds a new cluster in place of this one; an operator
    /// decides (founding.md 9.7).
    pub fn lost_voters(&self, voters: &[(Address, Incarnation)]) -> Vec<Address> {
        let Some(seat) = self.record.seat() else {
            return Vec::new();
        };
        let (cluster_id, mine) = (seat.cluster_id, self.record.incarnation);
        let is_gone = |(at, incarnation): &&(Address, Incarnation)| {
            let seen = self.peers.node(at);
            *incarnation != mine
                && seen.is_some_and(|s| {
                    s.incarnation != *incarnation && s.cluster_id != Some(cluster_id)
                })
        };
        voters
            .iter()
            .filter(is_gone)
            .map(|(at, _)| at.clone())
            .collect()
    }

    /// All answers of the last polls, by address.
    pub fn seen(&self) -> impl Iterator<Item = (&Address, &Identity)> {
        self.peers
            .iter()
            .flat_map(|(at, peer)| peer.answers().iter().map(move |theirs| (at, theirs)))
    }

    /// Addresses of members of a cluster that this node would join: first those where a member
    /// answered, with the incarnation of that member, then those that these members name.
    pub fn known_members(&self, now: Duration) -> Vec<(Address, Option<Incarnation>)> {
        let own = self.own();
        let input = self.input(own.as_ref(), now);
        let (mut members, mut beyond) = (Vec::new(), Vec::new());
        for (at, theirs) in input.members_seen() {
            members.push((at.clone(), Some(theirs.incarnation)));
            beyond.extend(theirs.members.iter().map(|member| (member.clone(), None)));
        }
        members.extend(beyond);
        members
    }

    /// Incarnations with which more than one process runs now, this node's or another member's.
    pub fn twins(&self, now: Duration) -> Vec<Twin> {
        self.twins.all(now)
    }

    fn input<'a>(&'a self, own: Option<&'a Address>, now: Duration) -> DecisionInput<'a> {
        let list = self
            .record
            .origin()
            .map_or(&self.list, |origin| &origin.list);
        DecisionInput {
            setup: &self.setup,
            record: &self.record,
            peers: &self.peers,
            accepted: self.accepted.as_deref(),
            own,
            list,
            list_hash: self.list_hash,
            now,
            entries: rules::entries(&self.setup, &self.record, &self.peers, list),
        }
    }

    fn judge(&self, now: Duration) -> Verdict {
        self.input(self.own().as_ref(), now).judge()
    }

    /// Applies the table until no row changes anything. One event may lead to `Accept` and then to
    /// `Start` at once.
    fn decide(&mut self, now: Duration) -> Vec<Action> {
        while !self.storing {
            self.verdict = self.judge(now);
            match self.verdict.clone() {
                Verdict::Accept(vector) => self.accepted = Some(vector),
                Verdict::Start(vector) => {
                    let origin = Origin {
                        list: self.list.clone(),
                        vector,
                    };
                    return self.store(
                        &self.setup.cluster_name.clone(),
                        origin,
                        StoreReason::Start,
                    );
                }
                Verdict::Follow {
                    cluster_name,
                    origin,
                    ..
                } => {
                    return self.store(&cluster_name, origin, StoreReason::Follow);
                }
                Verdict::Join { .. } | Verdict::Missing { .. } => {
                    self.accepted = None;
                    break;
                }
                _ => break,
            }
        }
        Vec::new()
    }

    fn store(&mut self, cluster_name: &str, origin: Origin, why: StoreReason) -> Vec<Action> {
        let Some(record) = self.record.started(cluster_name, origin) else {
            return Vec::new();
        };
        self.storing = true;
        vec![Action::Store {
            record: Box::new(record),
            why,
        }]
    }

    fn on_stored(&mut self, now: Duration, record: IdentityRecord) {
        self.twins.set_own(record.incarnation);
        self.record = record;
        self.storing = false;
        if self.record.seat().is_some() {
            self.accepted = None;
            // The order to found alone holds for one founding, not for a later one.
            self.forget_order();
        }
        self.add_known_peers(now);
    }

    fn on_polled(
        &mut self,
        now: Duration,
        at: &Address,
        number: u64,
        results: Vec<Result<Identity, PollError>>,
    ) {
        let ours = self.record.seat().map(|seat| seat.cluster_id);
        let cluster_name = self.cluster_name().to_owned();
        self.note_processes(now, at, &results);
        self.peers
            .on_polled(now, at, number, results, &cluster_name, |peer| {
                peer.kind(ours, self.leader_known, self.members.len())
            });
        self.note_own_entry(at);
    }

    /// Polls the sender of a hint soon, at the address that the hint names and at the source
    /// address of the connection (founding.md 3.3).
    fn on_hint(
        &mut self,
        now: Duration,
        http: &Address,
        theirs: Option<&Identity>,
        from: Option<IpAddr>,
    ) {
        if theirs.is_some_and(|theirs| self.is_this_process(theirs)) {
            return;
        }
        // The sender's name may resolve to another node by now. While the sender itself answers at
        // its name, its source address need not be polled.
        let named = theirs
            .zip(self.peers.node(http))
            .is_some_and(|(t, known)| twins::may_be_one_process(t, known));
        let source = from
            .filter(|_| !named)
            .map(|ip| Address::new(&ip.to_string(), http.port()));
        for at in [Some(http.clone()), source].into_iter().flatten() {
            let is_news = match (theirs, self.peers.node(&at)) {
                (Some(theirs), Some(known)) => mark(theirs) != mark(known),
                _ => true,
            };
            self.peers.keep_polling(now, &at, PollReason::Hint(now));
            if is_news {
                self.peers.poll_now(now, &at);
            }
        }
    }

    fn found_alone(&mut self) {
        if self.setup.is_manual() && self.record.phase() == Phase::Fresh {
            self.setup.found_alone();
            self.list = self.setup.list();
            self.list_hash = self.setup.list_hash(&self.list);
        }
    }

    /// Returns whether there was an order to found.
    fn forget_order(&mut self) -> bool {
        let was_ordered = self.setup.forget_order();
        if was_ordered {
            self.list = self.setup.list();
            self.list_hash = self.setup.list_hash(&self.list);
        }
        was_ordered
    }

    /// Polls the configured list and the founders of the vector that this node started.
    fn add_known_peers(&mut self, now: Duration) {
        let founders = self
            .record
            .origin()
            .into_iter()
            .flat_map(|o| o.vector.iter().map(|e| &e.http));
        let known: Vec<Address> = self.setup.peers.iter().chain(founders).cloned().collect();
        known
            .iter()
            .for_each(|at| self.peers.keep_polling(now, at, PollReason::List));
    }

    /// Phase that is shown: `accepted` if the record is fresh and a vector is accepted.
    fn phase(&self) -> Phase {
        match self.record.phase() {
            Phase::Fresh if self.accepted.is_some() => Phase::Accepted,
            phase => phase,
        }
    }
}
