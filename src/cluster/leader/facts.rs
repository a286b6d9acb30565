//! Facts for `membership`, read from Raft and from this node's state.

use std::time::Duration;

use crate::base::RaftId;
use crate::cluster::membership::{Facts, MembershipSetup, Progress};
use crate::cluster::node::handle::NodeHandle;
use crate::raft::Raft;
use crate::wire::identity::FEATURE_LEVEL;

/// Maximum number of voters. Later members stay learners until a voter leaves (membership.md,
/// "Joining").
pub(in crate::cluster) const MAX_VOTERS: usize = 5;
/// Lower bound of T (founding.md 7), which is two election timeouts.
const MIN_SILENCE: Duration = Duration::from_secs(2);

pub(super) fn setup(node: &NodeHandle) -> MembershipSetup {
    MembershipSetup {
        me: node.state.raft_id().unwrap_or_default(),
        max_voters: MAX_VOTERS,
        silence: MIN_SILENCE.max(node.context.config.raft.base * 2),
    }
}

/// Reads the catalog before the membership; [`Facts`] says why.
pub(super) fn facts(node: &NodeHandle, raft: &Raft) -> Facts {
    let catalog = raft.applied().borrow().catalog.clone();
    let membership = raft.membership();
    let status = raft.status();
    let progress = status.progress.into_iter();
    Facts {
        catalog,
        voters: membership.voters,
        outgoing: membership.outgoing,
        learners: membership.learners,
        last_log: status.last_log.map_or(0, |last| last.index),
        progress: progress
            .map(|(id, matched, acked)| (id, Progress { matched, acked }))
            .collect(),
        heard: node.heard.all(),
        levels: node.state.levels(),
        supported: FEATURE_LEVEL,
        proofs: node.state.proofs(),
    }
}

/// Time since a member last acknowledged something to this leader.
pub(super) fn acked(raft: &Raft, raft_id: RaftId) -> Option<Duration> {
    let progress = raft.status().progress;
    progress
        .into_iter()
        .find(|(id, ..)| *id == raft_id)
        .and_then(|(.., acked)| acked)
}
