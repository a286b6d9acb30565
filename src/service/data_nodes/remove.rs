//! `POST /remove-data`: removes a data node, and the hinted handoff that others keep for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{DATA_NODE_TIMEOUT, QUICK_ANSWER_TIMEOUT, address_of, find_node};
use crate::base::{Address, NodeId, ShardId};
use crate::catalog::{Catalog, DataNode};
use crate::data_node::DataNodes;
use crate::machine::{InternalCommand, Refused};
use crate::raft::Raft;
use crate::service::{BadRequest, Conflict, DataNodeError, Error, SavingCopy, Service};
use crate::wire::api::{LostShard, RemovedDataNode};

/// Delays between the calls to drop hinted handoff. A data node that is down now, or reads its
/// shards after a restart, is called again; the delay doubles from 1 s to 60 s. One that stays down
/// for longer than an hour keeps the handoff until that is too old.
const HANDOFF_RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_HANDOFF_RETRY_DELAY: Duration = Duration::from_secs(60);
const HANDOFF_TIMEOUT: Duration = Duration::from_secs(3600);
/// Timeout of the question whether a node that is forced out answers. Most do not.
const FORCED_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of lost shards that an answer names.
const MAX_LOST_NAMED: usize = 20;

impl Service {
    /// Removes a data node. Without `force` it must answer, and be the only owner of no shard:
    /// otherwise nothing is changed.
    ///
    /// # Errors
    /// The reason why not; or, when the data node is removed and did not reset itself, what to do.
    pub async fn remove_data(
        self: &Arc<Self>,
        addr: &str,
        force: bool,
    ) -> Result<RemovedDataNode, Error> {
        let raft = self.confirmed_raft(self.deadline()).await?;
        let node = find_node(&raft.applied().borrow().catalog, addr).cloned();
        let node = node.ok_or_else(|| BadRequest::NodeNotFound {
            addr: addr.to_owned(),
        })?;
        let service = self.clone();
        self.run_to_completion(async move { service.remove_node(&raft, &node, force).await })
            .await
    }

    async fn remove_node(
        &self,
        raft: &Raft,
        node: &DataNode,
        force: bool,
    ) -> Result<RemovedDataNode, Error> {
        let at = address_of(node);
        let answers = match (&at, force) {
            (Ok(at), true) => self.check_answers(at, node, FORCED_TIMEOUT).await.is_ok(),
            (Err(_), true) => false,
            (at, false) => {
                let at = at.as_ref().map_err(Clone::clone)?;
                self.check_answers(at, node, QUICK_ANSWER_TIMEOUT).await?;
                false
            }
        };
        let before = raft.applied().borrow().clone();
        let remove = InternalCommand::RemoveDataNode { id: node.id, force };
        self.change(raft, remove, self.deadline())
            .await
            .map_err(|error| with_saving_copies(error, &before.catalog, node))?;
        let removed = RemovedDataNode {
            answers,
            ..lost_with(&before.catalog, node.id)
        };
        if removed.lost_shards > 0 {
            let shards: Vec<_> = removed
                .lost
                .iter()
                .map(|lost| lost.id.to_string())
                .collect();
            tracing::warn!(
                event = "lost-shards", node = %node.tcp, count = removed.lost_shards,
                "the only copies of shards went with a data node; the first ones: {}",
                shards.join(", ")
            );
        }
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
        Ok(removed)
    }

    /// Checks that the data node answers at this address under its own name: the one that answers
    /// will be ordered to delete its data.
    async fn check_answers(
        &self,
        at: &Address,
        node: &DataNode,
        timeout: Duration,
    ) -> Result<(), DataNodeError> {
        let status = self.data_nodes.status(at, Instant::now() + timeout).await;
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

/// Returns the shards whose only copy a node has, those that nobody would miss aside.
fn lost_with(catalog: &Catalog, node: NodeId) -> RemovedDataNode {
    let mut removed = RemovedDataNode::default();
    let copies = catalog.last_copies(node);
    for copy in copies.filter(|copy| !copy.is_dispensable(catalog.last_at)) {
        removed.lost_shards += 1;
        if removed.lost.len() < MAX_LOST_NAMED {
            removed.lost.push(LostShard {
                id: copy.shard.id,
                database: copy.database.to_string(),
                retention_policy: copy.policy.name.to_string(),
                start_time: copy.group.start.to_string(),
                end_time: copy.group.end.to_string(),
            });
        }
    }
    removed
}

/// Adds to a refusal the copies that would save the shards: each to the other node that owns the
/// fewest shards.
fn with_saving_copies(error: Error, catalog: &Catalog, node: &DataNode) -> Error {
    let Error::Conflict(Conflict::LastCopies(refused)) = error else {
        return error;
    };
    let shards = match &refused {
        Refused::LastCopies { first, .. } => first.clone(),
        _ => Vec::new(),
    };
    let others = catalog
        .active_data_nodes()
        .filter(|other| other.id != node.id);
    let mut loads: BTreeMap<NodeId, (u64, &DataNode)> = others
        .map(|other| (other.id, (catalog.shards_owned_by(other.id), other)))
        .collect();
    let copy = |shard: ShardId| {
        let (_, least) = loads
            .iter_mut()
            .min_by_key(|(id, (load, _))| (*load, **id))?;
        least.0 += 1;
        Some(SavingCopy {
            source: node.tcp.clone(),
            dest: least.1.tcp.clone(),
            shard,
        })
    };
    let copies = shards.into_iter().filter_map(copy).collect();
    let node = node.tcp.clone();
    Conflict::HoldsLastCopies {
        refused,
        copies,
        node,
    }
    .into()
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
