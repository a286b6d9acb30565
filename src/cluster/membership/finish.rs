//! Steps that a new leader finds half done, and finishes as soon as the facts show them
//! (founding.md 7.6).

use std::collections::BTreeSet;

use crate::base::RaftId;
use crate::catalog::{MetaNode, Pending, RemovedWhy};
use crate::cluster::membership::alarm::{Alarm, TwoHolders};
use crate::cluster::membership::context::StepContext;
use crate::cluster::membership::observations::Subject;
use crate::cluster::membership::step::Step;
use crate::cluster::membership::{DueStep, Membership};
use crate::machine::{AddMetaNode, InternalCommand, Removal, RemoveMetaNode};

impl Membership {
    /// Completes a joint membership: its incoming half is what the leader that began it wanted.
    pub(super) fn end_joint(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let is_due =
            context.facts.outgoing.is_some() && !self.observations.is_paused(Subject::Joint);
        is_due.then(|| {
            (
                Subject::Joint,
                Step::ChangeVoters {
                    voters: context.facts.voters.clone(),
                },
            )
        })
    }

    /// Turns pendings that already vote into meta nodes at once, without a visit.
    pub(super) fn add_voters(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let pendings = context.facts.catalog.pendings.values();
        let voters: Vec<&Pending> = pendings
            .filter(|pending| context.facts.voters.contains(&pending.raft_id))
            .collect();
        voters
            .into_iter()
            .find_map(|pending| self.add_voter(context, pending))
    }

    fn add_voter(&mut self, context: &StepContext<'_>, pending: &Pending) -> Option<DueStep> {
        let subject = Subject::Pending(pending.incarnation);
        let step = match context.facts.holders(pending)[..] {
            [] => add(pending, None),
            [old] if !context.facts.is_member(old.raft_id) => add(pending, Some(old.raft_id)),
            // Since the newcomer got its vote, the old member or the newcomer has moved to that
            // address. Only a member that is gone makes room.
            [old] if context.is_gone(pending, old) => make_room(context, pending, old),
            [old] => {
                self.say(
                    pending,
                    &format!("votes already; {} holds its address", old.http),
                );
                Step::Inquire {
                    newcomer: pending.clone(),
                    old: old.clone(),
                }
            }
            [one, other, ..] => {
                self.say(pending, &TwoHolders::new(pending, one, other).to_string());
                return None;
            }
        };
        (!self.observations.is_paused(subject)).then_some((subject, step))
    }

    /// Takes a meta node that is not in the membership out of the catalog, unless a newcomer that
    /// votes is about to take its place.
    pub(super) fn remove_gone(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let spared = context.ids_being_replaced();
        let is_out = |node: &&MetaNode| {
            let raft_id = node.raft_id;
            !context.facts.is_member(raft_id) && !spared.contains(&raft_id)
        };
        let out: Vec<RaftId> = context
            .facts
            .catalog
            .meta_nodes
            .values()
            .filter(is_out)
            .map(|node| node.raft_id)
            .collect();
        let due = out
            .into_iter()
            .find(|id| !self.observations.is_paused(Subject::Gone(*id)))?;
        Some((Subject::Gone(due), self.end_of(context, due)))
    }

    fn end_of(&self, context: &StepContext<'_>, out: RaftId) -> Step {
        if let Some(newcomer) = self.newcomer_for(context, out) {
            return add(newcomer, Some(out));
        }
        let by = self.observations.removed_by.get(&out);
        let by = by
            .cloned()
            .unwrap_or_else(|| "a removal that a new leader finished".to_owned());
        remove(
            out,
            Some(Removal {
                why: RemovedWhy::Removed,
                by,
            }),
        )
    }

    /// Newcomer without a vote for which this leader took the old voter out.
    fn newcomer_for<'a>(&self, context: &StepContext<'a>, out: RaftId) -> Option<&'a Pending> {
        let newcomer = self.observations.replaced_by.get(&out)?;
        let pending = context.facts.catalog.pending_by_raft_id(*newcomer)?;
        let is_ready = context.facts.learners.contains(newcomer)
            && matches!(context.facts.holders(pending)[..], [old] if old.raft_id == out);
        (is_ready && !self.observations.removed_by.contains_key(&out)).then_some(pending)
    }

    /// Removes learners that are neither meta node nor pending. They are left over from a join that
    /// was given up, from a member that was replaced, or from one that was not seen for 24 h.
    pub(super) fn remove_strays(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let is_stray = |id: &&RaftId| context.facts.incarnation_of(**id).is_none();
        let ids: BTreeSet<RaftId> = context
            .facts
            .learners
            .iter()
            .filter(is_stray)
            .copied()
            .collect();
        let is_due = !ids.is_empty() && !self.observations.is_paused(Subject::Strays);
        is_due.then_some((Subject::Strays, Step::RemoveLearners { ids }))
    }

    /// Returns contradictions that no step of this task cures.
    pub(super) fn watch(&self, context: &StepContext<'_>) -> Vec<Alarm> {
        let facts = context.facts;
        // Only Replace and Remove take a voter out, and they end its meta node after that. So a
        // voter that is unknown to the catalog is unexpected.
        let strays = facts
            .voters
            .iter()
            .filter(|id| facts.incarnation_of(**id).is_none());
        let strays = strays.map(|id| Alarm::UnknownVoter(*id));
        let voting = facts
            .catalog
            .pendings
            .values()
            .filter(|p| facts.voters.contains(&p.raft_id));
        let crowded = voting.filter_map(|pending| match facts.holders(pending)[..] {
            [one, other, ..] => Some(Alarm::TwoHolders(TwoHolders::new(pending, one, other))),
            [old] if facts.is_member(old.raft_id) => Some(Alarm::AddressTaken {
                pending: pending.raft_id,
                http: pending.http.clone(),
                holder: old.raft_id,
            }),
            _ => None,
        });
        let unproven = self.missing_proofs(context);
        strays.chain(crowded).chain(unproven).collect()
    }

    /// Raises the feature level as soon as every member can read newer entries.
    pub(super) fn raise_level(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let levels = context
            .facts
            .members()
            .into_iter()
            .map(|id| context.facts.levels.get(&id).copied());
        let common = levels.min().flatten()?.min(context.facts.supported);
        let is_due = common > context.level() && !self.observations.is_paused(Subject::Level);
        is_due.then_some((
            Subject::Level,
            Step::Propose(InternalCommand::RaiseFeatureLevel { level: common }),
        ))
    }
}

/// Takes out the old member, which was judged gone. The newcomer votes already, or stays a learner.
/// If the old member votes, it leaves the voters first; otherwise `AddMetaNode` takes it out at
/// once.
pub(super) fn make_room(context: &StepContext<'_>, newcomer: &Pending, old: &MetaNode) -> Step {
    if !context.facts.voters.contains(&old.raft_id) {
        return add(newcomer, Some(old.raft_id));
    }
    let voters = context
        .facts
        .voters
        .iter()
        .copied()
        .filter(|id| *id != old.raft_id)
        .collect();
    Step::ChangeVoters { voters }
}

pub(super) fn add(pending: &Pending, replaces: Option<RaftId>) -> Step {
    Step::Propose(InternalCommand::AddMetaNode(AddMetaNode {
        raft_id: pending.raft_id,
        replaces,
    }))
}

pub(super) fn remove(raft_id: RaftId, tombstone: Option<Removal>) -> Step {
    Step::Propose(InternalCommand::RemoveMetaNode(RemoveMetaNode {
        raft_id,
        tombstone,
    }))
}
