//! Pendings, served in turn: visited, made learners, checked for Replace, admitted, or dropped
//! (founding.md J6, founding.md 6.3).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::RaftId;
use crate::catalog::{MetaNode, Pending};
use crate::cluster::membership::alarm::TwoHolders;
use crate::cluster::membership::context::StepContext;
use crate::cluster::membership::finish::{add, make_room, remove};
use crate::cluster::membership::observations::{Subject, VisitResult};
use crate::cluster::membership::step::Step;
use crate::cluster::membership::{DueStep, Membership};

/// Time without a sign of a pending, after which it is dropped. It may ask again.
const DROP_AFTER: Duration = Duration::from_secs(600);

/// Step that is due for one pending, and the text that says why the pending waits.
struct Plan {
    step: Option<Step>,
    text: String,
}

impl Plan {
    fn step(step: Step, text: impl Into<String>) -> Self {
        Self {
            step: Some(step),
            text: text.into(),
        }
    }

    fn wait(text: impl Into<String>) -> Self {
        Self {
            step: None,
            text: text.into(),
        }
    }
}

impl Membership {
    /// Serves the first pending for which a step is due, in turn after the one that had the last
    /// step.
    pub(super) fn serve_pendings(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let mut pendings: Vec<&Pending> = context.facts.catalog.pendings.values().collect();
        pendings.retain(|pending| !context.facts.has_a_vote(pending.raft_id));
        let (turn, fresh) = (self.observations.turn, context.fresh_pending());
        // The pending of a visit or an inquiry that has just ended comes first: evidence grows old.
        pendings.sort_by_key(|p| {
            (
                fresh != Some(p.incarnation),
                Some(p.raft_id) <= turn,
                p.raft_id,
            )
        });
        let mut due = None;
        for pending in pendings {
            let Plan { step, text } = self.plan(context, pending);
            self.say(pending, &text);
            let subject = Subject::Pending(pending.incarnation);
            if due.is_none() && !self.observations.is_paused(subject) {
                due = step.map(|step| (pending, subject, step));
            }
        }
        let (pending, subject, step) = due?;
        self.observations.turn = Some(pending.raft_id);
        if let Step::ChangeVoters { voters } = &step
            && !voters.contains(&pending.raft_id)
        {
            // Only the old voter leaves. Its place is kept for the newcomer, which stays a learner.
            let out = context.facts.voters.iter().find(|id| !voters.contains(id));
            self.observations
                .replaced_by
                .extend(out.map(|out| (*out, pending.raft_id)));
        }
        Some((subject, step))
    }

    fn plan(&self, context: &StepContext<'_>, pending: &Pending) -> Plan {
        let raft_id = pending.raft_id;
        let follows = context.facts.learners.contains(&raft_id);
        if let Some(why) = self.reason_to_drop(context, pending) {
            let step = if follows {
                Step::RemoveLearners {
                    ids: BTreeSet::from([raft_id]),
                }
            } else {
                remove(raft_id, None)
            };
            return Plan::step(step, format!("given up: {why}; it may ask again"));
        }
        if !follows {
            return self.plan_learner(context, pending);
        }
        let lag = context.facts.lag(raft_id);
        match lag {
            _ if !context.facts.is_healthy(&self.setup, raft_id) => Plan::step(
                Step::Visit {
                    pending: pending.clone(),
                },
                format!(
                    "a learner, waiting for its acknowledgement; {}",
                    self.last_visit_text(pending)
                ),
            ),
            Some(_) if context.facts.is_caught_up(&self.setup, raft_id) => {
                self.plan_member(context, pending)
            }
            Some(lag) => Plan::wait(format!("a learner, catching up: {lag} entries behind")),
            None => Plan::wait("a learner, catching up".to_owned()),
        }
    }

    /// Plan for a pending that is not a learner yet: it must say, at its own advertised address,
    /// that it is ready.
    fn plan_learner(&self, context: &StepContext<'_>, pending: &Pending) -> Plan {
        let (raft_id, incarnation) = (pending.raft_id, pending.incarnation);
        if context.is_ready(pending) {
            return Plan::step(
                Step::AddLearner {
                    raft_id,
                    incarnation,
                },
                "becomes a learner".to_owned(),
            );
        }
        Plan::step(
            Step::Visit {
                pending: pending.clone(),
            },
            self.last_visit_text(pending),
        )
    }

    fn last_visit_text(&self, pending: &Pending) -> String {
        let visit = self
            .observations
            .visit(pending)
            .filter(|visit| **visit != VisitResult::Ready);
        visit.map_or_else(
            || format!("waiting for it at {}", pending.http),
            |visit| format!("waiting for it at {}: {}", pending.http, visit.text()),
        )
    }

    /// Plan for a pending that is caught up: it becomes a member. It takes the place of the member
    /// that holds its address, if that one is gone.
    fn plan_member(&self, context: &StepContext<'_>, pending: &Pending) -> Plan {
        match context.facts.holders(pending)[..] {
            [] => self.admit_beside(context, pending),
            [old] => self.admit_instead(context, pending, old),
            [one, other, ..] => Plan::wait(TwoHolders::new(pending, one, other).to_string()),
        }
    }

    fn admit_beside(&self, context: &StepContext<'_>, pending: &Pending) -> Plan {
        let voters = context.facts.voters.len();
        if !pending.voter {
            return Plan::step(
                add(pending, None),
                "becomes a member without a vote, as it asked".to_owned(),
            );
        }
        if voters >= self.setup.max_voters {
            let text = format!("becomes a member without a vote: {voters} vote already");
            return Plan::step(add(pending, None), text);
        }
        self.change(context, context.voters_with(pending.raft_id))
    }

    fn admit_instead(&self, context: &StepContext<'_>, pending: &Pending, old: &MetaNode) -> Plan {
        let mut voters = context.facts.voters.clone();
        let had_a_vote = voters.remove(&old.raft_id);
        if pending.voter && had_a_vote {
            // Both in one change: there is no moment with one voter less.
            voters.insert(pending.raft_id);
        }
        if had_a_vote && let Some(waits) = self.waits_for_a_majority(context, &voters) {
            return Plan::wait(waits);
        }
        if !context.is_gone(pending, old) {
            let text = self.judged.get(&pending.incarnation).cloned();
            let text = text
                .unwrap_or_else(|| format!("asking whether the member at {} is gone", old.http));
            return Plan::step(
                Step::Inquire {
                    newcomer: pending.clone(),
                    old: old.clone(),
                },
                text,
            );
        }
        let text = format!("takes the place of Raft id {}", old.raft_id);
        if pending.voter && had_a_vote {
            return Plan::step(Step::ChangeVoters { voters }, text);
        }
        // A newcomer that replaces a learner is a learner at first, too. `promote` gives it a vote.
        Plan::step(make_room(context, pending, old), text)
    }

    /// Plan for a change of the voters. A change that cannot get through now is not begun: it would
    /// leave a joint membership behind.
    fn change(&self, context: &StepContext<'_>, voters: BTreeSet<RaftId>) -> Plan {
        match self.waits_for_a_majority(context, &voters) {
            Some(text) => Plan::wait(text),
            None => Plan::step(Step::ChangeVoters { voters }, "becomes a voter".to_owned()),
        }
    }

    pub(super) fn waits_for_a_majority(
        &self,
        context: &StepContext<'_>,
        voters: &BTreeSet<RaftId>,
    ) -> Option<String> {
        let facts = context.facts;
        let gets_through = facts.has_healthy_majority(&self.setup, &facts.voters)
            && facts.has_healthy_majority(&self.setup, voters);
        (!gets_through).then(|| {
            format!(
                "waiting for a majority: {}",
                facts.answering_text(&self.setup)
            )
        })
    }

    /// Reason for which a pending without a vote is dropped, if there is one.
    fn reason_to_drop(&self, context: &StepContext<'_>, pending: &Pending) -> Option<String> {
        let silence = self
            .observations
            .unseen_for(context.now, pending.incarnation);
        if silence >= DROP_AFTER {
            return Some(format!("not seen for {} minutes", silence.as_secs() / 60));
        }
        match self.observations.visit(pending) {
            Some(VisitResult::Other(other)) if silence >= self.setup.silence => Some(format!(
                "incarnation {other} answers at {} now",
                pending.http
            )),
            _ => None,
        }
    }
}
