//! `POST /remove-data`: a data node leaves, and what was kept for it is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{DATA_NODE_TIMEOUT, QUICK_ANSWER_TIMEOUT, address_of, known};
use crate::base::{Address, NodeId};
use crate::catalog::DataNode;
use crate::data_node::DataNodes;
use crate::machine::InternalCommand;
use crate::raft::Raft;
use crate::service::{Error, Service};

/// A node that is down now, or reads its shards after a restart, is asked later, less and less
/// often. One that stays down for longer keeps it until it is too old.
const HANDOFF_RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_HANDOFF_RETRY_DELAY: Duration = Duration::from_secs(60);
const HANDOFF_TIMEOUT: Duration = Duration::from_secs(3600);

impl Service {
    /// Takes a data node out. Without `force` it must answer, and be the only owner of no shard:
    /// else nothing is changed. `None`: ask the leader.
    ///
    /// # Errors
    /// Why not; or, when the node is out and did not take notice, what to do.
    pub async fn remove_data(
        self: &Arc<Self>,
        addr: &str,
        force: bool,
    ) -> Result<Option<()>, Error> {
        let Some(raft) = self.leading().await? else {
            return Ok(None);
        };
        let node = known(&raft.applied().borrow().catalog, addr).cloned();
        let node = node.ok_or_else(|| Error::Bad(format!("node not found: {addr}")))?;
        let service = self.clone();
        self.to_the_end(async move { service.expel(&raft, &node, force).await })
            .await
    }

    async fn expel(&self, raft: &Raft, node: &DataNode, force: bool) -> Result<Option<()>, Error> {
        let at = address_of(node);
        if !force {
            self.answers(at.as_ref().map_err(Clone::clone)?, node)
                .await?;
        }
        let remove = InternalCommand::RemoveDataNode { id: node.id, force };
        if self.change(raft, remove, self.deadline()).await?.is_none() {
            return Ok(None);
        }
        self.drop_handoff(raft, node.id);
        if let (Ok(at), false) = (at, force) {
            let left = self
                .data_nodes
                .leave_cluster(&at, Instant::now() + DATA_NODE_TIMEOUT)
                .await;
            left.map_err(|failed| {
                let failed = failed.text();
                Error::DataNode(format!(
                    "{at} is not a member any more, but did not reset itself ({failed}): delete its data by hand"
                ))
            })?;
        }
        Ok(Some(()))
    }

    /// Under its own name: whoever answers will be told to delete its data.
    async fn answers(&self, at: &Address, node: &DataNode) -> Result<(), Error> {
        let status = self
            .data_nodes
            .status(at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await;
        let wrong = match status {
            Ok(status) if status.tcp_addr.as_bytes() == node.tcp.as_bytes() => return Ok(()),
            Ok(other) => format!(
                "at {at} a data node answers that calls itself {}",
                other.tcp_addr
            ),
            Err(failed) => failed.to_string(),
        };
        Err(Error::DataNode(format!(
            "{wrong}: nothing was changed; a node that will not come back needs force"
        )))
    }

    /// In the background: the other nodes drop what they kept for it.
    fn drop_handoff(&self, raft: &Raft, gone: NodeId) {
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
                .detach(async move { tell_to_drop(&nodes, &at, gone).await });
        }
    }
}

async fn tell_to_drop(nodes: &DataNodes, at: &Address, gone: NodeId) {
    let (begun, mut pause) = (Instant::now(), HANDOFF_RETRY_DELAY);
    loop {
        match nodes
            .remove_hinted_handoff(at, gone, Instant::now() + DATA_NODE_TIMEOUT)
            .await
        {
            Ok(()) => return,
            Err(failed) if failed.why.is_retryable() && begun.elapsed() < HANDOFF_TIMEOUT => {
                sleep(pause).await;
                pause = (pause * 2).min(MAX_HANDOFF_RETRY_DELAY);
            }
            Err(failed) => {
                return tracing::warn!(node = %gone, "hinted handoff was not dropped: {failed}");
            }
        }
    }
}
