//! Removals that operators ask for, served in order (founding.md 7.3).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::RaftId;
use crate::catalog::RemovedWhy;
use crate::cluster::membership::context::StepContext;
use crate::cluster::membership::facts::Facts;
use crate::cluster::membership::finish::remove;
use crate::cluster::membership::observations::Subject;
use crate::cluster::membership::removal_queue::Waiting;
use crate::cluster::membership::step::{Request, Step, StepError};
use crate::cluster::membership::{DueStep, Membership};
use crate::cluster::refusal::{Absent, MembershipConflict, NotYet, Refusal};
use crate::machine::Removal;
use crate::wire::identity::JOINING_LEVEL;

enum RemovalDecision {
    End(Result<(), Refusal>),
    Do(Step),
    /// Too early to decide: it is not known yet whether the remaining voters answer, or whether all
    /// members read what would be written.
    Wait,
}

impl Membership {
    /// Serves the first request that is not answered yet.
    pub(super) fn serve_removals(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        loop {
            let waiting = self.removals.waiting.front()?;
            let (request, asked) = (waiting.request.clone(), waiting.asked);
            let subject = Subject::Removal(request.number);
            match self.consider(context, &request, asked) {
                RemovalDecision::End(result) => self.removals.end(request.number, result),
                RemovalDecision::Wait => return None,
                RemovalDecision::Do(_) if self.observations.is_paused(subject) => return None,
                RemovalDecision::Do(step) => {
                    self.observations
                        .removed_by
                        .insert(request.raft_id, request.by);
                    return Some((subject, step));
                }
            }
        }
    }

    fn consider(
        &self,
        context: &StepContext<'_>,
        request: &Request,
        asked: Duration,
    ) -> RemovalDecision {
        let (facts, raft_id) = (context.facts, request.raft_id);
        if context.level() < JOINING_LEVEL
            && let Some(verdict) = consider_early(facts, request)
        {
            return verdict;
        }
        if facts.voters.contains(&raft_id) {
            return self.consider_voter(facts, request, context.now.saturating_sub(asked));
        }
        if facts.learners.contains(&raft_id) {
            return RemovalDecision::Do(Step::RemoveLearners {
                ids: BTreeSet::from([raft_id]),
            });
        }
        if facts.incarnation_of(raft_id).is_some() {
            let removal = Removal {
                why: RemovedWhy::Removed,
                by: request.by.clone(),
            };
            return RemovalDecision::Do(remove(raft_id, Some(removal)));
        }
        let is_done = facts
            .catalog
            .tombstones
            .values()
            .any(|tombstone| tombstone.raft_id == raft_id);
        RemovalDecision::End(if is_done {
            Ok(())
        } else {
            Err(Refusal::NotFound(Absent::RaftId(raft_id)))
        })
    }

    fn consider_voter(
        &self,
        facts: &Facts,
        request: &Request,
        asked_for: Duration,
    ) -> RemovalDecision {
        let (raft_id, name) = (request.raft_id, facts.name_of(request.raft_id));
        let rest: BTreeSet<RaftId> = facts
            .voters
            .iter()
            .copied()
            .filter(|id| *id != raft_id)
            .collect();
        if rest.is_empty() {
            return RemovalDecision::End(Err(Refusal::Conflict(MembershipConflict::LastMember {
                name,
            })));
        }
        if raft_id == self.setup.me {
            return RemovalDecision::End(Err(Refusal::NotYet(NotYet::Leads { name })));
        }
        if !request.force && !facts.has_healthy_majority(&self.setup, &rest) {
            let healthy = rest
                .iter()
                .filter(|id| facts.is_healthy(&self.setup, **id))
                .count();
            return RemovalDecision::End(Err(Refusal::Conflict(MembershipConflict::NoMajority {
                name,
                healthy,
                voters: rest.len(),
            })));
        }
        // A voter that died a moment ago still counts as healthy. A change that relied on it could
        // neither end nor be taken back before that voter is up again. So a majority of the rest
        // must have answered since this removal was asked for.
        if !request.force && !facts.has_majority_within(&self.setup, &rest, asked_for) {
            return RemovalDecision::Wait;
        }
        RemovalDecision::Do(Step::ChangeVoters { voters: rest })
    }

    /// Answers requests whose time is up. A change that was begun is finished when it can be.
    pub(super) fn answer_late(&mut self, now: Duration, facts: &Facts) {
        let in_flight = self.doing;
        let is_late = |waiting: &&Waiting| {
            waiting.until <= now && in_flight != Some(Subject::Removal(waiting.request.number))
        };
        let late: Vec<(u64, Option<StepError>)> = self
            .removals
            .waiting
            .iter()
            .filter(is_late)
            .map(|waiting| (waiting.request.number, waiting.error.clone()))
            .collect();
        for (number, error) in late {
            let why = error.map_or_else(|| self.why_late(facts), NotYet::Step);
            self.removals.end(number, Err(Refusal::NotYet(why)));
        }
    }

    fn why_late(&self, facts: &Facts) -> NotYet {
        if facts.outgoing.is_some() || !facts.has_healthy_majority(&self.setup, &facts.voters) {
            return NotYet::Majority(facts.answering_text(&self.setup));
        }
        NotYet::Busy
    }

    /// Handles a failed step of a removal. After a refusal the step is tried again until the time
    /// of the request is up. After an unknown result the request is answered at once.
    pub(super) fn removal_failed(&mut self, facts: &Facts, number: u64, error: &StepError) {
        match error {
            StepError::Unknown => {
                let why = NotYet::Majority(facts.answering_text(&self.setup));
                self.removals.end(number, Err(Refusal::NotYet(why)));
            }
            StepError::Refused(_) | StepError::NotLeader => {
                let mut waiting = self.removals.waiting.iter_mut();
                if let Some(waiting) = waiting.find(|waiting| waiting.request.number == number) {
                    waiting.error = Some(error.clone());
                }
            }
        }
    }
}

/// Decides while not every member is known to be able to read what a removal writes. A member that
/// is gone for good and never named its level would keep the cluster's level down for ever. With
/// `-force` it is taken out of the voters, a change that any version can read. Then the level
/// rises, and the rest of the removal follows. Returns `None` in that case: the removal goes on.
fn consider_early(facts: &Facts, request: &Request) -> Option<RemovalDecision> {
    let reads = |id: &RaftId| {
        facts
            .levels
            .get(id)
            .is_some_and(|level| *level >= JOINING_LEVEL)
    };
    let behind: Vec<RaftId> = facts
        .members()
        .into_iter()
        .filter(|id| !reads(id))
        .collect();
    match behind[..] {
        // The level is about to be raised.
        [] => Some(RemovalDecision::Wait),
        [one] if one == request.raft_id && request.force && facts.voters.contains(&one) => None,
        _ => {
            let names: Vec<String> = behind.iter().map(|id| facts.name_of(*id)).collect();
            let why = NotYet::VersionUnknown(names);
            Some(RemovalDecision::End(Err(Refusal::NotYet(why))))
        }
    }
}
