//! Changes of the membership. Only the leader's task calls them (founding.md 7).

use std::collections::BTreeSet;

use openraft::ChangeMembers;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::time::{Instant, timeout_at};

use super::types::{Member, Types};
use super::{NotLeader, Raft};
use crate::base::{Incarnation, RaftId};

/// Latest membership in the log, committed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembershipNow {
    /// The incoming configuration, while joint.
    pub voters: BTreeSet<RaftId>,
    /// The outgoing configuration, while joint.
    pub outgoing: Option<BTreeSet<RaftId>>,
    pub learners: BTreeSet<RaftId>,
}

/// Reasons why a change of the membership did not happen, or is not known to have happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("{0}")]
    NotLeader(#[from] NotLeader),
    #[error("refused: {0}")]
    Refused(String),
    #[error("not known to be done: leadership or time was lost")]
    Unknown,
}

impl Raft {
    /// Adds a learner. Does not wait until it has caught up.
    ///
    /// # Errors
    /// The node is not a learner, or not known to be one.
    pub async fn add_learner(
        &self,
        raft_id: RaftId,
        incarnation: Incarnation,
        deadline: Instant,
    ) -> Result<(), ChangeError> {
        let adding = self
            .inner
            .raft
            .add_learner(raft_id.0, Member { incarnation }, false);
        outcome(timeout_at(deadline, adding).await)
    }

    /// Makes exactly these nodes the voters, in one change. Each must be a member already. A node
    /// that is no longer a voter is no longer a member.
    ///
    /// # Errors
    /// The change is not complete, or not known to be. If a joint membership remains, calling this
    /// again completes it.
    pub async fn change_voters(
        &self,
        voters: &[RaftId],
        deadline: Instant,
    ) -> Result<(), ChangeError> {
        let voters: BTreeSet<u64> = voters.iter().map(|id| id.0).collect();
        let changing = self.inner.raft.change_membership(voters, false);
        outcome(timeout_at(deadline, changing).await)
    }

    /// Returns the latest membership.
    pub fn membership(&self) -> MembershipNow {
        let metrics = self.inner.raft.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let half = |ids: &BTreeSet<u64>| ids.iter().copied().map(RaftId).collect::<BTreeSet<_>>();
        let halves = membership.get_joint_config();
        MembershipNow {
            voters: halves.last().map(half).unwrap_or_default(),
            outgoing: halves.first().filter(|_| halves.len() > 1).map(half),
            learners: membership.learner_ids().map(RaftId).collect(),
        }
    }

    /// Resolves when this node's Raft has been shut down.
    pub async fn closed(&self) {
        let mut changed = self.changed();
        while changed.changed().await.is_ok() {}
    }

    /// Removes learners.
    ///
    /// # Errors
    /// The learners are still members, or not known to be removed.
    pub async fn remove_learners(
        &self,
        learners: &[RaftId],
        deadline: Instant,
    ) -> Result<(), ChangeError> {
        let learners = learners.iter().map(|id| id.0).collect();
        let removing = self
            .inner
            .raft
            .change_membership(ChangeMembers::RemoveNodes(learners), false);
        outcome(timeout_at(deadline, removing).await)
    }
}

type Changed<T> = Result<T, RaftError<Types, ClientWriteError<Types>>>;

fn outcome<T>(done: Result<Changed<T>, tokio::time::error::Elapsed>) -> Result<(), ChangeError> {
    match done {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(to)))) => Err(NotLeader {
            leader: to.leader_id.map(RaftId),
        }
        .into()),
        Ok(Err(
            RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)) | RaftError::Fatal(_),
        ))
        | Err(_) => Err(ChangeError::Unknown),
        Ok(Err(RaftError::APIError(error))) => Err(ChangeError::Refused(error.to_string())),
    }
}
