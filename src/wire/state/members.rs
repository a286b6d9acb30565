//! The cluster and its nodes, to and from their messages.

use crate::base::{ClusterId, Incarnation, NodeId, RaftId, UnixNanos};
use crate::catalog::{Cluster, MetaNode, Pending, RemovedWhy, Tombstone};
use crate::wire::convert::{BadField, host_port, required, required_address, required_id};
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

pub(super) fn meta_node_message(node: &MetaNode) -> proto::MetaNode {
    proto::MetaNode {
        id: Some(node.id.0),
        http: Some(host_port(&node.http)),
        raft: Some(host_port(&node.raft)),
        raft_id: Some(node.raft_id.0),
        incarnation: Some(node.incarnation.0.to_vec()),
    }
}

pub(super) fn meta_node(message: proto::MetaNode) -> Result<MetaNode, BadField> {
    Ok(MetaNode {
        id: NodeId(required(message.id, "meta_nodes.id")?),
        http: required_address(message.http, "meta_nodes.http")?,
        raft: required_address(message.raft, "meta_nodes.raft")?,
        raft_id: RaftId(required(message.raft_id, "meta_nodes.raft_id")?),
        incarnation: Incarnation(required_id(message.incarnation, "meta_nodes.incarnation")?),
        voter: true,
        labels: Default::default(),
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

pub(super) fn tombstone_message(tombstone: &Tombstone) -> proto::Tombstone {
    proto::Tombstone {
        incarnation: Some(tombstone.incarnation.0.to_vec()),
        raft_id: Some(tombstone.raft_id.0),
        why: Some(match tombstone.why {
            RemovedWhy::Removed => 1,
            RemovedWhy::Replaced => 2,
            RemovedWhy::Unseen => 3,
            RemovedWhy::Restored => 4,
        }),
        at: Some(tombstone.at.0),
    }
}

pub(super) fn tombstone(message: proto::Tombstone) -> Result<Tombstone, BadField> {
    Ok(Tombstone {
        incarnation: Incarnation(required_id(message.incarnation, "tombstones.incarnation")?),
        raft_id: RaftId(required(message.raft_id, "tombstones.raft_id")?),
        why: match required(message.why, "tombstones.why")? {
            1 => RemovedWhy::Removed,
            2 => RemovedWhy::Replaced,
            3 => RemovedWhy::Unseen,
            4 => RemovedWhy::Restored,
            _ => return Err(BadField::Value("tombstones.why")),
        },
        at: UnixNanos(required(message.at, "tombstones.at")?),
        by: String::new(),
    })
}
