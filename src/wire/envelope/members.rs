//! The commands of joining, moving and removing, to and from their messages.

use std::collections::BTreeSet;

use crate::base::{Incarnation, NodeId, RaftId};
use crate::machine::{
    AddMetaNode, AllocateRaftId, MoveMetaNode, Removal, RemoveMetaNode, SetLabels,
};
use crate::wire::convert::{
    BadField, host_port, label_messages, labels, removed_why_number, required, required_address,
    required_id, required_why,
};
use crate::wire::proto::entry as proto;

pub(super) fn allocate_message(asked: &AllocateRaftId) -> proto::AllocateRaftId {
    proto::AllocateRaftId {
        incarnation: Some(asked.incarnation.0.to_vec()),
        http: Some(host_port(&asked.http)),
        raft: Some(host_port(&asked.raft)),
        voter: Some(asked.voter),
    }
}

pub(super) fn allocate(message: proto::AllocateRaftId) -> Result<AllocateRaftId, BadField> {
    Ok(AllocateRaftId {
        incarnation: Incarnation(required_id(message.incarnation, "incarnation")?),
        http: required_address(message.http, "http")?,
        raft: required_address(message.raft, "raft")?,
        voter: required(message.voter, "voter")?,
    })
}

pub(super) fn add_message(add: &AddMetaNode) -> proto::AddMetaNode {
    proto::AddMetaNode {
        raft_id: Some(add.raft_id.0),
        replaces: add.replaces.map(|raft_id| raft_id.0),
    }
}

pub(super) fn add(message: proto::AddMetaNode) -> Result<AddMetaNode, BadField> {
    Ok(AddMetaNode {
        raft_id: RaftId(required(message.raft_id, "raft_id")?),
        replaces: message.replaces.map(RaftId),
    })
}

pub(super) fn relocate_message(to: &MoveMetaNode) -> proto::MoveMetaNode {
    proto::MoveMetaNode {
        raft_id: Some(to.raft_id.0),
        http: Some(host_port(&to.http)),
        raft: Some(host_port(&to.raft)),
    }
}

pub(super) fn relocate(message: proto::MoveMetaNode) -> Result<MoveMetaNode, BadField> {
    Ok(MoveMetaNode {
        raft_id: RaftId(required(message.raft_id, "raft_id")?),
        http: required_address(message.http, "http")?,
        raft: required_address(message.raft, "raft")?,
    })
}

pub(super) fn remove_message(remove: &RemoveMetaNode) -> proto::RemoveMetaNode {
    let tombstone = |removal: &Removal| proto::Removal {
        why: Some(removed_why_number(removal.why)),
        by: Some(removal.by.clone()),
    };
    proto::RemoveMetaNode {
        raft_id: Some(remove.raft_id.0),
        tombstone: remove.tombstone.as_ref().map(tombstone),
    }
}

pub(super) fn remove(message: proto::RemoveMetaNode) -> Result<RemoveMetaNode, BadField> {
    Ok(RemoveMetaNode {
        raft_id: RaftId(required(message.raft_id, "raft_id")?),
        tombstone: message.tombstone.map(removal).transpose()?,
    })
}

fn removal(message: proto::Removal) -> Result<Removal, BadField> {
    Ok(Removal {
        why: required_why(message.why, "tombstone.why")?,
        by: required(message.by, "tombstone.by")?,
    })
}

pub(super) fn set_labels_message(asked: &SetLabels) -> proto::SetLabels {
    proto::SetLabels {
        node_id: Some(asked.node_id.0),
        set: label_messages(&asked.set),
        delete: asked.delete.iter().cloned().collect(),
    }
}

pub(super) fn set_labels(message: proto::SetLabels) -> Result<SetLabels, BadField> {
    let named = message.delete.len();
    let delete: BTreeSet<String> = message.delete.into_iter().collect();
    if delete.len() != named {
        return Err(BadField::Twice);
    }
    Ok(SetLabels {
        node_id: NodeId(required(message.node_id, "node_id")?),
        set: labels(message.set)?,
        delete,
    })
}
