//! `POST /remove-data`: removes a data node, and the hinted handoff that others keep for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{DATA_NODE_TIMEOUT, QUICK_ANSWER_TIMEOUT, address_of, find_node};
use crate::base::{Address, NodeId};
use crate::catalog::DataNode;
use crate::data_node::DataNodes;
use crate::machine::InternalCommand;
use crate::raft::Raft;
use crate::service::{BadRequest, DataNodeError, Error, Service};

/// Delays between the calls to drop hinted handoff. A data node that is down now, or reads its
/// shards after a restart, is called again; the delay doubles from 1 s to 60 s. One that stays down
/// for longer than an hour keeps the handoff until that is too old.
const HANDOFF_RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_HANDOFF_RETRY_DELAY: Duration = Duration::from_secs(60);
const HANDOFF_TIMEOUT: Duration = Duration::from_secs(3600);

impl Service {
    /// Removes a data node. Without `force` it must answer, and be the only owner of no shard:
    /// otherwise nothing is changed.
    ///
    /// # Errors
    /// The reason why not; or, when the data node is removed and did not reset itself, what to do.
    pub async fn remove_data(self: &Arc<Self>, addr: &str, force: bool) -> Result<(), Error> {
        let raft = self.confirmed_raft(self.deadline()).await?;
        let node = find_node(&raft.applied().borrow().catalog, addr).cloned();
        let node = node.ok_or_else(|| BadRequest::NodeNotFound {
            addr: addr.to_owned(),
        })?;
        let service = self.clone();
        self.run_to_completion(async move { service.remove_node(&raft, &node, force).await })
            .await
    }

    async fn remove_node(&self, raft: &Raft, node: &DataNode, force: bool) -> Result<(), Error> {
        let at = address_of(node);
        if !force {
            self.check_answers(at.as_ref().map_err(Clone::clone)?, node)
                .await?;
        }
        let remove = InternalCommand::RemoveDataNode { id: node.id, force };
        self.change(raft, remove, self.deadline()).await?;
        self.drop_handoff(raft, node.id);
        if let (Ok(at), false) = (at, force) {
            let left = self
                .data_nodes
                .leave_cluster(&at, Instant::now() + DATA_NODE_TIMEOUT)
                .await;
            left.map_err(|failed| DataNodeError::NotReset {
                at,
                failed: Box::new(failed),
            })?;
        }
        Ok(())
    }

    /// Checks that the data node answers at this address under its own name: the one that answers
    /// will be ordered to delete its data.
    async fn check_answers(&self, at: &Address, node: &DataNode) -> Result<(), DataNodeError> {
        let status = self
            .data_nodes
            .status(at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await;
        match status {
            Ok(status) if status.tcp_addr.as_bytes() == node.tcp.as_bytes() => Ok(()),
            Ok(other) => Err(DataNodeError::OtherName {
                at: at.clone(),
                name: other.tcp_addr,
            }),
            Err(failed) => Err(DataNodeError::NoStatus(failed)),
        }
    }

    /// Makes the other data nodes drop the hinted handoff that they keep for the removed one, in
    /// the background.
    fn drop_handoff(&self, raft: &Raft, removed: NodeId) {
        let others = raft
            .applied()
            .borrow()
            .catalog
            .data_nodes
            .values()
            .filter_map(|node| address_of(node).ok())
            .collect::<Vec<_>>();
        for at in others {
            let nodes = self.data_nodes.clone();
            self.env
                .tasks
                .detach(async move { drop_handoff_at(&nodes, &at, removed).await });
        }
    }
}

async fn drop_handoff_at(nodes: &DataNodes, at: &Address, removed: NodeId) {
    let (begun, mut pause) = (Instant::now(), HANDOFF_RETRY_DELAY);
    loop {
        match nodes
            .remove_hinted_handoff(at, removed, Instant::now() + DATA_NODE_TIMEOUT)
            .await
        {
            Ok(()) => return,
            Err(failed) if failed.why.is_retryable() && begun.elapsed() < HANDOFF_TIMEOUT => {
                sleep(pause).await;
                pause = (pause * 2).min(MAX_HANDOFF_RETRY_DELAY);
            }
            Err(failed) => {
                return tracing::warn!(node = %removed, "hinted handoff was not dropped: {failed}");
            }
        }
    }
}
