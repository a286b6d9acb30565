//! Meta nodes, and finding one by each of its names.

use super::Catalog;
use crate::base::{Address, Incarnation, NodeId, RaftId};

/// A member: `show` prints its `id`, Raft knows it as `raft_id`, a volume proves to be it by `incarnation`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaNode {
    pub id: NodeId,
    pub http: Address,
    pub raft: Address,
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
}

/// There are a handful of meta nodes: a scan is the fastest index.
impl Catalog {
    pub fn meta_node_by_raft_id(&self, raft_id: RaftId) -> Option<&MetaNode> {
        self.meta_nodes.values().find(|node| node.raft_id == raft_id)
    }

    pub fn meta_node_by_http(&self, http: &Address) -> Option<&MetaNode> {
        self.meta_nodes.values().find(|node| node.http == *http)
    }

    pub fn meta_node_by_raft(&self, raft: &Address) -> Option<&MetaNode> {
        self.meta_nodes.values().find(|node| node.raft == *raft)
    }

    pub fn meta_node_by_incarnation(&self, incarnation: Incarnation) -> Option<&MetaNode> {
        self.meta_nodes.values().find(|node| node.incarnation == incarnation)
    }
}
