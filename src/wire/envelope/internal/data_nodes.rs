//! Internal commands about data nodes, their shards and their leases, to and from their messages.

use crate::base::{Name, NodeId, ShardId, Text};
use crate::machine::{self, InternalCommand};
use crate::wire::convert::{
    BadField, bytes_of, bytes_of_text, required, required_name, required_text,
};
use crate::wire::proto::shared;

pub(super) fn set_passive_message(tcp: &Text, passive: bool) -> SetPassive {
    SetPassive {
        tcp: Some(bytes_of_text(tcp)),
        passive: Some(passive),
    }
}

pub(super) fn set_passive(message: SetPassive) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::SetPassive {
        tcp: required_text(message.tcp, "tcp")?,
        passive: required(message.passive, "passive")?,
    })
}

pub(super) fn remove_message(id: NodeId, force: bool) -> RemoveDataNode {
    RemoveDataNode {
        id: Some(id.0),
        force: Some(force),
    }
}

pub(super) fn remove(message: RemoveDataNode) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::RemoveDataNode {
        id: NodeId(required(message.id, "id")?),
        force: required(message.force, "force")?,
    })
}

pub(super) fn remove_copy_message(copy: machine::ShardCopy, force: bool) -> RemoveShardCopy {
    let copy = shared::ShardCopy {
        id: Some(copy.shard.0),
        node_id: Some(copy.node.0),
    };
    RemoveShardCopy {
        copy: Some(copy),
        force: Some(force),
    }
}

pub(super) fn remove_copy(message: RemoveShardCopy) -> Result<InternalCommand, BadField> {
    let copy = required(message.copy, "copy")?;
    Ok(InternalCommand::RemoveShardCopy {
        copy: machine::ShardCopy {
            shard: ShardId(required(copy.id, "copy.id")?),
            node: NodeId(required(copy.node_id, "copy.node_id")?),
        },
        force: required(message.force, "force")?,
    })
}

pub(super) fn set_lease_holder_message(lease: &Name, holder: NodeId, term: u64) -> SetLeaseHolder {
    SetLeaseHolder {
        lease: Some(bytes_of(lease)),
        holder: Some(holder.0),
        term: Some(term),
    }
}

pub(super) fn set_lease_holder(message: SetLeaseHolder) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::SetLeaseHolder {
        lease: required_name(message.lease, "lease")?,
        holder: NodeId(required(message.holder, "holder")?),
        term: required(message.term, "term")?,
    })
}

pub(super) fn assign_owners_message() -> AssignOwners {
    AssignOwners {}
}

pub(super) fn assign_owners(_: AssignOwners) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::AssignOwners)
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AssignOwners {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetPassive {
    #[prost(bytes = "vec", optional, tag = "1")]
    tcp: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "2")]
    passive: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RemoveDataNode {
    #[prost(uint64, optional, tag = "1")]
    id: Option<u64>,
    #[prost(bool, optional, tag = "2")]
    force: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RemoveShardCopy {
    #[prost(message, optional, tag = "1")]
    copy: Option<shared::ShardCopy>,
    #[prost(bool, optional, tag = "2")]
    force: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetLeaseHolder {
    #[prost(bytes = "vec", optional, tag = "1")]
    lease: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "2")]
    holder: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    term: Option<u64>,
}
