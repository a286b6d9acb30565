//! `POST /update-data`: another machine, with the data of the old one, takes a data node's place.

use std::sync::Arc;

use tokio::time::Instant;

use super::{DATA_NODE_ANSWERS, QUICK_ANSWER, data_address, info, known, meta_servers, of_data_node};
use crate::base::{Address, Text};
use crate::catalog::DataNode;
use crate::machine::Command;
use crate::raft::Raft;
use crate::service::{Error, Service};
use crate::wire::api::DataNodeInfo;

impl Service {
    /// Gives a data node other addresses: those that the node at `new` says are its own. `None`: ask the leader.
    ///
    /// # Errors
    /// Why not; nothing is changed then.
    pub async fn update_data(
        self: &Arc<Self>,
        old: &str,
        new: &str,
        deadline: Instant,
    ) -> Result<Option<DataNodeInfo>, Error> {
        let Some(raft) = self.leading()? else { return Ok(None) };
        let node = known(&raft.applied().borrow().catalog, old).cloned();
        let node = node.ok_or_else(|| Error::Bad(format!("no data node with bind address {old} exists")))?;
        let (at, service) = (data_address("newAddr", new)?, self.clone());
        self.to_the_end(async move { service.relocate(&raft, node, &at, deadline).await }).await
    }

    async fn relocate(
        &self,
        raft: &Raft,
        node: DataNode,
        at: &Address,
        deadline: Instant,
    ) -> Result<Option<DataNodeInfo>, Error> {
        let status = self.data_nodes.status(at, Instant::now() + QUICK_ANSWER).await.map_err(of_data_node)?;
        if status.is_joined() {
            let is_ours = known(&raft.applied().borrow().catalog, &at.to_string()).is_some();
            return Err(already_joined(&node, at, is_ours));
        }
        let (http, tcp) = (Text::from(&status.http_addr), Text::from(&status.tcp_addr));
        let there = Command::UpdateDataNode { id: node.id, http, tcp };
        if self.change(raft, there, deadline).await?.is_none() {
            return Ok(None);
        }
        let servers = meta_servers(&raft.applied().borrow().catalog);
        let answered = Instant::now() + DATA_NODE_ANSWERS;
        match self.data_nodes.join_cluster(at, &servers, true, answered).await {
            Ok(_) => Ok(raft.applied().borrow().catalog.data_nodes.get(&node.id).map(info)),
            Err(failed) => {
                let back = Command::UpdateDataNode { id: node.id, http: node.http, tcp: node.tcp };
                let undone = self.change(raft, back, Instant::now() + self.config.consensus_timeout).await;
                if !matches!(undone, Ok(Some(()))) {
                    tracing::error!(node = %node.id, "its new address {at} could not be taken back: {undone:?}");
                }
                Err(of_data_node(failed))
            }
        }
    }
}

fn already_joined(node: &DataNode, at: &Address, is_ours: bool) -> Error {
    let old = &node.tcp;
    if is_ours {
        Error::Bad(format!("cannot update data node {old} to {at}; {at} is already part of cluster"))
    } else {
        Error::DataNode("already joined to cluster".to_owned())
    }
}
