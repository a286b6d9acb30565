//! The requirement of the secret (founding.md 11.3): raised by the leader once every member has
//! shown that it knows it.

use std::collections::BTreeSet;

use crate::base::RaftId;
use crate::cluster::membership::alarm::Alarm;
use crate::cluster::membership::context::StepContext;
use crate::cluster::membership::observations::Subject;
use crate::cluster::membership::step::Step;
use crate::cluster::membership::{DueStep, Membership};
use crate::machine::InternalCommand;

impl Membership {
    /// Requires the secret as soon as every member and every pending has shown it. From then on a
    /// node without it is not heard.
    pub(super) fn require_secret(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let is_due = unproven(context).is_some_and(|unproven| unproven.is_empty())
            && !self.observations.is_paused(Subject::Secret);
        is_due.then_some((
            Subject::Secret,
            Step::Propose(InternalCommand::RequireSecret),
        ))
    }

    /// Names the nodes for which the requirement waits.
    pub(super) fn missing_proofs(&self, context: &StepContext<'_>) -> Option<Alarm> {
        let names: Vec<String> = unproven(context)?
            .into_iter()
            .map(|id| context.facts.name_of(id))
            .collect();
        (!names.is_empty()).then_some(Alarm::MissingProofs { names })
    }
}

/// Members and pendings that have not shown the secret within the last seconds. `None`: it is
/// required already, or this leader has none itself.
fn unproven(context: &StepContext<'_>) -> Option<BTreeSet<RaftId>> {
    let facts = context.facts;
    let proofs = facts.proofs.as_ref()?;
    if facts.catalog.cluster.as_ref()?.with_secret {
        return None;
    }
    let pendings = facts.catalog.pendings.values();
    let mut nodes = facts.members();
    nodes.extend(pendings.map(|pending| pending.raft_id));
    nodes.retain(|id| proofs.get(id) != Some(&true));
    Some(nodes)
}
