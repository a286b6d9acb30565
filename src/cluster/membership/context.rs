//! Evaluation of the facts, with the evidence that the last event brought.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::{Incarnation, RaftId};
use crate::catalog::{MetaNode, Pending};
use crate::cluster::membership::facts::Facts;

/// Evidence of one event. It is valid for that event only, because evidence grows old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FreshEvidence {
    /// This pending says at its own address that it is ready to follow.
    Ready(Incarnation),
    /// The holder of the newcomer's address was judged gone.
    Gone { newcomer: Incarnation, old: RaftId },
}

pub(super) struct StepContext<'a> {
    pub(super) now: Duration,
    pub(super) facts: &'a Facts,
    pub(super) fresh: Option<FreshEvidence>,
}

impl<'a> StepContext<'a> {
    pub(super) fn is_ready(&self, pending: &Pending) -> bool {
        self.fresh == Some(FreshEvidence::Ready(pending.incarnation))
    }

    pub(super) fn is_gone(&self, newcomer: &Pending, old: &MetaNode) -> bool {
        self.fresh
            == Some(FreshEvidence::Gone {
                newcomer: newcomer.incarnation,
                old: old.raft_id,
            })
    }

    pub(super) fn fresh_pending(&self) -> Option<Incarnation> {
        self.fresh.map(|fresh| match fresh {
            FreshEvidence::Ready(incarnation)
            | FreshEvidence::Gone {
                newcomer: incarnation,
                ..
            } => incarnation,
        })
    }

    /// The present voters and this Raft id.
    pub(super) fn voters_with(&self, raft_id: RaftId) -> BTreeSet<RaftId> {
        self.facts.voters.iter().copied().chain([raft_id]).collect()
    }

    pub(super) fn level(&self) -> u32 {
        self.facts
            .catalog
            .cluster
            .as_ref()
            .map_or(0, |cluster| cluster.feature_level)
    }

    /// Meta nodes that are learners.
    pub(super) fn learner_members(&self) -> impl Iterator<Item = &'a MetaNode> {
        let facts = self.facts;
        facts
            .catalog
            .meta_nodes
            .values()
            .filter(|node| facts.learners.contains(&node.raft_id))
    }

    /// Raft ids of meta nodes whose address a pending that votes has. The `AddMetaNode` of that
    /// pending takes them out of the catalog.
    pub(super) fn ids_being_replaced(&self) -> BTreeSet<RaftId> {
        let pendings = self.facts.catalog.pendings.values();
        let voting = pendings.filter(|pending| self.facts.voters.contains(&pending.raft_id));
        voting
            .filter_map(|pending| match self.facts.holders(pending)[..] {
                [old] => Some(old.raft_id),
                _ => None,
            })
            .collect()
    }
}
