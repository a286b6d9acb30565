//! `POST /drain-data`: prepares the removal of a data node. The caller makes the copies that the
//! answer names, one after the other, asks again after each, and then removes the data node.
//!
//! The state of a drain is in the catalog alone: the data node is passive, so it gets no new shards,
//! and each copy that is made has an owner. So a caller that breaks off begins again with the same
//! request.

use std::sync::Arc;

use super::drain_plan::Drain;
use super::listing::Reports;
use super::{Error, Service};
use crate::catalog::DataNode;
use crate::machine::InternalCommand;
use crate::raft::Raft;
use crate::service::data_nodes::find_node;
use crate::service::{BadRequest, Conflict, DataNodeError};
use crate::wire::api::DrainPlan;

impl Service {
    /// Makes a data node passive, and returns the next of the copies without which its removal
    /// would leave shards below their replication factor. With `force` also for a data node that
    /// does not answer.
    ///
    /// # Errors
    /// The reason why not. A data node that was not passive before is not passive then.
    pub async fn drain_data(&self, addr: &str, force: bool) -> Result<DrainPlan, Error> {
        let raft = self.confirmed_raft(self.deadline()).await?;
        let node = member(&raft, addr)?;
        let applied = raft.applied().borrow().clone();
        let reports = self.list_all_shards(&applied.catalog).await;
        if let (Some(Err(why)), false) = (reports.get(&node.id), force) {
            return Err(DataNodeError::SilentDrain {
                node: node.tcp,
                why: why.clone(),
            }
            .into());
        }
        let drain = self.drain(&raft, &node, Arc::new(reports));
        let checked = drain.clone();
        self.env.tasks.blocking(move || checked.check()).await?;
        if !applied.catalog.is_passive(&node) {
            self.set_passive(&raft, &node, true).await?;
        }
        // The mark ends new shards: the copies are counted in a catalog that has it.
        let drain = self.drain(&raft, &node, drain.reports);
        Ok(self.env.tasks.blocking(move || drain.plan()).await?)
    }

    /// Ends a drain that was broken off: the data node gets new shards again. Copies that were made
    /// stay.
    ///
    /// # Errors
    /// The data node is not being drained, or nothing can be changed now.
    pub async fn cancel_drain(&self, addr: &str) -> Result<(), Error> {
        let raft = self.confirmed_raft(self.deadline()).await?;
        let node = member(&raft, addr)?;
        let is_drained = {
            let applied = raft.applied();
            let catalog = &applied.borrow().catalog;
            // One that was added as passive owns nothing.
            catalog.is_passive(&node) && catalog.shards_owned_by(node.id) > 0
        };
        if !is_drained {
            return Err(Conflict::NotDrained { node: node.tcp }.into());
        }
        self.set_passive(&raft, &node, false).await
    }

    async fn set_passive(&self, raft: &Raft, node: &DataNode, passive: bool) -> Result<(), Error> {
        let tcp = node.tcp.clone();
        let set = InternalCommand::SetPassive { tcp, passive };
        self.change(raft, set, self.deadline()).await
    }

    fn drain(&self, raft: &Raft, node: &DataNode, reports: Arc<Reports>) -> Drain {
        Drain {
            applied: raft.applied().borrow().clone(),
            node: node.clone(),
            reports,
            under_way: self.copies.all(),
            now: self.env.clock.now(),
        }
    }
}

fn member(raft: &Raft, addr: &str) -> Result<DataNode, BadRequest> {
    let applied = raft.applied().borrow().clone();
    let node = find_node(&applied.catalog, addr).cloned();
    node.ok_or_else(|| BadRequest::NodeNotFound {
        addr: addr.to_owned(),
    })
}
