//! The cluster and its nodes, to and from their messages.
//!
//! A field that format 2 added is `None` or empty in a message of format 1, and has there the only
//! value that was possible in format 1.

use crate::base::{ClusterId, Incarnation, NodeId, RaftId, UnixNanos};
use crate::catalog::{Cluster, MetaNode, Pending, Tombstone};
use crate::wire::convert::{
    BadField, host_port, label_messages, labels, removed_why_number, required, required_address,
    required_id, required_why,
};
use crate::wire::proto::state as proto;

pub(super) fn cluster_message(cluster: &Cluster) -> proto::Cluster {
    proto::Cluster {
        id: Some(cluster.id.0.to_vec()),
        name: Some(cluster.name.clone()),
        with_secret: Some(cluster.with_secret),
        feature_level: Some(cluster.feature_level),
    }
}

pub(super) fn cluster(message: proto::Cluster) -> Result<Cluster, BadField> {
    Ok(Cluster {
        id: ClusterId(required_id(message.id, "cluster.id")?),
        name: required(message.name, "cluster.name")?,
        with_secret: required(message.with_secret, "cluster.with_secret")?,
        feature_level: required(message.feature_level, "cluster.feature_level")?,
    })
}

pub(super) fn meta_node_message(format: u32, node: &MetaNode) -> proto::MetaNode {
    proto::MetaNode {
        id: Some(node.id.0),
        http: Some(host_port(&node.http)),
        raft: Some(host_port(&node.raft)),
        raft_id: Some(node.raft_id.0),
        incarnation: Some(node.incarnation.0.to_vec()),
        voter: (format >= 2).then_some(node.voter),
        labels: label_messages(&node.labels),
    }
}

pub(super) fn meta_node(format: u32, message: proto::MetaNode) -> Result<MetaNode, BadField> {
    Ok(MetaNode {
        id: NodeId(required(message.id, "meta_nodes.id")?),
        http: required_address(message.http, "meta_nodes.http")?,
        raft: required_address(message.raft, "meta_nodes.raft")?,
        raft_id: RaftId(required(message.raft_id, "meta_nodes.raft_id")?),
        incarnation: Incarnation(required_id(message.incarnation, "meta_nodes.incarnation")?),
        voter: since_2(format, message.voter, "meta_nodes.voter", true)?,
        labels: if format >= 2 {
            labels(message.labels)?
        } else {
            Default::default()
        },
    })
}

pub(super) fn pending_message(pending: &Pending) -> proto::Pending {
    proto::Pending {
        incarnation: Some(pending.incarnation.0.to_vec()),
        raft_id: Some(pending.raft_id.0),
        http: Some(host_port(&pending.http)),
        raft: Some(host_port(&pending.raft)),
        voter: Some(pending.voter),
    }
}

pub(super) fn pending(message: proto::Pending) -> Result<Pending, BadField> {
    Ok(Pending {
        incarnation: Incarnation(required_id(message.incarnation, "pendings.incarnation")?),
        raft_id: RaftId(required(message.raft_id, "pendings.raft_id")?),
        http: required_address(message.http, "pendings.http")?,
        raft: required_address(message.raft, "pendings.raft")?,
        voter: required(message.voter, "pendings.voter")?,
    })
}

pub(super) fn tombstone_message(format: u32, tombstone: &Tombstone) -> proto::Tombstone {
    proto::Tombstone {
        incarnation: Some(tombstone.incarnation.0.to_vec()),
        raft_id: Some(tombstone.raft_id.0),
        why: Some(removed_why_number(tombstone.why)),
        at: Some(tombstone.at.0),
        by: (format >= 2).then(|| tombstone.by.clone()),
    }
}

pub(super) fn tombstone(format: u32, message: proto::Tombstone) -> Result<Tombstone, BadField> {
    Ok(Tombstone {
        incarnation: Incarnation(required_id(message.incarnation, "tombstones.incarnation")?),
        raft_id: RaftId(required(message.raft_id, "tombstones.raft_id")?),
        why: required_why(message.why, "tombstones.why")?,
        at: UnixNanos(required(message.at, "tombstones.at")?),
        by: since_2(format, message.by, "tombstones.by", String::new())?,
    })
}

/// Reads a field that format 2 added. `before` is its value in format 1.
fn since_2<T>(format: u32, field: Option<T>, name: &'static str, before: T) -> Result<T, BadField> {
    if format >= 2 {
        required(field, name)
    } else {
        Ok(before)
    }
}
