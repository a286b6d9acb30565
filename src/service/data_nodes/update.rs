//! `POST /update-data`: another machine, with the data of the old one, takes a data node's place;
//! or the same machine with a new disk returns to its own place.

use std::sync::Arc;

use tokio::time::Instant;

use super::{QUICK_ANSWER_TIMEOUT, data_address, data_node_info, find_node, was_removed};
use crate::base::{Address, Text};
use crate::catalog::DataNode;
use crate::machine::WireCommand;
use crate::raft::Raft;
use crate::service::{BadRequest, DataNodeError, Error, NotLeader, Service};
use crate::wire::api::DataNodeInfo;
use crate::wire::data_node::DataNodeStatus;

impl Service {
    /// Gives a data node other addresses: those that the node at `new` reports as its own.
    ///
    /// # Errors
    /// The reason why not; nothing is changed then.
    pub async fn update_data(
        self: &Arc<Self>,
        old: &str,
        new: &str,
    ) -> Result<DataNodeInfo, Error> {
        let at = data_address("newAddr", new)?;
        let raft = self.confirmed_raft(self.deadline()).await?;
        let (old, service) = (old.to_owned(), self.clone());
        self.run_to_completion(async move {
            let applied = raft.applied().borrow().clone();
            let find = |addr: &str| find_node(&applied.catalog, addr).cloned();
            match (find(&old), find(&at.to_string())) {
                (Some(node), in_place) => service.relocate(&raft, node, &at, in_place).await,
                // The same request again: its leader may have died halfway.
                (None, Some(node)) if was_removed(&applied.catalog, &old) => {
                    service.remind(&raft, &node).await?;
                    Ok(data_node_info(&node))
                }
                (None, _) => Err(BadRequest::NoDataNode { addr: old }.into()),
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
    ) -> Result<DataNodeInfo, Error> {
        let status = self
            .data_nodes
            .status(at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await?;
        let is_itself = in_place.as_ref().is_some_and(|there| there.id == node.id);
        if status.is_joined() && !is_itself {
            return Err(already_joined(&node, at, in_place.is_some()));
        }
        let moves = !has_addresses_of(&status, &node);
        let (http, tcp) = (Text::from(&status.http_addr), Text::from(&status.tcp_addr));
        let there = WireCommand::UpdateDataNode {
            id: node.id,
            http,
            tcp,
        };
        if moves {
            self.change(raft, there, self.deadline()).await?;
        }
        if let Err(failed) = self.send_meta_servers(raft, at, true).await {
            if moves {
                self.restore_addresses(raft, node, at).await;
            }
            return Err(failed.into());
        }
        let applied = raft.applied().borrow().clone();
        let updated = applied.catalog.data_nodes.get(&node.id).map(data_node_info);
        // The data node was removed meanwhile: the request is decided again.
        Ok(updated.ok_or(NotLeader::default())?)
    }

    /// Restores the old addresses, also when this node is deposed meanwhile: otherwise half a
    /// change would be left.
    async fn restore_addresses(&self, raft: &Raft, node: DataNode, at: &Address) {
        let back = WireCommand::UpdateDataNode {
            id: node.id,
            http: node.http,
            tcp: node.tcp,
        };
        if let Err(error) = self.commit_via_leader(raft, back).await {
            tracing::error!(
                node = %node.id,
                "its new address {at} could not be taken back: {error}"
            );
        }
    }
}

fn has_addresses_of(status: &DataNodeStatus, node: &DataNode) -> bool {
    status.tcp_addr.as_bytes() == node.tcp.as_bytes()
        && status.http_addr.as_bytes() == node.http.as_bytes()
}

fn already_joined(node: &DataNode, at: &Address, is_ours: bool) -> Error {
    if is_ours {
        let (old, new) = (node.tcp.clone(), at.clone());
        BadRequest::AddressInUse { old, new }.into()
    } else {
        DataNodeError::AlreadyJoined.into()
    }
}
