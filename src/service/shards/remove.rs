//! `POST /remove-shard`: one copy of a shard goes, from the catalog first and then from the disk of its node.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Error, Service, node, target};
use crate::base::ShardId;
use crate::catalog::DataNode;
use crate::datanode::Why;
use crate::machine::{Command, ShardCopy};
use crate::raft::Raft;
use crate::service::data_nodes::{address_of, of_data_node};

/// Deleting files of many gigabytes.
const REMOVED_WITHIN: Duration = Duration::from_secs(300);

/// What a data node says that never stored a point of the shard.
const NOTHING_THERE: &str = "shard not found";

impl Service {
    /// Removes the copy of a shard from the data node at `src`; without `force` not the last one. `None`: ask the
    /// leader.
    ///
    /// # Errors
    /// Why not; or, when it is out of the catalog and still on the disk, so.
    pub async fn remove_shard(
        self: &Arc<Self>,
        src: &str,
        shard: ShardId,
        force: bool,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
        let Some(raft) = self.leading()? else { return Ok(None) };
        let applied = raft.applied().borrow().clone();
        let node = node(&applied.catalog, src)?;
        if !target(&applied, shard)?.owners.contains(&node.id) {
            return Err(Error::Bad(format!("\"{src}\" is not an owner of shard {shard}")));
        }
        let service = self.clone();
        self.to_the_end(async move { service.take_copy(&raft, &node, shard, force, deadline).await }).await
    }

    /// The catalog first: a copy that is still there and belongs to nobody does no harm, one that is gone and still
    /// asked for fails queries.
    async fn take_copy(
        &self,
        raft: &Raft,
        node: &DataNode,
        shard: ShardId,
        force: bool,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
        let at = address_of(node)?;
        let copy = ShardCopy { shard, node: node.id };
        if self.change(raft, Command::RemoveShardCopy { copy, force }, deadline).await?.is_none() {
            return Ok(None);
        }
        match self.data_nodes.remove_shard(&at, shard.0, Instant::now() + REMOVED_WITHIN).await {
            Ok(()) => Ok(Some(())),
            Err(failed) if matches!(&failed.why, Why::Said(text) if text == NOTHING_THERE) => Ok(Some(())),
            Err(failed) => {
                let Error::DataNode(failed) = of_data_node(failed) else { return Ok(Some(())) };
                Err(Error::DataNode(format!(
                    "{at} is no owner of shard {shard} any more, but may still hold its data ({failed})"
                )))
            }
        }
    }
}
