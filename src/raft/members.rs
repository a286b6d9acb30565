//! Changes of the membership. Called by one task only, the leader's (founding.md 7).

use std::collections::{BTreeMap, BTreeSet};

use openraft::ChangeMembers;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::time::{Instant, timeout_at};

use super::Raft;
use super::types::{Member, Types};
use crate::base::{Incarnation, RaftId};

/// The latest membership in the log, committed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembershipNow {
    /// While joint: the incoming half.
    pub voters: BTreeSet<RaftId>,
    /// While joint: the outgoing half.
    pub outgoing: Option<BTreeSet<RaftId>>,
    pub learners: BTreeSet<RaftId>,
}

/// Why a change of the membership did not happen, or is not known to have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("not the leader")]
    NotLeader { leader: Option<RaftId> },
    #[error("refused: {0}")]
    Refused(String),
    #[error("not known to be done: leadership or time was lost")]
    Unknown,
}

impl Raft {
    /// Adds a member that follows without a vote. Does not wait for it to catch up.
    ///
    /// # Errors
    /// It is not, or not known to be, a learner.
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

    /// Makes exactly these the voters, all at once; each must be a member already. Who no longer
    /// votes is out of the membership.
    ///
    /// # Errors
    /// The change is not, or not known to be, complete. A joint membership left behind is completed
    /// by calling this again.
    pub async fn change_voters(
        &self,
        voters: &[RaftId],
        deadline: Instant,
    ) -> Result<(), ChangeError> {
        let voters: BTreeSet<u64> = voters.iter().map(|id| id.0).collect();
        let changing = self.inner.raft.change_membership(voters, false);
        outcome(timeout_at(deadline, changing).await)
    }

    /// Who is in it now.
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

    /// Takes learners out.
    ///
    /// # Errors
    /// They are not, or not known to be, out.
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

pub(super) fn members(members: &[(RaftId, Incarnation)]) -> BTreeMap<u64, Member> {
    members
        .iter()
        .map(|&(id, incarnation)| (id.0, Member { incarnation }))
        .collect()
}

type Changed<T> = Result<T, RaftError<Types, ClientWriteError<Types>>>;

fn outcome<T>(done: Result<Changed<T>, tokio::time::error::Elapsed>) -> Result<(), ChangeError> {
    match done {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(to)))) => {
            Err(ChangeError::NotLeader {
                leader: to.leader_id.map(RaftId),
            })
        }
        Ok(Err(
            RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)) | RaftError::Fatal(_),
        ))
        | Err(_) => Err(ChangeError::Unknown),
        Ok(Err(RaftError::APIError(error))) => Err(ChangeError::Refused(error.to_string())),
    }
}
