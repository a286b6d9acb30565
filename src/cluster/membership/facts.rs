//! What the leader knows when it decides, and what follows from it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::{Incarnation, RaftId};
use crate::catalog::{Catalog, MetaNode, Pending};

/// Fixed for one leadership.
#[derive(Clone, Debug)]
pub struct Setup {
    pub me: RaftId,
    /// More than so many do not vote; who comes later follows as a learner.
    pub max_voters: usize,
    /// Who was not heard for so long is silent (T of founding.md 7).
    pub silence: Duration,
}

/// What the leader knows, taken anew for each event.
///
/// The catalog holds `Found` and this leader's own first entry. It is read *before* the membership:
/// a meta node is in the membership before it is in the catalog, so the other order could show one
/// that is in no membership.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Applied.
    pub catalog: Catalog,
    /// Of the latest membership in the log; while it is joint, the incoming half.
    pub voters: BTreeSet<RaftId>,
    /// While it is joint, the outgoing half.
    pub outgoing: Option<BTreeSet<RaftId>>,
    pub learners: BTreeSet<RaftId>,
    /// Index of the last entry in this leader's log.
    pub last_log: u64,
    /// Of the other members.
    pub progress: BTreeMap<RaftId, Progress>,
    /// This leader heard it, in any way, so long ago.
    pub heard: BTreeMap<Incarnation, Duration>,
    /// Feature levels that members named which answered lately; this leader's own is in it.
    pub levels: BTreeMap<RaftId, u32>,
    /// The feature level of this program.
    pub supported: u32,
}

/// How far a member follows this leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last entry that it is known to have.
    pub matched: Option<u64>,
    /// It acknowledged something to this leader so long ago.
    pub acked: Option<Duration>,
}

/// A learner that is fewer entries behind is caught up: replication does the rest while the change
/// commits.
const MAX_CAUGHT_UP_LAG: u64 = 1000;

impl Facts {
    /// In either half while joint, or following.
    pub(super) fn is_member(&self, raft_id: RaftId) -> bool {
        self.has_a_vote(raft_id) || self.learners.contains(&raft_id)
    }

    /// In either half while joint.
    pub(super) fn has_a_vote(&self, raft_id: RaftId) -> bool {
        let outgoing = self
            .outgoing
            .as_ref()
            .is_some_and(|half| half.contains(&raft_id));
        self.voters.contains(&raft_id) || outgoing
    }

    pub(super) fn members(&self) -> BTreeSet<RaftId> {
        let outgoing = self.outgoing.iter().flatten();
        self.voters
            .iter()
            .chain(outgoing)
            .chain(&self.learners)
            .copied()
            .collect()
    }

    /// Since its last acknowledgement to this leader.
    pub(super) fn acked(&self, raft_id: RaftId) -> Option<Duration> {
        self.progress
            .get(&raft_id)
            .and_then(|progress| progress.acked)
    }

    /// It acknowledged something within T; this leader always does.
    pub(super) fn is_healthy(&self, setup: &Setup, raft_id: RaftId) -> bool {
        raft_id == setup.me || self.acked(raft_id).is_some_and(|ago| ago < setup.silence)
    }

    /// Whether a majority of these has acknowledged something within so short a time.
    pub(super) fn has_majority_within(
        &self,
        setup: &Setup,
        voters: &BTreeSet<RaftId>,
        within: Duration,
    ) -> bool {
        let lately =
            |id: &&RaftId| **id == setup.me || self.acked(**id).is_some_and(|ago| ago < within);
        voters.iter().filter(lately).count() * 2 > voters.len()
    }

    /// How many entries it lacks; `None` before it has acknowledged any.
    pub(super) fn lag(&self, raft_id: RaftId) -> Option<u64> {
        let matched = self
            .progress
            .get(&raft_id)
            .and_then(|progress| progress.matched)?;
        Some(self.last_log.saturating_sub(matched))
    }

    pub(super) fn is_caught_up(&self, setup: &Setup, raft_id: RaftId) -> bool {
        self.is_healthy(setup, raft_id)
            && self.lag(raft_id).is_some_and(|lag| lag < MAX_CAUGHT_UP_LAG)
    }

    pub(super) fn has_healthy_majority(&self, setup: &Setup, voters: &BTreeSet<RaftId>) -> bool {
        self.has_majority_within(setup, voters, setup.silence)
    }

    /// Meta nodes of another incarnation that hold its HTTP or its Raft address.
    pub(super) fn holders(&self, pending: &Pending) -> Vec<&MetaNode> {
        let holds = |node: &&MetaNode| {
            (node.http == pending.http || node.raft == pending.raft)
                && node.incarnation != pending.incarnation
        };
        self.catalog.meta_nodes.values().filter(holds).collect()
    }

    /// Whose Raft id this is, as far as the catalog knows it.
    pub(super) fn incarnation_of(&self, raft_id: RaftId) -> Option<Incarnation> {
        let node = self
            .catalog
            .meta_node_by_raft_id(raft_id)
            .map(|node| node.incarnation);
        node.or_else(|| {
            self.catalog
                .pending_by_raft_id(raft_id)
                .map(|pending| pending.incarnation)
        })
    }

    /// What people know it by.
    pub(super) fn name_of(&self, raft_id: RaftId) -> String {
        let node = self
            .catalog
            .meta_node_by_raft_id(raft_id)
            .map(|node| &node.http);
        let http = node.or_else(|| {
            self.catalog
                .pending_by_raft_id(raft_id)
                .map(|pending| &pending.http)
        });
        http.map_or_else(|| format!("Raft id {raft_id}"), ToString::to_string)
    }

    /// "2 of 3 voters answer, meta-3:8091 does not", for whoever waits for a majority.
    pub(super) fn who_answers(&self, setup: &Setup) -> String {
        let voters: BTreeSet<RaftId> = self
            .voters
            .iter()
            .chain(self.outgoing.iter().flatten())
            .copied()
            .collect();
        let silent: Vec<String> = voters
            .iter()
            .filter(|id| !self.is_healthy(setup, **id))
            .map(|id| self.name_of(*id))
            .collect();
        let answer = format!(
            "{} of {} voters answer",
            voters.len() - silent.len(),
            voters.len()
        );
        let does = if silent.len() == 1 { "does" } else { "do" };
        if silent.is_empty() {
            answer
        } else {
            format!("{answer}, {} {does} not", silent.join(" and "))
        }
    }
}
