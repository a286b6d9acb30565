//! Status of the Raft node, for operators, health and metrics.

use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use openraft::{Instant as _, ServerState};

use super::Raft;
use super::room::DiskFault;
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

/// Status of the Raft node at one moment, for `/status`, `show`, health and metrics.
#[derive(Clone, Debug)]
pub struct RaftStatus {
    pub term: u64,
    pub role: Role,
    /// Leader that is known to lead now, not only the last one that did.
    pub leader: Option<RaftId>,
    pub last_log: Option<LogId>,
    pub committed: Option<LogId>,
    pub applied: Option<LogId>,
    pub snapshot: Option<LogId>,
    /// Voters of the latest *committed* membership.
    pub voters: Vec<RaftId>,
    pub learners: Vec<RaftId>,
    /// Set while the membership is being changed.
    pub joint: bool,
    /// Leader only: time since a quorum last acknowledged.
    pub quorum_ack: Option<Duration>,
    /// Leader only: for each member the highest log index known there, and the time since it
    /// answered.
    pub progress: Vec<(RaftId, Option<u64>, Option<Duration>)>,
    /// Reason why the node cannot go on: an unreadable entry, a storage error.
    pub halted: Option<String>,
    /// Reason why this node cannot take commands, if disks are one.
    pub disk: Option<DiskFault>,
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
            disk: self.disk_fault(),
        }
    }

    /// Durations of the log's fsyncs since it was opened.
    pub fn fsyncs(&self) -> FsyncHistogram {
        self.inner.log.fsyncs()
    }

    /// Returns the leader that is known to lead now: this node heard it, or, if it is this node, a
    /// majority answered it.
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
            // A new leader has no answer of a majority yet. It counts for one leader timeout, so
            // that it can accept proposals. Without that limit a leader that was cut off before the
            // first answer would call itself ready for ever.
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

    /// Returns the reason why this node cannot go on, if there is one.
    pub(super) fn halted(&self) -> Option<String> {
        if let Some(halt) = self.inner.halt_latch.get() {
            return Some(halt.to_string());
        }
        // Reasons of openraft. A normal stop is none.
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
