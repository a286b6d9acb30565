//! A picture of the Raft node for people, health and metrics.

use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use openraft::{Instant as _, ServerState};

use super::Raft;
use super::types::log_id;
use crate::base::{LogId, RaftId};
use crate::storage::FsyncHistogram;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Follower,
    Candidate,
    Learner,
}

/// A picture of the Raft node, for `/status`, `show`, health and metrics.
#[derive(Clone, Debug)]
pub struct RaftStatus {
    pub term: u64,
    pub role: Role,
    /// Known to lead now: not merely the last one that did.
    pub leader: Option<RaftId>,
    pub last_log: Option<LogId>,
    pub committed: Option<LogId>,
    pub applied: Option<LogId>,
    pub snapshot: Option<LogId>,
    /// Of the latest *committed* membership.
    pub voters: Vec<RaftId>,
    pub learners: Vec<RaftId>,
    /// Whether a change of the membership is under way.
    pub joint: bool,
    /// Leader only: how long ago a quorum last acknowledged.
    pub quorum_ack: Option<Duration>,
    /// Leader only: the highest log index known on each member, and how long ago it answered.
    pub progress: Vec<(RaftId, Option<u64>, Option<Duration>)>,
    /// Set once the node cannot go on: an unreadable entry, a storage error.
    pub halted: Option<String>,
}

impl Raft {
    pub fn status(&self) -> RaftStatus {
        let metrics = self.inner.raft.metrics().borrow_watched().clone();
        let membership = metrics.committed_membership_config.membership();
        let heartbeats = metrics.heartbeat.unwrap_or_default();
        let heard = |id: &u64| {
            heartbeats
                .get(id)
                .and_then(|at| at.as_ref())
                .map(|at| at.elapsed())
        };
        let progress = metrics.replication.unwrap_or_default();
        let progress = progress.iter().map(|(id, matched)| {
            let index = matched.map(|matched| matched.index);
            (RaftId(*id), index, heard(id))
        });
        RaftStatus {
            term: metrics.current_term,
            role: role(metrics.state),
            leader: self.leader(),
            last_log: self.inner.log.bounds().last,
            committed: metrics.local_committed.map(log_id),
            applied: metrics.last_applied.map(log_id),
            snapshot: metrics.snapshot.map(log_id),
            voters: membership.voter_ids().map(RaftId).collect(),
            learners: membership.learner_ids().map(RaftId).collect(),
            joint: metrics.membership_config.get_joint_config().len() > 1,
            quorum_ack: metrics.last_quorum_acked.map(|at| at.elapsed()),
            progress: progress.collect(),
            halted: self.halted(),
        }
    }

    /// How long the fsyncs of the log took, since it was opened.
    pub fn fsyncs(&self) -> FsyncHistogram {
        self.inner.log.fsyncs()
    }

    /// The leader, if it is known to be one now: heard by this node, or, if it is this node, by a
    /// majority.
    pub(super) fn leader(&self) -> Option<RaftId> {
        let metrics = self.inner.raft.metrics();
        let metrics = metrics.borrow_watched();
        let leader = RaftId(metrics.current_leader?);
        let leader_timeout = self.inner.timers.leader_timeout;
        let known = if leader == self.inner.me.raft_id {
            let alone = metrics.membership_config.voter_ids().eq([leader.0]);
            let acked = metrics
                .last_quorum_acked
                .map(|at| at.elapsed() < leader_timeout);
            // A new leader has no majority's answer yet, and waits for it to take proposals. One
            // that was cut off before the first would wait for ever, and call itself ready.
            alone
                || acked.unwrap_or_else(|| {
                    self.inner
                        .contact
                        .leads_for_less_than(metrics.current_term, leader_timeout)
                })
        } else {
            self.inner.contact.heard_within(leader, leader_timeout)
        };
        known.then_some(leader)
    }

    /// Why this node cannot go on, if so.
    pub(super) fn halted(&self) -> Option<String> {
        if let Some(halt) = self.inner.halt_latch.get() {
            return Some(halt.to_string());
        }
        // openraft's own reasons; stopping is none.
        match self
            .inner
            .raft
            .metrics()
            .borrow_watched()
            .running_state
            .clone()
        {
            Ok(()) | Err(openraft::errors::Fatal::Stopped) => None,
            Err(fatal) => Some(fatal.to_string()),
        }
    }
}

fn role(state: ServerState) -> Role {
    match state {
        ServerState::Leader => Role::Leader,
        ServerState::Candidate => Role::Candidate,
        ServerState::Follower => Role::Follower,
        ServerState::Learner | ServerState::Shutdown => Role::Learner,
    }
}
