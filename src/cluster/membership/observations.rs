//! What one leadership remembers: whom it saw when, what to leave alone for a while, what visits
//! found.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Pending;
use crate::cluster::membership::facts::Facts;
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::{Identity, Phase};

/// What a step is about: after it failed, the same subject rests for a while and others go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The joint membership.
    Joint,
    Pending(Incarnation),
    /// A meta node that is out of the membership, or has to go.
    Gone(RaftId),
    /// Learners that nobody knows.
    Strays,
    Level,
    /// A person's removal, by its number.
    Person(u64),
    /// A meta node that is to vote.
    Promote(RaftId),
}

/// After a step that failed.
pub(super) const ERROR_RETRY_DELAY: Duration = Duration::from_secs(1);
/// After a judgement that the old one is still in use.
pub(super) const JUDGEMENT_RETRY_DELAY: Duration = Duration::from_millis(1500);
/// Before the second visit: a joiner that was just given its Raft id writes it down first.
const FIRST_VISIT_DELAY: Duration = Duration::from_millis(100);
/// Between visits that found nothing to go on with.
const MAX_VISIT_DELAY: Duration = Duration::from_millis(1600);

#[derive(Default)]
pub(super) struct Observations {
    /// Acknowledged, heard or answered, in this leadership's own time.
    seen: BTreeMap<Incarnation, Duration>,
    pauses: BTreeMap<Subject, Duration>,
    visits: BTreeMap<Incarnation, Visit>,
    /// The pending that had the last step: the next one is served first.
    pub(super) turn: Option<RaftId>,
    /// Who wanted it out: so that the tombstone can say it, whoever finishes the removal.
    pub(super) removed_by: BTreeMap<RaftId, String>,
    /// An old voter that was taken out for a newcomer that follows only.
    pub(super) replaced_by: BTreeMap<RaftId, RaftId>,
}

/// The last visit to a pending.
struct Visit {
    at: Address,
    fruitless: u32,
    found: VisitResult,
}

/// What answered at a pending's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VisitResult {
    /// The pending, and it is ready to follow.
    Ready,
    /// The pending, not ready.
    NotYet(Phase),
    /// The pending and another node of this cluster's name.
    DuplicateName(Incarnation),
    /// Another node of this cluster's name, and not the pending.
    Other(Incarnation),
    NoAnswer(String),
}

impl Observations {
    /// Takes down who was seen, and forgets who is not known any more.
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

    /// Since anything was seen of it; who was never seen counts from when this leadership first
    /// knew of it.
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

    /// A visit ended. One that found nothing to go on with rests the pending, longer each time.
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

    /// What the last visit found, unless the pending has another address since.
    pub(super) fn visit(&self, pending: &Pending) -> Option<&VisitResult> {
        let visit = self
            .visits
            .get(&pending.incarnation)
            .filter(|visit| visit.at == pending.http);
        visit.map(|visit| &visit.found)
    }
}

impl VisitResult {
    /// Answers under another cluster's name are passed over (founding.md 3.5).
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
                    error.map_or_else(|| PollError::NameUnknown.to_string(), ToString::to_string),
                )
            }
            (Some(theirs), None) => {
                // One that saw itself in a membership before it was taken out says `member`: the
                // same volume, under the same Raft id, and not tombstoned.
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

    /// After "waiting for meta-4:8091: ".
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
