//! Data nodes, and finding one by its addresses.

use std::collections::BTreeMap;

use super::Catalog;
use crate::base::{NodeId, Text};

/// A member of the cluster that stores shards. Its addresses are its own words, compared byte for
/// byte.
#[derive(Clone, Debug, PartialEq)]
pub struct DataNode {
    pub id: NodeId,
    /// Where clients write and query: `data-1:8086`.
    pub http: Text,
    /// Where nodes of the cluster speak to it: `data-1:8088`. Unique.
    pub tcp: Text,
    /// Set by people (`influxd-ctl node-labels`); they stay with the node id.
    pub labels: BTreeMap<String, String>,
}

impl Catalog {
    pub fn data_node_by_tcp(&self, tcp: &Text) -> Option<&DataNode> {
        self.data_nodes.values().find(|node| node.tcp == *tcp)
    }

    /// A passive node takes writes and passes them on: it is given no shard. One that has become
    /// passive keeps those that it has, until they are moved.
    pub fn is_passive(&self, node: &DataNode) -> bool {
        self.passive.contains(&node.tcp)
    }

    /// Those that may be given shards, by id.
    pub fn active_data_nodes(&self) -> impl Iterator<Item = &DataNode> {
        self.data_nodes
            .values()
            .filter(|node| !self.is_passive(node))
    }
}
