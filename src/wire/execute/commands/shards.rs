//! Shard groups, shards and their owners.

use crate::base::{Name, NodeId, ShardGroupId, ShardId, UnixNanos};
use crate::machine::{self, WireCommand};
use crate::wire::convert::{BadField, bytes_of, required, required_name};
use crate::wire::proto::shared;

pub(super) fn create_group(message: CreateShardGroup) -> Result<WireCommand, BadField> {
    Ok(WireCommand::CreateShardGroup {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.policy, "Policy")?,
        at: UnixNanos(required(message.timestamp, "Timestamp")?),
    })
}

pub(super) fn create_group_message(
    database: &Name,
    policy: &Name,
    at: UnixNanos,
) -> CreateShardGroup {
    CreateShardGroup {
        database: Some(bytes_of(database)),
        policy: Some(bytes_of(policy)),
        timestamp: Some(at.0),
    }
}

pub(super) fn delete_group(message: DeleteShardGroup) -> Result<WireCommand, BadField> {
    Ok(WireCommand::DeleteShardGroup {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.policy, "Policy")?,
        id: ShardGroupId(required(message.shard_group_id, "ShardGroupID")?),
    })
}

pub(super) fn delete_group_message(
    database: &Name,
    policy: &Name,
    id: ShardGroupId,
) -> DeleteShardGroup {
    DeleteShardGroup {
        database: Some(bytes_of(database)),
        policy: Some(bytes_of(policy)),
        shard_group_id: Some(id.0),
    }
}

pub(super) fn truncate(message: TruncateShardGroups) -> Result<WireCommand, BadField> {
    Ok(WireCommand::TruncateShardGroups {
        at: UnixNanos(required(message.timestamp, "Timestamp")?),
    })
}

pub(super) fn truncate_message(at: UnixNanos) -> TruncateShardGroups {
    TruncateShardGroups {
        timestamp: Some(at.0),
    }
}

pub(super) fn prune(_: PruneShardGroups) -> Result<WireCommand, BadField> {
    Ok(WireCommand::PruneShardGroups)
}

pub(super) fn prune_message() -> PruneShardGroups {
    PruneShardGroups {}
}

pub(super) fn drop(message: ById) -> Result<WireCommand, BadField> {
    Ok(WireCommand::DropShard {
        id: ShardId(required(message.id, "ID")?),
    })
}

pub(super) fn by_id(id: u64) -> ById {
    ById { id: Some(id) }
}

pub(super) fn copy_owner(message: shared::ShardCopy) -> Result<WireCommand, BadField> {
    copy(message).map(WireCommand::CopyShardOwner)
}

pub(super) fn remove_owner(message: shared::ShardCopy) -> Result<WireCommand, BadField> {
    copy(message).map(WireCommand::RemoveShardOwner)
}

pub(super) fn copy_message(copy: machine::ShardCopy) -> shared::ShardCopy {
    shared::ShardCopy {
        id: Some(copy.shard.0),
        node_id: Some(copy.node.0),
    }
}

fn copy(message: shared::ShardCopy) -> Result<machine::ShardCopy, BadField> {
    Ok(machine::ShardCopy {
        shard: ShardId(required(message.id, "ID")?),
        node: NodeId(required(message.node_id, "NodeID")?),
    })
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateShardGroup {
    #[prost(bytes = "vec", optional, tag = "1")]
    database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    policy: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "3")]
    timestamp: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DeleteShardGroup {
    #[prost(bytes = "vec", optional, tag = "1")]
    database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    policy: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    shard_group_id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TruncateShardGroups {
    #[prost(int64, optional, tag = "1")]
    timestamp: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PruneShardGroups {}

/// `DeleteDataNodeCommand`, `DropShardCommand`: an id.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ById {
    #[prost(uint64, optional, tag = "1")]
    pub(super) id: Option<u64>,
}
