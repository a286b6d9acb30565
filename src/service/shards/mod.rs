//! Shards: shown, copied, removed, truncated (wire.md 6.1, 6.2).

mod copies;
mod copy;
mod owner_search;
mod remove;
mod show;
mod truncate;

pub(super) use copies::Copies;
pub(super) use owner_search::find_owners;
pub use show::{ShardFilter, ShardInfos};

use std::time::Duration;

use tokio::time::Instant;

use super::data_nodes::{QUICK_ANSWER_TIMEOUT, address_of, find_node};
use super::error::{BadRequest, DataNodeError};
use super::{Error, Limits, Retry, Service};
use crate::base::{Name, ShardId};
use crate::catalog::{Catalog, DataNode};
use crate::raft::Applied;
use crate::wire::data_node::ShardOwnerInfo;

/// Terabytes over a slow network. A dead data node is found out by its connection, not by this.
const COPY_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Deleting files of many gigabytes.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(300);

/// A shard as operations on it need it.
struct Target {
    id: ShardId,
    database: Name,
    policy: Name,
    owners: Vec<crate::base::NodeId>,
    is_deleted: bool,
}

impl Service {
    /// What a caller waits who has a shard's data moved.
    pub fn copy_limits(&self) -> Limits {
        let limits = self.data_node_limits(Retry::LongRunning);
        Limits {
            answer: limits.answer + COPY_TIMEOUT,
            ..limits
        }
    }

    /// The same, deleted.
    pub fn removal_limits(&self) -> Limits {
        let limits = self.data_node_limits(Retry::Never);
        Limits {
            answer: limits.answer + REMOVE_TIMEOUT,
            ..limits
        }
    }

    /// What a node has of a shard.
    async fn held_copy(
        &self,
        node: &DataNode,
        shard: ShardId,
    ) -> Result<Option<ShardOwnerInfo>, DataNodeError> {
        let at = address_of(node)?;
        let held = self
            .data_nodes
            .list_shards(&at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await;
        Ok(held?.remove(&shard.0))
    }
}

/// # Errors
/// No data node has this address (wire.md 6.2, the original's words).
fn node(catalog: &Catalog, addr: &str) -> Result<DataNode, BadRequest> {
    find_node(catalog, addr)
        .cloned()
        .ok_or_else(|| BadRequest::NoNodeFor {
            addr: addr.to_owned(),
        })
}

/// # Errors
/// No shard has this id.
fn target(applied: &Applied, id: ShardId) -> Result<Target, BadRequest> {
    let found = applied.catalog.shard(id);
    let found = found.ok_or(BadRequest::ShardNotFound { id })?;
    Ok(Target {
        id,
        database: found.database.clone(),
        policy: found.policy.name.clone(),
        owners: found.shard.owners.clone(),
        is_deleted: found.group.is_deleted(),
    })
}

fn not_an_owner(addr: &str, shard: ShardId) -> BadRequest {
    let addr = addr.to_owned();
    BadRequest::NotAnOwner { addr, shard }
}
