//! `POST /add-data`: a data node is told who the meta nodes are, and registers itself with them.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{QUICK_ANSWER_TIMEOUT, data_address, info, known, of_data_node};
use crate::base::{Address, Text};
use crate::catalog::{Catalog, DataNode};
use crate::machine::InternalCommand;
use crate::raft::Raft;
use crate::service::{Error, Service};
use crate::wire::api::DataNodeInfo;
use crate::wire::data_node::Node;

impl Service {
    /// Adds the data node at `addr`; one that is a member already is only said again. `None`: ask
    /// the leader.
    ///
    /// # Errors
    /// What kept it away: mostly the data node's own words. Asking again is harmless.
    pub async fn add_data(
        self: &Arc<Self>,
        addr: &str,
        passive: bool,
    ) -> Result<Option<DataNodeInfo>, Error> {
        let at = data_address("addr", addr)?;
        let Some(raft) = self.leading().await? else {
            return Ok(None);
        };
        let (addr, service) = (addr.to_owned(), self.clone());
        self.to_the_end(async move {
            let node = known(&raft.applied().borrow().catalog, &addr).cloned();
            match node {
                Some(node) => service.say_again(&raft, &node, passive).await.map(Some),
                None => service.invite(&raft, &at, passive).await,
            }
        })
        .await
    }

    async fn say_again(
        &self,
        raft: &Raft,
        node: &DataNode,
        passive: bool,
    ) -> Result<DataNodeInfo, Error> {
        if passive {
            check_passive(&raft.applied().borrow().catalog, node)?;
        }
        self.remind(raft, node).await?;
        Ok(info(node))
    }

    async fn invite(
        &self,
        raft: &Raft,
        at: &Address,
        passive: bool,
    ) -> Result<Option<DataNodeInfo>, Error> {
        if self.mark_passive(raft, at, passive).await?.is_none() {
            return Ok(None);
        }
        let joined = self.tell(raft, at, false).await?;
        self.registered(raft, at, &joined).await.map(Some)
    }

    /// It registered itself while it was asked, perhaps with a leader that came after this one;
    /// what the catalog says of it counts.
    async fn registered(
        &self,
        raft: &Raft,
        at: &Address,
        joined: &Node,
    ) -> Result<DataNodeInfo, Error> {
        let is_it = |node: &&DataNode| {
            joined.tcp_addr.is_empty() || node.tcp.as_bytes() == joined.tcp_addr.as_bytes()
        };
        let find = |catalog: &Catalog| catalog.data_nodes.get(&joined.id).filter(is_it).map(info);
        let mut applied = raft.applied();
        let there = applied.wait_for(|applied| find(&applied.catalog).is_some());
        let there = timeout_at(Instant::now() + QUICK_ANSWER_TIMEOUT, there).await;
        let found = there
            .ok()
            .and_then(Result::ok)
            .and_then(|applied| find(&applied.catalog));
        found.ok_or_else(|| {
            let id = joined.id;
            Error::DataNode(format!(
                "{at} says that it is data node {id}, which this cluster does not have"
            ))
        })
    }

    /// Before it joins, so that a passive one never owns a shard; under the address that it will
    /// join with. An active one may bear a mark of an earlier try.
    async fn mark_passive(
        &self,
        raft: &Raft,
        at: &Address,
        passive: bool,
    ) -> Result<Option<()>, Error> {
        if !passive && !has_stale_marks(&raft.applied().borrow().catalog) {
            return Ok(Some(()));
        }
        let status = self
            .data_nodes
            .status(at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await
            .map_err(of_data_node)?;
        let tcp = Text::from(&status.tcp_addr);
        {
            let applied = raft.applied();
            let catalog = &applied.borrow().catalog;
            if let Some(member) = catalog.data_node_by_tcp(&tcp) {
                return if passive {
                    check_passive(catalog, member).map(Some)
                } else {
                    Ok(Some(()))
                };
            }
            if catalog.passive.contains(&tcp) == passive {
                return Ok(Some(()));
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

/// # Errors
/// It is a member that may own shards, and keeps those that it has.
fn check_passive(catalog: &Catalog, member: &DataNode) -> Result<(), Error> {
    if catalog.is_passive(member) {
        return Ok(());
    }
    let (tcp, id) = (&member.tcp, member.id);
    Err(Error::Conflict(format!(
        "{tcp} is data node {id} and not passive: remove it first, to add it as a passive one"
    )))
}

fn has_stale_marks(catalog: &Catalog) -> bool {
    catalog
        .passive
        .iter()
        .any(|tcp| catalog.data_node_by_tcp(tcp).is_none())
}
