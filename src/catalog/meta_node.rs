//! Meta nodes, and look-ups by each of their keys.

use std::collections::BTreeMap;

use super::{Catalog, Pending};
use crate::base::{Address, Incarnation, NodeId, RaftId};

/// A member of the cluster. `show` prints its `id`, Raft knows it as `raft_id`, and a volume proves
/// by `incarnation` that it is this member.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaNode {
    pub id: NodeId,
    pub http: Address,
    pub raft: Address,
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
    /// Whether it is to vote. A node that is not to vote, or that exceeds the maximum number of
    /// voters, is a learner.
    pub voter: bool,
    /// Labels set by operators (`influxd-ctl node-labels`); they stay with the node id.
    pub labels: BTreeMap<String, String>,
}

/// Look-ups by scanning: there are few meta nodes, so a scan is the fastest index.
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
