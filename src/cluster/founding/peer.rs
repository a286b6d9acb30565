//! Last answers of one address, kept in memory only (founding.md 2), and detection of two nodes
//! behind one name (founding.md 3.5).

use std::time::Duration;

use super::pace::{Pace, PollKind};
use crate::base::{ClusterId, Incarnation};
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::Identity;

/// Time for which an incarnation that answered at this address is remembered, to notice one that
/// comes back after another.
const MEMORY_LIFETIME: Duration = Duration::from_secs(60);

/// Maximum number of members that poll each other about once a second. In a larger cluster most
/// members are learners, and the polls would be too many.
const MAX_FAST_POLLED_MEMBERS: usize = 9;

/// Number of polls in a row after which a name that does not exist counts as lost. One wrong answer
/// of a name server must not rename a node.
const UNKNOWN_NAME_POLLS: u32 = 3;

/// Time after which a name counts as lost that gave no address for another reason. Docker gives no
/// answer at all for an unknown name if its own name servers cannot be reached.
const UNRESOLVED_FOR: Duration = Duration::from_secs(10);

/// A polled address.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) pace: Pace,
    /// Reason for which this address is polled.
    pub(super) source: PollReason,
    /// Answers of the last poll if it succeeded, one for each incarnation; those under our cluster
    /// name come first.
    answers: Vec<Identity>,
    /// Failure of the last poll. If there are neither answers nor a failure, no poll has ended yet.
    failure: Option<PollError>,
    /// Incarnations that answered here under our cluster name, with the time of the last answer;
    /// the latest is last.
    lately: Vec<(Incarnation, Duration)>,
    /// Time at which two nodes were last seen to answer here.
    duplicate_name_at: Option<Duration>,
    /// Polls in a row, up to the last one, whose name gave no address.
    unresolved: Unresolved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollReason {
    /// An entry of the founder list, or a founder of the vector that this node started.
    List,
    /// Named as a member by a listed node that is joining. As evidence of a cluster it counts like
    /// a listed address.
    Vouched(Duration),
    /// A member of this node's cluster, by its catalog.
    Member,
    /// Sent a hint, last at this time. It counts only if its cluster names this node's address
    /// (founding.md 4.1).
    Hint(Duration),
}

impl Peer {
    pub(super) fn new(source: PollReason, now: Duration) -> Self {
        Self {
            pace: Pace::new(now),
            source,
            answers: Vec::new(),
            failure: None,
            lately: Vec::new(),
            duplicate_name_at: None,
            unresolved: Unresolved::default(),
        }
    }

    /// First answer: it represents this address.
    pub(super) fn node(&self) -> Option<&Identity> {
        self.answers.first()
    }

    pub(super) fn answers(&self) -> &[Identity] {
        &self.answers
    }

    /// Whether this incarnation is among the answers.
    pub(super) fn has(&self, incarnation: Incarnation) -> bool {
        self.answers
            .iter()
            .any(|answer| answer.incarnation == incarnation)
    }

    pub(super) fn failure(&self) -> Option<&PollError> {
        self.failure.as_ref()
    }

    /// Whether the name of this address leads nowhere any more, as far as this node's resolver
    /// knows.
    pub(super) fn has_lost_name(&self) -> bool {
        self.unresolved.unknown >= UNKNOWN_NAME_POLLS || self.unresolved.lasts >= UNRESOLVED_FOR
    }

    pub(super) fn has_duplicate_name(&self, now: Duration) -> bool {
        self.duplicate_name_at
            .is_some_and(|at| now.saturating_sub(at) < MEMORY_LIFETIME)
    }

    /// Takes the results of one poll, one for each socket address. The poll succeeds if at least
    /// one answered. A poll that fails leaves nothing: an earlier answer is never used
    /// (founding.md 3.2). Returns whether anything differs from before.
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
        self.unresolved.count(now, self.failure.as_ref());
        self.remember(now, cluster_name);
        before
            != (
                self.answers.iter().map(mark).collect(),
                self.failure.clone(),
            )
    }

    /// Remembers the incarnations that answered under our cluster name. Others are passed over: two
    /// stacks with different cluster names may share a host name.
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
            self.duplicate_name_at = Some(now);
        }
        for incarnation in ours {
            self.lately.retain(|(known, _)| *known != incarnation);
            self.lately.push((incarnation, now));
        }
    }

    /// Kind of this peer. `ours` is this node's cluster; `members` is the number of members of that
    /// cluster.
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

/// A series of polls whose name gave no address.
#[derive(Clone, Debug, Default)]
struct Unresolved {
    since: Option<Duration>,
    lasts: Duration,
    /// Number of the last of them for which the name did not exist.
    unknown: u32,
}

impl Unresolved {
    fn count(&mut self, now: Duration, failure: Option<&PollError>) {
        let Some(failure) = failure.filter(|failure| failure.is_of_lookup()) else {
            *self = Self::default();
            return;
        };
        let since = *self.since.get_or_insert(now);
        self.lasts = now.saturating_sub(since);
        self.unknown = if failure.is_name_unknown() {
            self.unknown.saturating_add(1)
        } else {
            0
        };
    }
}

/// Fields of an identity whose change makes other nodes act.
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
        identity.process.map(|process| process.id),
    )
}

/// Returns the first failure that an operator must cure. Without one, returns the first failure, or
/// `NAME_UNKNOWN` if there is none at all.
fn worst(failures: Vec<PollError>) -> PollError {
    let needs_an_operator = |failure: &PollError| failure.is_an_answer();
    let worst = failures
        .iter()
        .find(|f| needs_an_operator(f))
        .or(failures.first());
    worst.cloned().unwrap_or(PollError::NAME_UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lost_after_three_polls_that_do_not_know_it_or_ten_seconds_of_others() {
        let at = Duration::from_secs;
        let mut peer = Peer::new(PollReason::List, at(0));
        let mut poll = |now, failure: PollError| {
            peer.see(at(now), "", vec![Err(failure)]);
            peer.has_lost_name()
        };
        assert!(!poll(1, PollError::NAME_UNKNOWN) && !poll(2, PollError::NAME_UNKNOWN));
        assert!(poll(3, PollError::NAME_UNKNOWN));
        assert!(
            !poll(4, PollError::LookupTimeout),
            "three in a row, not four ago"
        );
        assert!(!poll(5, PollError::Refused), "the name leads somewhere");
        assert!(!poll(6, PollError::LookupTimeout) && !poll(15, PollError::LookupTimeout));
        assert!(poll(16, PollError::LookupTimeout));
        assert!(!poll(17, PollError::Timeout));
    }
}
