//! Meta nodes, and finding one by each of its names.

use std::collections::BTreeMap;

use super::{Catalog, Pending};
use crate::base::{Address, Incarnation, NodeId, RaftId};

/// A member: `show` prints its `id`, Raft knows it as `raft_id`, a volume proves to be it by
/// `incarnation`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaNode {
    pub id: NodeId,
    pub http: Address,
    pub raft: Address,
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
    /// Whether it is to vote. One that is not, or that is one too many, follows as a learner.
    pub voter: bool,
    /// Set by people (`influxd-ctl node-labels`); they stay with the node id.
    pub labels: BTreeMap<String, String>,
}

/// There are a handful of meta nodes: a scan is the fastest index.
impl Catalog {
    pub fn meta_node_by_raft_id(&self, raft_id: RaftId) -> Option<&MetaNode> {
        self.meta_nodes
            .values()
            .find(|node| node.raft_id == raft_id)
    }

    pub fn meta_node_by_http(&self, http: &Address) -> Option<&MetaNode> {
        self.meta_nodes.values().find(|node| node.http == *http)
    }

    pub fn meta_node_by_raft(&self, raft: &Address) -> Option<&MetaNode> {
        self.meta_nodes.values().find(|node| node.raft == *raft)
    }

    pub fn pending_by_raft_id(&self, raft_id: RaftId) -> Option<&Pending> {
        self.pendings
            .values()
            .find(|pending| pending.raft_id == raft_id)
    }

    pub fn meta_node_by_incarnation(&self, incarnation: Incarnation) -> Option<&MetaNode> {
        self.meta_nodes
            .values()
            .find(|node| node.incarnation == incarnation)
    }
}
