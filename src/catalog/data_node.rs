//! Data nodes, and look-ups by their addresses.

use std::collections::BTreeMap;

use super::Catalog;
use crate::base::{NodeId, Text};

/// A member of the cluster that stores shards. Its addresses are kept as it names them, and
/// compared byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct DataNode {
    pub id: NodeId,
    /// Address for writes and queries of clients: `data-1:8086`.
    pub http: Text,
    /// Address for other nodes of the cluster: `data-1:8088`. Unique.
    pub tcp: Text,
    /// Labels set by operators (`influxd-ctl node-labels`); they stay with the node id.
    pub labels: BTreeMap<String, String>,
}

impl Catalog {
    pub fn data_node_by_tcp(&self, tcp: &Text) -> Option<&DataNode> {
        self.data_nodes.values().find(|node| node.tcp == *tcp)
    }

    /// Whether a node is passive: it takes writes and passes them on, and is given no shards. A
    /// node that has become passive keeps its shards until they are moved.
    pub fn is_passive(&self, node: &DataNode) -> bool {
        self.passive.contains(&node.tcp)
    }

    /// Data nodes that may be given shards, by id.
    pub fn active_data_nodes(&self) -> impl Iterator<Item = &DataNode> {
        self.data_nodes
            .values()
            .filter(|node| !self.is_passive(node))
    }
}
