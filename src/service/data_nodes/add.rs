//! `POST /add-data`: a data node is told who the meta nodes are, and registers itself with them.

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
    /// Adds the data node at `addr`; one that is a member already is only said again. `None`: ask the leader.
    ///
    /// # Errors
    /// What kept it away: mostly the data node's own words. Asking again is harmless.
    pub async fn add_data(
        self: &Arc<Self>,
        addr: &str,
        passive: bool,
        deadline: Instant,
    ) -> Result<Option<DataNodeInfo>, Error> {
        let Some(raft) = self.leading()? else { return Ok(None) };
        if let Some(node) = known(&raft.applied().borrow().catalog, addr) {
            return Ok(Some(info(node)));
        }
        let (at, service) = (data_address("addr", addr)?, self.clone());
        self.to_the_end(async move { service.invite(&raft, &at, passive, deadline).await }).await
    }

    async fn invite(
        &self,
        raft: &Raft,
        at: &Address,
        passive: bool,
        deadline: Instant,
    ) -> Result<Option<DataNodeInfo>, Error> {
        if passive && self.mark_passive(raft, at, deadline).await?.is_none() {
            return Ok(None);
        }
        let servers = meta_servers(&raft.applied().borrow().catalog);
        let answered = Instant::now() + DATA_NODE_ANSWERS;
        let joined = self.data_nodes.join_cluster(at, &servers, false, answered).await;
        let joined = joined.map_err(of_data_node)?;
        // It registered itself while it was asked; what the catalog says of it counts.
        let id = joined.id;
        let in_catalog = |node: &DataNode| info(node);
        let found = raft.applied().borrow().catalog.data_nodes.get(&id).map(in_catalog);
        found.map(Some).ok_or_else(|| {
            Error::DataNode(format!("{at} says that it is data node {id}, which this cluster does not have"))
        })
    }

    /// Before it joins, so that it never owns a shard; under the address that it will join with.
    async fn mark_passive(&self, raft: &Raft, at: &Address, deadline: Instant) -> Result<Option<()>, Error> {
        let status = self.data_nodes.status(at, Instant::now() + QUICK_ANSWER).await.map_err(of_data_node)?;
        let tcp = Text::from(&status.tcp_addr);
        self.change(raft, Command::SetPassive { tcp, passive: true }, deadline).await
    }
}
