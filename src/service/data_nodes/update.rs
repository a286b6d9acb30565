//! `POST /update-data`: another machine, with the data of the old one, takes a data node's place;
//! or the same one with a new disk comes back to its own.

use std::sync::Arc;

use tokio::time::Instant;

use super::{QUICK_ANSWER_TIMEOUT, data_address, info, known, of_data_node, was_removed};
use crate::base::{Address, Text};
use crate::catalog::DataNode;
use crate::machine::WireCommand;
use crate::raft::Raft;
use crate::service::{Error, Service};
use crate::wire::api::DataNodeInfo;
use crate::wire::data_node::DataNodeStatus;

impl Service {
    /// Gives a data node other addresses: those that the node at `new` says are its own. `None`:
    /// ask the leader.
    ///
    /// # Errors
    /// Why not; nothing is changed then.
    pub async fn update_data(
        self: &Arc<Self>,
        old: &str,
        new: &str,
    ) -> Result<Option<DataNodeInfo>, Error> {
        let at = data_address("newAddr", new)?;
        let Some(raft) = self.leading().await? else {
            return Ok(None);
        };
        let (old, service) = (old.to_owned(), self.clone());
        self.to_the_end(async move {
            let applied = raft.applied().borrow().clone();
            let find = |addr: &str| known(&applied.catalog, addr).cloned();
            match (find(&old), find(&at.to_string())) {
                (Some(node), in_place) => service.relocate(&raft, node, &at, in_place).await,
                // The same again; its leader may have died in the middle.
                (None, Some(node)) if was_removed(&applied.catalog, &old) => {
                    service.remind(&raft, &node).await?;
                    Ok(Some(info(&node)))
                }
                (None, _) => Err(Error::Bad(format!(
                    "no data node with bind address {old} exists"
                ))),
            }
        })
        .await
    }

    async fn relocate(
        &self,
        raft: &Raft,
        node: DataNode,
        at: &Address,
        in_place: Option<DataNode>,
    ) -> Result<Option<DataNodeInfo>, Error> {
        let status = self
            .data_nodes
            .status(at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await
            .map_err(of_data_node)?;
        let is_itself = in_place.as_ref().is_some_and(|there| there.id == node.id);
        if status.is_joined() && !is_itself {
            return Err(already_joined(&node, at, in_place.is_some()));
        }
        let moves = !is_of(&status, &node);
        let (http, tcp) = (Text::from(&status.http_addr), Text::from(&status.tcp_addr));
        let there = WireCommand::UpdateDataNode {
            id: node.id,
            http,
            tcp,
        };
        if moves && self.change(raft, there, self.deadline()).await?.is_none() {
            return Ok(None);
        }
        match self.tell(raft, at, true).await {
            Ok(_) => Ok(raft
                .applied()
                .borrow()
                .catalog
                .data_nodes
                .get(&node.id)
                .map(info)),
            Err(failed) => {
                if moves {
                    self.take_back(raft, node, at).await;
                }
                Err(failed)
            }
        }
    }

    /// Also of one that is deposed meanwhile: half a change would be left.
    async fn take_back(&self, raft: &Raft, node: DataNode, at: &Address) {
        let back = WireCommand::UpdateDataNode {
            id: node.id,
            http: node.http,
            tcp: node.tcp,
        };
        if let Err(error) = self.change_anywhere(raft, back).await {
            tracing::error!(node = %node.id, "its new address {at} could not be taken back: {error}");
        }
    }
}

fn is_of(status: &DataNodeStatus, node: &DataNode) -> bool {
    status.tcp_addr.as_bytes() == node.tcp.as_bytes()
        && status.http_addr.as_bytes() == node.http.as_bytes()
}

fn already_joined(node: &DataNode, at: &Address, is_ours: bool) -> Error {
    let old = &node.tcp;
    if is_ours {
        Error::Bad(format!(
            "cannot update data node {old} to {at}; {at} is already part of cluster"
        ))
    } else {
        Error::DataNode("already joined to cluster".to_owned())
    }
}
