//! Shards: shown, copied, removed, truncated (wire.md 6.1, 6.2).

mod copies;
mod copy;
mod remove;
mod show;
mod truncate;

pub(super) use copies::Copies;
pub use copies::CopyInProgress;
pub use show::{Shown, Which};

use super::data_nodes::known;
use super::{Error, Service};
use crate::base::{Name, ShardId};
use crate::catalog::{Catalog, DataNode};
use crate::raft::Applied;

/// A shard as operations on it need it.
struct Target {
    id: ShardId,
    database: Name,
    policy: Name,
    owners: Vec<crate::base::NodeId>,
}

/// # Errors
/// No data node has this address (wire.md 6.2, the original's words).
fn node(catalog: &Catalog, addr: &str) -> Result<DataNode, Error> {
    known(catalog, addr).cloned().ok_or_else(|| Error::Bad(format!("unable to find node for \"{addr}\"")))
}

/// # Errors
/// No shard has this id.
fn target(applied: &Applied, id: ShardId) -> Result<Target, Error> {
    let found = applied.catalog.shard(id);
    let found = found.ok_or_else(|| Error::Bad(format!("shard not found for id: {id}")))?;
    Ok(Target {
        id,
        database: found.database.clone(),
        policy: found.policy.name.clone(),
        owners: found.shard.owners.clone(),
    })
}
