//! Meta nodes that are learners. Those that are to vote are promoted when there is room. The others
//! are taken out when they are not seen for 24 h.

use std::time::Duration;

use crate::catalog::{MetaNode, RemovedWhy};
use crate::cluster::membership::context::StepContext;
use crate::cluster::membership::finish::remove;
use crate::cluster::membership::observations::Subject;
use crate::cluster::membership::step::Step;
use crate::cluster::membership::{DueStep, Membership};
use crate::machine::Removal;

/// Time without a sign of a learner that is not to vote, after which it is taken out.
const REMOVE_UNSEEN_AFTER: Duration = Duration::from_secs(24 * 3600);

impl Membership {
    /// Promotes one learner that is to vote, once fewer than the maximum number of members vote.
    /// Notes for all other learners that are to vote why they wait.
    pub(super) fn promote(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let mut due = None;
        for node in context.learner_members().filter(|node| node.voter) {
            let subject = Subject::Promote(node.raft_id);
            let text = match self.waits_to_vote(context, node) {
                Some(text) => text,
                None => {
                    if due.is_none() && !self.observations.is_paused(subject) {
                        due = Some((
                            subject,
                            Step::ChangeVoters {
                                voters: context.voters_with(node.raft_id),
                            },
                        ));
                    }
                    "becomes a voter".to_owned()
                }
            };
            self.states.insert(node.incarnation, text);
        }
        due
    }

    fn waits_to_vote(&self, context: &StepContext<'_>, node: &MetaNode) -> Option<String> {
        let (facts, voters) = (context.facts, context.facts.voters.len());
        if voters >= self.setup.max_voters {
            return Some(format!(
                "a learner: {voters} vote already; promoted when one of them leaves"
            ));
        }
        if !facts.is_caught_up(&self.setup, node.raft_id) {
            return Some("a learner, to vote once it has caught up".to_owned());
        }
        self.waits_for_a_majority(context, &context.voters_with(node.raft_id))
    }

    /// Takes out a learner that is not to vote and was not seen for 24 h. It leaves the catalog
    /// first, so that its tombstone has the reason. From then on it is neither meta node nor
    /// pending, and `remove_strays` takes it out of Raft's membership.
    pub(super) fn remove_unseen(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let is_unseen = |node: &&MetaNode| {
            self.observations.unseen_for(context.now, node.incarnation) >= REMOVE_UNSEEN_AFTER
        };
        let by_wish = context.learner_members().filter(|node| !node.voter);
        let mut unseen = by_wish.filter(is_unseen).map(|node| node.raft_id);
        let due = unseen.find(|id| !self.observations.is_paused(Subject::Gone(*id)))?;
        let removal = Removal {
            why: RemovedWhy::Unseen,
            by: "the cluster: not seen for 24 hours".to_owned(),
        };
        Some((Subject::Gone(due), remove(due, Some(removal))))
    }
}
