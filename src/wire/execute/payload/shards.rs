//! Shard groups, shards and their owners.

use crate::base::{Name, NodeId, ShardGroupId, ShardId, UnixNanos};
use crate::machine::{Command, ShardCopy};
use crate::wire::convert::{BadField, bytes_of, required, required_name};
use crate::wire::proto::command as proto;

pub(super) fn create_group(message: proto::CreateShardGroup) -> Result<Command, BadField> {
    Ok(Command::CreateShardGroup {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.policy, "Policy")?,
        at: UnixNanos(required(message.timestamp, "Timestamp")?),
    })
}

pub(super) fn create_group_message(
    database: &Name,
    policy: &Name,
    at: UnixNanos,
) -> proto::CreateShardGroup {
    proto::CreateShardGroup {
        database: Some(bytes_of(database)),
        policy: Some(bytes_of(policy)),
        timestamp: Some(at.0),
    }
}

pub(super) fn delete_group(message: proto::DeleteShardGroup) -> Result<Command, BadField> {
    Ok(Command::DeleteShardGroup {
        database: required_name(message.database, "Database")?,
        policy: required_name(message.policy, "Policy")?,
        id: ShardGroupId(required(message.shard_group_id, "ShardGroupID")?),
    })
}

pub(super) fn delete_group_message(
    database: &Name,
    policy: &Name,
    id: ShardGroupId,
) -> proto::DeleteShardGroup {
    proto::DeleteShardGroup {
        database: Some(bytes_of(database)),
        policy: Some(bytes_of(policy)),
        shard_group_id: Some(id.0),
    }
}

pub(super) fn truncate(message: proto::TruncateShardGroups) -> Result<Command, BadField> {
    Ok(Command::TruncateShardGroups {
        at: UnixNanos(required(message.timestamp, "Timestamp")?),
    })
}

pub(super) fn truncate_message(at: UnixNanos) -> proto::TruncateShardGroups {
    proto::TruncateShardGroups {
        timestamp: Some(at.0),
    }
}

pub(super) fn prune(_: proto::PruneShardGroups) -> Result<Command, BadField> {
    Ok(Command::PruneShardGroups)
}

pub(super) fn prune_message() -> proto::PruneShardGroups {
    proto::PruneShardGroups {}
}

pub(super) fn drop(message: proto::ById) -> Result<Command, BadField> {
    Ok(Command::DropShard {
        id: ShardId(required(message.id, "ID")?),
    })
}

pub(super) fn by_id(id: u64) -> proto::ById {
    proto::ById { id: Some(id) }
}

pub(super) fn copy(message: proto::ShardCopy) -> Result<ShardCopy, BadField> {
    Ok(ShardCopy {
        shard: ShardId(required(message.id, "ID")?),
        node: NodeId(required(message.node_id, "NodeID")?),
    })
}

pub(super) fn copy_message(copy: ShardCopy) -> proto::ShardCopy {
    proto::ShardCopy {
        id: Some(copy.shard.0),
        node_id: Some(copy.node.0),
    }
}
