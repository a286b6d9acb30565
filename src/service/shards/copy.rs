//! `POST /copy-shard`: another data node gets a copy of a shard, and owns it once it is seen to
//! have it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::copies::Begun;
use super::{COPY_TIMEOUT, Error, Service, Target, node, not_an_owner, target};
use crate::base::ShardId;
use crate::catalog::DataNode;
use crate::machine::{ShardCopy, WireCommand};
use crate::raft::Raft;
use crate::service::data_nodes::{address_of, of_data_node};
use crate::wire::api::CopyInProgress;
use crate::wire::data_node::{CopyShard, ShardOwnerInfo};

const MAX_TRIES: usize = 10;
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl Service {
    /// Copies a shard from the data node at `src` to the one at `dest`, which then owns it. `None`:
    /// ask the leader.
    ///
    /// # Errors
    /// Why not. What is copied stays on `dest`, and a later copy goes over it.
    pub async fn copy_shard(
        self: &Arc<Self>,
        src: &str,
        dest: &str,
        shard: ShardId,
    ) -> Result<Option<()>, Error> {
        let Some(raft) = self.leading().await? else {
            return Ok(None);
        };
        let applied = raft.applied().borrow().clone();
        let (from, to) = (node(&applied.catalog, src)?, node(&applied.catalog, dest)?);
        let target = target(&applied, shard)?;
        if !target.owners.contains(&from.id) {
            return Err(not_an_owner(src, shard));
        }
        if target.is_deleted {
            return Err(Error::Bad(format!(
                "shard {shard} is deleted: the data nodes are about to drop it"
            )));
        }
        if applied.catalog.is_passive(&to) {
            return Err(Error::Bad(format!(
                "\"{dest}\" is passive: it owns no shards"
            )));
        }
        let service = self.clone();
        self.to_the_end(async move { service.copy(&raft, &from, &to, target).await })
            .await
            .map(Some)
    }

    /// The copies that are under way, with what each destination has so far. `None`: ask the
    /// leader.
    ///
    /// # Errors
    /// This node belongs to no cluster.
    pub async fn copies_in_progress(&self) -> Result<Option<Vec<CopyInProgress>>, Error> {
        let Some(raft) = self.leading().await? else {
            return Ok(None);
        };
        let applied = raft.applied().borrow().clone();
        let sized = self.copies.all().into_iter().map(|copy| {
            let dest = node(&applied.catalog, &copy.dest);
            async move {
                let held = match dest {
                    Ok(dest) => self.held(&dest, copy.shard_id).await.ok().flatten(),
                    Err(_) => None,
                };
                CopyInProgress {
                    current_size: held.map_or(0, |held| held.size),
                    ..copy
                }
            }
        });
        Ok(Some(join_all(sized).await))
    }

    async fn copy(
        &self,
        raft: &Raft,
        from: &DataNode,
        to: &DataNode,
        target: Target,
    ) -> Result<(), Error> {
        let shard = target.id;
        let source = self.held(from, shard).await?;
        // The original restores an empty stream and calls it a copy (Q20).
        let source = source.ok_or_else(|| nothing_to_copy(from, shard))?;
        if target.owners.contains(&to.id) && self.held(to, shard).await?.is_some() {
            return Err(Error::Bad(format!(
                "\"{}\" already has a copy of shard {shard}",
                to.tcp
            )));
        }
        let _begun = self.begin(from, to, &target, source.size)?;
        let at = address_of(to)?;
        let copy = CopyShard {
            host: from.tcp.as_bytes().into(),
            database: target.database.clone(),
            policy: target.policy.clone(),
            shard: shard.0,
            since: None,
        };
        let copied = self
            .data_nodes
            .copy_shard(&at, &copy, Instant::now() + COPY_TIMEOUT)
            .await;
        copied.map_err(of_data_node)?;
        if self.held_at_last(to, shard).await?.is_none() {
            let text = format!(
                "{at} says that it copied shard {shard}, and does not have it: it owns nothing new"
            );
            return Err(Error::DataNode(text));
        }
        self.change_anywhere(
            raft,
            WireCommand::CopyShardOwner(ShardCopy { shard, node: to.id }),
        )
        .await
    }

    /// After the hours of a copy it does not fail because one answer does not come.
    async fn held_at_last(
        &self,
        node: &DataNode,
        shard: ShardId,
    ) -> Result<Option<ShardOwnerInfo>, Error> {
        for _ in 1..MAX_TRIES {
            match self.held(node, shard).await {
                Err(_) => sleep(RETRY_DELAY).await,
                held => return held,
            }
        }
        self.held(node, shard).await
    }

    fn begin(
        &self,
        from: &DataNode,
        to: &DataNode,
        target: &Target,
        total: i64,
    ) -> Result<Begun, Error> {
        let copy = CopyInProgress {
            source: from.tcp.to_string(),
            dest: to.tcp.to_string(),
            database: target.database.to_string(),
            policy: target.policy.to_string(),
            shard_id: target.id,
            total_size: total,
            current_size: 0,
            started_at: self.env.clock.now().to_string(),
        };
        let again = || {
            Error::Conflict(format!(
                "shard {} is being copied to {} already",
                target.id, to.tcp
            ))
        };
        self.copies.begin(copy).ok_or_else(again)
    }
}

/// Never written to, or lost: only a person can tell.
fn nothing_to_copy(from: &DataNode, shard: ShardId) -> Error {
    let at = &from.tcp;
    Error::DataNode(format!(
        "{at} holds no data of shard {shard}: there is nothing to copy; if no owner has any, remove-shard with force \
         takes it out"
    ))
}
