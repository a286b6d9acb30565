//! Facts that the leader decides on, and simple conclusions from them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::{Incarnation, RaftId};
use crate::catalog::{Catalog, MetaNode, Pending};

/// Settings of one leadership.
#[derive(Clone, Debug)]
pub struct MembershipSetup {
    pub me: RaftId,
    /// Maximum number of voters. Later members stay learners.
    pub max_voters: usize,
    /// T of founding.md 7: a member that was not heard for so long is silent.
    pub silence: Duration,
}

/// Facts that the leader knows, taken anew for each event.
///
/// The catalog has `Found` and this leader's own first entry applied. It is read *before* the
/// membership. A meta node is in the membership before it is in the catalog, so the other order
/// could show a meta node that is in no membership.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Applied catalog.
    pub catalog: Catalog,
    /// Voters of the latest membership in the log; while it is joint, of its incoming half.
    pub voters: BTreeSet<RaftId>,
    /// Voters of the outgoing half, while the membership is joint.
    pub outgoing: Option<BTreeSet<RaftId>>,
    pub learners: BTreeSet<RaftId>,
    /// Index of the last entry in this leader's log.
    pub last_log: u64,
    /// Replication progress of the other members.
    pub progress: BTreeMap<RaftId, Progress>,
    /// Time since this leader last heard each incarnation, in any way.
    pub heard: BTreeMap<Incarnation, Duration>,
    /// Feature levels named by members that answered recently, and this leader's own.
    pub levels: BTreeMap<RaftId, u32>,
    /// Feature level of this program.
    pub supported: u32,
    /// For each member that answered within the last seconds, whether it proved that it knows this
    /// leader's secret. `None`: this leader has no secret.
    pub proofs: Option<BTreeMap<RaftId, bool>>,
}

/// Replication progress of one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Index of the last entry that the member is known to have.
    pub matched: Option<u64>,
    /// Time since it last acknowledged anything to this leader.
    pub acked: Option<Duration>,
}

/// Lag in entries below which a learner counts as caught up: it receives the rest while the change
/// commits.
const MAX_CAUGHT_UP_LAG: u64 = 1000;

impl Facts {
    /// Whether this Raft id is a learner, or a voter of either half of the membership.
    pub(super) fn is_member(&self, raft_id: RaftId) -> bool {
        self.has_a_vote(raft_id) || self.learners.contains(&raft_id)
    }

    /// Whether this Raft id is a voter of either half of the membership.
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

    /// Time since the last acknowledgement of this member to this leader.
    pub(super) fn acked(&self, raft_id: RaftId) -> Option<Duration> {
        self.progress
            .get(&raft_id)
            .and_then(|progress| progress.acked)
    }

    /// Whether this member acknowledged anything within T. This leader itself is always healthy.
    pub(super) fn is_healthy(&self, setup: &MembershipSetup, raft_id: RaftId) -> bool {
        raft_id == setup.me || self.acked(raft_id).is_some_and(|ago| ago < setup.silence)
    }

    /// Whether a majority of these voters acknowledged anything within this time.
    pub(super) fn has_majority_within(
        &self,
        setup: &MembershipSetup,
        voters: &BTreeSet<RaftId>,
        within: Duration,
    ) -> bool {
        let lately =
            |id: &&RaftId| **id == setup.me || self.acked(**id).is_some_and(|ago| ago < within);
        voters.iter().filter(lately).count() * 2 > voters.len()
    }

    /// Number of entries that this member lacks; `None` before it has acknowledged any.
    pub(super) fn lag(&self, raft_id: RaftId) -> Option<u64> {
        let matched = self
            .progress
            .get(&raft_id)
            .and_then(|progress| progress.matched)?;
        Some(self.last_log.saturating_sub(matched))
    }

    pub(super) fn is_caught_up(&self, setup: &MembershipSetup, raft_id: RaftId) -> bool {
        self.is_healthy(setup, raft_id)
            && self.lag(raft_id).is_some_and(|lag| lag < MAX_CAUGHT_UP_LAG)
    }

    pub(super) fn has_healthy_majority(
        &self,
        setup: &MembershipSetup,
        voters: &BTreeSet<RaftId>,
    ) -> bool {
        self.has_majority_within(setup, voters, setup.silence)
    }

    /// Meta nodes of another incarnation that hold the HTTP or the Raft address of this pending.
    pub(super) fn holders(&self, pending: &Pending) -> Vec<&MetaNode> {
        let holds = |node: &&MetaNode| {
            (node.http == pending.http || node.raft == pending.raft)
                && node.incarnation != pending.incarnation
        };
        self.catalog.meta_nodes.values().filter(holds).collect()
    }

    /// Incarnation with this Raft id, if the catalog has it.
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

    /// HTTP address of this Raft id, for texts. Without one, the Raft id itself.
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

    /// Text such as "2 of 3 voters answer, meta-3:8091 does not", for a wait for a majority.
    pub(super) fn answering_text(&self, setup: &MembershipSetup) -> String {
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
