//! What people ask for with `/leave` and `/remove` (founding.md 7, Remove): by the leader's
//! membership task, and the one that was taken out is told.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::base::{Address, RaftId};
use crate::catalog::MetaNode;
use crate::cluster::api::join::{POLL_INTERVAL, outcome};
use crate::cluster::identity::record::MembershipState;
use crate::cluster::shared::{NodeOrder, RemovalRequest};
use crate::cluster::{Cluster, PeerRequest, Refusal};
use crate::raft::{HandOver, Raft};
use crate::wire::joining::{LEAVE, REMOVED, RemovedHint};

/// Long enough for an election to begin and end.
const TRANSFER_TIMEOUT: Duration = Duration::from_millis(1500);
/// Who took a node out is kept for ever, and read by people.
const MAX_BY_CHARS: usize = 200;

impl Cluster {
    /// `/leave`: this node takes itself out of its cluster, and says so only when it is out.
    ///
    /// # Errors
    /// Why not, or why not yet.
    pub async fn leave(&self, deadline: Instant) -> Result<(), Refusal> {
        loop {
            if matches!(
                self.shared.record().standing,
                MembershipState::Removed { .. }
            ) {
                return Ok(());
            }
            let raft = self.open_raft()?;
            if Instant::now() + POLL_INTERVAL >= deadline {
                return Err(Refusal::NotYet(format!(
                    "still leaving: {}",
                    self.view().reason
                )));
            }
            match self.leader(&raft) {
                Some(leader) if leader.incarnation == self.me() => self.step_down(&raft).await?,
                Some(leader) => {
                    let ask = PeerRequest::new(LEAVE, self.me(), &self.caller())
                        .meant_for(Some(leader.incarnation))
                        .until(deadline);
                    match self.shared.exchange.ask(&leader.http, ask).await {
                        Ok(response) if response.status == 503 => {}
                        // Out already, and its own word of it is on the way.
                        Ok(response) if response.status == 410 => {
                            self.shared.send_order(NodeOrder::Suspect)
                        }
                        Ok(response) => {
                            outcome(&leader.http, &response)?;
                            self.shared.send_order(NodeOrder::Suspect);
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

    /// `/remove`: takes the meta node with this HTTP address out of the cluster. `None`: this node
    /// does not lead.
    ///
    /// # Errors
    /// Why not, or why not yet.
    pub async fn remove(
        &self,
        http: &Address,
        force: bool,
        by: &str,
        deadline: Instant,
    ) -> Result<Option<()>, Refusal> {
        let raft = self.open_raft()?;
        if self.join_handler(&raft, deadline)?.is_none() {
            return Ok(None);
        }
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
        let raft_id = raft_id.ok_or_else(|| Refusal::NotFound(http.to_string()))?;
        if node.is_some_and(|node| node.incarnation == self.me()) {
            // Whoever leads next does it: a leader that takes itself out cannot say that it is
            // done.
            self.step_down(&raft).await?;
            return Ok(None);
        }
        self.remove_member(&raft, raft_id, force, by, deadline)
            .await
            .map(Some)
    }

    /// By the membership task; then the one that was taken out is told.
    pub(in crate::cluster) async fn remove_member(
        &self,
        raft: &Raft,
        raft_id: RaftId,
        force: bool,
        by: &str,
        deadline: Instant,
    ) -> Result<(), Refusal> {
        let not_yet = |what: &str| Refusal::NotYet(what.to_owned());
        let catalog = raft.applied().borrow().catalog.clone();
        let leading = self
            .shared
            .leader_handle()
            .ok_or_else(|| not_yet("no leader"))?;
        let (answer, answered) = oneshot::channel();
        let by = by.chars().take(MAX_BY_CHARS).collect();
        let removal = RemovalRequest {
            raft_id,
            force,
            by,
            answer,
        };
        leading
            .removals
            .try_send(removal)
            .map_err(|_| not_yet("others are being removed; ask again"))?;
        let done = timeout_at(deadline, answered).await;
        let done =
            done.map_err(|_| not_yet("still removing it: a majority of the voters has to agree"))?;
        done.map_err(|_| not_yet("leadership changed meanwhile; ask again"))??;
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
            let exchange = self.shared.exchange.clone();
            // Not answered: it learns it at its next handshake.
            self.shared
                .env
                .tasks
                .detach(async move { drop(exchange.ask(&http, ask).await) });
        }
        Ok(())
    }

    async fn step_down(&self, raft: &Raft) -> Result<(), Refusal> {
        if raft.membership().voters.len() < 2 {
            return Err(Refusal::Conflict(
                "the last voter cannot leave: stop it, and delete its volume if no data matters"
                    .to_owned(),
            ));
        }
        match raft.transfer(TRANSFER_TIMEOUT).await {
            HandOver::Done => Ok(()),
            HandOver::TimedOut => Err(Refusal::NotYet(
                "no other voter takes over the leadership; ask again".to_owned(),
            )),
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
