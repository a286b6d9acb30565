//! Shard groups and shards (wire.md 2.5, 2.6).

use super::{BadField, required};
use crate::base::{NodeId, ShardGroupId, ShardId, UnixNanos};
use crate::catalog::{Shard, ShardGroup};
use crate::wire::proto::data::{ShardGroupInfo, ShardInfo, ShardOwner};

pub(in crate::wire) fn shard_group_info(group: &ShardGroup) -> ShardGroupInfo {
    ShardGroupInfo {
        id: Some(group.id.0),
        start_time: Some(group.start.0),
        end_time: Some(group.end.0),
        deleted_at: Some(group.deleted_at.map_or(0, |at| at.0)),
        shards: group.shards.iter().map(shard_info).collect(),
        truncated_at: group.truncated_at.map(|at| at.0),
    }
}

pub(in crate::wire) fn shard_group(info: ShardGroupInfo) -> Result<ShardGroup, BadField> {
    // 0 means "never", as does an absent field.
    let instant = |at: i64| (at != 0).then_some(UnixNanos(at));
    Ok(ShardGroup {
        id: ShardGroupId(required(info.id, "ShardGroups.ID")?),
        start: UnixNanos(required(info.start_time, "ShardGroups.StartTime")?),
        end: UnixNanos(required(info.end_time, "ShardGroups.EndTime")?),
        deleted_at: instant(required(info.deleted_at, "ShardGroups.DeletedAt")?),
        truncated_at: info.truncated_at.and_then(instant),
        shards: info
            .shards
            .into_iter()
            .map(shard)
            .collect::<Result<_, _>>()?,
    })
}

fn shard_info(shard: &Shard) -> ShardInfo {
    let owner = |node: &NodeId| ShardOwner {
        node_id: Some(node.0),
    };
    ShardInfo {
        id: Some(shard.id.0),
        owner_ids: Vec::new(),
        owners: shard.owners.iter().map(owner).collect(),
    }
}

fn shard(info: ShardInfo) -> Result<Shard, BadField> {
    let owners = if info.owner_ids.is_empty() {
        info.owners
            .into_iter()
            .map(|owner| required(owner.node_id, "Owners.NodeID"))
            .collect::<Result<_, _>>()?
    } else {
        info.owner_ids
    };
    Ok(Shard {
        id: ShardId(required(info.id, "Shards.ID")?),
        owners: owners.into_iter().map(NodeId).collect(),
    })
}
