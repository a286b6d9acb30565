//! Showing, copying, removing and truncating shards, and the copies that must be made before a data
//! node is removed (wire.md 6.1, 6.2).

mod copies;
mod copy;
mod drain;
mod drain_plan;
mod listing;
mod owner_search;
mod remove;
mod shared_lists;
mod show;
mod truncate;

pub(super) use copies::Copies;
pub(super) use owner_search::find_owners;
pub(super) use shared_lists::SharedLists;
pub use show::{ShardFilter, ShardListReader};

use std::time::Duration;

use tokio::time::Instant;

use super::data_nodes::{QUICK_ANSWER_TIMEOUT, address_of, find_node};
use super::error::{BadRequest, DataNodeError};
use super::{Error, Limits, Retry, Service};
use crate::base::{Name, ShardId};
use crate::catalog::{Catalog, DataNode};
use crate::raft::Applied;
use crate::wire::data_node::ShardOwnerInfo;

/// Timeout for a copy: terabytes over a slow network. A dead data node is detected by its
/// connection, not by this timeout.
const COPY_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Timeout for deleting files of many gigabytes.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(300);

/// Facts about a shard that operations on it need.
struct Target {
    id: ShardId,
    database: Name,
    policy: Name,
    owners: Vec<crate::base::NodeId>,
    is_deleted: bool,
}

impl Service {
    /// Returns the timeouts of a request that copies a shard.
    pub fn copy_limits(&self) -> Limits {
        let limits = self.data_node_limits(Retry::LongRunning);
        Limits {
            answer: limits.answer + COPY_TIMEOUT,
            ..limits
        }
    }

    /// Returns the timeouts of a request that deletes a copy of a shard.
    pub fn removal_limits(&self) -> Limits {
        let limits = self.data_node_limits(Retry::Never);
        Limits {
            answer: limits.answer + REMOVE_TIMEOUT,
            ..limits
        }
    }

    /// Returns what a data node reports of its copy of a shard; `None` when it has none.
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

/// Returns the data node with this address.
///
/// # Errors
/// No data node has this address; the text is the original's (wire.md 6.2).
fn node(catalog: &Catalog, addr: &str) -> Result<DataNode, BadRequest> {
    find_node(catalog, addr)
        .cloned()
        .ok_or_else(|| BadRequest::NoNodeFor {
            addr: addr.to_owned(),
        })
}

/// Returns the shard with this id.
///
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
