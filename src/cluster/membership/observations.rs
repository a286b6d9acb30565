//! Memory of one leadership: when each node was seen, until when each subject is paused, and what
//! visits found.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Pending;
use crate::cluster::membership::facts::Facts;
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::{Identity, Phase};

/// Subject of a step. After a step that failed, its subject is paused and others go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The joint membership.
    Joint,
    Pending(Incarnation),
    /// A meta node that is out of the membership, or has to leave it.
    Gone(RaftId),
    /// Learners that are neither meta node nor pending.
    Strays,
    Level,
    /// The requirement of the secret.
    Secret,
    /// A removal that an operator asked for, by its number.
    Removal(u64),
    /// A meta node that is to vote.
    Promote(RaftId),
}

/// Pause of a subject after a step that failed.
pub(super) const ERROR_RETRY_DELAY: Duration = Duration::from_secs(1);
/// Pause of a newcomer after a judgement that the old member is still in use.
pub(super) const JUDGEMENT_RETRY_DELAY: Duration = Duration::from_millis(1500);
/// Delay between the first and the second visit: a joiner that was just given its Raft id stores it
/// before it is ready. Doubled for each further visit.
const FIRST_VISIT_DELAY: Duration = Duration::from_millis(100);
/// Maximum delay between visits that found the pending not ready.
const MAX_VISIT_DELAY: Duration = Duration::from_millis(1600);

#[derive(Default)]
pub(super) struct Observations {
    /// Time when each node last acknowledged, was heard or answered, in this leadership's own time.
    seen: BTreeMap<Incarnation, Duration>,
    pauses: BTreeMap<Subject, Duration>,
    visits: BTreeMap<Incarnation, Visit>,
    /// Pending that had the last step. The one with the next Raft id is served first.
    pub(super) turn: Option<RaftId>,
    /// Operator or node that asked for each removal. The tombstone names it, whichever rule
    /// finishes the removal.
    pub(super) removed_by: BTreeMap<RaftId, String>,
    /// Old voters that were taken out for a newcomer that stays a learner: old Raft id to new one.
    pub(super) replaced_by: BTreeMap<RaftId, RaftId>,
}

/// Last visit to a pending.
struct Visit {
    at: Address,
    fruitless: u32,
    found: VisitResult,
}

/// Answer found at a pending's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VisitResult {
    /// The pending, ready to follow.
    Ready,
    /// The pending, not ready.
    NotYet(Phase),
    /// The pending, and another node under this cluster's name.
    DuplicateName(Incarnation),
    /// Another node under this cluster's name, and not the pending.
    Other(Incarnation),
    NoAnswer(String),
}

impl Observations {
    /// Records when each known node was seen, and forgets nodes that the catalog does not have any
    /// more.
    pub(super) fn note(&mut self, now: Duration, facts: &Facts) {
        let nodes = facts
            .catalog
            .meta_nodes
            .values()
            .map(|node| (node.incarnation, node.raft_id));
        let pendings = facts
            .catalog
            .pendings
            .values()
            .map(|p| (p.incarnation, p.raft_id));
        let known: BTreeMap<Incarnation, RaftId> = nodes.chain(pendings).collect();
        for (incarnation, raft_id) in &known {
            let seen = self.seen.entry(*incarnation).or_insert(now);
            let signs = facts
                .heard
                .get(incarnation)
                .copied()
                .into_iter()
                .chain(facts.acked(*raft_id));
            *seen = signs
                .map(|ago| now.saturating_sub(ago))
                .fold(*seen, Duration::max);
        }
        self.seen
            .retain(|incarnation, _| known.contains_key(incarnation));
        self.visits
            .retain(|incarnation, _| facts.catalog.pendings.contains_key(incarnation));
        self.pauses.retain(|_, until| *until > now);
    }

    /// Time since the last sign of this node. A node that was never seen counts from when this
    /// leadership first knew of it.
    pub(super) fn unseen_for(&self, now: Duration, incarnation: Incarnation) -> Duration {
        now.saturating_sub(self.seen.get(&incarnation).copied().unwrap_or(now))
    }

    pub(super) fn pause(&mut self, subject: Subject, until: Duration) {
        self.pauses.insert(subject, until);
    }

    pub(super) fn is_paused(&self, subject: Subject) -> bool {
        self.pauses.contains_key(&subject)
    }

    pub(super) fn next_pause_end(&self, now: Duration) -> Option<Duration> {
        self.pauses
            .values()
            .copied()
            .filter(|until| *until > now)
            .min()
    }

    /// Ends a visit. A pending that is not ready is paused, longer each time.
    pub(super) fn visited(&mut self, now: Duration, pending: &Pending, found: VisitResult) {
        if !matches!(found, VisitResult::Other(_) | VisitResult::NoAnswer(_)) {
            self.seen.insert(pending.incarnation, now);
        }
        let before = self
            .visits
            .remove(&pending.incarnation)
            .filter(|visit| visit.at == pending.http);
        let fruitless = before.map_or(0, |visit| visit.fruitless);
        let is_ready = found == VisitResult::Ready;
        if !is_ready {
            let rest = FIRST_VISIT_DELAY
                .saturating_mul(1 << fruitless.min(8))
                .min(MAX_VISIT_DELAY);
            self.pause(Subject::Pending(pending.incarnation), now + rest);
        }
        let fruitless = if is_ready {
            0
        } else {
            fruitless.saturating_add(1)
        };
        self.visits.insert(
            pending.incarnation,
            Visit {
                at: pending.http.clone(),
                fruitless,
                found,
            },
        );
    }

    /// Result of the last visit, unless the pending has another address by now.
    pub(super) fn visit(&self, pending: &Pending) -> Option<&VisitResult> {
        let visit = self
            .visits
            .get(&pending.incarnation)
            .filter(|visit| visit.at == pending.http);
        visit.map(|visit| &visit.found)
    }
}

impl VisitResult {
    /// Evaluates the answers of one visit. Answers under another cluster's name are passed over
    /// (founding.md 3.5).
    pub(super) fn of(
        pending: &Pending,
        facts: &Facts,
        answers: &[Result<Identity, PollError>],
    ) -> Self {
        let cluster = facts.catalog.cluster.as_ref();
        let is_ours =
            |theirs: &&Identity| cluster.is_some_and(|cluster| cluster.name == theirs.cluster_name);
        let answered = || answers.iter().filter_map(|answer| answer.as_ref().ok());
        let itself = answered().find(|theirs| theirs.incarnation == pending.incarnation);
        let other = answered()
            .filter(is_ours)
            .find(|theirs| theirs.incarnation != pending.incarnation);
        match (itself, other) {
            (Some(_), Some(other)) => Self::DuplicateName(other.incarnation),
            (None, Some(other)) => Self::Other(other.incarnation),
            (None, None) => {
                let error = answers.iter().find_map(|answer| answer.as_ref().err());
                Self::NoAnswer(
                    error.map_or_else(|| PollError::NAME_UNKNOWN.to_string(), ToString::to_string),
                )
            }
            (Some(theirs), None) => {
                // A pending may say `member`: it saw itself in a membership, and was taken out of
                // that membership later. It is still the same volume, under the same Raft id, and
                // not tombstoned.
                let follows = matches!(theirs.phase, Phase::Joining | Phase::Member);
                let knows = theirs.raft_id == Some(pending.raft_id)
                    && theirs.cluster_id == cluster.map(|cluster| cluster.id);
                if follows && knows {
                    Self::Ready
                } else {
                    Self::NotYet(theirs.phase)
                }
            }
        }
    }

    /// Text that follows "waiting for meta-4:8091: ".
    pub(super) fn text(&self) -> String {
        match self {
            Self::Ready => "answers".to_owned(),
            Self::NotYet(phase) => {
                let phase = format!("{phase:?}").to_lowercase();
                format!("it answers as {phase} and has not taken its Raft id yet")
            }
            Self::DuplicateName(other) => {
                format!("incarnation {other} answers there, too; two nodes answer to one name")
            }
            Self::Other(other) => format!("incarnation {other} answers there instead"),
            Self::NoAnswer(why) => why.clone(),
        }
    }
}
