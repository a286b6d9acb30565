//! `POST /remove-shard`: removes one copy of a shard, from the catalog first and then from the disk
//! of its data node.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Error, REMOVE_TIMEOUT, Service, node, not_an_owner, target};
use crate::base::ShardId;
use crate::catalog::DataNode;
use crate::machine::{InternalCommand, ShardCopy};
use crate::raft::Raft;
use crate::service::data_nodes::address_of;
use crate::service::{Conflict, DataNodeError};

/// Error of a data node that never stored a point of the shard.
const SHARD_NOT_FOUND: &str = "shard not found";

impl Service {
    /// Removes the copy of a shard from the data node at `src`. With `force` also the last copy,
    /// and one that is not in the catalog.
    ///
    /// # Errors
    /// The reason why not; or that the copy is out of the catalog and still on the disk.
    pub async fn remove_shard(
        self: &Arc<Self>,
        src: &str,
        shard: ShardId,
        force: bool,
    ) -> Result<(), Error> {
        let raft = self.confirmed_raft(self.deadline()).await?;
        let (src, service) = (src.to_owned(), self.clone());
        self.run_to_completion(async move {
            let applied = raft.applied().borrow().clone();
            let node = node(&applied.catalog, &src)?;
            match target(&applied, shard) {
                Ok(target) if target.owners.contains(&node.id) => {
                    service.remove_copy(&raft, &node, shard, force).await
                }
                Ok(_) if !force => Err(not_an_owner(&src, shard).into()),
                Err(unknown) if !force => Err(unknown.into()),
                _ => service.delete_unowned_copy(&node, shard).await,
            }
        })
        .await
    }

    /// Safety order: catalog → disk. A copy on disk that no node owns does no harm; a copy that is
    /// gone and still in the catalog makes queries fail.
    async fn remove_copy(
        &self,
        raft: &Raft,
        node: &DataNode,
        shard: ShardId,
        force: bool,
    ) -> Result<(), Error> {
        let copy = ShardCopy {
            shard,
            node: node.id,
        };
        let remove = InternalCommand::RemoveShardCopy { copy, force };
        self.change(raft, remove, self.deadline()).await?;
        let deleted = self.delete_from_disk(node, shard).await;
        deleted.map_err(|error| DataNodeError::StillOnDisk {
            node: node.tcp.clone(),
            shard,
            error: Box::new(error),
        })?;
        Ok(())
    }

    /// Deletes a copy that an earlier removal could not delete, or that was put there by other
    /// means.
    async fn delete_unowned_copy(&self, node: &DataNode, shard: ShardId) -> Result<(), Error> {
        if self.copies.is_under_way(shard, &node.tcp.to_string()) {
            let dest = node.tcp.clone();
            return Err(Conflict::OwnerSoon { shard, dest }.into());
        }
        if self.delete_from_disk(node, shard).await? {
            Ok(())
        } else {
            Err(not_an_owner(&node.tcp.to_string(), shard).into())
        }
    }

    /// Returns whether the data node had a copy.
    async fn delete_from_disk(
        &self,
        node: &DataNode,
        shard: ShardId,
    ) -> Result<bool, DataNodeError> {
        let at = address_of(node)?;
        match self
            .data_nodes
            .remove_shard(&at, shard.0, Instant::now() + REMOVE_TIMEOUT)
            .await
        {
            Ok(()) => Ok(true),
            Err(failed) if failed.why.is_said(SHARD_NOT_FOUND) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }
}
