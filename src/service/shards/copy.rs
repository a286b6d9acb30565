//! `POST /copy-shard`: another data node gets a copy of a shard, and owns it once it is seen to have it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::copies::{Begun, CopyInProgress};
use super::{Error, Service, Target, node, target};
use crate::base::ShardId;
use crate::catalog::DataNode;
use crate::machine::{Command, ShardCopy};
use crate::raft::Raft;
use crate::service::data_nodes::{QUICK_ANSWER, address_of, of_data_node};
use crate::service::{CARRIED, Carried};
use crate::wire::datanode::{CopyShard, ShardOwnerInfo};
use crate::wire::execute;

/// Terabytes over a slow network. A dead data node is found out by its connection, not by this.
const COPIED_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// After the hours of a copy the last step is not given up because a leader is being elected.
const OWNED_WITHIN: Duration = Duration::from_secs(300);
const TRY_AGAIN: Duration = Duration::from_millis(500);

impl Service {
    /// When a request that moves or deletes a shard's data has waited long enough.
    pub fn copy_deadline(&self) -> Instant {
        Instant::now() + COPIED_WITHIN + OWNED_WITHIN
    }

    /// Copies a shard from the data node at `src` to the one at `dest`, which then owns it. `None`: ask the leader.
    ///
    /// # Errors
    /// Why not. What is copied stays on `dest`, and a later copy goes over it.
    pub async fn copy_shard(
        self: &Arc<Self>,
        src: &str,
        dest: &str,
        shard: ShardId,
    ) -> Result<Option<()>, Error> {
        let Some(raft) = self.leading()? else { return Ok(None) };
        let applied = raft.applied().borrow().clone();
        let (from, to) = (node(&applied.catalog, src)?, node(&applied.catalog, dest)?);
        let target = target(&applied, shard)?;
        if !target.owners.contains(&from.id) {
            return Err(Error::Bad(format!("\"{src}\" is not an owner of shard {shard}")));
        }
        let service = self.clone();
        self.to_the_end(async move { service.copy(&raft, &from, &to, target).await }).await.map(Some)
    }

    /// The copies that are under way, with what each destination has so far. `None`: ask the leader.
    ///
    /// # Errors
    /// This node belongs to no cluster.
    pub async fn copies_in_progress(&self) -> Result<Option<Vec<CopyInProgress>>, Error> {
        let Some(raft) = self.leading()? else { return Ok(None) };
        let applied = raft.applied().borrow().clone();
        let sized = self.copies.all().into_iter().map(|copy| {
            let dest = node(&applied.catalog, &copy.dest);
            async move {
                let held = match dest {
                    Ok(dest) => self.held(&dest, copy.shard_id).await.ok().flatten(),
                    Err(_) => None,
                };
                CopyInProgress { current_size: held.map_or(0, |held| held.size), ..copy }
            }
        });
        Ok(Some(join_all(sized).await))
    }

    async fn copy(&self, raft: &Raft, from: &DataNode, to: &DataNode, target: Target) -> Result<(), Error> {
        let shard = target.id;
        let source = self.held(from, shard).await?;
        // The original restores an empty stream and calls it a copy (Q20).
        let source = source.ok_or_else(|| {
            Error::DataNode(format!("{} holds no data of shard {shard}: there is nothing to copy", from.tcp))
        })?;
        if target.owners.contains(&to.id) && self.held(to, shard).await?.is_some() {
            return Err(Error::Bad(format!("\"{}\" already has a copy of shard {shard}", to.tcp)));
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
        let copied = self.data_nodes.copy_shard(&at, &copy, Instant::now() + COPIED_WITHIN).await;
        copied.map_err(of_data_node)?;
        if self.held(to, shard).await?.is_none() {
            let text =
                format!("{at} says that it copied shard {shard}, and does not have it: it owns nothing new");
            return Err(Error::DataNode(text));
        }
        self.own(raft, ShardCopy { shard, node: to.id }).await
    }

    /// What a node has of a shard.
    async fn held(&self, node: &DataNode, shard: ShardId) -> Result<Option<ShardOwnerInfo>, Error> {
        let at = address_of(node)?;
        let held = self.data_nodes.list_shards(&at, Instant::now() + QUICK_ANSWER).await;
        Ok(held.map_err(of_data_node)?.remove(&shard.0))
    }

    fn begin(&self, from: &DataNode, to: &DataNode, target: &Target, total: i64) -> Result<Begun, Error> {
        let copy = CopyInProgress {
            source: from.tcp.to_string(),
            dest: to.tcp.to_string(),
            database: target.database.to_string(),
            policy: target.policy.to_string(),
            shard_id: target.id,
            total_size: total,
            current_size: 0,
            started_at: self.env.clock.now(),
        };
        let again = || Error::Conflict(format!("shard {} is being copied to {} already", target.id, to.tcp));
        self.copies.begin(copy).ok_or_else(again)
    }

    /// Through whoever leads by then.
    async fn own(&self, raft: &Raft, copy: ShardCopy) -> Result<(), Error> {
        let deadline = Instant::now() + OWNED_WITHIN;
        let command = Command::CopyShardOwner(copy);
        loop {
            let tried = match self.change(raft, command.clone(), deadline).await {
                Ok(None) => self.own_elsewhere(raft, &command, deadline).await,
                other => other,
            };
            match tried {
                Ok(Some(())) => return Ok(()),
                // Twice is once: the owner is there or comes to be.
                Ok(None) | Err(Error::NoLeader { .. } | Error::Unknown(_)) if Instant::now() < deadline => {
                    sleep(TRY_AGAIN).await;
                }
                Ok(None) => return Err(Error::NoLeader { reachable: None }),
                Err(error) => return Err(error),
            }
        }
    }

    async fn own_elsewhere(
        &self,
        raft: &Raft,
        command: &Command,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
        let (Some(leader), Some(body)) = (self.leader_elsewhere(raft), execute::encode(command)) else {
            return Ok(None);
        };
        let request = Carried {
            method: "POST".to_owned(),
            path_and_query: "/execute".to_owned(),
            headers: vec![(CARRIED.to_owned(), Bytes::from_static(b"1"))],
            body,
        };
        match self.carrier.carry(&leader, &request, deadline).await {
            Ok(answer) if answer.status == 200 => match execute::decode_response(&answer.body) {
                Ok(Ok(_)) => Ok(Some(())),
                Ok(Err(refused)) => Err(Error::DataNode(refused)),
                Err(_) => Ok(None),
            },
            _ => Ok(None),
        }
    }
}
