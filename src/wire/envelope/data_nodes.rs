//! Commands of ours about data nodes, their shards and their leases, to and from their messages.

use crate::base::{Name, NodeId, ShardId, Text};
use crate::machine::{Command, ShardCopy};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, required, required_name, required_text,
};
use crate::wire::proto::command as wire;
use crate::wire::proto::entry as proto;

pub(super) fn set_passive_message(tcp: &Text, passive: bool) -> proto::SetPassive {
    proto::SetPassive {
        tcp: Some(bytes_of_text(tcp)),
        passive: Some(passive),
    }
}

pub(super) fn set_passive(message: proto::SetPassive) -> Result<Command, BadField> {
    Ok(Command::SetPassive {
        tcp: required_text(message.tcp, "tcp")?,
        passive: required(message.passive, "passive")?,
    })
}

pub(super) fn remove(message: proto::RemoveDataNode) -> Result<Command, BadField> {
    Ok(Command::RemoveDataNode {
        id: NodeId(required(message.id, "id")?),
        force: required(message.force, "force")?,
    })
}

pub(super) fn remove_copy_message(copy: ShardCopy, force: bool) -> proto::RemoveShardCopy {
    let copy = wire::ShardCopy {
        id: Some(copy.shard.0),
        node_id: Some(copy.node.0),
    };
    proto::RemoveShardCopy {
        copy: Some(copy),
        force: Some(force),
    }
}

pub(super) fn remove_copy(message: proto::RemoveShardCopy) -> Result<Command, BadField> {
    let copy = required(message.copy, "copy")?;
    Ok(Command::RemoveShardCopy {
        copy: ShardCopy {
            shard: ShardId(required(copy.id, "copy.id")?),
            node: NodeId(required(copy.node_id, "copy.node_id")?),
        },
        force: required(message.force, "force")?,
    })
}

pub(super) fn set_lease_holder_message(
    lease: &Name,
    holder: NodeId,
    term: u64,
) -> proto::SetLeaseHolder {
    proto::SetLeaseHolder {
        lease: Some(bytes_of(lease)),
        holder: Some(holder.0),
        term: Some(term),
    }
}

pub(super) fn set_lease_holder(message: proto::SetLeaseHolder) -> Result<Command, BadField> {
    Ok(Command::SetLeaseHolder {
        lease: required_name(message.lease, "lease")?,
        holder: NodeId(required(message.holder, "holder")?),
        term: required(message.term, "term")?,
    })
}
