//! Data nodes that are members in the catalog and do not know it: the volume was lost, or the meta
//! node that should have notified the data node died.

use std::time::Duration;

use tokio::time::Instant;

use super::{Service, address_of};
use crate::base::Address;
use crate::catalog::DataNode;
use crate::data_node::Failed;
use crate::raft::Raft;
use crate::wire::data_node::Node;

/// Timeout for the status. A data node that does not answer in time stays a member.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

impl Service {
    /// Notifies the data node that it is a member, if it answers under its own name and says that
    /// it belongs to no cluster. It keeps its id and its shards, with the data or without.
    ///
    /// # Errors
    /// It was asked to join and did not.
    pub(super) async fn remind(&self, raft: &Raft, node: &DataNode) -> Result<(), Failed> {
        let Ok(at) = address_of(node) else {
            return Ok(());
        };
        let Ok(status) = self
            .data_nodes
            .status(&at, Instant::now() + STATUS_TIMEOUT)
            .await
        else {
            return Ok(());
        };
        if status.is_joined() || status.tcp_addr.as_bytes() != node.tcp.as_bytes() {
            return Ok(());
        }
        self.send_meta_servers(raft, &at, true).await?;
        tracing::info!(event = "data-node", id = %node.id, "told {at} again that it is a member");
        Ok(())
    }

    /// Sends a data node the addresses of the meta nodes. It then registers itself, or, with
    /// `update`, finds itself registered.
    ///
    /// # Errors
    /// Mostly the text of the data node.
    pub(super) async fn send_meta_servers(
        &self,
        raft: &Raft,
        at: &Address,
        update: bool,
    ) -> Result<Node, Failed> {
        let servers = self.meta_servers(&raft.applied().borrow().catalog);
        let answered = Instant::now() + super::DATA_NODE_TIMEOUT;
        self.data_nodes
            .join_cluster(at, &servers, update, answered)
            .await
    }
}
