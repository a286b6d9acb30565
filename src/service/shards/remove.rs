//! `POST /remove-shard`: one copy of a shard goes, from the catalog first and then from the disk of
//! its node.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Error, REMOVE_TIMEOUT, Service, node, not_an_owner, target};
use crate::base::ShardId;
use crate::catalog::DataNode;
use crate::data_node::FailureCause;
use crate::machine::{InternalCommand, ShardCopy};
use crate::raft::Raft;
use crate::service::data_nodes::{address_of, of_data_node};

/// What a data node says that never stored a point of the shard.
const NOTHING_THERE: &str = "shard not found";

impl Service {
    /// Removes the copy of a shard from the data node at `src`. With `force` also the last one, and
    /// one that the catalog does not have there. `None`: ask the leader.
    ///
    /// # Errors
    /// Why not; or, when it is out of the catalog and still on the disk, so.
    pub async fn remove_shard(
        self: &Arc<Self>,
        src: &str,
        shard: ShardId,
        force: bool,
    ) -> Result<Option<()>, Error> {
        let Some(raft) = self.leading().await? else {
            return Ok(None);
        };
        let (src, service) = (src.to_owned(), self.clone());
        self.to_the_end(async move {
            let applied = raft.applied().borrow().clone();
            let node = node(&applied.catalog, &src)?;
            match target(&applied, shard) {
                Ok(target) if target.owners.contains(&node.id) => {
                    service.take_copy(&raft, &node, shard, force).await
                }
                Ok(_) if !force => Err(not_an_owner(&src, shard)),
                Err(unknown) if !force => Err(unknown),
                _ => service.delete_stray(&node, shard).await.map(Some),
            }
        })
        .await
    }

    /// The catalog first: a copy that is still there and belongs to nobody does no harm, one that
    /// is gone and still asked for fails queries.
    async fn take_copy(
        &self,
        raft: &Raft,
        node: &DataNode,
        shard: ShardId,
        force: bool,
    ) -> Result<Option<()>, Error> {
        let copy = ShardCopy {
            shard,
            node: node.id,
        };
        let remove = InternalCommand::RemoveShardCopy { copy, force };
        if self.change(raft, remove, self.deadline()).await?.is_none() {
            return Ok(None);
        }
        let deleted = self.delete_from_disk(node, shard).await;
        deleted.map(|_| Some(())).map_err(|failed| {
            let tcp = &node.tcp;
            Error::DataNode(format!(
                "{tcp} is no owner of shard {shard} any more, but may still hold its data ({failed}): remove it \
                 again with force once that node answers"
            ))
        })
    }

    /// What an earlier removal could not delete, or somebody put there by hand.
    async fn delete_stray(&self, node: &DataNode, shard: ShardId) -> Result<(), Error> {
        if self.copies.is_under_way(shard, &node.tcp.to_string()) {
            let text = format!(
                "shard {shard} is being copied to {}: it owns it soon",
                node.tcp
            );
            return Err(Error::Conflict(text));
        }
        if self.delete_from_disk(node, shard).await? {
            Ok(())
        } else {
            Err(not_an_owner(&node.tcp.to_string(), shard))
        }
    }

    /// Whether there was something.
    async fn delete_from_disk(&self, node: &DataNode, shard: ShardId) -> Result<bool, Error> {
        let at = address_of(node)?;
        match self
            .data_nodes
            .remove_shard(&at, shard.0, Instant::now() + REMOVE_TIMEOUT)
            .await
        {
            Ok(()) => Ok(true),
            Err(failed) if matches!(&failed.why, FailureCause::Said(text) if text == NOTHING_THERE) => {
                Ok(false)
            }
            Err(failed) => Err(of_data_node(failed)),
        }
    }
}
