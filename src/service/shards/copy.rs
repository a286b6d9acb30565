//! `POST /copy-shard`: another data node gets a copy of a shard, and owns it once it reports that
//! it has it. A shard without points has nothing to copy: the data node owns it at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::copies::CopyGuard;
use super::{COPY_TIMEOUT, Error, Service, Target, node, not_an_owner, target};
use crate::base::ShardId;
use crate::catalog::DataNode;
use crate::machine::{ShardCopy, WireCommand};
use crate::raft::Raft;
use crate::service::data_nodes::address_of;
use crate::service::{BadRequest, Conflict, DataNodeError};
use crate::wire::api::{CopiedShard, CopyInProgress};
use crate::wire::data_node::{CopyShard, ShardOwnerInfo};

const MAX_ATTEMPTS: usize = 10;
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl Service {
    /// Copies a shard from the data node at `src` to the one at `dest`, which then owns it. A shard
    /// that no owner holds is not copied: `dest` owns it as well.
    ///
    /// # Errors
    /// The reason why not. Data that was copied stays on `dest`; a later copy overwrites it.
    pub async fn copy_shard(
        self: &Arc<Self>,
        src: &str,
        dest: &str,
        shard: ShardId,
    ) -> Result<CopiedShard, Error> {
        let raft = self.confirmed_raft(self.deadline()).await?;
        let applied = raft.applied().borrow().clone();
        let (from, to) = (node(&applied.catalog, src)?, node(&applied.catalog, dest)?);
        let target = target(&applied, shard)?;
        if !target.owners.contains(&from.id) {
            return Err(not_an_owner(src, shard).into());
        }
        if target.is_deleted {
            return Err(BadRequest::ShardDeleted { shard }.into());
        }
        if applied.catalog.is_passive(&to) {
            let addr = dest.to_owned();
            return Err(BadRequest::Passive { addr }.into());
        }
        let service = self.clone();
        self.run_to_completion(async move { service.copy(&raft, &from, &to, target).await })
            .await
    }

    /// Returns the copies that are under way, with the size that each destination has so far.
    ///
    /// # Errors
    /// This node belongs to no cluster, or does not lead.
    pub async fn copies_in_progress(&self) -> Result<Vec<CopyInProgress>, Error> {
        let raft = self.confirmed_raft(self.deadline()).await?;
        let applied = raft.applied().borrow().clone();
        let sized = self.copies.all().into_iter().map(|copy| {
            let dest = node(&applied.catalog, &copy.dest);
            async move {
                let held = match dest {
                    Ok(dest) => self.held_copy(&dest, copy.shard_id).await.ok().flatten(),
                    Err(_) => None,
                };
                CopyInProgress {
                    current_size: held.map_or(0, |held| held.size),
                    ..copy
                }
            }
        });
        Ok(join_all(sized).await)
    }

    async fn copy(
        &self,
        raft: &Raft,
        from: &DataNode,
        to: &DataNode,
        target: Target,
    ) -> Result<CopiedShard, Error> {
        let shard = target.id;
        let source = self.held_copy(from, shard).await?;
        // It is under way until the destination owns it.
        let _begun = if let Some(source) = &source {
            Some(self.copy_points(from, to, &target, source.size).await?)
        } else {
            self.check_empty(raft, from, &target).await?;
            None
        };
        let owner = WireCommand::CopyShardOwner(ShardCopy { shard, node: to.id });
        self.commit_via_leader(raft, owner).await?;
        Ok(CopiedShard {
            empty: source.is_none(),
        })
    }

    async fn copy_points(
        &self,
        from: &DataNode,
        to: &DataNode,
        target: &Target,
        size: i64,
    ) -> Result<CopyGuard, Error> {
        let shard = target.id;
        if target.owners.contains(&to.id) && self.held_copy(to, shard).await?.is_some() {
            let node = to.tcp.clone();
            return Err(BadRequest::HasCopy { node, shard }.into());
        }
        let begun = self.begin(from, to, target, size)?;
        let at = address_of(to)?;
        let copy = CopyShard {
            host: from.tcp.as_bytes().into(),
            database: target.database.clone(),
            policy: target.policy.clone(),
            shard: shard.0,
            since: None,
        };
        self.data_nodes
            .copy_shard(&at, &copy, Instant::now() + COPY_TIMEOUT)
            .await?;
        let held = self.held_copy_with_retries(to, shard).await?;
        let held = held.ok_or_else(|| DataNodeError::CopyMissing {
            at: at.clone(),
            shard,
        })?;
        // A stream that breaks off before its first file counts as a copy (wire.md Q20). Sizes
        // that differ otherwise say nothing: data nodes compact a copy as soon as they have it.
        if !held.err.is_empty() || (held.size == 0 && size > 0) {
            let from = from.tcp.clone();
            return Err(DataNodeError::CopyEmpty { at, shard, from }.into());
        }
        Ok(begun)
    }

    /// Checks that no owner holds a point of a shard of which `from` holds none.
    ///
    /// # Errors
    /// Another owner holds the shard, or does not answer.
    async fn check_empty(
        &self,
        raft: &Raft,
        from: &DataNode,
        target: &Target,
    ) -> Result<(), DataNodeError> {
        let applied = raft.applied().borrow().clone();
        let owners = target.owners.iter().filter(|owner| **owner != from.id);
        let owners = owners.filter_map(|owner| applied.catalog.data_nodes.get(owner));
        let asked = owners.map(async |owner| (owner, self.held_copy(owner, target.id).await));
        for (owner, held) in join_all(asked).await {
            if held?.is_some() {
                return Err(DataNodeError::NothingToCopy {
                    node: from.tcp.clone(),
                    shard: target.id,
                    owner: owner.tcp.clone(),
                });
            }
        }
        Ok(())
    }

    /// Asks up to 10 times: a copy that took hours must not fail because one answer does not come.
    async fn held_copy_with_retries(
        &self,
        node: &DataNode,
        shard: ShardId,
    ) -> Result<Option<ShardOwnerInfo>, DataNodeError> {
        for _ in 1..MAX_ATTEMPTS {
            match self.held_copy(node, shard).await {
                Err(_) => sleep(RETRY_DELAY).await,
                held => return held,
            }
        }
        self.held_copy(node, shard).await
    }

    fn begin(
        &self,
        from: &DataNode,
        to: &DataNode,
        target: &Target,
        total: i64,
    ) -> Result<CopyGuard, Conflict> {
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
        let under_way = || Conflict::CopyUnderWay {
            shard: target.id,
            dest: to.tcp.clone(),
        };
        self.copies.begin(copy).ok_or_else(under_way)
    }
}
