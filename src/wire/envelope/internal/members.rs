//! Commands of joining, moving and removing, to and from their messages.

use std::collections::BTreeSet;

use crate::base::{Incarnation, NodeId, RaftId};
use crate::machine::{self, InternalCommand};
use crate::wire::convert::{
    BadField, host_port, label_messages, labels, removed_why_number, required, required_address,
    required_id, required_why,
};
use crate::wire::proto::shared::{HostPort, Label};

pub(super) fn allocate_message(asked: &machine::AllocateRaftId) -> AllocateRaftId {
    AllocateRaftId {
        incarnation: Some(asked.incarnation.0.to_vec()),
        http: Some(host_port(&asked.http)),
        raft: Some(host_port(&asked.raft)),
        voter: Some(asked.voter),
    }
}

pub(super) fn allocate(message: AllocateRaftId) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::AllocateRaftId(machine::AllocateRaftId {
        incarnation: Incarnation(required_id(message.incarnation, "incarnation")?),
        http: required_address(message.http, "http")?,
        raft: required_address(message.raft, "raft")?,
        voter: required(message.voter, "voter")?,
    }))
}

pub(super) fn add_message(add: &machine::AddMetaNode) -> AddMetaNode {
    AddMetaNode {
        raft_id: Some(add.raft_id.0),
        replaces: add.replaces.map(|raft_id| raft_id.0),
    }
}

pub(super) fn add(message: AddMetaNode) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::AddMetaNode(machine::AddMetaNode {
        raft_id: RaftId(required(message.raft_id, "raft_id")?),
        replaces: message.replaces.map(RaftId),
    }))
}

pub(super) fn move_node_message(to: &machine::MoveMetaNode) -> MoveMetaNode {
    MoveMetaNode {
        raft_id: Some(to.raft_id.0),
        http: Some(host_port(&to.http)),
        raft: Some(host_port(&to.raft)),
    }
}

pub(super) fn move_node(message: MoveMetaNode) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::MoveMetaNode(machine::MoveMetaNode {
        raft_id: RaftId(required(message.raft_id, "raft_id")?),
        http: required_address(message.http, "http")?,
        raft: required_address(message.raft, "raft")?,
    }))
}

pub(super) fn remove_message(remove: &machine::RemoveMetaNode) -> RemoveMetaNode {
    let tombstone = |removal: &machine::Removal| Removal {
        why: Some(removed_why_number(removal.why)),
        by: Some(removal.by.clone()),
    };
    RemoveMetaNode {
        raft_id: Some(remove.raft_id.0),
        tombstone: remove.tombstone.as_ref().map(tombstone),
    }
}

pub(super) fn remove(message: RemoveMetaNode) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::RemoveMetaNode(machine::RemoveMetaNode {
        raft_id: RaftId(required(message.raft_id, "raft_id")?),
        tombstone: message.tombstone.map(removal).transpose()?,
    }))
}

fn removal(message: Removal) -> Result<machine::Removal, BadField> {
    Ok(machine::Removal {
        why: required_why(message.why, "tombstone.why")?,
        by: required(message.by, "tombstone.by")?,
    })
}

pub(super) fn set_labels_message(asked: &machine::SetLabels) -> SetLabels {
    SetLabels {
        node_id: Some(asked.node_id.0),
        set: label_messages(&asked.set),
        delete: asked.delete.iter().cloned().collect(),
    }
}

pub(super) fn set_labels(message: SetLabels) -> Result<InternalCommand, BadField> {
    let named = message.delete.len();
    let delete: BTreeSet<String> = message.delete.into_iter().collect();
    if delete.len() != named {
        return Err(BadField::Twice);
    }
    Ok(InternalCommand::SetLabels(machine::SetLabels {
        node_id: NodeId(required(message.node_id, "node_id")?),
        set: labels(message.set)?,
        delete,
    }))
}

pub(super) fn raise_feature_level_message(level: u32) -> RaiseFeatureLevel {
    RaiseFeatureLevel { level: Some(level) }
}

pub(super) fn raise_feature_level(message: RaiseFeatureLevel) -> Result<InternalCommand, BadField> {
    Ok(InternalCommand::RaiseFeatureLevel {
        level: required(message.level, "level")?,
    })
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AllocateRaftId {
    #[prost(bytes = "vec", optional, tag = "1")]
    incarnation: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    raft: Option<HostPort>,
    #[prost(bool, optional, tag = "4")]
    voter: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AddMetaNode {
    #[prost(uint64, optional, tag = "1")]
    raft_id: Option<u64>,
    /// Absent when it replaces no node.
    #[prost(uint64, optional, tag = "2")]
    replaces: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MoveMetaNode {
    #[prost(uint64, optional, tag = "1")]
    raft_id: Option<u64>,
    #[prost(message, optional, tag = "2")]
    http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    raft: Option<HostPort>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RemoveMetaNode {
    #[prost(uint64, optional, tag = "1")]
    raft_id: Option<u64>,
    /// Absent: no tombstone.
    #[prost(message, optional, tag = "2")]
    tombstone: Option<Removal>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Removal {
    /// Same numbers as in the tombstones of a snapshot.
    #[prost(uint32, optional, tag = "1")]
    why: Option<u32>,
    #[prost(string, optional, tag = "2")]
    by: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SetLabels {
    #[prost(uint64, optional, tag = "1")]
    node_id: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    set: Vec<Label>,
    #[prost(string, repeated, tag = "3")]
    delete: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RaiseFeatureLevel {
    #[prost(uint32, optional, tag = "1")]
    level: Option<u32>,
}
