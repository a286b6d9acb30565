//! Opening Raft once this node is in a cluster, and following its committed membership.

use crate::base::RaftId;
use crate::cluster::error::ClusterError;
use crate::cluster::founding::Event;
use crate::cluster::leader;
use crate::cluster::node::open_raft::{HaltReason, RaftState};
use crate::cluster::node::{NodeTask, open_raft};
use crate::cluster::peers::gossip;
use crate::raft::Raft;

impl NodeTask {
    /// Opens Raft if it is due. Stores `member` once this node is in a committed membership.
    pub(super) async fn advance(&mut self) -> Result<(), ClusterError> {
        self.yield_to_twin().await;
        let record = self.founding.record().clone();
        // A copy of a volume must find its original before it speaks (founding.md 3.8).
        let is_checked = self.founding.has_polled_its_address();
        if record.seat().is_some() && self.raft_state.is_due() && is_checked {
            self.raft_state =
                open_raft::open(&self.node.context, &self.state, &self.transport, record).await?;
            let Some(raft) = self.raft_state.raft().cloned() else {
                return Ok(());
            };
            self.raft_changed = Some(raft.changed());
            self.adopt(self.node.state.record());
            self.start_raft_tasks(&raft);
        }
        let Some(raft) = self.raft_state.raft().cloned() else {
            return Ok(());
        };
        let record = self.founding.record().clone();
        let seen_in = |raft_id: RaftId| {
            let status = raft.status();
            let listed = || {
                raft.applied()
                    .borrow()
                    .catalog
                    .meta_node_by_raft_id(raft_id)
                    .is_some()
            };
            // A learner is a member once it is in the catalog. Before that the leader may remove it
            // without a tombstone.
            status.voters.contains(&raft_id) || (status.learners.contains(&raft_id) && listed())
        };
        // Only a committed membership counts: an uncommitted one may be lost.
        if record.seat().is_some_and(|seat| seen_in(seat.raft_id))
            && let Some(member) = record.member()
        {
            self.state.store_record(&member).await?;
            self.invited = None;
            self.retry.settled(self.now(), None);
            self.adopt(member);
        }
        Ok(())
    }

    /// Halts this node if another process with its incarnation runs and began earlier: two that
    /// speak would vote and acknowledge entries under one Raft id. A log is opened once in a
    /// process, so only a restart ends this.
    async fn yield_to_twin(&mut self) {
        let is_in_cluster = self.founding.record().seat().is_some();
        let runs = matches!(self.raft_state, RaftState::NotYet | RaftState::Open(_));
        let ours = self.node.identity();
        let at = self.founding.yields_to(self.now(), &ours);
        if let Some(at) = at.filter(|_| is_in_cluster && runs) {
            // Also when it takes long: a halted node does not open its log again.
            self.close().await;
            self.raft_state = RaftState::Halted(HaltReason::Twin { at });
        }
    }

    /// Starts the tasks that live as long as the open Raft node.
    fn start_raft_tasks(&self, raft: &Raft) {
        let tasks = &self.node.context.env.tasks;
        let writer = self.leader_writer.clone();
        tasks.detach(leader::lead(self.node.clone(), writer, raft.clone()));
        tasks.detach(gossip::announce_to_others(
            self.gossip.clone(),
            raft.clone(),
        ));
        let (failures, stopped, raft) = (self.failures.clone(), tasks.clone(), raft.clone());
        tasks.detach(async move {
            let text = tokio::select! {
                biased;
                () = stopped.stopped() => return,
                () = raft.closed() => return,
                text = raft.fatal() => text,
            };
            let failure = ClusterError::Io {
                operation: "writing the log",
                source: std::io::Error::other(text),
            };
            // One failure ends the process; a second has nothing to add.
            drop(failures.try_send(failure));
        });
    }

    /// Event with what the open Raft node knows. Without an open Raft node, [`Event::Tick`].
    pub(super) fn cluster_event(&self) -> Event {
        let Some(raft) = self.raft_state.raft() else {
            return Event::Tick;
        };
        let applied = raft.applied().borrow().clone();
        let catalog = &applied.catalog;
        let members = catalog
            .meta_nodes
            .values()
            .map(|node| node.http.clone())
            .collect();
        let registered = catalog
            .meta_node_by_incarnation(self.founding.record().incarnation)
            .map(|node| node.http.clone());
        Event::Cluster {
            leader_known: raft.status().leader.is_some(),
            members,
            registered,
        }
    }
}
