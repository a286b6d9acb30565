//! The table of founding.md 4.2: one function per row, applied in the order of the table after
//! every event.
//!
//! Pure: reads what is seen and returns the row that holds; `Founding` acts on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::peer::{Peer, PollReason};
use super::peers::Peers;
use super::setup::FoundingSetup;
use super::verdict::{Await, Block, Difference, Mismatch, Unlisted, Verdict};
use crate::base::{Address, ClusterId, Incarnation, ListHash, most_similar};
use crate::cluster::activity::{Missing, MissingReason};
use crate::cluster::identity::founders::cluster_id;
use crate::cluster::identity::record::{IdentityRecord, MembershipState, Origin, RemovalReason};
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::{Identity, PROTOCOL, Phase, VectorEntry};

/// Quiet time of founding.md F7, from the start of the task. Members of a cluster whose lists name
/// this node's address have this time to send a hint.
const QUIET_PERIOD: Duration = Duration::from_secs(1);
/// The same for a founding that an operator ordered. Longer than a poll that hangs (2 s) and the next
/// one of a member that has this address: a node that lost its volume hears of its cluster before it
/// founds another.
pub(super) const ORDERED_QUIET_PERIOD: Duration = Duration::from_secs(3);
/// Time from the start of the task after which the text of founding.md F5 also says how to found
/// without the missing nodes.
const LONG_WAIT_AFTER: Duration = Duration::from_secs(60);

/// Quiet time of a node with this configuration, or with this order.
pub(super) fn quiet_period(setup: &FoundingSetup) -> Duration {
    if setup.ordered {
        ORDERED_QUIET_PERIOD
    } else {
        QUIET_PERIOD
    }
}

/// Everything that a decision depends on.
pub(super) struct DecisionInput<'a> {
    pub(super) setup: &'a FoundingSetup,
    pub(super) record: &'a IdentityRecord,
    pub(super) peers: &'a Peers,
    pub(super) accepted: Option<&'a [VectorEntry]>,
    /// Own HTTP address, once it is known.
    pub(super) own: Option<&'a Address>,
    pub(super) list: &'a [Address],
    pub(super) list_hash: ListHash,
    pub(super) now: Duration,
    /// The entries of `list`, each with what is seen there.
    pub(super) entries: Vec<Entry<'a>>,
}

/// A place of the founder list.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    at: &'a Address,
    peer: Option<&'a Peer>,
    /// This entry is this node: the incarnation of this node answers there, or it is the configured
    /// own name, or this node founds alone.
    mine: bool,
}

pub(super) fn entries<'a>(
    setup: &FoundingSetup,
    record: &IdentityRecord,
    peers: &'a Peers,
    list: &'a [Address],
) -> Vec<Entry<'a>> {
    let entry = |at: &'a Address| {
        let peer = peers.get(at);
        let answers_as_me = peer.is_some_and(|peer| peer.has(record.incarnation));
        let called = setup.named.as_ref() == Some(at);
        Entry {
            at,
            peer,
            mine: setup.alone || called || answers_as_me,
        }
    };
    list.iter().map(entry).collect()
}

impl DecisionInput<'_> {
    pub(super) fn judge(&self) -> Verdict {
        match &self.record.standing {
            MembershipState::Fresh => {}
            MembershipState::Removed {
                cluster_name,
                by,
                why,
                ..
            } => {
                let comes_back = *why != RemovalReason::Removed && !self.setup.is_manual();
                let (cluster_name, by) = (cluster_name.clone(), by.clone());
                return Verdict::Removed {
                    cluster_name,
                    by,
                    why: *why,
                    comes_back,
                };
            }
            MembershipState::Started { .. }
            | MembershipState::Joining { .. }
            | MembershipState::Member { .. } => {
                return Verdict::Settled;
            }
        }
        if self.setup.is_manual() {
            return self.follow().unwrap_or(Verdict::Manual);
        }
        self.two_clusters()
            .map(Verdict::Blocked)
            .or_else(|| self.follow())
            .or_else(|| self.names_and_copies().map(Verdict::Blocked))
            .or_else(|| self.join())
            .or_else(|| self.await_cluster())
            .or_else(|| self.differs().map(Verdict::Blocked))
            .or_else(|| self.missing())
            .unwrap_or_else(|| self.accept_or_start())
    }

    /// Contradictions that a node in a cluster reports without acting on them (founding.md F0,
    /// founding.md 3.4, founding.md 3.5).
    pub(super) fn alarm(&self) -> Option<Block> {
        self.two_clusters()
            .or_else(|| self.copied())
            .or_else(|| self.duplicate_name())
    }

    /// founding.md F0: two different cluster ids under our cluster name. The node never chooses
    /// between them.
    fn two_clusters(&self) -> Option<Block> {
        let mut clusters: BTreeMap<ClusterId, &Address> = BTreeMap::new();
        if let (Some(seat), Some(own)) = (self.record.seat(), self.own) {
            clusters.insert(seat.cluster_id, own);
        }
        for (at, _, theirs) in self.cluster_answers() {
            if let Some(id) = theirs.cluster_id {
                clusters.entry(id).or_insert(at);
            }
        }
        let mut ids = clusters.into_iter();
        let (one, other) = (ids.next()?, ids.next()?);
        Some(Block::TwoClusters {
            one: (one.0, one.1.clone()),
            other: (other.0, other.1.clone()),
        })
    }

    /// founding.md F1: a started vector names this incarnation, at any address and under any
    /// cluster name. This node accepted that vector before. Without this row one crash at the
    /// moment of founding would leave a started minority for ever (founding.md 9.6).
    fn follow(&self) -> Option<Verdict> {
        for (at, peer) in self.peers.iter() {
            for theirs in peer.answers() {
                if let Some(origin) = self.names_me(theirs) {
                    let cluster_name = theirs.cluster_name.clone();
                    return Some(Verdict::Follow {
                        cluster_name,
                        origin,
                        seen_at: at.clone(),
                    });
                }
            }
        }
        None
    }

    fn names_me(&self, theirs: &Identity) -> Option<Origin> {
        let vector = theirs.vector.as_ref()?;
        let named = vector.iter().any(|entry| entry.incarnation == self.me());
        let whole = vector.len() == theirs.list.len();
        // The cluster id proves that list, name and vector belong together, so no incomplete vector
        // is ever started.
        let sound = whole
            && theirs.cluster_id == Some(cluster_id(&theirs.cluster_name, &theirs.list, vector));
        if !theirs.is_of_a_cluster() || theirs.protocol != PROTOCOL || !named || !sound {
            return None;
        }
        Some(Origin {
            list: theirs.list.clone(),
            vector: vector.clone(),
        })
    }

    /// Blocks unless it is clear which node is which. Before that, nothing is founded or joined
    /// (founding.md 3.4, founding.md 3.5).
    fn names_and_copies(&self) -> Option<Block> {
        self.not_my_name()
            .or_else(|| self.listed_twice())
            .or_else(|| self.copied())
            .or_else(|| self.duplicate_name())
    }

    /// The configured own name is an entry of the list, but another node answers there.
    fn not_my_name(&self) -> Option<Block> {
        let named = self
            .setup
            .named
            .as_ref()
            .filter(|named| self.list.contains(named))?;
        let peer = self.peers.get(named)?;
        let theirs = peer.node()?.incarnation;
        if peer.has(self.me()) {
            return None;
        }
        Some(Block::NotMyName {
            entry: named.clone(),
            theirs,
        })
    }

    fn listed_twice(&self) -> Option<Block> {
        let mut mine = self.entries.iter().filter(|entry| entry.mine);
        let (one, other) = (mine.next()?, mine.next()?);
        Some(Block::ListedTwice {
            one: one.at.clone(),
            other: other.at.clone(),
        })
    }

    fn copied(&self) -> Option<Block> {
        let mut seen: BTreeMap<Incarnation, &Address> = BTreeMap::new();
        for entry in &self.entries {
            let answers = entry.peer.map(Peer::answers).unwrap_or_default();
            for incarnation in answers
                .iter()
                .map(|a| a.incarnation)
                .filter(|i| *i != self.me())
            {
                if let Some(first) = seen.insert(incarnation, entry.at) {
                    let (one, other) = (first.clone(), entry.at.clone());
                    return Some(Block::Copied {
                        one,
                        other,
                        incarnation,
                    });
                }
            }
        }
        None
    }

    fn duplicate_name(&self) -> Option<Block> {
        let is_duplicate = |entry: &&Entry| {
            entry
                .peer
                .is_some_and(|peer| peer.has_duplicate_name(self.now))
        };
        let entry = self.entries.iter().find(is_duplicate)?.at.clone();
        Some(Block::DuplicateName { entry })
    }

    /// founding.md F2: there is evidence of a cluster under our name.
    fn join(&self) -> Option<Verdict> {
        let (at, _, theirs) = self.cluster_answers().next()?;
        let cluster_id = theirs.cluster_id?;
        // The own address must be known. Otherwise a wiped node whose own entry is slow to answer
        // would join under its container's id, beside its old entry. The text of founding.md F3 or
        // founding.md F5 says what this node waits for.
        self.own?;
        let leader_known = self
            .cluster_answers()
            .any(|(_, _, theirs)| theirs.leader_known);
        let orphaned_learners = self.orphaned_learners(cluster_id);
        Some(Verdict::Join {
            cluster_id,
            seen_at: at.clone(),
            leader_known,
            orphaned_learners,
        })
    }

    /// Learners, if nothing else is left of this cluster: at the address of every voter some node
    /// answers, and none that belongs to the cluster. If a voter does not answer, the result is
    /// empty: that voter may be down and come back (founding.md 4.3).
    fn orphaned_learners(&self, cluster_id: ClusterId) -> Vec<Address> {
        let of_it = |theirs: &&Identity| theirs.cluster_id == Some(cluster_id);
        let is_gone = |voter: &Address| {
            let answers = self.peers.get(voter).map(Peer::answers).unwrap_or_default();
            // At its own address this node is the one that asks to join, so that voter is gone.
            Some(voter) == self.own
                || (!answers.is_empty() && !answers.iter().any(|theirs| of_it(&theirs)))
        };
        let known = || {
            self.cluster_answers()
                .map(|(_, _, theirs)| theirs)
                .filter(of_it)
        };
        if !known().all(|theirs| theirs.is_learner() && theirs.voters.iter().all(is_gone)) {
            return Vec::new();
        }
        // A learner may be seen both at its name and at its IP address.
        known()
            .map(|theirs| theirs.http.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// founding.md F3: this node is no founder.
    fn await_cluster(&self) -> Option<Verdict> {
        let join_only = self.setup.expect == 0;
        let not_listed = self
            .entries
            .iter()
            .all(|entry| entry.node().is_some() && !entry.mine);
        if !join_only && !not_listed {
            return None;
        }
        let why = if join_only {
            Await::JoinOnly
        } else {
            Await::NotListed
        };
        let missing = self
            .entries
            .iter()
            .filter_map(|entry| self.not_to_be_joined(*entry))
            .collect();
        Some(Verdict::AwaitCluster { why, missing })
    }

    /// founding.md F4: a peer differs.
    fn differs(&self) -> Option<Block> {
        let differences: Vec<Difference> = self
            .others()
            .filter_map(|entry| {
                let what = match (entry.node(), entry.failure()) {
                    (Some(theirs), _) => self.difference(theirs)?,
                    (None, Some(failure)) if failure.is_an_answer() => {
                        Mismatch::Answer(failure.clone())
                    }
                    _ => return None,
                };
                Some(Difference {
                    at: entry.at.clone(),
                    what,
                })
            })
            .collect();
        if differences.is_empty() {
            None
        } else {
            Some(Block::Differs(differences))
        }
    }

    fn difference(&self, theirs: &Identity) -> Option<Mismatch> {
        if theirs.protocol != PROTOCOL {
            return Some(Mismatch::Protocol {
                theirs: theirs.protocol,
            });
        }
        if theirs.cluster_name != self.setup.cluster_name {
            let (ours, theirs) = (self.setup.cluster_name.clone(), theirs.cluster_name.clone());
            return Some(Mismatch::Name { ours, theirs });
        }
        if !matches!(theirs.phase, Phase::Fresh | Phase::Accepted) {
            return None;
        }
        if theirs.list != self.list {
            return Some(Mismatch::List {
                ours: self.list.to_vec(),
                theirs: theirs.list.clone(),
            });
        }
        if theirs.expect != self.setup.expect {
            return Some(Mismatch::Number {
                ours: self.setup.expect,
                theirs: theirs.expect,
            });
        }
        if theirs.with_secret != self.setup.with_secret {
            let here = self.setup.with_secret;
            return Some(Mismatch::Secret { here });
        }
        let own = self.own?;
        if own.is_loopback_literal() != theirs.http.is_loopback_literal() {
            return Some(Mismatch::Loopback {
                ours: own.clone(),
                theirs: theirs.http.clone(),
            });
        }
        // All fields that the hash covers are equal. If the hash still differs, the peer computes
        // it in another way.
        let same = theirs.list_hash == Some(self.list_hash);
        if same {
            None
        } else {
            Some(Mismatch::Protocol {
                theirs: theirs.protocol,
            })
        }
    }

    /// founding.md F5: a founder is missing.
    fn missing(&self) -> Option<Verdict> {
        let missing: Vec<Missing> = self
            .others()
            .filter_map(Self::not_to_be_founded_with)
            .collect();
        if missing.is_empty() {
            return None;
        }
        Some(Verdict::Missing {
            missing,
            founders: self.list.len(),
            long: self.now >= LONG_WAIT_AFTER,
            unlisted: self.unlisted(),
        })
    }

    /// The name of this node, if no entry is this node, and each has answered or failed.
    fn unlisted(&self) -> Option<Unlisted> {
        let own = self.setup.named.as_ref().unwrap_or(&self.setup.host_name);
        let may_be_me = |entry: &Entry<'_>| {
            let is_unasked = entry.node().is_none() && entry.failure().is_none();
            entry.mine || entry.at == own || is_unasked
        };
        if self.entries.iter().any(may_be_me) {
            return None;
        }
        let silent = || self.entries.iter().filter(|entry| entry.node().is_none());
        let host = most_similar(own.host(), silent().map(|entry| entry.at.host()));
        let similar = silent().find(|entry| Some(entry.at.host()) == host);
        Some(Unlisted {
            own: own.clone(),
            similar: similar.map(|entry| entry.at.clone()),
        })
    }

    fn not_to_be_founded_with(entry: Entry<'_>) -> Option<Missing> {
        let why = match entry.node().map(|theirs| (theirs.phase, theirs)) {
            None => entry.last_failure(),
            Some((Phase::Fresh | Phase::Accepted, _)) => return None,
            Some((Phase::Removed, _)) => MissingReason::Removed,
            Some((Phase::Joining, theirs)) => MissingReason::Joining {
                members: theirs.members.clone(),
            },
            Some((Phase::Started | Phase::Member, _)) => MissingReason::InCluster,
        };
        Some(Missing {
            address: entry.at.clone(),
            why,
        })
    }

    fn not_to_be_joined(&self, entry: Entry<'_>) -> Option<Missing> {
        let ours = &self.setup.cluster_name;
        let why = match entry.node() {
            Some(theirs) if theirs.cluster_name != *ours => MissingReason::OtherClusterName {
                ours: ours.clone(),
                theirs: theirs.cluster_name.clone(),
            },
            Some(_) => return None,
            None => entry.last_failure(),
        };
        Some(Missing {
            address: entry.at.clone(),
            why,
        })
    }

    /// founding.md F6 and founding.md F7. The rows above make sure that all others are seen as
    /// `fresh` or `accepted`, with our list, name, number and protocol.
    fn accept_or_start(&self) -> Verdict {
        let Some(vector) = self.vector_seen() else {
            return Verdict::Agreeing {
                not_yet: Vec::new(),
                founders: self.list.len(),
            };
        };
        if self.accepted != Some(vector.as_slice()) {
            return Verdict::Accept(vector);
        }
        let has_accepted =
            |entry: &Entry| entry.node().is_some_and(|theirs| accepts(theirs, &vector));
        let not_yet: Vec<Address> = self
            .others()
            .filter(|entry| !has_accepted(entry))
            .map(|entry| entry.at.clone())
            .collect();
        if not_yet.is_empty() && self.now >= quiet_period(self.setup) {
            return Verdict::Start(vector);
        }
        Verdict::Agreeing {
            not_yet,
            founders: self.list.len(),
        }
    }

    fn vector_seen(&self) -> Option<Vec<VectorEntry>> {
        let own = self.own?;
        let place = |entry: &Entry| {
            if entry.mine {
                let raft = own.with_port(self.setup.raft_port);
                return Some(VectorEntry {
                    incarnation: self.me(),
                    http: own.clone(),
                    raft,
                });
            }
            let theirs = entry.node()?;
            let (http, raft) = (theirs.http.clone(), theirs.raft.clone());
            Some(VectorEntry {
                incarnation: theirs.incarnation,
                http,
                raft,
            })
        };
        self.entries.iter().map(place).collect()
    }

    /// Members of clusters that count as evidence for this node.
    pub(super) fn members_seen(&self) -> impl Iterator<Item = (&Address, &Identity)> {
        self.cluster_answers().map(|(at, _, theirs)| (at, theirs))
    }

    fn me(&self) -> Incarnation {
        self.record.incarnation
    }

    /// Evidence of a cluster (founding.md 4.1): answers in `started` or `member` under our cluster
    /// name. An answer from a hinted address counts only if that cluster names this node's address.
    /// Otherwise an IP address that passed from one stack to another would make its new owner join
    /// the other stack.
    fn cluster_answers(&self) -> impl Iterator<Item = (&Address, &Peer, &Identity)> {
        let name = self
            .record
            .seat()
            .map_or(&self.setup.cluster_name, |seat| &seat.cluster_name);
        let names_me = |theirs: &Identity| {
            let entries = self
                .entries
                .iter()
                .filter(|entry| entry.mine)
                .map(|entry| entry.at);
            let mut mine = self.own.into_iter().chain(entries);
            mine.any(|own| theirs.list.contains(own) || theirs.members.contains(own))
        };
        self.peers
            .iter()
            .flat_map(|(at, peer)| peer.answers().iter().map(move |theirs| (at, peer, theirs)))
            .filter(move |(_, peer, theirs)| {
                let counts = match peer.source {
                    PollReason::List | PollReason::Member | PollReason::Vouched(_) => true,
                    PollReason::Hint(_) => names_me(theirs),
                };
                let ours = theirs.cluster_name == *name && theirs.protocol == PROTOCOL;
                ours && theirs.is_of_a_cluster() && counts && theirs.incarnation != self.me()
            })
    }

    /// Entries of the list that are not this node.
    fn others(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries.iter().filter(|entry| !entry.mine).copied()
    }
}

impl<'a> Entry<'a> {
    fn node(&self) -> Option<&'a Identity> {
        self.peer.and_then(Peer::node)
    }

    fn failure(&self) -> Option<&'a PollError> {
        self.peer.and_then(Peer::failure)
    }

    fn last_failure(&self) -> MissingReason {
        self.failure()
            .map_or(MissingReason::NotAskedYet, |failure| {
                MissingReason::NoAnswer(failure.clone())
            })
    }
}

/// Whether this answer is `accepted` with exactly this vector. If another incarnation has taken a
/// place since, the vector is another one.
fn accepts(theirs: &Identity, vector: &[VectorEntry]) -> bool {
    theirs.phase == Phase::Accepted && theirs.vector.as_deref() == Some(vector)
}
