//! `POST /add-data`: sends a data node the addresses of the meta nodes; the data node then
//! registers itself with them.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{QUICK_ANSWER_TIMEOUT, data_address, data_node_info, find_node};
use crate::base::{Address, Text};
use crate::catalog::{Catalog, DataNode};
use crate::machine::InternalCommand;
use crate::raft::Raft;
use crate::service::{Conflict, DataNodeError, Error, Service};
use crate::wire::api::DataNodeInfo;
use crate::wire::data_node::Node;

impl Service {
    /// Adds the data node at `addr`. A data node that is a member already is only described again.
    ///
    /// # Errors
    /// The reason why it was not added, mostly as the text of the data node. Retrying is harmless.
    pub async fn add_data(
        self: &Arc<Self>,
        addr: &str,
        passive: bool,
    ) -> Result<DataNodeInfo, Error> {
        let at = data_address("addr", addr)?;
        let raft = self.confirmed_raft(self.deadline()).await?;
        let (addr, service) = (addr.to_owned(), self.clone());
        self.run_to_completion(async move {
            let node = find_node(&raft.applied().borrow().catalog, &addr).cloned();
            match node {
                Some(node) => service.describe_member(&raft, &node, passive).await,
                None => service.add_new(&raft, &at, passive).await,
            }
        })
        .await
    }

    async fn describe_member(
        &self,
        raft: &Raft,
        node: &DataNode,
        passive: bool,
    ) -> Result<DataNodeInfo, Error> {
        if passive {
            check_passive(&raft.applied().borrow().catalog, node)?;
        }
        self.remind(raft, node).await?;
        Ok(data_node_info(node))
    }

    async fn add_new(
        &self,
        raft: &Raft,
        at: &Address,
        passive: bool,
    ) -> Result<DataNodeInfo, Error> {
        self.mark_passive(raft, at, passive).await?;
        let joined = self.send_meta_servers(raft, at, false).await?;
        Ok(self.wait_until_registered(raft, at, &joined).await?)
    }

    /// Waits until the data node is in the catalog. It registered itself during the call, perhaps
    /// with a later leader than this one: the entry in the catalog counts.
    async fn wait_until_registered(
        &self,
        raft: &Raft,
        at: &Address,
        joined: &Node,
    ) -> Result<DataNodeInfo, DataNodeError> {
        let is_it = |node: &&DataNode| {
            joined.tcp_addr.is_empty() || node.tcp.as_bytes() == joined.tcp_addr.as_bytes()
        };
        let find = |catalog: &Catalog| {
            catalog
                .data_nodes
                .get(&joined.id)
                .filter(is_it)
                .map(data_node_info)
        };
        let mut applied = raft.applied();
        let there = applied.wait_for(|applied| find(&applied.catalog).is_some());
        let there = timeout_at(Instant::now() + QUICK_ANSWER_TIMEOUT, there).await;
        let found = there
            .ok()
            .and_then(Result::ok)
            .and_then(|applied| find(&applied.catalog));
        found.ok_or_else(|| DataNodeError::NotRegistered {
            at: at.clone(),
            id: joined.id,
        })
    }

    /// Marks the data node as passive before it joins, so that it never owns a shard. The mark is
    /// under the address that it will join with. For an active one, removes the mark of an earlier
    /// attempt.
    async fn mark_passive(&self, raft: &Raft, at: &Address, passive: bool) -> Result<(), Error> {
        if !passive && !has_stale_marks(&raft.applied().borrow().catalog) {
            return Ok(());
        }
        let status = self
            .data_nodes
            .status(at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await?;
        let tcp = Text::from(&status.tcp_addr);
        {
            let applied = raft.applied();
            let catalog = &applied.borrow().catalog;
            if let Some(member) = catalog.data_node_by_tcp(&tcp) {
                if passive {
                    check_passive(catalog, member)?;
                }
                return Ok(());
            }
            if catalog.passive.contains(&tcp) == passive {
                return Ok(());
            }
        }
        self.change(
            raft,
            InternalCommand::SetPassive { tcp, passive },
            self.deadline(),
        )
        .await
    }
}

/// Checks that a member is passive.
///
/// # Errors
/// The member may own shards, and keeps those that it has.
fn check_passive(catalog: &Catalog, member: &DataNode) -> Result<(), Conflict> {
    if catalog.is_passive(member) {
        return Ok(());
    }
    Err(Conflict::NotPassive {
        tcp: member.tcp.clone(),
        id: member.id,
    })
}

fn has_stale_marks(catalog: &Catalog) -> bool {
    catalog
        .passive
        .iter()
        .any(|tcp| catalog.data_node_by_tcp(tcp).is_none())
}
