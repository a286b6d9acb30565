//! What is seen of one address (founding.md 2, kept in memory only), and two nodes behind one name
//! (rule 3.5).

use std::time::Duration;

use super::pace::{Pace, PollKind};
use crate::base::{ClusterId, Incarnation};
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::Identity;

/// How long an incarnation that answered here is remembered, to notice one that comes back after
/// another.
const MEMORY_LIFETIME: Duration = Duration::from_secs(60);

/// In a cluster of at most so many, each member asks each other one about once a second. In a
/// larger one most are learners, and that would be a flood.
const MAX_FAST_POLLED_MEMBERS: usize = 9;

/// One polled address.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) pace: Pace,
    /// Why this address is polled at all.
    pub(super) source: Source,
    /// All different answers of the last poll if it succeeded, those under our cluster name first.
    answers: Vec<Identity>,
    /// How the last poll failed. With no answers and no failure it has not been asked yet.
    failure: Option<PollError>,
    /// Incarnations that answered here under our name, and when last; the latest is last.
    lately: Vec<(Incarnation, Duration)>,
    /// When two nodes were last seen to answer here.
    twins_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In the founder list, or a founder of the vector that this node started.
    List,
    /// Named as a member by a listed node that is joining: counts like a listed one for joining.
    Vouched(Duration),
    /// A member of this node's cluster, as its catalog has it.
    Member,
    /// Said something to us, last at this time. Only what names my address counts (founding.md 4).
    Hint(Duration),
}

impl Peer {
    pub(super) fn new(source: Source, now: Duration) -> Self {
        Self {
            pace: Pace::new(now),
            source,
            answers: Vec::new(),
            failure: None,
            lately: Vec::new(),
            twins_at: None,
        }
    }

    /// The answer that stands for this address.
    pub(super) fn node(&self) -> Option<&Identity> {
        self.answers.first()
    }

    pub(super) fn answers(&self) -> &[Identity] {
        &self.answers
    }

    /// Whether this incarnation is among those that answered.
    pub(super) fn has(&self, incarnation: Incarnation) -> bool {
        self.answers
            .iter()
            .any(|answer| answer.incarnation == incarnation)
    }

    pub(super) fn failure(&self) -> Option<&PollError> {
        self.failure.as_ref()
    }

    pub(super) fn has_duplicate_name(&self, now: Duration) -> bool {
        self.twins_at
            .is_some_and(|at| now.saturating_sub(at) < MEMORY_LIFETIME)
    }

    /// The sockets' answers to one poll: it succeeds when at least one did. A poll that fails
    /// leaves nothing (rule 3.2: never "it was fresh a moment ago"). Returns whether anything is
    /// different from before.
    pub(super) fn see(
        &mut self,
        now: Duration,
        cluster_name: &str,
        results: Vec<Result<Identity, PollError>>,
    ) -> bool {
        let before = (
            self.answers.iter().map(mark).collect::<Vec<_>>(),
            self.failure.clone(),
        );
        let mut failures = Vec::new();
        self.answers.clear();
        for result in results {
            match result {
                Ok(identity)
                    if self
                        .answers
                        .iter()
                        .any(|a| a.incarnation == identity.incarnation) => {}
                Ok(identity) => self.answers.push(identity),
                Err(error) => failures.push(error),
            }
        }
        self.answers
            .sort_by_key(|a| (a.cluster_name != cluster_name, a.incarnation));
        self.failure = if self.answers.is_empty() {
            Some(worst(failures))
        } else {
            None
        };
        self.remember(now, cluster_name);
        before
            != (
                self.answers.iter().map(mark).collect(),
                self.failure.clone(),
            )
    }

    /// Answers under another cluster name are passed over: two stacks with names of their own may
    /// share one.
    fn remember(&mut self, now: Duration, cluster_name: &str) {
        self.lately
            .retain(|(_, at)| now.saturating_sub(*at) < MEMORY_LIFETIME);
        let ours: Vec<Incarnation> = self
            .answers
            .iter()
            .filter(|a| a.cluster_name == cluster_name)
            .map(|a| a.incarnation)
            .collect();
        let came_back = |incarnation: &Incarnation| {
            let known = self
                .lately
                .iter()
                .position(|(known, _)| known == incarnation);
            known.is_some_and(|at| at + 1 < self.lately.len())
        };
        if ours.len() > 1 || ours.iter().any(came_back) {
            self.twins_at = Some(now);
        }
        for incarnation in ours {
            self.lately.retain(|(known, _)| *known != incarnation);
            self.lately.push((incarnation, now));
        }
    }

    /// `members`: how many the cluster has.
    pub(super) fn kind(
        &self,
        ours: Option<ClusterId>,
        leader_known: bool,
        members: usize,
    ) -> PollKind {
        match ours {
            None => PollKind::Founding,
            Some(ours) if self.node().is_none_or(|node| node.cluster_id != Some(ours)) => {
                PollKind::NotMember
            }
            Some(_) if leader_known && members <= MAX_FAST_POLLED_MEMBERS => PollKind::Member,
            Some(_) if leader_known => PollKind::Settled,
            Some(_) => PollKind::Leaderless,
        }
    }
}

/// What of an identity makes others act when it changes.
pub(super) fn mark(identity: &Identity) -> impl PartialEq + use<> {
    (
        identity.incarnation,
        identity.phase,
        identity.cluster_id,
        identity.list_hash,
        identity.cluster_name.clone(),
        identity.http.clone(),
        identity
            .vector
            .as_ref()
            .map(|v| v.iter().map(|e| e.incarnation).collect::<Vec<_>>()),
        identity.halted.is_some(),
    )
}

/// Of several failures the one that a person must cure is told, not the one that heals by itself.
fn worst(failures: Vec<PollError>) -> PollError {
    let needs_a_person = |failure: &PollError| failure.is_an_answer();
    let worst = failures
        .iter()
        .find(|f| needs_a_person(f))
        .or(failures.first());
    worst.cloned().unwrap_or(PollError::NameUnknown)
}
