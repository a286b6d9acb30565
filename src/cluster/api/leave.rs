//! `/leave` and `/remove` (founding.md 7, Remove). The leader's membership task removes the node;
//! then the removed node is told.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::base::{Address, RaftId};
use crate::catalog::MetaNode;
use crate::cluster::api::join::outcome;
use crate::cluster::api::{Cluster, POLL_INTERVAL};
use crate::cluster::identity::record::MembershipState;
use crate::cluster::leader::state::RemovalRequest;
use crate::cluster::node::senders::NodeOrder;
use crate::cluster::peers::exchange::PeerRequest;
use crate::cluster::refusal::{Absent, MembershipConflict, NotYet, Refusal};

use crate::raft::{AfterHandOver, HandOver, Raft};
use crate::wire::joining::{CallerIdentity, LEAVE, LeaveRequest, REMOVED, RemovedHint};

/// Timeout for handing leadership over: long enough for an election to begin and end.
const HAND_OVER_TIMEOUT: Duration = Duration::from_millis(1500);
/// Maximum length of the caller's name in a tombstone, which is kept for ever.
const MAX_BY_CHARS: usize = 200;

impl Cluster {
    /// [`ClusterApi::leave`](super::ClusterApi::leave).
    pub(super) async fn remove_self(&self, by: &str, deadline: Instant) -> Result<(), Refusal> {
        loop {
            let record = self.node.state.record();
            if matches!(record.standing, MembershipState::Removed { .. }) {
                return Ok(());
            }
            let raft = self.open_raft()?;
            if Instant::now() + POLL_INTERVAL >= deadline {
                return Err(Refusal::NotYet(NotYet::StillLeaving(self.reason())));
            }
            match self.leader(&raft) {
                Some(leader) if leader.incarnation == self.me() => self.step_down(&raft).await?,
                Some(leader) => {
                    let CallerIdentity { from, identity } = self.caller();
                    let by = Some(by.to_owned());
                    let message = LeaveRequest { from, identity, by };
                    let ask = PeerRequest::new(LEAVE, self.me(), &message)
                        .meant_for(Some(leader.incarnation))
                        .until(deadline);
                    match self.node.context.exchange.ask(&leader.http, ask).await {
                        Ok(response) if response.status == 503 => {}
                        // Removed already: the node's task will ask the cluster and store it.
                        Ok(response) if response.status == 410 => {
                            self.node.senders.order(NodeOrder::Suspect)
                        }
                        Ok(response) => {
                            outcome(&leader.http, &response)?;
                            self.node.senders.order(NodeOrder::Suspect);
                        }
                        Err(error) => {
                            tracing::debug!(%error, "leaving: the leader does not answer")
                        }
                    }
                }
                None => {}
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// [`ClusterApi::remove`](super::ClusterApi::remove).
    pub(super) async fn remove_by_address(
        &self,
        http: &Address,
        force: bool,
        by: &str,
        deadline: Instant,
    ) -> Result<(), Refusal> {
        let raft = self.open_raft()?;
        self.check_leads(&raft)?;
        let catalog = raft.applied().borrow().catalog.clone();
        let node = catalog
            .meta_node_by_http(http)
            .or_else(|| catalog.meta_node_by_raft(http));
        let pending = || {
            catalog
                .pendings
                .values()
                .find(|pending| pending.http == *http)
                .map(|p| p.raft_id)
        };
        let raft_id = node.map(|node| node.raft_id).or_else(pending);
        let raft_id = raft_id.ok_or_else(|| Refusal::NotFound(Absent::Address(http.clone())))?;
        if node.is_some_and(|node| node.incarnation == self.me()) {
            // The next leader removes this node: a leader that removes itself could not answer that
            // the removal is done.
            self.step_down(&raft).await?;
            return Err(Refusal::NotLeader);
        }
        self.remove_member(&raft, raft_id, force, by, deadline)
            .await
    }

    /// Removes a member through the leader's task, then tells the removed node.
    pub(super) async fn remove_member(
        &self,
        raft: &Raft,
        raft_id: RaftId,
        force: bool,
        by: &str,
        deadline: Instant,
    ) -> Result<(), Refusal> {
        let catalog = raft.applied().borrow().catalog.clone();
        let handle = self.leader.handle();
        let handle = handle.ok_or(Refusal::NotYet(NotYet::NoLeader))?;
        let (answer, answered) = oneshot::channel();
        let by = by.chars().take(MAX_BY_CHARS).collect();
        let removal = RemovalRequest {
            raft_id,
            force,
            by,
            answer,
        };
        handle
            .removals
            .try_send(removal)
            .map_err(|_| Refusal::NotYet(NotYet::ManyRemovals))?;
        let done = timeout_at(deadline, answered).await;
        let done = done.map_err(|_| Refusal::NotYet(NotYet::StillRemoving))?;
        done.map_err(|_| Refusal::NotYet(NotYet::LeadershipChanged))??;
        let node = catalog
            .meta_node_by_raft_id(raft_id)
            .map(|node| (node.http.clone(), node.incarnation));
        let pending = || {
            catalog
                .pending_by_raft_id(raft_id)
                .map(|p| (p.http.clone(), p.incarnation))
        };
        if let (Some((http, incarnation)), Some(cluster)) = (node.or_else(pending), catalog.cluster)
        {
            let hint = RemovedHint {
                from: self.me(),
                cluster_id: cluster.id,
                incarnation,
            };
            let ask = PeerRequest::new(REMOVED, self.me(), &hint).meant_for(Some(incarnation));
            let context = self.node.context.clone();
            // The answer is not needed: without this hint the node learns of its removal at its
            // next handshake.
            let tasks = &self.node.context.env.tasks;
            tasks.detach(async move { drop(context.exchange.ask(&http, ask).await) });
        }
        Ok(())
    }

    /// Hands leadership over to another voter.
    async fn step_down(&self, raft: &Raft) -> Result<(), Refusal> {
        if raft.membership().voters.len() < 2 {
            return Err(Refusal::Conflict(MembershipConflict::LastVoter));
        }
        match raft
            .hand_over(HAND_OVER_TIMEOUT, AfterHandOver::Member)
            .await
        {
            HandOver::Done | HandOver::NoOtherVoter => Ok(()),
            HandOver::TimedOut => Err(Refusal::NotYet(NotYet::NoSuccessor)),
        }
    }

    fn leader(&self, raft: &Raft) -> Option<MetaNode> {
        let leader = raft.status().leader?;
        raft.applied()
            .borrow()
            .catalog
            .meta_node_by_raft_id(leader)
            .cloned()
    }
}
